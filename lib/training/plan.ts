/** A training run with everything in its place: which base, which examples, into which folder, from which checkpoint. */
import type { BaseModel } from "./base.ts";
import type { Recipe } from "./recipe.ts";

/** Where the examples come from. */
export interface DatasetFiles {
  /** What was asked for. */
  readonly dataset: string;
  /** The two halves beside it, where they were dealt (by book) from this very dataset; else the share is drawn. */
  readonly split: { readonly train: string; readonly val: string } | undefined;
}

/** Processes that share the work. */
export interface LaunchPlan {
  readonly by: "accelerate" | "torchrun";
  /** On each machine. */
  readonly processes: number;
  readonly machines: number;
  readonly machineRank: number;
  readonly mainAddress: string;
  readonly mainPort: number;
  /** A configuration file of accelerate; FSDP and DeepSpeed may stand in it. */
  readonly accelerateConfig: string | undefined;
  /** JSON files with the settings of FSDP or DeepSpeed. */
  readonly fsdp: string | undefined;
  readonly deepspeed: string | undefined;
}

/** What the preflight looks at and the trainer is given. No file has been read but for the recipe. */
export interface TrainingPlan {
  readonly recipe: Recipe;
  /** Name or path of the recipe, where one was given. */
  readonly recipeName: string | undefined;
  readonly base: BaseModel;
  readonly data: DatasetFiles;
  readonly outputDir: string;
  /** Checkpoint to go on from. */
  readonly resumeFrom: string | undefined;
  readonly launch: LaunchPlan | undefined;
  /** Environment variables of the recipe. */
  readonly env: Readonly<Record<string, string>>;
}

/** Devices that work at the same time. */
export function worldSize({ launch }: Pick<TrainingPlan, "launch">): number {
  return launch ? launch.processes * launch.machines : 1;
}
