import { createHash } from "node:crypto";
import { fileError } from "../core/files.ts";

const BLOCKS = 64, BLOCK = 1 << 16;

/**
 * Tells one file of gigabytes from another by its size and 64 blocks of 64 KiB spread over it: what was trained anew
 * differs in most of them, and nobody waits for a hash of the whole.
 *
 * @throws {UserError} missing, a folder, or not readable.
 */
export async function fingerprintOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    hash.update(`${size} `);
    const last = Math.max(0, size - BLOCK);
    for (let number = 0; number < BLOCKS; number++) {
      await file.seek(Math.floor(last * number / (BLOCKS - 1)), Deno.SeekMode.Start);
      const block = new Uint8Array(BLOCK);
      let filled = 0;
      while (filled < BLOCK) {
        const read = await file.read(block.subarray(filled));
        if (read === null) break;
        filled += read;
      }
      hash.update(block.subarray(0, filled));
    }
  } catch (error) {
    throw fileError("read", path, error);
  }
  return hash.digest("hex");
}
