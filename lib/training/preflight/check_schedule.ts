/** Whether the steps of a training leave what one will want of it: checkpoints, one that is best, room for them. */
import { bytes, count, counted } from "../../core/format.ts";
import { loraParameters, type ModelShape, parameters } from "../model_shape.ts";
import type { Recipe } from "../recipe.ts";
import type { Schedule } from "../schedule.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

const CHECK = "schedule";
const DISK = "disk";

/** Bytes of a checkpoint beside the adapter and its optimizer: the tokenizer's files, the scheduler, the state. */
const SMALL_FILES = 20e6;

type Steps = Pick<Recipe, "saveSteps" | "evalSteps" | "saveTotalLimit" | "earlyStopping">;

/** What is to be said of a schedule. */
export function checkSchedule(plan: Schedule, recipe: Steps): Finding[] {
  const { totalSteps, saves, evals, ranked } = plan;
  if (totalSteps === 0) return []; // Without rows, which is told elsewhere.
  const findings: Finding[] = [];
  if (totalSteps < recipe.saveSteps) {
    const every = Math.max(1, Math.floor(totalSteps / 3));
    findings.push(error(
      CHECK,
      `The training has ${count(totalSteps)} steps and saves every ${count(recipe.saveSteps)}: nothing could be ` +
        "resumed or chosen before its end",
      // A checkpoint that is never evaluated cannot be chosen either.
      `--save-steps ${every}` + (evals.length > 0 && every % recipe.evalSteps !== 0 ? ` --eval-steps ${every}` : ""),
    ));
  }
  if (recipe.earlyStopping > 0 && evals.length === 0) {
    findings.push(error(
      CHECK,
      `--early-stopping ${recipe.earlyStopping} has no evaluations to go by: there are no rows to validate on`,
      "--val-split 0.1, `deno task split`, or leave --early-stopping out",
    ));
  }
  const blind = saves.filter((step) => !ranked.includes(step));
  if (evals.length > 0 && blind.length > 0) {
    findings.push(warning(
      CHECK,
      `${blind.length} of ${saves.length} checkpoints are never evaluated (${
        listed(blind)
      }): none of them can be found best`,
      `Let --save-steps be a multiple of --eval-steps: ${inStep(recipe, totalSteps)}`,
    ));
  }
  const between = evals.length - ranked.length;
  if (ranked.length > 0 && between > 0 && recipe.earlyStopping > 0 && recipe.saveSteps > recipe.evalSteps) {
    findings.push(warning(
      CHECK,
      `Early stopping looks at every evaluation, but ${count(between)} of ${count(evals.length)} have no checkpoint: ` +
        "the best one may not be there",
      `--save-steps ${recipe.evalSteps}`,
    ));
  }
  if (plan.deleted.length > 0) {
    findings.push(warning(
      CHECK,
      `--save-total-limit ${recipe.saveTotalLimit} deletes ${plan.deleted.length} of ${saves.length} checkpoints ` +
        `(${listed(plan.deleted)}) on the way; the best so far stays`,
      `--save-total-limit ${saves.length}, or leave it out`,
    ));
  }
  if (plan.warmupSteps > 0 && plan.warmupSteps >= totalSteps) {
    findings.push(warning(CHECK, "The learning rate rises to the very end", "--warmup-ratio 0.1"));
  }
  const best = ranked.length === 0
    ? "without an evaluation none of them is best"
    : `the best is one of ${ranked.length} (${listed(ranked)})` +
      (between > 0 ? `; ${count(between)} evaluations between them are for the eye only` : "");
  findings.push(ok(
    CHECK,
    `${count(totalSteps)} steps of ${plan.effectiveBatch} rows, ${count(plan.stepsPerEpoch)} an epoch, the first ` +
      `${count(plan.warmupSteps)} rising; ${counted(saves.length, "checkpoint")}, ${best}`,
    { facts: { steps: totalSteps, warmup: plan.warmupSteps, saves: saves.length, evals: evals.length } },
  ));
  return findings;
}

/** The change that has each checkpoint evaluated: the multiple next to what was wished, where the training is that long. */
function inStep({ saveSteps, evalSteps }: Steps, totalSteps: number): string {
  const multiple = Math.max(1, Math.round(saveSteps / evalSteps)) * evalSteps;
  return multiple <= totalSteps && saveSteps > evalSteps / 2 ? `--save-steps ${multiple}` : `--eval-steps ${saveSteps}`;
}

/** `100, 200, 300 … 900`: the first three and the last. */
function listed(steps: readonly number[]): string {
  const shown = steps.slice(0, 3).map((step) => String(step));
  const last = steps.at(-1);
  if (steps.length <= 3) return shown.join(", ");
  return steps.length === 4 ? `${shown.join(", ")}, ${last}` : `${shown.join(", ")} … ${last}`;
}

/** Bytes of one checkpoint: the adapter, and AdamW's two moments of it. */
export function checkpointBytes(
  shape: ModelShape,
  recipe: Pick<Recipe, "loraR" | "loraTargets" | "use4bit" | "use8bit" | "optimizer">,
): number {
  const one = recipe.use4bit || recipe.use8bit ? 2 : 4;
  const moments = recipe.optimizer.endsWith("8bit") ? 2 : 2 * one;
  return loraParameters(shape, recipe.loraR, recipe.loraTargets) * (one + moments) + SMALL_FILES;
}

/** Bytes that a run, and what follows it, wants on the disk. */
export interface DiskPlan {
  readonly checkpoints: number;
  /** What loading the base will fetch. */
  readonly fetch: number;
  /** The merged model in 16 bit, the same as GGUF, and that in 4 bit. */
  readonly after: number;
}

/** @param most Checkpoints at once. */
export function diskPlan(
  shape: ModelShape,
  recipe: Parameters<typeof checkpointBytes>[1],
  most: number,
  toFetch = 0,
): DiskPlan {
  const one = checkpointBytes(shape, recipe);
  const model = 2 * parameters(shape).total;
  return { checkpoints: (most + 1) * one, fetch: toFetch, after: 2 * model + 0.3 * model };
}

/** @param free Bytes where the run's folder lies. */
export function checkDisk({ checkpoints, fetch, after }: DiskPlan, free: number): Finding[] {
  const now = checkpoints + fetch;
  const facts = { free: Math.round(free), checkpoints: Math.round(checkpoints), after: Math.round(after) };
  const fetched = fetch > 0 ? ` and the base ${bytes(fetch)}` : "";
  if (now > free) {
    return [error(
      DISK,
      `The checkpoints take ${bytes(checkpoints)}${fetched}; ${bytes(free)} are free`,
      "Free some space, name another folder by --output-dir, save less often, or set --save-total-limit.",
      { facts },
    )];
  }
  if (now + after > free) {
    return [warning(
      DISK,
      `The checkpoints take ${bytes(checkpoints)}${fetched}, but merging and GGUF another ${bytes(after)}; ` +
        `${bytes(free)} are free`,
      "The training itself fits. Free some space before `deno task merge`.",
      { facts },
    )];
  }
  return [
    ok(
      DISK,
      `The checkpoints take ${bytes(checkpoints)}${fetched}, merging and GGUF ${bytes(after)}; ${bytes(free)} are free`,
      { facts },
    ),
  ];
}
