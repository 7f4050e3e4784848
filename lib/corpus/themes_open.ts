/** Themes as they are used: what threads need that do not compile any. */
import type { Automaton } from "./matcher_dfa.ts";
import { createJsonScanner, type JsonScanner } from "./matcher_json.ts";
import { createScanner, type Scanner } from "./matcher_scan.ts";

/** A pattern ready for use. */
export interface CompiledPattern {
  /** As it was written. */
  readonly pattern: string;
  /** Index into the names of the categories. */
  readonly category: number;
  /** In thousandths, so that sums are exact: 0.7 + 0.8 + 1.5 is 3. */
  readonly weight: number;
}

/** Themes compiled: plain data, so that it crosses threads. */
export interface CompiledThemes {
  readonly categories: readonly string[];
  readonly patterns: readonly CompiledPattern[];
  readonly automaton: Automaton;
}

/** Themes ready for use. */
export interface Themes extends CompiledThemes {
  /** For those who need numbers without objects; all others use {@linkcode countThemes} and {@linkcode matchThemes}. */
  readonly scan: Scanner;
  /** The same on the bytes of a JSON string. */
  readonly json: JsonScanner;
}

/** Themes as another thread has compiled them, ready for use in this one. */
export function openThemes({ categories, patterns, automaton }: CompiledThemes): Themes {
  const categoryOf = patterns.map(({ category }) => category);
  let json: JsonScanner | undefined;
  return {
    categories,
    patterns,
    automaton,
    scan: createScanner(automaton, categoryOf),
    get json() {
      return json ??= createJsonScanner(automaton, categoryOf); // Few need it, and its tables take a while.
    },
  };
}
