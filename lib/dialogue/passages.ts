/** Passages to plan with: a few facts of each in memory, the text in its file until it is wanted. */
import { UserError } from "../core/errors.ts";
import { fileError } from "../core/files.ts";
import { excerpt, explain, type Line, readLines } from "../core/jsonl.ts";
import { themesOf } from "./prompt.ts";
import { kindOf, SourceChunk, type SourceKind } from "./source_kinds.ts";

/** What a plan looks at. */
export interface PassageFacts {
  /** From 0 to 1, the higher the sooner it is taken: its alignment where it has one, else how many theme words it has. */
  readonly score: number;
  /** Themes that it may be about, strongest first. */
  readonly themes: readonly string[];
  readonly book: string;
  readonly kind: SourceKind;
  readonly shelf: string;
}

/** Passages by number. */
export interface Passages extends AsyncDisposable {
  readonly facts: readonly PassageFacts[];
  /** @throws {UserError} the file has changed since it was opened. */
  read(index: number): Promise<SourceChunk>;
}

/** A theme counts when it has at least this share of the strongest theme's matches; what has less is a passing word. */
const SIGNIFICANT = 1 / 3;
/** Matches at which a passage without alignment scores one half: about the third quartile of passages that are kept. */
const HALF_SCORE = 8;

/** The facts of one passage. */
export function factsOf(chunk: SourceChunk): PassageFacts {
  const themes = themesOf(chunk);
  const strongest = chunk.keyword_counts[themes[0] ?? ""] ?? 0;
  const matches = chunk.keyword_counts.total ??
    themes.reduce((sum, name) => sum + (chunk.keyword_counts[name] ?? 0), 0);
  return {
    score: chunk.alignment?.max ?? matches / (matches + HALF_SCORE),
    themes: themes.filter((name) => (chunk.keyword_counts[name] ?? 0) >= strongest * SIGNIFICANT),
    book: String(chunk.source_id),
    kind: kindOf(chunk),
    shelf: chunk.category ?? "",
  };
}

/** Passages that are in memory. */
export function passagesOf(chunks: readonly SourceChunk[]): Passages {
  return {
    facts: chunks.map(factsOf),
    read: (index) => {
      const chunk = chunks[index];
      return chunk ? Promise.resolve(chunk) : Promise.reject(new RangeError(`no passage ${index}`));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Several as one, in this order; disposes of all. */
export function joinPassages(parts: readonly Passages[]): Passages {
  const starts: number[] = [];
  let sum = 0;
  for (const { facts } of parts) {
    starts.push(sum);
    sum += facts.length;
  }
  return {
    facts: parts.flatMap(({ facts }) => facts),
    read: (index) => {
      const at = starts.findLastIndex((start) => start <= index);
      const part = parts[at];
      if (!part) return Promise.reject(new RangeError(`no passage ${index}`));
      return part.read(index - (starts[at] ?? 0));
    },
    async [Symbol.asyncDispose]() {
      for (const part of parts) await part[Symbol.asyncDispose]();
    },
  };
}

/** Something that was left out while passages were read. */
export interface PassageDrop {
  readonly reason: "duplicate_id" | "weak_alignment" | "torn_line";
  readonly id: string;
  readonly detail: string;
}

export interface OpenOptions {
  readonly signal?: AbortSignal;
  /** Passages with a lower alignment are left out. */
  readonly minAlignment?: number | undefined;
  readonly onDrop?: (drop: PassageDrop) => void;
}

/**
 * Opens a JSON Lines file of passages. All of it is read and checked once, so that a bad line is found before the first
 * request and not hours after; kept are facts and places (about 200 bytes a passage).
 *
 * @throws {UserError} the file cannot be read; a row is bad (`file:line` and the cause); `minAlignment` is asked for and a
 * passage was never aligned.
 */
export async function openPassages(path: string, options: OpenOptions = {}): Promise<Passages> {
  const { signal, minAlignment, onDrop = () => {} } = options;
  const facts: PassageFacts[] = [];
  const starts: number[] = [];
  const lengths: number[] = [];
  const ids = new Set<string>();
  const share = sharing();
  let at = 0;
  for await (const line of readLines(path, signal)) {
    const start = at;
    at += line.bytes.length + 1;
    const drop = (reason: PassageDrop["reason"], id: string, detail: string) =>
      onDrop({ reason, id, detail: `${path}:${line.number}: ${detail}` });
    const chunk = parseLine(line, path);
    if (!chunk) {
      if (!line.ended && line.bytes.length > 0) drop("torn_line", "", "a crash tore it");
      continue;
    }
    if (ids.has(chunk.id)) {
      // Two passages of one name would be given the same personas and the same seeds.
      drop("duplicate_id", chunk.id, "an earlier passage has that id");
      continue;
    }
    ids.add(chunk.id);
    if (minAlignment !== undefined) {
      if (!chunk.alignment) {
        throw new UserError(`Cannot use "${path}:${line.number}" with a least alignment: the passage has none`, {
          exitCode: 2,
          hint: "Run align first and generate from its output (theme_chunks/aligned.jsonl).",
        });
      }
      if (chunk.alignment.max < minAlignment) {
        drop("weak_alignment", chunk.id, `${chunk.alignment.max}, asked for ${minAlignment}`);
        continue;
      }
    }
    facts.push(share(factsOf(chunk)));
    starts.push(start);
    lengths.push(line.bytes.length);
  }
  return { facts, ...(await reader(path, starts, lengths)) };
}

/** Reads rows by their places. */
async function reader(
  path: string,
  starts: readonly number[],
  lengths: readonly number[],
): Promise<Pick<Passages, "read" | typeof Symbol.asyncDispose>> {
  const file = await Deno.open(path).catch((error) => {
    throw fileError("read", path, error);
  });
  const decoder = new TextDecoder();
  const changed = () =>
    new UserError(`Cannot go on reading "${path}": it has changed since the run began`, {
      hint: "Start the run anew.",
    });
  // Not async: a row is a page or two, and far oftener in memory than not.
  const readRow = (index: number): SourceChunk => {
    const start = starts[index];
    if (start === undefined) throw new RangeError(`no passage ${index}`);
    const bytes = new Uint8Array(lengths[index] ?? 0);
    file.seekSync(start, Deno.SeekMode.Start);
    for (let filled = 0; filled < bytes.length;) {
      const read = file.readSync(bytes.subarray(filled));
      if (read === null) throw changed();
      filled += read;
    }
    const chunk = parsed(decoder.decode(bytes));
    if (!chunk) throw changed();
    return chunk;
  };
  return {
    read: (index) => new Promise((resolve) => resolve(readRow(index))),
    [Symbol.asyncDispose]() {
      file.close();
      return Promise.resolve();
    },
  };
}

/** A row that was checked when the file was opened; `undefined` where something else stands there now. */
function parsed(text: string): SourceChunk | undefined {
  const isRow = (value: unknown): value is SourceChunk =>
    typeof value === "object" && value !== null && "id" in value && "text" in value && "keyword_counts" in value;
  try {
    const value: unknown = JSON.parse(text);
    return isRow(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The passage on a line; `undefined` for a blank line and for a last one that a crash tore. */
function parseLine({ bytes, number, ended }: Line, path: string): SourceChunk | undefined {
  const bad = (cause: string) => new UserError(`Cannot read "${path}:${number}": ${cause}`, { exitCode: 2 });
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    if (!ended) return undefined;
    throw bad("the line is not UTF-8 text");
  }
  if (text.trim() === "") return undefined;
  try {
    value = JSON.parse(text);
  } catch {
    if (!ended) return undefined;
    throw bad(`the line is not JSON: ${excerpt(text)}`);
  }
  const row = SourceChunk.safeParse(value);
  if (!row.success) throw bad(`the row has another shape: ${explain(row.error)}`);
  return row.data;
}

/** Equal strings and lists of many passages become one in memory. */
function sharing(): (facts: PassageFacts) => PassageFacts {
  const texts = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  const text = (value: string) => texts.get(value) ?? (texts.set(value, value), value);
  const list = (value: readonly string[]) => {
    const key = value.join("\n");
    const known = lists.get(key);
    if (!known) lists.set(key, value);
    return known ?? value;
  };
  return ({ score, themes, book, kind, shelf }) => ({
    score,
    themes: list(themes),
    book: text(book),
    kind,
    shelf: text(shelf),
  });
}
