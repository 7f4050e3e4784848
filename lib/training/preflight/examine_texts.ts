/** What a training makes of its texts: the chat template, its labels and the tokens. */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { loadChatTokenizer } from "../chat_tokens.ts";
import type { TrainingPlan } from "../plan.ts";
import { chatRenderer, loadChatTemplate } from "../template.ts";
import type { BaseSurvey } from "./base_survey.ts";
import type { DatasetSurvey } from "./check_dataset.ts";
import { checkTemplate } from "./check_template.ts";
import { checkTokens } from "./check_tokens.ts";
import { error, type Finding } from "./finding.ts";
import { type LabelledRow, labelXray } from "./label_xray.ts";
import { surveyTokens, type TokenSurvey } from "./token_survey.ts";

export interface Texts {
  readonly findings: readonly Finding[];
  readonly labels: readonly LabelledRow[];
  readonly tokens?: TokenSurvey;
}

/** Template and tokens, where the base has both. */
export async function lookAtTexts(
  { recipe }: TrainingPlan,
  { folder, config, shape }: BaseSurvey,
  { train, val }: { readonly train: DatasetSurvey; readonly val: Pick<DatasetSurvey, "rows"> },
  budget: number | undefined,
): Promise<Texts> {
  const nothing = { labels: [] };
  if (folder === undefined || config === undefined) return { ...nothing, findings: [] };
  try {
    const template = await loadChatTemplate(folder);
    if (!template) {
      return {
        ...nothing,
        findings: [error(
          "template",
          `"${recipe.baseModel}" has no chat template: it cannot be trained on conversations`,
          "Take the Instruct variant of this base, or put its chat_template.jinja into the folder.",
        )],
      };
    }
    const [renderer, tokenizer] = await Promise.all([chatRenderer(template), loadChatTokenizer(folder)]);
    const { trainOn, maxSeqLength: maxLength } = recipe;
    const stopIds = await stopTokens(folder, config);
    const findings = checkTemplate([...train.rows, ...val.rows], {
      template,
      renderer,
      tokenizer,
      stopIds,
      trainOn,
      path: train.path,
    });
    if (shape && tokenizer.largestId >= shape.vocabSize) {
      findings.push(error(
        "template",
        `The tokenizer has tokens up to ${tokenizer.largestId}, the model only ${shape.vocabSize}`,
        "Tokenizer and weights are of two models: copy both from the same place.",
      ));
    }
    if (findings.some(({ level, message }) => level === "error" && /^.*:\d+: /.test(message))) {
      return { ...nothing, findings };
    }
    const given = { renderer, tokenizer, trainOn, maxLength };
    const tokens = surveyTokens(train.rows, { ...given, ...(budget === undefined ? {} : { budget }) });
    return {
      findings: [...findings, ...checkTokens(tokens, maxLength)],
      labels: labelXray(train.rows, given),
      tokens,
    };
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return { ...nothing, findings: [error("template", thrown.message, thrown.hint ?? "Copy the base's files again.")] };
  }
}

const StopIds = z.union([z.int().transform((id) => [id]), z.array(z.int())]);

/** Ids at which the model ends an answer, by its generation_config.json, else by its config.json. */
async function stopTokens(folder: string, config: Readonly<Record<string, unknown>>): Promise<number[]> {
  const path = join(folder, "generation_config.json");
  let generation: Record<string, unknown> = {};
  try {
    generation = z.record(z.string(), z.unknown()).parse(JSON.parse(await readTextFile(path)));
  } catch {
    // It is missing, or nothing in it can be read: config.json says the same in older models.
  }
  const found = StopIds.safeParse(generation.eos_token_id ?? config.eos_token_id);
  return found.success ? found.data : [];
}
