import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { UsageError } from "@/core/errors.ts";
import { seededRandom } from "@/dialogue/random.ts";
import { parseDuration } from "@/llm/duration.ts";
import { createForecaster, forecastLine, planSubset } from "@/llm/forecast.ts";
import { outputTokens } from "../fakes/slots.ts";

Deno.test("createForecaster's intervals hold the truth about as often as they say, from 5, 30 and 300 items", () => {
  for (const size of [5, 30, 300]) {
    let held = 0;
    const runs = 100;
    for (let run = 0; run < runs; run++) {
      const forecaster = createForecaster();
      const seconds = (at: number) => outputTokens(run * 31 + size, at) / 50;
      for (let at = 0; at < size; at++) {
        forecaster.add({ promptTokens: 900, outputTokens: outputTokens(run, at), shareMs: seconds(at) * 1000 });
      }
      let truth = 0;
      for (let at = size; at < size + 500; at++) truth += seconds(at);
      const range = forecaster.forecast(500)?.seconds;
      if (range && range.low <= truth && truth <= range.high) held++;
    }
    ok(held / runs >= 0.82 && held / runs <= 0.98, `${size}: ${held / runs}`);
  }
});

Deno.test("createForecaster widens its interval when the server has slow spells", () => {
  const forecastWith = (spell: number) => {
    const random = seededRandom("spells");
    const forecaster = createForecaster();
    for (let at = 0; at < 400; at++) {
      const slow = (spell === 1 ? random() < 0.5 : Math.floor(at / spell) % 2 === 0) ? 2000 : 1000;
      forecaster.add({ promptTokens: 1, outputTokens: 1, shareMs: slow });
    }
    const { low = 0, high = 0 } = forecaster.forecast(2000)?.seconds ?? {};
    return high - low;
  };
  ok(forecastWith(40) > 2 * forecastWith(1));
});

Deno.test("createForecaster tells nothing from one item, and narrows with more", () => {
  const forecaster = createForecaster();
  const add = (at: number) =>
    forecaster.add({ requests: at % 5 ? 1 : 2, promptTokens: 900, outputTokens: 200, shareMs: 900 + (at % 3) * 100 });
  add(0);
  equal(forecaster.forecast(10), undefined);
  add(1);
  const wide = forecaster.forecast(1000);
  for (let at = 2; at < 40; at++) add(at);
  const narrow = forecaster.forecast(1000);
  ok(wide && narrow);
  ok(narrow.seconds.high - narrow.seconds.low < (wide.seconds.high - wide.seconds.low) / 5);
  ok(Math.abs(narrow.requests.mid - 1200) < 50);
  equal(forecaster.forecast(0)?.seconds.high, 0);
  ok(
    /^1,\d+ requests, 900 k tokens in, 200 k out, 16 min \d\d s \(1\d min \d\d s to 1\d min \d\d s\); from 40 measured$/
      .test(forecastLine(narrow)),
    forecastLine(narrow),
  );
});

Deno.test("planSubset takes the best of each stratum, in proportion, and never more than surely fit", () => {
  const candidates = Array.from({ length: 100 }, (_, at) => ({
    id: at,
    stratum: at % 10 === 0 ? "chess" : at % 2 ? "space" : "work",
    score: (at * 37) % 101,
  }));
  const plan = planSubset(600, candidates, { low: 20, mid: 25, high: 30 });
  equal(plan.length, 20);
  deepEqual(plan.map(({ id }) => id), plan.map(({ id }) => id).toSorted((a, b) => a - b));
  const of = (stratum: string, list: typeof candidates) => list.filter((one) => one.stratum === stratum);
  deepEqual(["chess", "space", "work"].map((stratum) => of(stratum, plan).length), [2, 10, 8]);
  const scores = (list: typeof candidates) => list.map(({ score }) => score).toSorted((a, b) => b - a);
  for (const stratum of ["chess", "space", "work"]) {
    const taken = of(stratum, plan);
    deepEqual(scores(taken), scores(of(stratum, candidates)).slice(0, taken.length));
  }
});

Deno.test("planSubset leaves no stratum out while there are places, and takes all where all fit", () => {
  const candidates = [..."aaaaaaaaaaaaaaaaaaaaaaaabc"].map((stratum, score) => ({ stratum, score }));
  deepEqual(planSubset(4, candidates, { low: 1, mid: 1, high: 1 }).map(({ stratum }) => stratum).join(""), "aabc");
  equal(planSubset(2, candidates, { low: 1, mid: 1, high: 1 }).length, 2);
  equal(planSubset(0.5, candidates, { low: 1, mid: 1, high: 1 }).length, 0);
  equal(planSubset(1e6, candidates, { low: 1, mid: 1, high: 1 }).length, 26);
});

Deno.test("parseDuration reads what people write", () => {
  const minutes = (text: string) => parseDuration(text) / 60_000;
  deepEqual(["2h", "90m", "1h30m", " 1h 30min ", "1.5H", "30s", "1d"].map(minutes), [120, 90, 90, 90, 90, 0.5, 1440]);
});

Deno.test("parseDuration refuses what it cannot be sure of, and says what would do", () => {
  throws(() => parseDuration("90", "--budget"), {
    name: "UsageError",
    message: 'Cannot use "90" as --budget: it has no unit; 90m is minutes, 90h hours',
  });
  for (const text of ["", "2 hours", "h", "-2h", "0h", "30m1h", "1h1h", "2h,", "1e3s", "NaN"]) {
    throws(() => parseDuration(text, "--budget"), UsageError, text);
  }
});
