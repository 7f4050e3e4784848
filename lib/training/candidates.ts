/** Which adapters a training run left behind, and which of them is best. */
import { basename, join } from "node:path";
import { z } from "zod";
import { messageOf, UserError } from "../core/errors.ts";
import { exists, fileError, readTextFile } from "../core/files.ts";
import { readSafetensors } from "./safetensors.ts";

/** An adapter that was evaluated, saved, or both. */
export interface Candidate {
  /** `checkpoint-500` or `final`. */
  readonly name: string;
  readonly step: number | undefined;
  /** Undefined where the run was not evaluated at this step. */
  readonly evalLoss: number | undefined;
  /** The folder, where there is one. */
  readonly folder: string | undefined;
  readonly chosen: boolean;
  /** Why it was taken, or not. */
  readonly why: string;
}

const State = z.object({
  global_step: z.int(),
  log_history: z.array(z.object({ step: z.int(), eval_loss: z.number().nullish() })),
});
const EvalEvent = z.object({ name: z.literal("eval_loss"), value: z.number(), step: z.number() });
const EvalResults = z.object({ eval_loss: z.number().nullish() });

/**
 * The candidates of a run, by step, one of them chosen: the lowest evaluation loss among those whose folder is whole.
 * The losses come from the log histories of all checkpoints and from `events.jsonl`; Trainer's own
 * `best_model_checkpoint` is not asked, since it is unset where the best step was not saved.
 *
 * @throws {UserError} where the run left no adapter.
 *
 * @example
 * ```ts ignore
 * const best = (await candidatesOf("output/theme-deepred-20260101_120000")).find(({ chosen }) => chosen);
 * ```
 */
export async function candidatesOf(run: string): Promise<Candidate[]> {
  const folders = await adapterFolders(run);
  const states = await Promise.all(folders.map(async ({ path }) => await readState(join(path, "trainer_state.json"))));
  const losses = await lossesOf(run, states.filter((state) => state !== undefined));
  const lastStep = Math.max(...[...losses.keys()], ...folders.flatMap(({ step }) => step ?? []));
  const found = await Promise.all(folders.map(async ({ name, path, step }) => ({
    name,
    step: step ?? (Number.isFinite(lastStep) ? lastStep : undefined),
    evalLoss: step === undefined ? await finalLoss(run) ?? losses.get(lastStep) : losses.get(step),
    folder: path,
    fault: await faultOf(path),
  })));
  const missing = [...losses].filter(([step]) => !found.some((each) => each.step === step)).map(([step, evalLoss]) => {
    const [name, fault] = step === 0
      ? ["the base", "before training"]
      : [`checkpoint-${step}`, "was evaluated, but not saved"];
    return { name, step, evalLoss, folder: undefined, fault };
  });
  const all = [...found, ...missing].sort((a, b) => (a.step ?? 0) - (b.step ?? 0) || (a.name < b.name ? -1 : 1));
  const whole = all.filter(({ fault }) => fault === undefined);
  const judged = whole.filter(({ evalLoss }) => evalLoss !== undefined);
  // Of equals the later one; "final" comes after the checkpoint of the same step.
  const best = judged.toReversed().toSorted((a, b) => (a.evalLoss ?? 0) - (b.evalLoss ?? 0))[0] ?? whole.at(-1);
  if (!best) {
    throw new UserError(`Cannot choose an adapter of "${run}": it holds none that is whole`, {
      exitCode: 2,
      hint: all.length > 0
        ? all.map(({ name, fault }) => `${name}: ${fault}`).join("; ")
        : "Name the folder of a training run, which holds checkpoint-N or final.",
    });
  }
  return all.map(({ fault, ...candidate }) => ({
    ...candidate,
    chosen: candidate.name === best.name,
    why: fault ?? reason(candidate, best, judged.length > 0, losses.get(0)),
  }));
}

type Judged = Pick<Candidate, "name" | "evalLoss">;

/** @param before The loss before training. */
function reason(candidate: Judged, best: Judged, judged: boolean, before: number | undefined): string {
  if (candidate.name === best.name) {
    if (!judged) return "nothing was evaluated: the last one";
    const worse = before !== undefined && (best.evalLoss ?? 0) >= before ? ", but no lower than before training" : "";
    return `lowest evaluation loss of what is there${worse}`;
  }
  if (candidate.evalLoss === undefined) return "was saved, but not evaluated";
  return candidate.evalLoss === best.evalLoss ? "as good, but older" : "higher evaluation loss";
}

/**
 * The run that ended last among the folders of `output`; undefined where there is none.
 *
 * @throws {UserError} where `output` cannot be read.
 */
export async function newestRun(output: string): Promise<string | undefined> {
  const runs: { path: string; time: number }[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(output)) {
      const path = join(output, name);
      if (!isDirectory || name.startsWith(".") || (await adapterFolders(path)).length === 0) continue;
      const info = await Deno.stat(join(path, "run.json")).catch(() => Deno.stat(path));
      runs.push({ path, time: info.mtime?.getTime() ?? 0 });
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw fileError("read", output, error);
  }
  return runs.sort((a, b) => b.time - a.time || (a.path < b.path ? 1 : -1))[0]?.path;
}

/** True for the folder of one adapter, as against that of a run. */
export async function isAdapter(path: string): Promise<boolean> {
  return await exists(join(path, "adapter_config.json"));
}

/** The run that an adapter's folder lies in; undefined for one that lies elsewhere. */
export function runOf(adapter: string): string | undefined {
  return /^(?:final|checkpoint-\d+)$/.test(basename(adapter)) ? join(adapter, "..") : undefined;
}

async function adapterFolders(run: string): Promise<{ name: string; path: string; step: number | undefined }[]> {
  const folders: { name: string; path: string; step: number | undefined }[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(run)) {
      const [, step] = /^checkpoint-(\d+)$/.exec(name) ?? [];
      if (!isDirectory || (step === undefined && name !== "final")) continue;
      folders.push({ name, path: join(run, name), step: step === undefined ? undefined : Number(step) });
    }
  } catch (error) {
    throw fileError("read", run, error);
  }
  return folders;
}

/** What keeps a folder from being merged. Trainer marks a checkpoint that it is still writing (`enable_jit_checkpoint`). */
async function faultOf(folder: string): Promise<string | undefined> {
  if (await exists(join(folder, "checkpoint-is-incomplete.txt"))) return "was not written to its end";
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    if (!await exists(join(folder, name))) return `lacks ${name}`;
  }
  // Torn by a crash, it is found out now and not after it was chosen.
  return await readSafetensors(join(folder, "adapter_model.safetensors")).then(() => undefined, messageOf);
}

async function lossesOf(run: string, states: readonly z.infer<typeof State>[]): Promise<Map<number, number>> {
  const losses = new Map<number, number>();
  const events = join(run, "events.jsonl");
  if (await exists(events)) {
    // A line that is no event, or was torn, is no reason not to merge.
    for (const line of (await readTextFile(events)).split("\n")) {
      const event = EvalEvent.safeParse(pythonJson(line)).data;
      if (event) losses.set(event.step, event.value);
    }
  }
  // The later checkpoint has the whole history, with what a resumed run evaluated anew.
  for (const { log_history } of states.toSorted((a, b) => a.global_step - b.global_step)) {
    for (const { step, eval_loss } of log_history) if (typeof eval_loss === "number") losses.set(step, eval_loss);
  }
  return losses;
}

/** What the adapter in `final` was evaluated with at the end: it may be an earlier one that was loaded again. */
async function finalLoss(run: string): Promise<number | undefined> {
  const path = join(run, "eval_results.json");
  if (!await exists(path)) return undefined;
  return EvalResults.safeParse(pythonJson(await readTextFile(path))).data?.eval_loss ?? undefined;
}

/** Undefined also for one that a crash tore: the other checkpoints and the events know the losses too. */
async function readState(path: string): Promise<z.infer<typeof State> | undefined> {
  return await exists(path) ? State.safeParse(pythonJson(await readTextFile(path))).data : undefined;
}

/** JSON as Python writes it: NaN and infinities, which JSON does not have, become null. */
function pythonJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/(:\s*)(?:NaN|-?Infinity)(?=\s*[,}\]])/g, "$1null"));
  } catch {
    return undefined;
  }
}
