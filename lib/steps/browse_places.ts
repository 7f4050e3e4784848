/** Lines of files by where they lie: what is not looked at stays on the disk. */
import { UserError } from "../core/errors.ts";
import { fileError } from "../core/files.ts";
import { readLines } from "../core/jsonl.ts";

/** A line of a file, in bytes. */
export interface Place {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** A line that is JSON, and where it lies. */
export interface Placed {
  readonly place: Place;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/**
 * The lines of a JSON Lines file with their places; blank ones are passed over, and so is a last line that a crash tore.
 *
 * @throws {UserError} the file cannot be read.
 */
export async function* placedLines(path: string, signal?: AbortSignal): AsyncGenerator<Placed> {
  let offset = 0;
  for await (const { bytes, number, ended } of readLines(path, signal)) {
    const place = { path, offset, length: bytes.length };
    offset += bytes.length + 1;
    if (bytes.every((byte) => byte <= 0x20)) continue;
    if (!ended && !isJson(bytes)) continue;
    yield { place, number, bytes };
  }
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** Bytes read at once where places lie close together. */
const SPAN = 1 << 20;

/**
 * What lies at each place, in the order given; neighbours are read together, so that a walk through a whole file costs
 * about what reading the file costs, and never holds more of it than one span.
 *
 * @throws {UserError} a file is gone or shorter than it was.
 */
export async function* readPlaces(places: readonly Place[], signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  let file: Deno.FsFile | undefined;
  let opened: string | undefined;
  try {
    for (let at = 0; at < places.length;) {
      signal?.throwIfAborted();
      const run = runFrom(places, at);
      const [first] = run;
      if (!first) return;
      if (opened !== first.path) {
        file?.close();
        file = undefined;
        file = await openFile(first.path);
        opened = first.path;
      }
      const block = await readBlock(file, first, run);
      for (const { offset, length } of run) yield block.subarray(offset - first.offset, offset - first.offset + length);
      at += run.length;
    }
  } finally {
    file?.close();
  }
}

/** The place at `from` and those behind it that one read takes in. */
function runFrom(places: readonly Place[], from: number): Place[] {
  const run: Place[] = [];
  for (let at = from; at < places.length; at++) {
    const place = places[at];
    const first = run[0] ?? place;
    const last = run.at(-1);
    if (!place || !first || place.path !== first.path) break;
    if (last && (place.offset < last.offset || place.offset + place.length - first.offset > SPAN)) break;
    run.push(place);
  }
  return run;
}

async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    throw fileError("read", path, error);
  }
}

async function readBlock(file: Deno.FsFile | undefined, first: Place, run: readonly Place[]): Promise<Uint8Array> {
  const last = run.at(-1) ?? first;
  const block = new Uint8Array(last.offset + last.length - first.offset);
  await file?.seek(first.offset, Deno.SeekMode.Start);
  for (let filled = 0; filled < block.length;) {
    const read = await file?.read(block.subarray(filled)) ?? null;
    if (read === null) throw new UserError(`Cannot read "${first.path}": it changed meanwhile and is shorter now`);
    filled += read;
  }
  return block;
}
