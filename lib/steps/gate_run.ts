/** The run whose answers are gated: how it asked, where its passages are now, and what it left undone. */
import { UserError } from "../core/errors.ts";
import { exists } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import type { Ledger } from "../dialogue/ledger.ts";
import type { PlannedAssignment } from "../dialogue/plan.ts";
import { replayed, RunNote } from "./generate_candidates.ts";
import { openPlan, planSources } from "./generate_plan.ts";
import { planOptions, type PlanStepOptions, type SourcePath } from "./generate_plan_options.ts";
import { formsOf, knownForm } from "./generate_probe.ts";

/** @throws {UserError} a ledger of no run, or of an older version. */
export function runOf(ledger: Ledger, path: string): RunNote {
  const note = ledger.note("run");
  const run = note === undefined ? undefined : RunNote.safeParse(JSON.parse(note));
  if (run?.success) return run.data;
  throw new UserError(`Cannot gate: "${path}" does not say how its answers were asked for`, {
    hint: "Run generate --resume once; it asks for nothing that is there.",
  });
}

/** Where the run found its passages, or where it would have with these options. */
export async function sourcesOf(
  run: RunNote,
  { input, dataDir, themes }: Pick<PlanStepOptions, "input" | "dataDir" | "themes">,
  context: Context,
): Promise<SourcePath[]> {
  const plan = planOptions.parse(run.plan ?? {});
  const usual = input !== undefined || dataDir !== undefined && plan.sourceKind === "gutenberg"
    ? undefined
    : await ifThere(run.input, context);
  return await planSources({ ...plan, themes, dataDir: dataDir ?? plan.dataDir, input: input ?? usual }, context.env);
}

/** What a run read may have been moved since, or the whole workspace. */
export async function ifThere(path: string | undefined, { emit }: Pick<Context, "emit">): Promise<string | undefined> {
  if (path === undefined || await exists(path)) return path;
  emit({
    type: "log",
    level: "warn",
    message: `"${path}", which the run read, is gone: the usual one takes its place`,
  });
  return undefined;
}

/** Follows the run's plan through the ledger, where the run ended before it had built its dataset. */
export async function recall(run: RunNote, ledger: Ledger, path: string, context: Context): Promise<void> {
  context.emit({
    type: "log",
    level: "info",
    message: `"${path}" is of a run that did not end: looking up its answers`,
  });
  await using plan = await openPlan(planOptions.parse(run.plan ?? { ...run, personas: [run.personas] }), context);
  const mix = plan.account();
  async function* tasks(): AsyncGenerator<PlannedAssignment> {
    for await (const task of plan.assignments({ mix })) {
      yield task;
      mix?.reject(task.component); // All are looked up, however many were wanted.
    }
  }
  const candidates = replayed({
    tasks: tasks(),
    manner: {
      prompts: plan.prompts,
      sampling: { temperature: run.temperature, maxTokens: run.maxTokens },
      seed: run.seed,
      forms: formsOf(knownForm(ledger, run.model)),
    },
    model: run.model,
    ledger,
  });
  for await (const _ of candidates) context.signal.throwIfAborted();
}
