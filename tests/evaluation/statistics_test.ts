import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { seededRandom } from "@/dialogue/random.ts";
import {
  bootstrap,
  clusteredShare,
  deviation,
  failuresAllowed,
  mean,
  pairedDifference,
  quantile,
  shareDifference,
  trialsNeeded,
  wilson,
} from "@/evaluation/statistics.ts";

const near = (actual: number, expected: number, within: number) =>
  ok(Math.abs(actual - expected) <= within, `${actual} is not within ${within} of ${expected}`);

Deno.test("failuresAllowed agrees with the table of temporal compliance (more than 95 %)", () => {
  deepEqual([59, 100, 200, 300, 500].map((n) => failuresAllowed(n, 0.95)), [0, 1, 4, 8, 16]);
  equal(failuresAllowed(40, 0.95), -1, "forty faultless answers show nothing");
});

Deno.test("failuresAllowed agrees with the table of the blind test (more than 60 % wins)", () => {
  deepEqual([60, 100, 150, 200, 300, 500].map((n) => n - failuresAllowed(n, 0.6)), [43, 69, 100, 132, 194, 319]);
});

Deno.test("wilson gives the published interval of 81 in 263 (Newcombe 1998), and stays within 0 and 1", () => {
  const { low, high } = wilson(81, 263); // Method 3 of his table I: .2553 to .3662.
  near(low, 0.2553, 5e-5);
  near(high, 0.3662, 5e-5);
  deepEqual([wilson(0, 20).low, wilson(20, 20).high], [0, 1]);
  near(wilson(0, 20).high, 0.1611, 5e-5); // His table I: 0 in 20 reaches to .1611.
});

Deno.test("wilson of nothing knows nothing, and more successes than trials are a mistake", () => {
  deepEqual([wilson(0, 0).lower, wilson(0, 0).upper, wilson(0, 0).n], [0, 1, 0]);
  throws(() => wilson(3, 2), RangeError);
  throws(() => wilson(NaN, 2), RangeError);
});

Deno.test("clusteredShare counts prompts, not answers", () => {
  const answers = clusteredShare([[true, true, true], [true, false, true], [], [false, true]]);
  equal(answers.n, 3);
  near(answers.estimate, (1 + 2 / 3 + 1 / 2) / 3, 1e-12);
  const once = wilson(40, 50);
  deepEqual(clusteredShare(Array.from({ length: 50 }, (_, i) => Array(4).fill(i < 40))), once);
});

Deno.test("trialsNeeded is the first n at which the observed share would show the target", () => {
  for (const [rate, target] of [[0.97, 0.95], [0.84, 0.8], [1, 0.95], [0.66, 0.6]] as const) {
    const n = trialsNeeded(rate, target);
    ok(n !== undefined && wilson(rate * n, n).lower > target && wilson(rate * (n - 1), n - 1).lower <= target, `${n}`);
  }
  equal(trialsNeeded(0.95, 0.95), undefined);
  equal(trialsNeeded(NaN, 0.95), undefined);
});

Deno.test("quantile, mean and deviation are those of R", () => {
  deepEqual([0, 0.25, 0.5, 0.95, 1].map((q) => quantile([7, 1, 3, 10], q)), [1, 2.5, 5, 9.549999999999999, 10]);
  equal(mean([1, 2, 6]), 3);
  near(deviation([2, 4, 4, 4, 5, 5, 7, 9]), 2.13809, 1e-5);
  ok(Number.isNaN(quantile([], 0.5)) && Number.isNaN(mean([])));
});

Deno.test("bootstrap covers the truth about as often as it says", () => {
  let covered = 0;
  const runs = 200;
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(run, "data");
    const units = Array.from({ length: 40 }, () => random());
    const { low, high } = bootstrap(units, mean, { seed: run, resamples: 300 });
    if (low <= 0.5 && 0.5 <= high) covered++;
  }
  ok(covered >= 0.88 * runs && covered <= 0.99 * runs, `${covered} of ${runs}`);
});

Deno.test("bootstrap of whole prompts is wider than of answers that resemble each other", () => {
  const random = seededRandom(5, "data");
  const prompts = Array.from({ length: 30 }, () => Array<number>(5).fill(random()));
  const byPrompt = bootstrap(prompts, (units) => mean(units.flat()), { seed: 1 });
  const byAnswer = bootstrap(prompts.flat(), mean, { seed: 1 });
  ok(byPrompt.high - byPrompt.low > 1.8 * (byAnswer.high - byAnswer.low));
});

Deno.test("bootstrap repeats by its seed, leaves out draws that mean nothing, and needs units", () => {
  const statistic = (units: readonly number[]) => new Set(units).size === 1 ? NaN : mean(units);
  const [a, b, c] = [3, 3, 4].map((seed) =>
    bootstrap([1, 2, 5.3, 7.7, 8, 12, 13.1], statistic, { seed, resamples: 200 })
  );
  deepEqual(a, b);
  ok(!Number.isNaN(a?.low) && a?.low !== c?.low);
  ok(!Number.isNaN(bootstrap([1, 2], statistic, { seed: 1 }).low));
  throws(() => bootstrap([], mean, { seed: 1 }), RangeError);
});

Deno.test("pairedDifference sees what unpaired spread hides", () => {
  const random = seededRandom(9, "data");
  const pairs = Array.from({ length: 60 }, (_, i) => {
    const first = 5 * random();
    return { first, second: first - 0.1 + 0.05 * random(), book: `${i % 6}` };
  });
  const difference = pairedDifference(pairs, { seed: 1 });
  ok(difference.upper < 0 && difference.estimate < -0.06);
  equal(difference.n, 60);
  equal(pairedDifference(pairs, { seed: 1, unitOf: ({ book }) => book }).n, 6);
});

Deno.test("shareDifference gives Newcombe's interval of paired shares, and claims nothing from a few that agree", () => {
  // 15 of 50 under the first, 23 of 50 under the second, 14 under both: his method 10, by hand from Wilson's bounds.
  const counts = [[14, 1, 1], [1, 1, 0], [9, 0, 1], [26, 0, 0]] as const;
  const pairs = counts.flatMap(([n, first, second]) => Array.from({ length: n }, () => ({ first, second })));
  const difference = shareDifference(pairs);
  const [x, y] = [wilson(15, 50), wilson(23, 50)];
  const phi = (14 * 26 - 1 * 9) / Math.sqrt(15 * 35 * 23 * 27);
  const [dl, eu] = [y.estimate - y.low, x.high - x.estimate];
  near(difference.estimate, 0.16, 1e-12);
  near(difference.low, 0.16 - Math.sqrt(dl ** 2 - 2 * phi * dl * eu + eu ** 2), 1e-12);
  ok(difference.low > 0.03 && difference.high < 0.29, "it is narrower than of unpaired shares");
  const few = shareDifference([{ first: 1, second: 1 }, { first: 1, second: 1 }, { first: 1, second: 1 }]);
  ok(few.estimate === 0 && few.lower < -0.3 && few.upper > 0.3);
  ok(
    shareDifference(Array.from({ length: 108 }, (_, i) => {
      const right = i % 10 ? 1 : 0;
      return { first: right, second: right };
    })).lower > -0.1,
  );
});
