/** Models of the Hugging Face hub: what transformers has fetched of them, and their small files. */
import { join } from "node:path";
import { messageOf } from "../core/errors.ts";
import { exists, writeFileAtomic } from "../core/files.ts";
import { hubHome, hubToken } from "../core/hub_login.ts";
import { cacheDir } from "../core/paths.ts";
import type { Context } from "../core/step.ts";

const HUB = "https://huggingface.co";
/** Of small files; the largest is a tokenizer.json of 33 MB. */
const TIMEOUT_MS = 60_000;

/** What tells the size, the tokens and the template of a model; no weights. */
export const SMALL_FILES = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "generation_config.json",
  "chat_template.jinja",
] as const;

/**
 * The folder in which transformers keeps a model that it fetched, for the branch "main": `HF_HUB_CACHE`, else `hub` in
 * `HF_HOME`, else in `huggingface` of the user's cache. Undefined where it was never fetched.
 */
export async function snapshotFolder(id: string, env: Context["env"]): Promise<string | undefined> {
  const root = env.HF_HUB_CACHE || join(hubHome(env), "hub");
  const model = join(root, `models--${id.replaceAll("/", "--")}`);
  const commit = await Deno.readTextFile(join(model, "refs", "main")).catch(() => undefined);
  if (commit === undefined) return undefined;
  const folder = join(model, "snapshots", commit.trim());
  return await exists(join(folder, "config.json")) ? folder : undefined;
}

/** What came of asking the hub. */
export type HubAnswer =
  | { readonly kind: "found"; readonly folder: string }
  | { readonly kind: "refused" | "unreachable" | "no-config"; readonly message: string };

/**
 * A folder with the small files of a model of the hub: fetched once, then kept in Voiceworks' cache. `HF_ENDPOINT`,
 * `HF_TOKEN` (or the token of `hf auth login`) and `HF_HUB_OFFLINE` are heeded.
 */
export async function fetchSmallFiles(
  id: string,
  context: Pick<Context, "fetch" | "env" | "signal">,
): Promise<HubAnswer> {
  const folder = join(cacheDir(context.env), "bases", id.replaceAll("/", "--"));
  if (await exists(join(folder, "config.json"))) return { kind: "found", folder };
  if (/^(1|true|yes|on)$/i.test(context.env.HF_HUB_OFFLINE ?? "")) {
    return { kind: "unreachable", message: "HF_HUB_OFFLINE forbids to ask the hub" };
  }
  const texts = new Map<string, string>();
  for (const name of SMALL_FILES) {
    const answer = await fetchFile(id, name, context);
    if (typeof answer === "object") return answer;
    if (answer !== undefined) texts.set(name, answer);
    else if (name === "config.json") {
      return { kind: "no-config", message: `the hub has no config.json of ${id}: it is no model for transformers` };
    }
  }
  // config.json last: its presence says that all is there.
  for (const [name, text] of [...texts].reverse()) await writeFileAtomic(join(folder, name), text);
  return { kind: "found", folder };
}

/** A file's text; undefined where the model has none of that name. */
async function fetchFile(
  id: string,
  name: string,
  { fetch, env, signal }: Pick<Context, "fetch" | "env" | "signal">,
): Promise<string | undefined | Exclude<HubAnswer, { kind: "found" }>> {
  const token = await hubToken(env);
  const url = `${(env.HF_ENDPOINT || HUB).replace(/\/+$/, "")}/${id}/resolve/main/${name}`;
  try {
    const response = await fetch(url, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (response.ok) return await response.text();
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    // The hub answers 401 to a stranger who asks for what does not exist.
    if (response.status === 401 || response.status === 403) {
      return {
        kind: "refused",
        message: `the hub has no model ${id}, or it is not open to you (${response.status})`,
      };
    }
    return { kind: "unreachable", message: `${url} answered ${response.status}` };
  } catch (error) {
    if (signal.aborted) throw error;
    return { kind: "unreachable", message: `${url} cannot be reached (${messageOf(error)})` };
  }
}
