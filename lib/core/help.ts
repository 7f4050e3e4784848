import { type Flag, flagsOf, validValues } from "./options.ts";
import type { Step } from "./step.ts";

/** The type column: `n`, `a|b`, `a,b,…`; booleans have none. */
function placeholder(flag: Flag): string {
  if (flag.kind === "boolean") return "";
  if (flag.choices && flag.kind !== "list") return flag.choices.join("|");
  if (flag.kind === "list") return flag.items === "string" ? "a,b,…" : "1,2,…";
  return flag.kind === "string" ? "text" : "n";
}

function defaultText(flag: Flag): string {
  const value = flag.default;
  if (flag.required) return "required";
  if (value === undefined || value === "" || Array.isArray(value) && value.length === 0) return "";
  return Array.isArray(value) ? value.join(",") : String(value);
}

/** `--help` of a task. */
export function helpText(
  usage: string,
  summary: string,
  flags: readonly Flag[],
  examples: readonly string[] = [],
): string {
  const shown = flags.map((flag) => ({
    left: flag.kind === "boolean" && flag.default === true
      ? `--no-${flag.name}`
      : `--${flag.name} ${placeholder(flag)}`,
    flag,
  }));
  const width = Math.min(34, Math.max(12, ...shown.map(({ left }) => left.trim().length)));
  const lines = shown.map(({ left, flag }) => {
    const preset = defaultText(flag);
    const note = preset === "required" ? " [required]" : flag.kind === "boolean" || preset === "" ? "" : ` [${preset}]`;
    const text = flag.kind === "boolean" && flag.default === true ? `without: ${flag.description}` : flag.description;
    const range = flag.minimum === undefined && flag.maximum === undefined ? "" : ` (${validValues(flag)})`;
    return wrap(`  ${left.trim().padEnd(width)}  `, `${text}${range}${note}`);
  });
  const tail = examples.length > 0 ? ["", "Examples:", ...examples.map((example) => `  ${example}`)] : [];
  return [
    `Usage: ${usage}`,
    "",
    summary,
    "",
    "Options [default]:",
    ...lines,
    `  ${"--help".padEnd(width)}  Shows this`,
    ...tail,
  ]
    .join("\n");
}

/** A hanging indent, 100 columns wide. */
function wrap(head: string, text: string): string {
  const lines: string[] = [];
  let line = head;
  for (const word of text.split(" ")) {
    if (line.length + word.length > 100 && line.trim() !== "" && line.length > head.length) {
      lines.push(line.trimEnd());
      line = " ".repeat(head.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join("\n");
}

/** Help of a step: `deno task chunk --help`. */
export function stepHelp(step: Step): string {
  const flags = flagsOf(step.options);
  const word = flags.find(({ key }) => key === step.word);
  const words = !word ? "" : word.kind === "list" ? `[${word.name} a b …] ` : `${placeholder(word)} `;
  return helpText(`deno task ${step.name} ${words}[options]`, step.summary, flags);
}

/** A step's options as a Markdown table for the README. */
export function optionTable(step: Step): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const rows = flagsOf(step.options).map((flag) => {
    const value = placeholder(flag);
    const preset = defaultText(flag);
    return `| \`--${flag.name}${value ? ` ${cell(value)}` : ""}\` | ${preset ? `\`${cell(preset)}\`` : ""} | ${
      cell(flag.description)
    } |`;
  });
  return ["| Option | Default | What it does |", "|---|---|---|", ...rows].join("\n");
}
