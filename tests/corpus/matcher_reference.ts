/**
 * The matcher's meaning, spelled out slowly: each pattern is put to RegExp with whole-match anchors at every start and
 * every end. Tests hold the fast matcher against it.
 */
import type { Match } from "@/records.ts";

const WORD = "[\\p{L}\\p{M}\\p{N}_]";
const isWord = new RegExp(`^${WORD}$`, "u");

/** A pattern in our syntax as RegExp writes it; only for patterns without escaped backslashes. */
export function toRegExpSource(pattern: string): string {
  const inClass = (body: string) =>
    body.replaceAll("'", "'’").replaceAll(/-$/g, "\\-\u2010\u2011").replaceAll("\\w", WORD.slice(1, -1));
  return pattern.replaceAll(/\[(\^?)((?:\\.|[^\]])*)\]|\\w|\\W|\\d|'|-| /g, (whole, not: string, body: string) => {
    if (whole === " ") return "(?:\\s+)";
    if (whole === "'") return "['’]";
    if (whole === "-") return "[\\-\u2010\u2011]";
    if (whole === "\\w") return WORD;
    if (whole === "\\W") return `[^${WORD.slice(1)}`;
    if (whole === "\\d") return "\\p{Nd}";
    if (!not && body.includes(" ")) return `(?:\\s+|[${inClass(body.replaceAll(" ", ""))}])`;
    return `[${not}${inClass(body).replaceAll(" ", "\\s")}]`;
  });
}

/** Patterns by category, made ready for {@linkcode referenceMatches}. */
export interface Reference {
  category: string;
  /** Where any of the patterns begins a match. */
  starts: RegExp;
  patterns: { pattern: string; here: RegExp; whole: RegExp }[];
}

export function reference(categories: Record<string, readonly string[]>): Reference[] {
  return Object.entries(categories).map(([category, patterns]) => {
    const sources = patterns.map(toRegExpSource);
    return {
      category,
      starts: new RegExp(`(?<!${WORD})(?=${WORD})(?=(?:${sources.join("|")})(?!${WORD}))`, "giu"),
      patterns: patterns.map((pattern, i) => ({
        pattern,
        here: new RegExp(`(?:${sources[i]})(?!${WORD})`, "iuy"),
        whole: new RegExp(`^(?:${sources[i]})$`, "iu"),
      })),
    };
  });
}

/** Leftmost, then longest, then listed first; no overlap in a category. `longest` bounds a match, to save time. */
export function referenceMatches(categories: readonly Reference[], text: string, longest = Infinity): Match[] {
  const found: Match[] = [];
  for (const { category, starts, patterns } of categories) {
    let free = 0;
    for (const { index } of text.matchAll(starts)) {
      if (index < free) continue;
      const possible = patterns.filter(({ here }) => {
        here.lastIndex = index;
        return here.test(text);
      });
      for (let end = Math.min(text.length, index + longest); end > index; end--) {
        const next = String.fromCodePoint(text.codePointAt(end) ?? 32);
        const unit = text.charCodeAt(end);
        if (isWord.test(next) || (unit >= 0xdc00 && unit <= 0xdfff)) continue;
        const slice = text.slice(index, end);
        const winner = possible.find(({ whole }) => whole.test(slice));
        if (!winner) continue;
        found.push({ category, pattern: winner.pattern, start: index, end });
        free = end;
        break;
      }
    }
  }
  return found;
}

/** One order for two lists of matches. */
export function inOrder(matches: readonly Match[]): Match[] {
  return [...matches].sort((a, b) => a.start - b.start || (a.category < b.category ? -1 : 1));
}
