/** What a run leaves of itself for the next one on the same output, and how far the next one may differ from it. */
import { count, counted } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import type { Ledger } from "../dialogue/ledger.ts";
import { RunNote } from "./generate_candidates.ts";
import type { Answering } from "./generate_engine.ts";
import type { GenerateOptions, GeneratePaths } from "./generate_options.ts";
import { planOptions } from "./generate_plan_options.ts";

/** What a run asks with, kept in the ledger: the step gate tells it in the card, and finds answers by it. */
export function runNote(
  options: GenerateOptions,
  { name, model }: Pick<Answering, "name" | "model">,
  paths: Pick<GeneratePaths, "input" | "personas" | "prompts">,
  planned: number,
): RunNote {
  const { temperature, maxTokens, seed, examplesPerChunk, maxChunks } = options;
  return {
    engine: name,
    model,
    temperature,
    maxTokens,
    seed,
    examplesPerChunk,
    ...(maxChunks === undefined ? {} : { maxChunks }),
    input: paths.input,
    personas: paths.personas,
    prompts: paths.prompts,
    planned,
    plan: planOptions.parse(options),
  };
}

/** The note of the run before, if there was one. */
export function notedRun(ledger: Ledger): RunNote | undefined {
  const note = ledger.note("run");
  return note === undefined ? undefined : RunNote.safeParse(JSON.parse(note)).data;
}

/** Tells how a resumed run differs from the one that it goes on with, but for more of the same, which one resumes for. */
export function tellChanges(before: RunNote, now: RunNote, emit: Context["emit"]): void {
  const { planned = 0 } = now, { planned: then = 0 } = before;
  const changed = differences(before, now).filter((text) =>
    planned < then || !GROWING.some((flag) => text.startsWith(flag))
  );
  const fewer = planned < then ? [`it plans ${counted(planned, "example")} where that one planned ${count(then)}`] : [];
  const news = [...fewer, ...changed];
  if (news.length === 0) return;
  const message =
    `this run differs from the one that it goes on with: ${news.join("; ")}. What its plan does not hold is ` +
    "left out of the dataset; the answers stay in the ledger, for a run with the former options";
  emit({ type: "log", level: "warn", message });
}

const GROWING = ["--max-chunks ", "--max-examples "];

/** Options by which two runs differ, in words. */
function differences(before: RunNote, now: RunNote): string[] {
  const settings = ({ model, temperature, maxTokens, plan = {} }: RunNote): Record<string, unknown> => {
    const { dataDir: _, ...rest } = plan;
    return { model, temperature, maxTokens, ...rest };
  };
  const [then, here] = [settings(before), settings(now)];
  if (before.plan === undefined) return [];
  return Object.keys({ ...then, ...here }).filter((key) => shown(then[key]) !== shown(here[key])).map((key) => {
    const flag = key === "model" ? "the model" : `--${key.replace(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`)}`;
    return `${flag} was ${shown(then[key])}, is ${shown(here[key])}`;
  });
}

function shown(value: unknown): string {
  if (value === undefined || Array.isArray(value) && value.length === 0) return "not given";
  return Array.isArray(value) ? value.join(",") : String(value);
}
