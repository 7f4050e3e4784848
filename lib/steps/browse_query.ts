/** Which examples the page lists: filters, counts beside each choice, and search through the texts on the disk. */
import type { Verdict } from "../dialogue/verdicts.ts";
import type { Entry, Index } from "./browse_index.ts";
import { readPlaces } from "./browse_places.ts";

/** Where an example stands: with the gates, and with the reader. */
export const STATES = ["dataset", "left_out", "accepted", "rejected", "unjudged"] as const;
export type State = (typeof STATES)[number];

/** The lists to choose from; an example has one persona, book and reason at most, and any number of themes and states. */
export const FACETS = ["state", "persona", "theme", "reason", "book"] as const;
export type Facet = (typeof FACETS)[number];

/** What is chosen; what is absent lets everything pass. */
export type Filter = Readonly<Partial<Record<Facet | "text", string>>>;

/** How many examples each choice would leave, the other choices being as they are. */
export type Counts = Record<Facet, Record<string, number>>;

export interface Found {
  /** Places in the index, in its order. */
  readonly numbers: readonly number[];
  readonly counts: Counts;
}

/** The values of an example in one facet. */
export function valuesOf(entry: Entry, facet: Facet, verdict: Verdict | undefined): readonly string[] {
  switch (facet) {
    case "state":
      return [
        entry.reason === undefined ? "dataset" : "left_out",
        ...(verdict ? [`${verdict}ed`] : entry.key === undefined ? [] : ["unjudged"]),
      ];
    case "persona":
      return [entry.persona];
    case "theme":
      return entry.themes.length > 0 ? entry.themes : ["none"];
    case "reason":
      return entry.reason === undefined ? [] : [entry.reason];
    case "book":
      return [entry.book || "unknown"];
  }
}

/**
 * The examples that pass all filters, and the counts for each facet. Texts are read from the disk only where the search
 * asks for them, a block at a time.
 *
 * @throws {DOMException} AbortError when the signal fires: the reader typed on.
 */
export async function findExamples(
  { entries }: Index,
  verdicts: ReadonlyMap<string, Verdict>,
  filter: Filter,
  signal?: AbortSignal,
): Promise<Found> {
  const terms = termsOf(filter.text ?? "");
  const holding = terms.length > 0 ? await holdingAll(entries, terms, signal) : undefined;
  const counts: Counts = { state: {}, persona: {}, theme: {}, reason: {}, book: {} };
  const numbers: number[] = [];
  for (const [number, entry] of entries.entries()) {
    if (holding && !holding.has(number)) continue;
    const verdict = entry.key === undefined ? undefined : verdicts.get(entry.key);
    const values = FACETS.map((facet) => valuesOf(entry, facet, verdict));
    const failed = FACETS.filter((facet, i) => filter[facet] !== undefined && !values[i]?.includes(filter[facet]));
    if (failed.length === 0) numbers.push(number);
    if (failed.length > 1) continue;
    for (const [i, facet] of FACETS.entries()) {
      if (failed.length === 1 && failed[0] !== facet) continue;
      for (const value of values[i] ?? []) counts[facet][value] = (counts[facet][value] ?? 0) + 1;
    }
  }
  return { numbers, counts };
}

/** The examples whose question, answer or id hold every term. */
async function holdingAll(
  entries: readonly Entry[],
  terms: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Set<number>> {
  const holding = new Set<number>();
  let number = 0;
  const decoder = new TextDecoder();
  const words = terms.map(longestWord);
  for await (const bytes of readPlaces(entries.map(({ place }) => place), signal)) {
    const line = decoder.decode(bytes);
    const entry = entries[number];
    // Most lines are done with here: a word that is not in the line is not in its texts.
    const raw = `${entry?.id ?? ""} ${line}`.toLowerCase();
    if (words.every((word) => raw.includes(word))) {
      const folded = foldText(`${entry?.id ?? ""} ${spokenIn(line)}`);
      if (terms.every((term) => folded.includes(term))) holding.add(number);
    }
    number++;
  }
  return holding;
}

/** Letters and digits that JSON never escapes; empty where a term has none. */
function longestWord(term: string): string {
  return term.split(/[^a-z0-9]+/).reduce((longest, word) => (word.length > longest.length ? word : longest), "");
}

/** Question and answer of a line of the dataset or of the rejects; the system message says the same in thousands. */
function spokenIn(line: string): string {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    return ""; // The file changed under the search; the next request reads it anew.
  }
  return [...textsIn(row, 0)].join("\n");
}

function* textsIn(value: unknown, depth: number): Generator<string> {
  if (typeof value !== "object" || value === null || depth > 3) return;
  if ("role" in value && value.role === "system") return;
  for (const key of ["messages", "row", "content", "user", "assistant"]) {
    const part: unknown = Reflect.get(value, key);
    if (typeof part === "string") yield part;
    else if (Array.isArray(part)) { for (const item of part) yield* textsIn(item, depth + 1); }
    else yield* textsIn(part, depth + 1);
  }
}

/**
 * Words that must all occur, and phrases in double quotes.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { termsOf } from "@/steps/browse_query.ts";
 *
 * deepEqual(termsOf('Bread  "the long  winter'), ["bread", "the long winter"]);
 * ```
 */
export function termsOf(text: string): string[] {
  return [...foldText(text).matchAll(/"([^"]*)"?|[^\s"]+/g)].map(([word, phrase]) => (phrase ?? word).trim())
    .filter((term) => term !== "");
}

/** Upper and lower case, curly and straight quotes, and any white space are the same to a search. */
function foldText(text: string): string {
  return text.normalize("NFC").toLowerCase().replace(/[‘’]/g, "'").replace(/[“”]/g, '"').replace(/\s+/g, " ");
}
