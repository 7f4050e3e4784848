/** Real input for benchmarks: the cleaned books of a mirror, repeated to a size. */
import { join, relative } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { cleanBook, RefusedBook } from "@/corpus/clean.ts";
import type { Work } from "@/records.ts";

/** A file of works, one a line, as the step `retrieve` writes them. */
export interface BenchCorpus {
  path: string;
  bytes: number;
  /** In words, for the table. */
  source: string;
}

/** Real books beside the checkout where there are any, else the samples. */
const MIRRORS = [join(WORKSPACE, "..", "shared", "corpus"), join(WORKSPACE, "data-samples", "mirror")];

/** Writes works of at least that many bytes to `folder`; ids differ in each repetition. */
export async function benchCorpus(folder: string, bytes: number): Promise<BenchCorpus> {
  for (const mirror of MIRRORS) {
    const works = await worksOf(mirror);
    if (works.length === 0) continue;
    const path = join(folder, "works.jsonl");
    const written = await repeat(works, path, bytes);
    return { path, bytes: written, source: `${relative(WORKSPACE, mirror)}, ${works.length} books repeated` };
  }
  throw new Error(`Cannot measure: there are no books in ${MIRRORS.join(" or ")}`);
}

async function repeat(works: readonly Work[], path: string, bytes: number): Promise<number> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  let written = 0;
  for (let round = 0; written < bytes; round++) {
    for (const work of works) {
      const line = encoder.encode(JSON.stringify({ ...work, id: work.id + round * 1_000_000 }) + "\n");
      for (let rest = line; rest.length > 0;) rest = rest.subarray(await file.write(rest));
      written += line.length;
    }
  }
  await file.sync(); // What is measured need not share the disk with its own input.
  return written;
}

async function worksOf(mirror: string): Promise<Work[]> {
  const works: Work[] = [];
  for (const path of (await textsIn(mirror)).sort()) {
    const id = Number(/(\d+)[^/\\]*\.txt$/.exec(path)?.[1] ?? works.length);
    try {
      const { text, chapters, removed, encoding, words, header } = cleanBook(await Deno.readFile(path));
      const title = header.title || `Book ${id}`;
      const about = { id, title, author: header.author ?? "", language: "en", source_url: "", sha256: "" };
      works.push({ ...about, encoding, words, removed, chapters, text });
    } catch (error) {
      if (!(error instanceof RefusedBook)) throw error;
    }
  }
  return works;
}

async function textsIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) found.push(...await textsIn(join(folder, name)));
      else if (name.endsWith(".txt")) found.push(join(folder, name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}
