/** The sample on which the step `align` compares alignment with the keyword filter. */
import { readJsonl } from "../core/jsonl.ts";
import { type AlignableChunk, type Alignment } from "../corpus/alignment.ts";
import type { JudgedPassage } from "../corpus/alignment_agreement.ts";
import { countThemes, type Themes } from "../corpus/themes.ts";
import { seededRandom } from "../dialogue/random.ts";
import { Chunk } from "../records.ts";

const EXCERPT = 60;

/** Keeps at most `size` items, each with the same chance (Vitter's algorithm R), the same for the same seed. */
export function createReservoir<T>(size: number, seed: string): { readonly items: T[]; add(item: T): void } {
  const random = seededRandom("reservoir", seed);
  const items: T[] = [];
  let seen = 0;
  return {
    items,
    add(item) {
      const at = seen < size ? seen : Math.floor(random() * (seen + 1));
      seen++;
      if (at < size) items[at] = item;
    },
  };
}

/** A passage as the keyword filter and the aligner see it. */
export function judge(
  chunk: AlignableChunk,
  alignment: Alignment,
  themes: Themes,
  minMatches: number,
): JudgedPassage {
  const { text, id, keyword_counts } = chunk;
  const known = keyword_counts === undefined ? countThemes(themes, text) : undefined;
  const counts = known?.counts ?? keyword_counts ?? {};
  return {
    id,
    // Joined anew: a slice would keep the whole text in memory.
    excerpt: text.slice(0, EXCERPT).split(/\s+/).join(" "),
    kept: known === undefined || known.score >= minMatches,
    density: themes.categories.map((category) => (1000 * (counts[category] ?? 0)) / text.length),
    scores: themes.categories.map((category) => Number(alignment[category] ?? 0)),
    best: alignment.best,
    max: alignment.max,
  };
}

/** Passages that the keyword filter dropped: those of the file whose ids are not known; undefined where it is missing. */
export async function sampleDropped(
  path: string,
  known: ReadonlySet<string>,
  size: number,
  signal: AbortSignal,
): Promise<Chunk[] | undefined> {
  if (!await Deno.stat(path).then((info) => info.isFile, () => false)) return undefined;
  const sample = createReservoir<Chunk>(size, "dropped");
  for await (const chunk of readJsonl(path, Chunk, { signal })) {
    if (!known.has(chunk.id)) sample.add(chunk);
  }
  return sample.items;
}
