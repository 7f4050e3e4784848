/** Chunks as training examples: the opening asks, the rest answers, and nobody tells the model who it is. */
import { z } from "zod";
import { countWords } from "../corpus/paragraphs.ts";
import type { ChatMessage } from "../records.ts";
import { findBoundaries } from "./boundaries.ts";
import { divide } from "./divide.ts";
import { parseManuscript } from "./paragraphs.ts";
import { cutPrefix, type PrefixShares } from "./prefix.ts";

export interface ChunkText {
  readonly file: string;
  readonly text: string;
}

/** A chunk with its cut. */
export interface Draft extends ChunkText {
  readonly words: number;
  readonly prefix: string;
  readonly completion: string;
  /** Share of the characters that the prefix holds, and whether that is what was asked for. */
  readonly share: number;
  readonly inRange: boolean;
  readonly tokens: number;
}

/** A chunk that makes no example. */
export interface RejectedChunk extends ChunkText {
  readonly reason: "too_short" | "no_sentence_end";
  readonly detail: string;
}

/** A chunk that would be cut off in training, with where it may be cut instead. */
export interface LongChunk extends ChunkText {
  readonly tokens: number;
  readonly parts: readonly { readonly words: number; readonly begins: string; readonly why: string }[];
}

/** One side of the table of figures. */
export const ExampleFigures = z.object({
  chunks: z.int(),
  training: z.int(),
  validation: z.int(),
  max_tokens: z.int(),
  avg_tokens: z.number(),
  over_3000: z.int(),
  over_4000: z.int(),
});
export type ExampleFigures = z.infer<typeof ExampleFigures>;

/** The messages of an example: an opening and what follows, without a system prompt. */
export function messagesOf({ prefix, completion }: Pick<Draft, "prefix" | "completion">): ChatMessage[] {
  return [{ role: "user", content: prefix }, { role: "assistant", content: completion }];
}

/** Cuts chunks, and sorts out those that are too small for an example or too long for the model. */
export function draftExamples(
  chunks: readonly ChunkText[],
  { shares, minTokens, limit, count }: {
    shares: PrefixShares;
    minTokens: number;
    limit: number;
    count: (messages: readonly ChatMessage[]) => number;
  },
): { drafts: Draft[]; rejected: RejectedChunk[]; long: LongChunk[] } {
  const drafts: Draft[] = [];
  const rejected: RejectedChunk[] = [];
  const long: LongChunk[] = [];
  for (const chunk of chunks) {
    const cut = cutPrefix(chunk.text, shares);
    if (!cut) {
      rejected.push({ ...chunk, reason: "no_sentence_end", detail: "its first half has no sentence end to cut at" });
      continue;
    }
    const tokens = count(messagesOf(cut));
    if (tokens < minTokens) {
      rejected.push({ ...chunk, reason: "too_short", detail: `${tokens} tokens, the least is ${minTokens}` });
    } else if (tokens > limit) {
      long.push({ ...chunk, tokens, parts: proposeParts(chunk.text, tokens, limit) });
    } else drafts.push({ ...chunk, ...cut, words: countWords(chunk.text), tokens });
  }
  return { drafts, rejected, long };
}

/** Room that a proposed part leaves: words of one length do not make equally many tokens everywhere. */
const ROOM = 0.9;

/** Where a chunk of so many tokens may be cut, so that its parts fit; none where it has no boundary. */
function proposeParts(text: string, tokens: number, limit: number): LongChunk["parts"] {
  const maxWords = Math.max(2, Math.floor(countWords(text) * (limit / tokens) * ROOM));
  const parsed = parseManuscript(text);
  const [first, ...others] = divide(parsed, findBoundaries(parsed), { minWords: Math.floor(maxWords / 3), maxWords });
  const spans = others.length === 0 && first ? first.parts : [first, ...others];
  return spans.flatMap((span) => {
    if (!span) return [];
    const { start = 0, end = 0 } = parsed.paragraphs[span.from] ?? {};
    const begins = text.slice(start, Math.min(end, start + 60)).replace(/\s+/g, " ");
    const why = span.boundary?.reasons.map(({ kind, evidence }) => `${kind}: ${evidence}`).join("; ") ?? "";
    return [{ words: span.words, begins, why }];
  });
}

/** `chunk_015a.txt` → `chunk_015`: the parts of one scene have one name. */
export function sceneId(file: string): string {
  return file.replace(/\.\w+$/, "").replace(/(\d)[a-z]+$/, "$1");
}

/** Figures of token counts, dealt by a ratio that leaves at least one example to learn from. */
export function figuresOf(tokens: readonly number[], sides: { training: number; validation: number }): ExampleFigures {
  return {
    chunks: tokens.length,
    ...sides,
    max_tokens: tokens.reduce((most, count) => Math.max(most, count), 0),
    avg_tokens: tokens.length === 0 ? 0 : tokens.reduce((sum, count) => sum + count, 0) / tokens.length,
    over_3000: tokens.filter((count) => count > 3000).length,
    over_4000: tokens.filter((count) => count > 4000).length,
  };
}
