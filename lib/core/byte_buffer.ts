/** Bytes that grow, for rows that are put together without making strings of them. */
export interface ByteBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  length: number;
}

/** Makes room for so many bytes more: all else that writes to a buffer expects that it is there. */
export function reserve(buffer: ByteBuffer, more: number): void {
  const needed = buffer.length + more;
  if (needed <= buffer.bytes.length) return;
  const larger = new Uint8Array(Math.max(needed, buffer.bytes.length * 2));
  larger.set(buffer.bytes.subarray(0, buffer.length));
  buffer.bytes = larger;
}

/** A call of `set` takes as long as a loop over so many bytes. */
const SHORT = 48;

/** Adds bytes. */
export function put(buffer: ByteBuffer, part: Uint8Array): void {
  const { bytes, length } = buffer;
  const more = part.length;
  if (more > SHORT) bytes.set(part, length);
  else for (let i = 0; i < more; i++) bytes[length + i] = part[i]!;
  buffer.length = length + more;
}

const encoder = new TextEncoder();
/** Characters that a loop copies faster than the encoder. */
const SHORT_TEXT = 64;

/** Adds a text in UTF-8; a unit of UTF-16 takes at most three bytes. */
export function putText(buffer: ByteBuffer, text: string): void {
  if (text.length <= SHORT_TEXT && putAscii(buffer, text)) return;
  buffer.length += encoder.encodeInto(text, buffer.bytes.subarray(buffer.length)).written;
}

/** Adds a short text, if it is ASCII: what leads into the encoder costs more than that. */
function putAscii(buffer: ByteBuffer, text: string): boolean {
  const { bytes, length } = buffer;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return false;
    bytes[length + at] = unit;
  }
  buffer.length += text.length;
  return true;
}

/** What has been added; a view. */
export function written({ bytes, length }: ByteBuffer): Uint8Array<ArrayBuffer> {
  return bytes.subarray(0, length);
}
