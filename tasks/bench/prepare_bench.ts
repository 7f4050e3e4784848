/**
 * The step `gaea:prepare` on a manuscript of a million words, beside a plain Python program for the same job with Hugging
 * Face's tokenizers (Rust), on the same chunks and the same tokenizer, each in a process of its own.
 * By itself: `deno run -A tasks/bench/prepare_bench.ts [words]`.
 */
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { readEnvironment } from "@/core/env.ts";
import { ask } from "@/core/exec.ts";
import { readJsonl } from "@/core/jsonl.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { findPython, findToolchain, interpreterOf } from "@/core/python_venv.ts";
import { countWords, splitParagraphs } from "@/corpus/paragraphs.ts";
import { Work } from "@/records.ts";
import { prepare } from "@/steps/gaea/prepare.ts";
import { benchCorpus } from "./corpus.ts";
import type { BenchRow } from "./row.ts";

const WORDS = 1_000_000;
const CHUNK_WORDS = 1500;
const BYTES_A_WORD = 7;
const MINUTES = 60_000;
const TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";

const Measured = z.object({ seconds: z.number(), cpuSeconds: z.number(), examples: z.number(), tokens: z.number() });
type Measured = z.infer<typeof Measured>;

/** Both sides once on a folder of chunks. */
export async function prepareBench(words = WORDS): Promise<BenchRow[]> {
  const folder = await Deno.makeTempDir({ prefix: "prepare_bench_" });
  try {
    const chunks = join(folder, "chunks");
    const text = join(folder, "text.txt");
    const { source, written } = await writeChunks(folder, chunks, text, words);
    const found = await findToolchain("train", readEnvironment());
    const python = found && (await Deno.stat(found)).isDirectory ? interpreterOf(found) : found;
    const [plain, ...head] = (await findPython()).command;
    const script = fileURLToPath(new URL("prepare_peer.py", import.meta.url));
    const tokenizer = join(folder, "tokenizer");
    const trained = python !== undefined &&
      (await ask(python, [script, "train", text, tokenizer], 5 * MINUTES))?.code === 0;
    if (trained) await Deno.writeTextFile(join(tokenizer, "chat_template.jinja"), TEMPLATE);
    if (trained) await Deno.writeTextFile(join(tokenizer, "tokenizer_config.json"), "{}");
    const self = fileURLToPath(import.meta.url);
    const ours = await report(Deno.execPath(), [
      ...["run", "-A", "--config", join(WORKSPACE, "deno.json"), self, "--measure"],
      ...[chunks, join(folder, "ours.jsonl"), trained ? tokenizer : "o200k"],
    ]);
    if (typeof ours === "string") throw new Error(`Cannot measure preparing: ${ours}`);
    const args = [script, "prepare", chunks, join(folder, "theirs.jsonl"), tokenizer];
    const peer = trained ? await report(python, args) : await report(plain, [...head, ...args]);
    const told = ({ seconds, cpuSeconds, examples, tokens }: Measured) =>
      `${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s CPU), ${examples} examples` +
      (tokens > 0 ? `, ${tokens.toLocaleString("en")} tokens` : ", tokens not counted");
    return [{
      name: `gaea:prepare, ${written.toLocaleString("en")} words (${source})`,
      ours: told(ours),
      peer: typeof peer === "string" ? `Python not run: ${peer}` : `Python: ${told(peer)}`,
      ratio: typeof peer === "string" ? NaN : peer.seconds / ours.seconds,
      target: "< 3 s",
    }];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Chunks of whole paragraphs out of books; all of their text in one file, too. */
async function writeChunks(folder: string, chunks: string, text: string, words: number) {
  await Deno.mkdir(chunks);
  const corpus = await benchCorpus(folder, words * BYTES_A_WORD);
  let number = 0, written = 0, held = "", heldWords = 0, all = "";
  const flush = async () => {
    await Deno.writeTextFile(join(chunks, `chunk_${String(++number).padStart(4, "0")}.txt`), held);
    all += held + "\n";
    written += heldWords;
    [held, heldWords] = ["", 0];
  };
  for await (const work of readJsonl(corpus.path, Work)) {
    for (const { start, end } of splitParagraphs(work.text)) {
      if (written >= words) break;
      held += (held ? "\n\n" : "") + work.text.slice(start, end);
      heldWords += countWords(work.text, start, end);
      if (heldWords >= CHUNK_WORDS) await flush();
    }
  }
  await Deno.writeTextFile(text, all);
  return { source: corpus.source, written };
}

/** The JSON that a program prints, or why there is none. */
async function report(command: string, args: string[]): Promise<Measured | string> {
  const answer = await ask(command, args, 5 * MINUTES);
  if (answer?.code !== 0) return answer?.stderr.split("\n").at(-1) || "it did not end in 5 minutes";
  return Measured.parse(JSON.parse(answer.stdout));
}

/** Our side, in a fresh process; the libraries that it loads are counted, as Python's are. */
async function measure(input: string, output: string, tokenizer: string): Promise<Measured> {
  const context = {
    signal: new AbortController().signal,
    fetch,
    clock: { now: Date.now, sleep: () => Promise.resolve() },
    env: {},
    emit: () => {},
  };
  const began = performance.now();
  const before = process.cpuUsage();
  const options = { input, output, tokenizer, minTokens: 1, maxTokens: 100_000, sequenceLength: 100_000 };
  const { stats } = await prepare.run(prepare.options.parse(options), context);
  const used = process.cpuUsage(before);
  return {
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    examples: stats.examples.length,
    tokens: stats.examples.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}

if (import.meta.main) {
  const [first, ...rest] = Deno.args;
  const [input, output, tokenizer] = rest;
  if (first === "--measure" && input && output && tokenizer) {
    console.log(JSON.stringify(await measure(input, output, tokenizer)));
  } else console.table(await prepareBench(first ? Number(first) : undefined));
}
