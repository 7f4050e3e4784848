/** What an edition put in brackets into a text: illustrations, footnotes, side notes, page numbers; and typographic marks. */
import { count, type Counts, measure } from "./blocks.ts";

/** A bracket of this kind, and how long it may be; one that is longer has lost its closing bracket. */
interface BracketKind {
  name: string;
  pattern: RegExp;
  limit: number;
}

const BRACKETS: readonly BracketKind[] = [
  {
    name: "illustrations",
    pattern:
      /(?:Illustrations?|Images?|Picture|Plates?|Figure|Fig\.|Frontispiece|Maps?|Diagrams?|Decoration|Ornament|Cover|Drawing|Photograph|Portrait|Engraving|Logo|Device|Device of printer|Sketch|Music|Title page|Chessboard|Abbildung|ASCII (?:art|approximation|diagram))\b/iy,
    limit: 6000,
  },
  {
    name: "footnotes",
    pattern: /(?:Foot-?notes?|Note|Fn\.?|Fu(?:ss|ß)note|Note de bas)(?:\s{0,2}[\dA-Z*†‡]{1,5})?\s?[:.]/iy,
    limit: 20_000,
  },
  {
    name: "transcriber_notes",
    pattern: /(?:Transcri(?:ber|ption)|Redactor|Proofreader|E-?text editor|TN:|T\.N\.|\*\*)/iy,
    limit: 10_000,
  },
  { name: "side_notes", pattern: /(?:Side-?notes?|Margin(?:al note)?|Headnote|Running head)\b/iy, limit: 3000 },
  {
    name: "editorial_marks",
    pattern:
      /(?:sic|Greek(?: text| words?| letters?)?|Hebrew(?: text)?|Arabic(?: text)?|Cyrillic|symbol|asterism|blank|\.{3}|…|illegible)\.?(?=\])/iy,
    limit: 40,
  },
  {
    name: "page_numbers",
    pattern: /(?:Pg|Page|p|pp|S|Seite|fol)\.?\s?[\divxlc]{1,6}(?:-\d{1,4})?\s?(?=\])/iy,
    limit: 40,
  },
  { name: "page_numbers", pattern: /(?:Blank page|Half[- ]title)[^\]]{0,20}(?=\])/iy, limit: 60 },
];

/** A letter that ASCII could not hold: `[oe]`, `[=a]`, `[^e]`. */
const LETTER = /\[(?:([ao]e|[AO]E|Oe|Ae)|[=^:'`~,)(/.-]([A-Za-z])|([A-Za-z])[=^:'`~,)(/.-])\]/g;
/** A word in other letters, spelt in Latin ones. */
const SPELT = /\[(?:Greek|Hebrew|Arabic|Cyrillic|Russian):\s?([^\][\n]{1,200}(?:\n[^\][\n]{1,200})?)\]/g;
/** Stands for a bracket that was a paragraph or a line of its own; a private character that decoding strips from files. */
export const GAP = "\ue000";

/** What bracketed notes held, for the check of what was lost. */
export interface Bracketed {
  text: string;
  /** Running words inside footnotes and side notes. */
  notes: number;
}

/**
 * Takes bracketed apparatus out of a text in one pass over its brackets, however they are nested; several paragraphs
 * inside one bracket go with it, and one that stood alone leaves `GAP`. A bracket without its partner ends with its
 * paragraph.
 *
 * @example
 * ```ts
 * import { dropBrackets } from "@/corpus/apparatus.ts";
 *
 * const removed = {};
 * const { text } = dropBrackets("The lamp [Footnote: An oil lamp.] was out.", removed);
 * if (text !== "The lamp  was out.") throw new Error(text);
 * ```
 */
export function dropBrackets(text: string, removed: Counts): Bracketed {
  if (!text.includes("[")) return { text, notes: 0 };
  text = text.replace(LETTER, (_all, ligature, marked, after) => {
    count(removed, "editorial_marks");
    return ligature ?? marked ?? after;
  }).replace(SPELT, (_all, word) => {
    count(removed, "editorial_marks");
    return word;
  });
  const closing = matchBrackets(text);
  const parts: string[] = [];
  let notes = 0;
  let from = 0;
  let blank = -1;
  for (let open = text.indexOf("["); open >= 0; open = text.indexOf("[", open + 1)) {
    if (open < from) continue;
    const kind = kindAt(text, open + 1);
    if (kind === undefined) continue;
    let end = closing.get(open) ?? -1;
    if (end < 0 || end - open > kind.limit) {
      if (blank < open) blank = text.indexOf("\n\n", open);
      if (blank < 0) blank = text.length;
      end = blank - 1;
      if (end - open > kind.limit) continue;
    }
    const inner = text.slice(open + 1, end);
    if (kind.name === "footnotes" || kind.name === "side_notes") notes += measure(inner).running;
    count(removed, kind.name);
    parts.push(text.slice(from, open));
    from = end + 1;
    if ((open === 0 || text[open - 1] === "\n") && (from === text.length || text[from] === "\n")) parts.push(GAP);
  }
  parts.push(text.slice(from));
  return { text: parts.join(""), notes };
}

function kindAt(text: string, at: number): BracketKind | undefined {
  for (const kind of BRACKETS) {
    kind.pattern.lastIndex = at;
    if (kind.pattern.test(text)) return kind;
  }
  return undefined;
}

function matchBrackets(text: string): Map<number, number> {
  const closing = new Map<number, number>();
  const stack: number[] = [];
  let open = text.indexOf("[");
  let close = text.indexOf("]");
  while (close >= 0) {
    if (open >= 0 && open < close) {
      stack.push(open);
      open = text.indexOf("[", open + 1);
    } else {
      const partner = stack.pop();
      if (partner !== undefined) closing.set(partner, close);
      close = text.indexOf("]", close + 1);
    }
  }
  return closing;
}

/** The mark of a footnote: `[1]`, `[12a]`, `[A]`, `[*]`. */
const FOOTNOTE_MARK = / ?\[(?:\d{1,4}[a-z]?|[A-Za-z]|[*†‡§#]{1,4}|[ivxl]{1,6})\]/g;
/** `{9}`, `{p12}`, `{Page 12}`, `{PGN 01}`. */
const BRACE_MARK = / ?\{(?:(?:p|pg|page|PGN|fol)\.?\s?)?[\divxlc]{1,5}[a-z*]?\}/gi;

/**
 * Takes the marks of footnotes and pages out of one paragraph, each with the space before it.
 *
 * @param braces Whether `{3}` marks a footnote in this book; else it is the number of a page.
 */
export function dropNumbers(text: string, braces: boolean, removed: Counts): string {
  if (text.includes("[")) {
    text = text.replace(FOOTNOTE_MARK, () => {
      count(removed, "footnote_marks");
      return "";
    });
  }
  if (text.includes("(Greek") || text.includes("(Hebrew")) {
    text = text.replace(/ ?\((?:Greek|Hebrew)(?: (?:text|words?|letters?))?\)/g, () => {
      count(removed, "editorial_marks");
      return "";
    });
  }
  if (text.includes("{")) {
    text = text.replace(BRACE_MARK, (mark) => {
      count(removed, mark.includes("PGN") ? "pgn" : braces ? "footnote_marks" : "page_numbers");
      return "";
    });
  }
  return text;
}

/** Strips the marks for italics, bold, letter-spacing and small capitals from one paragraph; what they enclose stays. */
export function dropMarks(text: string, removed: Counts): string {
  // "Ma^{ties}", "H_{2}O": raised and lowered letters.
  if (text.includes("{")) text = text.replace(/[_^]\{([^{}]{1,12})\}/g, "$1");
  if (text.includes("_")) {
    text = text.replace(/_{2,}/g, (run) => run.length > 2 ? "——" : "—").replace(/_([^_]*)_/g, (_all, inner) => {
      count(removed, "italics");
      return inner;
    });
    if (text.includes("_")) {
      count(removed, "italics");
      text = text.replaceAll("_", "");
    }
  }
  if (text.includes("=")) {
    text = text.replace(/(^|[^\w=])=(?=[^\s=])([^=\n]{0,400}[^\s=])=(?![\w=])/g, (_all, before, inner) => {
      count(removed, "bold");
      return before + inner;
    });
    // One half of a pair that ran on over paragraphs.
    text = text.replace(/^=(?=\p{L})|(?<=[\p{L}.,;:!?])=$/gu, "");
  }
  if (text.includes("~")) {
    text = text.replace(/~(?=[^\s~])([^~\n]{0,400}[^\s~])~/g, (_all, inner) => {
      count(removed, "bold");
      return inner;
    });
  }
  if (text.includes("+")) {
    text = text.replace(/(^|[\s("“])\+(?=\p{L})([^+\n]{0,200}\p{L}[.,;:]?)\+(?![\w+])/gu, (_all, before, inner) => {
      count(removed, "bold");
      return before + inner;
    });
  }
  if (text.includes("<")) {
    text = text.replace(/<\/?(?:i|b|em|strong|sc|small|tt|u|br|p|g|span|sup|sub)\b[^<>]{0,60}>/gi, () => {
      count(removed, "italics");
      return "";
    });
  }
  return text;
}
