/**
 * Gates beside the run: where answers come by the thousand (out of a ledger, or from an engine that needs no time), gates
 * take a third of all work, and a thread of their own takes it off the run.
 */
import { failedGate, type GateRules, type GateSubject, type GateVerdict } from "./gates.ts";
import type { GateFiles } from "./gates_load.ts";
import { openThread } from "./thread.ts";

/** Looks at one exchange after the other. Disposing ends the thread. */
export interface Judge extends Disposable {
  judge(subject: GateSubject): Promise<GateVerdict | undefined>;
}

/** What a thread costs (60 MB, two seconds to start) is paid only once so many exchanges came, at so many a second. */
export const THREAD_FROM = 4000, FAST = 100;

/**
 * Judges on this thread, and on one of its own once exchanges have come fast and it is ready. The verdicts are the same.
 *
 * @param files What `gates` were loaded from.
 */
export function openJudge(gates: GateRules, files: GateFiles, now: () => number = () => performance.now()): Judge {
  const started = now();
  let judged = 0, isReady = false;
  let thread: GateThread | undefined;
  return {
    judge(subject) {
      if (++judged === THREAD_FROM && now() - started < 1000 * THREAD_FROM / FAST) {
        thread = openGateThread(files);
        thread.ready.then(() => isReady = true, () => {}); // A run does not need it.
      }
      return thread && isReady ? thread.judge(subject) : Promise.resolve(failedGate(subject, gates));
    },
    [Symbol.dispose]: () => thread?.[Symbol.dispose](),
  };
}

/** A thread that judges from the beginning on, and tells when it has its gates. */
export interface GateThread extends Judge {
  readonly ready: Promise<void>;
}

/** Judges on a thread of its own. */
export function openGateThread({ gates, themes, anachronisms, slop, evaluation }: GateFiles): GateThread {
  const files = { gates, themes, anachronisms, slop, evaluation };
  const module = new URL("./gates_worker.ts", import.meta.url);
  const { ready, ask, ...thread } = openThread<GateFiles, GateSubject, GateVerdict | undefined>(
    "the gates",
    module,
    files,
  );
  return { ready, judge: ask, ...thread };
}
