/** The registry of steps: a task, a heading and a table row each. Loaded by name, so that `--help` stays light. */
import { closest } from "fastest-levenshtein";
import { UsageError } from "../core/errors.ts";
import type { Step } from "../core/step.ts";

const LOADERS: Readonly<Record<string, () => Promise<Step>>> = {
  doctor: async () => (await import("./doctor.ts")).doctor,
  retrieve: async () => (await import("./retrieve.ts")).retrieve,
  chunk: async () => (await import("./chunk.ts")).chunk,
  filter: async () => (await import("./filter.ts")).filter,
  align: async () => (await import("./align.ts")).align,
  generate: async () => (await import("./generate.ts")).generate,
  gate: async () => (await import("./gate.ts")).gate,
  benchmark: async () => (await import("./benchmark.ts")).benchmark,
  browse: async () => (await import("./browse.ts")).browse,
  split: async () => (await import("./split.ts")).split,
  export: async () => (await import("./export.ts")).exportStep,
  train: async () => (await import("./train.ts")).train,
  runs: async () => (await import("./runs.ts")).runs,
  merge: async () => (await import("./merge.ts")).merge,
  gguf: async () => (await import("./gguf.ts")).gguf,
  deploy: async () => (await import("./deploy.ts")).deploy,
  evaluate: async () => (await import("./evaluate.ts")).evaluate,
  "gaea:curate": async () => (await import("./gaea/curate.ts")).curateStep,
  "gaea:prepare": async () => (await import("./gaea/prepare.ts")).prepare,
  "gaea:check-prefixes": async () => (await import("./gaea/check_prefixes.ts")).checkPrefixes,
  "gaea:serve": async () => (await import("./gaea/serve.ts")).serve,
  "gaea:voice": async () => (await import("./gaea/voice.ts")).voice,
  "gaea:config": async () => (await import("./gaea/config.ts")).config,
  "gaea:compare": async () => (await import("./gaea/compare.ts")).compare,
  "gaea:train": async () => (await import("./gaea/train.ts")).train,
  "gaea:monitor": async () => (await import("./gaea/monitor.ts")).monitor,
  "gaea:merge": async () => (await import("./gaea/merge.ts")).merge,
  "gaea:blind": async () => (await import("./gaea/blind.ts")).blind,
  "gaea:decide": async () => (await import("./gaea/decide.ts")).decide,
};

/** Names of all steps, in the order of the pipelines. */
export const STEP_NAMES: readonly string[] = Object.keys(LOADERS);

/** The step of that name. @throws {UsageError} naming the nearest one. */
export async function findStep(name: string): Promise<Step> {
  const load = LOADERS[name];
  if (!load) {
    throw new UsageError(
      `Unknown step "${name}": did you mean "${closest(name, STEP_NAMES)}"? There are ${STEP_NAMES.join(", ")}`,
    );
  }
  return await load();
}

/** Every step, in order. */
export async function allSteps(): Promise<Step[]> {
  return await Promise.all(STEP_NAMES.map(findStep));
}
