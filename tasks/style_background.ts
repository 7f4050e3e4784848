/**
 * Makes the background that style is measured against when nobody brings their own: means and deviations of function
 * words and masked trigrams over public-domain fiction and the imposters that ship. Only numbers are kept.
 * Run as: deno run -A tasks/style_background.ts MIRROR
 */
import { join } from "node:path";
import { enter } from "@/core/door.ts";
import { UsageError } from "@/core/errors.ts";
import { writeFileAtomic } from "@/core/files.ts";
import { presetPath } from "@/core/paths.ts";
import { cleanBook } from "@/corpus/clean.ts";
import { splitParagraphs, splitWords } from "@/corpus/paragraphs.ts";
import { backgroundText, chooseFeatures, makeBackground } from "@/evaluation/style/background.ts";
import { readImposters } from "@/steps/gaea/imposters.ts";

/** Fiction of Project Gutenberg, by eleven hands: Gilman, Wells, Abbott, Bellamy, Rand, Butler, Morris, Zamyatin, and others. */
const BOOKS = [32, 35, 36, 201, 624, 1250, 1906, 2554, 2600, 3261, 61963];
const SAMPLE_WORDS = 5000;

await enter(async () => {
  const [mirror] = Deno.args;
  if (!mirror) throw new UsageError("Cannot make a background without a mirror: name its folder");
  const samples: string[] = [];
  for (const id of BOOKS) {
    const { text } = cleanBook(await Deno.readFile(join(mirror, "cache", "epub", String(id), `pg${id}.txt`)));
    for (const share of [1 / 3, 2 / 3]) samples.push(sampleOf(text, share));
  }
  const { imposters } = await readImposters(presetPath("gaea/imposters"));
  const texts = [...samples, ...imposters.map(({ text }) => text)];
  const source = `${BOOKS.length} works of public-domain fiction (two samples of ${SAMPLE_WORDS} words each) and ` +
    `${imposters.length} short texts that were written for Voiceworks in different manners`;
  const background = makeBackground(texts, chooseFeatures(texts), source);
  await writeFileAtomic(presetPath("gaea/background.json"), backgroundText(background));
});

/** Whole paragraphs from a share of the text on, until they have enough words. */
function sampleOf(text: string, share: number): string {
  const paragraphs = splitParagraphs(text);
  const from = Math.floor(paragraphs.length * share);
  let words = 0, to = from;
  for (; to < paragraphs.length && words < SAMPLE_WORDS; to++) {
    const { start, end } = paragraphs[to] ?? { start: 0, end: 0 };
    words += splitWords(text, start, end).length;
  }
  return text.slice(paragraphs[from]?.start, paragraphs[to - 1]?.end);
}
