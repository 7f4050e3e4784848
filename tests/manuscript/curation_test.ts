import { deepEqual, equal, match, ok } from "node:assert/strict";
import { pick, seededRandom } from "@/dialogue/random.ts";
import { curate, type Curated, Curation, type Manuscript, restoreManuscript } from "@/manuscript/curation.ts";
import { curationReport } from "@/manuscript/curation_report.ts";
import { curationStats } from "@/manuscript/curation_stats.ts";
import { cutPrefix } from "@/manuscript/prefix.ts";

const SIZES = { minWords: 900, maxWords: 2100, split: true };
const manuscript = (text: string, name = "story.md"): Manuscript => ({ name, text, sha256: "0", encoding: "utf-8" });
const story = await Deno.readTextFile("data-samples/manuscript/one_over.md");
const restored = ({ curation, chunks }: Curated, index = 0) => {
  const texts = new Map(chunks.map(({ file, text }) => [file, text]));
  return restoreManuscript(curation, (file) => texts.get(file) ?? "", index);
};

Deno.test("curate cuts the sample at its chapters and its over-long scene where the place changes", () => {
  const { curation, chunks, originals } = curate([manuscript(story)], SIZES);
  deepEqual(chunks.map(({ file }) => file.slice(6, -4)), ["001", "002", "003a", "003b", "004", "005", "006", "007"]);
  match(chunks[3]?.text ?? "", /^It is cold above the ceiling\./);
  deepEqual(curation.splits.map(({ original, parts }) => [original, ...parts]), [
    ["chunk_003.txt", "chunk_003a.txt", "chunk_003b.txt"],
  ]);
  equal(originals[0]?.file, "chunk_003.txt");
  deepEqual(curation.chunks.flatMap(({ faults }) => faults), []);
  ok(curation.chunks.every(({ reasons }) => reasons.length > 0));
});

Deno.test("curate keeps every letter: chunks and what is between them are the manuscript", () => {
  const odd = "\n\n  Front matter.\n\n\n# One\n\n\nYou wait.  \n\n\t* * *\n\nYou go.\n\n# Last heading\n\n";
  for (const text of [story, odd, "You wait.", "One line.\nAnother line.", story.replaceAll("\n\n", "\n")]) {
    equal(restored(curate([manuscript(text)], { minWords: 3, maxWords: 300, split: true })), text);
    equal(restored(curate([manuscript(text)], SIZES)), text);
  }
});

Deno.test("curate never spans two manuscripts, and numbers go through", () => {
  const curated = curate([manuscript("You wait.\n", "a.txt"), manuscript("# II\n\nYou go.\n", "b.txt")], SIZES);
  deepEqual(curated.chunks.map(({ file, text }) => [file, text]), [
    ["chunk_001.txt", "You wait."],
    ["chunk_002.txt", "You go."],
  ]);
  equal(restored(curated, 0), "You wait.\n");
  equal(restored(curated, 1), "# II\n\nYou go.\n");
});

Deno.test("curate without splitting proposes the cut and leaves the scene whole", () => {
  const { chunks, proposals, originals, curation } = curate([manuscript(story)], { ...SIZES, split: false });
  equal(chunks.length, 7);
  deepEqual(originals, []);
  deepEqual(proposals.get("chunk_003.txt")?.map(({ file }) => file), ["chunk_003a.txt", "chunk_003b.txt"]);
  deepEqual(curation.splits.map(({ done }) => done), [false]);
});

Deno.test("curate tells what is wrong with the edges that a writer's marks make", () => {
  const { curation } = curate([manuscript("You wait and you say\n\n* * *\n\nand then “I go")], {
    minWords: 2,
    maxWords: 6,
    split: true,
  });
  deepEqual(curation.chunks.map(({ faults }) => faults), [
    ["it ends in the middle of a sentence"],
    ["it begins in the middle of a sentence", "it ends in the middle of a sentence", "its last speech is not closed"],
  ]);
});

Deno.test("curationStats counts the sample as a reader would", () => {
  const stats = curationStats(curate([manuscript(story)], SIZES).curation);
  deepEqual([stats.chunks, stats.inRange, stats.tooShort, stats.tooLong, stats.whole], [8, 7, 1, 0, 8]);
  ok((stats.secondPerson ?? 0) > 0.9);
  ok(Object.values(stats.scenes).every(({ share }) => share > 0.05));
  ok(stats.monologuesPer1000 > 0.3);
});

Deno.test("curationReport shows the split with its reason, and lets no text of the manuscript form its tables", () => {
  const report = curationReport(curate([manuscript(story)], SIZES));
  match(report, /`chunk_003\.txt`, 2,562 words: cut; the original is in `backup\/`/);
  match(report, /\| chunk\\_003b\.txt \| 1,138 \| dialogue \| topic: /);
  match(report, /\*\*88 % are in the optimal range\*\* of 900–2,100 words/);
  const hostile = curationReport(curate([manuscript("# a | <b> `c`\n\nYou wait.")], SIZES));
  match(hostile, /start: a \\\| \\<b\\> \\`c\\`/);
});

Deno.test("Curation accepts what curate makes, by way of a file", () => {
  const { curation } = curate([manuscript(story)], SIZES);
  deepEqual(Curation.parse(JSON.parse(JSON.stringify(curation))), curation);
});

Deno.test("curate and cutPrefix keep every letter of manuscripts put together at random", () => {
  const pieces = [
    "\n",
    "\n\n",
    "\n\n\n\n",
    " ",
    "\t",
    "# Head\n\n",
    "\n\n* * *\n\n",
    "***",
    "IV.\n\n",
    "Chapter Two\n\n",
    "“Go,” she says. ",
    "“Go.\n\n“Stay. ",
    "*Why me?* ",
    "You walk on and on… ",
    "You wait — and then: nothing! ",
    "Three days later it snows. ",
    "In the kitchen, at 4 p.m., Mr. Abbot cries. ",
    "‘No,’ ",
    "_x_ ",
    "\u00a0",
    "🙂 ",
    "-- ",
    "and so on ",
  ];
  for (let seed = 0; seed < 60; seed++) {
    const random = seededRandom("manuscript", seed);
    const text = Array.from({ length: 1 + Math.floor(random() * 300) }, () => pick(pieces, random)).join("");
    const minWords = 1 + Math.floor(random() * 60);
    const curated = curate([manuscript(text)], {
      minWords,
      maxWords: minWords + 1 + Math.floor(random() * 200),
      split: random() < 0.8,
    });
    equal(restored(curated), text, `seed ${seed}`);
    for (const { text: chunk } of curated.chunks) {
      const cut = cutPrefix(chunk, { least: 0.05, most: 0.1 });
      if (cut) equal(cut.prefix + cut.completion, chunk, `seed ${seed}`);
    }
  }
});
