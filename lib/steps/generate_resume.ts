/** What a run leaves of itself for the next one on the same output, and how far the next one may differ from it. */
import { UsageError } from "../core/errors.ts";
import { count, counted } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import type { Ledger } from "../dialogue/ledger.ts";
import { RunNote } from "./generate_candidates.ts";
import type { Answering } from "./generate_engine.ts";
import type { GenerateOptions, GeneratePaths } from "./generate_options.ts";
import { planOptions } from "./generate_plan.ts";

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

/**
 * Holds a resumed run against the one that it goes on with: a plan that is smaller than the one whose dataset stands there
 * is refused, another difference is told.
 *
 * @param standing The dataset, where there is one.
 * @param allowed Whether a smaller dataset may take its place.
 * @throws {UsageError} for a smaller plan.
 */
export function checkResumed(
  before: RunNote,
  now: RunNote,
  { standing, allowed, emit }: { standing: string | undefined; allowed: boolean; emit: Context["emit"] },
): void {
  const changed = differences(before, now);
  const { planned = 0 } = now;
  if (before.planned !== undefined && planned < before.planned && standing !== undefined && !allowed) {
    throw new UsageError(
      `Cannot resume into "${standing}": this run plans ${counted(planned, "example")}, the one before planned ` +
        `${count(before.planned)}${changed.length > 0 ? ` (${changed.join("; ")})` : ""}`,
      "Resume with the options of the run before, name another --output, or allow a smaller dataset by --overwrite " +
        "beside --resume; the answers stay.",
    );
  }
  const news = changed.filter((text) => !GROWING.some((flag) => text.startsWith(`${flag} `)) || allowed);
  if (news.length === 0) return;
  const message =
    `this run differs from the one that it goes on with: ${news.join("; ")}. What its plan does not hold ` +
    "is left out of the dataset; the answers stay in the ledger";
  emit({ type: "log", level: "warn", message });
}

/** More of these is what one resumes for. */
const GROWING = ["--max-chunks", "--max-examples"];

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
