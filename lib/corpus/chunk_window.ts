/** The window method: as many words as fit, each window starting within the one before it. */
import type { ChunkOptions, PassageSink } from "./chunk.ts";
import { type Range, splitWords } from "./paragraphs.ts";
import { splitSentences } from "./sentences.ts";
import type { TextSource } from "./text_source.ts";

/** A window gives up at most this share of its size to end with a sentence. */
const SENTENCE_SHARE = 0.25;

/** Words that follow each other, and what is known of them. */
interface Words {
  ranges: Range[];
  /** Whether a sentence starts with the word. */
  opens: boolean[];
  /** Size of all words before the one of that index, each with the white space before it. */
  sums: number[];
}

/** Words from `first` to `last`, both included. */
interface Window {
  first: number;
  last: number;
}

/** Adds the windows of a section to a chunking. */
export function slideWindow(source: TextSource, section: Range, options: ChunkOptions, into: PassageSink): void {
  for (const words of wordsOf(source, section, options, into)) {
    const rule = ruler(source, words, options);
    const windows = windowsOf(words, rule, options);
    mendTail(windows, rule, options);
    for (const { first, last } of windows) {
      const start = words.ranges[first]?.start ?? 0;
      const end = words.ranges[last]?.end ?? 0;
      const size = rule.exact(first, last);
      if (size < options.minSize) into.leftOut(start, end, "too_short");
      else into.passage(start, end, size);
    }
  }
}

/** The words of a section, in lists that end where a word is too long for any window. */
function wordsOf(source: TextSource, section: Range, { unit, size }: ChunkOptions, into: PassageSink): Words[] {
  const empty = (): Words => ({ ranges: [], opens: [], sums: [0] });
  let words = empty();
  const lists = [words];
  let end: number | undefined; // Of the word before.
  let sum = 0;
  source.eachParagraph(section.start, section.end, (from, to) => {
    const text = source.slice(from, to);
    for (const sentence of splitSentences(text)) {
      for (const word of splitWords(text, sentence.start, sentence.end)) {
        const range = { start: from + word.start, end: from + word.end };
        const added = unit.measure(source, end ?? range.start, range.end);
        if (added > size && unit.measure(source, range.start, range.end) > size) {
          into.leftOut(range.start, range.end, "word_too_long");
          words = empty();
          lists.push(words);
          sum = 0;
        } else {
          sum += added;
          words.ranges.push(range);
          words.opens.push(word.start === sentence.start);
          words.sums.push(sum);
        }
        end = range.end;
      }
    }
  });
  return lists.filter(({ ranges }) => ranges.length > 0);
}

/** Measures runs of words. */
interface Ruler {
  exact(first: number, last: number): number;
  /** In constant time: exact for characters and words, near for tokens. */
  quick(first: number, last: number): number;
}

function ruler(source: TextSource, { ranges, sums }: Words, { unit }: ChunkOptions): Ruler {
  const exact = (first: number, last: number) =>
    unit.measure(source, ranges[first]?.start ?? 0, ranges[last]?.end ?? 0);
  const quick = (first: number, last: number) => (sums[last + 1] ?? 0) - (sums[first] ?? 0);
  return { exact, quick: unit.name === "chars" ? exact : quick };
}

function windowsOf(words: Words, rule: Ruler, { size, overlap, minSize }: ChunkOptions): Window[] {
  const { opens } = words;
  const end = words.ranges.length - 1;
  const windows: Window[] = [];
  for (let first = 0, done = -1; done < end;) {
    let last = done + 1; // At least one word that is new: `first` was chosen so that it fits.
    while (last < end && rule.quick(first, last + 1) <= size) last++;
    while (last > done + 1 && rule.exact(first, last) > size) last--;
    if (last < end) last = sentenceEnd(first, last, done + 1);
    windows.push({ first, last });
    done = last;
    first = nextStart(first, last);
  }
  return windows;

  /** The last end of a sentence in the end of a window, else the end that it has. */
  function sentenceEnd(first: number, last: number, least: number): number {
    for (let at = last; at >= least; at--) {
      const givenUp = at < last ? rule.quick(at + 1, last) : 0;
      if (givenUp > size * SENTENCE_SHARE || rule.quick(first, at) < minSize) break;
      if (opens[at + 1]) return at;
    }
    return last;
  }

  /** The first start of a sentence within the overlap, else the first word in it. */
  function nextStart(first: number, last: number): number {
    let start = last + 1;
    while (start - 1 > first && rule.quick(start - 1, last) <= overlap) start--;
    while (start <= last && rule.exact(start, last + 1) > size) start++;
    for (let at = start; at <= last; at++) if (opens[at]) return at;
    return start;
  }
}

/** A last window that is too small starts earlier; the one before it ends earlier, as far as the overlap asks. */
function mendTail(windows: Window[], rule: Ruler, { size, overlap, minSize }: ChunkOptions): void {
  const tail = windows.at(-1);
  const before = windows.at(-2);
  if (!tail || !before || rule.exact(tail.first, tail.last) >= minSize) return;
  let first = tail.first;
  while (first > before.first + 1 && rule.exact(first, tail.last) < minSize) first--;
  let last = before.last;
  while (last >= first && rule.quick(first, last) > overlap) last--;
  const mends = rule.exact(first, tail.last) >= minSize && rule.exact(first, tail.last) <= size &&
    rule.exact(before.first, last) >= minSize;
  if (!mends) return;
  tail.first = first;
  before.last = last;
}
