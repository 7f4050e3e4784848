/**
 * Virtual time, and a simulated server with a number of slots in it: runs of hours take no time.
 *
 * The server decodes as continuous batching does: one step gives each running request a token and takes
 * `baseMs + perSlotMs × running` (weights are read once for all, each request adds its share), so that the total rate
 * grows sub-linearly up to the number of slots; what exceeds the slots waits in order. Prompts are read one at a time, a
 * piece in each step, which holds up the others.
 */
import { setImmediate } from "node:timers";
import type { Clock } from "@/core/step.ts";
import { ChatError } from "@/llm/errors.ts";
import { type Answer, type Call, runRequests } from "@/llm/scheduler.ts";
import { seededRandom } from "@/dialogue/random.ts";

export interface VirtualTime {
  readonly clock: Clock;
  after(ms: number, happen: () => void): void;
  /** Lets time pass until the promise is settled. */
  run<T>(promise: Promise<T>): Promise<T>;
}

export function virtualTime(): VirtualTime {
  const heap: { at: number; order: number; happen: () => void }[] = [];
  let now = 0, order = 0;
  const earlier = (a: number, b: number) => {
    const [x, y] = [heap[a], heap[b]];
    return x !== undefined && y !== undefined && (x.at < y.at || x.at === y.at && x.order < y.order);
  };
  const swap = (a: number, b: number) => {
    const [x, y] = [heap[a], heap[b]];
    if (x && y) [heap[a], heap[b]] = [y, x];
  };
  const after = (ms: number, happen: () => void) => {
    heap.push({ at: now + Math.max(0, ms), order: order++, happen });
    for (let at = heap.length - 1; at > 0; at = (at - 1) >> 1) {
      if (earlier((at - 1) >> 1, at)) break;
      swap(at, (at - 1) >> 1);
    }
  };
  const pop = () => {
    const first = heap[0];
    const last = heap.pop();
    if (last && last !== first) {
      heap[0] = last;
      for (let at = 0;;) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2]) if (earlier(child, least)) least = child;
        if (least === at) break;
        swap(at, least);
        at = least;
      }
    }
    return first;
  };
  return {
    after,
    clock: {
      now: () => now,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
          after(ms, resolve);
        }),
    },
    async run(promise) {
      let settled = false;
      promise.then(() => settled = true, () => settled = true);
      while (true) {
        await new Promise<void>((resolve) => setImmediate(resolve)); // All that can go on without time, has.
        if (settled) return await promise;
        const next = pop();
        if (!next) throw new Error("Nothing more will happen, and the promise is not settled");
        now = next.at;
        next.happen();
      }
    },
  };
}

export interface SlotServerOptions {
  slots: number;
  /** Milliseconds of a decoding step, and what each running request adds. @default {18 and 0.6: a GPU} */
  baseMs?: number;
  perSlotMs?: number;
  /** Reading a prompt, when nothing else is read. @default {250} */
  promptMs?: number;
  /** There and back. @default {10} */
  roundTripMs?: number;
  /** Standard deviation of the speed's logarithm; it drifts over seconds. @default {0.05} */
  noise?: number;
  seed?: number;
}

const FAULTS = {
  gone: () => new ChatError("unreachable", "Cannot reach LM Studio at http://fake: connection refused"),
  busy: () => new ChatError("rate_limited", "http://fake is asked too often"),
  empty: () => new ChatError("empty", 'http://fake sent an empty answer from "m"'),
};

export interface Timing {
  tokens: number;
  firstTokenMs: number;
  totalMs: number;
}

export interface SlotServer {
  /** What later requests meet; may be changed while it works. */
  slots: number;
  /** Multiplies every step's time. */
  slowness: number;
  /** More requests than this at a time are refused at once. */
  refuseAbove: number;
  /** With more requests than this at a time, answers come back empty. */
  emptyAbove: number;
  /** Share of requests that come back empty, or are refused, whatever the load. */
  emptyShare: number;
  refuseShare: number;
  down: boolean;
  readonly present: number;
  readonly requests: number;
  send(tokens: number, signal?: AbortSignal, onTokens?: (count: number) => void): Promise<Timing>;
}

/** Tokens decoded between two events of the simulation. */
const GRAIN = 4;
/** Longest piece of a prompt read between two events. */
const PIECE_MS = 240;

interface Sent {
  tokens: number;
  made: number;
  promptLeft: number;
  sentAt: number;
  firstAt: number;
  onTokens: ((count: number) => void) | undefined;
  resolve: (timing: Timing) => void;
  reject: (error: unknown) => void;
  over: boolean;
}

export function slotServer(time: VirtualTime, options: SlotServerOptions): SlotServer {
  const { baseMs = 18, perSlotMs = 0.6, promptMs = 250, roundTripMs = 10, noise = 0.05 } = options;
  const random = seededRandom(options.seed ?? 1, "slots");
  const { clock } = time;
  const waiting: Sent[] = [];
  let active: Sent[] = [];
  let stepping = false, drift = 0, driftAt = 0;

  const speed = () => {
    for (; driftAt <= clock.now(); driftAt += 500) {
      const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      drift = 0.8 * drift + 0.6 * gauss;
    }
    return Math.exp(noise * drift) * server.slowness;
  };
  const end = (request: Sent, settle: () => void) => {
    if (request.over) return;
    request.over = true;
    active = active.filter((other) => other !== request);
    const at = waiting.indexOf(request);
    if (at >= 0) waiting.splice(at, 1);
    time.after(roundTripMs / 2, settle);
  };
  const step = () => {
    while (active.length < server.slots && waiting.length > 0) active.push(...waiting.splice(0, 1));
    stepping = active.length > 0;
    if (!stepping) return;
    const reading = active.find(({ promptLeft }) => promptLeft > 0);
    const decoding = active.filter(({ promptLeft }) => promptLeft <= 0);
    const piece = reading ? Math.min(reading.promptLeft, PIECE_MS) : 0;
    const ms = piece + (decoding.length > 0 ? GRAIN * (baseMs + perSlotMs * decoding.length) : 0);
    time.after(ms * speed(), () => {
      if (reading) {
        reading.promptLeft -= piece;
        if (reading.promptLeft <= 0) {
          reading.firstAt = clock.now() + roundTripMs / 2;
          reading.made = 1;
          if (!reading.over) reading.onTokens?.(1);
        }
      }
      for (const request of decoding) {
        if (request.over) continue;
        const more = Math.min(GRAIN, request.tokens - request.made);
        request.made += more;
        if (more > 0) request.onTokens?.(more);
        if (request.made < request.tokens) continue;
        end(request, () =>
          request.resolve({
            tokens: request.tokens,
            firstTokenMs: request.firstAt - request.sentAt,
            totalMs: clock.now() - request.sentAt,
          }));
      }
      step();
    });
  };

  let requests = 0;
  const server: SlotServer = {
    slots: options.slots,
    slowness: 1,
    refuseAbove: Infinity,
    emptyAbove: Infinity,
    emptyShare: 0,
    refuseShare: 0,
    down: false,
    get present() {
      return active.length + waiting.length;
    },
    get requests() {
      return requests;
    },
    send(tokens, signal, onTokens) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        requests++;
        const request: Sent = {
          tokens,
          made: 0,
          promptLeft: promptMs,
          sentAt: clock.now(),
          firstAt: 0,
          onTokens,
          resolve,
          reject,
          over: false,
        };
        signal?.addEventListener("abort", () => end(request, () => reject(signal.reason)), { once: true });
        time.after(roundTripMs / 2, () => {
          if (request.over) return;
          if (server.down) return end(request, () => reject(FAULTS.gone()));
          if (server.present >= server.refuseAbove || random() < server.refuseShare) {
            return end(request, () => reject(FAULTS.busy()));
          }
          if (server.present >= server.emptyAbove || random() < server.emptyShare) {
            return time.after(promptMs, () => end(request, () => reject(FAULTS.empty())));
          }
          waiting.push(request);
          if (!stepping) step();
        });
      });
    },
  };
  return server;
}

/** Output lengths as answers have them: a log-normal around 200 tokens, the same for the same seed and index. */
export function outputTokens(seed: number, index: number, mean = 200): number {
  const random = seededRandom(seed, "tokens", index);
  const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.round(Math.min(4 * mean, Math.max(mean / 6, mean * Math.exp(0.4 * gauss - 0.08))));
}

/** Sends item number `index` to a simulated server; `live` tells of tokens as they come. */
export function sendTo(seed: number, live: boolean, mean = 200) {
  return async (index: number, { server, signal, onTokens }: Call<SlotServer>): Promise<Answer<number>> => {
    const timing = await server.send(outputTokens(seed, index, mean), signal, live ? onTokens : undefined);
    return { value: index, ...timing };
  };
}

export interface Measure {
  /** Output tokens per second after the first tenth of the requests. */
  readonly rate: number;
  /** What was allowed when a tenth was done, and at the end. */
  readonly limitAtTenth: number;
  readonly limitAtEnd: number;
}

/** One run of many requests on one simulated server. */
export async function measureRun(
  { shape, seed, requests, live, concurrency, happen }: {
    shape: SlotServerOptions;
    seed: number;
    requests: number;
    live: boolean;
    concurrency: "auto" | number;
    /** Called after each answer. */
    happen?: (server: SlotServer, done: number, limit: number) => void;
  },
): Promise<Measure> {
  const time = virtualTime();
  const server = slotServer(time, { ...shape, seed });
  let done = 0, tokens = 0, limit = 1;
  let tenth = { at: 0, tokens: 0, limit: 1 };
  await time.run(runRequests(Array(requests).keys(), sendTo(seed, live), {
    servers: [{ name: "simulated", target: server }],
    concurrency,
    signal: new AbortController().signal,
    clock: time.clock,
    random: seededRandom(seed, "jitter"),
    onState: (state) => void (limit = state.limit),
    onResult: (result) => {
      if ("value" in result) tokens += result.value.tokens;
      if (++done === Math.ceil(requests / 10)) tenth = { at: time.clock.now(), tokens, limit };
      happen?.(server, done, limit);
    },
  }));
  const rate = (tokens - tenth.tokens) / (time.clock.now() - tenth.at) * 1000;
  return { rate, limitAtTenth: tenth.limit, limitAtEnd: limit };
}
