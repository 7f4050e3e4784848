import { deepEqual, equal, ok } from "node:assert/strict";
import { createController } from "@/llm/controller.ts";
import { createFaultWatch } from "@/llm/scheduler_faults.ts";
import { type Measure, measureRun, type SlotServer } from "../fakes/slots.ts";

const GPU = { baseMs: 18, perSlotMs: 0.6, promptMs: 150 };
/** Each further request costs nearly as much as the first. */
const CPU = { baseMs: 40, perSlotMs: 12, promptMs: 250 };

/** Worst and mean share of the best fixed setting's rate, over seeds; each seed is another server and other answers. */
async function against(
  shape: typeof GPU,
  slots: number,
  live: boolean,
): Promise<{ mean: number; settled: number }> {
  const shares: number[] = [], settled: number[] = [];
  for (const seed of [1, 2, 3]) {
    const run = (concurrency: "auto" | number, live: boolean) =>
      measureRun({ shape: { ...shape, slots }, seed, requests: 500, live, concurrency });
    const auto = await run("auto", live);
    const fixed = new Map<number, Measure>();
    for (const at of [slots / 2, slots, slots + 1, 2 * slots, auto.limitAtTenth]) {
      const level = Math.max(1, Math.round(at));
      if (!fixed.has(level)) fixed.set(level, await run(level, false));
    }
    const best = Math.max(...[...fixed.values()].map(({ rate }) => rate));
    shares.push(auto.rate / best);
    settled.push((fixed.get(auto.limitAtTenth)?.rate ?? 0) / best);
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean: mean(shares), settled: mean(settled) };
}

for (const slots of [1, 4, 8, 32]) {
  Deno.test(`createController reaches 97 % of the best fixed setting within a tenth of the run with ${slots} slots`, async () => {
    for (const live of [true, false]) {
      for (const shape of [GPU, CPU]) {
        const { mean, settled } = await against(shape, slots, live);
        ok(mean >= 0.97, `${live ? "live" : "ended only"} ${JSON.stringify(shape)}: ${mean}`);
        ok(settled >= 0.97, `${live ? "live" : "ended only"} ${JSON.stringify(shape)}: settled at ${settled}`);
      }
    }
  });
}

/** Limits after each answer of a run on a server that changes. */
async function limits(
  slots: number,
  live: boolean,
  happen: (server: SlotServer, done: number) => void,
  requests = 600,
  seed = 1,
): Promise<number[]> {
  const seen: number[] = [];
  await measureRun({
    shape: { ...GPU, slots },
    seed,
    requests,
    live,
    concurrency: "auto",
    happen(server, done, limit) {
      happen(server, done);
      seen.push(limit);
    },
  });
  return seen;
}

for (const live of [true, false]) {
  const how = live ? "tokens as they come" : "ended requests only";

  Deno.test(`createController follows a server that gets more slots, by ${how}`, async () => {
    const seen = await limits(4, live, (server, done) => void (done === 250 && (server.slots = 16)), 800);
    ok(Math.max(...seen.slice(150, 250)) <= 9, `${seen.slice(150, 250)}`);
    ok(Math.min(...seen.slice(500, 740)) >= 15, `${seen.slice(500, 740)}`);
  });

  Deno.test(`createController follows a server that loses slots, by ${how}`, async () => {
    const seen = await limits(16, live, (server, done) => void (done === 250 && (server.slots = 4)));
    ok(Math.min(...seen.slice(150, 250)) >= 15, `${seen.slice(150, 250)}`);
    ok(Math.max(...seen.slice(450, 560)) <= 9, `${seen.slice(450, 560)}`);
  });

  Deno.test(`createController stays below the load at which a server refuses, by ${how}`, async () => {
    const seen = await limits(32, live, (server) => void (server.refuseAbove = 6));
    const late = seen.slice(100, 560);
    const within = late.filter((limit) => limit >= 4 && limit <= 6).length / late.length;
    ok(within >= 0.9, `${within} of the time`);
  });

  Deno.test(`createController stays below the load at which answers come empty, by ${how}`, async () => {
    const seen = await limits(32, live, (server) => void (server.emptyAbove = 10));
    const late = seen.slice(100, 560);
    const within = late.filter((limit) => limit >= 5 && limit <= 12).length / late.length;
    ok(within >= 0.9, `${within} of the time`);
  });

  Deno.test(`createController does not slow down for faults that load is not to blame for, by ${how}`, async () => {
    for (const share of ["emptyShare", "refuseShare"] as const) {
      // What chance takes for load is found out, but not at once: the median of some servers tells.
      const within: number[] = [];
      for (const seed of [1, 2, 3, 4, 5]) {
        const late = (await limits(8, live, (server) => void (server[share] = 0.2), 600, seed)).slice(250, 560);
        within.push(late.filter((limit) => limit >= 7).length / late.length);
      }
      ok((within.sort()[2] ?? 0) >= 0.9, `${share}: ${within} of the time`);
    }
  });
}

Deno.test("createController leaves a fixed number alone, whatever happens", () => {
  const controller = createController({ concurrency: 7 });
  for (let id = 0; id < 50; id++) {
    controller.sent(id, id * 100);
    controller.done(id, id * 100 + 50, { kind: id % 2 ? "pushback" : "poor" });
  }
  controller.restart(9999);
  deepEqual([controller.limit, controller.phase], [7, "fixed"]);
});

Deno.test("createController halves for one refusal, and counts it once for requests that were sent together", () => {
  const controller = createController();
  let at = 0, id = 0;
  while (controller.limit < 8) {
    const ids = Array.from({ length: controller.limit }, () => id++);
    for (const one of ids) controller.sent(one, at);
    for (let step = 0; step < 200; step++) {
      at += 20;
      for (const one of ids) controller.tokens(one, at, 1);
    }
    for (const one of ids) {
      controller.done(one, at, { kind: "answer", tokens: 200, firstTokenMs: 20, totalMs: 4000 });
    }
  }
  const { limit } = controller;
  const ids = Array.from({ length: limit }, () => id++);
  for (const one of ids) controller.sent(one, at);
  for (const one of ids) controller.done(one, at + 10, { kind: "pushback" });
  equal(controller.limit, Math.floor(limit / 2));
  equal(controller.phase, "backing off");
});

Deno.test("createFaultWatch takes faults for the server's manner when they come at a quarter of the load as well", () => {
  const watch = createFaultWatch();
  let limit = 16;
  const verdicts: string[] = [];
  for (let at = 0; at < 200 && verdicts.length < 3; at++) {
    const verdict = watch.record(limit, at % 4 === 0 ? "poor" : undefined);
    if (verdict === "go on") continue;
    verdicts.push(verdict);
    limit /= 2;
  }
  deepEqual(verdicts, ["ask less", "ask less", "ask less no longer"]);
  equal(watch.trialFrom, 16);
  watch.close();
  for (let at = 0; at < 100; at++) equal(watch.record(16, at % 4 === 0 ? "poor" : undefined), "go on");
});
