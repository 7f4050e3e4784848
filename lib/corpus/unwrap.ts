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
  let letters = 0;
  let signs = 0;
  let gaps = 0;
  let bars = 0;
  let leaders = 0;
  let capitals = 0;
  let widest = 0;
  const indent = blockIndent(block);
  for (const line of lines) {
    const text = line.trim();
    widest = Math.max(widest, line.length - indent);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code >= 0xc0) letters++;
      else if (code !== 32) signs++;
    }
    if (/\S {3,}\S/.test(text)) gaps++;
    if (text.includes("|") && /\|.*\||^\||\|$/.test(text)) bars++;
    if (/\.{4,}|(?:\. ){4,}|(?:\* ){5,}/.test(text)) leaders++;
    if (/^[\W_]*\p{Lu}/u.test(text)) capitals++;
  }
  if (signs > letters && letters + signs > 3) return "drawing";
  const n = lines.length;
  if (bars >= Math.max(1, n * 0.5)) return "table";
  if (gaps >= Math.max(1, n * 0.6) && (n > 1 || indent >= 2 || lines[0]?.length !== width)) {
    if (n > 1 || /\S {5,}\S/.test(lines[0] ?? "")) return "table";
  }
  if (n > 1 && leaders >= n * 0.5 && /\d\s*$/.test(lines[0] ?? "")) return "table";
  if (n === 1) return "prose";
  if (n >= (indent >= 2 ? 2 : 3) && capitals >= n * 0.85 && widest <= Math.min(62, width * 0.86)) return "verse";
  let early = 0;
  for (let i = 0; i + 1 < n; i++) {
    const next = (lines[i + 1] ?? "").trim();
    const word = next.indexOf(" ") < 0 ? next.length : next.indexOf(" ");
    const line = lines[i] ?? "";
    if (line.length - indent + 1 + word <= Math.min(widest, width) && line.length + 1 + word <= width - 6) early++;
  }
  if (early >= Math.max(1, (n - 1) * 0.6) && (indent >= 2 || widest < width * 0.75 || n >= 4)) return "lines";
  return "prose";
}

/** Words seen in the book, for the hyphens at its line ends. */
export interface Lexicon {
  has(word: string): boolean;
}

/** Scans the book once for the words that its line-end hyphens ask for: joined, hyphenated, and either half. */
export function buildLexicon(text: string): Lexicon {
  const wanted = new Map<string, boolean>();
  for (const match of text.matchAll(/([A-Za-z\u00c0-\u024f]+)[-\u00ad]\n *([A-Za-z\u00c0-\u024f]+)/g)) {
    const left = (match[1] ?? "").toLowerCase();
    const right = (match[2] ?? "").toLowerCase();
    for (const word of [left, right, left + right, `${left}-${right}`]) wanted.set(word, false);
  }
  if (wanted.size > 0) {
    for (const match of text.matchAll(/[A-Za-z\u00c0-\u024f]+(?:-[A-Za-z\u00c0-\u024f]+)*(?!-\n)/g)) {
      const word = match[0].toLowerCase();
      if (wanted.has(word)) wanted.set(word, true);
      else if (word.includes("-")) {
        for (const part of pairs(word)) if (wanted.has(part)) wanted.set(part, true);
      }
    }
  }
  return { has: (word) => wanted.get(word) === true };
}

function pairs(word: string): string[] {
  const parts = word.split("-");
  return parts.slice(0, -1).map((part, i) => `${part}-${parts[i + 1] ?? ""}`);
}

/**
 * Joins the lines of a paragraph. A hyphen at a line end stays where the book has the hyphenated word elsewhere, or has
 * both halves as words and never the joined word; else the halves are one word. Dashes take no space.
 */
export function joinLines(lines: readonly string[], lexicon: Lexicon, removed: Counts): string {
  let text = (lines[0] ?? "").trim();
  for (let i = 1; i < lines.length; i++) {
    const next = (lines[i] ?? "").trim();
    if (next === "") continue;
    const last = text.charCodeAt(text.length - 1);
    if (last === 0xad) {
      count(removed, "hyphens");
      text = text.slice(0, -1) + next;
    } else if (last === 45 && text.charCodeAt(text.length - 2) !== 45) {
      text = joinHyphen(text, next, lexicon, removed);
    } else if (last === 45 || last === 0x2014 || /^(?:--|—)(?!\s)/.test(next)) {
      text += next;
    } else {
      text += ` ${next}`;
    }
  }
  return text;
}

function joinHyphen(text: string, next: string, lexicon: Lexicon, removed: Counts): string {
  const left = /[\p{L}\p{M}'’]+(?=-$)/u.exec(text.slice(-40))?.[0];
  const right = /^[\p{L}\p{M}]+/u.exec(next)?.[0];
  if (left === undefined || right === undefined) {
    // "1914-" / "18", "P-" / "K4": nothing was divided. A hyphen that stands alone is a dash.
    return / -$/.test(text) ? `${text} ${next}` : text + next;
  }
  if (/^(?:and|or|to|und|oder|et|ou)$/i.test(right)) return `${text} ${next}`;
  count(removed, "hyphens");
  if (left.length === 1 || /^\p{Lu}/u.test(right) || /^\d/.test(next.slice(right.length))) return text + next;
  const l = left.toLowerCase();
  const r = right.toLowerCase();
  if (lexicon.has(`${l}-${r}`)) return text + next;
  if (lexicon.has(l + r)) return text.slice(0, -1) + next;
  return lexicon.has(l) && lexicon.has(r) ? text + next : text.slice(0, -1) + next;
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
  return !/[.!?:;…]["”'’)\]]*$|["”]$/.test(text) && !isAllCaps(text);
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
  return text.replace(/ +([,;.!?])(?=\s|$|["”’])/g, "$1").trim();
}

/** Where in a block's lines the first non-blank stands: how a centred line is told. */
export function isCentred(block: Block): boolean {
  return block.lines.every((line) => indentOf(line) >= 8);
}
