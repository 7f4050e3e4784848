import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { UsageError } from "@/core/errors.ts";
import { flagsOf, parseOptions } from "@/core/options.ts";
import type { StepEvent } from "@/core/step.ts";
import { createForecaster } from "@/llm/forecast.ts";
import { generateOptions } from "@/steps/generate_options.ts";
import { runProgress } from "@/steps/generate_progress.ts";

Deno.test("generateOptions tell every fault at once, an address that is none among them", () => {
  throws(
    () =>
      parseOptions(generateOptions, ["--lmstudio-url", "ftp://x,http://a", "--seed", "-1", "--concurrency", "many"]),
    (error) => {
      ok(error instanceof UsageError);
      deepEqual(error.faults.map((fault) => /--[a-z-]+/.exec(fault)?.[0]).sort(), [
        ...["--concurrency", "--lmstudio-url", "--seed"],
      ]);
      return true;
    },
  );
});

Deno.test("generateOptions show the default of every option that has one", () => {
  const flags = new Map(flagsOf(generateOptions).map((flag) => [flag.name, flag.default]));
  equal(flags.get("concurrency"), "auto");
  equal(generateOptions.parse({}).concurrency, "auto");
  equal(generateOptions.parse({ concurrency: "8" }).concurrency, 8);
});

Deno.test("runProgress tells its end once, however many examples come on top of the plan", () => {
  const events: StepEvent[] = [];
  let now = 0;
  const progress = runProgress(
    { total: 3, forecaster: createForecaster(), emit: (event) => events.push(event) },
    () => now += 1000,
  );
  for (let n = 0; n < 5; n++) progress.done(n % 2 ? "too_short" : undefined);
  progress.end();
  const shown = events.flatMap((event) => event.type === "progress" ? [event] : []);
  equal(shown.filter(({ done, total = 0 }) => done >= total).length, 1);
  deepEqual([shown.at(-1)?.done, shown.at(-1)?.total], [5, 5]);
});
