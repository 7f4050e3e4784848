/** Tokens of the rows, counted where that is quick and reckoned from their characters where there are too many. */
import { quantile } from "../../evaluation/statistics.ts";
import type { ChatTokenizer } from "../chat_tokens.ts";
import type { ChatRenderer, TrainOn } from "../template.ts";
import type { PlacedRow } from "./check_dataset.ts";

export interface TokenSurvey {
  readonly rows: number;
  /** Rows whose tokens were counted; those of the others were reckoned from rows of nearly their length. */
  readonly counted: number;
  /** Tokens of each row before anything is cut, ascending. */
  readonly lengths: readonly number[];
  /** Rows that are cut. */
  readonly truncated: number;
  /** Rows of which no token is learnt, once they are cut: the trainer leaves them out. */
  readonly untrained: number;
  /** Tokens that are read and learnt in one epoch. */
  readonly tokens: number;
  readonly trained: number;
}

/** Characters that are counted: about three seconds of a processor. */
const BUDGET = 300_000;

/** What is known of a counted row. */
interface Counted {
  readonly characters: number;
  readonly all: number;
  readonly trained: number;
  /** Tokens before the first that is learnt. */
  readonly before: number;
}

/**
 * Counts the tokens of as many rows as the budget allows, spread evenly over all lengths, the longest among them; the
 * others get the ratios of the nearest that was counted.
 *
 * @param budget Characters that are counted at most.
 */
export function surveyTokens(
  rows: readonly PlacedRow[],
  { renderer, tokenizer, trainOn, maxLength, budget = BUDGET }: {
    renderer: ChatRenderer;
    tokenizer: ChatTokenizer;
    trainOn: TrainOn;
    maxLength: number;
    budget?: number;
  },
): TokenSurvey {
  const sizes = rows.map(({ messages }) => messages.reduce((sum, { content }) => sum + content.length, 0));
  const order = sizes.map((_, index) => index).sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0));
  const counted: Counted[] = [];
  const places: number[] = [];
  for (const place of chosen(order.map((index) => sizes[index] ?? 0), budget)) {
    const row = rows[order[place] ?? 0];
    if (!row) continue;
    const rendered = renderer.renderTrained(row.messages, trainOn);
    const tokens = tokenizer.tokens(rendered);
    const before = tokens.findIndex(({ trained }) => trained);
    const kept = tokens.slice(0, maxLength);
    counted.push({
      characters: sizes[order[place] ?? 0] ?? 0,
      all: tokens.length,
      // The first token is predicted from nothing.
      trained: kept.filter(({ trained }, at) => trained && at > 0).length,
      before: before < 0 ? tokens.length : before,
    });
    places.push(place);
  }
  let near = 0;
  const all = order.map((index, place) => {
    while (near + 1 < places.length && closer(places, near, place)) near++;
    const known = counted[near];
    return known && place === places[near] ? known : reckoned(known, sizes[index] ?? 0, maxLength);
  });
  const lengths = all.map((row) => row.all).sort((a, b) => a - b);
  return {
    rows: rows.length,
    counted: counted.length,
    lengths,
    truncated: lengths.filter((length) => length > maxLength).length,
    untrained: all.filter(({ trained }) => trained <= 0).length,
    tokens: lengths.reduce((sum, length) => sum + Math.min(length, maxLength), 0),
    trained: Math.round(all.reduce((sum, { trained }) => sum + Math.max(0, trained), 0)),
  };
}

/** Places in the order of lengths whose rows are counted: all, or spread evenly, with both ends. */
function chosen(sizes: readonly number[], budget: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= budget || sizes.length <= 2) return sizes.map((_, place) => place);
  const wanted = Math.max(2, Math.floor(sizes.length * budget / total));
  const step = (sizes.length - 1) / (wanted - 1);
  return [...new Set(Array.from({ length: wanted }, (_, i) => Math.round(i * step)))];
}

function closer(places: readonly number[], near: number, place: number): boolean {
  return Math.abs((places[near + 1] ?? 0) - place) <= Math.abs((places[near] ?? 0) - place);
}

/** A row like one that was counted, as much longer as it has more characters. */
function reckoned(known: Counted | undefined, characters: number, maxLength: number): Counted {
  if (!known) return { characters, all: 0, trained: 0, before: 0 };
  const ratio = known.characters === 0 ? 1 : characters / known.characters;
  const all = Math.round(known.all * ratio);
  const before = Math.round(known.before * ratio);
  const share = known.trained / Math.max(1, Math.min(known.all, maxLength) - known.before);
  return { characters, all, before, trained: share * Math.max(0, Math.min(all, maxLength) - before) };
}

/** A point of the distribution: this share of the rows has so many tokens or fewer. */
export interface CdfPoint {
  readonly tokens: number;
  readonly share: number;
}

/** The distribution of lengths as points, a hundred at most. */
export function tokenCdf({ lengths }: Pick<TokenSurvey, "lengths">): CdfPoint[] {
  if (lengths.length === 0) return [];
  const steps = Math.min(100, lengths.length);
  return Array.from({ length: steps }, (_, i) => {
    const share = (i + 1) / steps;
    return { tokens: lengths[Math.ceil(share * lengths.length) - 1] ?? 0, share };
  });
}

/** A quantile of the lengths, whole. */
export function lengthAt({ lengths }: Pick<TokenSurvey, "lengths">, share: number): number {
  return lengths.length === 0 ? 0 : Math.round(quantile(lengths, share));
}
