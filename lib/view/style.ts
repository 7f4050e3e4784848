/** What a comparison of styles found, in pictures and tables. All that models wrote is shown as text. */
import type { Comparison } from "../evaluation/style/compare.ts";
import type { TargetId } from "../evaluation/style/targets.ts";
import { type Cards, cards } from "./cards.ts";
import { type Chart, chart, lines } from "./charts.ts";
import { PALETTE } from "./colors.ts";
import { type Table, table } from "./tables.ts";

/** Blue, red-orange and green: told apart by everybody, and the same in all pictures. */
const SIDES = { base: PALETTE[1] ?? "", tuned: PALETTE[0] ?? "", author: PALETTE[2] ?? "" };

/** How much of the way from base to author each habit has gone. */
export function channelsChart({ transfer, structure }: Pick<Comparison, "transfer" | "structure">): Chart {
  const of = (part: string, { channels }: Comparison["transfer"], from = 0) =>
    channels.slice(from).map(({ title, closed, why }) => ({
      habit: closed ? title : `${title} (N/A)`,
      part,
      ...(closed ? { closed: closed.estimate, lower: closed.lower, upper: closed.upper } : { why }),
    }));
  const rows = [...of("transfer score", transfer), ...of("sentence structure", structure, 1)];
  const y = {
    field: "habit",
    type: "nominal",
    sort: null,
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8 },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: "share of the distance from base to author that was closed",
    scale: { domain: [0, 1] },
    axis: { format: ".0%", tickCount: 6 },
  });
  const color = {
    field: "part",
    type: "nominal",
    scale: { domain: ["transfer score", "sentence structure"], range: [PALETTE[0], PALETTE[3]] },
    legend: { orient: "top", direction: "horizontal", title: null },
  };
  const known = { filter: "isValid(datum.closed)" };
  return chart({
    title: {
      text: "Habit by habit",
      subtitle: "N/A: the base was no further from the author than the author's own held-out text",
    },
    data: { values: rows },
    width: 480,
    height: { step: 28 },
    layer: [
      { mark: { type: "point", opacity: 0 }, encoding: { y } }, // Holds the place of those that have no figure.
      {
        transform: [known],
        mark: { type: "rule", strokeWidth: 2 },
        encoding: { y, x: x("lower"), x2: { field: "upper" }, color },
      },
      { transform: [known], mark: { type: "point", filled: true, size: 90 }, encoding: { y, x: x("closed"), color } },
    ],
  });
}

const LONGEST = 60, BIN = 4;

/** How long sentences are: the author's, the base's, the tuned model's. */
export function sentenceLengths({ sentenceLengths: lengths }: Pick<Comparison, "sentenceLengths">): Chart {
  const share = (values: readonly number[], bin: number) =>
    values.filter((words) => Math.min(Math.floor(words / BIN), LONGEST / BIN - 1) === bin).length / values.length;
  const rows = ([["author", lengths.ref], ["base", lengths.base], ["tuned", lengths.tuned]] as const)
    .filter(([, values]) => values.length > 0).flatMap(([text, values]) =>
      Array.from(
        { length: LONGEST / BIN },
        (_, bin) => ({ words: bin * BIN + BIN / 2, share: share(values, bin), text }),
      )
    );
  return lines(rows, {
    x: "words",
    y: "share",
    color: "text",
    domain: ["tuned", "base", "author"], // In the order of their colours elsewhere.
    format: ".0%",
    xTitle: `words a sentence (bins of ${BIN}; the last holds all that are longer)`,
    yTitle: "share of sentences",
    title: "Sentence lengths",
  });
}

/** Rates of the strongest markers, by 1,000 words. */
export function markersChart({ improvements }: Pick<Comparison, "improvements">): Chart {
  const facts = improvements.find(({ category }) => category === "markers")?.facts ?? [];
  const rows = facts.flatMap(({ name, base, tuned, author }) =>
    Object.entries({ base, tuned, author }).map(([text, rate]) => ({ marker: name, text, rate: Math.max(0.05, rate) }))
  );
  const y = {
    field: "marker",
    type: "nominal",
    sort: null,
    title: null,
    axis: { ticks: false, domain: false, grid: true, labelPadding: 8 },
  };
  const x = {
    field: "rate",
    type: "quantitative",
    title: "by 1,000 words",
    scale: { type: "log" },
    axis: { format: ",.3~r", tickCount: 6 },
  };
  const legend = { orient: "top", direction: "horizontal", title: null };
  return chart({
    title: { text: "Style markers", subtitle: "what most sets the author apart from the base; on a logarithmic scale" },
    data: { values: rows },
    width: 480,
    height: { step: 24 },
    mark: { type: "point", filled: true, size: 90, opacity: 0.85 },
    encoding: {
      y,
      x,
      color: {
        field: "text",
        type: "nominal",
        scale: { domain: Object.keys(SIDES), range: Object.values(SIDES) },
        legend,
      },
      shape: {
        field: "text",
        type: "nominal",
        scale: { domain: Object.keys(SIDES), range: ["square", "circle", "diamond"] },
        legend,
      },
      tooltip: [{ field: "marker", type: "nominal" }, { field: "text", type: "nominal" }, {
        field: "rate",
        type: "quantitative",
        format: ",.2f",
      }],
    },
  });
}

/** Scores of texts whose writer is known, and of both models, against the grey zone. */
export function impostersChart({ imposters: { scores, zone } }: Pick<Comparison, "imposters">): Chart {
  const of = (text: string, values: readonly number[]) => values.map((score) => ({ text, score }));
  const rows = scores
    ? [
      ...of("author, held out", scores.hold),
      ...of("tuned", [scores.tuned]),
      ...of("base", [scores.base]),
      ...of("imposters", scores.others),
    ]
    : [];
  const names = ["author, held out", "tuned", "base", "imposters"];
  const y = {
    field: "text",
    type: "nominal",
    sort: names,
    title: null,
    axis: { ticks: false, domain: false, grid: true, labelPadding: 8 },
  };
  const x = {
    field: "score",
    type: "quantitative",
    title: "share of draws in which the text is nearest to the author",
    scale: { domain: [0, 1] },
    axis: { tickCount: 6 },
  };
  return chart({
    title: { text: "Imposters", subtitle: "grey: between those that are the author's and those that are not" },
    width: 480,
    height: { step: 34 },
    data: { values: rows },
    layer: [
      ...(zone
        ? [{
          data: { values: [{ from: zone.from, to: Math.max(zone.to, zone.from + 0.004) }] },
          mark: { type: "rect", color: "#bbbbbb", opacity: 0.5 },
          encoding: { x: { ...x, field: "from" }, x2: { field: "to" } },
        }]
        : []),
      {
        mark: { type: "circle", size: 110, opacity: 0.75 },
        encoding: {
          y,
          x,
          color: {
            field: "text",
            type: "nominal",
            scale: { domain: names, range: [SIDES.author, SIDES.tuned, SIDES.base, "#555555"] },
            legend: null,
          },
        },
      },
    ],
  });
}

/** Figures of a category: base, tuned, author. */
export function factsTable({ improvements }: Pick<Comparison, "improvements">, category: TargetId): Table {
  const found = improvements.find((improvement) => improvement.category === category);
  const rows = (found?.facts ?? []).map(({ name, base, tuned, author, better }) => ({
    figure: name,
    base,
    tuned,
    author,
    "nearer to the author": better ? "yes" : "no",
  }));
  return table(rows, {
    title: found?.title ?? "",
    columns: ["figure", "base", "tuned", "author", "nearer to the author"],
  });
}

/** One prompt of both models, chosen for a category. */
export function exampleCards({ improvements }: Pick<Comparison, "improvements">, category: TargetId): Cards {
  const found = improvements.find((improvement) => improvement.category === category);
  const example = found?.example;
  if (!example) return cards([], { title: "No example: one side has no text" });
  const note = `Below, ${found.chosen}${example.id === undefined ? "" : `: ${example.id}`}`;
  return cards([{ title: "Base", text: example.base }, { title: "Tuned", text: example.tuned }], {
    title: note,
    width: 26,
  });
}

/** Words of the author that the tuned model uses and the base does not, most frequent first. */
export function gainedWords({ vocabulary }: Pick<Comparison, "vocabulary">): string {
  return vocabulary.gained.length > 0
    ? `Words of the author that the tuned model uses and the base does not: ${vocabulary.gained.join(", ")}.`
    : "The tuned model uses no words of the author that the base does not use.";
}

/** What was copied from the training text, longest first. */
export function copiedTable({ copying }: Pick<Comparison, "copying">): Table {
  return table(copying.tuned.examples.map((text) => ({ words: text.split(/\s+/).length, "copied span": text })), {
    columns: ["words", "copied span"],
  });
}
