/** Whether a training that goes on from a checkpoint ends where it would have ended. */
import { dirname } from "node:path";
import { baseMark } from "../base.ts";
import { inspectCheckpoint } from "../checkpoints.ts";
import { rowsHash } from "../dataset.ts";
import { type TrainingPlan, worldSize } from "../plan.ts";
import { driftBetween, runPaths } from "../run_file.ts";
import type { PlacedRow } from "./check_dataset.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

const CHECK = "resume";

interface Sides {
  readonly train: { readonly rows: readonly PlacedRow[] };
  readonly val: { readonly rows: readonly PlacedRow[] };
}

/** @param totalSteps Of the training as it is planned now. */
export async function checkResume(plan: TrainingPlan, sides: Sides, totalSteps: number): Promise<Finding[]> {
  if (plan.resumeFrom === undefined) return [];
  const { step, fault } = await inspectCheckpoint(plan.resumeFrom);
  if (fault !== undefined) {
    return [error(
      CHECK,
      `"${plan.resumeFrom}" is not whole: ${fault}`,
      "--resume-latest finds the newest checkpoint that is whole.",
    )];
  }
  const findings: Finding[] = [];
  if (totalSteps > 0 && step >= totalSteps) {
    findings.push(error(
      CHECK,
      `"${plan.resumeFrom}" is at step ${step} of ${totalSteps}: nothing is left to train`,
      "Merge it (`deno task merge --auto`), or begin a new run.",
    ));
  }
  const { before } = plan;
  if (!before) {
    findings.push(warning(
      CHECK,
      `"${plan.resumeFrom}" does not say what it was trained with: whether it fits is not known`,
      "Name the same base, dataset, batch sizes and seed as then.",
    ));
    return findings;
  }
  const { train, val } = sides;
  const rowsOf = ({ rows }: Sides["train"]) => ({ rows: rows.length, sha256: rowsHash(rows) });
  const drift = driftBetween(before, {
    ...before,
    recipe: plan.recipe,
    // A folder is known by its files, wherever it lies by now.
    base: { ...plan.base, mark: before.base.mark && await baseMark(plan.base) },
    dataset: {
      ...before.dataset,
      train: rowsOf(train),
      ...(val.rows.length > 0 ? { val: rowsOf(val) } : { val: undefined }),
    },
    processes: worldSize(plan),
  });
  findings.push(
    ...drift.map((what) =>
      error(
        CHECK,
        `The run was begun with something else: ${what}`,
        what.includes("examples")
          ? `The rows as they were lie with the run: --dataset "${runPaths(dirname(plan.resumeFrom ?? "")).train}"`
          : "Leave it as it was, or begin a new run.",
      )
    ),
  );
  if (findings.length === 0) {
    findings.push(ok(CHECK, `Goes on from step ${step} of ${totalSteps}, with the same recipe, base and rows`));
  }
  return findings;
}
