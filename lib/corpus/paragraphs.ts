/** Paragraphs and words as ranges of a text: nothing is copied until a chunk is written. */

/** A half-open range of UTF-16 units. */
export interface Range {
  start: number;
  end: number;
}

/** The paragraphs of a text or of a part of it: what lies between blank lines, without the white space around it. */
export function splitParagraphs(text: string, start = 0, end: number = text.length): Range[] {
  const paragraphs: Range[] = [];
  let first = skipSpace(text, start, end);
  for (let line = text.indexOf("\n", first); line >= 0 && line < end; line = text.indexOf("\n", line)) {
    // Most newlines of clean prose come in pairs; those within verse are passed over one by one.
    const next = skipSpace(text, line + 1, end);
    const second = text.indexOf("\n", line + 1);
    if (second >= 0 && second < next) {
      paragraphs.push({ start: first, end: trimEnd(text, first, line) });
      first = next;
    }
    line = Math.max(next, line + 1);
  }
  if (first < end) paragraphs.push({ start: first, end: trimEnd(text, first, end) });
  return paragraphs;
}

/** True for what separates words. A no-break space does not. */
export function isSpace(unit: number): boolean {
  return unit <= 0x20 || (unit >= 0x2000 && unit <= 0x200a) || unit === 0x2028 || unit === 0x2029 || unit === 0x3000;
}

/** The first offset from `at` on that is not white space. */
export function skipSpace(text: string, at: number, end: number): number {
  while (at < end && isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** The end of the range without white space before it. */
export function trimEnd(text: string, start: number, end: number): number {
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return end;
}

/** The words of a part of a text: what lies between white space. */
export function splitWords(text: string, start: number, end: number): Range[] {
  const words: Range[] = [];
  for (let at = skipSpace(text, start, end); at < end;) {
    let stop = at;
    while (stop < end && !isSpace(text.charCodeAt(stop))) stop++;
    words.push({ start: at, end: stop });
    at = skipSpace(text, stop, end);
  }
  return words;
}

/** How many words a part of a text has. */
export function countWords(text: string, start = 0, end: number = text.length): number {
  let words = 0;
  let inWord = false;
  for (let at = start; at < end; at++) {
    const space = isSpace(text.charCodeAt(at));
    if (!space && !inWord) words++;
    inWord = !space;
  }
  return words;
}
