import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import {
  evaluationFiles,
  evaluationFinder,
  EvaluationPrompt,
  loadEvaluation,
  userTurns,
} from "@/dialogue/gates_evaluation.ts";
import { gateFiles } from "@/dialogue/gates_load.ts";
import { wordsOf } from "@/dialogue/gates_source.ts";
import { pick, seededRandom } from "@/dialogue/random.ts";
import { withFolder } from "../fakes/folder.ts";

const all = (await loadEvaluation(gateFiles({}).evaluation)).prompts;
/** Comparing with every one of them takes the plain way long. */
const prompts = all.filter(({ before }, at) => at % 9 === 0 || before);

/** Every question against every other, without an index or a bound. */
function plainFinder(list: readonly EvaluationPrompt[], threshold: number) {
  return (question: string) =>
    list.find((prompt) =>
      userTurns(prompt).some((turn) => {
        const [a, b] = [wordsOf(question), wordsOf(turn)];
        const table = [...a, ""].map(() => [...b, ""].map(() => 0));
        for (let i = 1; i <= a.length; i++) {
          for (let j = 1; j <= b.length; j++) {
            const [above = 0, left = 0, before = 0] = [table[i - 1]?.[j], table[i]?.[j - 1], table[i - 1]?.[j - 1]];
            (table[i] as number[])[j] = a[i - 1] === b[j - 1] ? before + 1 : Math.max(above, left);
          }
        }
        return 2 * (table[a.length]?.[b.length] ?? 0) >= threshold * (a.length + b.length);
      })
    );
}

Deno.test("evaluationFinder finds the same as comparing with every question", () => {
  const random = seededRandom("finder");
  const turns = prompts.flatMap(userTurns);
  const words = [...new Set(turns.flatMap(wordsOf))];
  // Questions with words left out, put in, swapped and doubled: some above the threshold, some just below.
  const mutated = Array.from({ length: 400 }, () => {
    const said = [...wordsOf(pick(turns, random))];
    for (let change = Math.floor(random() * said.length * 1.8); change > 0; change--) {
      const at = Math.floor(random() * said.length);
      const kind = random();
      if (kind < 0.35) said.splice(at, 1);
      else if (kind < 0.6) said.splice(at, 0, pick(words, random));
      else if (kind < 0.8) said[at] = said[Math.floor(random() * said.length)] ?? "";
      else said.push(said[at] ?? "");
    }
    return said.join(" ");
  });
  let found = 0;
  for (const threshold of [0.5, 0.7]) {
    const fast = evaluationFinder(prompts, threshold), plain = plainFinder(prompts, threshold);
    for (const question of [...mutated, "", "Why do the pumps sing at night?"]) {
      const expected = plain(question);
      if (expected) found++;
      equal(fast(question)?.id, expected?.id, question);
    }
  }
  ok(found > 200 && found < 600, `${found} of 804 found: the sample must have both kinds`);
});

Deno.test("evaluationFinder looks at every turn of the user, and not at the assistant's", () => {
  const prompt = EvaluationPrompt.parse({
    id: "turns",
    category: "indirect",
    prompt: "And who came after him in the chair?",
    before: [
      "Who presides over the council of ministers these days?",
      "Kosygin does, as he has since the autumn of 1964.",
    ],
  });
  const find = evaluationFinder([prompt], 0.7);
  equal(find("Who presides over the council of ministers in these days?")?.id, "turns");
  equal(find("And who came after him in that chair?")?.id, "turns");
  equal(find("Kosygin does, as he has since the autumn of 1964."), undefined);
});

Deno.test("loadEvaluation reads the suite beside the questions, and refuses an id that is there twice", () =>
  withFolder(async (folder) => {
    const question = { id: "a", category: "mission", prompt: "Why?" };
    const path = join(folder, "mine.jsonc");
    const [, suite] = evaluationFiles(path);
    equal(suite, join(folder, "mine_suite.jsonc"));
    const write = (path: string, prompts: object[]) => Deno.writeTextFile(path, JSON.stringify({ prompts }));
    await write(path, [question]);
    deepEqual((await loadEvaluation(path)).prompts.map(({ id }) => id), ["a"]);
    await write(suite, [{ ...question, id: "b" }]);
    deepEqual((await loadEvaluation(path)).prompts.map(({ id }) => id), ["a", "b"]);
    await write(suite, [question]);
    await rejects(loadEvaluation(path), /"a" is in ".*mine\.jsonc" already/);
    await write(suite, [question, question]);
    await rejects(loadEvaluation(path), /mine_suite\.jsonc:1": "prompts\.1\.id": "a" is there twice/);
  }));
