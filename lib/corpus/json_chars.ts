/** The characters of a JSON string that still is in UTF-8, read forwards and backwards without decoding the string. */

/** Not a character of a string: the closing quote, a bare control character, or no JSON, or no UTF-8. */
export const BROKEN = -1;
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

export interface JsonChars {
  source: Uint8Array;
  /** How many bytes the character takes that was read last. */
  width: number;
  /** Whether a byte is a character by itself and means itself. */
  isPlain(byte: number): boolean;
  /** The code point that begins at a byte, or {@linkcode BROKEN}; half a surrogate pair may be escaped. */
  read(at: number): number;
  /** The code point that ends before a byte in a string that begins at `first`, of which all before is known good. */
  readBefore(at: number, first: number): number;
}

/** What the letter behind a backslash stands for. */
const ESCAPES = new Int16Array(256).fill(BROKEN);
for (const pair of ["n\n", "t\t", "r\r", "b\b", "f\f", '""', "\\\\", "//"]) {
  ESCAPES[pair.charCodeAt(0)] = pair.charCodeAt(1);
}

export function createJsonChars(): JsonChars {
  const isPlain = (byte: number) => byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH;

  /** Four hex digits. */
  function hex(at: number): number {
    let code = 0;
    for (let i = at; i < at + 4; i++) {
      const byte = chars.source[i] ?? 0;
      const letter = byte | 0x20;
      if (byte >= 0x30 && byte <= 0x39) code = code * 16 + byte - 0x30;
      else if (letter >= 0x61 && letter <= 0x66) code = code * 16 + letter - 0x57;
      else return BROKEN;
    }
    return code;
  }

  /** From a backslash on. */
  function escape(at: number): number {
    const { source } = chars;
    const name = source[at + 1] ?? 0;
    chars.width = 2;
    if (name !== LETTER_U) return ESCAPES[name] ?? BROKEN;
    const unit = hex(at + 2);
    chars.width = 6;
    if (unit < 0xd800 || unit > 0xdbff || source[at + 6] !== BACKSLASH || source[at + 7] !== LETTER_U) return unit;
    const low = hex(at + 8);
    if (low < 0xdc00 || low > 0xdfff) return unit; // Half a pair; what follows is read by itself.
    chars.width = 12;
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }

  /** Two to four bytes, with all that UTF-8 forbids (RFC 3629). */
  function decode(at: number, lead: number): number {
    if (lead < 0xc2 || lead > 0xf4) return BROKEN;
    const width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    let code = lead & (0xff >> (width + 1));
    for (let i = 1; i < width; i++) {
      const byte = chars.source[at + i] ?? 0;
      if ((byte & 0xc0) !== 0x80) return BROKEN;
      code = (code << 6) | (byte & 0x3f);
    }
    chars.width = width;
    const least = width === 2 ? 0x80 : width === 3 ? 0x800 : 0x10000;
    return code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? BROKEN : code;
  }

  const chars: JsonChars = {
    source: new Uint8Array(),
    width: 1,
    isPlain,
    read(at) {
      chars.width = 1;
      const byte = chars.source[at] ?? 0;
      if (byte >= 0x80) return decode(at, byte);
      if (byte === BACKSLASH) return escape(at);
      return byte < 0x20 || byte === QUOTE ? BROKEN : byte;
    },
    readBefore(at, first) {
      const { source } = chars;
      let start = at - 1;
      while (start > first && ((source[start] ?? 0) & 0xc0) === 0x80) start--;
      // Any of the last bytes may belong to an escape; the longest is that of a pair, \ud801\udc28.
      for (let slash = Math.max(first, at - 12); slash < start; slash++) {
        if (source[slash] !== BACKSLASH || !opens(source, slash, first)) continue;
        const code = chars.read(slash);
        if (slash + chars.width === at) return code;
      }
      return chars.read(start);
    },
  };
  return chars;
}

/** Whether a backslash opens an escape: an even number of them stands before it. */
function opens(source: Uint8Array, slash: number, first: number): boolean {
  let before = slash;
  while (before > first && source[before - 1] === BACKSLASH) before--;
  return (slash - before) % 2 === 0;
}
