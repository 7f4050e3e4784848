/** What a fake LM Studio has on disk and in memory, and how badly it loads and unloads. */
import type { FakeModel } from "./lmstudio.ts";

export interface FakeInstance {
  id: string;
  key: string;
  config: Record<string, unknown>;
  ttlMs?: number;
}

/** How loading a model fares. */
export type Loading =
  | "loads"
  /** Two instances of it. */
  | "twice"
  /** It says that it is loaded, and it is not. */
  | "nothing"
  /** Another model comes instead. */
  | { wrong: string }
  /** A body with an error, status 200 unless told otherwise. */
  | { error: unknown; status?: number };

export interface ModelQuirks {
  /** @default {"loads"} */
  loading?: (key: string, config: Record<string, unknown>) => Loading | Promise<Loading>;
  /** Unloading says that all is well and does nothing. */
  sticky?: (id: string) => boolean;
  /** A chat request makes this model appear beside, once. */
  jit?: (model: string) => string | undefined;
}

/** The models of a fake. `fakeLmStudio` serves them by REST, `fakeLms` by command; both see the same memory. */
export interface FakeModels {
  readonly known: readonly FakeModel[];
  readonly instances: FakeInstance[];
  /** What was asked for, in order: `load a`, `unload a`. */
  readonly calls: string[];
  load(key: string, config: Record<string, unknown>, id?: string): Promise<Loading>;
  unload(id: string): boolean;
  /** What a chat request does to memory. */
  asked(model: string): void;
}

export function fakeModels(known: readonly FakeModel[], quirks: ModelQuirks = {}): FakeModels {
  const instances: FakeInstance[] = [];
  const calls: string[] = [];
  const jitted = new Set<string>();
  const put = (key: string, config: Record<string, unknown> = {}, id?: string) => {
    let name = id ?? key;
    for (let number = 2; instances.some((instance) => instance.id === name); number++) name = `${key}:${number}`;
    instances.push({ id: name, key, config: { context_length: 4096, ...config } });
  };
  for (const { key, loaded, contextLength } of known) {
    if (loaded) put(key, { context_length: contextLength ?? 8192 });
  }
  return {
    known,
    instances,
    calls,
    async load(key, config, id) {
      calls.push(`load ${key}`);
      if (!known.some((model) => model.key === key)) return { error: { message: `Model not found: ${key}` } };
      const loading = await quirks.loading?.(key, config) ?? "loads";
      if (loading === "loads" || loading === "twice") put(key, config, id);
      if (loading === "twice") put(key, config);
      if (typeof loading === "object" && "wrong" in loading) put(loading.wrong, config);
      return loading;
    },
    unload(id) {
      calls.push(`unload ${id}`);
      const at = instances.findIndex((instance) => instance.id === id);
      if (at >= 0 && !quirks.sticky?.(id)) instances.splice(at, 1);
      return at >= 0;
    },
    asked(model) {
      const beside = quirks.jit?.(model);
      if (beside === undefined || jitted.has(model)) return;
      jitted.add(model);
      put(beside);
    },
  };
}
