import { dirname, join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "./errors.ts";
import { fileError, writeFileAtomic } from "./files.ts";
import { differenceOf, markFiles } from "./fingerprint.ts";
import { beginProvisions } from "./provision.ts";
import type { Context, Step, StepEvent } from "./step.ts";
import { VERSION } from "./version.ts";

/** A step with the options that it shall run with. */
export interface Stage {
  /** Of the stage, its marker and the selections: the step's own, unless a pipeline runs a step twice. */
  readonly name: string;
  readonly step: Step;
  readonly options: Record<string, unknown>;
  /** Why the stage is passed over, where it is: something that it takes was not given. */
  readonly skip?: string | undefined;
}

/** What a pipeline is about to do with a stage, and why. */
export interface Decision {
  readonly stage: Stage;
  readonly action: "run" | "keep" | "skip";
  readonly why: string;
  /** Seconds that it took last time, where it is to run again. */
  readonly lastSeconds?: number;
}

/** How a stage ended. */
export interface StageResult extends Decision {
  readonly seconds: number;
  readonly writes: readonly string[];
  readonly result?: unknown;
}

/** Which stages to run. `from`, `to` and `only` are names of stages. */
export interface Selection {
  from?: string | undefined;
  to?: string | undefined;
  only?: string | undefined;
  force?: boolean | undefined;
}

const Mark = z.object({ size: z.number(), modified: z.number(), sha256: z.string() }).nullable();

/** The completion marker of a stage: `runs/<preset>/<stage>.json`. */
const Marker = z.object({
  step: z.string(),
  version: z.string(),
  options: z.record(z.string(), z.unknown()),
  reads: z.record(z.string(), Mark),
  writes: z.record(z.string(), Mark),
  seconds: z.number(),
});
type Marker = z.infer<typeof Marker>;

/**
 * The stages that `selection` names, in order.
 *
 * @throws {UsageError} for a name that is not a stage, a `from` behind its `to`, or `only` beside one of them.
 */
export function selectStages(stages: readonly Stage[], selection: Selection): Stage[] {
  const names = stages.map(({ name }) => name);
  const place = (flag: string, name: string | undefined, otherwise: number) => {
    if (name === undefined) return otherwise;
    if (!names.includes(name)) {
      throw new UsageError(`Cannot use --${flag} "${name}": valid is one of ${names.join(", ")}`);
    }
    return names.indexOf(name);
  };
  const ends = (["from", "to"] as const).filter((end) => selection[end] !== undefined).map((end) => `--${end}`);
  if (selection.only !== undefined && ends.length > 0) {
    throw new UsageError(`Cannot use --only with ${ends.join(" and ")}: it names the one step to run`);
  }
  const first = place("only", selection.only, place("from", selection.from, 0));
  const last = place("only", selection.only, place("to", selection.to, names.length - 1));
  if (first > last) {
    throw new UsageError(`Cannot run from "${names[first]}" to "${names[last]}": the order is ${names.join(" → ")}`);
  }
  return stages.slice(first, last + 1);
}

/**
 * Whether a stage must run, and why. It is kept when its marker carries the same version, options and inputs, and its
 * outputs lie as it left them.
 *
 * @param pending Paths that an earlier stage of the same plan will write anew.
 */
export async function decide(
  stage: Stage,
  runs: string,
  context: Pick<Context, "env">,
  options: { force?: boolean | undefined; pending?: ReadonlySet<string> } = {},
): Promise<Decision> {
  if (stage.skip !== undefined) return { stage, action: "skip", why: stage.skip };
  const marker = await readMarker(runs, stage.name);
  const last = marker && { lastSeconds: marker.seconds };
  const run = (why: string): Decision => ({ stage, action: "run", why, ...last });
  if (options.force) return run("--force");
  if (!marker) return run("not done yet");
  if (marker.version !== VERSION) return run(`done by version ${marker.version}, this is ${VERSION}`);
  const changed = changedOption(marker.options, stage.options);
  if (changed) return run(changed);
  const { reads, writes } = stage.step.files(stage.options, context);
  const awaited = reads.find((path) => options.pending?.has(path));
  if (awaited) return run(`"${awaited}" will be written anew`);
  const input = differenceOf(marker.reads, await markFiles(reads, marker.reads));
  if (input) return run(`input ${input}`);
  const output = differenceOf(marker.writes, await markFiles(writes, marker.writes));
  if (output) return run(`output ${output}`);
  return { stage, action: "keep", why: "up to date" };
}

function changedOption(before: Record<string, unknown>, after: Record<string, unknown>): string | undefined {
  const shown = (value: unknown) => value === undefined ? "unset" : JSON.stringify(value);
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (shown(before[key]) !== shown(after[key])) {
      return `option ${key} changed: ${shown(before[key])} → ${shown(after[key])}`;
    }
  }
  return undefined;
}

/** What a run would do now, without doing it. */
export async function planStages(
  stages: readonly Stage[],
  runs: string,
  context: Pick<Context, "env">,
  force?: boolean,
): Promise<Decision[]> {
  const pending = new Set<string>();
  const plan: Decision[] = [];
  for (const stage of stages) {
    const decision = await decide(stage, runs, context, { force, pending });
    if (decision.action === "run") stage.step.files(stage.options, context).writes.forEach((path) => pending.add(path));
    plan.push(decision);
  }
  return plan;
}

/**
 * Runs the stages in order, keeping those that are up to date; what a stage needs installed is provided meanwhile. Each
 * one that ends well leaves its marker; events of the whole run are appended to `events.jsonl` beside the markers.
 *
 * @throws {UserError} `runs` cannot be written. Whatever a stage throws; the markers of the stages before it stay.
 */
export async function runStages(
  stages: readonly Stage[],
  runs: string,
  context: Context,
  options: { force?: boolean | undefined; onStage?: (decision: Decision) => void } = {},
): Promise<StageResult[]> {
  using events = await openEvents(join(runs, "events.jsonl"));
  const record = (event: StepEvent, name: string) => {
    if (event.type !== "progress") events.add({ at: context.clock.now(), step: name, ...event });
    context.emit(event);
  };
  const planned = await planStages(stages, runs, context, options.force);
  const needs = planned.flatMap(({ action, stage: { name, step, options } }) =>
    action === "run" ? [[name, step.needs?.(options) ?? []] as const] : []
  );
  const provisioning = beginProvisions(new Map(needs), context, record);
  try {
    return await runInOrder(stages, runs, context, { ...options, record, ready: provisioning.ready });
  } finally {
    await provisioning.end();
  }
}

async function runInOrder(
  stages: readonly Stage[],
  runs: string,
  context: Context,
  options: {
    force?: boolean | undefined;
    onStage?: (decision: Decision) => void;
    record(event: StepEvent, name: string): void;
    ready(name: string): Promise<void>;
  },
): Promise<StageResult[]> {
  const results: StageResult[] = [];
  for (const stage of stages) {
    context.signal.throwIfAborted();
    const decision = await decide(stage, runs, context, { force: options.force });
    options.onStage?.(decision);
    const { reads, writes } = stage.step.files(stage.options, context);
    if (decision.action !== "run") {
      results.push({ ...decision, seconds: 0, writes: decision.action === "keep" ? writes : [] });
      continue;
    }
    const started = context.clock.now();
    await removeMarker(runs, stage.name);
    const before = await markFiles(reads);
    await options.ready(stage.name);
    const emit = (event: StepEvent) => options.record(event, stage.name);
    const result = await stage.step.run(stage.options, { ...context, emit });
    const seconds = (context.clock.now() - started) / 1000;
    const unfinished = stage.step.unfinished?.(result);
    if (unfinished !== undefined) throw stopped(stage, stages, unfinished);
    await writeMarker(runs, {
      step: stage.name,
      version: VERSION,
      options: stage.options,
      reads: before,
      writes: await markFiles(writes),
      seconds,
    });
    results.push({ ...decision, seconds, writes, result });
  }
  return results;
}

/** Nobody wants to find out in the morning that a night was spent on half of the books. */
function stopped({ name }: Stage, stages: readonly Stage[], why: string): UserError {
  const next = stages[stages.findIndex((stage) => stage.name === name) + 1];
  return new UserError(`Cannot go on after "${name}": ${why}`, {
    hint: "Run again: what came is kept." + (next ? ` Or go on with what there is by --from ${next.name}.` : ""),
  });
}

/** The events of all runs, to add to; where a step writes, and that nothing can be written there, shows here first. */
async function openEvents(path: string): Promise<Disposable & { add(event: Record<string, unknown>): void }> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    const file = await Deno.open(path, { append: true, create: true });
    return {
      add(event) {
        try {
          file.writeSync(new TextEncoder().encode(JSON.stringify(event) + "\n"));
        } catch (error) {
          throw fileError("write", path, error);
        }
      },
      [Symbol.dispose]: () => file.close(),
    };
  } catch (error) {
    throw fileError("write", path, error);
  }
}

function markerPath(runs: string, stage: string): string {
  return join(runs, `${stage.replaceAll(":", "-")}.json`); // Windows takes no colon in a file's name.
}

/** A marker that cannot be read counts as none: the step runs again, nothing is lost. */
async function readMarker(runs: string, step: string): Promise<Marker | undefined> {
  try {
    return Marker.parse(JSON.parse(await Deno.readTextFile(markerPath(runs, step))));
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UserError(`Cannot read "${markerPath(runs, step)}": permission denied`, { cause: error });
    }
    return undefined;
  }
}

async function removeMarker(runs: string, step: string): Promise<void> {
  await Deno.remove(markerPath(runs, step)).catch(() => {});
}

async function writeMarker(runs: string, marker: Marker): Promise<void> {
  await writeFileAtomic(markerPath(runs, marker.step), JSON.stringify(marker, undefined, 2) + "\n");
}
