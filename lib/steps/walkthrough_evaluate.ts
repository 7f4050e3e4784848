/** The evaluation in a notebook: of the models at hand, or of recorded answers where there are none. */
import { join } from "node:path";
import type { z } from "zod";
import { WORKSPACE } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import { evaluate, type EvaluateResult } from "./evaluate.ts";
import { evaluatePaths } from "./evaluate_options.ts";
import { exists } from "./evaluate_models.ts";
import { type Conversation, conversations } from "./evaluate_transcripts.ts";
import type { Pipeline } from "./pipelines.ts";
import { optionsFor } from "./walkthrough.ts";

/** Answers of a stand-in; its models do not exist. */
export const RECORDED_ANSWERS = join(WORKSPACE, "data-samples", "recorded", "evaluation_answers.jsonl");

export interface EvaluationAtHand extends EvaluateResult {
  /** Where the answers come from, in a sentence. */
  readonly source: string;
  readonly recorded: boolean;
  readonly conversations: readonly Conversation[];
}

/**
 * Evaluates with the options of a preset where the tuned model is there (what is answered already is not asked again);
 * else scores a recording, in a folder of its own.
 */
export async function evaluationAtHand(
  pipeline: Pipeline,
  changes: Partial<z.input<typeof evaluate.options>>,
  context: Context,
): Promise<EvaluationAtHand> {
  const options = optionsFor(pipeline, evaluate, changes);
  const { gguf } = evaluatePaths(options, context.env);
  const asked = options.url !== undefined || options.answers !== undefined;
  if (asked || await exists(gguf)) {
    const result = await evaluate.run(options, context);
    const source = options.answers ?? options.url ?? gguf;
    return { ...result, source, recorded: false, conversations: conversations(result.scored, result.evidence) };
  }
  context.emit({ type: "log", level: "warn", message: `there is no "${gguf}": what follows is a recording` });
  const result = await evaluate.run(
    optionsFor(pipeline, evaluate, {
      answers: RECORDED_ANSWERS,
      outputDir: join(pipeline.dataDir, "output", "evaluation_recorded"),
      overwrite: true,
    }),
    context,
  );
  return {
    ...result,
    source: "a recording: the models are stand-ins that do not exist, and their answers are made up",
    recorded: true,
    conversations: conversations(result.scored, result.evidence),
  };
}

/** The first so many questions of each category. */
export function fewOfEach(list: readonly Conversation[], each: number, categories?: readonly string[]): Conversation[] {
  return [...Map.groupBy(list, ({ category }) => category)]
    .filter(([category]) => categories?.includes(category) ?? true)
    .flatMap(([, group]) => group.slice(0, each));
}

/** Questions whose tuned answers have a remark of a kind, such as "violation" or "drops the mask". */
export function remarkedOn(list: readonly Conversation[], remark: string): Conversation[] {
  return list.filter(({ answers }) => answers.tuned.some(({ notes }) => notes.some((note) => note.startsWith(remark))));
}
