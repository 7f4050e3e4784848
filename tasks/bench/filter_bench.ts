/**
 * Keyword counting on one core, and the steps `chunk` and `filter` from file to file on all cores, beside a plain Python
 * program for the same job and V8's own alternation, on the same books in the same run, each side in a process of its
 * own. By itself: `deno run -A tasks/bench/filter_bench.ts [megabytes]`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { z } from "zod";
import { ask } from "@/core/exec.ts";
import { readTextFile, writeFileAtomic } from "@/core/files.ts";
import { readLines } from "@/core/jsonl.ts";
import { presetPath, WORKSPACE } from "@/core/paths.ts";
import { findPython } from "@/core/python_venv.ts";
import { parseThemes, type Themes } from "@/corpus/themes.ts";
import { chunk } from "@/steps/chunk.ts";
import { filter } from "@/steps/filter.ts";
import { benchCorpus } from "./corpus.ts";
import { peakMegabytes } from "./peak.ts";
import type { BenchRow } from "./row.ts";

const MINUTE = 60_000;
/** Ours is over in seconds even so; Python would take half an hour and gets a part. */
const MEGABYTES = 1000;
const PEER_MEGABYTES = 3;
/** Best of so many passes, in seconds of CPU on both sides: other work on the machine only ever slows one down. */
const PASSES = 20;

/**
 * Runs of the steps over all of the input, of which the quickest counts. A machine that was lent its memory fetches it
 * while the first run writes; the others find it where the files of the run before were.
 */
const RUNS = 3;

const Step = z.object({ seconds: z.number(), peakMb: z.number() });
const Counted = z.object({ seconds: z.number(), matches: z.number(), bytes: z.number() });
const Python = z.object({
  countSeconds: z.number(),
  seconds: z.number(),
  chunks: z.number(),
  kept: z.number(),
  matches: z.number(),
  bytes: z.number(),
});
const PythonChunk = z.object({ seconds: z.number() });

/** The rows of the table; what the other side could not do is said in its column. */
export async function filterBench(megabytes = MEGABYTES): Promise<BenchRow[]> {
  const folder = await Deno.makeTempDir({ prefix: "filter_bench_" });
  try {
    const at = (name: string) => join(folder, name);
    const { path: works, source } = await benchCorpus(folder, megabytes * 1e6);
    const textBytes = await bytesOfTexts(works);
    const { chunked, filtered } = await bestRun(works, at("chunks.jsonl"), at("filtered.jsonl"));

    const part = await benchCorpus(await Deno.makeTempDir({ dir: folder }), PEER_MEGABYTES * 1e6);
    await ours(Step, "chunk", part.path, at("part.jsonl"));
    const count = await ours(Counted, "count", at("part.jsonl"), "");
    const v8 = await ours(Counted, "count-v8", at("part.jsonl"), "");
    const themes = await presetThemes();
    await writeFileAtomic(at("themes.json"), JSON.stringify(patternsByCategory(themes)));
    const pythonChunk = await python(PythonChunk, "chunk_peer.py", part.path, at("python.jsonl"));
    const peer = await python(Python, "filter_peer.py", at("themes.json"), at("part.jsonl"), at("out.jsonl"));

    const rate = (bytes: number, seconds: number) => bytes / 1e6 / seconds;
    const shown = (rate: number) => `${rate.toFixed(rate < 10 ? 2 : 0)} MB/s`;
    const counting = rate(count.bytes, count.seconds);
    const [peerCounting, peerSteps] = typeof peer === "string" ? [peer, peer] : [
      rate(peer.bytes, peer.countSeconds),
      typeof pythonChunk === "string" ? pythonChunk : rate(peer.bytes, peer.seconds + pythonChunk.seconds),
    ];
    const beside = (rate: number | string) => typeof rate === "string" ? `not run: ${rate}` : shown(rate);
    const times = (mine: number, theirs: number | string) => typeof theirs === "string" ? NaN : mine / theirs;
    const steps = rate(textBytes, chunked.seconds + filtered.seconds);
    const patterns = `${themes.patterns.length} patterns`;
    return [
      {
        name: `counting keywords, one core (${patterns})`,
        ours: `${shown(counting)}, ${count.matches} matches`,
        peer: `Python re: ${beside(peerCounting)}${typeof peer === "string" ? "" : `, ${peer.matches} matches`}`,
        ratio: times(counting, peerCounting),
        target: "≥ 80×, ≥ 200 MB/s",
      },
      {
        name: "counting keywords, one core",
        ours: shown(counting),
        peer: `V8's own alternation: ${shown(rate(v8.bytes, v8.seconds))}, ${v8.matches} matches`,
        ratio: v8.seconds / count.seconds,
      },
      {
        name: `chunk + filter, file to file, best of ${RUNS} (${(textBytes / 1e6).toFixed(0)} MB of text: ${source})`,
        ours: `${shown(steps)} (chunk ${chunked.seconds.toFixed(1)} s, filter ${filtered.seconds.toFixed(1)} s)`,
        peer: `Python, one process: ${beside(peerSteps)}`,
        ratio: times(steps, peerSteps),
        target: "≥ 100 MB/s",
      },
      {
        name: "filter, peak memory of the process",
        ours: `${filtered.peakMb.toFixed(0)} MB`,
        peer: "the target",
        ratio: 300 / filtered.peakMb,
        target: "< 300 MB",
      },
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Run {
  chunked: z.infer<typeof Step>;
  filtered: z.infer<typeof Step>;
}

async function bestRun(works: string, chunks: string, kept: string): Promise<Run> {
  const secondsOf = ({ chunked, filtered }: Run) => chunked.seconds + filtered.seconds;
  let best: Run | undefined;
  for (let run = 0; run < RUNS; run++) {
    if (run > 0) { for (const path of [chunks, kept]) await Deno.remove(path); }
    const chunked = await ours(Step, "chunk", works, chunks);
    const next = { chunked, filtered: await ours(Step, "filter", chunks, kept) };
    if (!best || secondsOf(next) < secondsOf(best)) best = next;
  }
  return best!;
}

async function bytesOfTexts(works: string): Promise<number> {
  const encoder = new TextEncoder();
  const Row = z.object({ text: z.string() });
  let sum = 0;
  for await (const { bytes } of readLines(works)) {
    sum += encoder.encode(Row.parse(JSON.parse(new TextDecoder().decode(bytes))).text).length;
  }
  return sum;
}

async function presetThemes(): Promise<Themes> {
  const path = presetPath("deepred/themes.jsonc");
  return parseThemes(await readTextFile(path), path);
}

function patternsByCategory({ categories, patterns }: Themes): Record<string, string[]> {
  return Object.fromEntries(categories.map((name, index) => [
    name,
    patterns.filter(({ category }) => category === index).map(({ pattern }) => pattern),
  ]));
}

/** A part of our side, in a fresh process. @throws {Error} it failed: then there is nothing to show. */
async function ours<T>(schema: z.ZodType<T>, part: string, input: string, output: string): Promise<T> {
  const self = fileURLToPath(import.meta.url);
  const config = join(WORKSPACE, "deno.json");
  const args = ["run", "-A", "--config", config, self, "--measure", part, input, output];
  const result = await report(schema, Deno.execPath(), args);
  if (typeof result === "string") throw new Error(`Cannot measure "${part}": ${result}`);
  return result;
}

async function python<T>(schema: z.ZodType<T>, script: string, ...args: string[]): Promise<T | string> {
  const [command, ...head] = (await findPython()).command;
  return await report(schema, command, [...head, fileURLToPath(new URL(script, import.meta.url)), ...args]);
}

/** The JSON that a program prints, or why there is none. */
async function report<T>(schema: z.ZodType<T>, command: string, args: string[]): Promise<T | string> {
  const answer = await ask(command, args, 10 * MINUTE);
  if (answer?.code !== 0) return answer?.stderr.split("\n").at(-1) || "it did not end in 10 minutes";
  return schema.parse(JSON.parse(answer.stdout));
}

async function measureStep(part: string, input: string, output: string): Promise<z.infer<typeof Step>> {
  const context = {
    signal: new AbortController().signal,
    fetch,
    clock: { now: Date.now, sleep: () => Promise.resolve() },
    env: {},
    emit: () => {},
  };
  const began = performance.now();
  if (part === "chunk") await chunk.run(chunk.options.parse({ input, output }), context);
  else await filter.run(filter.options.parse({ input, output }), context);
  return { seconds: (performance.now() - began) / 1000, peakMb: peakMegabytes() };
}

async function measureCounting(part: string, chunks: string): Promise<z.infer<typeof Counted>> {
  const texts = (await readTextFile(chunks)).trimEnd().split("\n")
    .map((line) => z.object({ text: z.string() }).parse(JSON.parse(line)).text);
  const encoder = new TextEncoder();
  const bytes = texts.reduce((sum, text) => sum + encoder.encode(text).length, 0);
  const themes = await presetThemes();
  // Ours as the step does it: on JSON that nobody has decoded.
  const strings = encoder.encode(texts.map((text) => JSON.stringify(text)).join("\n"));
  const ours = () => {
    const { json } = themes;
    let matches = 0;
    json.load(strings);
    for (let at = 1; at < strings.length;) {
      at = json.scan(at) + '"\n"'.length;
      matches += json.hits.length;
    }
    return matches;
  };
  const alternations = Object.values(patternsByCategory(themes))
    .map((patterns) => new RegExp(`\\b(?:${patterns.join("|")})\\b`, "gi"));
  const v8 = () => {
    let matches = 0;
    for (const text of texts) {
      for (const alternation of alternations) for (const _ of text.matchAll(alternation)) matches++;
    }
    return matches;
  };
  const count = part === "count" ? ours : v8;
  let seconds = Infinity;
  let matches = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    const began = process.cpuUsage();
    matches = count();
    const { user, system } = process.cpuUsage(began);
    seconds = Math.min(seconds, (user + system) / 1e6);
  }
  return { seconds, matches, bytes };
}

if (import.meta.main) {
  const [first, part, input, output] = Deno.args;
  if (first === "--measure" && part && input) {
    const counts = part.startsWith("count");
    console.log(
      JSON.stringify(counts ? await measureCounting(part, input) : await measureStep(part, input, output ?? "")),
    );
  } else console.table(await filterBench(first ? Number(first) : undefined));
}
