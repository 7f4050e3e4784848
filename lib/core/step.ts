import type { z } from "zod";

/** What a step tells while it works. Events are data: a terminal, a notebook, a test and a file each show them their own way. */
export type StepEvent =
  | { type: "log"; level: "info" | "warn" | "error"; message: string }
  /**
   * `label` names the bar; `total` is unknown where the work is. `detail` is shown behind the numbers; `leftSeconds` takes
   * the place of what one would reckon from the share that is done.
   */
  | {
    type: "progress";
    label: string;
    done: number;
    total?: number;
    unit?: string;
    detail?: string;
    leftSeconds?: number;
  }
  | { type: "metric"; name: string; value: number; step?: number; unit?: string }
  /** Something left out: why, how many, which one. */
  | { type: "drop"; reason: string; count: number; id?: string; detail?: string }
  /** A file that is now complete. */
  | { type: "artifact"; path: string; title: string; rows?: number };

/** Time as a step sees it, so that politeness and backoff are tested in no time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with an AbortError when the signal fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** All that a step may touch outside itself; a terminal, a notebook and a test each supply one. */
export interface Context {
  readonly signal: AbortSignal;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string>>;
  emit(event: StepEvent): void;
}

/** What takes minutes to install or build, once for all runs. */
export interface Provision {
  /** Equal for those that are the same. */
  readonly name: string;
  provide(context: Context): Promise<unknown>;
}

/** One phase of a pipeline: parsed options in, typed result out, events on the side. */
export interface Step<Options extends z.ZodObject = z.ZodObject, Result = unknown> {
  /** Task name, folder name, notebook heading. */
  readonly name: string;
  /** One line for `--help` and the registry's table. */
  readonly summary: string;
  /** Defaults and descriptions: flags, `--help` and the option tables come out of this. */
  readonly options: Options;
  /** Key of an option that may also be given as a word of its own: `deno task gaea:serve tuned`. */
  readonly word?: string;
  /**
   * The files that a run with these options reads and writes, as absolute or cwd-relative paths.
   * A pipeline fingerprints the first and looks for the second.
   */
  files(options: z.output<Options>, context: Pick<Context, "env">): { reads: string[]; writes: string[] };
  /** What must be here before it can work: a pipeline sees to it beside the steps before, a step alone when it gets there. */
  needs?(options: z.output<Options>): readonly Provision[];
  run(options: z.output<Options>, context: Context): Promise<Result>;
  /**
   * Why a run that ended well has to be done again, if it has: a pipeline then stops behind it and leaves no marker.
   */
  unfinished?(result: Result): string | undefined;
  /** The result for a person who reads a terminal: a few lines, a table where it helps. */
  report?(result: Result): string;
}

/** Names a step and lets TypeScript infer its types. */
export function defineStep<Options extends z.ZodObject, Result>(step: Step<Options, Result>): Step<Options, Result> {
  return step;
}

/** Passes on what a generator tells, and answers what it returns. */
export async function emitAll<T>(events: AsyncGenerator<StepEvent, T>, { emit }: Pick<Context, "emit">): Promise<T> {
  while (true) {
    const { done, value } = await events.next();
    if (done) return value;
    emit(value);
  }
}
