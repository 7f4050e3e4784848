import { systemClock } from "./clock.ts";
import { readEnvironment } from "./env.ts";
import { count, duration } from "./format.ts";
import { shortPaths } from "./paths.ts";
import type { Context, StepEvent } from "./step.ts";

/** Where a terminal's lines go; a test gives its own. */
export interface Screen {
  write(text: string): void;
  readonly interactive: boolean;
  columns(): number;
}

const encoder = new TextEncoder();

/** Standard error: progress and remarks; results go to standard output. */
export const stderr: Screen = {
  write: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
  get interactive() {
    return Deno.stderr.isTerminal();
  },
  columns: () => {
    try {
      return Deno.consoleSize().columns;
    } catch {
      return 80;
    }
  },
};

/**
 * Shows events: a bar that moves in a terminal, else one line a minute for each label; remarks as lines; drops as one
 * summary at the end (`close`).
 */
export function showEvents(screen: Screen, now: () => number, color: boolean): {
  emit(event: StepEvent): void;
  close(): void;
} {
  const bars = new Map<string, { started: number; shown: number; ended?: number }>();
  const drops = new Map<string, number>();
  let live = false;
  const paint = (code: number, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const clear = () => {
    if (live) screen.write("\r\x1b[K");
    live = false;
  };
  const line = (text: string) => {
    clear();
    screen.write(shortPaths(text) + "\n");
  };
  const progress = (event: StepEvent & { type: "progress" }) => {
    const at = now();
    const done = event.total !== undefined && event.done >= event.total;
    const known = bars.get(event.label);
    // A later step of a pipeline may use a label again: its time begins anew.
    const again = known?.ended !== undefined && (!done || at - known.ended > 1000);
    const bar: NonNullable<typeof known> = known && !again ? known : { started: at, shown: -Infinity };
    if (done) bar.ended = at;
    bars.set(event.label, bar);
    if (!done && at - bar.shown < (screen.interactive ? 100 : 60_000)) return;
    if (!screen.interactive && bar.shown === -Infinity && !done) return void (bar.shown = at);
    bar.shown = at;
    const text = progressText(event, (at - bar.started) / 1000, screen.interactive ? 20 : 0);
    if (!screen.interactive) return line(text);
    clear();
    if (done) return line(text);
    screen.write(text.slice(0, screen.columns() - 1));
    live = true;
  };
  return {
    emit(event) {
      switch (event.type) {
        case "progress":
          return progress(event);
        case "log":
          if (event.level === "info") return line(event.message);
          return line(paint(event.level === "warn" ? 33 : 31, `${event.level}: ${event.message}`));
        case "drop":
          return void drops.set(event.reason, (drops.get(event.reason) ?? 0) + event.count);
        case "metric":
          return; // Kept in events.jsonl; a step prints the figures that matter in its result.
        case "artifact":
          return line(
            `${paint(32, "wrote")} ${event.path}${event.rows === undefined ? "" : ` (${count(event.rows)} rows)`}`,
          );
      }
    },
    close() {
      clear();
      if (drops.size === 0) return;
      const parts = [...drops].sort((a, b) => b[1] - a[1]).map(([reason, number]) => `${reason} ${count(number)}`);
      line(`left out: ${parts.join(", ")}`);
      drops.clear();
    },
  };
}

function progressText(event: StepEvent & { type: "progress" }, seconds: number, width: number): string {
  const unit = event.unit ? ` ${event.unit}` : "";
  if (event.total === undefined) return `${event.label}  ${count(event.done)}${unit}  ${duration(seconds)}`;
  const share = event.total === 0 ? 1 : Math.min(1, event.done / event.total);
  const filled = Math.round(share * width);
  const bar = width > 0 ? `  ${"█".repeat(filled)}${"░".repeat(width - filled)}` : "";
  const leftSeconds = event.leftSeconds ?? (share === 0 ? undefined : (seconds / share) * (1 - share));
  const left = share >= 1 || leftSeconds === undefined ? "" : `, ${duration(leftSeconds)} left`;
  const detail = event.detail ? `  ${event.detail}` : "";
  return `${event.label}${bar}  ${count(event.done)}/${count(event.total)}${unit}  ${
    duration(seconds)
  }${left}${detail}`;
}

/**
 * A curve in one line: `▇▆▅▃▂▂`. Of more values than `width` the means of neighbours are drawn; what is no number is left
 * out.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { sparkline } from "@/core/terminal.ts";
 *
 * equal(sparkline([4, 3, 2, 1]), "█▆▃▁");
 * ```
 */
export function sparkline(values: readonly number[], width = 16): string {
  const known = values.filter(Number.isFinite);
  const size = Math.max(1, known.length / width);
  const means = Array.from({ length: Math.min(width, known.length) }, (_, i) => {
    const part = known.slice(Math.floor(i * size), Math.max(Math.floor(i * size) + 1, Math.floor((i + 1) * size)));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const low = Math.min(...means), high = Math.max(...means);
  const bars = "▁▂▃▄▅▆▇█";
  return means.map((mean) => bars[high === low ? 3 : Math.round((mean - low) / (high - low) * 7)]).join("");
}

/**
 * The context of a terminal. Ctrl-C (and SIGTERM) abort its signal, so that a step can end cleanly; a second Ctrl-C ends
 * the process at once.
 */
export function terminal(): Context & { close(): void } {
  const env = readEnvironment();
  const controller = new AbortController();
  const screen = showEvents(stderr, Date.now, stderr.interactive && !env.NO_COLOR);
  let first = 0;
  const stop = () => {
    // One press may come twice: from the terminal, and once more from a parent that forwards it (deno task does).
    if (controller.signal.aborted && Date.now() - first < 700) return;
    if (controller.signal.aborted) Deno.exit(130);
    first = Date.now();
    screen.emit({ type: "log", level: "warn", message: "stopping; press Ctrl-C again to stop at once" });
    controller.abort(new DOMException("stopped by the user", "AbortError"));
  };
  // Windows knows no SIGTERM.
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  return {
    signal: controller.signal,
    fetch: globalThis.fetch,
    clock: systemClock,
    env,
    emit: screen.emit,
    close() {
      screen.close();
      for (const signal of signals) Deno.removeSignalListener(signal, stop);
    },
  };
}
