import { deepEqual, equal, match, ok } from "node:assert/strict";
import { krippendorffAlpha } from "@/evaluation/blind/agreement.ts";
import { lengthControlled } from "@/evaluation/blind/length.ts";
import { claimOf } from "@/evaluation/blind/report.ts";
import { tallyVotes } from "@/evaluation/blind/tally.ts";
import type { TrialKind } from "@/evaluation/blind/trial.ts";
import type { Choice, Vote } from "@/evaluation/blind/votes.ts";

function vote(trial: string, choice: Choice, rater = "ann", sides: Partial<Vote> = {}): Vote {
  return {
    rater,
    trial,
    question: "fidelity",
    choice,
    left: "tuned",
    right: "base",
    latency_ms: 4000,
    given: "2026-01-01T00:00:00.000Z",
    ...sides,
  };
}

const texts = [{ side: "base", text: "one two three" }, { side: "tuned", text: "one two" }] as const;
const trialsOf = (votes: readonly Vote[], kind: TrialKind = "pair") =>
  [...new Set(votes.map(({ trial }) => trial))].map((id) => ({ id, kind, texts }));
const many = (wins: number, losses: number) => [
  ...Array.from({ length: wins }, (_, n) => vote(`w${n}`, "left")),
  ...Array.from({ length: losses }, (_, n) => vote(`l${n}`, "right")),
];
const fidelity = (votes: readonly Vote[]) => tallyVotes(votes, trialsOf(votes), 1).questions.fidelity;

// evaluation practice: wins needed to show more than 60 % at one-sided 95 %.
for (const [n, needed] of [[60, 43], [100, 69], [150, 100], [200, 132], [300, 194], [500, 319]] as const) {
  Deno.test(`tallyVotes claims more than 60 % of ${n} from ${needed} wins on, and not before`, () => {
    const enough = fidelity(many(needed, n - needed));
    equal(enough.method, "wilson");
    equal(enough.claim, "shown");
    equal(fidelity(many(needed - 1, n - needed + 1)).claim, "not shown");
  });
}

Deno.test("tallyVotes tells a target that is not met from one that is not shown, and how many pairs are missing", () => {
  equal(fidelity(many(20, 80)).claim, "not met");
  const open = fidelity(many(13, 7));
  equal(open.claim, "not shown");
  equal(open.trialsNeeded, 260); // z² · 0.6 · 0.4 / (0.65 − 0.6)²
  match(claimOf("Fidelity", open), /not shown: at this rate \d+ more pairs would show it/);
  equal(fidelity(many(55, 45)).trialsNeeded, undefined);
});

Deno.test("tallyVotes counts ties as halves and draws trials where raters share them", () => {
  const votes = ["ann", "bob", "cem"].flatMap((rater) =>
    Array.from({ length: 30 }, (_, n) => vote(`t${n}`, n < 20 ? "left" : n < 25 ? "tie" : "neither", rater))
  );
  const { wins, ties, neither, winRate, method, agreement } = fidelity(votes);
  deepEqual([wins, ties, neither, method], [60, 15, 15, "cluster-bootstrap"]);
  ok(Math.abs((winRate?.estimate ?? 0) - 5 / 6) < 1e-9);
  equal(winRate?.n, 30); // Trials, not votes: three raters who agree are not three times as much.
  equal(agreement, 1);
});

Deno.test("tallyVotes does not claim from a handful of pairs that all went one way", () => {
  for (
    const votes of [[vote("a", "left"), vote("b", "left"), vote("c", "tie")], many(5, 0), many(19, 0), many(0, 19)]
  ) {
    equal(fidelity(votes).claim, "not shown");
  }
  equal(fidelity(many(5, 0)).trialsNeeded, 20);
  equal(fidelity(many(20, 0)).claim, "shown");
});

Deno.test("tallyVotes leaves a rater out who misses the catch trials, and says so", () => {
  const catches: [string, Choice, Partial<Vote>][] = [
    ["c0", "left", { left: "base", right: "author" }],
    ["c1", "right", { left: "base", right: "author" }],
    ["c2", "left", { left: "base", right: "base" }],
  ];
  const careless = [...many(30, 0), ...catches.map(([id, choice, sides]) => vote(id, choice, "ann", sides))];
  const kinds = { c0: "author", c1: "author", c2: "same" } as const;
  const trials = [
    ...trialsOf(many(30, 0)),
    ...Object.entries(kinds).map(([id, kind]) => ({ id, kind, texts })),
  ];
  const { questions, raters } = tallyVotes(careless, trials, 1);
  deepEqual(raters.map(({ rater, catches, caught, counts }) => [rater, catches, caught, counts]), [[
    "ann",
    3,
    1,
    false,
  ]]);
  equal(questions.fidelity.winRate, undefined);
});

Deno.test("krippendorffAlpha gives the value of Krippendorff's own nominal example", () => {
  // Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: 12 units, 4 observers, α = 0.743.
  const table = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
  ];
  const units = table[0]?.map((_, unit) => table.flatMap((row) => row[unit] ? [String(row[unit])] : [])) ?? [];
  equal(krippendorffAlpha(units)?.toFixed(3), "0.743");
});

Deno.test("lengthControlled leaves a preference alone that has nothing to do with length", () => {
  const votes = Array.from({ length: 200 }, (_, n) => ({ longerBy: (n % 11) - 5, won: n % 4 !== 0 }));
  ok(Math.abs((lengthControlled(votes) ?? 0) - 0.75) < 0.02);
  equal(lengthControlled(votes.slice(0, 9)), undefined);
  equal(lengthControlled(votes.map(({ won }) => ({ longerBy: 0, won }))), undefined);
});
