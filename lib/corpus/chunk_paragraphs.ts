/** The paragraph method: whole paragraphs, as many as fit; smaller pieces only where a paragraph alone is too long. */
import type { Chunking, ChunkOptions } from "./chunk.ts";
import { isSpace, type Range, splitWords, type TextSource } from "./paragraphs.ts";
import { splitSentences } from "./sentences.ts";

/** What is not split any further. */
interface Piece extends Range {
  /** Its size, and what it adds to a passage that it continues (with the white space before it). */
  alone: number;
  added: number;
}

/** A run of pieces, from `first` to `last`, both included. */
interface Run {
  first: number;
  last: number;
  size: number;
}

/** Tokens of two parts do not add up to those of the whole; nearer to the limit than this, the whole is counted. */
const TOKEN_DOUBT = 16;
/** Tokens that two parts lose by being joined, as `.` and a blank line become one. */
const JOINT = 2;
const CLAUSE_MARKS = ",;:\u2014\u2013";
const CLOSERS = "\"'\u201d\u2019)]";

/** Adds the passages of a section to a chunking. */
export function packParagraphs(source: TextSource, section: Range, options: ChunkOptions, into: Chunking): void {
  for (const pieces of piecesOf(source, section, options, into)) {
    for (const { first, last, size } of join(source, pieces, options)) {
      const range = { start: pieces[first]?.start ?? 0, end: pieces[last]?.end ?? 0 };
      if (size < options.minSize) into.leftOut.push({ ...range, reason: "too_short" });
      else into.passages.push({ ...range, size });
    }
  }
}

/** The pieces of a section, in lists that end where a word is too long for any passage. */
function piecesOf(source: TextSource, section: Range, { unit, size }: ChunkOptions, into: Chunking): Piece[][] {
  const lists: Piece[][] = [[]];
  let end: number | undefined; // Of the last piece.
  const add = (start: number, stop: number): boolean => {
    const added = unit.measure(source, end ?? start, stop);
    let alone = added;
    if (unit.name === "chars") alone = stop - start;
    else if (unit.name === "tokens" && added + TOKEN_DOUBT > size) alone = unit.measure(source, start, stop);
    if (alone > size) return false;
    lists.at(-1)?.push({ start, end: stop, alone, added });
    end = stop;
    return true;
  };
  for (const paragraph of source.paragraphs(section.start, section.end)) {
    if (add(paragraph.start, paragraph.end)) continue;
    const text = source.slice(paragraph.start, paragraph.end);
    const addPart = (part: Range) => add(paragraph.start + part.start, paragraph.start + part.end);
    for (const sentence of splitSentences(text)) {
      if (addPart(sentence)) continue;
      into.cutSentences++;
      for (const clause of splitClauses(text, sentence)) {
        if (addPart(clause)) continue;
        for (const word of splitWords(text, clause.start, clause.end)) {
          if (addPart(word)) continue;
          const [start, stop] = [paragraph.start + word.start, paragraph.start + word.end];
          into.leftOut.push({ start, end: stop, reason: "word_too_long" });
          lists.push([]);
          end = stop;
        }
      }
    }
  }
  return lists;
}

/** A sentence cut after commas, colons, semicolons and dashes that white space follows. */
function splitClauses(text: string, { start, end }: Range): Range[] {
  const clauses: Range[] = [];
  for (let at = start; at < end; at++) {
    if (!CLAUSE_MARKS.includes(text.charAt(at))) continue;
    let stop = at + 1;
    while (stop < end && CLOSERS.includes(text.charAt(stop))) stop++;
    if (stop >= end || !isSpace(text.charCodeAt(stop))) continue;
    clauses.push({ start, end: stop });
    start = stop;
    while (start < end && isSpace(text.charCodeAt(start))) start++;
    at = start - 1;
  }
  if (start < end) clauses.push({ start, end });
  return clauses;
}

/** Joins pieces to passages as large as may be, then mends those that are too small. */
function join(source: TextSource, pieces: readonly Piece[], options: ChunkOptions): Run[] {
  const { unit, size: limit, minSize } = options;
  const runs: Run[] = [];
  const sizeOf = (first: number, last: number) =>
    unit.measure(source, pieces[first]?.start ?? 0, pieces[last]?.end ?? 0);
  for (let first = 0; first < pieces.length;) {
    let last = first;
    let size = pieces[first]?.alone ?? 0;
    for (let next = pieces[last + 1]; next && size + next.added <= limit; next = pieces[last + 1]) {
      size += next.added;
      last++;
    }
    if (unit.name === "tokens") {
      size = sizeOf(first, last);
      while (size > limit && last > first) size = sizeOf(first, --last);
      for (let next = pieces[last + 1]; next && size + next.added <= limit + JOINT; next = pieces[last + 1]) {
        const whole = sizeOf(first, last + 1);
        if (whole > limit) break;
        size = whole;
        last++;
      }
    }
    runs.push({ first, last, size });
    first = last + 1;
  }
  if (runs.some(({ size }) => size < minSize)) mend(runs, options, sizeOf);
  return runs;
}

/** Gives passages that are too small pieces of their neighbours, as long as these stay large enough. */
function mend(runs: Run[], { size: limit, minSize }: ChunkOptions, sizeOf: (first: number, last: number) => number) {
  for (const [index, run] of runs.entries()) {
    const before = runs[index - 1];
    while (before && run.size < minSize && before.last > before.first) {
      const left = sizeOf(before.first, before.last - 1);
      const grown = sizeOf(before.last, run.last);
      if (left < minSize || grown > limit) break;
      run.first = before.last--;
      run.size = grown;
      before.size = left;
    }
    const after = runs[index + 1];
    while (after && run.size < minSize && after.last > after.first) {
      const left = sizeOf(after.first + 1, after.last);
      const grown = sizeOf(run.first, after.first);
      if (left < minSize || grown > limit) break;
      run.last = after.first++;
      run.size = grown;
      after.size = left;
    }
  }
}
