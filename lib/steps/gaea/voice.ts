/** Continuations of held-out openings by the base or the tuned model, for gaea:compare and gaea:blind. */
import { dirname, join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../../core/errors.ts";
import { sha256, writeFileAtomic } from "../../core/files.ts";
import { count } from "../../core/format.ts";
import { readJsonl, writeJsonl } from "../../core/jsonl.ts";
import { type Context, defineStep } from "../../core/step.ts";
import { VERSION } from "../../core/version.ts";
import type { Sampling } from "../../llm/completions.ts";
import { Example } from "../../records.ts";
import { gaeaPaths } from "./paths.ts";
import { askForVoice } from "./voice_ask.ts";
import type { VoiceSide } from "./voice_files.ts";
import { type HeldOut, type VoicePrompt, voicePrompts } from "./voice_prompts.ts";
import { ofThisServer, openServer } from "./voice_server.ts";
import { openRows, RejectedAnswer, VoiceRow } from "./voice_rows.ts";
import { isFile, openRun, type VoiceSettings } from "./voice_runs.ts";

const options = z.object({
  baseline: z.boolean().default(false).describe("Ask the base model"),
  finetuned: z.boolean().default(false).describe("Ask the tuned model"),
  port: z.int().min(1).max(65535).optional().describe(
    "Port on this machine; default: 8000 for --baseline, 8002 for --finetuned",
  ),
  url: z.string().optional().describe("Address of a server elsewhere, in place of --port"),
  model: z.string().optional().describe(
    "Its name there; default: base or tuned, as gaea:serve calls them, else the only one that the server lists",
  ),
  gguf: z.string().optional().describe(
    "Serve this GGUF with llama-server while asking, in place of a server that runs",
  ),
  vllmModel: z.string().optional().describe(
    "Serve this model (a folder, or a hub id) with vLLM while asking; with --gguf too, that where vLLM is not installed",
  ),
  vllm: z.string().default("vllm").describe("With --vllm-model: the program vLLM, by name or path; none: not used"),
  threads: z.int().min(1).optional().describe(
    "With --gguf: threads of llama-server; default: as many as there are cores",
  ),
  validation: z.string().optional().describe("Held-out examples; default: <data-dir>/gaea/processed/validation.jsonl"),
  mode: z.enum(["chat", "raw"]).default("chat").describe(
    "chat: the opening is what the user says, as in training; raw: the opening as it is, by /v1/completions",
  ),
  promptsPerExample: z.int().min(1).default(6).describe(
    "Openings of each held-out example: its own, and further ones from within it where it is long enough",
  ),
  words: z.int().min(100).default(10_000).describe(
    "Words to get in all; gaea:compare needs 5,000 and is surer with 10,000",
  ),
  maxTokens: z.int().min(16).default(600).describe("Tokens of a continuation at most"),
  temperature: z.number().min(0).default(0.8).describe("Sampling temperature"),
  topP: z.number().gt(0).max(1).default(0.95).describe("Draw from the likeliest tokens that have this share together"),
  topK: z.int().min(0).default(0).describe("Draw from so many of the likeliest tokens; 0: no limit"),
  minP: z.number().min(0).max(1).default(0).describe(
    "Draw no token that is less likely than this share of the likeliest",
  ),
  repetitionPenalty: z.number().gt(0).default(1).describe("Penalty on tokens that have come before; 1: none"),
  presencePenalty: z.number().default(0).describe("Penalty on tokens that have come at all"),
  frequencyPenalty: z.number().default(0).describe("Penalty on tokens by how often they have come"),
  seed: z.int().min(0).default(1969).describe("Draws the sampling seed of each request"),
  concurrency: z.int().min(1).default(8).describe("Requests at a time"),
  output: z.string().optional().describe(
    "Folder of the continuations, where each run gets a name by its time, or a .jsonl file; default: <data-dir>/gaea/benchmarks",
  ),
  overwrite: z.boolean().default(false).describe("Replace the file that --output names"),
  restart: z.boolean().default(false).describe(
    "Begin anew, although an earlier run of the same kind was stopped halfway",
  ),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type VoiceOptions = z.output<typeof options>;

export interface VoiceResult {
  readonly side: VoiceSide;
  readonly output: string;
  readonly prompts: number;
  readonly continuations: number;
  readonly words: number;
  /** Answers that were none, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Continuations that began with their prompt, which was cut off. */
  readonly echoes: number;
  readonly resumed: number;
}

/** Asks one side; a stopped run of the same settings goes on where it was. */
export const voice = defineStep({
  name: "gaea:voice",
  summary: "Lets the base or the tuned model continue held-out openings, for comparing them",
  options,
  files(options, { env }) {
    const { output, gguf, vllmModel } = options;
    return {
      reads: [validationOf(options, env), gguf, vllmModel].filter((path) => path !== undefined),
      writes: output !== undefined && isFile(output) ? [output] : [],
    };
  },
  async run(options, context): Promise<VoiceResult> {
    const side = sideOf(options);
    const prompts = await readPrompts(validationOf(options, context.env), options, context);
    await using server = await openServer(side, options, context);
    const sampling = samplingOf(options);
    const settings: VoiceSettings = {
      version: 1,
      side,
      model: server.model,
      engine: server.engine,
      mode: options.mode,
      sampling,
      seed: options.seed,
      words: options.words,
      prompts: { count: prompts.length, sha256: sha256(JSON.stringify(prompts)) },
      voiceworks: VERSION,
    };
    const output = options.output ?? join(gaeaPaths(options.dataDir, context.env).root, "benchmarks");
    const { restart, overwrite } = options;
    const run = await openRun({ output, restart, overwrite }, side, settings, context);
    await using rows = await openRows(run.partial, VoiceRow);
    await using rejects = await openRows(run.rejects, RejectedAnswer);
    if (rows.before.length > 0) {
      const message = `going on with a run that was stopped: ${count(rows.before.length)} continuations are there`;
      context.emit({ type: "log", level: "info", message });
    }
    let all: VoiceRow[];
    try {
      const { words, seed, mode, concurrency } = options;
      all = await askForVoice(prompts, rows, rejects, { server, mode, sampling, seed, words, concurrency }, context);
    } catch (error) {
      throw ofThisServer(error, side, server);
    }
    const order = new Map(prompts.map(({ id }, at) => [id, at]));
    all.sort((a, b) => a.sample - b.sample || (order.get(a.prompt_id) ?? 0) - (order.get(b.prompt_id) ?? 0));
    await writeJsonl(run.output, all);
    await Deno.remove(run.partial);
    const refused = await Array.fromAsync(readJsonl(run.rejects, RejectedAnswer));
    if (refused.length === 0) await Deno.remove(run.rejects);
    const result: VoiceResult = {
      side,
      output: run.output,
      prompts: prompts.length,
      continuations: all.length,
      words: all.reduce((sum, { words }) => sum + words, 0),
      refused: Object.fromEntries(
        Map.groupBy(refused, ({ reason }) => reason).entries().map(([reason, list]) => [reason, list.length]),
      ),
      echoes: all.filter(({ cut }) => cut.echo !== undefined).length,
      resumed: rows.before.length,
    };
    const about = {
      ...settings,
      server: server.address.shown,
      time: new Date(context.clock.now()).toISOString(),
      result,
    };
    await writeFileAtomic(run.settings, JSON.stringify(about, null, 2) + "\n");
    for (const [reason, times] of Object.entries(result.refused)) context.emit({ type: "drop", reason, count: times });
    context.emit({ type: "artifact", path: run.output, title: `Continuations (${side})`, rows: all.length });
    return result;
  },
  report({ side, output, prompts, continuations, words, refused, echoes }) {
    const none = Object.entries(refused).map(([reason, times]) => `${count(times)} ${reason}`).join(", ");
    return [
      `${count(continuations)} continuations of ${count(prompts)} openings by the ${side} model, ${
        count(words)
      } words: ${output}`,
      ...(echoes > 0 ? [`${count(echoes)} began with their prompt, which was cut off`] : []),
      ...(none ? [`asked for again: ${none} (kept in ${dirname(output)})`] : []),
    ].join("\n");
  },
});

function sideOf({ baseline, finetuned, port, url, gguf, vllmModel }: VoiceOptions): VoiceSide {
  const faults = [
    ...(baseline === finetuned ? ["Cannot ask both sides, nor none: give --baseline or --finetuned"] : []),
    ...([port, url, gguf ?? vllmModel].filter((value) => value !== undefined).length > 1
      ? ["Cannot use more than one of --port, --url and --gguf or --vllm-model: each names a server"]
      : []),
  ];
  if (faults.length > 0) throw new UsageError(faults);
  return baseline ? "baseline" : "finetuned";
}

function validationOf({ validation, dataDir }: VoiceOptions, env: Context["env"]): string {
  return validation ?? gaeaPaths(dataDir, env).validation;
}

function samplingOf(options: VoiceOptions): Sampling {
  return {
    temperature: options.temperature,
    top_p: options.topP,
    top_k: options.topK,
    min_p: options.minP,
    repetition_penalty: options.repetitionPenalty,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    max_tokens: options.maxTokens,
  };
}

/** English has about three words to four tokens. */
const WORDS_A_TOKEN = 0.75;

async function readPrompts(path: string, options: VoiceOptions, { signal, emit }: Context): Promise<VoicePrompt[]> {
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  const examples: HeldOut[] = [];
  for await (const { messages } of readJsonl(path, Example, { signal, onTorn })) {
    const said = (role: string) => messages.find((message) => message.role === role)?.content ?? "";
    examples.push({ prefix: said("user"), completion: said("assistant") });
  }
  const answerWords = Math.round(WORDS_A_TOKEN * options.maxTokens);
  const prompts = voicePrompts(examples.filter(({ prefix }) => prefix.trim() !== ""), {
    perExample: options.promptsPerExample,
    answerWords,
  });
  if (prompts.length > 0) return prompts;
  throw new UserError(`Cannot use "${path}": it holds no examples with an opening`, {
    exitCode: 2,
    hint: "Make them: deno task gaea:prepare",
  });
}
