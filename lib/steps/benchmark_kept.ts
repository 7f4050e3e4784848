/** What a benchmark has measured, kept until its results are written: one that was stopped goes on where it was. */
import { z } from "zod";
import { exists, sha256 } from "../core/files.ts";
import { counted } from "../core/format.ts";
import { readJsonl, writeJsonl } from "../core/jsonl.ts";
import { openJsonlLog } from "../core/jsonl_log.ts";
import { BenchmarkRow } from "./benchmark_file.ts";
import type { Bench } from "./benchmark_measure.ts";

const Kept = z.object({
  /** Of all that makes a difference to the measurement. */
  settings: z.string(),
  time: z.string(),
  row: BenchmarkRow,
});

/** Rows of models that were measured. */
export interface KeptRows {
  /** A row of an earlier run by the same settings. */
  of(model: string): BenchmarkRow | undefined;
  /** Durable when it resolves. A model that failed is not kept, but tried again. */
  keep(row: BenchmarkRow): Promise<void>;
  /** Tells what is kept, to one who ends before there are results. */
  tell(): void;
  /** Drops rows that stand in results; those by other settings or of other models stay. */
  drop(rows: readonly BenchmarkRow[]): Promise<void>;
}

/** @throws {UserError} the file cannot be read, or holds something else. */
export async function openKeptRows(path: string, bench: Bench): Promise<KeptRows> {
  const { context: { clock, emit, signal } } = bench;
  const settings = settingsOf(bench);
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  const all = await exists(path) ? await Array.fromAsync(readJsonl(path, Kept, { signal, onTorn })) : [];
  const own = new Map(all.filter((kept) => kept.settings === settings).map((kept) => [kept.row.model, kept]));
  return {
    of(model) {
      const kept = own.get(model);
      if (!kept) return undefined;
      const message =
        `${model} was measured at ${kept.time} by a run that did not end; delete "${path}" to do it again`;
      emit({ type: "log", level: "info", message });
      return kept.row;
    },
    async keep(row) {
      if (row.error !== undefined) return;
      const kept = { settings, time: new Date(clock.now()).toISOString(), row };
      using log = await openJsonlLog(path);
      await log.add(kept);
      all.push(kept);
      own.set(row.model, kept);
    },
    tell() {
      if (own.size === 0) return;
      const models = counted(own.size, "measured model");
      const message = `${models} kept in "${path}": the same command goes on from there`;
      emit({ type: "log", level: "info", message });
    },
    async drop(rows) {
      const done = new Set(rows.map(({ model }) => model));
      const rest = all.filter((kept) => kept.settings !== settings || !done.has(kept.row.model));
      if (rest.length > 0) await writeJsonl(path, rest);
      else if (all.length > 0) await Deno.remove(path);
    },
  };
}

function settingsOf({ server, preset, personas, options }: Bench): string {
  const { benchmarkExamples, benchmarkMaxTokens, runs, temperature, contextLength, seed } = options;
  const asked = { benchmarkExamples, benchmarkMaxTokens, runs, temperature, contextLength, seed };
  return sha256(JSON.stringify([server.address.shown, asked, preset, personas]));
}
