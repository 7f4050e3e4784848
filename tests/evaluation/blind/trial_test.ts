import { deepEqual, equal, ok } from "node:assert/strict";
import { afterPrompt, equalLength, isSwapped, makeTrials, orderFor, wordCount } from "@/evaluation/blind/trial.ts";
import { opening, textBy } from "../../fakes/continuations.ts";

const OPTIONS = { seed: 7, mostWords: 450, catchEvery: 5 };
const continued = Array.from({ length: 20 }, (_, n) => ({
  id: `p${n}`,
  prompt: opening(n),
  base: textBy("base", 80 + 5 * n, n),
  tuned: textBy("tuned", 120, n),
  author: textBy("author", 100, n),
}));
const passages = [1, 2, 3].map((n) => textBy("author", 300, 900 + n));

Deno.test("makeTrials makes a pair of each prompt and catch trials of both kinds, the same by the same seed", () => {
  const { trials, unusable } = makeTrials(continued, passages, OPTIONS);
  deepEqual(unusable, []);
  equal(trials.filter(({ kind }) => kind === "pair").length, 20);
  equal(trials.filter(({ kind }) => kind === "author").length, 2);
  equal(trials.filter(({ kind }) => kind === "same").length, 2);
  for (const { kind, texts: [a, b], excerpts } of trials) {
    equal(excerpts.length, 2);
    if (kind === "same") equal(a.text, b.text);
    else {ok(
        Math.abs(wordCount(a.text) - wordCount(b.text)) <= 0.1 * Math.max(wordCount(a.text), wordCount(b.text)) + 1,
      );}
  }
  const catches = trials.filter(({ kind }) => kind !== "pair").map(({ prompt }) => prompt);
  equal(new Set(catches).size, 4, "no prompt is met three times");
  deepEqual(makeTrials(continued, passages, OPTIONS).trials, trials);
});

Deno.test("makeTrials leaves out what is too short and what is the same on both sides, with the reason", () => {
  const short = { id: "short", prompt: "Go.", base: "Yes.", tuned: textBy("tuned", 80, 1) };
  const same = { id: "same", prompt: "Go.", base: textBy("base", 80, 1), tuned: textBy("base", 80, 1) };
  const { trials, unusable } = makeTrials([short, same], passages, OPTIONS);
  deepEqual(trials, []);
  deepEqual(unusable, [{ id: "short", reason: "too_short" }, { id: "same", reason: "identical" }]);
});

Deno.test("equalLength cuts at the end of a sentence, else shows the cut, and never leaves a tenth more on one side", () => {
  const [a, b] = equalLength(textBy("base", 200, 1), textBy("tuned", 90, 1), 450);
  ok(a.endsWith("door."), a.slice(-40));
  ok(wordCount(a) <= wordCount(b) && wordCount(a) >= 0.9 * wordCount(b));
  const endless = "you ".repeat(100).trim();
  equal(equalLength(endless, "word ".repeat(40).trim(), 450)[0], `${"you ".repeat(40).trim()} …`);
});

Deno.test("afterPrompt takes away a prompt that was repeated, whatever its white space", () => {
  equal(afterPrompt("You  stand.\n\n\nIt rains.", "You stand."), "It rains.");
  equal(afterPrompt("It rains.", "You stand."), "It rains.");
  equal(afterPrompt("It rains.", ""), "It rains.");
});

Deno.test("sides and orders differ from rater to rater, and are the same when he comes back", () => {
  const { trials } = makeTrials(continued, passages, OPTIONS);
  const swaps = (rater: string) => trials.map((trial) => isSwapped(trial, rater, 7));
  deepEqual(swaps("ann"), swaps("ann"));
  ok(swaps("ann").some((swapped, at) => swapped !== swaps("bob")[at]));
  const left = Array.from({ length: 400 }, (_, n) => isSwapped({ id: "p0" }, `rater ${n}`, 7)).filter(Boolean).length;
  ok(left > 160 && left < 240, String(left));
  const ids = (rater: string) => orderFor(trials, rater, 7).map(({ id }) => id);
  deepEqual(ids("ann"), ids("ann"));
  ok(ids("ann").join() !== ids("bob").join());
});
