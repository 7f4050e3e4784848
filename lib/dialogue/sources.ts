/** Sources beside the corpus: scripts, speeches and chess literature become passages. */
import { UserError } from "../core/errors.ts";
import { CHARS, chunkText } from "../corpus/chunk.ts";
import { matchThemes, type Themes } from "../corpus/themes.ts";
import type { SourceChunk, SourceKind } from "./source_kinds.ts";
import { type OnDrop, readTexts, type SourceText } from "./source_files.ts";
import { chessProse, type Prose, speechProse } from "./source_prose.ts";
import { parseScript, type Turn } from "./source_script.ts";

export { kindOf, SOURCE_KINDS, SourceChunk, type SourceKind } from "./source_kinds.ts";

/** Kinds that are read from files of their own. */
export type FileKind = Exclude<SourceKind, "gutenberg" | "gap">;

export interface SourceOptions {
  /** Finds the themes of each passage. */
  readonly themes: Themes;
  readonly onDrop?: OnDrop;
  readonly signal?: AbortSignal;
}

/** Characters of a passage; as much as the step chunk gives, so that all kinds ask for as much reading. */
const SIZE = 1200;
const MIN_SIZE = 160;
/** The persona knows nothing later; a script may play when it likes, and only its dialogue is adapted. */
const LAST_YEAR = 1969;

/** A passage before its themes are known. */
interface Piece {
  readonly text: string;
  readonly chapter: string | undefined;
}

/**
 * Reads a file or a folder of one kind into passages. Plain text, Markdown, Fountain and JSON Lines (`text`, and perhaps
 * `id`, `title`, `author`, `year`) are understood; title, author and year may head a text, as front matter or as a title
 * page. What the files say is material and nothing else: no word of it is followed.
 *
 * @throws {UserError} nothing there, a file that is no text, a script without dialogue; named `file:line`.
 */
export async function* readSources(kind: FileKind, path: string, options: SourceOptions): AsyncGenerator<SourceChunk> {
  const { themes, onDrop = () => {}, signal } = options;
  for await (const text of readTexts(path, onDrop, signal)) {
    const id = `${kind}-${text.id}`;
    if (kind !== "script" && text.year !== undefined && text.year > LAST_YEAR) {
      onDrop({ reason: "after_1969", id, detail: `${text.place} is of ${text.year}` });
      continue;
    }
    const drop = (length: number) =>
      onDrop({ reason: "too_short", id, detail: `${text.place}: ${length} characters, fewer than ${MIN_SIZE}` });
    const pieces = kind === "script" ? scriptPieces(text, drop) : prosePieces(PROSE[kind](text.body), drop);
    for (const [index, { text: passage, chapter }] of pieces.entries()) {
      const matches = matchThemes(themes, passage);
      const counts: Record<string, number> = {};
      for (const { category } of matches) counts[category] = (counts[category] ?? 0) + 1;
      yield {
        id: `${id}-${String(index + 1).padStart(4, "0")}`,
        text: passage,
        source_id: id,
        source_title: text.title,
        ...(text.author === undefined ? {} : { author: text.author }),
        ...(text.year === undefined ? {} : { year: text.year }),
        ...(chapter ? { chapter } : {}),
        kind,
        keyword_counts: { ...counts, total: matches.length },
        matches,
      };
    }
  }
}

const PROSE = { speech: speechProse, chess: chessProse };

function prosePieces({ text, chapters }: Prose, drop: (length: number) => void): Piece[] {
  const { passages, leftOut } = chunkText(text, chapters, {
    method: "paragraph",
    unit: CHARS,
    size: SIZE,
    minSize: MIN_SIZE,
    overlap: 0,
  });
  for (const { start, end } of leftOut) drop(end - start);
  return passages.map(({ start, end, chapter }) => ({ text: text.slice(start, end), chapter }));
}

/** Turns of one scene together, as many as fit. */
function scriptPieces({ body, place }: SourceText, drop: (length: number) => void): Piece[] {
  const scenes = parseScript(body);
  if (scenes.length === 0) {
    throw new UserError(`Cannot read "${place}" as a script: it holds no dialogue`, {
      exitCode: 2,
      hint: "Names stand in capitals on a line of their own above what is said (Fountain, screenplay), or before it: " +
        '"VERA: Is anybody there?"',
    });
  }
  const pieces: Piece[] = [];
  for (const { heading, turns } of scenes) {
    const texts: string[] = [];
    for (const line of turns.flatMap(linesOf)) {
      const last = texts.at(-1);
      if (last !== undefined && last.length + 1 + line.length <= SIZE) texts[texts.length - 1] = `${last}\n${line}`;
      else texts.push(line);
    }
    for (const text of texts) {
      if (text.length < MIN_SIZE) drop(text.length);
      else pieces.push({ text, chapter: heading || undefined });
    }
  }
  return pieces;
}

/** `Vera: Is anybody there?`; a speech longer than a passage becomes several. */
function linesOf({ who, words }: Turn): string[] {
  const size = SIZE - who.length - 2;
  if (words.length <= size) return [`${who}: ${words}`];
  const { passages } = chunkText(words, [], { method: "paragraph", unit: CHARS, size, minSize: 1, overlap: 0 });
  return passages.map(({ start, end }) => `${who}: ${words.slice(start, end)}`);
}
