/** Folders of runs as trainings leave them. */
import { join } from "node:path";
import { Recipe } from "@/training/recipe.ts";
import { type RunRecord, type RunState, writeJson } from "@/training/run_file.ts";

export function record(change: Partial<RunRecord> = {}, recipe: Partial<Recipe> = {}): RunRecord {
  return {
    version: 1,
    voiceworks: "0",
    created: "2026-01-01T00:00:00.000Z",
    recipeName: "temporal",
    recipe: { ...Recipe.parse({}), ...recipe },
    base: { kind: "tiny", name: "tiny", path: "/tiny" },
    dataset: { path: "/d", split: "book", train: { rows: 86, sha256: "a".repeat(64) } },
    processes: 1,
    env: {},
    ...change,
  };
}

export function state(change: Partial<RunState> = {}): RunState {
  return {
    state: "complete",
    started: "2026-01-02T00:00:00.000Z",
    ended: "2026-01-02T01:00:00.000Z",
    pid: 1,
    step: 30,
    maxSteps: 30,
    resumedFrom: [],
    metrics: {},
    ...change,
  };
}

/** A run's folder as a training leaves it. */
export async function writeRun(folder: string, run: { record?: RunRecord; state?: RunState; events?: string }) {
  await Deno.mkdir(folder, { recursive: true });
  if (run.record) await writeJson(join(folder, "recipe.json"), run.record);
  if (run.state) await writeJson(join(folder, "run.json"), run.state);
  if (run.events !== undefined) await Deno.writeTextFile(join(folder, "events.jsonl"), run.events);
}
