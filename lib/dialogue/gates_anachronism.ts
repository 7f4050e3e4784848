/**
 * What a text knows too late: words whose thing or sense came after the last year, and years that are told as past.
 * A word only nominates: its context decides, so that a mouse in the larder and a forecast for 1980 pass.
 */
import { z } from "zod";
import { UsageError } from "../core/errors.ts";
import { readJsonc } from "../core/jsonc.ts";
import { compileThemes, countThemes, matchThemes, ThemeFile, type Themes } from "../corpus/themes.ts";

/** One word or phrase in the sense that came late. Patterns are written as those of themes. */
export const Anachronism = z.strictObject({
  pattern: z.string().min(1),
  /** First year in which it could be said in this sense. */
  first_year: z.int(),
  /** The sense that is meant. */
  sense: z.string().min(1),
  /** Only as spelled in the pattern: AIDS and not aids. */
  exact: z.boolean().default(false),
  /** Must stand nearby for this sense to be meant. */
  context: z.string().min(1).optional(),
  /** Shows that an older sense is meant. */
  unless: z.string().min(1).optional(),
  /** Sentences that must be caught, and such that must pass: the entry's tests. */
  flags: z.array(z.string().min(1)).min(1),
  passes: z.array(z.string().min(1)).default([]),
});
export type Anachronism = z.output<typeof Anachronism>;

export const AnachronismFile = z.strictObject({ entries: z.array(Anachronism) });
export type AnachronismFile = z.output<typeof AnachronismFile>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadAnachronisms(path: string): Promise<AnachronismFile> {
  return readJsonc(path, AnachronismFile);
}

/** What was found, in the text's own words, and what it means. */
export interface Found {
  readonly text: string;
  readonly why: string;
  /** Where it stands, in UTF-16 units. */
  readonly start: number;
}

/** Characters on each side in which context is looked for: about a sentence. */
const NEARBY = 140;

/**
 * Makes a finder out of a lexicon: all patterns in one automaton, which reads a text once.
 *
 * @param lastYear Entries that could be said by then are left out; so are years up to it.
 * @throws {UsageError} for a pattern that is none.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { anachronismFinder } from "@/dialogue/gates_anachronism.ts";
 *
 * const find = anachronismFinder({ entries: [] }, 1969);
 * equal(find("By 1980 we shall have a hundred domes."), undefined);
 * equal(find("In 1991 the union fell.")?.text, "In 1991");
 * ```
 */
export function anachronismFinder(file: AnachronismFile, lastYear: number): (text: string) => Found | undefined {
  const scan = anachronismScanner(file, lastYear);
  return (text) => scan(text).next().value || undefined;
}

/** As {@linkcode anachronismFinder}, but finds all: the words first, then the years. */
export function anachronismScanner(
  { entries }: AnachronismFile,
  lastYear: number,
): (text: string) => Generator<Found, void> {
  const late = entries.filter(({ first_year }) => first_year > lastYear);
  if (late.length === 0) return (text) => laterYears(text, lastYear);
  const words = compile(Object.fromEntries(late.map(({ pattern, sense }, index) => [`${index}`, [pattern, sense]])));
  // Contexts are many and seldom asked for, so each is compiled when its word first turns up.
  const contexts = new Map<Anachronism, Themes>();
  const contextOf = (entry: Anachronism) => {
    const { context, unless, sense } = entry;
    const known = contexts.get(entry) ?? compile({
      ...(context === undefined ? {} : { context: [context, sense] }),
      ...(unless === undefined ? {} : { unless: [unless, sense] }),
    });
    contexts.set(entry, known);
    return known;
  };
  return function* (text) {
    for (const { category, start, end } of matchThemes(words, text)) {
      const entry = late[Number(category)];
      const found = text.slice(start, end);
      if (!entry || (entry.exact && !entry.pattern.split("|").includes(found))) continue;
      if (entry.context !== undefined || entry.unless !== undefined) {
        const { counts } = countThemes(contextOf(entry), text.slice(Math.max(0, start - NEARBY), end + NEARBY));
        if (counts.unless || (entry.context !== undefined && !counts.context)) continue;
      }
      yield { text: found, why: `${entry.sense}, not before ${entry.first_year}`, start };
    }
    yield* laterYears(text, lastYear);
  };
}

/** Patterns by name, each with the sense that it belongs to, for the message when it is bad. */
function compile(patterns: Record<string, readonly [pattern: string, sense: string]>): Themes {
  const categories = Object.fromEntries(
    Object.entries(patterns).map(([name, [pattern]]) => [name, { patterns: [pattern] }]),
  );
  return compileThemes(
    ThemeFile.parse({ categories }),
    (name) => `${/^\d/.test(name) ? "the pattern" : `"${name}"`} of "${patterns[name]?.[1] ?? name}"`,
  );
}

const TEENS = "one|two|three|four|five|six|seven|eight|nine";
/** A year behind a word that makes it one, a decade, or a year in words. */
const YEAR = new RegExp(
  [
    String
      .raw`\b(?:in|since|during|from|until|till|after|before|of|by|around|about|circa|between|early|late|the year|` +
    String.raw`January|February|March|April|May|June|July|August|September|October|November|December|autumn|summer|` +
    String.raw`spring|winter)(?: the)?(?: year| years| early| late| mid)?,? (19\d\d|2[01]\d\d)\b` +
    // What follows a count and never a year.
    String.raw`(?![.,]\d|[-–]?\s?(?:tons?|tonnes|men|women|people|souls|workers|citizens|soldiers|words|squares?|` +
    String
      .raw`metres?|meters?|kilometres?|miles|feet|roubles?|rubles?|kopecks|dollars?|pounds|volts?|watts?|kilowatts|` +
    String.raw`degrees|points?|hours|days|years|grams|kilograms|litres|acres|hectares|games|moves|copies|volumes|` +
    String.raw`positions|units|millions?|thousands?|per\b|%))`,
    String.raw`\b(19\d0|20\d0)['’]?s\b`,
    String.raw`(?<!\w)['’]([7-9]0)s\b`,
    String.raw`\bnineteen[- ](?:hundred and )?(seventy|eighty|ninety)(?:[- ](?:${TEENS}))?\b`,
    String
      .raw`\b(?:in|since|until|after) (?:the year )?two thousand(?: and (?:${TEENS}|ten|eleven|twelve|twenty)\b|(?=[,.;:!?]))`,
  ].join("|"),
  "gi",
);

/** Speaks of what is to come, or of what is only supposed. */
const FORECAST =
  /\b(?:shall|will|would|could|may|might|must|can|going to|let us|until|till|forecasts?|predict(?:s|ed)?|foresees?|foresaw|plan(?:s|ned)?|promises?d?|hopes?d?|expect(?:s|ed)?|intend(?:s|ed)?|project(?:s|ed)|prophe\w+|dream(?:s|ed|t)?|imagined?|someday|one day|future|next|not yet|target|five[- ]year|if)\b|['’]ll\b/i;
/** Told as having happened. */
const PAST =
  /\b(?:was|were|had|has been|have been|did|fell|began|won|lost|made|became|came|went|saw|took|gave|built|died|ended|collapsed|launched|invented|\p{L}{3,}ed)\b/iu;
/** The words before a number that count or rate. */
const RATED =
  /\b(?:rating|rated|rank(?:ed)?|elo|number|no\.?|figure|total|sum|score|level|over|than|nearly|some) (?:\p{L}+ ){0,2}$/iu;

/** Whether a clause tells of something as past. */
export function toldAsPast(clause: string): boolean {
  return PAST.test(clause);
}

/** Whether a clause speaks of what is to come, or only supposed, and not of what has happened. */
export function looksAhead(clause: string): boolean {
  return FORECAST.test(clause) && !PAST.test(clause);
}

/** Years after the last one that are told as past; "by 1980 we shall" is a forecast, and "2000 tons" no year. */
function* laterYears(text: string, lastYear: number): Generator<Found, void> {
  if (!/\d|nineteen|thousand/i.test(text)) return undefined;
  for (const match of text.matchAll(YEAR)) {
    const [found, year, decade, short, word] = match;
    const value = year ?? decade ?? (short === undefined ? undefined : `19${short}`);
    const number = value !== undefined
      ? Number(value)
      : word
      ? { seventy: 1970, eighty: 1980, ninety: 1990 }[word.toLowerCase()] ?? 0
      : 2000;
    if (number <= lastYear) continue;
    if (RATED.test(text.slice(Math.max(0, match.index - 40), match.index + found.length - (value?.length ?? 0)))) {
      continue;
    }
    const sentence = around(text, match.index, /[.!?…]["”’)]*\s|\n/g);
    const clause = around(sentence.text, sentence.at, /[,;:—–]|\band\b|\bbut\b/g).text;
    const forecast = FORECAST.test(clause) || (!PAST.test(clause) && FORECAST.test(sentence.text));
    // "By 1980" without a past tense looks ahead of itself.
    const ahead = /^by\b/i.test(found) && !PAST.test(clause);
    if (!forecast && !ahead) yield { text: found, why: `told as past, later than ${lastYear}`, start: match.index };
  }
}

/** The part between two borders that holds a place, and the place within it. */
function around(text: string, at: number, border: RegExp): { text: string; at: number } {
  let start = 0, end = text.length;
  for (const match of text.matchAll(border)) {
    const after = match.index + match[0].length;
    if (after <= at) start = after;
    else if (match.index > at) {
      end = match.index;
      break;
    }
  }
  return { text: text.slice(start, end), at: at - start };
}

/**
 * Runs the entries' own tests.
 *
 * @returns What went wrong, one line each; none when all is well.
 */
export function checkAnachronisms(file: AnachronismFile): string[] {
  const faults: string[] = [];
  for (const entry of file.entries) {
    try {
      const find = anachronismFinder({ entries: [entry] }, entry.first_year - 1);
      const late = anachronismFinder({ entries: [entry] }, entry.first_year);
      for (const sentence of entry.flags) {
        if (!find(sentence)?.why.startsWith(entry.sense)) faults.push(`"${entry.sense}" does not catch "${sentence}"`);
        if (late(sentence)?.why.startsWith(entry.sense)) faults.push(`"${entry.sense}" catches what may be known`);
      }
      for (const sentence of entry.passes) {
        const found = find(sentence);
        if (found) faults.push(`"${entry.sense}" catches "${sentence}" at "${found.text}"`);
      }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      faults.push(error.message);
    }
  }
  return faults;
}
