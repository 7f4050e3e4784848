/** What is wrong with a configuration of Axolotl, before a GPU is rented: unknown keys, wrong kinds, and its silent traps. */
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { presetPath } from "../core/paths.ts";
import { AxolotlConfig, recipeOf } from "./axolotl_recipe.ts";
import { error, type Finding, ok, warning } from "./preflight/finding.ts";
import { type Schedule, schedule } from "./schedule.ts";

/** What is known of the examples, where they are there. */
export interface ConfigData {
  readonly training: number;
  readonly validation: number;
  /** Tokens of the longest example. */
  readonly longest?: number | undefined;
}

export interface ConfigCheck {
  readonly findings: readonly Finding[];
  /** Steps of the training; undefined without examples, or where the configuration is not one. */
  readonly steps?: Schedule | undefined;
}

interface SchemaFile {
  readonly title: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Fewer steps than this hardly move an adapter. */
const FEW_STEPS = 10;

/**
 * Checks the values of a configuration: by the schema of Axolotl's own keys, then by what its keys do together.
 *
 * @param data Examples that the configuration names; undefined where they are not there yet.
 * @throws {UserError} the schema that ships with Voiceworks is missing.
 */
export async function checkConfig(values: unknown, data: ConfigData | undefined): Promise<ConfigCheck> {
  const path = presetPath("gaea/axolotl.schema.json");
  const file = JSON.parse(await readTextFile(path)) as SchemaFile;
  const schema = z.fromJSONSchema(file as Parameters<typeof z.fromJSONSchema>[0]);
  const parsed = schema.safeParse(values);
  if (!parsed.success) {
    return { findings: parsed.error.issues.flatMap((issue) => schemaFaults(issue, file)) };
  }
  const config = AxolotlConfig.safeParse(values);
  if (!config.success) {
    return {
      findings: config.error.issues.map(({ path, message }) =>
        error(
          "config",
          `"${path.join(".")}": ${message}`,
          "Write the configuration anew: deno task gaea:config --overwrite",
        )
      ),
    };
  }
  const steps = data && data.training > 0 ? stepsOf(config.data, data) : undefined;
  const findings = [
    ok("config", `every key is one of ${file.title}, and of the right kind`),
    ...rules(config.data, values as Readonly<Record<string, unknown>>),
    ...(steps && data ? stepRules(config.data, steps, data) : []),
  ];
  return { findings, steps };
}

/** Reads a configuration as values. @throws {UserError} it cannot be read, or is no YAML. */
export async function readConfigValues(path: string): Promise<unknown> {
  const name = "yaml";
  const { parse }: typeof import("yaml") = await import(name);
  const text = await readTextFile(path);
  try {
    return parse(text, { version: "1.1" });
  } catch (cause) {
    const words = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new UserError(`Cannot read "${path}": it is not YAML: ${words}`, { exitCode: 2, cause });
  }
}

/** A fault of the schema in words, with the key that was probably meant. */
function schemaFaults(issue: z.core.$ZodIssue, { properties }: SchemaFile): Finding[] {
  const place = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const meant = place === "" ? closest(key, Object.keys(properties)) : undefined;
      return error(
        "config",
        `"${place === "" ? key : `${place}.${key}`}" is no key of Axolotl, which would drop it without a word`,
        meant ? `Did you mean "${meant}"?` : "Take it out, or look it up in Axolotl's documentation.",
      );
    });
  }
  if (issue.code === "invalid_type" && issue.input === undefined && place !== "" && /undefined/.test(issue.message)) {
    return [
      error("config", `"${place}" is missing`, "Write the configuration anew: deno task gaea:config --overwrite"),
    ];
  }
  return [
    error("config", `"${place || "the file"}": ${wordsOf(issue)}`, "Give a value of the kind that Axolotl takes."),
  ];
}

/** What would have been valid: the alternatives of a union, one after another. */
function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_union") return issue.message.replace(/^Invalid (?:input|option): /, "");
  const parts = issue.errors.flat().map((part) => wordsOf(part)).map((words) => words.replace(/, received.*$/, ""));
  return [...new Set(parts.filter((words) => !/expected null/.test(words)))].join(", or ") || issue.message;
}

/** What Axolotl does without saying so. */
function rules(config: AxolotlConfig, values: Readonly<Record<string, unknown>>): Finding[] {
  const found: Finding[] = [];
  const add = (bad: boolean, finding: Finding) => void (bad && found.push(finding));
  const tests = config.test_datasets?.length ?? 0;
  add(
    tests > 0 && Number(values.val_set_size ?? 0) > 0,
    error("validation", "test_datasets and val_set_size exclude each other", "Set val_set_size: 0."),
  );
  for (const kind of ["save", "eval"]) {
    add(
      values[`${kind}s_per_epoch`] !== undefined && values[`${kind}_steps`] !== undefined,
      error("schedule", `${kind}s_per_epoch and ${kind}_steps exclude each other`, `Take out ${kind}_steps.`),
    );
  }
  add(
    tests === 0,
    warning("validation", "nothing is held out: no checkpoint can be told from another", "Give test_datasets."),
  );
  add(
    tests > 0 && config.saves_per_epoch !== config.evals_per_epoch,
    warning(
      "schedule",
      "checkpoints are saved and evaluated at different steps: the best one may have no folder",
      "Make saves_per_epoch and evals_per_epoch equal.",
    ),
  );
  add(
    tests > 0 && values.load_best_model_at_end !== true,
    warning("schedule", "what is left at the end is the last state, not the best", "Set load_best_model_at_end: true."),
  );
  add(
    values.excess_length_strategy !== "raise",
    warning(
      "length",
      "examples that are too long would be left out or cut without a word",
      "Set excess_length_strategy: raise.",
    ),
  );
  add(
    config.load_in_4bit !== (values.adapter === "qlora"),
    error(
      "memory",
      `adapter ${String(values.adapter)} with load_in_4bit ${config.load_in_4bit}`,
      "qlora is 4 bits, lora is not.",
    ),
  );
  add(
    [values.lora_modules_to_save, values.lora_target_modules].some((names) =>
      Array.isArray(names) && names.some((name) => /lm_head|embed_tokens/.test(String(name)))
    ),
    warning(
      "merge",
      "the head or the embeddings are trained: where they are tied, a merge loses one of them",
      "Leave lm_head and embed_tokens out, unless tokens were added.",
    ),
  );
  return found;
}

/** The steps that transformers will make of the configuration. */
function stepsOf(config: AxolotlConfig, data: ConfigData): Schedule {
  const recipe = recipeOf(config, data.training);
  return schedule({
    rows: data.training,
    valRows: (config.test_datasets?.length ?? 0) > 0 ? data.validation : 0,
    batchSize: config.micro_batch_size,
    gradientAccumulationSteps: config.gradient_accumulation_steps,
    processes: 1,
    epochs: config.num_epochs,
    ...(config.max_steps === undefined ? {} : { maxSteps: config.max_steps }),
    warmupRatio: config.warmup_ratio,
    saveSteps: Number(recipe.saveSteps),
    evalSteps: Number(recipe.evalSteps),
    saveTotalLimit: config.save_total_limit ?? 4, // Axolotl's own default.
  });
}

function stepRules(config: AxolotlConfig, steps: Schedule, { training, longest }: ConfigData): Finding[] {
  const { totalSteps, effectiveBatch, stepsPerEpoch, deleted, ranked, saves } = steps;
  const facts = {
    examples: training,
    effective_batch: effectiveBatch,
    steps_per_epoch: stepsPerEpoch,
    steps: totalSteps,
  };
  const said = `${training} examples, ${effectiveBatch} to a step, ${config.num_epochs} epochs: ${totalSteps} steps` +
    (config.sample_packing ? ", fewer with packing" : "");
  const seen = `the model sees ${Math.round(training * config.num_epochs)} examples, not as many steps`;
  const found: Finding[] = [
    totalSteps < FEW_STEPS
      ? warning(
        "schedule",
        `${said}; ${seen}`,
        "Fewer examples to a step (--gradient-accumulation-steps 2) or more epochs make more steps; packing makes fewer.",
        { facts },
      )
      : ok("schedule", `${said}; ${seen}`, { facts }),
  ];
  if (deleted.length > 0) {
    found.push(
      warning(
        "schedule",
        `${saves.length} checkpoints are saved and ${deleted.length} of them deleted, perhaps the best ones`,
        `Set save_total_limit: ${saves.length + 1}.`,
      ),
    );
  }
  if (ranked.length > 0) {
    found.push(
      ok("schedule", `${ranked.length} checkpoints with an evaluation at the same step: ${ranked.join(", ")}`),
    );
  }
  if (longest !== undefined && longest > config.sequence_len) {
    found.push(
      error(
        "length",
        `the longest example has ${longest} tokens, sequence_len is ${config.sequence_len}`,
        `Prepare anew with --sequence-length ${config.sequence_len}: that says which chunk to cut, and where.`,
      ),
    );
  } else if (longest !== undefined) {
    found.push(ok("length", `the longest example has ${longest} tokens and fits into ${config.sequence_len}`));
  }
  return found;
}
