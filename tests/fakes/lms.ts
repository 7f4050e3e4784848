/**
 * A fake `lms`: answers as the real one does, on the memory of a fake LM Studio. It takes the first of all models that
 * roughly fit the name, says yes (0) to unloading what is not there, and talks on standard error.
 */
import type { Answer } from "@/core/exec.ts";
import type { FakeModels } from "./lmstudio_models.ts";

export interface FakeLmsOptions {
  /** Where it lies; any other command is not installed. @default {"lms"} */
  command?: string;
  /** An lms that knows no --exact. */
  old?: boolean;
  /** Models of linked machines, by key. */
  remote?: readonly string[];
  /** Writes log lines into standard output too, before its JSON. */
  talkative?: boolean;
}

export interface FakeLms {
  ask(command: string, args: readonly string[]): Promise<Answer | undefined>;
  /** Every call, as one line. */
  readonly calls: string[];
}

export function fakeLms(models: FakeModels, options: FakeLmsOptions = {}): FakeLms {
  const calls: string[] = [];
  const ok = (stdout = "", stderr = ""): Answer => ({ code: 0, stdout, stderr });
  const no = (stderr: string): Answer => ({ code: 1, stdout: "", stderr });
  const row = ({ key, type = "llm", architecture, contextLength = 8192 }: FakeModels["known"][number]) => ({
    type,
    modelKey: key,
    path: pathOf(key),
    architecture,
    deviceIdentifier: options.remote?.includes(key) ? "f00d" : null,
    maxContextLength: contextLength,
  });
  const json = (rows: unknown[]) =>
    ok(`${options.talkative ? "I  waking up\n" : ""}${JSON.stringify(rows)}`, "I  done");

  async function ask(command: string, args: readonly string[]): Promise<Answer | undefined> {
    if (command !== (options.command ?? "lms")) return undefined;
    calls.push(args.join(" "));
    const [verb, name = ""] = args;
    const flag = (flag: string) => args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
    if (verb === "version") return ok("lms is LM Studio's CLI utility, 0.3.43");
    if (verb === "ls") return json(models.known.map(row));
    if (verb === "ps") {
      return json(models.instances.map(({ id, key, config, ttlMs }) => ({
        ...models.known.filter((model) => model.key === key).map(row)[0],
        identifier: id,
        ttlMs: ttlMs ?? null,
        contextLength: config.context_length,
        parallel: 4,
        status: "idle",
      })));
    }
    if (verb === "unload") {
      models.unload(name);
      return ok(); // 0 for an id that it does not know, too.
    }
    if (verb !== "load") return no(`error: unknown command '${verb}'`);
    const exact = args.includes("--exact");
    if (exact && options.old) return no("error: unknown option '--exact'");
    const hits = models.known.filter(({ key }) => exact ? pathOf(key) === name : fuzzy(name, pathOf(key)));
    const [hit] = hits;
    if (!hit) return no(`Error: Model not found\n\nNo model found that matches path "${name}".`);
    const context = flag("--context-length");
    const loading = await models.load(
      hit.key,
      context ? { context_length: Number(context) } : {},
      flag("--identifier"),
    );
    if (typeof loading === "object" && "error" in loading) {
      return no(`\x1b[31mError\x1b[0m: ${JSON.stringify(loading.error)}`);
    }
    const ttl = flag("--ttl");
    const made = models.instances.at(-1);
    if (made && ttl) made.ttlMs = Number(ttl) * 1000;
    return ok("", hits.length > 1 ? `W  ${hits.length} models match the provided path. Loading the first one.` : "");
  }
  return { ask, calls };
}

function pathOf(key: string): string {
  return `${key}/${key.split("/").at(-1)}-Q4_K_M.gguf`;
}

/** All letters in order, with anything between. */
function fuzzy(name: string, path: string): boolean {
  let at = 0;
  for (const letter of path) if (letter === name[at]) at++;
  return at === name.length;
}
