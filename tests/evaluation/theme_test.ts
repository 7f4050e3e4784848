import { deepEqual, equal, ok } from "node:assert/strict";
import { readTextFile } from "@/core/files.ts";
import { presetPath } from "@/core/paths.ts";
import { parseThemes } from "@/corpus/themes.ts";
import { loadPersonas } from "@/dialogue/personas.ts";
import { styleRules } from "@/evaluation/theme.ts";

const path = presetPath("deepred/themes.jsonc");
const themes = parseThemes(await readTextFile(path), path);
const { personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));
const samples = personas.flatMap(({ sample }) => sample ? [sample] : []);
const rules = styleRules(themes, samples);

Deno.test("styleRules finds the samples of the personas consistent, and a plain assistant not", () => {
  ok(samples.length >= 20);
  // By definition one in twenty of the exemplars is denser than its 95th percentile.
  const failing = samples.filter((sample) => !rules.inspect(sample, "").consistent);
  ok(failing.length <= 2, failing.join("\n"));
  for (
    const answer of [
      "The best way is to list the pros and cons, consider your values, and ask people you trust. Take your time.",
      "To handle disagreement, listen actively, stay calm, and look for common ground. Focus on the problem, not the person.",
      "Patience can be learned by practising every day and by setting realistic goals.",
      "",
    ]
  ) equal(rules.inspect(answer, "How do you approach a difficult decision?").consistent, false, answer);
});

Deno.test("styleRules does not count the question's own words, in whatever form", () => {
  const answer = "Life is like a chess game, comrade.";
  deepEqual(rules.inspect(answer, "How is life like a game of chess, comrades?").lemmas, []);
  equal(rules.inspect(answer, "How is life?").consistent, true);
});

Deno.test("styleRules does not reward heaps of theme words", () => {
  const heap =
    "Comrades, the collective, the people, the workers, science, reason, strategy, chess, Mars, progress, the future, " +
    "solidarity, brotherhood, machines, engineers, planets, rockets, victory, justice, harmony, the masses, the commune, labour and unity.";
  const { stuffed, consistent, density } = rules.inspect(heap, "");
  ok(stuffed && !consistent && density > 3 * rules.densest, `${density}`);
});

Deno.test("styleRules without exemplars calls nothing stuffed", () => {
  const { densest, exemplars } = styleRules(themes, ["Too short."]);
  deepEqual([densest, exemplars], [1, 0]);
});
