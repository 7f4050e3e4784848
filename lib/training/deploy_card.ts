/** The model card: what a model is, what it came from, and what was measured. */
import { basename } from "node:path";
import { z } from "zod";
import { bytes, count } from "../core/format.ts";
import { yaml } from "./deploy_texts.ts";
import type { GgufRecord } from "./gguf_record.ts";
import type { MergeRecord } from "./merge_record.ts";

/** What the card takes over of an evaluation; all else in the file is left alone. */
export const CardEvaluation = z.object({
  /** What tells the GGUF that was evaluated from others, where it was one. */
  models: z.object({ tuned: z.object({ fingerprint: z.string().optional() }).optional() }).optional(),
  measures: z.array(z.object({
    title: z.string(),
    verdict: z.string(),
    why: z.string().optional(),
    unit: z.string().optional(),
    target: z.object({ text: z.string() }).optional(),
    /** Two-sided, 95 %. */
    tuned: z.object({ estimate: z.number(), low: z.number(), high: z.number() }).optional(),
    base: z.object({ estimate: z.number() }).optional(),
  })),
});
export type CardEvaluation = z.output<typeof CardEvaluation>;

export interface CardFacts {
  readonly title: string;
  /** What it is for, in a sentence or two. */
  readonly purpose: string;
  readonly gguf: Pick<GgufRecord, "gguf" | "divergence" | "findings" | "tools"> | undefined;
  readonly merge: MergeRecord | undefined;
  readonly evaluation: CardEvaluation | undefined;
  readonly system: string | undefined;
}

/**
 * The card in Markdown, with the head that Hugging Face reads. What is not known is left out, and what was not measured
 * is said.
 */
export function modelCard({ title, purpose, gguf, merge, evaluation, system }: CardFacts): string {
  const sections = [
    frontMatter(merge),
    `# ${title}\n\n${purpose}`,
    system === undefined
      ? ""
      : `## System prompt\n\n${fenced(system)}\n\nThe model was trained with such a prompt: send it.`,
    `## Lineage\n\n${table(["", ""], lineage(gguf, merge))}`,
    recipeSection(merge),
    checksSection(gguf, merge),
    evaluationSection(evaluation),
  ];
  return sections.filter((section) => section !== "").join("\n\n") + "\n";
}

const HUB_ID = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;

/** An id of the hub as it is; of a path only the end, for a card goes further than the machine that it was made on. */
function nameOf(path: string): string {
  return HUB_ID.test(path) ? path : basename(path);
}

function frontMatter(merge: MergeRecord | undefined): string {
  const base = merge?.base.name;
  const hub = base !== undefined && HUB_ID.test(base) ? [`base_model: ${yaml(base)}`] : [];
  return ["---", ...hub, "library_name: gguf", "pipeline_tag: text-generation", "tags:", "  - lora", "---"].join("\n");
}

function lineage(gguf: CardFacts["gguf"], merge: MergeRecord | undefined): [string, string][] {
  const rows: [string, string][] = [];
  if (merge) {
    rows.push([
      "Base",
      `${nameOf(merge.base.name)}, ${
        merge.base.files.map(({ name, sha256 }) => `${name} ${short(sha256)}`).join(", ")
      }`,
    ]);
    rows.push(["Dataset", datasetOf(merge)]);
    if (merge.run) rows.push(["Run", nameOf(merge.run.folder)]);
    rows.push(["Adapter", merge.adapter ? `${nameOf(merge.adapter.path)} ${short(merge.adapter.sha256)}` : "none"]);
    rows.push(["Merged", merge.model.files.map(({ name, sha256 }) => `${name} ${short(sha256)}`).join(", ")]);
  }
  if (gguf) {
    const { file, quantType, bytes: size, sha256 } = gguf.gguf;
    rows.push(["GGUF", `${file}, ${quantType}, ${bytes(size)}, SHA-256 ${sha256}`]);
    rows.push(["Made by", gguf.tools.llamaCpp]);
  }
  return rows.filter(([, value]) => value !== "");
}

/** Hashes of the dataset, wherever the recipe keeps them. */
function datasetOf({ run }: MergeRecord): string {
  const found: string[] = [];
  const look = (value: unknown, path: string) => {
    if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value) && /dataset|sha256|train|val/i.test(path)) {
      const name = path.replace(/\.sha256$/, "").replace(/^dataset\./, "");
      found.push(`${name} ${short(value)}`);
    } else if (value && typeof value === "object") {
      for (const [key, inner] of Object.entries(value)) look(inner, path === "" ? key : `${path}.${key}`);
    }
  };
  look(run?.recipe, "");
  return found.join(", ");
}

function short(sha256: string): string {
  return `(SHA-256 ${sha256.slice(0, 12)}…)`;
}

function recipeSection(merge: MergeRecord | undefined): string {
  const recipe = merge?.run?.recipe;
  if (!recipe || typeof recipe !== "object") return "";
  const inner = "recipe" in recipe && recipe.recipe && typeof recipe.recipe === "object" ? recipe.recipe : recipe;
  const rows = Object.entries(inner).flatMap(([name, value]): [string, string][] =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? [] : [[name, String(value)]]
  );
  return rows.length === 0 ? "" : `## Training\n\n${table(["Setting", "Value"], rows)}`;
}

function checksSection(gguf: CardFacts["gguf"], merge: MergeRecord | undefined): string {
  const marks = { ok: "passed", warning: "warning", error: "failed" };
  const rows = [...merge?.findings ?? [], ...gguf?.findings ?? []].map(({ check, level, message }) => [
    check,
    marks[level],
    message,
  ]);
  if (merge && !merge.figures) rows.push(["equal", "not done", "merged model against base and adapter"]);
  if (gguf && !gguf.divergence && !/^(?:f32|f16|bf16)$/.test(gguf.gguf.quantType)) {
    rows.push(["divergence", "not done", "KL divergence from the unquantised model"]);
  }
  return rows.length === 0 ? "" : `## Checks\n\n${table(["Check", "", "What was found"], rows)}`;
}

function evaluationSection(evaluation: CardEvaluation | undefined): string {
  if (!evaluation) return "## Evaluation\n\nNot evaluated.";
  const rows = evaluation.measures.map(({ title, target, tuned, base, verdict, unit }) => [
    title,
    tuned ? `${figure(tuned.estimate, unit)} (${figure(tuned.low, unit)} to ${figure(tuned.high, unit)})` : "",
    base ? figure(base.estimate, unit) : "",
    target?.text ?? "",
    verdict,
  ]);
  return `## Evaluation\n\n${table(["Measure", "Tuned (95 %)", "Base", "Target", "Verdict"], rows)}`;
}

function figure(value: number, unit: string | undefined): string {
  return unit === "share" ? `${(100 * value).toFixed(1)} %` : count(value);
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(columns), `|${columns.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

/** Text of others inside a Markdown table. */
function cell(text: string): string {
  return text.replace(/[\\|<>[\]`*]/g, (mark) => `\\${mark}`).replace(/\s+/g, " ");
}

/** A fence longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}
