/** Flags of the step train: the recipe's, those of several processes, and what to do with it all. */
import { z } from "zod";
import { launchFlags } from "./launch.ts";
import { recipeFlags } from "./recipe.ts";

export const trainOptions = z.object({
  recipe: z.string().optional().describe(
    "Values that flags override: hf-1.5b, temporal, amd-stable, 14b, cpu-rehearsal, or a file of your own (JSON with comments)",
  ),
  ...recipeFlags,
  runName: z.string().regex(/^[\w][\w.-]*$/, "valid are letters, digits, dot, dash and underscore").optional().describe(
    "Name of the run's folder in <data-dir>/output, in place of --output-dir",
  ),
  resumeFromCheckpoint: z.string().optional().describe("Checkpoint to go on from, or a run, whose newest is taken"),
  resumeLatest: z.boolean().default(false).describe(
    "Go on from the newest whole checkpoint in --output-dir, else of the newest unfinished run",
  ),
  overwrite: z.boolean().default(false).describe(
    "Replace a run that lies in the folder; with --resume-latest only where it cannot be gone on with",
  ),
  check: z.boolean().default(false).describe("Only look for what could go wrong, and say what to do about it"),
  strict: z.boolean().default(false).describe("Let warnings stop the training too"),
  dryRun: z.boolean().default(false).describe("Show what would be trained, with all values; write nothing"),
  ...launchFlags,
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
export type TrainOptions = z.output<typeof trainOptions>;
