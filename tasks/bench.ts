/**
 * Measures against named peers, in the same run on the same input; a ratio says more than a second does on a noisy machine.
 * Run as: deno task bench [name…] [--write]
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { enter } from "@/core/door.ts";
import { UsageError } from "@/core/errors.ts";
import { readTextFile, writeFileAtomic } from "@/core/files.ts";
import { helpText } from "@/core/help.ts";
import { checkOptions, flagsOf, readFlags } from "@/core/options.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { textTable } from "@/core/text_table.ts";
import type { BenchRow } from "./bench/row.ts";

/** Loaded by name, so that one bench does not wait for what another needs. */
const BENCHES: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  chunk: async () => await (await import("./bench/chunk_bench.ts")).chunkBench(),
  scheduler: async () => await (await import("./bench/scheduler_bench.ts")).schedulerBench(),
  duplicates: async () => await (await import("./bench/duplicates_bench.ts")).duplicatesBench(),
  prepare: async () => await (await import("./bench/prepare_bench.ts")).prepareBench(),
  generate: async () => await (await import("./bench/generate_bench.ts")).generateBench(),
  filter: async () => await (await import("./bench/filter_bench.ts")).filterBench(),
  style: async () => await (await import("./bench/style_bench.ts")).styleBench(),
  train: async () => await (await import("./bench/train_bench.ts")).trainBench(),
};

const Options = z.object({
  write: z.boolean().default(false).describe("Put the figures into README.md"),
});

await enter(async () => {
  const flags = flagsOf(Options);
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    const usage = `deno task bench [${Object.keys(BENCHES).join("|")}…] [options]`;
    return console.log(helpText(usage, "Measures, each figure beside a named peer in the same run.", flags));
  }
  const { values, positional, faults } = readFlags(flags, Deno.args);
  const unknown = positional.filter((name) => !(name in BENCHES));
  const options = checkOptions(Options, values, [
    ...faults,
    ...unknown.map((name) => `Unknown bench "${name}": there are ${Object.keys(BENCHES).join(", ")}`),
  ]);
  if (options.write && positional.length > 0) {
    throw new UsageError("Cannot write a part into README.md: run all benches");
  }
  const rows: BenchRow[] = [];
  for (const [name, run] of Object.entries(BENCHES)) {
    if (positional.length > 0 && !positional.includes(name)) continue;
    console.error(`bench ${name} …`);
    rows.push(...await run());
  }
  const machine = machineLine();
  const cells = rows.map((
    row,
  ) => [row.name, row.ours, row.peer, `${row.ratio.toFixed(row.ratio < 2 ? 3 : 1)}×`, row.target ?? ""]);
  console.log(`${machine}\n\n${textTable(["What", "Voiceworks", "Peer", "Ratio", "Target"], cells)}`);
  if (!options.write) return;
  const path = join(WORKSPACE, "README.md");
  const table = [
    "| What | Voiceworks | Peer | Ratio | Target |",
    "|---|---|---|---|---|",
    ...cells.map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`),
  ].join("\n");
  const text = (await readTextFile(path)).replace(
    /(<!-- bench -->\n)[^]*?(<!-- \/bench -->)/,
    (_, open: string, close: string) => `${open}\n${machine}\n\n${table}\n\n${close}`,
  );
  await writeFileAtomic(path, text);
});

function machineLine(): string {
  const [first] = cpus();
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return `${cpus().length} cores (${
    first?.model.trim() ?? "unknown"
  }), ${memory} GiB, ${Deno.build.os}, Deno ${Deno.version.deno}.`;
}
