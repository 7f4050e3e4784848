/** What a preflight found, and the rows that it looked at. All texts come from datasets: shown, never run. */
import { DISPLAY, type Displayable } from "../core/display.ts";
import { count } from "../core/format.ts";
import type { Finding } from "../training/preflight/finding.ts";
import type { LabelledRow } from "../training/preflight/label_xray.ts";
import { pale, PALETTE } from "./colors.ts";
import { escapeHtml } from "./escape.ts";

/** Something that a notebook, a terminal and a page can show. */
export interface View extends Displayable {
  html(): string;
  text(): string;
}

function view(html: () => string, text: () => string): View {
  return { html, text, [DISPLAY]: () => ({ "text/html": html(), "text/plain": text() }) };
}

/** On a page the worst comes first; in a terminal it comes last, where one looks. */
const LEVELS = ["error", "warning", "ok"] as const;
const SIGNS: Readonly<Record<Finding["level"], { sign: string; color: string }>> = {
  error: { sign: "✕ error", color: "#b3261e" },
  warning: { sign: "! warning", color: "#8a5a00" },
  ok: { sign: "✓ ok", color: "#1b6e3c" },
};

/** Columns of a terminal that a finding is written into. */
const WIDTH = 110;

/**
 * Findings, each with its remedy, and what they mean for the training.
 *
 * @param strict Whether warnings stop it too.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { findingsView } from "@/view/findings.ts";
 *
 * const { text } = findingsView([{ check: "disk", level: "ok", message: "Room enough" }]);
 * equal(text(), "ok       disk       Room enough\n\nNothing stands in the way of the training.");
 * ```
 */
export function findingsView(findings: readonly Finding[], strict = false): View {
  const sorted = LEVELS.flatMap((level) => findings.filter((finding) => finding.level === level));
  const verdict = verdictOf(findings, strict);
  const text = () => [...sorted.toReversed().map(findingText), ...(sorted.length > 0 ? [""] : []), verdict].join("\n");
  const html = () =>
    `<div style="line-height:1.5">${sorted.map(findingHtml).join("")}` +
    `<div style="font-weight:600;margin-top:.8em">${escapeHtml(verdict)}</div></div>`;
  return view(html, text);
}

/** What the findings mean, in a sentence. */
function verdictOf(findings: readonly Finding[], strict: boolean): string {
  const of = (level: Finding["level"]) => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [of("error"), of("warning")];
  const some = (number: number, name: string) => `${number} ${name}${number === 1 ? "" : "s"}`;
  if (errors > 0 || (strict && warnings > 0)) {
    const what = errors > 0 ? some(errors, "error") : some(warnings, "warning");
    const more = errors > 0 && warnings > 0 ? ` and ${some(warnings, "warning")}` : "";
    return `${what}${more}: the training would not begin.`;
  }
  if (warnings > 0) return `${some(warnings, "warning")}; nothing forbids the training.`;
  return "Nothing stands in the way of the training.";
}

function findingText({ level, check, message, remedy }: Finding): string {
  const indent = 20;
  const head = `${level.padEnd(9)}${check.padEnd(11)}`;
  const lines = [...wrapped(message, WIDTH - indent), ...wrapped(remedy ? `→ ${remedy}` : "", WIDTH - indent)];
  return lines.map((line, i) => (i === 0 ? head : " ".repeat(indent)) + line).join("\n");
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function findingHtml({ level, check, message, remedy }: Finding): string {
  const { sign, color } = SIGNS[level];
  return `<div style="display:grid;grid-template-columns:6.5em 6.5em 1fr;gap:.6em;padding:.35em .6em;` +
    `border-left:4px solid ${color};margin:.25em 0;overflow-wrap:anywhere">` +
    `<span style="color:${color};font-weight:600;white-space:nowrap">${escapeHtml(sign)}</span>` +
    `<span style="opacity:.75">${escapeHtml(check)}</span>` +
    `<span>${escapeHtml(message)}${
      remedy ? `<br><span style="opacity:.85">→ ${escapeHtml(remedy)}</span>` : ""
    }</span></div>`;
}

/** Rows as the trainer sees them: what is learnt on a coloured ground, token by token; the rest grey. */
export function labelsView(rows: readonly LabelledRow[], limit = 5): View {
  const shown = rows.slice(0, limit);
  const head = (row: LabelledRow) =>
    `line ${row.line}: ${count(row.tokens)} tokens, ${count(row.trained)} learnt` +
    (row.cut > 0 ? `, ${count(row.cut)} cut off` : "");
  const html = () =>
    shown.map((row) =>
      `<div style="margin:.6em 0 .2em;font-weight:600">${escapeHtml(head(row))}</div>` +
      `<div style="font-family:ui-monospace,monospace;font-size:.85em;line-height:1.7;overflow-wrap:anywhere">${
        row.spans.map(({ trained, tokens }) =>
          tokens.map(({ text, id, special }, i) => tokenHtml(text, id, special, trained, i)).join("")
        ).join("")
      }</div>`
    ).join("") || "<div>no rows</div>";
  const text = () =>
    shown.map((row) =>
      `${head(row)}\n${
        row.spans.map(({ trained, tokens }) => {
          const said = tokens.map(({ text }) => text).join("");
          return trained ? `⟦${said}⟧` : said;
        }).join("")
      }`
    ).join("\n\n") || "no rows";
  return view(html, text);
}

function tokenHtml(text: string, id: number, special: boolean, trained: boolean, at: number): string {
  // Neighbours differ in shade, so that one sees where a token ends.
  const ground = trained ? pale(PALETTE[0] ?? "", at % 2 === 0 ? 0.26 : 0.14) : "transparent";
  const style = `background:${ground};${trained ? "color:#111" : "opacity:.55"};${special ? "font-weight:700;" : ""}` +
    "border-radius:2px";
  const shown = escapeHtml(text.replaceAll("\n", "⏎")) + "<br>".repeat(text.split("\n").length - 1);
  return `<span title="${id}" style="${style}">${shown}</span>`;
}
