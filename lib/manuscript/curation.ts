/** A manuscript as chunks, each with why it begins where it does and what it is like. */
import { z } from "zod";
import { sha256 } from "../core/files.ts";
import { italicsProfile } from "../evaluation/pov_italics.ts";
import { povProfile, POVS } from "../evaluation/pov.ts";
import { dialogueRatio } from "../evaluation/pov_dialogue.ts";
import { sceneProfile, SCENES } from "../evaluation/scenes.ts";
import {
  conversations,
  findBoundaries,
  goesOn,
  isClosed,
  isFinished,
  isMarked,
  isTale,
  PAUSE_WORDS,
} from "./boundaries.ts";
import { divide, type Sizes, type Span } from "./divide.ts";
import { type Parsed, parseManuscript } from "./paragraphs.ts";

const share = z.number().min(0).max(1);

/** A chunk as `curation.json` describes it. */
export const CuratedChunk = z.object({
  /** `chunk_015a.txt`. */
  file: z.string(),
  /** Index of the manuscript that it is from. */
  manuscript: z.int().nonnegative(),
  words: z.int().nonnegative(),
  /** What stands in the manuscript between the chunk before and this one: white space, headings, scene breaks. */
  before: z.string(),
  /** Why it begins here, and how sure that is, 0 to 1. */
  reasons: z.array(z.object({
    kind: z.enum(["start", "chapter", "scene break", "time", "place", "topic"]),
    evidence: z.string(),
  })),
  score: share,
  scene: z.enum(SCENES),
  /** Share of its words in passages of each kind of scene. */
  scenes: z.record(z.enum(SCENES), share),
  /** Share of its characters that is spoken. */
  dialogue: share,
  /** Windows of 300 words by who tells them. */
  pov: z.record(z.enum(POVS), z.int().nonnegative()),
  italics: z.object({ monologues: z.int().nonnegative(), emphases: z.int().nonnegative() }),
  /** What is wrong with its edges; none: the chunk is whole. */
  faults: z.array(z.string()),
  /** The chunk that it was a part of before that was cut: `chunk_015.txt`. */
  part_of: z.string().optional(),
  /** Of the file. */
  sha256: z.string(),
});
export type CuratedChunk = z.infer<typeof CuratedChunk>;

/** A chunk that was too long, and its parts. */
export const CurationSplit = z.object({
  original: z.string(),
  words: z.int(),
  parts: z.array(z.string()),
  /** Whether the parts are the files, or only proposed. */
  done: z.boolean(),
});

/** The file `curation.json`: all that is needed to put the manuscript together again. */
export const Curation = z.object({
  version: z.literal(1),
  min_words: z.int(),
  max_words: z.int(),
  /** Two speeches with fewer words of narration between them are one conversation. */
  pause_words: z.int(),
  manuscripts: z.array(z.object({
    name: z.string(),
    /** Of the file's bytes. */
    sha256: z.string(),
    encoding: z.enum(["utf-8", "utf-16", "windows-1252"]),
    words: z.int(),
    /** What stands behind the last chunk. */
    after: z.string(),
  })),
  chunks: z.array(CuratedChunk),
  splits: z.array(CurationSplit),
});
export type Curation = z.infer<typeof Curation>;

/** A text to be written. */
export interface ChunkFile {
  readonly file: string;
  readonly text: string;
}

export interface Curated {
  readonly curation: Curation;
  /** Texts of the chunks, in order. */
  readonly chunks: readonly ChunkFile[];
  /** Originals of those that were cut. */
  readonly originals: readonly ChunkFile[];
  /** Parts that were proposed and not made. */
  readonly proposals: ReadonlyMap<string, readonly CuratedChunk[]>;
}

export interface Manuscript {
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
  readonly encoding: "utf-8" | "utf-16" | "windows-1252";
}

/**
 * Cuts manuscripts into chunks; none spans two of them. Numbers go through.
 *
 * @param options.split Cut what is too long; otherwise only say how.
 * @param options.pauseWords Two speeches with fewer words of narration between them are one conversation; default 40.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { curate } from "@/manuscript/curation.ts";
 *
 * const scene = "You wait at the gate and you count the lamps, as you have done every night of your life. ".repeat(9);
 * const text = `${scene}\n\n* * *\n\nIn the morning you go home. ${scene}\n`;
 * const manuscript = { name: "a.txt", text, sha256: "", encoding: "utf-8" } as const;
 * const { chunks, curation } = curate([manuscript], { minWords: 100, maxWords: 250, split: true });
 * equal(chunks.length, 2);
 * equal(curation.chunks[1]?.reasons[0]?.kind, "scene break");
 * ```
 */
export function curate(
  manuscripts: readonly Manuscript[],
  options: Sizes & { readonly split: boolean; readonly pauseWords?: number },
): Curated {
  const pause = options.pauseWords ?? PAUSE_WORDS;
  const plan = manuscripts.map(({ text }, manuscript) => {
    const parsed = parseManuscript(text);
    const inside = conversations(text, parsed.paragraphs, pause);
    return { manuscript, parsed, inside, divisions: divide(parsed, findBoundaries(parsed, inside), options) };
  });
  const total = plan.reduce((sum, { divisions }) => sum + divisions.length, 0);
  const digits = Math.max(3, String(total).length);
  const chunks: ChunkFile[] = [];
  const described: CuratedChunk[] = [];
  const originals: ChunkFile[] = [];
  const splits: z.infer<typeof CurationSplit>[] = [];
  const proposals = new Map<string, CuratedChunk[]>();
  let number = 0;
  for (const { manuscript, parsed, inside, divisions } of plan) {
    const describe = (span: Span, file: string, partOf?: string) =>
      describeChunk(parsed, inside, span, { file, manuscript, ...(partOf ? { part_of: partOf } : {}) });
    for (const division of divisions) {
      const id = String(++number).padStart(digits, "0");
      const file = `chunk_${id}.txt`;
      const parts = division.parts.map((part, at) => ({ span: part, file: `chunk_${id}${letters(at)}.txt` }));
      if (parts.length > 0) {
        splits.push({
          original: file,
          words: division.words,
          parts: parts.map(({ file }) => file),
          done: options.split,
        });
      }
      if (parts.length > 0 && options.split) {
        originals.push({ file, text: textOf(parsed, division) });
        for (const part of parts) {
          chunks.push({ file: part.file, text: textOf(parsed, part.span) });
          described.push(describe(part.span, part.file, file));
        }
      } else {
        if (parts.length > 0) proposals.set(file, parts.map((part) => describe(part.span, part.file, file)));
        chunks.push({ file, text: textOf(parsed, division) });
        described.push(describe(division, file));
      }
    }
  }
  return {
    curation: {
      version: 1,
      min_words: options.minWords,
      max_words: options.maxWords,
      pause_words: pause,
      manuscripts: plan.map(({ manuscript, parsed }) => {
        const { name, sha256, encoding } = manuscripts[manuscript]!;
        const words = parsed.paragraphs.reduce((sum, paragraph) => sum + paragraph.words, 0);
        return { name, sha256, encoding, words, after: parsed.text.slice(parsed.paragraphs.at(-1)?.end ?? 0) };
      }),
      chunks: described,
      splits,
    },
    chunks,
    originals,
    proposals,
  };
}

/** `a` … `z`, then `aa`. */
function letters(at: number): string {
  const last = String.fromCharCode(97 + at % 26);
  return at < 26 ? last : letters(Math.floor(at / 26) - 1) + last;
}

function textOf({ text, paragraphs }: Parsed, { from, to }: Pick<Span, "from" | "to">): string {
  return text.slice(paragraphs[from]?.start, paragraphs[to - 1]?.end);
}

function describeChunk(
  parsed: Parsed,
  inside: readonly boolean[],
  span: Span,
  own: Pick<CuratedChunk, "file" | "manuscript" | "part_of">,
): CuratedChunk {
  const text = textOf(parsed, span);
  const { paragraphs, gaps } = parsed;
  const start = paragraphs[span.from]?.start ?? 0;
  const { scene, shares } = sceneProfile(text);
  const { monologues, emphases } = italicsProfile(text);
  const opening = gaps[span.from]?.chapter;
  return {
    ...own,
    words: span.words,
    before: parsed.text.slice(paragraphs[span.from - 1]?.end ?? 0, start),
    reasons: [...(span.boundary?.reasons ?? [{ kind: "start", evidence: opening ?? "the manuscript begins" }])],
    score: span.boundary?.score ?? 1,
    scene,
    scenes: { ...shares },
    dialogue: dialogueRatio(text),
    pov: { ...povProfile([text]).counts },
    italics: { monologues, emphases },
    faults: faultsOf(parsed, inside, span),
    sha256: sha256(text),
  };
}

/** Why a chunk is no whole piece of narration; nothing for one that is. */
function faultsOf({ text, paragraphs, gaps }: Parsed, inside: readonly boolean[], { from, to }: Span): string[] {
  const [first, last] = [paragraphs[from], paragraphs[to - 1]];
  if (!first || !last) return ["it is empty"];
  const faults: string[] = [];
  if (goesOn(text, first)) faults.push("it begins in the middle of a sentence");
  if (!isFinished(text, last)) faults.push("it ends in the middle of a sentence");
  if (from > 0 && inside[from] && !isMarked(gaps[from])) faults.push("it begins within a conversation");
  if (to < paragraphs.length && inside[to] && !isMarked(gaps[to])) faults.push("it ends within a conversation");
  if (!isClosed(text, last) && !isTale(text, last, paragraphs[to])) faults.push("its last speech is not closed");
  return faults;
}

/**
 * A manuscript put together from its chunks and what stood between them: with the texts as they were written, it is the
 * manuscript's text again, to the letter.
 */
export function restoreManuscript(curation: Curation, textOf: (file: string) => string, manuscript = 0): string {
  const own = curation.chunks.filter((chunk) => chunk.manuscript === manuscript);
  return own.map(({ before, file }) => before + textOf(file)).join("") +
    (curation.manuscripts[manuscript]?.after ?? "");
}
