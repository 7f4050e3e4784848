/** What `deno task pipeline` prints: the plan, the summary, the next steps. */
import { basename, join } from "node:path";
import { bytes, duration } from "@/core/format.ts";
import { shortPaths } from "@/core/paths.ts";
import type { Decision, StageResult } from "@/core/pipeline.ts";
import { gaeaPaths } from "@/steps/gaea/paths.ts";
import type { Pipeline } from "@/steps/pipelines.ts";
import { textTable } from "@/core/text_table.ts";

/** `--dry-run`: what would run, and why; and how long it took last time, where there was one. */
export function planTable(pipeline: Pipeline, plan: readonly Decision[]): string {
  const took = (seconds: number | undefined) => seconds === undefined ? "" : duration(seconds);
  const rows = plan.map(({ stage, action, why, lastSeconds }) => [
    stage.name,
    `would ${action}`,
    took(lastSeconds),
    shortPaths(why),
  ]);
  return `${titleOf(pipeline)}: ${pipeline.summary}\n\n${textTable(["Step", "", "Last time", "Why"], rows)}`;
}

/** One row a step, then every file with its size. What a step reports at length, its own task prints. */
export async function summaryTable(results: readonly StageResult[]): Promise<string> {
  const steps = results.map(({ stage, action, seconds, result, why }) => [
    stage.name,
    action === "run" ? duration(seconds) : action === "keep" ? "kept" : "skipped",
    action !== "run" ? why : result === undefined ? "" : firstLine(stage.step.report?.(result) ?? ""),
  ]);
  const files = [];
  for (const path of results.flatMap(({ writes }) => writes)) {
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.size) files.push([path, bytes(info.size)]);
  }
  const short = (rows: string[][]) => rows.map((row) => row.map(shortPaths));
  return `\n${textTable(["Step", "Time", "Result"], short(steps))}\n\n${textTable(["File", "Size"], short(files))}`;
}

function firstLine(text: string): string {
  return text.trimStart().split("\n")[0] ?? "";
}

/** What a person would do now. */
export function whatNext(pipeline: Pipeline, last: string | undefined): string {
  const lines = pipeline.name === "gaea" ? afterGaea(pipeline, last) : afterDeepred(pipeline, last);
  return `\nNext\n${lines.map((line) => `  ${line}`).join("\n")}\n  deno task lab   the notebooks, to look at it all`;
}

function afterDeepred(pipeline: Pipeline, last: string | undefined): string[] {
  const dataset = join(pipeline.dataDir, "dataset", "theme_dataset.jsonl");
  const report = join(pipeline.dataDir, "output", "evaluation", "report.html");
  if (pipeline.rehearsal) {
    return [
      ...(last === "evaluate" ? [`The report of the evaluation: ${report}`] : []),
      `This was the rehearsal: no model wrote ${basename(dataset)}, so expect no sense. For the real thing:`,
      "  deno task doctor                                      what your machine still needs",
      "  deno task pipeline deepred --contact you@example.org  Project Gutenberg, LM Studio, a GPU",
    ];
  }
  if (last === "evaluate") return [`Read the report: ${report}`, "Put the model to use: deno task deploy"];
  if (last === "split") return [`Read some examples before you train on them: ${dataset}`];
  return [`Go on with: deno task pipeline ${pipeline.name}`];
}

function afterGaea({ dataDir, rehearsal }: Pipeline, last: string | undefined): string[] {
  const { training, root } = gaeaPaths(dataDir, {});
  const ended = last === "decide";
  if (rehearsal) {
    return [
      ...(ended ? [`The decision: ${join(root, "DECISION.html")}`] : []),
      "This was the rehearsal: a sample manuscript and a tiny model, so expect no voice. For yours:",
      "  deno task doctor                            what your machine still needs",
      "  deno task pipeline gaea --manuscript FILE   Llama-3.1-8B-Instruct, Axolotl, a GPU",
    ];
  }
  if (ended) {
    return [
      `Read the decision: ${join(root, "DECISION.html")}`,
      `People judge by: deno task gaea:blind --data-dir ${dataDir}; the same pipeline again takes their votes in`,
    ];
  }
  if (last === "prepare") {
    return [`Read the openings before you train on them: deno task gaea:check-prefixes --input ${training}`];
  }
  return ["Go on with the same command, without --to"];
}

/** The pipeline's name, and whether it is a rehearsal. */
function titleOf({ name, rehearsal }: Pipeline): string {
  return rehearsal && name !== "rehearsal" ? `${name}, as a rehearsal` : name;
}
