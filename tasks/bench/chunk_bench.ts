/**
 * The step `chunk`, file to file on all cores, beside a plain Python program for the same job, on the same works in the
 * same run, each in a process of its own. By itself: `deno run -A tasks/bench/chunk_bench.ts [megabytes]`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ask } from "@/core/exec.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { findPython } from "@/core/python_venv.ts";
import { chunk } from "@/steps/chunk.ts";
import { benchCorpus } from "./corpus.ts";
import { peakMegabytes } from "./peak.ts";
import type { BenchRow } from "./row.ts";

const MINUTE = 60_000;
const MEGABYTES = 200;

const Ours = z.object({ seconds: z.number(), peakMb: z.number(), chunks: z.number() });
const Theirs = z.object({ seconds: z.number(), chunks: z.number() });

/** Both sides once on a file of works; ours in bytes of the input a second. */
export async function chunkBench(megabytes = MEGABYTES): Promise<BenchRow[]> {
  const folder = await Deno.makeTempDir({ prefix: "chunk_bench_" });
  try {
    const { path, bytes, source } = await benchCorpus(folder, megabytes * 1e6);
    const self = fileURLToPath(import.meta.url);
    const config = join(WORKSPACE, "deno.json");
    const ours = await report(Ours, Deno.execPath(), [
      ...["run", "-A", "--config", config, self, "--measure", path, join(folder, "ours.jsonl")],
    ]);
    if (typeof ours === "string") throw new Error(`Cannot measure chunking: ${ours}`);
    const script = fileURLToPath(new URL("chunk_peer.py", import.meta.url));
    const [python, ...head] = (await findPython()).command;
    const peer = await report(Theirs, python, [...head, script, path, join(folder, "theirs.jsonl")]);
    const rate = (seconds: number) => `${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
    const name = `chunk, file to file (${(bytes / 1e6).toFixed(0)} MB: ${source})`;
    const missing = typeof peer === "string" ? `Python not run: ${peer}` : "";
    return [
      {
        name,
        ours: `${rate(ours.seconds)}, ${ours.chunks} chunks`,
        peer: typeof peer === "string" ? missing : `Python, one process: ${rate(peer.seconds)}, ${peer.chunks} chunks`,
        ratio: typeof peer === "string" ? NaN : peer.seconds / ours.seconds,
        target: "≥ 100 MB/s with filter",
      },
      {
        name: "chunk, peak memory of the process",
        ours: `${ours.peakMb.toFixed(0)} MB`,
        peer: "the target",
        ratio: 300 / ours.peakMb,
        target: "< 300 MB",
      },
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The JSON that a program prints, or why there is none. */
async function report<T>(schema: z.ZodType<T>, command: string, args: string[]): Promise<T | string> {
  const answer = await ask(command, args, 5 * MINUTE);
  if (answer?.code !== 0) return answer?.stderr.split("\n").at(-1) || "it did not end in 5 minutes";
  return schema.parse(JSON.parse(answer.stdout));
}

/** Our side, in a fresh process. */
async function measure(input: string, output: string): Promise<z.infer<typeof Ours>> {
  const context = {
    signal: new AbortController().signal,
    fetch,
    clock: { now: Date.now, sleep: () => Promise.resolve() },
    env: {},
    emit: () => {},
  };
  const began = performance.now();
  const { chunks } = await chunk.run(chunk.options.parse({ input, output }), context);
  return { seconds: (performance.now() - began) / 1000, peakMb: peakMegabytes(), chunks };
}

if (import.meta.main) {
  const [first, input, output] = Deno.args;
  if (first === "--measure" && input && output) console.log(JSON.stringify(await measure(input, output)));
  else console.table(await chunkBench(first ? Number(first) : undefined));
}
