import type { Context } from "../../core/step.ts";
import type { TrainingPlan } from "../plan.ts";
import type { Finding } from "./finding.ts";

/** Looks at a planned training for all that could go wrong. */
export function preflight(_plan: TrainingPlan, _context: Context): Promise<Finding[]> {
  return Promise.resolve([]);
}
