/** Several servers behind one queue of requests, each with its own controller. */
import { isAbort, UserError } from "../core/errors.ts";
import { duration } from "../core/format.ts";
import type { Outcome } from "./controller.ts";
import { ChatError } from "./errors.ts";
import { createErrorRate, outcomeOf } from "./scheduler_errors.ts";
import {
  backoff,
  BELIEVED_AFTER,
  capacityOf,
  FIRST_WAIT_MS,
  freest,
  LONGEST_RETRY_AFTER_MS,
  LONGEST_WAIT_MS,
  type Member,
  newMember,
  stateOf,
} from "./scheduler_member.ts";
import { createAlarm, createShares } from "./scheduler_time.ts";
import type { Answer, Call, Fleet, FleetOptions, FleetState } from "./scheduler_types.ts";

interface Job<T> {
  /** `over` is to be called with the answer; returns its share of the time. */
  readonly send: (call: Call<T>, over: (answer: Answer<unknown>) => number) => Promise<void>;
  readonly reject: (error: unknown) => void;
  attempt: number;
  readyAt: number;
  avoid: Member<T> | undefined;
}

/** `onChange` is called whenever there may be more or less to do. */
export function createFleet<T>(options: FleetOptions<T>, onChange: () => void): Fleet<T> {
  const { clock, attempts = 5, giveUpAfterMs = 1_800_000, maxErrorRate = 0.5, random = Math.random } = options;
  if (options.servers.length === 0) throw new RangeError("Cannot send requests to no server");
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const proven = options.proven ?? new Set();
  const members = options.servers.map((server) => newMember(server, options.concurrency ?? "auto"));
  const queue: Job<T>[] = [];
  const faults: Record<string, number> = {};
  const errors = createErrorRate(maxErrorRate);
  const shares = createShares(clock);
  const wakeAt = createAlarm(clock, signal, () => pump());
  let answered = 0, nextId = 0;
  let goneSince: number | undefined;

  const say = (level: "info" | "warn", message: string) => options.emit?.({ type: "log", level, message });
  const capacity = (member: Member<T>) => capacityOf(member, clock.now());
  const limit = () => members.reduce((sum, member) => sum + capacity(member), 0);

  function pump(): void {
    if (signal.aborted) return drop();
    const now = clock.now();
    for (let at = 0; at < queue.length;) {
      const job = queue[at];
      const member = job && job.readyAt <= now ? freest(members, now, job.avoid) : undefined;
      if (job && member) {
        queue.splice(at, 1);
        void start(job, member);
      } else if (job && job.readyAt <= now) break; // No server is free.
      else at++;
    }
    // Without a server to ask, nothing else would wake whoever has work.
    if (queue.length > 0 || limit() === 0) {
      const times = [...queue.map(({ readyAt }) => readyAt), ...members.map(({ readyAt }) => readyAt)];
      wakeAt(Math.min(...times.filter((time) => time > now)));
    }
    onChange();
    options.onState?.(state());
  }

  async function start(job: Job<T>, member: Member<T>): Promise<void> {
    const id = nextId++;
    const { controller } = member;
    let spent = false;
    const over = (outcome: Outcome) => {
      if (spent) return;
      spent = true;
      shares.change(-1);
      member.inFlight--;
      controller.done(id, clock.now(), outcome);
    };
    shares.change(1);
    member.inFlight++;
    controller.sent(id, clock.now());
    const shareBefore = shares.each;
    const answeredWith = (answer: Answer<unknown>): number => {
      over({ kind: "answer", ...answer });
      answered++;
      member.failuresInRow = 0;
      member.warm = true;
      proven.add(member.server);
      goneSince = undefined;
      errors.record(undefined, clock.now(), limit());
      welcomeBack(member);
      return shares.each - shareBefore;
    };
    const onTokens = (tokens = 1) => {
      if (spent || tokens <= 0) return;
      const before = capacity(member);
      controller.tokens(id, clock.now(), tokens);
      member.warm = true;
      proven.add(member.server); // Who speaks has the model: of requests that failed meanwhile it cannot be the fault.
      if (capacity(member) > before) pump();
    };
    try {
      await job.send({ server: member.server.target, attempt: job.attempt, signal, onTokens }, answeredWith);
    } catch (error) {
      over(outcomeOf(error));
      failed(job, member, error);
    }
    pump();
  }

  function failed(job: Job<T>, member: Member<T>, error: unknown): void {
    if (signal.aborted || isAbort(error)) return job.reject(signal.aborted ? signal.reason : error);
    if (!(error instanceof ChatError)) return job.reject(error);
    faults[error.kind] = (faults[error.kind] ?? 0) + 1;
    const away = error.kind === "unreachable" && error.retryable;
    if (away || error.fatal && (proven.has(member.server) || ++member.refusals < BELIEVED_AFTER)) {
      setAside(member, error);
      return again(job, member, 0);
    }
    if (error.fatal) {
      member.dead = error;
      if (members.every(({ dead }) => dead)) return end(error, job);
      say("warn", `${member.server.name} is left out: ${error.message}`);
      return again(job, member, 0);
    }
    if (error.kind === "rate_limited") {
      if (error.retryAfterMs) {
        member.readyAt = clock.now() + Math.min(error.retryAfterMs, LONGEST_RETRY_AFTER_MS);
      }
      giveUpIfLate(error);
      return again(job, undefined, backoff(job.attempt, random));
    }
    // What a server says of one request (too long, no schema) is not its failure.
    if (error.kind !== "schema_unsupported") {
      const ended = errors.record(error, clock.now(), limit());
      if (ended) return end(ended, job);
    }
    if (error.kind === "server" || error.kind === "timeout") {
      const { limit } = member.controller;
      if (++member.failuresInRow >= Math.max(6, 2 * limit)) setAside(member, error);
    }
    if (!error.retryable || ++job.attempt >= attempts) return job.reject(error);
    again(job, member, backoff(job.attempt - 1, random));
  }

  function again(job: Job<T>, avoid: Member<T> | undefined, wait: number): void {
    if (signal.aborted) return job.reject(signal.reason);
    job.avoid = avoid;
    job.readyAt = clock.now() + wait;
    queue.unshift(job);
  }

  function setAside(member: Member<T>, error: ChatError): void {
    const now = clock.now();
    if (member.aside && member.readyAt > now) return; // Another of its requests failed at the same time.
    const wait = member.aside ? Math.min(2 * member.aside.wait, LONGEST_WAIT_MS) : FIRST_WAIT_MS;
    if (!member.aside) {
      say("warn", `${member.server.name} is set aside, and tried again from time to time: ${error.message}`);
    }
    member.aside = { since: member.aside?.since ?? now, wait, error };
    member.warm = false;
    member.readyAt = now + wait;
    if (members.every(({ aside, dead }) => aside || dead)) {
      if (goneSince === undefined && member.refusals === 0) {
        say("warn", `No server answers; waiting for one, for up to ${duration(giveUpAfterMs / 1000)}`);
      }
      giveUpIfLate(error);
    }
  }

  function welcomeBack(member: Member<T>): void {
    if (!member.aside) return;
    say("info", `${member.server.name} answers again after ${duration((clock.now() - member.aside.since) / 1000)}`);
    member.aside = undefined;
    member.controller.restart(clock.now());
  }

  /** Ends the run where nothing has been answered for too long. */
  function giveUpIfLate(error: ChatError): void {
    const now = clock.now();
    goneSince ??= now;
    if (now - goneSince < giveUpAfterMs || shares.underWay > 0) return;
    const hint = [error.hint, "What was answered is kept."].filter(Boolean).join("\n");
    end(
      new UserError(`Gave up after ${duration((now - goneSince) / 1000)} without an answer: ${error.message}`, {
        hint,
      }),
    );
  }

  function end(error: UserError, job?: Job<T>): void {
    stopping.abort(error);
    job?.reject(signal.reason);
  }

  function drop(): void {
    for (const job of queue.splice(0)) job.reject(signal.reason);
    onChange();
  }

  function state(): FleetState {
    const servers = members.map((member) => stateOf(member, clock.now()));
    const tokensPerSecond = servers.reduce((sum, server) => sum + server.tokensPerSecond, 0);
    return {
      limit: limit(),
      inFlight: shares.underWay,
      queued: queue.length,
      answered,
      faults: { ...faults },
      tokensPerSecond,
      servers,
    };
  }

  signal.addEventListener("abort", drop, { once: true });
  return {
    signal,
    get hungry() {
      const now = clock.now();
      return limit() - shares.underWay - queue.filter(({ readyAt }) => readyAt <= now).length;
    },
    get limit() {
      return limit();
    },
    get state() {
      return state();
    },
    stop: (reason) => stopping.abort(reason),
    request(send, urgent = false) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const job: Job<T> = {
          async send(call, over) {
            const answer = await send(call);
            resolve({ ...answer, shareMs: over(answer) });
          },
          reject,
          attempt: 0,
          readyAt: -Infinity,
          avoid: undefined,
        };
        if (urgent) queue.unshift(job);
        else queue.push(job);
        pump();
      });
    },
  };
}
