import { deepEqual, equal, throws } from "node:assert/strict";
import { UsageError } from "@/core/errors.ts";
import { compileThemes, matchThemes, ThemeFile } from "@/corpus/themes.ts";
import { wholeWords } from "@/evaluation/patterns.ts";

Deno.test("wholeWords finds what the automaton of the themes finds", () => {
  const patterns = [
    "comrades?(hip)?",
    "Luna[- ]?(3|III)",
    "\\d+[.,]?\\d* (billion|mil+ion)",
    "d(é|e)tente",
    "Wa[lł][eę]sa",
    "reunif\\w+",
    "two-?fold",
    "people's \\w{2,9}",
    "\\p{Lu}[a-f]{1,3}",
  ];
  const text =
    "Comrade! The COMRADESHIP of LUNA-III and Luna\n3, comradely; 3.6 billion, 12 milllion, détente or DETENTE; Walesa, " +
    "Wałęsa; reunification, un-reunified; two‑fold, twofold; the people’s army, people's xylophonists; İ K Bad Beg.";
  for (const pattern of patterns) {
    const themes = compileThemes(ThemeFile.parse({ categories: { x: { patterns: [pattern] } } }));
    const expected = matchThemes(themes, text).map(({ start, end }) => text.slice(start, end));
    deepEqual(text.match(wholeWords([pattern], "x")) ?? [], expected, pattern);
  }
});

Deno.test("wholeWords names the pattern that is none, and where it stands", () => {
  throws(() => wholeWords(["good", "tele(vision"], '"leaks" of "tv"'), (error: UsageError) => {
    equal(error.message, 'Cannot use "leaks" of "tv": the pattern "tele(vision": a "(" is never closed');
    return true;
  });
});
