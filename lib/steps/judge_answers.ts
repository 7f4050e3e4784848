/** What every step with a judge does alike: it asks a server by address, and asks for nothing that it was told before. */
import type { z } from "zod";
import { readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import type { ChatEngine } from "../llm/chat.ts";
import { openaiEngine } from "../llm/openai.ts";
import { apiToken, serverAddress } from "../llm/server.ts";

/** A judge model at a server. */
export function judgeEngine(
  { url, model }: { readonly url: string; readonly model: string },
  { fetch, env }: Pick<Context, "fetch" | "env">,
): ChatEngine {
  return openaiEngine({ address: serverAddress(url), model, fetch, token: apiToken(env), name: "judge" });
}

/** What a judge said in earlier runs, by the hash of all that it was asked; a torn last line was never said. */
export async function readKept<Kept extends { readonly hash: string }>(
  path: string,
  schema: z.ZodType<Kept>,
  signal: AbortSignal,
): Promise<Map<string, Kept>> {
  const kept = new Map<string, Kept>();
  if (!await Deno.stat(path).then(() => true, () => false)) return kept;
  for await (const row of readJsonl(path, schema, { signal, onTorn: () => {} })) kept.set(row.hash, row);
  return kept;
}
