/** Counting words as word counts are usually made: runs of anything but white space. */
import { BROKEN, createJsonChars } from "./json_chars.ts";

/** JavaScript's white space, and control characters. */
function isSpace(code: number): boolean {
  if (code < 0x80) return code <= 0x20 || code === 0x7f;
  return code === 0xa0 || code === 0x1680 || (code >= 0x2000 && code <= 0x200a) || code === 0x2028 || code === 0x2029 ||
    code === 0x202f || code === 0x205f || code === 0x3000 || code === 0xfeff;
}

/** Words of a text. */
export function wordsIn(text: string): number {
  let words = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const space = isSpace(text.charCodeAt(i));
    if (!space && !inside) words++;
    inside = !space;
  }
  return words;
}

const chars = createJsonChars();
/** 1: a byte of a word; 0: a space; 2: look closer. */
const KIND = Uint8Array.from({ length: 256 }, (_, byte) => chars.isPlain(byte) ? Number(!isSpace(byte)) : 2);

/** Words of a good JSON string in UTF-8, from behind its opening quote to its closing one. */
export function wordsInJson(bytes: Uint8Array, from: number, to: number): number {
  chars.source = bytes;
  let words = 0;
  let before = 0;
  for (let at = from; at < to; at++) {
    let kind = KIND[bytes[at]!]!;
    if (kind === 2) {
      const code = chars.read(at);
      if (code === BROKEN) return words;
      kind = Number(!isSpace(code));
      at += chars.width - 1;
    }
    words += kind & (before ^ 1); // Without a branch, which every word would mispredict.
    before = kind;
  }
  return words;
}
