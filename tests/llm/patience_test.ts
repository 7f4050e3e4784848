import { deepEqual } from "node:assert/strict";
import { createPatience, type Wait } from "@/llm/patience.ts";
import { virtualTime } from "../fakes/slots.ts";

/** Requests in virtual time: 600 ms for the first token, 100 ms between two. */
function scene() {
  const time = virtualTime();
  const late: string[] = [];
  const patience = createPatience({ firstTokenMs: 600, idleMs: 100 }, {
    now: time.clock.now,
    after(ms, happen) {
      let off = false;
      time.after(ms, () => off || happen());
      return () => off = true;
    },
  });
  const begin = (name: string): Wait => {
    const wait = patience.begin((silentMs, begun) => {
      late.push(
        `${name} after ${Math.round(silentMs / 10) * 10}${begun ? " in the middle" : ""} at ${time.clock.now()}`,
      );
      wait[Symbol.dispose]();
    });
    return wait;
  };
  const until = (ms: number) => time.run(time.clock.sleep(ms - time.clock.now()));
  return { begin, until, late };
}

Deno.test("createPatience gives up a request that gets nothing, and one that stops in the middle", async () => {
  const { begin, until, late } = scene();
  begin("silent");
  begin("half").heard(true);
  await until(2000);
  deepEqual(late.map((line) => line.replace(/ at .*/, "")), ["half after 110 in the middle", "silent after 660"]);
});

Deno.test("createPatience does not count the time that a request waits behind earlier ones", async () => {
  const { begin, until, late } = scene();
  // One at a time, 400 each: the last one gets its first token after 3,600.
  const waits = Array.from({ length: 10 }, (_, n) => begin(`request ${n}`));
  for (const [n, wait] of waits.entries()) {
    for (let at = 0; at < 400; at += 50) {
      await until(n * 400 + at);
      wait.heard(true);
    }
    await until((n + 1) * 400);
    wait[Symbol.dispose]();
  }
  await until(9000);
  deepEqual(late, []);
});

Deno.test("createPatience gives up a request that was lost while later ones are answered", async () => {
  const { begin, until, late } = scene();
  const first = begin("first");
  begin("lost");
  await until(300);
  first.heard(true);
  first[Symbol.dispose]();
  for (let at = 300; at < 3000; at += 50) {
    using later = begin("later");
    await until(at + 50);
    later.heard(true);
  }
  deepEqual(late.map((line) => line.replace(/ at .*/, "")), ["lost after 660"]);
});

Deno.test("createPatience takes a sign of life that is no token for a beginning of neither", async () => {
  const { begin, until, late } = scene();
  begin("reading").heard(false);
  await until(550);
  deepEqual(late, []);
  await until(700);
  deepEqual(late.length, 1);
});

Deno.test("createPatience does not blame a server for what arrived while this process was busy or asleep", () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const patience = createPatience({ firstTokenMs: 600, idleMs: 100 }, {
    now: () => now,
    after: (_, happen) => {
      timers.push(happen);
      return () => {};
    },
  });
  const late: number[] = [];
  const wait = patience.begin((silentMs) => void late.push(silentMs));
  wait.heard(true);
  now = 50_000; // The lid was closed. Timers fire before what came over the network is read.
  timers.shift()?.();
  wait.heard(true);
  now += 10;
  timers.shift()?.();
  deepEqual(late, []);
  now += 100;
  timers.shift()?.();
  now += 10;
  timers.shift()?.();
  deepEqual(late, [120]);
});
