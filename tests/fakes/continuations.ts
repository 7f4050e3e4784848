/** Continuations for tests of comparisons: openings, what two models made of them, and how the author went on. */
import { join } from "node:path";
import { writeJsonl } from "@/core/jsonl.ts";

const SENTENCES: Readonly<Record<string, (n: number) => string>> = {
  base: (n) => `The man number ${n} went quickly down the long corridor and he closed the heavy door.`,
  tuned: (n) => `You count ${n} lamps. You do not turn. *Not yet*, you think, and the wall hums.`,
  author: (n) => `You wait by lamp ${n}. The wall hums back. *Soon*, it says, and you breathe.`,
};

/** A text of about `words` words in a side's manner; `seed` tells one text from another. */
export function textBy(side: "base" | "tuned" | "author", words: number, seed: number): string {
  const sentences: string[] = [];
  for (let n = seed * 100, count = 0; count < words; n++) {
    const sentence = SENTENCES[side]?.(n) ?? "";
    sentences.push(sentence);
    count += sentence.split(" ").length;
  }
  return sentences.join(" ");
}

export function opening(n: number): string {
  return `You come to gate ${n}. Nobody is there, and the lamp swings.`;
}

/** Writes what `gaea:voice` and `gaea:prepare` would: both sides, training and validation examples. */
export async function writeContinuations(
  folder: string,
  prompts: number,
  textOf: typeof textBy = textBy,
): Promise<{ base: string; tuned: string; author: string }> {
  const paths = {
    base: join(folder, "base.jsonl"),
    tuned: join(folder, "tuned.jsonl"),
    author: join(folder, "visions_training.jsonl"),
  };
  const numbers = Array.from({ length: prompts }, (_, n) => n);
  for (const side of ["base", "tuned"] as const) {
    await writeJsonl(
      paths[side],
      numbers.map((n) => ({ prompt_id: `p${n}`, prompt: opening(n), sample: 0, text: textOf(side, 60 + n, n) })),
    );
  }
  const example = (prefix: string, completion: string) => ({
    messages: [{ role: "user", content: prefix }, { role: "assistant", content: completion }],
  });
  await writeJsonl(paths.author, numbers.map((n) => example(opening(900 + n), textOf("author", 200, 900 + n))));
  await writeJsonl(
    join(folder, "validation.jsonl"),
    numbers.map((n) => example(opening(n), textOf("author", 90, 500 + n))),
  );
  return paths;
}
