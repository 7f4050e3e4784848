/** A manuscript's bytes as text. Nothing is tidied but the line ends: what the author typed is what is learned. */
import { UserError } from "../core/errors.ts";
import { englishShare } from "./common_words.ts";

export interface DecodedManuscript {
  readonly text: string;
  readonly encoding: "utf-8" | "utf-16" | "windows-1252";
  /** What a person should know: a guess at the encoding, a language that the rules do not know. */
  readonly warnings: readonly string[];
}

/** First bytes of files that writers take for text, and what they are. */
const OTHER_FILES: readonly (readonly [string, string])[] = [
  ["PK\x03\x04", "a Word, LibreOffice or zip file"],
  ["%PDF", "a PDF"],
  ["{\\rtf", "a rich-text file"],
  ["\xd0\xcf\x11\xe0", "an old Word file"],
  ["\x89PNG", "a picture"],
  ["\xff\xd8\xff", "a picture"],
];
const SAVE_AS_TEXT = "Save it as plain text (.txt, UTF-8) or as Markdown.";
/** One control character in so many characters is still text: form feeds, a Ctrl-Z at the end. */
const CHARACTERS_PER_CONTROL = 500;
/** Of 16 books in English the lowest share is .27 (a chess primer with games .19); German prose has 0, French .06. */
const LEAST_ENGLISH = 0.18;
/** Fewer words than this say nothing about the language. */
const LANGUAGE_FROM_WORDS = 100;

/**
 * Decodes UTF-8, UTF-16 with a byte order mark, or else Windows-1252; takes off the byte order mark and makes `\r\n` and
 * `\r` to `\n`.
 *
 * @param name The file's, for what is said about it.
 * @throws {UserError} the file is empty or no text; the message says what it is, where that can be told.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { decodeManuscript } from "@/manuscript/read.ts";
 *
 * const { text, encoding } = decodeManuscript(Uint8Array.from([0x93, 0x59, 0x6f, 0x75, 0x94, 0x0d, 0x0a]), "a.txt");
 * equal(text, "“You”\n");
 * equal(encoding, "windows-1252");
 * ```
 */
export function decodeManuscript(bytes: Uint8Array, name: string): DecodedManuscript {
  const cannot = (why: string, hint = SAVE_AS_TEXT) =>
    new UserError(`Cannot read "${name}": ${why}`, { exitCode: 2, hint });
  const head = String.fromCharCode(...bytes.subarray(0, 8));
  const other = OTHER_FILES.find(([magic]) => head.startsWith(magic));
  if (other) throw cannot(`it is ${other[1]}`);
  const utf16 = head.startsWith("\xff\xfe") ? "utf-16le" : head.startsWith("\xfe\xff") ? "utf-16be" : undefined;
  if (!utf16 && bytes.includes(0)) throw cannot("it holds NUL bytes, so it is not text");
  const warnings: string[] = [];
  let encoding: DecodedManuscript["encoding"] = utf16 ? "utf-16" : "utf-8";
  let text: string;
  try {
    text = new TextDecoder(utf16 ?? "utf-8", { fatal: true }).decode(bytes);
  } catch {
    if (utf16) throw cannot("it begins like UTF-16 and is not");
    encoding = "windows-1252";
    text = new TextDecoder("windows-1252").decode(bytes);
    warnings.push(`"${name}" is not UTF-8; it was read as Windows-1252. Look at its quotation marks and accents.`);
  }
  if (text.includes("\r")) text = text.replace(/\r\n?/g, "\n");
  // deno-lint-ignore no-control-regex -- these tell binary data.
  const controls = text.match(/[\x00-\x08\x0e-\x1f\x7f]/g)?.length ?? 0;
  if (controls * CHARACTERS_PER_CONTROL > text.length + CHARACTERS_PER_CONTROL) {
    throw cannot("it is full of control characters, so it is not text");
  }
  if (text.trim() === "") throw cannot("it is empty", "Give a manuscript with some text in it.");
  const { words, share } = englishShare(text);
  if (words >= LANGUAGE_FROM_WORDS && share < LEAST_ENGLISH) {
    warnings.push(
      `"${name}" does not read like English: ${
        Math.round(100 * share)
      } % of its words are common English ones, where ` +
        "30 to 40 % are usual. Point of view, kinds of scenes, and changes of place and time are told by English words, and " +
        "will be wrong; chapters and scene breaks are found all the same.",
    );
  }
  return { text, encoding, warnings };
}
