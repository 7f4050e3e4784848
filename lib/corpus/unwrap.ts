/** Hard-wrapped lines back to paragraphs: line ends, hyphens at line ends, and which blocks are not prose to unwrap. */
import { type Block, blockIndent, count, type Counts, indentOf, isAllCaps } from "./blocks.ts";

/** How a block is set. */
export type Setting = "prose" | "verse" | "table" | "drawing" | "lines";

/**
 * Tells how a block is set. `width` is the width to which the book was wrapped.
 *
 * - `table`: most lines have wide gaps inside, or bars; `drawing`: hardly any words;
 * - `verse`: lines that begin with capitals and end well before the margin;
 * - `lines`: other lines that were broken on purpose (an address, a list).
 */
export function settingOf(block: Block, width: number): Setting {
  const lines = block.lines;
  const n = lines.length;
  if (isPlain(lines, width)) return "prose";
  const indent = blockIndent(block);
  const tally = tallyLines(lines, indent);
  const { letters, digits, signs, widest } = tally;
  if (tally.bars >= Math.max(1, n * 0.5)) return "table";
  if ((signs > letters + digits && signs >= 6) || (letters === 0 && n > 1)) return "drawing";
  if (n > 2 && digits > letters) return "table";
  if (tally.gaps >= Math.max(1, n * 0.6) && (n > 1 || / {5}/.test((lines[0] ?? "").trim()))) return "table";
  if (n > 1 && tally.leaders >= n * 0.5 && /\d\s*$/.test(lines[0] ?? "")) return "table";
  if (n === 1) return "prose";
  if (n >= 3 && tally.numbers >= n * 0.8) return "table";
  const narrow = indent >= 2 || n >= 4 ? 0.86 : 0.7;
  const enough = n >= (indent >= 2 ? 2 : 3);
  if (enough && tally.capitals >= n * 0.85 && widest <= Math.min(62, width * narrow)) return "verse";
  if (indent >= 2 && n >= 3 && widest < width * 0.45) return "lines";
  const early = countEarlyBreaks(lines, indent, widest, width);
  if (early >= Math.max(1, (n - 1) * 0.6) && (indent >= 2 || n >= 4) && widest < width * 0.85) return "lines";
  return "prose";
}

/** The common case, told at a glance: unindented lines that run to the margin. */
function isPlain(lines: readonly string[], width: number): boolean {
  const last = lines.length - 1;
  if (last === 0 && (lines[0]?.length ?? 0) < 20) return false;
  for (let i = 0; i <= last; i++) {
    const line = lines[i] ?? "";
    const first = line.charCodeAt(0);
    if (first === 32 || (first > 32 && first < 65 && first !== 34 && first !== 39 && first !== 40)) return false;
    if (i < last && line.length < width * 0.75) return false;
    if (line.includes("   ") || line.includes("|") || line.includes("....")) return false;
  }
  return true;
}

function tallyLines(lines: readonly string[], indent: number) {
  const tally = { letters: 0, digits: 0, signs: 0, gaps: 0, bars: 0, leaders: 0, capitals: 0, numbers: 0, widest: 0 };
  for (const line of lines) {
    const text = line.trim();
    tally.widest = Math.max(tally.widest, line.length - indent);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code >= 0xc0) tally.letters++;
      else if (code >= 48 && code <= 57) tally.digits++;
      else if (code !== 32) tally.signs++;
    }
    if (text.includes("   ")) tally.gaps++;
    if (text.includes("|") && /\|.*\||^\||\|$/.test(text)) tally.bars++;
    if (/\.{4,}|(?:\. ){4,}|(?:\* ){5,}/.test(text)) tally.leaders++;
    if (/[=\s.]\d[\d.,/]{0,12}$/.test(text)) tally.numbers++;
    if (/^[\W_]{0,8}\p{Lu}/u.test(text)) tally.capitals++;
  }
  return tally;
}

/** Line ends where the next word would still have fitted: breaks made on purpose. */
function countEarlyBreaks(lines: readonly string[], indent: number, widest: number, width: number): number {
  let early = 0;
  for (let i = 0; i + 1 < lines.length; i++) {
    const next = (lines[i + 1] ?? "").trim();
    const word = next.indexOf(" ") < 0 ? next.length : next.indexOf(" ");
    const { length } = lines[i] ?? "";
    if (length - indent + 1 + word <= Math.min(widest, width) && length + 1 + word <= width - 6) early++;
  }
  return early;
}

/** Words seen in the book, for the hyphens at its line ends. */
export interface Lexicon {
  has(word: string): boolean;
}

const LETTERS = "A-Za-z\\u00c0-\\u024f";
const LAST_WORD = new RegExp(`[${LETTERS}]+$`);
const FIRST_WORD = new RegExp(`^ *([${LETTERS}]+)`);

/** Scans the book once for the words that its line-end hyphens ask for: joined, hyphenated, and either half. */
export function buildLexicon(text: string): Lexicon {
  const wanted = new Map<string, boolean>();
  for (let at = text.indexOf("-\n"); at >= 0; at = text.indexOf("-\n", at + 2)) {
    const left = LAST_WORD.exec(text.slice(Math.max(0, at - 40), at))?.[0].toLowerCase();
    const right = FIRST_WORD.exec(text.slice(at + 2, at + 60))?.[1]?.toLowerCase();
    if (left === undefined || right === undefined) continue;
    for (const word of [left, right, left + right, `${left}-${right}`]) wanted.set(word, false);
  }
  if (wanted.size > 0) markSeen(text, wanted);
  return { has: (word) => wanted.get(word) === true };
}

/** Walks through all words and marks those that are wanted; a filter on ends and length keeps most from being cut out. */
function markSeen(text: string, wanted: Map<string, boolean>): void {
  const filter = new Uint8Array(4096);
  const slot = (first: number, last: number, length: number) =>
    ((first | 32) * 31 + (last | 32) * 7 + length * 131) & 4095;
  for (const word of wanted.keys()) {
    filter[slot(word.charCodeAt(0), word.charCodeAt(word.length - 1), word.length)] = 1;
  }
  const see = (word: string) => {
    if (wanted.has(word)) wanted.set(word, true);
  };
  let start = -1;
  let hyphen = false;
  let half = false;
  for (let i = 0, end = text.length; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : 32;
    if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 0xc0 && code <= 0x24f)) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      if (code === 45 && isLetter(text.charCodeAt(i + 1))) {
        hyphen = true;
        continue;
      }
      // The halves of a word divided at the line end are no words that were seen.
      const divided = code === 45 && text.charCodeAt(i + 1) === 10;
      if (half) {
        // the second of them
      } else if (hyphen) {
        const parts = text.slice(start, i).toLowerCase().split("-");
        for (let k = 0; k + 1 < parts.length; k++) see(`${parts[k]}-${parts[k + 1]}`);
        for (const part of parts) see(part);
      } else if (!divided && filter[slot(text.charCodeAt(start), text.charCodeAt(i - 1), i - start)] === 1) {
        see(text.slice(start, i).toLowerCase());
      }
      half = divided;
      start = -1;
      hyphen = false;
    }
  }
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 0xc0 && code <= 0x24f);
}

/**
 * Joins the lines of a paragraph. A hyphen at a line end stays where the book has the hyphenated word elsewhere, goes
 * where it has the joined word, and else stays when one of the halves is a word of the book. Dashes take no space.
 *
 * @example
 * ```ts
 * import { buildLexicon, joinLines } from "@/corpus/unwrap.ts";
 *
 * const text = "Not a looking-glass, but a looking-\nglass with an imagi-\nnation.";
 * const joined = joinLines(text.split("\n"), buildLexicon(text), {});
 * if (joined !== "Not a looking-glass, but a looking-glass with an imagination.") throw new Error(joined);
 * ```
 */
export function joinLines(lines: readonly string[], lexicon: Lexicon, removed: Counts): string {
  const parts = [(lines[0] ?? "").trim()];
  for (let i = 1; i < lines.length; i++) {
    const next = (lines[i] ?? "").trim();
    if (next === "") continue;
    const at = parts.length - 1;
    const line = parts[at] ?? "";
    const last = line.charCodeAt(line.length - 1);
    if (last === 0xad) {
      count(removed, "hyphens");
      parts[at] = line.slice(0, -1);
    } else if (last === 45 && line.charCodeAt(line.length - 2) !== 45) {
      const hyphen = hyphenBetween(line, next, lexicon, removed);
      if (hyphen !== "-") parts[at] = line.slice(0, -1) + hyphen;
    } else if (last !== 45 && last !== 0x2014 && !/^(?:--|—)(?!\s)/.test(next)) {
      parts.push(" ");
    }
    parts.push(next);
  }
  return parts.join("");
}

/** First halves that are no words of their own, and second halves that are none. */
const INSEPARABLE = /^(?:ab|ac|ad|af|ap|com|con|dis|em|en|ex|im|inter|mis|ob|per|pre|pro|re|trans|un)$/;
const SUFFIX =
  /^(?:able|al|ally|ance|ate|ated|ation|ations|ed|ence|ently|er|ers|est|ful|fully|ible|ing|ings|ions?|ish|ism|ist|ity|ive|ize|less|ly|ments?|ness|or|ous|ously|ries|ry|ses|sions?|tions?|tive|tory|ture|tures|ty)$/;

/** What becomes of the hyphen at a line end: it stays, it goes, or it stays with a space after it. */
function hyphenBetween(line: string, next: string, lexicon: Lexicon, removed: Counts): "-" | "" | "- " {
  const left = /[\p{L}\p{M}'’]+(?=-$)/u.exec(line.slice(-40))?.[0];
  const right = /^[\p{L}\p{M}]+/u.exec(next.slice(0, 60))?.[0];
  // "1914-" / "18", "P-" / "K4": nothing was divided. A hyphen that stands alone is a dash.
  if (left === undefined || right === undefined) return line.endsWith(" -") ? "- " : "-";
  if (/^(?:and|or|to|und|oder|et|ou)$/i.test(right)) return "- ";
  count(removed, "hyphens");
  if (/^-\p{L}/u.test(next.slice(right.length, right.length + 2)) || /\p{L}-$/u.test(line.slice(0, -1 - left.length))) {
    return "-";
  }
  if (left.length === 1 || /^\p{Lu}/u.test(right) || /^\d/.test(next.slice(right.length, right.length + 1))) return "-";
  const l = left.toLowerCase();
  const r = right.toLowerCase();
  if (lexicon.has(`${l}-${r}`)) return "-";
  if (lexicon.has(l + r)) return "";
  if (INSEPARABLE.test(l) || SUFFIX.test(r)) return "";
  // Proofreaders have already undone the hyphens of the printed lines: what is left at a line end is mostly a compound.
  return lexicon.has(l) || lexicon.has(r) ? "-" : "";
}

/** Lines of verse without their common indentation, one under the other. */
export function keepLines(block: Block): string {
  const indent = blockIndent(block);
  return block.lines.map((line) => line.slice(indent).replace(/(\S) {2,}/g, "$1 ")).join("\n");
}

/** A rule or a thought break: `* * *`, `-----`, `=====`, `. . . .`, a lone `#`. */
export function isBreak(text: string): boolean {
  return text.length < 100 && /^[\s*#=~+_.·•◆—–-]+$/.test(text);
}

/** True where a text breaks off in the middle of a sentence. */
export function breaksOff(text: string): boolean {
  return !/[.!?:;…]["”'’)\]]*$|["”]$/.test(text.slice(-20)) && !isAllCaps(text);
}

/** True where a text goes on with a sentence that began before it. */
export function goesOn(text: string): boolean {
  return /^[“"'‘(]?\p{Ll}/u.test(text);
}

/** Spaces tidied inside one paragraph, `--` as a dash. */
export function tidy(text: string, removed: Counts): string {
  if (text.includes("--")) {
    text = text.replace(/-{2,}/g, (run) => {
      count(removed, "dashes");
      return run.length > 3 ? "——" : "—";
    });
  }
  if (text.includes("\u00ad")) text = text.replaceAll("\u00ad", "");
  if (text.includes("  ")) text = text.replace(/ {2,}/g, " ");
  if (/ [,;.!?]/.test(text)) text = text.replace(/ ([,;.!?])(?=\s|$|["”’])/g, "$1");
  return text.trim();
}

/** Where in a block's lines the first non-blank stands: how a centred line is told. */
export function isCentred(block: Block): boolean {
  return block.lines.every((line) => indentOf(line) >= 8);
}
