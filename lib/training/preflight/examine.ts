/** Looks at all that a training stands on. What was read and reckoned is kept for pictures; the findings say what it means. */
import { statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { isAbort, UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { findGpus, type Gpu, machine as thisMachine, type Probe as MachineProbe } from "../../core/gpu.ts";
import type { Context } from "../../core/step.ts";
import { loadChatTokenizer } from "../chat_tokens.ts";
import { drawValidation } from "../dataset.ts";
import { estimateMemory, type MemoryEstimate } from "../memory.ts";
import { type TrainingPlan, worldSize } from "../plan.ts";
import { packedRows, type Schedule, schedule } from "../schedule.ts";
import { chatRenderer, loadChatTemplate } from "../template.ts";
import { type BaseSurvey, surveyBase } from "./base_survey.ts";
import { checkBase } from "./check_base.ts";
import { checkDataset, type DatasetSurvey, surveyRows } from "./check_dataset.ts";
import { checkLaunch } from "./check_launch.ts";
import { checkLeak } from "./check_leak.ts";
import { checkLearning } from "./check_learning.ts";
import { checkMemory, type Machine, memoryPlan } from "./check_memory.ts";
import {
  checkPackages,
  extrasOf,
  holdsFullLogits,
  pinnedVersions,
  type Probed,
  probePackages,
} from "./check_packages.ts";
import { checkResume } from "./check_resume.ts";
import { checkGpuSettings } from "./check_rocm.ts";
import { checkDisk, checkSchedule, diskPlan } from "./check_schedule.ts";
import { checkTemplate } from "./check_template.ts";
import { checkTokens } from "./check_tokens.ts";
import { error, type Finding, stopping, warning } from "./finding.ts";
import { type LabelledRow, labelXray } from "./label_xray.ts";
import { surveyTokens, type TokenSurvey } from "./token_survey.ts";

/** All that was found, and what it was found in. */
export interface Examination {
  readonly findings: readonly Finding[];
  /** Some rows as the trainer sees them; empty where the base has no tokenizer or template. */
  readonly labels: readonly LabelledRow[];
  readonly tokens?: TokenSurvey;
  readonly schedule?: Schedule;
  readonly memory?: MemoryEstimate;
  readonly gpus: readonly Gpu[];
}

export interface ExamineOptions {
  /**
   * Whether to import the trainer's packages, the only part with torch and the longest. `look`: where they are installed;
   * `install`: they are installed first, unless something else forbids the training; `trust`: as `install`, but an
   * environment of Voiceworks' own on a machine without a GPU is what the tests ran in, and not looked at; `skip`: not.
   * @default {"look"}
   */
  readonly packages?: "look" | "install" | "trust" | "skip";
  /** Characters whose tokens are counted at most. */
  readonly budget?: number;
  /** How to look at the machine. */
  readonly probe?: MachineProbe;
}

/** Looks at everything; nothing that is wrong keeps it from looking at the rest. */
export async function examine(
  plan: TrainingPlan,
  context: Context,
  options: ExamineOptions = {},
): Promise<Examination> {
  const env = { ...context.env, ...plan.env };
  const [machine, base, data] = await Promise.all([
    lookAtMachine(options.probe ?? thisMachine),
    surveyBase(plan.base, context),
    surveyData(plan, context),
  ]);
  const { recipe } = plan;
  const findings: Finding[] = [...data.findings, ...base.findings, ...checkBase(base, recipe, machine)];
  const texts = await lookAtTexts(plan, base, data, options.budget);
  findings.push(...texts.findings);
  const steps = planSteps(plan, data, texts.tokens);
  findings.push(
    ...checkSchedule(steps, recipe),
    ...(data.train.rows.length > 0 ? checkLeak(data.train, data.val) : []),
    ...checkGpuSettings(machine.gpus, env),
    ...await checkLaunch(plan.launch, machine.gpus),
    ...await checkResume(plan, data, steps.totalSteps),
  );
  if (base.shape) {
    // A training that ends within its first epoch does not come to all of them.
    const seen = Math.min(1, steps.totalSteps / steps.stepsPerEpoch);
    const learnt = texts.tokens && Math.round(seen * texts.tokens.trained);
    findings.push(...checkLearning(recipe, base.shape, steps.effectiveBatch, learnt));
    const disk = diskPlan(base.shape, recipe, steps.most, base.toFetch);
    findings.push(...checkDisk(disk, await freeSpace(plan.outputDir)));
  }
  const extras = extrasOf(plan);
  // What the tests ran in has none of the extras.
  const packages = options.packages === "trust" && extras.length > 0 ? "install" : options.packages ?? "look";
  const probed = await lookAtPackages(context, packages, machine.gpus, stopping(findings).length > 0);
  if (probed) findings.push(...checkPackages(probed, recipe, machine.gpus, await pinnedVersions(), extras));
  const fullLogits = probed !== undefined && holdsFullLogits(probed);
  const longest = texts.tokens?.lengths.at(-1);
  if (base.shape) {
    const sharded = Boolean(plan.launch?.fsdp ?? plan.launch?.deepspeed ?? plan.launch?.accelerateConfig);
    findings.push(
      ...checkMemory(base.shape, recipe, machine, {
        fullLogits,
        sharded,
        ...(longest === undefined ? {} : { longest }),
      }),
    );
  }
  return {
    findings,
    labels: texts.labels,
    gpus: machine.gpus,
    ...(steps.totalSteps > 0 ? { schedule: steps } : {}),
    ...(texts.tokens ? { tokens: texts.tokens } : {}),
    ...(base.shape ? { memory: estimateMemory(base.shape, memoryPlan(recipe, machine, longest, fullLogits)) } : {}),
  };
}

/** The rows of both sides, as the trainer will have them. */
export interface DataSurvey {
  readonly train: DatasetSurvey;
  readonly val: Pick<DatasetSurvey, "rows" | "path">;
  readonly findings: readonly Finding[];
}

async function surveyData({ data, recipe, noSplit }: TrainingPlan, { signal }: Context): Promise<DataSurvey> {
  if (data.split) {
    const train = await surveyRows(data.split.train, signal);
    const val = await surveyRows(data.split.val, signal);
    // That there is nothing to validate with is told by the check for leaks.
    const empty = val.lines === 0 && val.unreadable === undefined;
    return {
      train,
      val,
      findings: [...checkDataset(train, "training"), ...(empty ? [] : checkDataset(val, "validation"))],
    };
  }
  const survey = await surveyRows(data.dataset, signal);
  const findings = checkDataset(survey, "training");
  if (noSplit !== undefined) {
    findings.push(warning(
      "dataset",
      `The split beside the dataset is not used: ${noSplit}`,
      "`deno task split --overwrite` deals it anew, by book; else single rows are drawn for validation.",
    ));
  }
  const drawn = drawValidation(survey.rows.length, recipe);
  return {
    train: { ...survey, rows: survey.rows.filter((_, at) => !drawn.has(at)) },
    val: { path: survey.path, rows: survey.rows.filter((_, at) => drawn.has(at)) },
    findings,
  };
}

interface Texts {
  readonly findings: readonly Finding[];
  readonly labels: readonly LabelledRow[];
  readonly tokens?: TokenSurvey;
}

/** Template and tokens, where the base has both. */
async function lookAtTexts(
  { recipe }: TrainingPlan,
  { folder, config, shape }: BaseSurvey,
  { train, val }: DataSurvey,
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

function planSteps(plan: TrainingPlan, { train, val }: DataSurvey, tokens: TokenSurvey | undefined): Schedule {
  const { recipe } = plan;
  const usable = train.rows.length - (tokens?.untrained ?? 0);
  const rows = recipe.packing && tokens ? packedRows(tokens.lengths, recipe.maxSeqLength) : usable;
  return schedule({ ...recipe, rows, valRows: val.rows.length, processes: worldSize(plan) });
}

async function lookAtPackages(
  context: Context,
  packages: ExamineOptions["packages"],
  gpus: readonly Gpu[],
  forbidden: boolean,
): Promise<Probed | undefined> {
  if (packages === "skip") return undefined;
  if (packages === "trust" && gpus.length === 0 && !context.env.VOICEWORKS_PYTHON_TRAIN) return undefined;
  // Nobody waits minutes for an environment to hear of a typing error.
  return await probePackages(context, { install: packages !== "look" && !forbidden });
}

async function lookAtMachine(probe: MachineProbe): Promise<Machine> {
  let ram: number | undefined;
  try {
    ram = Deno.systemMemoryInfo().total;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotCapable)) throw thrown; // Not granted to this task.
  }
  return { gpus: await findGpus(probe), ram, os: probe.os };
}

/** Bytes where a folder lies or will lie. */
async function freeSpace(path: string): Promise<number> {
  let place = resolve(path);
  for (let parent = dirname(place); parent !== place; parent = dirname(place)) {
    if (await Deno.stat(place).then(() => true, () => false)) break;
    place = parent;
  }
  try {
    const { bavail, bsize } = await statfs(place);
    return bavail * bsize;
  } catch (thrown) {
    if (isAbort(thrown)) throw thrown;
    return Infinity; // Not granted, or a file system that does not tell.
  }
}
