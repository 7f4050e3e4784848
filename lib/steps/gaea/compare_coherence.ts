/** Bits per byte of the tuned model's text and of the author's, under a language model that is neither. */
import { basename, join } from "node:path";
import { writeFileAtomic } from "../../core/files.ts";
import type { Context } from "../../core/step.ts";
import type { CoherenceInput } from "../../evaluation/style/gate_coherence.ts";
import { measurePerplexity } from "../../llm/perplexity.ts";

/** Tokens of a chunk. */
const CONTEXT = 512;

/** @throws {UserError} a model that does not load, or a text of a few words only. */
export async function askLanguageModel(
  model: string,
  { tuned, hold }: { tuned: readonly string[]; hold: readonly string[] },
  context: Context,
): Promise<NonNullable<CoherenceInput["languageModel"]>> {
  const folder = await Deno.makeTempDir({ prefix: "voiceworks_coherence_" });
  try {
    const score = async (name: string, texts: readonly string[]) => {
      const text = join(folder, `${name}.txt`);
      await writeFileAtomic(text, texts.join("\n\n"));
      return await measurePerplexity({ model, text, contextSize: CONTEXT }, context);
    };
    const author = await score("author", hold);
    const { bitsPerByte } = await score("tuned", tuned);
    const chunks = author.perChunk.map(({ nll, tokens, bytes }) => nll * tokens / (Math.LN2 * bytes));
    return { name: basename(model), tuned: bitsPerByte, hold: chunks };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
