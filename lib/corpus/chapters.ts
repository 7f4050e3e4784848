/** Headings: which blocks open a chapter, at which level, and under what title. */
import { type Block, flat, type Heading, isAllCaps } from "./blocks.ts";

const ROMAN = String.raw`(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})`;
const UNITS = "one|two|three|four|five|six|seven|eight|nine";
const WORD_NUMBER =
  `(?:(?:the\\s+)?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|(?:twenty|thirty|forty)-(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|thirtieth|fortieth|last)|(?:${UNITS}|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:${UNITS}))?))`;
const NUMBER = `(?:${ROMAN}|${ROMAN.toLowerCase()}|\\d{1,3}[a-z]?|${WORD_NUMBER})`;

/**
 * Keyword, level, and whether a title after the number may be a plain sentence. The words of other tongues are those of
 * the editions that Project Gutenberg holds most.
 */
const KEYWORDS: readonly [string, number, boolean][] = [
  ["volume|vol\\.|tome|band", 0, true],
  ["book|part|epoch|livre|buch|partie|teil|libro", 1, true],
  ["chapter|chap\\.|chapitre|kapitel|capitulo|capítulo|stave|letter|act|canto|record|lecture", 2, true],
  ["episode|essay|lesson|discourse|entry|day|night", 2, false],
  ["section|sect\\.|scene", 3, true],
  ["game|example|variation|article|problem", 4, false],
];
const KEYWORD_HEADINGS = KEYWORDS.map(([words, level, sentence]) => ({
  level,
  sentence,
  pattern: new RegExp(
    `^(?:the\\s+)?(?:${words})\\s+(?:no\\.\\s*)?${NUMBER}(?![\\w'’])(?:\\s*([.:;,—–-]+|\\s)\\s*(.*))?$`,
    "i",
  ),
}));
/** "THE FIRST BOOK", "FIRST PART", "GAME THE FIRST". */
const ORDINAL_HEADING = new RegExp(
  `^(?:the\\s+)?${WORD_NUMBER}\\s+(volume|book|part|chapter|canto|act|letter|section)\\b[.:]*\\s*(.*)$`,
  "i",
);
const ROMAN_ALONE = new RegExp(`^${ROMAN}[.:]?$`);
const ROMAN_TITLED = new RegExp(`^(${ROMAN})(?:[.:]|\\s?[—–-]+|\\s)\\s*(\\S.*)$`);
const ARABIC_ALONE = /^\d{1,3}[.:]?$/;
const ARABIC_TITLED = /^(\d{1,3}[a-z]?)(?:[.:)]|\s?[—–-]+)\s+(\S.*)$/;
const NAMED =
  /^(?:(?:the|an?|author['’]s|translator['’]s|editor['’]s|publisher['’]s|general|historical|critical|first|second|third)\s+)*(?:preface|introduction|introductory(?: (?:note|remarks|chapter))?|foreword|prologue|epilogue|afterword|conclusion|appendix(?: [a-z\d]{1,4})?|postscript|supplement|prelude|interlude|note|advertisement|argument|dedication|to the reader|vorwort|einleitung|préface|avant-propos|prólogo)(?:\s+(?:to|by|and)\s+.{1,60}|\s?[.:—–-]+\s?.{1,60})?[.:]?$/i;
/** Of these, the ones that chapters may belong to. */
const CONTAINER = /epilogue|appendix|supplement|conclusion|postscript/i;
const ENDING =
  /^[\W_]*(?:the\s+end|end|finis|fin|ende|the end\W+of\W(?:[^.]{1,40}\s)?\S{1,20}|end of (?:the )?(?:book|part|volume|vol\.|first|second|third|project)\b.{0,40}|explicit)[\W_]*$/i;

/** A heading, in the words it is printed in, without marks of emphasis. */
export function plainTitle(text: string): string {
  if (!/[_=[{-]| {2}/.test(text)) return text;
  return text.replace(/[_=]+|\[\d+\]|\{\w{1,6}\}/g, "").replace(/\s+/g, " ").replace(/\s*--\s*/g, "—").trim();
}

/** Title as compared with the table of contents: letters and digits, in small letters. */
export function titleKey(text: string): string {
  return plainTitle(text).toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

/** True for "THE END", "FINIS", "END OF PART ONE". */
export function isEnding(text: string): boolean {
  if (text.length >= 80 || !ENDING.test(text)) return false;
  // "The end of it was this" is a sentence, "THE END of FLATLAND" is none.
  return !/\sof\s/i.test(text) || /\s["“(]?(?:\p{Lu}\S*|one|two|three|\d+)$/u.test(text);
}

/** True where words of four letters and more nearly all begin with capitals. */
export function isTitleCase(text: string): boolean {
  const words = text.match(/\p{L}[\p{L}'’]{3,}/gu) ?? [];
  if (words.length === 0) return /^\W*\p{Lu}/u.test(text);
  const capitals = words.filter((word) => /^\p{Lu}/u.test(word)).length;
  return /^\W*(?:\p{Lu}|\d)/u.test(text) && capitals >= words.length * 0.75;
}

/**
 * The heading that a block is, if any: `CHAPTER I`, `BOOK ONE: 1805`, `I.`, `IV. THE CYLINDER OPENS`, `PREFACE`,
 * `RECORD TWO`; `bare` when only a number, so that the next block may hold the title.
 *
 * @example
 * ```ts
 * import { headingOf } from "@/corpus/chapters.ts";
 *
 * const heading = headingOf({ lines: ["CHAPTER IV. The Ford"], before: 3 }, undefined);
 * if (heading?.level !== 2 || heading.bare) throw new Error("no chapter");
 * if (headingOf({ lines: ["Part of it was true."], before: 3 }, undefined) !== undefined) throw new Error("a chapter");
 * ```
 */
export function headingOf(block: Block, next: Block | undefined): (Heading & { bare: boolean }) | undefined {
  if (block.lines.length > 4 || /^\s*["“'‘(]/.test(block.lines[0] ?? "")) return undefined;
  const whole = flat(block);
  if (whole.length > 200) return undefined;
  const text = plainTitle(whole);
  if (text.length > 160 || text.length === 0) return undefined;
  for (const { level, sentence, pattern } of KEYWORD_HEADINGS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const rest = (match[2] ?? "").trim();
    if (rest === "") return { level, title: text, bare: true };
    const parted = (match[1] ?? " ").trim() !== "" || /^[^a-z]+\s/.test(text);
    return isTitle(rest) || (sentence && parted && block.before >= 2 && startsHigh(rest) && !/[,;]$/.test(rest) &&
        (text.length <= 100 || !/[.!?]$/.test(rest)))
      ? { level, title: text, bare: false }
      : undefined;
  }
  const ordinal = ORDINAL_HEADING.exec(text);
  if (ordinal !== null && isTitle(text)) {
    const word = (ordinal[1] ?? "").toLowerCase();
    const level = word === "volume" ? 0 : word === "book" || word === "part" ? 1 : word === "section" ? 3 : 2;
    return { level, title: text, bare: (ordinal[2] ?? "") === "" };
  }
  if (ROMAN_ALONE.test(text)) return { level: 3, title: text, bare: true };
  if (NAMED.test(text) && block.lines.length <= 2 && isTitle(text)) {
    return { level: 1, title: text, bare: false, leaf: !CONTAINER.test(text) };
  }
  const roman = ROMAN_TITLED.exec(text);
  if (
    roman?.[2] !== undefined && !/^[CDLM]$/.test(roman[1] ?? "") && block.lines.length <= 3 &&
    titleAfterNumber(roman[2], block, next, text)
  ) {
    return { level: 3, title: text, bare: false };
  }
  const arabic = ARABIC_TITLED.exec(text);
  if (arabic?.[2] !== undefined && block.lines.length <= 2 && titleAfterNumber(arabic[2], block, next, text)) {
    return { level: 4, title: text, bare: false };
  }
  if (ARABIC_ALONE.test(text) && block.before >= 2) return { level: 4, title: text, bare: true };
  const lettered = /^[A-H]\.\s+(\p{Lu}.*)$/u.exec(text)?.[1];
  if (
    lettered !== undefined && block.lines.length === 1 && text.length < 70 && isTitle(lettered) && !/[.!?:]$/.test(text)
  ) {
    return { level: 5, title: text, bare: false };
  }
  return undefined;
}

function startsHigh(text: string): boolean {
  return /^[“"'‘(]?[\p{Lu}\d]/u.test(text);
}

function isTitle(text: string): boolean {
  return (isAllCaps(text) && /\p{Lu}{2}/u.test(text)) || (isTitleCase(text) && !/[,;]$/.test(text));
}

function titleAfterNumber(title: string, block: Block, next: Block | undefined, whole: string): boolean {
  if (isAllCaps(title) && /\p{Lu}{3}/u.test(title)) return !/^\W*\p{Lu}\W/u.test(title) || title.length > 8;
  return block.before >= 2 && (next?.before ?? 1) >= 1 && whole.length < 80 && isTitleCase(title) &&
    !/[.,;:!?]$/.test(title);
}

/** True for a short block that may be a title: capitals, or each word with a capital, and no sentence. */
export function isTitleBlock(block: Block): boolean {
  if (block.lines.length > 4) return false;
  const whole = flat(block);
  if (whole.length > 200) return false;
  const text = plainTitle(whole);
  if (text.length > 140 || !/\p{L}{2}/u.test(text) || /^["“'‘(]/.test(text) && !isAllCaps(text)) return false;
  if (isAllCaps(text)) return true;
  return isTitleCase(text) && !/[.,;:!?—-]$/.test(text) && text.length < 100;
}
