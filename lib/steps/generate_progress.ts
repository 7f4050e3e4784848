/** What a run tells of itself while it goes: bar, figures, time left. */
import { count, duration } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import { type Forecaster, forecastLine } from "../llm/forecast.ts";
import type { FleetState } from "../llm/scheduler.ts";
import { sorted } from "./generate_report.ts";

/** Between two events that a person reads, and two points of a chart, in milliseconds. */
const SHOWN_EVERY_MS = 200, CHARTED_EVERY_MS = 1000;
/** Examples after which the rest of the run is forecast, aloud and once. */
const FORECAST_AFTER = 12;

export interface Progress {
  /** What the servers are at. */
  state(state: FleetState): void;
  /** An example is done; `reason` where it will be left out, as far as can be told before the dataset is built. */
  done(reason: string | undefined): void;
  /** Tells the last figures. */
  end(): void;
}

export function runProgress(
  { total, forecaster, emit }: { total: number; forecaster: Forecaster; emit: Context["emit"] },
  now: () => number = () => performance.now(),
): Progress {
  const start = now();
  const rejects = new Map<string, number>();
  let done = 0, accepted = 0, shownAt = -Infinity, chartedAt = start;
  let state: FleetState | undefined;
  let told = false;

  const show = (last = false) => {
    shownAt = now();
    const left = total - done;
    const forecast = forecaster.forecast(left);
    if (forecast && !told && forecaster.measured >= FORECAST_AFTER && left > 0) {
      told = true;
      emit({ type: "log", level: "info", message: `forecast for the other ${count(left)}: ${forecastLine(forecast)}` });
    }
    const rate = 60_000 * done / Math.max(1, now() - start);
    const reasons = Object.entries(sorted(rejects)).slice(0, 3).map(([reason, number]) => `${reason} ${count(number)}`);
    const rejected = done - accepted;
    const waiting = state?.servers.filter((server) => server.state !== "up").map(({ name }) => name) ?? [];
    const { low = 0, high = 0 } = forecast?.seconds ?? {};
    const detail = [
      state && `${count(Math.round(state.tokensPerSecond))} tok/s`,
      `${count(Math.round(rate))}/min`,
      state && `${state.inFlight} of ${state.limit} at a time`,
      `${count(accepted)} accepted`,
      rejected > 0 && `${count(rejected)} rejected (${reasons.join(", ")})`,
      forecast && left > 0 && `${duration(low)} to ${duration(high)} left`,
      waiting.length > 0 && `waiting for ${waiting.join(", ")}`,
    ].filter((part) => typeof part === "string").join(", ");
    emit({
      type: "progress",
      label: "generate",
      done,
      // Those that make up for rejects come on top, and only the end is the end.
      total: Math.max(total, last ? done : done + 1),
      unit: "examples",
      detail,
      ...(forecast ? { leftSeconds: forecast.seconds.mid } : {}),
    });
  };
  const chart = () => {
    chartedAt = now();
    const step = Math.round((chartedAt - start) / 1000);
    const point = (name: string, value: number, unit?: string) =>
      emit({ type: "metric", name, value, step, ...(unit ? { unit } : {}) });
    if (state) {
      point("tokens_per_second", Math.round(state.tokensPerSecond * 10) / 10, "tok/s");
      point("concurrency", state.inFlight);
    }
    point("accepted", accepted);
    point("rejected", done - accepted);
  };
  const look = () => {
    const at = now();
    if (at - shownAt >= SHOWN_EVERY_MS) show();
    if (at - chartedAt >= CHARTED_EVERY_MS) chart();
  };
  return {
    state(next) {
      state = next;
      look();
    },
    done(reason) {
      done++;
      if (reason === undefined) accepted++;
      else rejects.set(reason, (rejects.get(reason) ?? 0) + 1);
      look();
    },
    end() {
      show(true);
      chart();
    },
  };
}
