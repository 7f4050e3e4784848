/** A dry run: the plan, some prompts, and how long it would take. */
import { count, counted } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import { textTable } from "../core/text_table.ts";
import type { Manner } from "../dialogue/converse.ts";
import { type Assignment, renderRequest } from "../dialogue/prompt.ts";
import type { Answering } from "./generate_engine.ts";
import { dryForecast } from "./generate_forecast.ts";
import type { GenerateOptions } from "./generate_options.ts";
import type { OpenPlan } from "./generate_plan.ts";

export interface Preview {
  /** Examples by persona and theme. */
  readonly coverage: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** By component of the mix: how much the passages yield of what is asked for, were every example accepted. */
  readonly mix?: readonly { readonly component: string; readonly target: number; readonly planned: number }[];
  readonly forecast: string;
}

/** Prompts that are shown, and examples kept for the trial requests. */
const SHOWN = 3, KEPT = 16;

/** Goes through the whole plan, as if every example were accepted. */
export async function preview(
  { plan, manner, model, open, options, context }: {
    plan: OpenPlan;
    manner: Manner;
    model: string;
    open: () => Promise<Answering>;
    options: GenerateOptions;
    context: Context;
  },
): Promise<Preview> {
  const say = (message: string) => context.emit({ type: "log", level: "info", message });
  const mix = plan.account();
  const coverage: Record<string, Record<string, number>> = {};
  const samples: Assignment[] = [];
  let examples = 0;
  for await (const task of plan.assignments({ mix })) {
    mix?.accept(task.component);
    const row = coverage[task.persona.id] ??= {};
    row[task.theme] = (row[task.theme] ?? 0) + 1;
    if (samples.length < KEPT) samples.push(task);
    examples++;
  }
  say(`would ask ${model} for ${counted(examples, "example")} from ${counted(plan.size.chunks, "passage")}`);
  for (const task of samples.slice(0, SHOWN)) {
    const [form = "schema"] = manner.forms;
    const request = renderRequest(task, manner.prompts, manner.sampling, {
      seed: manner.seed,
      attempt: 0,
      structured: form === "schema",
    });
    say(`--- ${task.chunk.id} as ${task.persona.id} ---`);
    for (const { role, content } of request.messages) say(`[${role}]\n${content}`);
  }
  const { line } = await dryForecast({ samples, items: examples, manner, model, open, options, context });
  const parts = mix?.progress().map(({ component, target, accepted }) => ({ component, target, planned: accepted }));
  return { coverage, forecast: line, ...(parts ? { mix: parts } : {}) };
}

/** The plan for a person who reads a terminal. */
export function previewText({ coverage, mix, forecast }: Preview, size: OpenPlan["size"]): string {
  const themes = [...new Set(Object.values(coverage).flatMap(Object.keys))].sort();
  const rows = Object.keys(coverage).sort().map((persona) => [
    persona,
    ...themes.map((theme) => count(coverage[persona]?.[theme] ?? 0)),
  ]);
  const parts =
    mix?.map(({ component, target, planned }) =>
      `${component}: ${count(planned)} of ${count(target)}${
        planned < target ? `, ${count(target - planned)} missing` : ""
      }`
    ) ?? [];
  return [
    `planned: ${counted(size.examples, "example")} from ${counted(size.chunks, "passage")}`,
    ...parts,
    textTable(["Persona", ...themes.map((theme) => theme.replaceAll("_", " "))], rows),
    forecast,
  ].join("\n");
}
