import { deepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { CHARS, chunkText } from "@/corpus/chunk.ts";
import { cleanBook } from "@/corpus/clean.ts";
import { readJsonc } from "@/core/jsonc.ts";
import { countThemes, matchThemes, parseThemes, ThemeFile, type Themes } from "@/corpus/themes.ts";
import { presetPath, WORKSPACE } from "@/core/paths.ts";

const path = presetPath("deepred/themes.jsonc");
const themes = parseThemes(await Deno.readTextFile(path), path);

/** Real books, where they are at hand; they are no part of the project. */
const CORPUS = join(WORKSPACE, "..", "shared", "corpus", "cache", "epub");
const noCorpus = !await Deno.stat(CORPUS).then((found) => found.isDirectory, () => false);

async function passages(id: number): Promise<string[]> {
  const { text, chapters } = cleanBook(await Deno.readFile(join(CORPUS, `${id}`, `pg${id}.txt`)));
  const options = { method: "paragraph", unit: CHARS, size: 1024, minSize: 200, overlap: 0 } as const;
  return chunkText(text, chapters, options).passages.map(({ start, end }) => text.slice(start, end));
}

function share(themes: Themes, texts: readonly string[]): number {
  return texts.filter((text) => countThemes(themes, text).score >= 3).length / texts.length;
}

Deno.test("themes.jsonc holds the five themes, each told in words and in enough patterns", async () => {
  deepEqual(themes.categories, ["collectivism", "science", "strategy", "exploration", "utopia"]);
  const file = await readJsonc(path, ThemeFile);
  for (const [name, { description, examples, patterns }] of Object.entries(file.categories)) {
    ok(description.length > 40, name);
    ok(examples.length >= 3 && examples.length <= 5, name);
    ok(patterns.length >= 20 && patterns.length <= 40, `${name} has ${patterns.length} patterns`);
  }
});

Deno.test("themes.jsonc weighs words of everyday prose less than words of a theme", () => {
  const score = (text: string) => countThemes(themes, text).score;
  for (const word of ["plan", "future", "game", "move", "king", "people", "duty", "peace"]) {
    ok(score(`the ${word}`) < 1, word);
  }
  for (const word of ["comrades", "laboratory", "chess", "expedition", "utopian"]) ok(score(word) > 1, word);
  // Words of all prose, and lists of moves, score nothing at all.
  ok(score("He said that she would come and go in good order, by day and night, if it were time to work") === 0);
  ok(score("1. P-K4 P-K4 2. Kt-KB3 Kt-QB3 3. B-B4 B-B4 4. P-B3 Kt-B3") === 0);
});

Deno.test("themes.jsonc finds words in either spelling and across a line break", () => {
  const found = (text: string) => matchThemes(themes, text).map(({ start, end }) => text.slice(start, end));
  deepEqual(found("labour LABOR organise organize manoeuvre maneuver"), [
    "labour",
    "LABOR",
    "organise",
    "organize",
    "manoeuvre",
    "maneuver",
  ]);
  deepEqual(found("Of the common\ngood; of co-operation"), ["common\ngood", "co-operation"]);
});

Deno.test({
  name: "themes.jsonc keeps passages of real books on theme and few of a novel of the heart",
  ignore: noCorpus,
  async fn() {
    for (const [id, least, most] of [[624, 0.3, 0.6], [35, 0.3, 0.6], [61963, 0.2, 0.6], [33870, 0.6, 1]] as const) {
      const kept = share(themes, await passages(id));
      ok(kept >= least && kept <= most, `${id}: ${kept}`);
    }
    const novel = share(themes, await passages(2554));
    ok(novel < 0.1, `2554: ${novel}`);
  },
});
