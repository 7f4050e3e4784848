/** Who asks the Hugging Face hub, as its own tools (`hf`, transformers) find it. */
import { join } from "node:path";
import type { Context } from "./step.ts";

/** The hub's folder of this user: `HF_HOME`, else `huggingface` in the user's cache folder. */
export function hubHome(env: Context["env"]): string {
  const home = env.HOME || env.USERPROFILE || "";
  return env.HF_HOME || join(env.XDG_CACHE_HOME || join(home, ".cache"), "huggingface");
}

/** `HF_TOKEN`, else what `hf auth login` left: the file `HF_TOKEN_PATH`, else `token` in {@linkcode hubHome}. */
export async function hubToken(env: Context["env"]): Promise<string | undefined> {
  if (env.HF_TOKEN) return env.HF_TOKEN;
  const path = env.HF_TOKEN_PATH || join(hubHome(env), "token");
  return (await Deno.readTextFile(path).catch(() => "")).trim() || undefined;
}
