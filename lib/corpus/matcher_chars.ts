/**
 * Sets of characters for patterns. What a letter, a mark or a digit is, and which characters differ only in case, is
 * asked of the engine's own Unicode tables (the `u` and `i` flags of RegExp), so that both always agree.
 */

/** Code points as flat, sorted, non-adjacent ranges: [low, high, low, high, …], both ends included. */
export type CharSet = readonly number[];

const LAST = 0x10ffff;

/** Sorts and merges ranges. */
export function charSet(ranges: readonly (readonly [number, number])[]): CharSet {
  const merged: number[] = [];
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last + 1) merged[merged.length - 1] = Math.max(last, high);
    else merged.push(low, high);
  }
  return merged;
}

/** The ranges of a set as pairs. */
export function pairs(set: CharSet): [number, number][] {
  return Array.from({ length: set.length / 2 }, (_, i) => [set[2 * i] ?? 0, set[2 * i + 1] ?? 0]);
}

/** The set of the characters of a text. */
export function charsOf(text: string): CharSet {
  return charSet(Array.from(text, (char) => char.codePointAt(0) ?? 0).map((code) => [code, code] as const));
}

export function union(...sets: readonly CharSet[]): CharSet {
  return charSet(sets.flatMap(pairs));
}

/** All other characters. */
export function negate(set: CharSet): CharSet {
  const rest: [number, number][] = [];
  let from = 0;
  for (const [low, high] of pairs(set)) {
    if (low > from) rest.push([from, low - 1]);
    from = high + 1;
  }
  if (from <= LAST) rest.push([from, LAST]);
  return charSet(rest);
}

/** Whether the sets share a character. */
export function meets(a: CharSet, b: CharSet): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const low = Math.max(a[i] ?? 0, b[j] ?? 0);
    const [endA, endB] = [a[i + 1] ?? 0, b[j + 1] ?? 0];
    if (low <= Math.min(endA, endB)) return true;
    if (endA < endB) i += 2;
    else j += 2;
  }
  return false;
}

/** Every assigned region of Unicode as text, in pieces without a gap; surrogates are left as noncharacters. */
const regions = lazily(() =>
  [[0, 0x10000], [0x10000, 0x33000], [0xe0000, 0xe1000]].map(([from = 0, to = 0]) => {
    const units = new Uint16Array((to - from) * (from > 0xffff ? 2 : 1));
    let at = 0;
    for (let code = from; code < to; code++) {
      if (code > 0xffff) {
        units[at++] = 0xd800 + ((code - 0x10000) >> 10);
        units[at++] = 0xdc00 + (code & 0x3ff);
      } else units[at++] = code >= 0xd800 && code <= 0xdfff ? 0xffff : code;
    }
    return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(units);
  })
);

/** The characters that a one-character expression matches. */
function matching(expression: RegExp): CharSet {
  const found: [number, number][] = [];
  for (const region of regions()) {
    for (const { 0: run } of region.matchAll(expression)) {
      const low = run.codePointAt(0) ?? 0;
      const pair = run.codePointAt(run.length - 2) ?? 0;
      found.push([low, pair > 0xffff ? pair : run.charCodeAt(run.length - 1)]);
    }
  }
  return charSet(found);
}

/** Letters, marks, digits and the underscore: what words are made of. An apostrophe and a hyphen end a word. */
export const wordChars: () => CharSet = lazily(() => matching(/[\p{L}\p{M}\p{N}_]+/gu));
/** All that is between words. */
export const gapChars: () => CharSet = lazily(() => negate(wordChars()));
export const spaceChars: () => CharSet = lazily(() => matching(/\s+/gu));
export const digitChars: () => CharSet = lazily(() => matching(/\p{Nd}+/gu));

const properties = new Map<string, CharSet | undefined>();

/** The characters of a Unicode property as RegExp names it (`L`, `Script=Cyrillic`); undefined for an unknown one. */
export function propertyChars(name: string): CharSet | undefined {
  if (!properties.has(name)) {
    let set: CharSet | undefined;
    if (/^[\w=]+$/.test(name)) {
      try {
        set = matching(new RegExp(`\\p{${name}}+`, "gu"));
      } catch {
        // An unknown property.
      }
    }
    properties.set(name, set);
  }
  return properties.get(name);
}

/** The characters that have a case, as one text. */
const casedText = lazily(() =>
  pairs(matching(/\p{Changes_When_Casemapped}+/gu))
    .map(([low, high]) => String.fromCodePoint(...Array.from({ length: high - low + 1 }, (_, i) => low + i)))
    .join("")
);

const closed = new Map<string, CharSet>();

/** The set together with all characters that differ from a member only in case: k, K and the Kelvin sign. */
export function ignoreCase(set: CharSet): CharSet {
  const key = set.join();
  let result = closed.get(key);
  if (!result) {
    const escape = (code: number) => `\\u{${code.toString(16)}}`;
    const members = pairs(set).map(([low, high]) => `${escape(low)}-${escape(high)}`).join("");
    const others = members === "" ? [] : casedText().match(new RegExp(`[${members}]`, "giu")) ?? [];
    result = union(set, charsOf(others.join("")));
    closed.set(key, result);
  }
  return result;
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
