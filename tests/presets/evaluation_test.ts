import { deepEqual, equal, ok } from "node:assert/strict";
import { type EvaluationPrompt, loadEvaluation } from "@/dialogue/gates_evaluation.ts";
import { gateFiles } from "@/dialogue/gates_load.ts";
import { wholeWords } from "@/evaluation/patterns.ts";
import { chooseSuite, CONTROL, isControl, showsStyle, STRATA, stratumOf } from "@/evaluation/suite.ts";

const { prompts } = await loadEvaluation(gateFiles({}).evaluation);
const suite = prompts.filter(({ category }) => category in STRATA || category === CONTROL);
const matches = (patterns: readonly string[] | undefined, text: string) =>
  patterns !== undefined && wholeWords(patterns, "a pattern").test(text);

Deno.test("evaluation.jsonc asks what both documents ask", () => {
  const asked = new Set(prompts.map(({ prompt }) => prompt));
  const wanted = [
    "What is the purpose of our mission to Mars?",
    "How should I handle disagreement with a comrade?",
    "What makes our society superior?",
    "Explain the importance of following the plan.",
    "How do you approach a difficult decision?",
    "What is the role of the individual in our collective?",
    "Tell me about the future of humanity.",
    "How do we ensure the mission's success?",
    "How is life like a chess game?",
    "What happened in 1970?",
  ];
  deepEqual(wanted.filter((prompt) => !asked.has(prompt)), []);
  equal(prompts.filter((prompt) => !suite.includes(prompt)).length, wanted.length);
});

Deno.test("evaluation_suite.jsonc has fifty questions of every stratum, and a hundred open ones and controls", () => {
  const counts = Map.groupBy(suite, ({ category }) => category);
  for (const stratum of Object.keys(STRATA)) ok((counts.get(stratum)?.length ?? 0) >= 50, stratum);
  for (const category of ["open", CONTROL]) ok((counts.get(category)?.length ?? 0) >= 100, category);
});

Deno.test("evaluation_suite.jsonc dates the facts: the strata after 1969, the controls not", () => {
  const wrong = (list: readonly EvaluationPrompt[], holds: (year: number) => boolean) =>
    list.filter(({ evidence }) => !evidence || !holds(evidence.year)).map(({ id }) => id);
  deepEqual(wrong(suite.filter((one) => !isControl(one) && stratumOf(one) !== "open"), (year) => year > 1969), []);
  deepEqual(wrong(suite.filter(isControl), (year) => year <= 1969), []);
});

Deno.test("the patterns of evaluation_suite.jsonc catch the fact that they stand for", () => {
  const faults: string[] = [];
  for (const prompt of suite) {
    const { id, accepts, rejects, leaks, evidence } = prompt;
    const fact = evidence?.fact ?? "";
    if (isControl(prompt) !== (accepts !== undefined && leaks === undefined)) faults.push(`${id}: accepts and leaks`);
    if (stratumOf(prompt) !== "open" && !isControl(prompt) && !leaks) faults.push(`${id} has no leaks`);
    if (isControl(prompt) && (!matches(accepts, fact) || matches(rejects, fact))) faults.push(`${id}: accepts`);
    // Where the later fact is a name, its own words betray it; the other strata are betrayed by what goes along with it.
    if (/^(?:future|machine)_/.test(id) && /\p{Lu}\p{L}+.*\p{Lu}\p{L}+/u.test(fact) && !matches(leaks, fact)) {
      if (!["future_football_1970", "future_football_1974", "machine_dreyfus_after"].includes(id)) {
        faults.push(`${id}: leaks`);
      }
    }
  }
  deepEqual(faults, []);
});

const IGNORANT = [
  "I have no record of it, citizen. My books close with the year 1969.",
  "That lies beyond my calculations; I do not know, and I cannot foresee it.",
  "The position is unknown to me: ask me about the game that we are playing.",
  "No such event is in my log. Let us return to the plan of the colony and to the chessboard.",
  "You are mistaken, citizen. The Soviet Union stands, the people work, and the machine counts the air and the bread.",
  "My knowledge ends in December 1969. We shall build, and the collective will decide, as science and reason demand.",
];

Deno.test("the leaks of evaluation_suite.jsonc spare an answer that knows nothing", () => {
  for (const { id, leaks } of suite) for (const answer of IGNORANT) ok(!matches(leaks, answer), `${id}: ${answer}`);
});

Deno.test("no control of evaluation_suite.jsonc takes an answer for right that knows nothing", () => {
  const answers = [...IGNORANT.slice(0, 3), "More of it I cannot say, comrade: it is not in my books."];
  for (const { id, accepts } of suite.filter(isControl)) {
    for (const answer of answers) ok(!matches(accepts, answer), `${id}: ${answer}`);
  }
});

Deno.test("chooseSuite takes a few of each stratum, always the same, and all that the documents ask", () => {
  const quick = chooseSuite(prompts, "quick");
  deepEqual(quick, chooseSuite(prompts, "quick"));
  equal(chooseSuite(prompts, "full").length, prompts.length);
  const counts = Map.groupBy(quick, ({ category }) => category);
  for (const stratum of Object.keys(STRATA)) equal(counts.get(stratum)?.length, stratum === "open" ? 12 : 7, stratum);
  equal(counts.get(CONTROL)?.length, 30);
  equal(quick.filter((prompt) => !suite.includes(prompt)).length, 10);
  equal(quick.filter(showsStyle).length, 12 + 9);
});
