import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { UserError } from "@/core/errors.ts";
import type { StepEvent } from "@/core/step.ts";
import { seededRandom } from "@/dialogue/random.ts";
import { ChatError, type ChatFault } from "@/llm/errors.ts";
import { openaiEngine } from "@/llm/openai.ts";
import { answerOf, type Call, type FleetState, runRequests, runTasks } from "@/llm/scheduler.ts";
import { serverAddress } from "@/llm/server.ts";
import { systemClock } from "@/core/clock.ts";
import { fakeLmStudio } from "../fakes/lmstudio.ts";
import { sendTo, type SlotServer, slotServer, virtualTime } from "../fakes/slots.ts";

/** Servers in virtual time, and what a run on them says. */
function scene(...slots: number[]) {
  const time = virtualTime();
  const servers = slots.map((slots, at) => slotServer(time, { slots, seed: at + 1 }));
  const events: StepEvent[] = [];
  const stop = new AbortController();
  const options = {
    servers: servers.map((target, at) => ({ name: `server ${at + 1}`, target })),
    signal: stop.signal,
    clock: time.clock,
    random: seededRandom("jitter"),
    emit: (event: StepEvent) => void events.push(event),
  };
  const said = () => events.map((event) => event.type === "log" ? event.message : "");
  return { time, servers, options, said, stop };
}

const count = (to: number) => Array(to).keys();
const send = sendTo(1, true);
const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b);
const instantly = <R>(value: R) => Promise.resolve({ value, tokens: 10, firstTokenMs: 1, totalMs: 2 });
const failing = (kind: ChatFault, message = kind as string) => Promise.reject(new ChatError(kind, message));

Deno.test("runRequests delivers every item once, begun in order, and shares out all of the time", async () => {
  const { time, options } = scene(4);
  const begun: number[] = [], delivered: number[] = [];
  let shares = 0;
  const summary = await time.run(runRequests(count(120), (index, call: Call<SlotServer>) => {
    begun.push(index);
    return send(index, call);
  }, {
    ...options,
    onResult: (result) => {
      delivered.push(result.index);
      if ("value" in result) shares += result.value.shareMs;
    },
  }));
  deepEqual([summary.ended, summary.done, summary.failed], ["complete", 120, 0]);
  deepEqual(begun, [...count(120)]);
  deepEqual(sorted(delivered), [...count(120)]);
  ok(Math.abs(shares / time.clock.now() - 1) < 0.01, `${shares} of ${time.clock.now()} ms`);
});

Deno.test("runRequests sends one request alone until a token has come, whatever the number", async () => {
  for (const live of [true, false]) {
    const { time, servers, options } = scene(8);
    const together: number[] = [];
    await time.run(runRequests(count(20), (index, call: Call<SlotServer>) => {
      together.push(servers[0]?.present ?? 0);
      return sendTo(1, live)(index, call);
    }, { ...options, concurrency: 6, onState: ({ limit }) => void together.push(-limit) }));
    equal(together.findIndex((n) => n > 0) > together.findIndex((n) => n === -6), true);
    equal(Math.max(...together), 5); // And then six, itself not yet among them.
  }
});

Deno.test("runRequests keeps each of several servers as busy as it is worth", async () => {
  const { time, servers, options } = scene(2, 12);
  await time.run(runRequests(count(500), send, options));
  const [small, large] = servers.map(({ requests }) => requests);
  ok(small && large && large > 3 * small && small > 40, `${small} and ${large}`);
});

Deno.test("runRequests sets a dead server aside, works on with the other, and takes it back", async () => {
  const { time, servers, options, said } = scene(4, 4);
  const [, second] = servers;
  ok(second);
  const delivered: number[] = [];
  let during = 0, atDeath = 0, afterwards = 0;
  await time.run(runRequests(count(400), send, {
    ...options,
    onResult: (result) => {
      ok("value" in result, "a dead server costs no item");
      delivered.push(result.index);
      if (delivered.length === 100) [second.down, atDeath] = [true, second.requests];
      if (delivered.length === 250) [second.down, during] = [false, second.requests - atDeath];
      afterwards = second.requests;
    },
  }));
  deepEqual(sorted(delivered), [...count(400)]);
  ok(during < 25, `${during} tries of a dead server`);
  ok(afterwards > atDeath + during + 30, "used again");
  match(said().join("\n"), /server 2 is set aside.*connection refused[^]*server 2 answers again after/);
});

Deno.test("runRequests waits for a server that is gone, says so, and goes on by itself", async () => {
  const { time, servers, options, said } = scene(4);
  const [server] = servers;
  ok(server);
  let done = 0, triesAtDeath = 0;
  time.after(1_800_000, () => server.down = false);
  const summary = await time.run(runRequests(count(80), send, {
    ...options,
    giveUpAfterMs: 7_200_000,
    onResult: () => void (++done === 40 && ([server.down, triesAtDeath] = [true, server.requests])),
  }));
  equal(summary.done, 80);
  ok(time.clock.now() > 1_800_000 && time.clock.now() < 2_000_000);
  ok(server.requests - triesAtDeath < 40 + 45, "asked about once a minute");
  match(said().join("\n"), /No server answers; waiting for one, for up to 2 h 00 min[^]*answers again after 2\d min/);
});

Deno.test("runRequests gives up after the time it was given", async () => {
  const { time, servers, options } = scene(4);
  let done = 0;
  const run = runRequests(count(80), send, {
    ...options,
    giveUpAfterMs: 600_000,
    onResult: () => void (++done === 20 && servers.forEach((server) => server.down = true)),
  });
  await rejects(time.run(run), (error) => {
    ok(error instanceof UserError);
    match(error.message, /^Gave up after 1\d min \d\d s without an answer: .*connection refused$/);
    return true;
  });
  ok(time.clock.now() < 800_000);
});

Deno.test("runRequests tries a failed request again, elsewhere, and reports it after its last try", async () => {
  const { time, options } = scene(2, 2);
  const tries: [number, boolean][] = [];
  const results = new Map<number, string>();
  await time.run(runRequests(count(30), (index, call: Call<SlotServer>) => {
    if (index === 7) tries.push([call.attempt, call.server === options.servers[0]?.target]);
    return index === 7 ? failing("server", "broken") : send(index, call);
  }, {
    ...options,
    attempts: 3,
    onResult: (result) => void results.set(result.index, "error" in result ? result.error.message : "ok"),
  }));
  deepEqual(tries.map(([attempt]) => attempt), [0, 1, 2]);
  ok(new Set(tries.map(([, first]) => first)).size === 2, "not always the same server");
  equal(results.get(7), "broken");
  equal([...results.values()].filter((value) => value === "ok").length, 29);
});

Deno.test("runRequests does not repeat what would fail again", async () => {
  const { time, options } = scene(4);
  let tries = 0, failed = 0;
  const summary = await time.run(runRequests(count(30), (index, call: Call<SlotServer>) => {
    if (index !== 3) return send(index, call);
    tries++;
    return failing("context_overflow");
  }, { ...options, onResult: (result) => void ("error" in result && failed++) }));
  deepEqual([tries, failed, summary.failed, summary.done], [1, 1, 1, 29]);
});

Deno.test("runRequests ends on persistent errors and names the commonest", async () => {
  const { time, options } = scene(4);
  let sent = 0;
  const run = runRequests(count(10_000), (index, call: Call<SlotServer>) => {
    sent++;
    if (sent < 100 || index % 4 === 0) return send(index, call);
    return index % 4 === 1 ? failing("bad_request", "rare") : failing("bad_request", "the commonest");
  }, options);
  await rejects(time.run(run), {
    name: "UserError",
    message: /\d+ of the last \d+ requests failed, \d+ of them with: the commonest/,
  });
  ok(sent < 250, `${sent}`);
});

Deno.test("runRequests tries a server again that was set aside, when nothing waits for it", async () => {
  const { time, options } = scene(4);
  let failing = 8;
  const summary = await time.run(runRequests(count(20), async (index, call: Call<SlotServer>) => {
    if (failing-- > 0) throw new ChatError("server", "broken off");
    return await send(index, call);
  }, { ...options, concurrency: 1, attempts: 1 }));
  deepEqual([summary.ended, summary.done, summary.failed], ["complete", 12, 8]);
});

Deno.test("runRequests ends soon when nothing ever works, and sooner when nothing can", async () => {
  const { time, options } = scene(4);
  let sent = 0;
  const broken = runRequests(count(1000), () => (sent++, failing("server", "broken")), options);
  await rejects(time.run(broken), { message: /10 of the last 10 requests failed.*broken/ });
  sent = 0;
  const other = scene(4);
  const locked = runRequests(count(1000), () => (sent++, failing("unauthorized", "no token")), other.options);
  await rejects(other.time.run(locked), { name: "ChatError", message: "no token" });
  equal(sent, 4);
  ok(other.time.clock.now() < 10_000, `${other.time.clock.now()} ms`);
});

Deno.test("runRequests survives a server that has no model now and then, its first answers included", async () => {
  for (const fault of ["no_model", "not_found", "unauthorized"] as const) {
    for (let first = 0; first < 5; first++) {
      const { time, options } = scene(8);
      let n = first;
      const summary = await time.run(runRequests(count(200), (index, call: Call<SlotServer>) => {
        return n++ % 5 === 0 ? failing(fault) : send(index, call);
      }, options));
      deepEqual([summary.done, summary.failed], [200, 0], `${fault} from ${first}`);
    }
  }
});

Deno.test("runRequests believes no refusal of a server that speaks, nor of one that answered in an earlier run", async () => {
  const { time, servers, options } = scene(4);
  const proven = new Set<(typeof options.servers)[number]>();
  let sent = 0;
  // The second is refused while the first has only begun to speak.
  await time.run(runRequests(count(2), (index, call: Call<SlotServer>) => {
    return sent++ === 1 ? failing("no_model") : send(index, call);
  }, { ...options, proven, concurrency: 2 }));
  deepEqual([...proven], options.servers);
  let refused = 0;
  const again = await time.run(runRequests(count(2), (index, call: Call<SlotServer>) => {
    return refused++ < 12 ? failing("no_model") : send(index, call);
  }, { ...options, proven }));
  equal(again.done, 2);
  equal(servers[0]?.requests, 4);
});

Deno.test("runRequests does not end for a fifth of faults of any kind", async () => {
  for (const fault of ["empty", "server", "bad_response", "timeout", "rate_limited"] as const) {
    const { time, options } = scene(8);
    let n = 0;
    const summary = await time.run(runRequests(count(400), (index, call: Call<SlotServer>) => {
      return (n++ * 7919) % 5 === 0 ? failing(fault) : send(index, call);
    }, options));
    equal(summary.done + summary.failed, 400, fault);
    ok(summary.failed <= 2, fault);
  }
});

Deno.test("runRequests waits as long as a server asks it to", async () => {
  const { time, options } = scene(4);
  const at: number[] = [];
  await time.run(runRequests(count(5), (index, call: Call<SlotServer>) => {
    at.push(time.clock.now());
    if (at.length > 1) return send(index, call);
    return Promise.reject(new ChatError("rate_limited", "slow down", { retryAfterMs: 45_000 }));
  }, options));
  equal(at[0], 0);
  ok((at[1] ?? 0) >= 45_000 && (at[1] ?? 0) < 46_000, `${at}`);
});

Deno.test("runRequests leaves out a server that refuses, while another works", async () => {
  const { time, servers, options, said } = scene(4, 4);
  const summary = await time.run(runRequests(count(40), (index, call: Call<SlotServer>) => {
    return call.server === servers[0] ? failing("no_model", "no such model") : send(index, call);
  }, options));
  equal(summary.done, 40);
  equal(summary.state.servers[0]?.state, "unusable");
  match(said().join("\n"), /server 1 is left out: no such model/);
});

Deno.test("runRequests stops on the signal: what is under way is aborted, what is done is told", async () => {
  const { time, servers, options, stop } = scene(4);
  const delivered: number[] = [];
  let closed = false;
  async function* items() {
    try {
      for (let at = 0;; at++) yield await Promise.resolve(at);
    } finally {
      closed = true;
    }
  }
  const summary = await time.run(runRequests(items(), send, {
    ...options,
    onResult: ({ index }) => void (delivered.push(index) === 50 && stop.abort()),
  }));
  deepEqual([summary.ended, summary.done, delivered.length], ["stopped", 50, 50]);
  equal(closed, true);
  equal(summary.state.inFlight, 0);
  equal(servers[0]?.present, 0);
});

Deno.test("runRequests stops while no server answers, too", async () => {
  const { time, servers, options, stop } = scene(4);
  servers.forEach((server) => server.down = true);
  time.after(100_000, () => stop.abort());
  const summary = await time.run(runRequests(count(10), send, options));
  deepEqual([summary.ended, summary.done, summary.failed], ["stopped", 0, 0]);
});

Deno.test("runRequests reads no further ahead than it works, however slow results are taken", async () => {
  const { time, options } = scene(4);
  let read = 0, delivered = 0, most = 0;
  function* items() {
    for (; read < 2000;) yield read++;
  }
  await time.run(runRequests(items(), (index) => instantly(index), {
    ...options,
    concurrency: 4,
    async onResult() {
      most = Math.max(most, read - delivered);
      await time.clock.sleep(1000);
      delivered++;
    },
  }));
  equal(delivered, 2000);
  ok(most <= 64 + 4 * 4 + 1, `${most}`);
});

Deno.test("runRequests ends with an error of the caller's, after stopping the rest", async () => {
  const { time, servers, options } = scene(4);
  const run = runRequests(count(100), send, {
    ...options,
    onResult: ({ index }) => {
      if (index === 9) throw new Error("disk full");
    },
  });
  await rejects(time.run(run), { message: "disk full" });
  equal(servers[0]?.present, 0);
});

Deno.test("runTasks lets a task ask several times, its further requests first, or not at all", async () => {
  const { time, options } = scene(4);
  const finished: number[] = [];
  let asked = 0;
  const summary = await time.run(runTasks(count(90), async (item, ask) => {
    if (item % 3 === 0) return "from the ledger";
    const first = await ask((call: Call<SlotServer>) => (asked++, send(item, call)));
    if (item % 3 === 1) return `once ${first.value}`;
    return `twice ${(await ask((call: Call<SlotServer>) => (asked++, send(item, call)))).value}`;
  }, {
    ...options,
    concurrency: 4,
    onResult: ({ index }) => void finished.push(index),
  }));
  equal(summary.done, 90);
  equal(asked, 30 + 2 * 30);
  // No task is put off for long by younger ones.
  finished.forEach((index, place) => ok(Math.abs(index - place) < 24, `${index} as number ${place}`));
});

Deno.test("runTasks gives a task the error of its request, and goes on", async () => {
  const { time, options } = scene(4);
  const results: string[] = [];
  const summary = await time.run(runTasks(count(10), async (item, ask) => {
    try {
      return await ask((call: Call<SlotServer>) => item === 4 ? failing("schema_unsupported") : send(item, call));
    } catch (error) {
      ok(error instanceof ChatError);
      results.push(error.kind);
      throw error;
    }
  }, options));
  deepEqual([summary.done, summary.failed, results], [9, 1, ["schema_unsupported"]]);
});

Deno.test("runRequests fills the slots of a server over HTTP", async () => {
  await using studio = fakeLmStudio({
    slots: 3,
    behave: () => ({ kind: "answer", content: "word ".repeat(60), firstTokenMs: 4, tokenMs: 2 }),
  });
  const engine = openaiEngine({ address: serverAddress(studio.url), model: "m", fetch });
  let state: FleetState | undefined;
  const summary = await runRequests(count(100), async (index, { server, signal }) => {
    const messages = [{ role: "user" as const, content: `Question ${index}` }];
    return answerOf(await server.chat({ messages, temperature: 0 }, signal));
  }, {
    servers: [{ name: studio.url, target: engine }],
    signal: new AbortController().signal,
    clock: systemClock,
    onState: (now) => state = now,
  });
  equal(summary.done, 100);
  equal(studio.requests.length, 100);
  equal(studio.busiest, 3);
  const limit = state?.servers[0]?.limit ?? 0;
  ok(limit >= 3 && limit <= 32, `${limit}`); // The machine may be busy.
  ok((state?.tokensPerSecond ?? 0) > 100);
});
