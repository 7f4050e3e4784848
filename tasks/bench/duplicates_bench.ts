/**
 * Near-duplicates of 100,000 examples: `lib/dialogue/minhash.ts` beside Python's datasketch, on the same texts in the
 * same run, each in a process of its own. By itself: `deno run -A tasks/bench/duplicates_bench.ts [examples]`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { z } from "zod";
import { readEnvironment } from "@/core/env.ts";
import { ask } from "@/core/exec.ts";
import { createJsonl, readJsonl } from "@/core/jsonl.ts";
import { cacheDir, WORKSPACE } from "@/core/paths.ts";
import { findPython, interpreterOf } from "@/core/python_venv.ts";
import { createDuplicateIndex } from "@/dialogue/minhash.ts";
import { clusterDuplicates } from "@/dialogue/minhash_clusters.ts";
import { type Planted, plantedTexts } from "./duplicates_texts.ts";
import type { BenchRow } from "./row.ts";

const PEER = "datasketch==2.0.0";
const MINUTES = 60_000;

/** Nearest earlier text by text, for those that have one. */
const Found = z.record(z.string(), z.number());
const Timed = { seconds: z.number(), cpuSeconds: z.number(), found: Found };
const Ours = z.object({ ...Timed, peakMb: z.number(), clusterSeconds: z.number(), clusters: z.array(z.number()) });
const Theirs = z.object({ ...Timed, peakMb: z.number().nullable() });

/** The rows of the table; what the other side could not do is said in its column. */
export async function duplicatesBench(examples = 100_000): Promise<BenchRow[]> {
  const planted = await plantedTexts(examples, 1969);
  const dir = await Deno.makeTempDir({ prefix: "duplicates_bench_" });
  try {
    const path = join(dir, "texts.jsonl");
    const writer = await createJsonl(path);
    for (const text of planted.texts) await writer.write(text);
    await writer.commit();
    await writer[Symbol.asyncDispose]();
    const self = fileURLToPath(import.meta.url);
    const ours = await report(Ours, Deno.execPath(), [
      ...["run", "-A", "--config", join(WORKSPACE, "deno.json"), self, "--measure", path],
    ]);
    if (typeof ours === "string") throw new Error(`Cannot measure near-duplicates: ${ours}`);
    const stream = await report(z.number(), Deno.execPath(), [
      ...["run", "-A", "--config", join(WORKSPACE, "deno.json"), self, "--memory", path],
    ]);
    if (typeof stream === "string") throw new Error(`Cannot measure memory: ${stream}`);
    const python = await peerPython();
    const script = fileURLToPath(new URL("duplicates_peer.py", import.meta.url));
    const peer = python.ok ? await report(Theirs, python.path, [script, path]) : python.why;
    return rows(planted, { ...ours, streamMb: stream }, peer);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function rows(
  planted: Planted,
  ours: z.infer<typeof Ours> & { streamMb: number },
  peer: z.infer<typeof Theirs> | string,
): BenchRow[] {
  const count = planted.texts.length.toLocaleString("en");
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  const mb = (value: number) => `${value.toFixed(0)} MB`;
  const quality = (found: z.infer<typeof Found>) => {
    const { recall, precision } = judge(planted, found);
    return `recall ${recall.toFixed(4)}, precision ${precision.toFixed(4)}`;
  };
  const time = (side: { seconds: number; cpuSeconds: number; found: z.infer<typeof Found> }) =>
    `${seconds(side.seconds)} (${seconds(side.cpuSeconds)} CPU), ${quality(side.found)}`;
  const against = (mine: number, theirs: number | null | undefined) => theirs ? theirs / mine : NaN;
  const theirs = typeof peer === "string" ? undefined : peer;
  const missing = typeof peer === "string" ? `not run: ${peer}` : "";
  return [
    {
      name: `near-duplicates of ${count} examples, one by one`,
      ours: time(ours),
      peer: theirs ? time(theirs) : missing,
      ratio: against(ours.seconds, theirs?.seconds),
      target: "< 5 s, recall ≥ 0.99 at 0.8, precision 1",
    },
    {
      name: `clusters of ${count} examples`,
      ours: `${seconds(ours.clusterSeconds)}, recall ${clusterRecall(planted, ours.clusters).toFixed(4)}`,
      peer: theirs ? `${seconds(theirs.seconds)} (pairs only)` : missing,
      ratio: against(ours.clusterSeconds, theirs?.seconds),
      target: "< 5 s",
    },
    {
      name: `near-duplicates of ${count} examples, peak memory`,
      ours: `${mb(ours.streamMb)} with texts as they come, ${mb(ours.peakMb)} with all in memory`,
      peer: theirs ? (theirs.peakMb === null ? "not known" : `${mb(theirs.peakMb)} with all in memory`) : missing,
      ratio: against(ours.peakMb, theirs?.peakMb),
      target: "< 300 MB",
    },
  ];
}

/** 5-grams by the plain way, to judge both sides. */
function shingles(text: string): Set<string> {
  const words = text.toLowerCase().replace(/['’]/g, "").match(/[\p{L}\p{N}]+/gu) ?? [];
  const set = new Set<string>();
  for (let at = 0; at === 0 || at + 5 <= words.length; at++) set.add(words.slice(at, at + 5).join(" "));
  return set;
}

function jaccard({ texts }: Planted, a: number, b: number): number {
  const first = shingles(texts[a] ?? ""), second = shingles(texts[b] ?? "");
  const shared = first.intersection(second).size;
  return shared / (first.size + second.size - shared);
}

/** Planted near-duplicates from similarity 0.8 up that were found; reported ones that are at 0.7 or above. */
function judge(planted: Planted, found: z.infer<typeof Found>): { recall: number; precision: number } {
  const due = strongPairs(planted);
  const reported = Object.entries(found);
  const right = reported.filter(([index, nearest]) => jaccard(planted, Number(index), nearest) >= 0.7);
  return {
    recall: due.filter(([index]) => found[index] !== undefined).length / due.length,
    precision: right.length / reported.length,
  };
}

function clusterRecall(planted: Planted, clusters: readonly number[]): number {
  const due = strongPairs(planted);
  return due.filter(([index, from]) => clusters[index] === clusters[from]).length / due.length;
}

function strongPairs(planted: Planted): [index: number, from: number][] {
  const pairs: [number, number][] = [];
  for (const [index, from] of planted.source.entries()) {
    if (from !== undefined && jaccard(planted, index, from) >= 0.8) pairs.push([index, from]);
  }
  return pairs;
}

/** The JSON that a program prints, or why there is none. */
async function report<T>(schema: z.ZodType<T>, command: string, args: string[]): Promise<T | string> {
  const answer = await ask(command, args, 20 * MINUTES);
  if (answer?.code !== 0) return answer?.stderr.split("\n").at(-1) || "it did not end in 20 minutes";
  return schema.parse(JSON.parse(answer.stdout));
}

/** A Python with the other side's packages, in a virtual environment in the cache folder; made once. */
async function peerPython(): Promise<{ ok: true; path: string } | { ok: false; why: string }> {
  const venv = join(cacheDir(readEnvironment()), "venv", `bench-${PEER.replace("==", "-")}`);
  const path = interpreterOf(venv);
  const ready = async () => (await ask(path, ["-c", "import datasketch"], MINUTES))?.code === 0;
  if (await ready()) return { ok: true, path };
  try {
    const [program, ...head] = (await findPython()).command;
    await ask(program, [...head, "-m", "venv", venv], 5 * MINUTES);
    const pip = await ask(path, ["-m", "pip", "install", "--no-input", "--quiet", PEER], 10 * MINUTES);
    if (await ready()) return { ok: true, path };
    return { ok: false, why: `pip could not install ${PEER}: ${pip?.stderr.split("\n").at(-1) ?? "no answer"}` };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : `${error}` };
  }
}

/** Our side, in a fresh process: once as `generate` does it, once in a batch. The texts are in memory before. */
async function measure(path: string): Promise<z.infer<typeof Ours>> {
  const texts = await Array.fromAsync(readJsonl(path, z.string()));
  const cpu = process.cpuUsage();
  const found: z.infer<typeof Found> = {};
  let begun = performance.now();
  const index = createDuplicateIndex<number>();
  for (const [at, text] of texts.entries()) {
    const near = index.find(text);
    if (near) found[at] = near.id;
    index.add(at, text);
  }
  const seconds = (performance.now() - begun) / 1000;
  const used = process.cpuUsage(cpu);
  const peakMb = await peak();
  begun = performance.now();
  const clusters = clusterDuplicates(texts);
  const clusterSeconds = (performance.now() - begun) / 1000;
  return { seconds, cpuSeconds: (used.user + used.system) / 1e6, peakMb, found, clusterSeconds, clusters };
}

/** Peak memory of a fresh process that keeps no text. */
async function measureMemory(path: string): Promise<number> {
  const index = createDuplicateIndex<number>();
  for await (const text of readJsonl(path, z.string())) {
    index.find(text);
    index.add(index.size, text);
  }
  return await peak();
}

/** Most memory of this process so far, in MB. `maxRSS` counts, on Linux, what the parent held when it started us. */
async function peak(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status").catch(() => "");
  const kb = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  return (kb ? Number(kb) * 1024 : process.resourceUsage().maxRSS * 1024) / 1e6;
}

if (import.meta.main) {
  const [first, path] = Deno.args;
  if (first === "--measure" && path) console.log(JSON.stringify(await measure(path)));
  else if (first === "--memory" && path) console.log(JSON.stringify(await measureMemory(path)));
  else console.table(await duplicatesBench(first ? Number(first) : undefined));
}
