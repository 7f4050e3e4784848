/** What a server has on disk and in memory, from whichever list says most. */
import { z } from "zod";
import { refusal } from "./errors.ts";
import type { Lms, LmsInstance } from "./lms.ts";
import { type Access, requestJson } from "./load_request.ts";
import type { ServerAddress } from "./server.ts";

/** A model in memory. */
export interface Instance {
  /** The name that requests use. */
  readonly id: string;
  /** The model that it is. */
  readonly key: string;
  /** With the names of LM Studio's REST API: `context_length`, `parallel` … */
  readonly config: Readonly<Record<string, unknown>>;
  /** It goes by itself when nobody used it for that long. */
  readonly ttlMs?: number;
}

/** A model on the server's disk. */
export interface Downloaded {
  readonly key: string;
  readonly contextLength?: number;
}

/** A model that is no candidate, and why. */
export interface Skipped {
  readonly key: string;
  readonly reason: "embeddings" | "remote" | "not a chat model";
}

export interface ListedModel extends Downloaded {
  readonly type: string | undefined;
  readonly architecture: string | undefined;
  readonly remote: boolean;
}

export interface Listing {
  readonly api: "v1" | "v0" | "lms" | "openai";
  /** Whether LM Studio answers, or another server that speaks its language. */
  readonly lmstudio: boolean;
  readonly models: readonly ListedModel[];
  /** Language models in memory. */
  readonly instances: Instance[];
}

const optional = <T>(schema: z.ZodType<T>) => schema.nullish().catch(undefined);
const V1Row = z.object({
  key: z.string(),
  type: optional(z.string()),
  architecture: optional(z.string()),
  deviceIdentifier: optional(z.string()),
  device_identifier: optional(z.string()),
  max_context_length: optional(z.number()),
  loaded_instances: z.array(z.object({ id: z.string(), config: z.record(z.string(), z.unknown()).catch({}) })).catch(
    [],
  ),
});
const V0Row = z.object({
  id: z.string(),
  type: z.string(),
  state: z.string(),
  arch: optional(z.string()),
  max_context_length: optional(z.number()),
  loaded_context_length: optional(z.number()),
});
const OpenAiRow = z.object({ id: z.string() });
const V1 = z.object({ models: z.array(z.unknown()) });
const List = z.object({ data: z.array(z.unknown()) });

/**
 * The models of a server. Told by shape alone: LM Studio answers 200 to routes that it does not have.
 *
 * @throws {ChatError} where nobody answers, the token is refused or there is no list.
 */
export async function listing(address: ServerAddress, access: Access, lms: Lms | undefined): Promise<Listing> {
  const get = (path: string) => requestJson(address, access, path);
  const v1 = V1.safeParse(await get("/api/v1/models"));
  if (v1.success) {
    const rows = v1.data.models.flatMap((row) => V1Row.safeParse(row).data ?? []);
    const models = rows.map((row) =>
      listed(row.key, row.type, row.architecture, row.max_context_length, {
        remote: Boolean(row.deviceIdentifier ?? row.device_identifier),
      })
    );
    const instances = rows.filter((row, index) => isLanguage(models[index], row.type)).flatMap((row) =>
      row.loaded_instances.map(({ id, config }) => ({ id, key: row.key, config }))
    );
    return { api: "v1", lmstudio: true, models, instances };
  }
  const v0 = List.safeParse(await get("/api/v0/models"));
  const rows = v0.success ? v0.data.data.flatMap((row) => V0Row.safeParse(row).data ?? []) : [];
  const lmstudio = rows.length > 0 ||
    z.object({ lmstudio: z.literal(true) }).safeParse(await get("/lmstudio-greeting")).success;
  const [known, running] = lmstudio && lms
    ? await Promise.all([lms.models().catch(() => undefined), lms.loaded().catch(() => undefined)])
    : [];
  if (known && running) {
    const models = known.map((m) =>
      listed(m.modelKey, m.type, m.architecture, m.maxContextLength, { remote: Boolean(m.deviceIdentifier) })
    );
    return { api: "lms", lmstudio, models, instances: running.filter((m) => !/embed/i.test(m.type)).map(instance) };
  }
  if (rows.length > 0) {
    const models = rows.map((row) => listed(row.id, row.type, row.arch, row.max_context_length));
    const instances = rows.filter((row, index) => row.state === "loaded" && isLanguage(models[index], row.type))
      .map((row) => ({ id: row.id, key: row.id, config: context(row.loaded_context_length) }));
    return { api: "v0", lmstudio, models, instances };
  }
  const path = address.openai.slice(address.root.length);
  const body = await get(`${path}/models`);
  const list = List.safeParse(body);
  if (!list.success) throw refusal({ server: address.shown, model: "", status: 404, body });
  const models = list.data.data.flatMap((row) => OpenAiRow.safeParse(row).data ?? [])
    .map(({ id }) => listed(id, undefined, undefined, undefined));
  return { api: "openai", lmstudio, models, instances: [] };
}

/** File kinds that LM Studio lists beside chat models, by the names that they go by. */
const NO_CHAT =
  /(?:^|[^a-z])(?:mmproj|clip|siglip|vae|t5xxl|flux|sdxl|stable-?diffusion|whisper|vocoder|tts|imatrix)(?![a-z])/i;

/** Why a model is no candidate, if it is none. The type can be wrong, so the name is looked at too. */
export function chatFault(model: ListedModel): Skipped["reason"] | undefined {
  if (/embed|rerank/i.test(`${model.type} ${model.key}`) || /bert/i.test(model.architecture ?? "")) return "embeddings";
  if (model.remote) return "remote";
  if (model.type !== undefined && !/^(?:llm|vlm)$/i.test(model.type)) return "not a chat model";
  return NO_CHAT.test(model.key) || NO_CHAT.test(model.architecture ?? "") ? "not a chat model" : undefined;
}

function isLanguage(model: ListedModel | undefined, type: string | null | undefined): boolean {
  return model !== undefined && chatFault(model) !== "embeddings" && !/embed/i.test(type ?? "");
}

function listed(
  key: string,
  type: string | null | undefined,
  architecture: string | null | undefined,
  contextLength: number | null | undefined,
  { remote = false }: { remote?: boolean } = {},
): ListedModel {
  return {
    key,
    type: type ?? undefined,
    architecture: architecture ?? undefined,
    remote,
    ...(contextLength ? { contextLength } : {}),
  };
}

function instance({ identifier, modelKey, contextLength, parallel, ttlMs }: LmsInstance): Instance {
  return {
    id: identifier,
    key: modelKey,
    config: { ...context(contextLength), ...(parallel === undefined ? {} : { parallel }) },
    ...(ttlMs ? { ttlMs } : {}),
  };
}

function context(length: number | null | undefined): Record<string, unknown> {
  return length ? { context_length: length } : {};
}
