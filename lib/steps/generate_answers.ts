/** First half of generation: every example's requests are sent, and their answers kept in the ledger. */
import { messageOf } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import { converse, type Manner, type Outcome } from "../dialogue/converse.ts";
import type { Judge } from "../dialogue/gates_thread.ts";
import type { MixPlan } from "../dialogue/mix.ts";
import type { PlannedAssignment } from "../dialogue/plan.ts";
import type { Assignment } from "../dialogue/prompt.ts";
import type { ChatEngine } from "../llm/chat.ts";
import { ChatError } from "../llm/errors.ts";
import { type Ask as ServerAsk, type Result, runTasks } from "../llm/scheduler.ts";
import {
  type Asking,
  fleetOptions,
  guarded,
  ledgerAsk,
  nothingSpent,
  type Spent,
  tellForm,
} from "./generate_asking.ts";
import type { GeneratePaths } from "./generate_options.ts";
import { formsOf, keepForm, knownForm, probeForm, PROBES } from "./generate_probe.ts";
import { subjectOf } from "./generate_candidates.ts";
import { runProgress } from "./generate_progress.ts";
import type { Trails } from "./generate_trails.ts";

/** The first failures are told one by one; of the others the account tells. */
const TOLD_ONE_BY_ONE = 5;

/** Finds out how the model gives JSON, unless the ledger knows. */
export async function findForm(samples: readonly Assignment[], asking: Asking): Promise<void> {
  const { ledger, answering: { model }, manner } = asking;
  asking.form = knownForm(ledger, model);
  if (asking.form) return;
  await guarded(asking, () =>
    runTasks(
      [samples.slice(0, PROBES)],
      (some, ask: ServerAsk<ChatEngine>) =>
        probeForm(some, { ...manner, forms: [] }, ledgerAsk(ask, asking, nothingSpent())),
      {
        ...fleetOptions(asking),
        concurrency: 1,
        onResult(result) {
          if (!("value" in result)) return; // The run itself will meet what was the matter, and say so.
          asking.form = result.value;
          keepForm(ledger, model, result.value);
          tellForm(asking);
        },
      },
    ));
}

/**
 * Sends what the ledger does not hold. Every answer is durable before it counts; a crash loses the requests in flight.
 *
 * @returns Examples that were begun, by component of the mix.
 * @param trails Is told what was asked for each example.
 * @param judge Why an exchange will be left out, as far as it alone can tell; a mix counts by it.
 * @throws {UserError} when the servers are gone for too long, refuse, or errors persist; what was answered is kept.
 */
export async function collectAnswers(
  { tasks, mix, total, asking, judge, trails, paths }: {
    tasks: AsyncIterable<PlannedAssignment>;
    /** Is told of every verdict. */
    mix: MixPlan | undefined;
    total: number;
    asking: Asking;
    trails: Trails;
    judge: Judge["judge"];
    paths: Pick<GeneratePaths, "checkpoint">;
  },
): Promise<ReadonlyMap<string, number>> {
  const { options, context, account, forecaster } = asking;
  const manner: Manner = { ...asking.manner, forms: formsOf(asking.form) };
  const progress = runProgress({ total, forecaster, emit: context.emit });
  const begun = new Map<string, number>();
  let chunks = 0, done = 0, saving = Promise.resolve(), next: Promise<void> | undefined;
  const say = (level: "info" | "warn", message: string) => context.emit({ type: "log", level, message });

  const save = () => {
    next = undefined;
    const state = { chunks_processed: chunks, examples_processed: done, examples_total: total, ...account };
    return saving = writeFileAtomic(paths.checkpoint, JSON.stringify(state, null, 2) + "\n");
  };
  // Where answers come faster than a file can be saved, many share the next one.
  const checkpoint = () => next ??= saving.then(save);

  type Worked = { outcome: Outcome; spent: Spent };
  const onResult = async (result: Result<PlannedAssignment, Worked>) => {
    const { item } = result;
    const name = `${item.chunk.id} as ${item.persona.id}`;
    let reason: string | undefined = "not_answered";
    if ("value" in result) {
      const { outcome, spent } = result.value;
      const { trail, ...measured } = spent;
      if (measured.requests > 0) forecaster.add(measured);
      const verdict = outcome.kind === "exchange" ? await judge(subjectOf(item, outcome.exchange)) ?? null : undefined;
      if (outcome.kind !== "failed") reason = outcome.kind === "reject" ? outcome.reason : verdict?.reason;
      trails.keep(item.id, { requests: trail, verdict });
      if (options.verbose) say("info", `${name}: ${reason ?? "answered"}`);
    } else if (account.unanswered++ < TOLD_ONE_BY_ONE || options.verbose) {
      say("warn", `${name}: ${result.error.message}`);
    }
    if (reason === undefined) mix?.accept(item.component);
    else mix?.reject(item.component);
    done++;
    progress.done(reason);
    if (item.first && ++chunks % options.batchSize === 0) await checkpoint();
  };

  const work = async (task: PlannedAssignment, ask: ServerAsk<ChatEngine>, signal: AbortSignal): Promise<Worked> => {
    begun.set(task.component, (begun.get(task.component) ?? 0) + 1);
    const spent = nothingSpent();
    try {
      return { outcome: await converse(task, manner, ledgerAsk(ask, asking, spent)), spent };
    } catch (error) {
      trails.keep(task.id, { requests: spent.trail, verdict: undefined });
      // Where the run ends there will be no result: the plan must not wait for one.
      if (signal.aborted || !(error instanceof ChatError)) mix?.reject(task.component);
      throw error;
    }
  };
  try {
    await guarded(asking, () => runTasks(tasks, work, { ...fleetOptions(asking), onState: progress.state, onResult }));
  } finally {
    await checkpoint().catch((error) => say("warn", messageOf(error)));
  }
  progress.end();
  return begun;
}
