/**
 * A text as it stands in a line of JSON: escaped, in UTF-8. Chunking copies nearly all of a text as it is, so decoding
 * a whole book and encoding it again is work for nothing, and takes several times its size in memory.
 */
import { lastUpTo } from "./offsets.ts";
import type { Found, TextMemory } from "./raw_text_memory.ts";
import { ENTRY } from "./sentence_kernel.ts";
import { readStop, splitSentences } from "./sentences.ts";
import type { TextSource } from "./text_source.ts";

/** A text whose offsets are UTF-16 units, as if it were decoded. Good until the next read. */
export interface RawText extends TextSource {
  /** Offset of the closing quotation mark in the lines. */
  readonly closing: number;
  /** Whether an offset lies within a paragraph. */
  splits(offset: number): boolean;
}

const [QUOTE, BACKSLASH, SPACE, FEED, COLON] = [0x22, 0x5c, 0x20, 0x0a, 0x3a];

/** Not a fatal one, which takes twice as long: what it decodes has been checked. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads a JSON string in the lines that a memory has loaded: checks that it is UTF-8 and JSON, and finds its paragraphs,
 * in one pass.
 *
 * @param at Where in the lines the content of the string begins.
 * @returns undefined where the string is broken or unusual: JSON.parse will tell what is wrong, or decode it.
 */
export function readRawText(memory: TextMemory, at: number): RawText | undefined {
  const found = memory.read(at);
  return found && rawText(memory, found);
}

function rawText({ memory, place, stops }: TextMemory, { closing, length, paragraphs, starts, ends }: Found): RawText {
  const list = (from: number) => new Int32Array(memory.buffer, from, paragraphs);
  let lists = { starts: list(starts), ends: list(ends) };
  /** Memory that grew in between has another buffer. */
  const ofParagraphs = () =>
    lists.starts.buffer === memory.buffer ? lists : lists = { starts: list(starts), ends: list(ends) };
  const slice = (start: number, end: number): string => {
    if (end <= start) return ""; // As of a string.
    const from = place(start);
    const content = decoder.decode(new Uint8Array(memory.buffer, from, place(end) - from));
    return content.includes("\\") ? String(JSON.parse(`"${content}"`)) : content;
  };
  return {
    length,
    closing,
    slice,
    eachSentence(start, end, tell) {
      const list = stops(start, end);
      if (!list) {
        for (const part of splitSentences(slice(start, end))) tell(start + part.start, start + part.end);
        return;
      }
      let text: string | undefined;
      let from = start; // Where the sentence starts.
      let seen = start; // What belongs to a stop was looked at up to here.
      for (let at = 0; at < list.length; at += ENTRY) {
        const isSure = list[at]! >= 0;
        const stop = isSure ? list[at]! : ~list[at]!;
        if (stop < seen) continue;
        let sentenceEnd = list[at + 1]!, next = list[at + 2]!, ends = true;
        if (!isSure) {
          text ??= slice(start, end);
          const found = readStop(text, from - start, stop - start, end - start);
          [sentenceEnd, next, ends] = [start + found.end, start + found.next, found.ends];
          if (sentenceEnd >= end) break;
        }
        seen = sentenceEnd;
        if (!ends) continue;
        tell(from, sentenceEnd);
        from = next;
      }
      tell(from, end);
    },
    eachParagraph(start, end, tell) {
      const { starts, ends } = ofParagraphs();
      for (let index = lastUpTo(starts, start - 1) + 1; index < paragraphs; index++) {
        if (starts[index]! >= end) break;
        tell(starts[index]!, ends[index]!);
      }
    },
    splits(offset) {
      const { starts, ends } = ofParagraphs();
      const index = lastUpTo(starts, offset - 1);
      return index >= 0 && offset < ends[index]!;
    },
  };
}

/**
 * Where the content of the string of a member begins, in the line from `start` on that is a JSON object: the first of
 * that name at any depth. A string cannot hold what this looks for, as a quotation mark in a string is escaped.
 */
export function findStringMember(line: Uint8Array, name: string, start = 0): number | undefined {
  const wanted = new TextEncoder().encode(`"${name}"`);
  for (let quote = start; quote < line.length; quote++) {
    const byte = line[quote]!;
    if (byte === FEED) break;
    if (byte !== QUOTE || !standsAt(line, quote, wanted) || line[quote - 1] === BACKSLASH) continue;
    const colon = skipSpaces(line, quote + wanted.length);
    const value = skipSpaces(line, colon + 1);
    if (line[colon] === COLON && line[value] === QUOTE) return value + 1;
  }
  return undefined;
}

function standsAt(line: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (line[at + i] !== wanted[i]) return false;
  return true;
}

function skipSpaces(line: Uint8Array, at: number): number {
  while (line[at] === SPACE) at++;
  return at;
}
