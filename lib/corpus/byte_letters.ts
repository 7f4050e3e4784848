/**
 * The letters by which byte-level tokenizers write bytes, by byte: those that print stand for themselves, the others
 * follow from U+0100 (`bytes_to_unicode` in https://github.com/openai/gpt-2/blob/master/src/encoder.py).
 */
export const BYTE_LETTERS: readonly string[] = (() => {
  const prints = (byte: number) => byte >= 33 && byte <= 126 || byte >= 161 && byte <= 172 || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(prints(byte) ? byte : next++));
})();
