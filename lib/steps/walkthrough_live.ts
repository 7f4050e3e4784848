/** A step that is watched while it runs: its figures are kept, and a picture of them changes in place. */
import { randomUUID } from "node:crypto";
import type { z } from "zod";
import { DISPLAY, type Displayable } from "../core/display.ts";
import { isAbort } from "../core/errors.ts";
import type { Broadcast } from "../core/notebook.ts";
import type { Context, Step, StepEvent } from "../core/step.ts";
import { runChart, type RunPoint } from "../view/generation.ts";

/** Milliseconds between two pictures at least, and between two points of a line: enough to see it move. */
const DRAWN_EVERY = 250, POINT_EVERY = 50;
/** Of the time, drawing takes one part in so many at most: the run goes before its picture. */
const DRAWN_PART = 6;

/** What came of a watched run. */
export interface Watched<Result> {
  /** Absent where it was stopped. */
  readonly result?: Result;
  readonly ended: "complete" | "stopped";
  readonly seconds: number;
  readonly points: readonly RunPoint[];
}

/** A picture of a step's own kind. */
export interface LivePicture {
  /** Takes what it draws out of an event; tells whether there was any. */
  take(event: StepEvent): boolean;
  draw(): Displayable;
}

export interface WatchOptions {
  /** What is drawn; default: how far the run is and what it measures, over the seconds. */
  readonly picture?: LivePicture;
  /** Share of the work, 0 to 1, after which the run is stopped, as by the Stop button. */
  readonly stopAt?: number;
  /** Where the picture goes; default: under the cell, or nowhere outside a notebook. */
  readonly broadcast?: Broadcast | undefined;
  /** Milliseconds; default: the machine's. */
  readonly now?: () => number;
}

/**
 * Runs a step and draws its figures while it goes. Stopping, here or by the button, is an end and no error: what a run
 * keeps it has kept, and the same call with `resume` goes on from there.
 */
export async function watch<Options extends z.ZodObject, Result>(
  step: Step<Options, Result>,
  options: z.output<Options>,
  context: Context,
  { picture: own, stopAt, broadcast = pageOf(), now = () => performance.now() }: WatchOptions = {},
): Promise<Watched<Result>> {
  const points: RunPoint[] = [];
  const picture = drawnInPlace(() => own?.draw() ?? runChart(points), broadcast);
  const enough = new AbortController();
  await picture.begin();
  const start = now();
  const take = recorder(step.name, points, now);
  const emit = (event: StepEvent) => {
    context.emit(event);
    const taken = take(event);
    if (own ? own.take(event) : taken) picture.due();
    if (stopAt !== undefined && event.type === "progress" && event.label === step.name) {
      if (event.done >= stopAt * (event.total ?? Infinity)) enough.abort(new DOMException("enough", "AbortError"));
    }
  };
  const signal = AbortSignal.any([context.signal, enough.signal]);
  try {
    const result = await step.run(options, { ...context, signal, emit });
    return { result, ended: "complete", seconds: (now() - start) / 1000, points };
  } catch (error) {
    if (!signal.aborted || !isAbort(error)) throw error;
    return { ended: "stopped", seconds: (now() - start) / 1000, points };
  } finally {
    await picture.end();
  }
}

/** Takes the figures out of the events: how far it is, and what the step measures. Tells whether there was one. */
function recorder(label: string, points: RunPoint[], now: () => number): (event: StepEvent) => boolean {
  const latest = new Map<string, number>();
  let begun: number | undefined; // With the first figure: what a step reads before is no part of its pace.
  const add = (series: string, value: number, whatever: boolean) => {
    begun ??= now();
    const at = (now() - begun) / 1000;
    if (!whatever && 1000 * (at - (latest.get(series) ?? -Infinity)) < POINT_EVERY) return false;
    latest.set(series, at);
    points.push({ seconds: at, series, value });
    return true;
  };
  return (event) => {
    if (event.type === "metric") return add(event.name, event.value, true);
    if (event.type !== "progress" || event.label !== label) return false;
    return add("answered", event.done, event.done === event.total);
  };
}

/** The kernel's channel; touching `Deno.jupyter` outside a kernel throws. */
function pageOf(): Broadcast | undefined {
  try {
    const { broadcast } = Deno.jupyter;
    return (type, content) => broadcast(type, content);
  } catch {
    return undefined;
  }
}

/** Draws one picture at a time; what becomes due meanwhile is drawn once, after it. */
function drawnInPlace(draw: () => Displayable, broadcast: Broadcast | undefined) {
  const transient = { display_id: randomUUID() };
  let type = "display_data";
  let drawing = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let took = 0;
  const paint = async (last: boolean) => {
    const start = performance.now();
    const bundle = await draw()[DISPLAY]();
    took = performance.now() - start;
    // An interactive chart would be built anew each time, and flicker: only the last one is.
    const { "image/svg+xml": svg, "text/plain": text } = bundle;
    const data = last || svg === undefined ? bundle : { "image/svg+xml": svg, "text/plain": text };
    const kind = type;
    type = "update_display_data";
    await broadcast?.(kind, { data, metadata: {}, transient });
  };
  // A page that is gone does not matter to the run.
  const next = (last: boolean) => drawing = drawing.then(() => paint(last)).catch(() => {});
  return {
    /** The first picture takes seconds, while the libraries are loaded: the run does not wait for that in its middle. */
    async begin() {
      if (!broadcast) return;
      await next(false);
      await next(false);
    },
    due() {
      if (!broadcast) return;
      const pause = Math.max(DRAWN_EVERY, (DRAWN_PART - 1) * took);
      timer ??= setTimeout(() => void next(false).then(() => timer = undefined), pause);
    },
    async end() {
      clearTimeout(timer);
      if (broadcast) await next(true);
    },
  };
}
