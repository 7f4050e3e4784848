import { z } from "zod";
import { isAbsolute, join } from "node:path";
import { UserError } from "../core/errors.ts";
import { findGpus, machine } from "../core/gpu.ts";
import { cacheDir, dataDir } from "../core/paths.ts";
import { findPython, findToolchain } from "../core/python_venv.ts";
import { defineStep } from "../core/step.ts";
import { serverStatus } from "../llm/models.ts";
import { lmstudioAddress } from "../llm/server.ts";
import { textTable } from "../core/text_table.ts";
import {
  type Check,
  checkDeno,
  checkDisk,
  checkGpu,
  checkGpuSettings,
  checkLlamaCpp,
  checkLms,
  checkPython,
  checkServer,
  checkToolchain,
} from "./doctor_checks.ts";

/** What makes and serves a tuned model; settings of a GPU are looked at where there is one. */
const TRAINING = ["Deno", "Python", "llama.cpp", "Disk for data", "Disk for caches"];
const GPU = ["GPU", "ROCm setting", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"];

/** What a phase cannot do without, by the names of the checks. */
const PHASES: readonly { name: string; tasks: string; needs: readonly string[] }[] = [
  { name: "Rehearsal of 1 to 3", tasks: "pipeline --to split", needs: ["Deno"] },
  { name: "Whole rehearsal", tasks: "pipeline, pipeline gaea", needs: TRAINING },
  { name: "Phases 1 and 2", tasks: "retrieve, chunk, filter", needs: ["Deno", "Disk for data"] },
  { name: "Phase 3", tasks: "generate, split", needs: ["Deno", "LM Studio", "Disk for data"] },
  { name: "Phase 4", tasks: "train, merge, gguf, deploy, evaluate", needs: [...TRAINING, ...GPU] },
  { name: "An author's voice", tasks: "pipeline gaea --manuscript", needs: [...TRAINING, ...GPU] },
  { name: "Notebooks", tasks: "notebooks, kernel, lab", needs: ["Deno", "Python"] },
];

/** What the doctor found. */
export interface Diagnosis {
  readonly checks: readonly Check[];
  readonly phases: readonly { name: string; tasks: string; missing: readonly string[] }[];
}

/** What each phase still needs, by what was found. */
export function phasesOf(checks: readonly Check[]): Diagnosis["phases"] {
  const bad = new Set(checks.filter(({ state, later }) => state !== "ok" && !later).map(({ name }) => name));
  return PHASES.map(({ needs, ...phase }) => ({ ...phase, missing: needs.filter((name) => bad.has(name)) }));
}

export const doctor = defineStep({
  name: "doctor",
  summary: "Tells what is there, what each phase still needs, and the command that mends it",
  options: z.object({
    dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
    lmstudioUrl: z.string().optional().describe("Server to look for; default: http://localhost:1234"),
    lmstudioHost: z.string().optional().describe("Its host; default: $LMSTUDIO_HOST, else localhost"),
    lmstudioPort: z.int().min(1).max(65535).optional().describe("Its port; default: $LMSTUDIO_PORT, else 1234"),
    lmstudioModel: z.string().default("openai/gpt-oss-20b").describe("Model that Phase 3 would ask for"),
  }),
  files: () => ({ reads: [], writes: [] }),
  async run(options, context): Promise<Diagnosis> {
    const { env } = context;
    const data = dataDir(options.dataDir, env);
    const cache = cacheDir(env);
    const address = lmstudioAddress(options, env);
    const token = env.LM_API_TOKEN ?? env.OPENAI_API_KEY;
    const [python, notebook, train, axolotl, status, lms, llama, gpus] = await Promise.all([
      findPython().catch((error: unknown) => {
        if (error instanceof UserError) return error;
        throw error;
      }),
      findToolchain("notebook", env),
      findToolchain("train", env),
      findToolchain("axolotl", env),
      serverStatus(address.root, { fetch: context.fetch, token }),
      checkLms(machine, env),
      checkLlamaCpp(machine, env),
      findGpus(),
    ]);
    const checks: Check[] = [
      checkDeno(Deno.version.deno),
      checkPython(python),
      checkToolchain("notebooks", notebook, "made by the first `deno task notebooks`"),
      checkToolchain("training", train, "made by the first `deno task train`"),
      checkToolchain("Axolotl", axolotl, "made by the first `deno task gaea:config`"),
      checkServer(status, options.lmstudioModel),
      lms,
      llama,
      checkGpu(gpus),
      ...checkGpuSettings(gpus, env),
      // 500 books, their chunks, the filtered chunks and a dataset of 100,000 rows: measured at about 1 GB; doubled.
      await checkDisk("Disk for data", isAbsolute(data) ? data : join(Deno.cwd(), data), 2e9),
      // A virtual environment with torch weighs 1 to 7 GB.
      await checkDisk("Disk for caches", cache, 8e9),
    ];
    return { checks, phases: phasesOf(checks) };
  },
  report({ checks, phases }) {
    // What to do stands below what was found: side by side they would be wider than a terminal.
    const table = textTable(
      ["", "", ""],
      checks.flatMap((check) => [
        [check.state, check.name, check.found],
        ...(check.mend ? [["", "", `→ ${check.mend}`]] : []),
      ]),
    ).trimStart();
    const ready = textTable(
      ["Phase", "Tasks", ""],
      phases.map((p) => [p.name, p.tasks, p.missing.length === 0 ? "ready" : `still needs: ${p.missing.join(", ")}`]),
    );
    return `${table}\n\n${ready}`;
  },
});
