/** Texts that a model did not see in training, for comparing models on: conversations or plain text. */
import { z } from "zod";
import { readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import { ChatMessage } from "../records.ts";

/** A conversation, or a text without turns. */
export type HeldOut = readonly ChatMessage[] | string;

/** A row of a dataset: as chat, as prompt and completion, or as text. */
const Row = z.union([
  z.object({ messages: z.array(ChatMessage).min(1) }).transform(({ messages }): HeldOut => messages),
  z.object({ prompt: z.string(), completion: z.string() }).transform((row): HeldOut => row.prompt + row.completion),
  z.object({ text: z.string().min(1) }).transform(({ text }): HeldOut => text),
]);

/**
 * Rows of a JSON Lines file, evenly over its length, in order; all of them where it has fewer.
 *
 * @throws {UserError} a file that cannot be read, or a row that is neither chat nor text.
 */
export async function readHeldOut(
  path: string,
  count: number,
  { signal, emit }: Pick<Context, "signal" | "emit">,
): Promise<HeldOut[]> {
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  const rows = await Array.fromAsync(readJsonl(path, Row, { signal, onTorn }));
  if (rows.length <= count) return rows;
  return Array.from({ length: count }, (_, at) => rows[Math.floor(at * rows.length / count)] ?? "");
}

/** What is said, without names of roles or marks of a template: llama-perplexity would read these as plain characters. */
export function proseOf(rows: readonly HeldOut[]): string {
  return rows.map((row) =>
    typeof row === "string"
      ? row.trim()
      : row.filter(({ role }) => role !== "system").map(({ content }) => content.trim()).join("\n\n")
  ).join("\n\n") + "\n";
}

/** Conversations up to the last thing that was asked: what a model is to answer. */
export function questionsOf(rows: readonly HeldOut[], count: number): ChatMessage[][] {
  return rows.flatMap((row) => {
    if (typeof row === "string") return [];
    const last = row.findLastIndex(({ role }) => role === "user");
    return last < 0 ? [] : [row.slice(0, last + 1)];
  }).slice(0, count);
}
