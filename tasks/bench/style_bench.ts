/**
 * All measures of style on twice 10,000 words with 1,000 resamples, beside a plain Python program on NumPy and SciPy that
 * does the four channels of the transfer score alone; same texts, same run, each side in a process of its own.
 * By itself: `deno run -A tasks/bench/style_bench.ts`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { z } from "zod";
import { readEnvironment } from "@/core/env.ts";
import { messageOf } from "@/core/errors.ts";
import { ask } from "@/core/exec.ts";
import { readTextFile, writeFileAtomic } from "@/core/files.ts";
import { readJsonl } from "@/core/jsonl.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { pythonFor } from "@/core/python_venv.ts";
import { emitAll } from "@/core/step.ts";
import { systemClock } from "@/core/clock.ts";
import { compareStyle, type StyleInput } from "@/evaluation/style/compare.ts";
import { cutPieces } from "@/evaluation/style/pieces.ts";
import { loadTagger } from "@/evaluation/style/tagger.ts";
import { wordsOf } from "@/evaluation/style/words.ts";
import { Work } from "@/records.ts";
import { impostersFrom } from "@/steps/gaea/imposters.ts";
import { benchCorpus } from "./corpus.ts";
import type { BenchRow } from "./row.ts";

const MINUTE = 60_000;
const WORDS = 10_000, PASSAGE = 400, RESAMPLES = 1000;

const Ours = z.object({ seconds: z.number(), first: z.number(), transfer: z.number().nullable() });
const Theirs = z.object({ seconds: z.number(), transfer: z.number() });
const Input = z.object({
  author: z.object({ train: z.array(z.string()), ref: z.array(z.string()), hold: z.array(z.string()) }),
  base: z.array(z.object({ id: z.string(), text: z.string() })),
  tuned: z.array(z.object({ id: z.string(), text: z.string() })),
  words: z.array(z.string()),
  trigrams: z.array(z.string()),
});

/** The row of the table; what the other side could not do is said in its column. */
export async function styleBench(): Promise<BenchRow[]> {
  const folder = await Deno.makeTempDir({ prefix: "style_bench_" });
  try {
    const path = join(folder, "texts.json");
    const { source, texts } = await inputOf(folder);
    await writeFileAtomic(path, JSON.stringify(texts));
    const self = fileURLToPath(import.meta.url);
    const config = join(WORKSPACE, "deno.json");
    const ours = await report(Ours, Deno.execPath(), ["run", "-A", "--config", config, self, "--measure", path]);
    if (typeof ours === "string") throw new Error(`Cannot measure style: ${ours}`);
    const python = await peerPython();
    const script = fileURLToPath(new URL("style_peer.py", import.meta.url));
    const peer = "why" in python ? python.why : await report(Theirs, python.path, [script, path, String(RESAMPLES)]);
    const score = (value: number | null) => value === null ? "no score" : `score ${value.toFixed(2)}`;
    return [{
      name: `style: all measures, 2 × ${WORDS.toLocaleString("en")} words, ${RESAMPLES} resamples (longest books of ${
        source.split(",")[0]
      })`,
      ours: `${ours.seconds.toFixed(1)} s of CPU (${ours.first.toFixed(1)} s with loading), ${score(ours.transfer)}`,
      peer: typeof peer === "string"
        ? `not run: ${peer}`
        : `NumPy and SciPy, 4 channels of 14: ${peer.seconds.toFixed(1)} s of CPU, ${score(peer.transfer)}`,
      ratio: typeof peer === "string" ? NaN : peer.seconds / ours.seconds,
      target: "< 5 s",
    }];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The longest book is the author's, the next the base's, shorter ones where those do not suffice; the tuned model is half of each. */
async function inputOf(folder: string): Promise<{ source: string; texts: z.infer<typeof Input> }> {
  const { path, source } = await benchCorpus(folder, 1);
  const works = (await Array.fromAsync(readJsonl(path, Work))).sort((a, b) => b.words - a.words);
  const passages = (parity: number) =>
    works.filter((_, at) => at % 2 === parity).slice(0, 2).flatMap(({ text }) =>
      cutPieces(text.slice(0, 400_000), PASSAGE)
    );
  const own = passages(0), other = passages(1);
  const take = (texts: readonly string[], from: number, step: number) => {
    const taken: string[] = [];
    for (let at = from, words = 0; at < texts.length && words < WORDS; at += step) {
      taken.push(texts[at] ?? "");
      words += wordsOf(texts[at] ?? "").length;
    }
    return taken;
  };
  const row = (text: string, at: number) => ({ id: String(at), text });
  const mine = take(own, 3, 4);
  const { background } = await impostersFrom(undefined);
  return {
    source,
    texts: {
      author: { train: take(own, 0, 4), ref: take(own, 1, 4), hold: take(own, 2, 4) },
      base: take(other, 0, 2).map(row),
      tuned: take(other, 1, 2).map((text, at) => at % 2 === 0 ? text : mine[at] ?? text).map(row),
      words: [...background.words],
      trigrams: [...background.trigrams],
    },
  };
}

/** The JSON that a program prints, or why there is none. */
async function report<T>(schema: z.ZodType<T>, command: string, args: string[]): Promise<T | string> {
  const answer = await ask(command, args, 15 * MINUTE);
  if (answer?.code !== 0) return answer?.stderr.split("\n").at(-1) || "it did not end in 15 minutes";
  return schema.parse(JSON.parse(answer.stdout));
}

async function peerPython(): Promise<{ path: string } | { why: string }> {
  const context = {
    signal: new AbortController().signal,
    fetch,
    clock: systemClock,
    env: readEnvironment(),
    emit() {},
  };
  try {
    const pins = join(WORKSPACE, "tests", "evaluation", "style", "requirements-peers.txt");
    return { path: await emitAll(pythonFor("peers", context, pins), context) };
  } catch (error) {
    return { why: messageOf(error).split("\n")[0] ?? "" };
  }
}

/** Our side, in a fresh process: once with all that is loaded, then the best of three. */
async function measure(path: string): Promise<z.infer<typeof Ours>> {
  const { author, base, tuned } = Input.parse(JSON.parse(await readTextFile(path)));
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const begun = cpu();
  const [{ imposters, background }, tag] = await Promise.all([impostersFrom(undefined), loadTagger()]);
  const input: StyleInput = { author, base, tuned, paired: true, imposters, background };
  const run = () => compareStyle(input, { seed: 1, tag, resamples: RESAMPLES }).transfer.score?.estimate ?? null;
  const transfer = run();
  const first = cpu() - begun;
  let seconds = Infinity;
  for (let pass = 0; pass < 3; pass++) {
    const from = cpu();
    run();
    seconds = Math.min(seconds, cpu() - from);
  }
  return { seconds, first, transfer };
}

if (import.meta.main) {
  const [flag, path] = Deno.args;
  if (flag === "--measure" && path) console.log(JSON.stringify(await measure(path)));
  else console.table(await styleBench());
}
