import { z } from "zod";
import { messageOf } from "../core/errors.ts";
import { type ChatError, refusal, unreachable } from "./errors.ts";
import { type ServerAddress, serverAddress } from "./server.ts";

/** A model that a server knows. */
export interface ServerModel {
  readonly id: string;
  readonly kind: "llm" | "embedding" | "unknown";
  /** `undefined` where the server does not say. */
  readonly loaded: boolean | undefined;
  /** Names under which it is loaded, where the server tells them. */
  readonly instances: readonly string[];
  readonly contextLength?: number;
}

export interface ModelList {
  /** Which listing answered; the first two are LM Studio's own. */
  readonly api: "lmstudio-v1" | "lmstudio-v0" | "openai";
  readonly models: readonly ServerModel[];
}

interface Access {
  readonly fetch: typeof fetch;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal;
}

const V1 = z.object({
  models: z.array(z.object({
    type: z.string().optional(),
    key: z.string(),
    loaded_instances: z.array(z.object({ id: z.string() })).catch([]),
    max_context_length: z.number().optional().catch(undefined),
  })),
});
const V0 = z.object({
  data: z.array(z.object({
    id: z.string(),
    type: z.string(),
    state: z.string(),
    max_context_length: z.number().optional().catch(undefined),
  })),
});
const OpenAiList = z.object({
  data: z.array(z.object({ id: z.string(), owned_by: z.string().optional().catch(undefined) })),
});

/** The models of a server, from the listing that says most: LM Studio's v1, its v0, else OpenAI's. Told by shape alone. */
export async function listModels(address: ServerAddress, access: Access): Promise<ModelList> {
  const v1 = V1.safeParse(await get(`${address.root}/api/v1/models`, access, address).catch(onlyUnreachable));
  if (v1.success) {
    return {
      api: "lmstudio-v1",
      models: v1.data.models.map((m) =>
        model(
          m.key,
          m.type,
          m.loaded_instances.length > 0,
          m.max_context_length,
          m.loaded_instances.map(({ id }) => id),
        )
      ),
    };
  }
  const v0 = V0.safeParse(await get(`${address.root}/api/v0/models`, access, address).catch(onlyUnreachable));
  if (v0.success) {
    return {
      api: "lmstudio-v0",
      models: v0.data.data.map((m) => model(m.id, m.type, m.state === "loaded", m.max_context_length)),
    };
  }
  const body = await get(`${address.openai}/models`, access, address);
  const list = OpenAiList.safeParse(body);
  if (!list.success) throw refusal({ server: address.shown, model: "", status: 404, body });
  return { api: "openai", models: list.data.data.map((m) => model(m.id, undefined, undefined)) };
}

function model(
  id: string,
  type: string | undefined,
  loaded: boolean | undefined,
  context?: number,
  instances: readonly string[] = [],
): ServerModel {
  // The type can be wrong (rerankers and "embeddinggemma" appear as llm), so the name is looked at too.
  const kind = /embed|rerank/i.test(`${type} ${id}`) ? "embedding" : type === undefined ? "unknown" : "llm";
  return { id, kind, loaded, instances, ...(context === undefined ? {} : { contextLength: context }) };
}

function onlyUnreachable(error: unknown): undefined {
  if (error instanceof Error && "kind" in error && (error.kind === "unreachable" || error.kind === "unauthorized")) {
    throw error;
  }
  return undefined;
}

/** The JSON body of a GET, whatever the status; a refusal for 401 and 403, which no other route would change. */
async function get(url: string, { fetch, token, signal }: Access, address: ServerAddress): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      headers: { accept: "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(signal ? { signal } : {}),
    });
    text = await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(address.shown, error);
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (response.status === 401 || response.status === 403) {
    throw refusal({ server: address.shown, model: "", status: response.status, body });
  }
  return body;
}

/** What a doctor needs to know of a server. */
export interface ServerStatus {
  readonly url: string;
  readonly reachable: boolean;
  /** True where LM Studio answers, false for another server, `undefined` where none answers. */
  readonly lmstudio: boolean | undefined;
  /** Ids of all language models that it lists. */
  readonly models: readonly string[];
  /** Ids of those that are loaded; for a server that does not say, all of them. */
  readonly loaded: readonly string[];
  /** Why it cannot be used. */
  readonly problem?: string;
  readonly hint?: string;
}

/** Looks at a server without ever failing: waits three seconds at most. */
export async function serverStatus(
  url: string,
  access: { fetch: typeof fetch; token?: string | undefined; timeoutMs?: number },
): Promise<ServerStatus> {
  let shown = url;
  try {
    const address = serverAddress(url);
    shown = address.shown;
    const signal = AbortSignal.timeout(access.timeoutMs ?? 3000);
    const { api, models } = await listModels(address, { fetch: access.fetch, token: access.token, signal });
    const usable = models.filter((m) => m.kind !== "embedding");
    return {
      url: shown,
      reachable: true,
      lmstudio: api !== "openai" || await greets(address, { ...access, signal }),
      models: usable.map((m) => m.id),
      loaded: usable.filter((m) => m.loaded !== false).map((m) => m.id),
    };
  } catch (error) {
    const kind = error instanceof Error && "kind" in error ? (error as ChatError).kind : undefined;
    const slow = error instanceof DOMException && error.name === "TimeoutError";
    const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
    return {
      url: shown,
      reachable: kind !== undefined && kind !== "unreachable",
      lmstudio: undefined,
      models: [],
      loaded: [],
      problem: slow ? `Cannot reach ${shown}: no answer in time` : messageOf(error),
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

/** LM Studio says who it is, even where it lists models in OpenAI's form only. */
async function greets(address: ServerAddress, access: Access): Promise<boolean> {
  const body = await get(`${address.root}/lmstudio-greeting`, access, address).catch(() => undefined);
  return z.object({ lmstudio: z.literal(true) }).safeParse(body).success;
}
