/** A decision about a voice, as text, as markdown and as a page. */
import { textTable } from "../core/text_table.ts";
import type { Decision, Gate, Judged, TrainedWith } from "../evaluation/decision.ts";
import type { Chart } from "./chart.ts";
import { lines } from "./charts.ts";
import { page } from "./page.ts";
import { targetsChart } from "./style_targets.ts";
import { table } from "./tables.ts";

export interface Decided extends Decision {
  readonly targets: readonly Judged[];
  readonly gates: readonly Gate[];
  readonly deploy?: { readonly vllm: string; readonly continue: string };
}

const HEADLINES = {
  deploy: "Deploy: the tuned model takes the place of the base",
  retrain: "Do not deploy: change the training and measure again",
  measure: "Not decided: too little was measured",
} as const;

const percent = (share: number | undefined) =>
  share === undefined || !Number.isFinite(share) ? "–" : `${(100 * share).toFixed(1)} %`;

const targetRows = (targets: readonly Judged[]) =>
  targets.map(({ title, goal, estimate, lower, status }) => [
    title,
    `> ${Math.round(100 * goal)} %`,
    percent(estimate),
    percent(lower),
    status,
  ]);
const COLUMNS = ["Target", "Goal", "Figure", "Lower bound", "Verdict"];

const whys = ({ targets, gates }: Decided) =>
  [...targets, ...gates].filter(({ status, why }) => why !== "" && status !== "met" && status !== "passed")
    .map(({ title, why }) => `${title}: ${why}`);

const advice = ({ remedies }: Decided) =>
  remedies.map(({ advice, flags, for: asking }) =>
    `${advice}${flags ? `: deno task gaea:config ${flags}` : ""} (${asking.join(", ")})`
  );

/** For a terminal. */
export function decisionText(decided: Decided): string {
  const { decision, reason, targets, gates, deploy } = decided;
  return [
    `${HEADLINES[decision]}\n${reason}`,
    textTable(COLUMNS, targetRows(targets)),
    textTable(["Gate", "Outcome"], gates.map(({ title, status }) => [title, status])),
    ...listed("Why", whys(decided)),
    ...listed("What to change", advice(decided)),
    ...(deploy ? [`Serve it\n  ${deploy.vllm}`] : []),
  ].join("\n\n");
}

function listed(heading: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${heading}\n${items.map((item) => `  ${item}`).join("\n")}`];
}

/** For a repository or a wiki. */
export function decisionMarkdown(decided: Decided, time: string): string {
  const { decision, reason, targets, gates, deploy } = decided;
  const list = (heading: string, items: readonly string[]) =>
    items.length === 0 ? [] : [`## ${heading}`, items.map((item) => `- ${marked(item)}`).join("\n")];
  return [
    `# ${HEADLINES[decision]}`,
    `${marked(reason)}. Decided ${time}.`,
    "## Targets",
    grid(COLUMNS, targetRows(targets)),
    "## Gates",
    grid(["Gate", "Outcome"], gates.map(({ title, status }) => [title, status])),
    ...list("Why", whys(decided)),
    ...list("What to change", advice(decided)),
    ...(deploy ? ["## Put it to use", `\`\`\`sh\n${deploy.vllm}\n\`\`\``, `\`\`\`yaml\n${deploy.continue}\`\`\``] : []),
  ].join("\n\n") + "\n";
}

function grid(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => marked(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(columns), `|${columns.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

/** Names of files and words of models are no markup. */
function marked(text: string): string {
  return text.replace(
    /[<>&*_`\[\]]/g,
    (sign) => sign === "<" ? "&lt;" : sign === ">" ? "&gt;" : sign === "&" ? "&amp;" : `\\${sign}`,
  );
}

/** Reasons are read to their end. */
const WHOLE = { widest: 2000 };

/** For a person: with pictures of the targets and of how the training went. */
export function decisionPage(decided: Decided, trained: TrainedWith, time: string): Promise<string> {
  const { decision, reason, targets, gates, deploy } = decided;
  const tables = {
    targets: table(
      targets.map(({ title, goal, estimate, lower, upper, status, why }) => ({
        target: title,
        goal: `> ${Math.round(100 * goal)} %`,
        figure: percent(estimate),
        "lower bound": percent(lower),
        "upper bound": percent(upper),
        verdict: status,
        why,
      })),
      WHOLE,
    ),
    gates: table(gates.map(({ title, status, why }) => ({ gate: title, outcome: status, found: why })), WHOLE),
    remedies: table(decided.remedies.map(({ advice, flags = "", for: asking }) => ({
      "what to change": advice,
      "deno task gaea:config": flags,
      for: asking.join(", "),
    }))),
  };
  return page(HEADLINES[decision], [
    { parts: [`${reason}. Decided ${time}.`, targetsChart({ targets }), tables.targets] },
    { heading: "Gates", parts: [tables.gates] },
    ...(decided.remedies.length > 0 ? [{ heading: "What to change", parts: [tables.remedies] }] : []),
    ...(trained.loss.length > 1 ? [{ heading: "How the training went", parts: [lossChart(trained)] }] : []),
    ...(deploy ? [{ heading: "Put it to use", parts: [deploy.vllm, { ...verbatim(deploy.continue) }] }] : []),
  ]);
}

function verbatim(text: string) {
  return table(text.trimEnd().split("\n").map((line) => ({ "Continue.dev, config.yaml": line })));
}

function lossChart({ loss, evalLoss }: TrainedWith): Chart {
  const rows = [
    ...loss.map(({ step, value }) => ({ step, loss: value, of: "training" })),
    ...evalLoss.map(({ step, value }) => ({ step, loss: value, of: "validation" })),
  ];
  return lines(rows, { x: "step", y: "loss", color: "of", title: "Loss" });
}
