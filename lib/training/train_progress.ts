/** What a training tells, for a person who watches: the curve of the loss behind the bar, and the time that is left. */
import { count } from "../core/format.ts";
import type { Clock, StepEvent } from "../core/step.ts";
import { sparkline } from "../core/terminal.ts";

/** Losses that the curve is drawn from; more say no more in sixteen signs. */
const KEPT = 4096;
/** Steps that are waited for before the time that is left is reckoned: the first ones are slow. */
const SETTLED = 3;

/**
 * Passes events on, each `progress` of the label "train" with what was measured so far. A resumed run begins in the
 * middle, so the time that is left follows from the steps of this session.
 */
export function trainProgress(emit: (event: StepEvent) => void, clock: Pick<Clock, "now">): (event: StepEvent) => void {
  const losses: number[] = [];
  let evalLoss: number | undefined, speed: number | undefined;
  let begun: number | undefined;
  let first: { done: number; at: number } | undefined;
  let step = 0, lowest = Infinity;
  return (event) => {
    if (event.type === "metric") {
      if (event.name === "loss") losses.push(event.value);
      if (losses.length > KEPT) losses.shift();
      if (event.name === "eval_loss") {
        const { value } = event;
        const note = step === 0 ? ", before training" : value < lowest ? ", the lowest so far" : "";
        evalLoss = value;
        lowest = Math.min(lowest, value);
        emit({
          type: "log",
          level: "info",
          message: `step ${event.step ?? step}: evaluation loss ${value.toFixed(4)}${note}`,
        });
      }
      if (event.name === "tokens_per_second") speed = event.value;
    }
    // Each evaluation is a bar of its own.
    if (event.type === "progress" && event.label === "evaluate") {
      return emit({ ...event, label: step === 0 ? "evaluate" : `evaluate at step ${step}` });
    }
    if (event.type !== "progress" || event.label !== "train" || event.total === undefined) return emit(event);
    step = event.done;
    const at = clock.now();
    begun ??= event.done;
    // The first step also takes what the first evaluation takes, and what is loaded with it.
    if (first === undefined || event.done === begun + 1) first = { done: event.done, at };
    const steps = event.done - first.done;
    const last = losses.at(-1);
    const detail = [
      last === undefined ? "" : `loss ${last.toFixed(3)} ${sparkline(losses)}`,
      evalLoss === undefined ? "" : `eval ${evalLoss.toFixed(3)}`,
      speed === undefined ? "" : `${count(Math.round(speed))} tokens/s`,
    ].filter(Boolean).join("  ");
    emit({
      ...event,
      ...(detail ? { detail } : {}),
      ...(steps >= SETTLED ? { leftSeconds: (at - first.at) / 1000 / steps * (event.total - event.done) } : {}),
    });
  };
}
