/** What `deno task pipeline` prints: the plan, the summary, the next steps. */
import { basename, join } from "node:path";
import { bytes, duration } from "@/core/format.ts";
import type { Decision, StageResult } from "@/core/pipeline.ts";
import type { Pipeline } from "@/steps/pipelines.ts";
import { textTable } from "@/core/text_table.ts";

/** `--dry-run`: what would run, and why. */
export function planTable(pipeline: Pipeline, plan: readonly Decision[]): string {
  const rows = plan.map((
    { stage, action, why },
  ) => [stage.name, action === "run" ? "would run" : "would keep", why]);
  return `${pipeline.name}: ${pipeline.summary}\n\n${textTable(["Step", "", "Why"], rows)}`;
}

/** One row a step, then every file with its size. What a step reports at length, its own task prints. */
export async function summaryTable(results: readonly StageResult[]): Promise<string> {
  const steps = results.map(({ stage, action, seconds, result }) => [
    stage.name,
    action === "run" ? duration(seconds) : "kept",
    result === undefined ? "up to date" : (stage.step.report?.(result) ?? "").trimStart().split("\n")[0] ?? "",
  ]);
  const files = [];
  for (const path of results.flatMap(({ writes }) => writes)) {
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.size) files.push([path, bytes(info.size)]);
  }
  return `\n${textTable(["Step", "Time", "Result"], steps)}\n\n${textTable(["File", "Size"], files)}`;
}

/** What a person would do now. */
export function whatNext(pipeline: Pipeline, last: string | undefined): string {
  const dataset = join(pipeline.dataDir, "dataset", "theme_dataset.jsonl");
  const report = join(pipeline.dataDir, "output", "evaluation", "report.html");
  const lines = pipeline.name === "rehearsal"
    ? [
      ...(last === "evaluate" ? [`The report of the evaluation: ${report}`] : []),
      `This was the rehearsal: no model wrote ${basename(dataset)}, so expect no sense. For the real thing:`,
      "  deno task doctor                                   what your machine still needs",
      "  deno task pipeline deepred --contact you@home.org  Project Gutenberg, LM Studio, a GPU",
    ]
    : last === "evaluate"
    ? [`Read the report: ${report}`, "Put the model to use: deno task deploy"]
    : last === "split"
    ? [`Read some examples before you train on them: ${dataset}`]
    : [`Go on with: deno task pipeline ${pipeline.name}`];
  return `\nNext\n${lines.map((line) => `  ${line}`).join("\n")}\n  deno task lab   the notebooks, to look at it all`;
}
