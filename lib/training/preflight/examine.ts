/** Looks at all that a training stands on. What was read and reckoned is kept for pictures; the findings say what it means. */
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isAbort } from "../../core/errors.ts";
import { findGpus, type Gpu, machine as thisMachine, type Probe as MachineProbe } from "../../core/gpu.ts";
import type { Context } from "../../core/step.ts";
import { drawValidation } from "../dataset.ts";
import { estimateMemory, type MemoryEstimate } from "../memory.ts";
import { type TrainingPlan, worldSize } from "../plan.ts";
import { packedRows, type Schedule, schedule } from "../schedule.ts";
import { surveyBase } from "./base_survey.ts";
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
import { lookAtTexts } from "./examine_texts.ts";
import { type Finding, stopping, warning } from "./finding.ts";
import type { LabelledRow } from "./label_xray.ts";
import type { TokenSurvey } from "./token_survey.ts";

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
interface DataSurvey {
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
