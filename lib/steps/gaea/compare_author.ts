/** The author's text in three parts: what the model was tuned on, a reference, and what was held out of both. */
import { join } from "node:path";
import { UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { count } from "../../core/format.ts";
import { readJsonl } from "../../core/jsonl.ts";
import type { Context } from "../../core/step.ts";
import { countWords } from "../../corpus/paragraphs.ts";
import { seededRandom, shuffle } from "../../dialogue/random.ts";
import { cutPieces } from "../../evaluation/style/pieces.ts";
import { Example } from "../../records.ts";
import { textFilesIn } from "./texts.ts";

export interface AuthorText {
  readonly train: readonly string[];
  /** The same list as `train` where there is no text to spare. */
  readonly ref: readonly string[];
  readonly hold: readonly string[];
  /** How it was parted, in a sentence. */
  readonly parted: string;
}

export interface AuthorSources {
  /** A folder of texts, a text, or training examples as JSON Lines. */
  readonly author: string;
  /** Held-out examples; read with training examples only. */
  readonly validation: string;
  /** Words that reference and held-out text need each. */
  readonly leastWords: number;
  readonly seed: number;
}

/** Words of a chapter where a text must be cut into some. */
const CHAPTER = 1500;
/** Share of the chapters that is held out where nobody said which were. */
const HELD_OUT = 0.25;

/** @throws {UserError} a file is missing, empty or of another shape; or there is nothing to hold out. */
export async function readAuthor(sources: AuthorSources, context: Context): Promise<AuthorText> {
  const { author, validation, leastWords, seed } = sources;
  if (/\.jsonl?$/i.test(author)) {
    const [train, held] = await Promise.all([readChunks(author, context), readChunks(validation, context)]);
    return { train, ...partHeldOut(train, held, leastWords, seed) };
  }
  const info = await Deno.stat(author).catch(() => undefined);
  if (info?.isDirectory) return await readFolder(author, seed);
  const text = await readTextFile(author);
  return partAll(author, chaptersOf(text), seed);
}

/** Held-out examples give the reference, too, where they are long enough for both. */
function partHeldOut(
  train: readonly string[],
  held: readonly string[],
  leastWords: number,
  seed: number,
): Omit<AuthorText, "train"> {
  const words = wordsOf(held);
  if (held.length >= 4 && words >= 2 * leastWords) {
    const dealt = shuffle(held, seededRandom(seed, "reference"));
    const ref: string[] = [];
    while (wordsOf(ref) < words / 2) ref.push(dealt[ref.length] ?? "");
    const hold = dealt.slice(ref.length);
    return { ref, hold, parted: `${held.length} held-out chunks, half of them as the reference` };
  }
  return { ref: train, hold: held, parted: `${held.length} held-out chunks; the reference is the training text` };
}

async function readFolder(folder: string, seed: number): Promise<AuthorText> {
  const parts = { train: [] as string[], ref: [] as string[], hold: [] as string[] };
  const all: string[] = [];
  for (const { path, parts: [first = ""] } of await textFilesIn(folder)) {
    const chapters = chaptersOf(await readTextFile(path));
    if (first === "train" || first === "ref" || first === "hold") parts[first].push(...chapters);
    all.push(...chapters);
  }
  const { train, ref, hold } = parts;
  if (train.length === 0 && ref.length === 0 && hold.length === 0) return partAll(folder, all, seed);
  if (train.length === 0 || hold.length === 0) {
    throw new UserError(`Cannot use "${folder}": of train/, ref/ and hold/ the first and the last must hold texts`, {
      exitCode: 2,
      hint: "Leave the folders out, and the texts are dealt for you.",
    });
  }
  return {
    train,
    ref: ref.length > 0 ? ref : train,
    hold,
    parted: `dealt by the folders of ${join(folder)}`,
  };
}

function partAll(path: string, chapters: readonly string[], seed: number): AuthorText {
  const held = Math.max(1, Math.round(HELD_OUT * chapters.length));
  if (chapters.length < 2) {
    throw new UserError(`Cannot use "${path}": it has ${count(wordsOf(chapters))} words, which cannot be parted`, {
      exitCode: 2,
      hint: `A part is held out of the rest: give at least ${count(2 * CHAPTER)} words, or files for the chapters.`,
    });
  }
  const dealt = shuffle(chapters.keys().toArray(), seededRandom(seed, "held out"));
  const out = new Set(dealt.slice(0, held));
  const train = chapters.filter((_, at) => !out.has(at));
  return {
    train,
    ref: train,
    hold: chapters.filter((_, at) => out.has(at)),
    parted:
      `${held} of ${chapters.length} chapters held out by seed, the rest taken as training text and reference; put ` +
      "them into train/, ref/ and hold/ to say what the model was really tuned on",
  };
}

/** A text by its chapters: as it is where it is one, else in pieces. */
function chaptersOf(text: string): string[] {
  return countWords(text) <= 2 * CHAPTER ? [text].filter((text) => text.trim() !== "") : cutPieces(text, CHAPTER);
}

/** Chunks out of examples: prefix and completion are the chunk again. */
async function readChunks(path: string, { signal, emit }: Context): Promise<string[]> {
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  const chunks: string[] = [];
  for await (const { messages } of readJsonl(path, Example, { signal, onTorn })) {
    chunks.push(messages.filter(({ role }) => role !== "system").map(({ content }) => content).join(""));
  }
  if (chunks.length > 0) return chunks;
  throw new UserError(`Cannot use "${path}": it holds no examples`, {
    exitCode: 2,
    hint: "Make them: deno task gaea:prepare",
  });
}

function wordsOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + countWords(text), 0);
}
