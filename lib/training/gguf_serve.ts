/** What a GGUF says when llama-server serves it: held against what PyTorch recorded, and against another GGUF. */
import { z } from "zod";
import type { Context } from "../core/step.ts";
import { ChatError } from "../llm/errors.ts";
import { engineOptions, type LlamaServer, startLlamaServer } from "../llm/llama_server.ts";
import { openaiEngine } from "../llm/openai.ts";
import type { ChatMessage } from "../records.ts";
import { error, type Finding, ok, warning } from "./preflight/finding.ts";
import type { Probes } from "./probes.ts";

export interface ServeOptions {
  readonly model: string;
  readonly questions: readonly (readonly ChatMessage[])[];
  readonly probes?: Probes | undefined;
  /** Of the chat template: a server writes it itself where the tokenizer adds it. */
  readonly bos?: string | undefined;
  readonly gpuLayers?: number | undefined;
  readonly threads?: number | undefined;
}

export interface Served {
  /** Greedy answers, in the order of the questions; empty where there was none. */
  readonly answers: readonly string[];
  readonly findings: readonly Finding[];
}

/** Tokens of an answer: enough to tell two models apart, little enough for a CPU. */
const ANSWER_TOKENS = 48;
/** Share of probes that must come out the same: a converter that mixes up a matrix misses nearly all of them. */
const PROBES_ALIKE = 0.9;

/**
 * Loads a GGUF, asks it everything, and ends the server.
 *
 * @throws {UserError} a model that does not load, with the server's last words.
 */
export async function serveAndAsk(options: ServeOptions, context: Context): Promise<Served> {
  const { model, questions, probes, bos, gpuLayers, threads } = options;
  await using server = await startLlamaServer({
    model,
    contextSize: 2048,
    parallel: 1,
    ...(gpuLayers === undefined ? {} : { gpuLayers }),
    ...(threads === undefined ? {} : { threads }),
  }, context);
  const findings: Finding[] = [ok("loads", "llama-server loads it and answers")];
  if (probes) {
    findings.push(await checkNext(server, probes, context), ...await checkRendered(server, probes, bos, context));
  }
  return { answers: await greedyAnswers(server, questions, context), findings };
}

async function greedyAnswers(
  server: LlamaServer,
  questions: ServeOptions["questions"],
  context: Context,
): Promise<string[]> {
  const engine = openaiEngine(engineOptions(server, context));
  const answers: string[] = [];
  for (const messages of questions) {
    const request = { messages, temperature: 0, maxTokens: ANSWER_TOKENS, seed: 1 };
    const answer = await engine.chat(request, context.signal).then(({ content }) => content, (error) => {
      if (error instanceof ChatError && error.kind === "empty") return "";
      // A model that goes on says enough to be compared by.
      if (error instanceof ChatError && error.kind === "truncated") return error.partial ?? "";
      throw error;
    });
    answers.push(answer);
    context.emit({ type: "progress", label: "answers", done: answers.length, total: questions.length });
  }
  return answers;
}

const Completion = z.object({ tokens: z.array(z.int()) });

/** The converted model must continue as the merged one did, token for token; both read the same ids. */
async function checkNext(server: LlamaServer, { next }: Probes, context: Context): Promise<Finding> {
  let alike = 0;
  for (const probe of next) {
    const body = {
      prompt: probe.tokens,
      n_predict: 1,
      temperature: 0,
      top_k: 1,
      cache_prompt: false,
      return_tokens: true,
    };
    const answer = Completion.safeParse(await post(server, "/completion", body, context));
    if (answer.success && answer.data.tokens[0] === probe.next) alike++;
  }
  const message = `${alike} of ${next.length} next tokens are those of the model before its conversion`;
  return next.length > 0 && alike / next.length < PROBES_ALIKE
    ? error("conversion", message, "The conversion went wrong: use another llama.cpp (LLAMA_CPP_DIR), and report it.")
    : ok("conversion", message);
}

const Applied = z.object({ prompt: z.string() });

/** llama.cpp has a template engine of its own: what it makes of the template is compared with what was trained on. */
async function checkRendered(
  server: LlamaServer,
  { rendered }: Probes,
  bos: string | undefined,
  context: Context,
): Promise<Finding[]> {
  if (rendered.length === 0) return [];
  const bare = (text: string) => bos && text.startsWith(bos) ? text.slice(bos.length) : text;
  const different: string[] = [];
  for (const { messages, text } of rendered) {
    const answer = Applied.safeParse(await post(server, "/apply-template", { messages }, context));
    if (!answer.success) {
      return [warning("rendering", "this llama-server does not say how it renders a conversation", "Use a newer one.")];
    }
    if (bare(answer.data.prompt) !== bare(text)) different.push(answer.data.prompt);
  }
  return [
    different.length === 0
      ? ok("rendering", `${rendered.length} conversations are rendered as transformers does, to the byte`)
      : error(
        "rendering",
        `llama-server renders ${different.length} of ${rendered.length} conversations otherwise than transformers: ` +
          `${JSON.stringify(different[0]?.slice(0, 80))} instead of ${JSON.stringify(rendered[0]?.text.slice(0, 80))}`,
        "Its template engine lacks something that the template uses: simplify the template, or use a newer llama.cpp.",
      ),
  ];
}

async function post(server: LlamaServer, path: string, body: unknown, { fetch, signal }: Context): Promise<unknown> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  return await response.json().catch(() => undefined);
}

/**
 * Whether two models answer alike when both take the likeliest token every time. One different token leads elsewhere, so
 * the beginnings are what counts; the divergence over a text is the measure, this is for people to read.
 */
export function compareAnswers(before: readonly string[], after: readonly string[]): Finding {
  const silent = after.filter((answer, at) => answer === "" && before[at] !== "").length;
  if (silent > 0) {
    const message = `${silent} of ${after.length} questions get no answer any more`;
    return error("answers", message, "Quantise to a larger type.");
  }
  const words = (text: string | undefined) => (text ?? "").split(/\s+/).filter(Boolean);
  const common = before.map((answer, at) => {
    const [a, b] = [words(answer), words(after[at])];
    let same = 0;
    while (same < a.length && a[same] === b[same]) same++;
    return { same, of: Math.max(a.length, b.length) };
  });
  const equal = common.filter(({ same, of }) => same === of).length;
  const begun = common.filter(({ same, of }) => same > 0 || of === 0).length;
  const mean = common.reduce((sum, { same, of }) => sum + (of === 0 ? 1 : same / of), 0) / (common.length || 1);
  const message = `greedy answers: ${equal} of ${common.length} are equal, ${begun} begin alike, ` +
    `${Math.round(100 * mean)} % of the words before the first difference`;
  return begun * 2 >= common.length
    ? ok("answers", message)
    : warning("answers", message, "Read a few answers of both before you trust the smaller one.");
}
