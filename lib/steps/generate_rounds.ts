/** A run: answers are collected, the dataset is built, and where a mix then lacks examples, more are collected. */
import { z } from "zod";
import { count, counted, duration } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import type { Manner } from "../dialogue/converse.ts";
import type { GateRules } from "../dialogue/gates.ts";
import { openJudge } from "../dialogue/gates_thread.ts";
import type { Ledger } from "../dialogue/ledger.ts";
import { missingLines, type MixPlan, type Progress } from "../dialogue/mix.ts";
import type { PlannedAssignment } from "../dialogue/plan.ts";
import type { Verdict } from "../dialogue/verdicts.ts";
import { parseDuration } from "../llm/duration.ts";
import { collectAnswers, findForm } from "./generate_answers.ts";
import type { Asking, Collected } from "./generate_asking.ts";
import { collected } from "./generate_candidates.ts";
import { buildDataset } from "./generate_dataset.ts";
import type { Answering } from "./generate_engine.ts";
import { affordable, expected, MEASURED_FIRST, pacedForecaster } from "./generate_forecast.ts";
import type { GenerateOptions, GeneratePaths } from "./generate_options.ts";
import type { OpenPlan } from "./generate_plan.ts";
import { type FormNote, PROBES } from "./generate_probe.ts";
import { runNote } from "./generate_resume.ts";
import type { Tally } from "./generate_tally.ts";
import { createTrails, type Trails } from "./generate_trails.ts";

export interface Made {
  readonly tally: Tally;
  readonly account: Collected;
  readonly form: FormNote | undefined;
  /** How far each part of the mix came. */
  readonly mix?: readonly Progress[];
  /** What is missing, in words. */
  readonly missing: readonly string[];
}

interface Making {
  readonly plan: OpenPlan;
  readonly answering: Answering;
  readonly manner: Omit<Manner, "forms">;
  readonly ledger: Ledger;
  readonly gates: GateRules;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly options: GenerateOptions;
  readonly paths: GeneratePaths;
  readonly context: Context;
}

/** Rounds in which duplicates are made up for; each leaves few, and their duplicates are fewer again. */
const MOST_ROUNDS = 8;

/** @throws {UserError} where the servers cannot go on; what was answered is kept. */
export async function makeDataset(making: Making): Promise<Made> {
  const { plan, answering, manner, ledger, gates, verdicts, options, paths, context } = making;
  const forecaster = pacedForecaster(ledger, answering.model);
  const counts: Collected = { sent: 0, reused: 0, unanswered: 0 };
  const asking: Asking = {
    answering,
    manner,
    ledger,
    options,
    context,
    account: counts,
    forecaster,
    form: undefined,
    proven: new Set(),
  };
  ledger.setNote("run", JSON.stringify(runNote(options, answering, paths, plan.size.examples)));
  const trails = createTrails();

  try {
    await findForm(await first(PROBES, plan), asking);
    const limit = await budgetLimit(making, asking, trails);
    const surplus = new Map<string, number>();
    for (let round = 1;; round++) {
      const total = Math.min(plan.size.examples, limit ?? Infinity);
      if (round === 1) await tellExpected(total, asking);
      const before = counts.sent;
      const account = plan.account(surplus);
      const begun = await collect(making, { mix: account, limit, total, asking, trails });
      const { tally, mix } = await build(limit, begun);
      const short = mix?.filter(({ missing }) => missing > 0) ?? [];
      if (short.length === 0 || round >= MOST_ROUNDS || round > 1 && counts.sent === before) {
        return { tally, account: counts, form: asking.form, missing: missingLines(short), ...(mix ? { mix } : {}) };
      }
      for (const { component, missing } of short) surplus.set(component, (surplus.get(component) ?? 0) + missing);
    }
  } finally {
    forecaster.keep();
  }

  async function build(
    limit: number | undefined,
    begun: ReadonlyMap<string, number>,
  ): Promise<{ tally: Tally; mix?: Progress[] }> {
    const mix = plan.account();
    let component = "";
    const tasks = followed(plan.assignments({ mix, limit }), {
      mix,
      begun,
      wasAsked: ({ id }) => trails.has(id),
      onTask: (task) => component = task.component,
    });
    const tally = await buildDataset({
      candidates: collected({ tasks, trails, ledger }),
      total: [...begun.values()].reduce((sum, number) => sum + number, 0),
      gates,
      input: paths.corpus,
      verdicts,
      ...(mix ? { onVerdict: (reason) => reason === undefined ? mix.accept(component) : mix.reject(component) } : {}),
      paths,
      context,
    });
    return mix ? { tally, mix: mix.progress() } : { tally };
  }
}

/** Collects along the plan; the thread that judges meanwhile ends before the dataset is built. */
async function collect(
  { plan, gates, paths }: Making,
  { limit, ...rest }: Pick<Parameters<typeof collectAnswers>[0], "mix" | "total" | "asking" | "trails"> & {
    limit: number | undefined;
  },
): Promise<ReadonlyMap<string, number>> {
  using gate = openJudge(gates, paths);
  const tasks = plan.assignments({ mix: rest.mix, limit });
  return await collectAnswers({ ...rest, tasks, judge: gate.judge, paths });
}

const BudgetNote = z.object({ budget: z.string(), limit: z.number() });

/** How many examples the budget allows; the same in a resumed run, so that both make the same dataset. */
async function budgetLimit(
  making: Making,
  asking: Asking,
  trails: Trails,
): Promise<number | undefined> {
  const { plan, ledger, options: { budget }, context } = making;
  if (budget === undefined) return undefined;
  const say = (message: string) => context.emit({ type: "log", level: "info", message });
  const note = ledger.note("budget");
  const known = note === undefined ? undefined : BudgetNote.safeParse(JSON.parse(note)).data;
  const all = plan.size.examples;
  if (known?.budget === budget) {
    say(`budget ${budget}: ${count(Math.min(known.limit, all))} of ${counted(all, "example")}, as in the run before`);
    return known.limit;
  }
  const started = context.clock.now();
  const measured = Math.min(MEASURED_FIRST, all);
  const mix = plan.account();
  await collect(making, { mix, limit: measured, total: measured, asking, trails });
  const spent = (context.clock.now() - started) / 1000;
  const seconds = parseDuration(budget, "--budget") / 1000;
  const limit = Math.min(all, affordable(seconds, spent, measured, asking.forecaster));
  ledger.setNote("budget", JSON.stringify({ budget, limit }));
  const each = asking.forecaster.forecast(limit)?.seconds.mid ?? 0;
  say(
    `budget ${budget}: ${count(limit)} of ${counted(all, "example")}, about ${
      duration(each / Math.max(1, limit))
    } each`,
  );
  return limit;
}

async function tellExpected(
  total: number,
  { answering, forecaster, options, context, ledger, account }: Asking,
): Promise<void> {
  if (answering.name === "rehearsal") return;
  const line = await expected(total, forecaster, answering.model, options, context.env);
  const before = ledger.count() - account.sent;
  const resumed = before > 0 ? ` (${counted(before, "answer is", "answers are")} there already)` : "";
  const message = `${counted(total, "example")} to make${resumed}; ` +
    (line ? `forecast: ${line}` : "the forecast comes with the first answers");
  context.emit({ type: "log", level: "info", message });
}

/** The first assignments of a plan. */
async function first(count: number, plan: OpenPlan): Promise<PlannedAssignment[]> {
  const some: PlannedAssignment[] = [];
  const mix = plan.account();
  for await (const task of plan.assignments({ mix })) {
    mix?.accept(task.component);
    if (some.push(task) >= count) break;
  }
  return some;
}

/**
 * The assignments that were begun, as the dataset takes them: each verdict before the next. What was never begun is no
 * part of it: neither what comes after the last one, nor what a component takes up in place of duplicates, which only
 * the dataset shows.
 */
async function* followed(
  tasks: AsyncIterable<PlannedAssignment>,
  { mix, begun, wasAsked, onTask }: {
    mix: MixPlan | undefined;
    begun: ReadonlyMap<string, number>;
    wasAsked: (task: PlannedAssignment) => boolean;
    onTask: (task: PlannedAssignment) => void;
  },
): AsyncGenerator<PlannedAssignment> {
  const taken = new Map<string, number>();
  const over = (name: string) => (taken.get(name) ?? 0) >= (begun.get(name) ?? 0);
  for await (const task of tasks) {
    const { component } = task;
    onTask(task);
    if (!over(component) && wasAsked(task)) {
      taken.set(component, (taken.get(component) ?? 0) + 1);
      yield task;
      continue;
    }
    mix?.reject(component);
    if (mix ? mix.recipe.components.every(({ name }) => !mix.wanted(name) || over(name)) : over(component)) return;
  }
}
