import { farewell } from "./door.ts";
import type { Context, Provision, StepEvent } from "./step.ts";

/** What the stages of a run need, on its way. */
export interface Provisioning {
  /** Waits for what a stage needs. @throws why it is not there. */
  ready(stage: string): Promise<void>;
  /** Stops what is not done yet, and waits until it has. */
  end(): Promise<void>;
}

/**
 * Begins to provide, all at once, what stages need: packages come over the net while a compiler works and the stages
 * before make their files. What fails is told at once, so that nobody finds out in the morning; but it stops the stage
 * that needs it and none before, whose work is kept.
 *
 * @param emit Gets the events together with the name of what they tell of.
 */
export function beginProvisions(
  wanted: ReadonlyMap<string, readonly Provision[]>,
  context: Context,
  emit: (event: StepEvent, name: string) => void,
): Provisioning {
  const leave = new AbortController();
  const signal = AbortSignal.any([context.signal, leave.signal]);
  const begun = new Map<string, Promise<unknown>>();
  const awaited = new Set<string>();
  const begin = ({ name, provide }: Provision, stage: string) => {
    // Beside the bar of a stage that works, another would only flicker.
    const show = (event: StepEvent) => void (event.type === "progress" && !awaited.has(name) || emit(event, name));
    const made = provide({ ...context, signal, emit: show });
    begun.set(name, made);
    made.catch((error) => {
      if (awaited.has(name) || signal.aborted) return;
      show({ type: "log", level: "warn", message: `"${stage}" will fail: ${farewell(error).text}` });
    });
  };
  for (const [stage, needs] of wanted) {
    for (const need of needs) if (!begun.has(need.name)) begin(need, stage);
  }
  return {
    async ready(stage) {
      const names = (wanted.get(stage) ?? []).map(({ name }) => name);
      names.forEach((name) => awaited.add(name));
      await Promise.all(names.map((name) => begun.get(name)));
    },
    async end() {
      leave.abort();
      await Promise.allSettled(begun.values());
    },
  };
}
