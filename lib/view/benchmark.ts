/** What a benchmark found, in pictures and tables. All that models wrote is shown as text. */
import { count } from "../core/format.ts";
import { type Cards, cards } from "./cards.ts";
import { bars, type Chart, chart, heatmap } from "./charts.ts";
import { PALETTE } from "./colors.ts";
import { type Table, table } from "./tables.ts";

/** A model of a benchmark's results, as far as it is shown. */
export interface MeasuredModel {
  readonly model: string;
  readonly error?: string | undefined;
  readonly tokensPerSecond?: number | undefined;
  readonly estimated?: boolean | undefined;
  readonly ttftSeconds?: number | undefined;
  readonly seconds?: number | undefined;
  readonly hoursPer1000?: number | undefined;
  readonly loadSeconds?: number | undefined;
  readonly rating?: number | undefined;
  readonly kin?: boolean | undefined;
  readonly criteria?:
    | Readonly<Record<string, { readonly score?: number | undefined; readonly evidence: string }>>
    | undefined;
  readonly runs: readonly { readonly persona: string; readonly content?: string | undefined }[];
}

/** Fastest first; what could not be measured last, with why. */
export interface Measurements {
  readonly models: readonly MeasuredModel[];
  readonly recommended?: string | undefined;
}

type Titles = Readonly<Record<string, string>>;

/** The sample prompt, to be copied. */
export function promptCard(prompt: string): Cards {
  return cards([{ title: "To paste into a chat window", note: `${count(prompt.length)} characters`, text: prompt }]);
}

/** The ranked table: tokens per second, first token and whole answer, hours for 1,000 usable answers, rating. */
export function rankedTable({ models, recommended }: Measurements): Table {
  return table(models.map((model, at) => ({
    rank: model.error === undefined ? at + 1 : undefined,
    model: model.model,
    "tok/s": fixed(model.tokensPerSecond, 1, model.estimated ? "~" : ""),
    "first (s)": fixed(model.ttftSeconds, 2),
    "answer (s)": fixed(model.seconds, 1),
    "1,000 (h)": fixed(model.hoursPer1000, 2),
    rating: fixed(model.rating, 1),
    remark: model.error
      // The name stands beside it.
      ? model.error.replace(/^Cannot \w+ "[^"]*": /, "")
      : [model.model === recommended ? "recommended" : "", model.kin ? "rated by its own family" : ""]
        .filter(Boolean).join("; "),
  })));
}

function fixed(value: number | undefined, digits: number, before = ""): string {
  return value === undefined ? "" : before + value.toFixed(digits);
}

/** Speed against rating: up and to the right is better. The line is the least rating of a model to generate with. */
export function speedAndRating({ models, recommended }: Measurements, leastRating = 3): Chart {
  const rows = models.flatMap(({ model, error, tokensPerSecond, rating }) =>
    error !== undefined || tokensPerSecond === undefined || rating === undefined
      ? []
      : [{ model, tokens_per_second: tokensPerSecond, rating, use: model === recommended ? "recommended" : "others" }]
  );
  const levels = labelLevels(rows.map((row) => [row.tokens_per_second, row.rating] as const));
  const labelled = rows.map((row, at) => ({ ...row, level: levels[at] ?? 0 }));
  const fastest = rows.reduce((most, row) => Math.max(most, row.tokens_per_second), 1);
  const x = {
    field: "tokens_per_second",
    type: "quantitative",
    title: "tokens per second",
    // Room for the names at the right.
    scale: { domain: [0, fastest * 1.35], nice: false },
    axis: { tickCount: 6, grid: false },
  };
  const y = {
    field: "rating",
    type: "quantitative",
    title: "rating",
    scale: { domain: [1, 5] },
    axis: { values: [1, 2, 3, 4, 5], format: "d" },
  };
  return chart({
    title: {
      text: "Speed against rating",
      subtitle: `the fastest one that is rated ${leastRating.toFixed(1)} or better is recommended`,
    },
    data: { values: labelled },
    width: 560,
    height: 280,
    layer: [
      {
        data: { values: [{ rating: leastRating }] },
        mark: { type: "rule", strokeDash: [5, 4], color: "#999999" },
        encoding: { y },
      },
      {
        mark: { type: "circle", size: 130, opacity: 0.9 },
        encoding: {
          x,
          y,
          color: {
            field: "use",
            type: "nominal",
            scale: { domain: ["recommended", "others"], range: [PALETTE[1], PALETTE[0]] },
            legend: { orient: "top", direction: "horizontal", title: null },
          },
          tooltip: ["model", "tokens_per_second", "rating"].map((field) => ({
            field,
            type: field === "model" ? "nominal" : "quantitative",
            title: field.replaceAll("_", " "),
            ...(field === "model" ? {} : { format: ",.1f" }),
          })),
        },
      },
      ...[...new Set(levels)].map((level) => ({
        transform: [{ filter: `datum.level === ${level}` }],
        mark: { type: "text", align: "left", dx: 11, dy: 16 * level, fontSize: 12, color: "#333333" },
        encoding: { x, y, text: { field: "model", type: "nominal" } },
      })),
    ],
  });
}

/** How many lines lower each name is written, so that the names of neighbours do not lie over each other. */
function labelLevels(points: readonly (readonly [x: number, y: number])[]): number[] {
  const widest = points.reduce((most, [x]) => Math.max(most, x), 1);
  const levels: number[] = [];
  for (const [at, [x, y]] of points.entries()) {
    const near = levels.filter((_, other) => {
      const [otherX, otherY] = points[other] ?? [0, 0];
      return other < at && Math.abs(otherX - x) < 0.35 * widest && Math.abs(otherY - y) < 0.3;
    });
    levels.push([...points.keys()].find((level) => !near.includes(level)) ?? 0);
  }
  return levels;
}

/** How long a thousand usable answers take: reasoning and spoilt answers count here, which tokens per second hide. */
export function hoursPerThousand({ models }: Measurements): Chart {
  const rows = models.flatMap(({ model, hoursPer1000 }) =>
    hoursPer1000 === undefined ? [] : [{ model, hours: hoursPer1000 }]
  )
    .sort((a, b) => a.hours - b.hours);
  const none = models.filter(({ error, hoursPer1000 }) => error === undefined && hoursPer1000 === undefined);
  return bars(rows, {
    label: "model",
    value: "hours",
    format: ",.2f",
    xTitle: "hours for 1,000 usable answers",
    title: "Time to get there",
    ...(none.length > 0 ? { subtitle: `no usable answer: ${none.map(({ model }) => model).join(", ")}` } : {
      subtitle: "one request at a time; servers that answer several at once need less",
    }),
  });
}

/** The marks of each model, criterion by criterion. */
export function marksMap({ models }: Measurements, titles: Titles): Chart {
  const rated = models.filter(({ criteria }) => criteria);
  const rows = rated.flatMap(({ model, criteria = {} }) =>
    Object.entries(criteria).flatMap(([id, { score }]) =>
      score === undefined ? [] : [{ model, criterion: titles[id] ?? id, mark: score }]
    )
  );
  return heatmap(rows, {
    x: "criterion",
    y: "model",
    value: "mark",
    format: ".1f",
    width: 480,
    title: "Marks",
    subtitle: rated.length === 0 ? "nothing was rated" : "1 to 5, each the mean of several readings",
  });
}

/** Why the evaluator marked so, in its own words. */
export function evidenceTable({ models }: Measurements, titles: Titles): Table {
  return table(
    models.flatMap(({ model, criteria = {} }) =>
      Object.entries(criteria).filter(([, { evidence }]) => evidence !== "").map(([id, { score, evidence }]) => ({
        model,
        criterion: titles[id] ?? id,
        mark: fixed(score, 1) || "unreadable",
        evidence,
      }))
    ),
    { columns: ["model", "criterion", "mark", "evidence"], limit: 60 },
  );
}

/** The first answer of each model, as it came. */
export function firstAnswers({ models }: Measurements): Cards {
  return cards(
    models.flatMap(({ model, rating, runs }) => {
      const run = runs.find(({ content }) => content !== undefined);
      if (run?.content === undefined) return [];
      const mark = rating === undefined ? "not rated" : `rated ${rating.toFixed(1)}`;
      return [{ title: model, note: `${run.persona.replaceAll("_", " ")}, ${mark}`, text: run.content }];
    }),
    { width: 26 },
  );
}
