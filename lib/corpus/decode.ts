/** Bytes to text: whatever a file's own header claims about its encoding is ignored, because it is often wrong. */
import { RefusedBook } from "./refused_book.ts";

/** A decoded file. */
export interface Decoded {
  /** Line ends are `\n`, the form is NFC, and no control characters are left but `\n`. */
  text: string;
  encoding: "utf-8" | "windows-1252";
  /** Whether the file began with a UTF-8 byte order mark. */
  bom: boolean;
  /** Control characters that were taken out. */
  controls: number;
}

/** One control character in this many bytes is still text (old files end in Ctrl-Z, or hold form feeds). */
const BYTES_PER_CONTROL = 200;

/**
 * Decodes a book: strips the byte order mark, tries strict UTF-8, else takes Windows-1252; then `\r\n` and `\r` become
 * `\n`, form feeds become line ends, tabs become four spaces, no-break spaces become spaces, and the text becomes NFC.
 *
 * @throws {RefusedBook} `empty`, or `binary` where there are NUL bytes (UTF-16 included) or too many control characters.
 *
 * @example
 * ```ts
 * import { decodeText } from "@/corpus/decode.ts";
 *
 * const { text, encoding } = decodeText(Uint8Array.from([0x91, 0x61, 0x92, 0x0d, 0x0a]));
 * if (text !== "‘a’\n" || encoding !== "windows-1252") throw new Error(text);
 * ```
 */
export function decodeText(bytes: Uint8Array): Decoded {
  if (bytes.length === 0) throw new RefusedBook("empty", "Cannot clean this text: the file is empty");
  const { controls, ascii } = inspect(bytes);
  const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  let text: string;
  let encoding: Decoded["encoding"] = "utf-8";
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    encoding = "windows-1252";
    text = new TextDecoder("windows-1252").decode(bom ? bytes.subarray(3) : bytes);
  }
  if (text.includes("\r")) text = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
  if (ascii && controls === 0) {
    if (text.includes("\f")) text = text.replaceAll("\f", "\n");
    return { text: text.includes("\t") ? text.replaceAll("\t", "    ") : text, encoding, bom, controls };
  }
  if (text.includes("\f")) text = text.replaceAll("\f", "\n");
  if (text.includes("\t")) text = text.replaceAll("\t", "    ");
  if (text.includes("\u00a0")) text = text.replaceAll("\u00a0", " ");
  // deno-lint-ignore no-control-regex -- these are what is to go: C0, C1, zero-width and stray byte order marks, our own GAP.
  text = text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2060\ue000\ufeff]+/g, "");
  return { text: text.normalize("NFC"), encoding, bom, controls };
}

function inspect(bytes: Uint8Array): { controls: number; ascii: boolean } {
  let controls = 0;
  let highest = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte >= 0x20) {
      if (byte > highest) highest = byte;
      continue;
    }
    if (byte === 0) {
      throw new RefusedBook(
        "binary",
        `Cannot clean this text: byte ${i} is NUL, so it is not plain text`,
        "Fetch the plain-text form of the book (.txt), not a zip, an epub or UTF-16.",
      );
    }
    if (byte !== 0x0a && byte !== 0x0d && byte !== 0x09 && byte !== 0x0c) controls++;
  }
  if (controls * BYTES_PER_CONTROL > bytes.length + BYTES_PER_CONTROL) {
    throw new RefusedBook(
      "binary",
      `Cannot clean this text: ${controls} of its ${bytes.length} bytes are control characters, so it is not plain text`,
    );
  }
  return { controls, ascii: highest < 0x7f };
}
