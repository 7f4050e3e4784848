/** The paragraph method: whole paragraphs, as many as fit; smaller pieces only where a paragraph alone is too long. */
import type { ChunkOptions, PassageSink } from "./chunk.ts";
import { Offsets } from "./offsets.ts";
import { isSpace, type Range, splitWords } from "./paragraphs.ts";
import type { TextSource } from "./text_source.ts";

/** What is not split any further, in the order of the text. */
interface Pieces {
  readonly starts: Offsets;
  readonly ends: Offsets;
  /** The size of each, and what it adds to a passage that it continues (with the white space before it). */
  readonly alone: Offsets;
  readonly added: Offsets;
  /** Pieces in front of which a word was too long for any passage: none goes on there. */
  readonly breaks: Offsets;
}

/** Passages: from the piece `firsts` to the piece `lasts`, both included. */
interface Runs {
  readonly firsts: Offsets;
  readonly lasts: Offsets;
  readonly sizes: Offsets;
}

/** Used again for each section: a book has thousands of pieces, and many sections. */
const pieces: Pieces = {
  starts: new Offsets(),
  ends: new Offsets(),
  alone: new Offsets(),
  added: new Offsets(),
  breaks: new Offsets(),
};
const runs: Runs = { firsts: new Offsets(), lasts: new Offsets(), sizes: new Offsets() };

/** Tokens of two parts do not add up to those of the whole; nearer to the limit than this, the whole is counted. */
const TOKEN_DOUBT = 16;
/** Tokens that two parts lose by being joined, as `.` and a blank line become one. */
const JOINT = 2;
const CLOSERS = "\"'\u201d\u2019)]";

/** Adds the passages of a section. */
export function packParagraphs(source: TextSource, section: Range, options: ChunkOptions, into: PassageSink): void {
  findPieces(source, section, options, into);
  const { starts, ends, breaks } = pieces;
  breaks.push(starts.length);
  for (let list = 0, from = 0; list < breaks.length; list++) {
    const to = breaks.at(list);
    join(source, from, to, options);
    for (let run = 0; run < runs.sizes.length; run++) {
      const start = starts.at(runs.firsts.at(run));
      const end = ends.at(runs.lasts.at(run));
      const size = runs.sizes.at(run);
      if (size < options.minSize) into.leftOut(start, end, "too_short");
      else into.passage(start, end, size);
    }
    from = to;
  }
}

/** Finds the pieces of a section. */
function findPieces(source: TextSource, section: Range, { unit, size }: ChunkOptions, into: PassageSink): void {
  const { starts, ends, alone, added, breaks } = pieces;
  for (const numbers of [starts, ends, alone, added, breaks]) numbers.length = 0;
  let before = -1; // The end of the last piece, if there is one.
  const add = (start: number, end: number): boolean => {
    const more = unit.measure(source, before < 0 ? start : before, end);
    let own = more;
    if (unit.name === "chars") own = end - start;
    else if (unit.name === "tokens" && more + TOKEN_DOUBT > size) own = unit.measure(source, start, end);
    if (own > size) return false;
    starts.push(start);
    ends.push(end);
    alone.push(own);
    added.push(more);
    before = end;
    return true;
  };
  const addSentence = (start: number, end: number) => {
    if (add(start, end)) return;
    into.cutSentence();
    const text = source.slice(start, end);
    const addPart = (part: Range) => add(start + part.start, start + part.end);
    for (const clause of splitClauses(text)) {
      if (addPart(clause)) continue;
      for (const word of splitWords(text, clause.start, clause.end)) {
        if (addPart(word)) continue;
        before = start + word.end;
        into.leftOut(start + word.start, before, "word_too_long");
        breaks.push(starts.length);
      }
    }
  };
  source.eachParagraph(section.start, section.end, (start, end) => {
    if (!add(start, end)) source.eachSentence(start, end, addSentence);
  });
}

/** Commas, semicolons, colons and dashes. */
function isClauseMark(unit: number): boolean {
  return unit > 0x3b ? unit === 0x2014 || unit === 0x2013 : unit === 0x2c || unit === 0x3b || unit === 0x3a;
}

/** A sentence cut after commas, colons, semicolons and dashes that white space follows. */
function splitClauses(text: string): Range[] {
  const clauses: Range[] = [];
  const end = text.length;
  let start = 0;
  for (let at = 0; at < end; at++) {
    if (!isClauseMark(text.charCodeAt(at))) continue;
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
function join(source: TextSource, from: number, to: number, options: ChunkOptions): void {
  const { unit, size: limit, minSize } = options;
  const { starts, ends, alone, added } = pieces;
  const { firsts, lasts, sizes } = runs;
  firsts.length = lasts.length = sizes.length = 0;
  const sizeOf = (first: number, last: number) => unit.measure(source, starts.at(first), ends.at(last));
  let least = limit;
  for (let first = from; first < to;) {
    let last = first;
    let size = alone.at(first);
    while (last + 1 < to && size + added.at(last + 1) <= limit) size += added.at(++last);
    if (unit.name === "tokens") {
      size = sizeOf(first, last);
      while (size > limit && last > first) size = sizeOf(first, --last);
      while (last + 1 < to && size + added.at(last + 1) <= limit + JOINT) {
        const whole = sizeOf(first, last + 1);
        if (whole > limit) break;
        size = whole;
        last++;
      }
    }
    firsts.push(first);
    lasts.push(last);
    sizes.push(size);
    least = Math.min(least, size);
    first = last + 1;
  }
  if (least < minSize) mend(options, sizeOf);
}

/** Gives passages that are too small pieces of their neighbours, as long as these stay large enough. */
function mend({ size: limit, minSize }: ChunkOptions, sizeOf: (first: number, last: number) => number): void {
  const { firsts, lasts, sizes } = runs;
  for (let run = 0; run < sizes.length; run++) {
    const [before, after] = [run - 1, run + 1];
    while (before >= 0 && sizes.at(run) < minSize && lasts.at(before) > firsts.at(before)) {
      const moved = lasts.at(before);
      const left = sizeOf(firsts.at(before), moved - 1);
      const grown = sizeOf(moved, lasts.at(run));
      if (left < minSize || grown > limit) break;
      firsts.set(run, moved);
      sizes.set(run, grown);
      lasts.set(before, moved - 1);
      sizes.set(before, left);
    }
    while (after < sizes.length && sizes.at(run) < minSize && lasts.at(after) > firsts.at(after)) {
      const moved = firsts.at(after);
      const left = sizeOf(moved + 1, lasts.at(after));
      const grown = sizeOf(firsts.at(run), moved);
      if (left < minSize || grown > limit) break;
      lasts.set(run, moved);
      sizes.set(run, grown);
      firsts.set(after, moved + 1);
      sizes.set(after, left);
    }
  }
}
