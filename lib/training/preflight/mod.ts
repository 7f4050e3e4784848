/** The preflight: what can be found wrong with a training before its first step is found then. */
import type { Context } from "../../core/step.ts";
import type { TrainingPlan } from "../plan.ts";
import { examine, type ExamineOptions } from "./examine.ts";
import type { Finding } from "./finding.ts";

export { type Examination, examine, type ExamineOptions } from "./examine.ts";
export { type Finding, stopping } from "./finding.ts";

/**
 * Looks at the dataset, the base, the rendered template, the tokens, the steps, the disk, the memory, the GPU, the
 * packages and the checkpoint to go on from. All that was found comes at once, each with its remedy.
 *
 * @example
 * ```ts ignore
 * const findings = await preflight(plan, context, { packages: "install" });
 * if (stopping(findings).length > 0) console.log(findingsView(findings).text());
 * ```
 */
export async function preflight(
  plan: TrainingPlan,
  context: Context,
  options: ExamineOptions = {},
): Promise<Finding[]> {
  return [...(await examine(plan, context, options)).findings];
}
