/** A whole pipeline from the terminal. Run as: deno task pipeline [rehearsal|deepred|gaea] [options] */
import { z } from "zod";
import { enter } from "@/core/door.ts";
import { helpText } from "@/core/help.ts";
import { checkOptions, flagsOf, readFlags } from "@/core/options.ts";
import { planStages, runStages, selectStages } from "@/core/pipeline.ts";
import { terminal } from "@/core/terminal.ts";
import { loadPipeline, type Outline, outlineOf, PRESET_NAMES, sharedFlags, stagesOf } from "@/steps/pipelines.ts";
import { planTable, summaryTable, whatNext } from "./pipeline_report.ts";

const Own = z.object({
  from: z.string().optional().describe("First step to run"),
  to: z.string().optional().describe("Last step to run"),
  only: z.string().optional().describe("The one step to run"),
  force: z.boolean().default(false).describe("Run even what is up to date"),
  dryRun: z.boolean().default(false).describe("Show the plan, and why, without running anything"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

/** What decides which preset it is, before it is known which flags it has. */
const Deciding = z.object({ dataDir: Own.shape.dataDir, manuscript: z.array(z.string()).optional() });

const EXAMPLES = [
  "deno task pipeline                              the rehearsal, on the sample texts",
  "deno task pipeline deepred --contact you@example.org",
  "deno task pipeline deepred --mirror file:/books/gutenberg --to filter",
  "deno task pipeline deepred --from generate --max-chunks 100",
  "deno task pipeline gaea                         the rehearsal, on the sample manuscript",
  "deno task pipeline gaea --manuscript novel.md   an author's voice: trained, measured, decided on",
];

await enter(async () => {
  const { args } = Deno;
  // The preset decides which flags there are, so it is looked for first; a flag's value cannot be taken for it.
  const first = args[0];
  const name = first !== undefined && !first.startsWith("-") ? first : "rehearsal";
  const context = terminal();
  try {
    const own = flagsOf(Own);
    const { dataDir, manuscript } = readFlags(flagsOf(Deciding), args).values;
    const dataRoot = typeof dataDir === "string" ? dataDir : undefined;
    const given = { manuscript: manuscript !== undefined };
    if (args.includes("--help") || args.includes("-h")) {
      const usage = `deno task pipeline [${PRESET_NAMES.join("|")}] [options] [options of its steps]`;
      return console.log(helpText(usage, outline(name, await outlineOf(name, given)), own, EXAMPLES));
    }
    const pipeline = await loadPipeline(name, dataRoot, context.env, given);
    const shared = sharedFlags(pipeline);
    const raw = readFlags([...own, ...shared], args);
    const stray = raw.positional.filter((word) => word !== name);
    const faults = [...raw.faults, ...stray.map((word) => `Cannot use "${word}": one preset at a time, then flags`)];
    const options = checkOptions(Own, pick(raw.values, own.map(({ key }) => key)));
    const stages = selectStages(stagesOf(pipeline, raw.values, faults), options);
    for (const flag of shared.filter(({ key }) => key in raw.values && key !== "manuscript")) {
      // Whoever trains with another value must not find out in the morning that nothing took it.
      if (stages.some(({ options }) => flag.key in options)) continue;
      const message = `--${flag.name} changes nothing here: no stage that was chosen takes it`;
      context.emit({ type: "log", level: "warn", message });
    }

    if (options.dryRun) {
      console.log(planTable(pipeline, await planStages(stages, pipeline.runs, context, options.force)));
      return;
    }
    const results = await runStages(stages, pipeline.runs, context, {
      force: options.force,
      onStage: ({ stage, action, why }) => console.error(`${action === "run" ? "▸" : "·"} ${stage.name}  ${why}`),
    });
    context.close();
    console.log(await summaryTable(results));
    console.log(whatNext(pipeline, stages.at(-1)?.name));
  } finally {
    context.close();
  }
});

function outline(name: string, { summary, stages }: Outline): string {
  const width = Math.max(...stages.map(({ name }) => name.length));
  return [
    `${name}: ${summary}`,
    "",
    ...stages.map(({ name, step }) => `  ${name.padEnd(width)}  deno task ${step}`),
    "",
    "An option of a step reaches every step that has it; `deno task STEP --help` tells of them.",
  ].join("\n");
}

function pick(values: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => key in values).map((key) => [key, values[key]]));
}
