import type { Clock, StepEvent } from "../core/step.ts";
import type { Phase } from "./controller.ts";

/** Someone who answers: for messages its name, for `send` whatever it needs (an engine). */
export interface Server<T> {
  readonly name: string;
  readonly target: T;
}

/** What a request is sent with. */
export interface Call<T> {
  readonly server: T;
  /** 0 at first. */
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** To be told of tokens as they come, if they can be had: the best concurrency is then found several times sooner. */
  onTokens(count?: number): void;
}

/** What came back, with what the controller learns from. */
export interface Answer<R> {
  readonly value: R;
  /** Output tokens, reasoning included. */
  readonly tokens: number;
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

export interface FleetOptions<T> {
  readonly servers: readonly Server<T>[];
  /** @default {"auto"} */
  readonly concurrency?: "auto" | number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly emit?: (event: StepEvent) => void;
  readonly onState?: (state: FleetState) => void;
  /** Tries of one request, where another try may help. @default {5} */
  readonly attempts?: number;
  /** Time without any server after which the run ends. @default {1800000: a server that restarts, with a large model} */
  readonly giveUpAfterMs?: number;
  /** Share of failed requests at which the run ends. @default {0.5} */
  readonly maxErrorRate?: number;
  /** Servers that are known to have answered, in an earlier run perhaps; those that answer are added. @default {none} */
  readonly proven?: Set<Server<T>>;
  /** Jitters waits. @default {Math.random} */
  readonly random?: () => number;
}

export interface FleetState {
  readonly limit: number;
  readonly inFlight: number;
  /** Wait for a server, or for their next try. */
  readonly queued: number;
  readonly answered: number;
  /** Tries that failed, by kind of fault. */
  readonly faults: Readonly<Record<string, number>>;
  readonly tokensPerSecond: number;
  readonly servers: readonly {
    readonly name: string;
    readonly state: "up" | "paused" | "set aside" | "unusable";
    readonly phase: Phase;
    readonly limit: number;
    readonly inFlight: number;
    readonly tokensPerSecond: number;
  }[];
}

export interface Fleet<T> {
  /**
   * Sends when a server is free.
   *
   * @throws {ChatError} when the tries are used up or another would not help.
   * @throws {UserError} when the run cannot go on; every other request then ends the same way.
   */
  request<R>(send: (call: Call<T>) => Promise<Answer<R>>, urgent?: boolean): Promise<Answer<R> & { shareMs: number }>;
  /** How many more requests would be sent at once. */
  readonly hungry: number;
  readonly limit: number;
  readonly state: FleetState;
  /** Fires when the run cannot go on, or is stopped. */
  readonly signal: AbortSignal;
  stop(reason: unknown): void;
}
