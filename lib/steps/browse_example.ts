/** One example as the page shows it: its words, its passage, where it comes from. All of it is data, none is markup. */
import { UserError } from "../core/errors.ts";
import type { Verdict } from "../dialogue/verdicts.ts";
import { FilteredChunk } from "../records.ts";
import { cutAtMatches, type Piece } from "../view/browse/pieces.ts";
import type { Entry, Index } from "./browse_index.ts";
import { type Place, readPlaces } from "./browse_places.ts";
import { DatasetRow, parseLine, rejectedExchange, RejectRow, Source } from "./browse_rows.ts";

/** A line of the list. */
export interface Line {
  readonly number: number;
  readonly key: string | undefined;
  readonly persona: string;
  readonly book: string;
  readonly reason: string | undefined;
  readonly verdict: Verdict | undefined;
  /** The question's beginning, or what there is instead. */
  readonly title: string;
}

export interface Shown {
  readonly number: number;
  readonly id: string;
  readonly key: string | undefined;
  readonly persona: string;
  readonly themes: readonly string[];
  readonly reason: string | undefined;
  readonly detail: string | undefined;
  readonly verdict: Verdict | undefined;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  /** Absent where there is no file of passages or it does not hold this one. */
  readonly passage:
    | { readonly pieces: readonly Piece[]; readonly counts: Readonly<Record<string, number>> }
    | undefined;
  /** Everything else that is told of it, as names and values. */
  readonly facts: readonly (readonly [string, string])[];
}

const TITLE_LENGTH = 140;

/** Lines of the list, read from the disk. */
export async function listLines(
  { entries }: Index,
  numbers: readonly number[],
  verdicts: ReadonlyMap<string, Verdict>,
): Promise<Line[]> {
  const wanted = numbers.flatMap((number) => {
    const entry = entries[number];
    return entry ? [{ number, entry }] : [];
  });
  const lines: Line[] = [];
  for await (const bytes of readPlaces(wanted.map(({ entry }) => entry.place))) {
    const at = wanted[lines.length];
    if (!at) break;
    const { number, entry } = at;
    const { key, persona, book, reason } = entry;
    const messages = messagesOf(entry, bytes).messages;
    const title = messages.find(({ role }) => role === "user") ?? messages.at(-1);
    lines.push({
      number,
      key,
      persona,
      book,
      reason,
      verdict: key === undefined ? undefined : verdicts.get(key),
      title: title?.content.slice(0, TITLE_LENGTH) ?? "",
    });
  }
  return lines;
}

/** Everything about one example. */
export async function showExample(
  { entries, passages }: Index,
  number: number,
  verdicts: ReadonlyMap<string, Verdict>,
): Promise<Shown | undefined> {
  const entry = entries[number];
  if (!entry) return undefined;
  const { id, key, persona, themes, reason } = entry;
  const { messages, detail, metadata } = messagesOf(entry, await lineAt(entry.place));
  const source = entry.source && parseLine(await lineAt(entry.source), Source, entry.source.path);
  const passage = passages.get(entry.chunk);
  const chunk = passage && "offset" in passage
    ? parseLine(await lineAt(passage), FilteredChunk, passage.path)
    : passage;
  return {
    number,
    id,
    key,
    persona,
    themes,
    reason,
    detail,
    verdict: key === undefined ? undefined : verdicts.get(key),
    messages,
    passage: chunk && { pieces: cutAtMatches(chunk.text, chunk.matches ?? []), counts: chunk.keyword_counts },
    facts: factsOf({ ...chunk, ...metadata, ...source }),
  };
}

async function lineAt(place: Place): Promise<Uint8Array> {
  for await (const bytes of readPlaces([place])) return bytes;
  throw new UserError(`Cannot read "${place.path}": it changed meanwhile`);
}

function messagesOf(entry: Entry, bytes: Uint8Array): {
  messages: { role: string; content: string }[];
  detail?: string | undefined;
  metadata?: Source | undefined;
} {
  if (entry.reason === undefined) return parseLine(bytes, DatasetRow, entry.place.path);
  const { row, detail } = parseLine(bytes, RejectRow, entry.place.path);
  const exchange = rejectedExchange(row);
  if (!exchange) {
    const said = typeof row === "string" ? row : row === undefined ? "" : JSON.stringify(row, undefined, 2);
    return { messages: said ? [{ role: "unreadable", content: said }] : [], detail };
  }
  const { user, assistant } = exchange;
  return { messages: [{ role: "user", content: user }, { role: "assistant", content: assistant }], detail };
}

/** Shown elsewhere on the page, or part of a fact that is put together. */
const ELSEWHERE = new Set([
  "text",
  "matches",
  "keyword_counts",
  "persona",
  "themes",
  "messages",
  "source_id",
  "id",
  "source_title",
  "author",
  "year",
  "chapter",
  "start",
  "end",
  "chunk_id",
]);

/** What is told of an example as names and values: the known ones first, then whatever else the files say. */
function factsOf(told: Readonly<Record<string, unknown>>): [string, string][] {
  const { source_title, author, year, chapter, start, end, chunk_id } = told;
  const book = [source_title, author, year].filter((part) => part !== undefined && part !== "").join(", ");
  const known: [string, unknown][] = [
    ["book", book],
    ["chapter", chapter],
    ["characters", start === undefined || end === undefined ? undefined : `${start} to ${end}`],
    ["passage", chunk_id ?? told.id],
  ];
  const others = Object.entries(told).filter(([name]) => !ELSEWHERE.has(name));
  return [...known, ...others].flatMap(([name, value]): [string, string][] => {
    if (value === undefined || value === null || value === "") return [];
    const words = wordsOf(value);
    return [[name, words.length > MOST_WORDS ? `${words.slice(0, MOST_WORDS)}…` : words]];
  });
}

/** Characters of a value that are shown. */
const MOST_WORDS = 600;

function wordsOf(value: unknown): string {
  if (Array.isArray(value) && value.every((part) => typeof part !== "object")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
