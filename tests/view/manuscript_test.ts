import { equal, match, ok } from "node:assert/strict";
import { DISPLAY } from "@/core/display.ts";
import { curate } from "@/manuscript/curation.ts";
import {
  boundaryTable,
  chunkScenes,
  chunkSizes,
  exampleTokens,
  prefixCards,
  type PrefixView,
} from "@/view/manuscript.ts";

const text = await Deno.readTextFile("data-samples/manuscript/one_over.md");
const { curation } = curate([{ name: "one_over.md", text, sha256: "0", encoding: "utf-8" }], {
  minWords: 900,
  maxWords: 2100,
  split: true,
});

Deno.test("chunkSizes and chunkScenes draw a bar for each chunk, in the order of the manuscript", async () => {
  for (const picture of [chunkSizes(curation), chunkScenes(curation)]) {
    const svg = await picture.svg();
    const places = ["001", "003a", "003b", "007"].map((name) => svg.indexOf(`>${name}<`));
    ok(places.every((place, i) => place > (places[i - 1] ?? 0)), String(places));
  }
  match(await chunkSizes(curation).svg(), /optimal range of 900 to 2100 words/);
});

Deno.test("boundaryTable says why each chunk begins and what it was a part of", () => {
  const shown = boundaryTable(curation).text();
  match(shown, /003b +1,138 +topic: .* 0\.5 +003/);
  match(shown, /004 +1,169 +chapter: 4\. What the Sea Is For/);
});

Deno.test("exampleTokens draws the limits and both sides", async () => {
  const examples = [
    { file: "chunk_001.txt", side: "train", words: 900, tokens: 1200 },
    { file: "chunk_002a.txt", side: "val", words: 1200, tokens: 1700 },
  ] as const;
  const svg = await exampleTokens(examples, { min: 400, max: 4000 }).svg();
  ok(svg.includes(">002a<") && svg.includes(">validation<"));
});

Deno.test("prefixCards show faults first, cut long texts, and escape what a manuscript says", async () => {
  const view = (name: string, faults: string[] = []): PrefixView => ({
    name,
    prefix: "You <b>wait</b>.",
    completion: ` ${"You go on. ".repeat(60)}`,
    words: 2,
    share: 0.05,
    faults,
  });
  const bundle = await prefixCards([view("good"), view("bad", ["it is <short>"])])[DISPLAY]();
  const html = String(bundle["text/html"]);
  ok(html.indexOf("bad") < html.indexOf("good"));
  ok(html.includes("You &lt;b&gt;wait&lt;/b&gt;.") && html.includes("it is &lt;short&gt;"));
  ok(!html.includes("You go on. ".repeat(30)));
  const one = await prefixCards([view("good"), view("bad", ["x"])], 1)[DISPLAY]();
  equal(String(one["text/plain"]).includes("good"), false);
});
