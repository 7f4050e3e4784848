/** Axolotl's configuration for an author's voice: the values, each with its reason, and the file that they make. */
import { resolve } from "node:path";

/** What a person decides. */
export interface VoiceTraining {
  readonly baseModel: string;
  readonly dataset: string;
  readonly validation: string;
  readonly outputDir: string;
  readonly adapter: "qlora" | "lora";
  readonly loraR: number;
  readonly loraAlpha: number;
  readonly loraDropout: number;
  readonly sequenceLen: number;
  readonly samplePacking: boolean;
  readonly microBatchSize: number;
  readonly gradientAccumulationSteps: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly lrScheduler: string;
  readonly warmupRatio: number;
  readonly weightDecay: number;
  readonly optimizer: string;
  readonly attention: string;
  readonly chatTemplate?: string | undefined;
  readonly savesPerEpoch: number;
  readonly saveTotalLimit?: number | undefined;
  readonly seed: number;
}

/** A part of the file: keys that belong together, and why they are so. */
export interface ConfigPart {
  readonly comment: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Llama 3.0 to 3.3, which share a chat template and a token to pad with. */
const LLAMA_3 = /llama-?3/i;

/** The parts of the configuration, in order. */
export function configParts(training: VoiceTraining): ConfigPart[] {
  const llama = LLAMA_3.test(training.baseModel);
  const rows = (path: string) => ({
    path: resolve(path),
    ds_type: "json",
    type: "chat_template",
    field_messages: "messages",
    message_property_mappings: { role: "role", content: "content" },
    roles_to_train: ["assistant"],
  });
  const limit = training.saveTotalLimit ?? Math.ceil(training.savesPerEpoch * training.epochs) + 2;
  return [
    {
      comment: "The base is loaded in 4 bits for qlora, whole for lora.",
      values: {
        base_model: training.baseModel,
        load_in_4bit: training.adapter === "qlora",
        adapter: training.adapter,
      },
    },
    {
      comment:
        "All linear layers learn, not attention alone. A larger r can hold more; alpha / r is how much it weighs.",
      values: {
        lora_r: training.loraR,
        lora_alpha: training.loraAlpha,
        lora_dropout: training.loraDropout,
        lora_target_linear: true,
      },
    },
    {
      comment: llama
        ? "llama3 writes no date into the prompt; the base's own template would. gaea:merge keeps the tokenizer of the run."
        : "The base's own template. gaea:merge keeps the tokenizer of the run.",
      values: {
        chat_template: training.chatTemplate ?? (llama ? "llama3" : "tokenizer_default"),
        ...(llama ? { special_tokens: { pad_token: "<|finetune_right_pad_id|>" } } : {}),
      },
    },
    {
      comment: "The author's words are learnt, the opening is not; and that a text ends.",
      values: { datasets: [{ ...rows(training.dataset), train_on_eos: "turn" }] },
    },
    {
      comment: "Held out by gaea:prepare. With these, val_set_size has to be 0.",
      values: { test_datasets: [{ ...rows(training.validation), split: "train" }], val_set_size: 0 },
    },
    {
      comment: "An example that is too long stops the run: by default it would be left out without a word.",
      values: {
        sequence_len: training.sequenceLen,
        excess_length_strategy: "raise",
        sample_packing: training.samplePacking,
        eval_sample_packing: false,
      },
    },
    {
      comment: "Steps learn from micro_batch_size × gradient_accumulation_steps examples.",
      values: {
        micro_batch_size: training.microBatchSize,
        eval_batch_size: training.microBatchSize,
        gradient_accumulation_steps: training.gradientAccumulationSteps,
        num_epochs: training.epochs,
        learning_rate: training.learningRate,
        lr_scheduler: training.lrScheduler,
        warmup_ratio: training.warmupRatio,
        weight_decay: training.weightDecay,
        optimizer: training.optimizer,
      },
    },
    {
      comment: "What fits into memory.",
      values: { attn_implementation: training.attention, bf16: "auto", gradient_checkpointing: true },
    },
    {
      comment:
        "Saved and evaluated at the same steps, so that each checkpoint has a loss and the best one exists; all are " +
        "kept. By default four would be.",
      values: {
        saves_per_epoch: training.savesPerEpoch,
        evals_per_epoch: training.savesPerEpoch,
        save_total_limit: limit,
        load_best_model_at_end: true,
        metric_for_best_model: "eval_loss",
        greater_is_better: false,
      },
    },
    {
      comment: "A file named axolotl_checkpoint.save in the folder asks for a checkpoint that can be gone on from.",
      values: {
        dynamic_checkpoint: { enabled: true, check_interval: 1 },
        output_dir: resolve(training.outputDir),
        dataset_prepared_path: resolve(training.outputDir, "prepared"),
        logging_steps: 1,
        seed: training.seed,
      },
    },
  ];
}

/** All keys of the parts. */
export function configValues(parts: readonly ConfigPart[]): Record<string, unknown> {
  return Object.assign({}, ...parts.map(({ values }) => values));
}

/** The file, with the reasons as comments. Axolotl reads it as YAML 1.1, which takes 1e-7 for a text: 1e-6 is written out. */
export async function renderConfig(parts: readonly ConfigPart[], head: readonly string[]): Promise<string> {
  const name = "yaml"; // Only who writes a configuration pays for it.
  const { stringify }: typeof import("yaml") = await import(name);
  const comment = (lines: readonly string[]) => lines.map((line) => `# ${line}\n`).join("");
  const body = parts.map(({ comment: why, values }) =>
    comment(wrapped(why)) + stringify(values, { lineWidth: 0, version: "1.1" })
  );
  return [comment(head), ...body].join("\n");
}

/** Longest line of a comment. */
const WIDTH = 110;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
