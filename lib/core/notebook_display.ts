import { escapeHtml } from "./escape.ts";
import { count, duration } from "./format.ts";
import type { StepEvent } from "./step.ts";

/** What a notebook shows of a running step: one block that changes in place. */
export interface ProgressBlock {
  add(event: StepEvent): void;
  bundle(): { "text/html": string; "text/plain": string };
}

/** How many remarks stay to be read; warnings and errors count too, the newest win. */
const REMARKS = 12;

type Progress = StepEvent & { type: "progress" };

/** Gathers events and draws them: bars, the latest figures, remarks, what was left out, files. */
export function progressBlock(now: () => number = () => performance.now()): ProgressBlock {
  const bars = new Map<string, { event: Progress; started: number; at: number }>();
  const metrics = new Map<string, string>();
  const drops = new Map<string, number>();
  const remarks: { level: string; message: string }[] = [];
  const files: (StepEvent & { type: "artifact" })[] = [];
  return {
    add(event) {
      switch (event.type) {
        case "progress":
          bars.set(event.label, { event, started: bars.get(event.label)?.started ?? now(), at: now() });
          return;
        case "metric":
          metrics.set(event.name, `${count(event.value)}${event.unit ? ` ${event.unit}` : ""}`);
          return;
        case "drop":
          drops.set(event.reason, (drops.get(event.reason) ?? 0) + event.count);
          return;
        case "log":
          remarks.push({ level: event.level, message: event.message });
          if (remarks.length > REMARKS) remarks.shift();
          return;
        case "artifact":
          files.push(event);
          return;
      }
    },
    bundle() {
      const rows = [...bars].map(([label, { event, started, at }]) => ({
        label,
        share: event.total === undefined ? undefined : event.total === 0 ? 1 : Math.min(1, event.done / event.total),
        figures: `${count(event.done)}${event.total === undefined ? "" : ` / ${count(event.total)}`}${
          event.unit ? ` ${event.unit}` : ""
        }`,
        time: [
          duration((at - started) / 1000),
          ...(event.leftSeconds === undefined ? [] : [`${duration(event.leftSeconds)} left`]),
          ...(event.detail ? [event.detail] : []),
        ].join(" · "),
      }));
      const lines = [
        ...remarks.map(({ level, message }) => level === "info" ? message : `${level}: ${message}`),
        ...(metrics.size > 0 ? [[...metrics].map(([name, value]) => `${name} ${value}`).join(" · ")] : []),
        ...(drops.size > 0 ? [`left out: ${[...drops].map(([why, n]) => `${why} ${count(n)}`).join(", ")}`] : []),
        ...files.map(({ path, title, rows }) =>
          `${title}: ${path}${rows === undefined ? "" : ` (${count(rows)} rows)`}`
        ),
      ];
      return {
        "text/plain": [...rows.map((row) => `${row.label}  ${row.figures}  ${row.time}`), ...lines].join("\n"),
        "text/html": `<div style="font-size:0.92em;line-height:1.6">${rows.map(bar).join("")}${
          lines.map((line) => `<div style="opacity:.8">${escapeHtml(line)}</div>`).join("")
        }</div>`,
      };
    },
  };
}

/** A grid, so that the bars of several labels stand under each other. */
function bar(row: { label: string; share: number | undefined; figures: string; time: string }): string {
  const width = row.share === undefined ? 100 : Math.round(row.share * 1000) / 10;
  // A bar of unknown length is pale: something happens, nobody knows how much is left.
  const fill = `width:${width}%;height:100%;background:#0072b2;opacity:${row.share === undefined ? 0.35 : 1}`;
  return `<div style="display:grid;grid-template-columns:12em 14em auto;gap:1em;align-items:center">` +
    `<span>${escapeHtml(row.label)}</span>` +
    `<span style="height:.6em;border-radius:.3em;overflow:hidden;background:rgba(128,128,128,.25)">` +
    `<span style="display:block;${fill}"></span></span>` +
    `<span style="font-variant-numeric:tabular-nums">${escapeHtml(row.figures)} · ${escapeHtml(row.time)}</span></div>`;
}
