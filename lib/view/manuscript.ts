/** Pictures of a manuscript on its way to training: chunk sizes, scenes, boundaries, openings. */
import { DISPLAY, type Displayable } from "../core/display.ts";
import { SCENES } from "../evaluation/scenes.ts";
import type { Curation } from "../manuscript/curation.ts";
import { reasonsOf } from "../manuscript/curation_report.ts";
import { type Chart, chart } from "./chart.ts";
import { stackedBars } from "./charts_bars.ts";
import { escapeHtml } from "./escape.ts";
import { type Table, table } from "./tables.ts";

/** An opening with what follows it, as `gaea:check-prefixes` judges it. */
export interface PrefixView {
  readonly name: string;
  readonly prefix: string;
  readonly completion: string;
  readonly words: number;
  readonly share: number;
  readonly faults: readonly string[];
}

const KINDS = ["start", "chapter", "scene break", "time", "place", "topic"];

/** Words of each chunk in the order of the manuscript, over the range that is wanted; colours tell why each begins. */
export function chunkSizes({ chunks, min_words, max_words }: Curation): Chart {
  const values = chunks.map((chunk) => ({
    chunk: nameOf(chunk.file),
    words: chunk.words,
    begins: chunk.reasons[0]?.kind ?? "start",
    why: reasonsOf(chunk),
    scene: chunk.scene,
  }));
  return chart({
    title: {
      text: "Words of each chunk",
      subtitle: `The optimal range of ${min_words} to ${max_words} words is shaded`,
    },
    data: { values },
    width: widthOf(values.length),
    height: 260,
    layer: [
      {
        data: { values: [{ from: min_words, to: max_words }] },
        mark: { type: "rect", color: "#2f6f4f", opacity: 0.1 },
        encoding: { y: { field: "from", type: "quantitative" }, y2: { field: "to" } },
      },
      {
        mark: { type: "bar", cornerRadiusEnd: 2 },
        encoding: {
          x: {
            field: "chunk",
            type: "nominal",
            sort: null,
            title: null,
            axis: { labelAngle: angleOf(values.length) },
          },
          y: { field: "words", type: "quantitative", title: "words" },
          color: {
            field: "begins",
            type: "nominal",
            title: "begins at a",
            scale: { domain: KINDS.filter((kind) => values.some(({ begins }) => begins === kind)) },
          },
          tooltip: ["chunk", "words", "why", "scene"].map((field) => ({ field })),
        },
      },
    ],
  });
}

/** What kind of scenes each chunk is made of, as shares of its words. */
export function chunkScenes({ chunks }: Curation): Chart {
  const rows = chunks.flatMap(({ file, scenes }) =>
    SCENES.map((scene) => ({ chunk: nameOf(file), scene, share: scenes[scene] }))
  );
  return stackedBars(rows, {
    title: "Kinds of scenes",
    label: "chunk",
    value: "share",
    part: "scene",
    parts: SCENES,
    format: ".0%",
  });
}

/** Where chunks begin, why, and how sure that is. */
export function boundaryTable({ chunks }: Curation): Table {
  return table(
    chunks.map((chunk) => ({
      chunk: nameOf(chunk.file),
      words: chunk.words,
      begins_because_of: reasonsOf(chunk),
      sure: chunk.score,
      part_of: chunk.part_of ? nameOf(chunk.part_of) : "",
    })),
    { limit: 100 },
  );
}

/** Openings to read, each with its end and what comes next; those with faults first. */
export function prefixCards(prefixes: readonly PrefixView[], limit = prefixes.length): Displayable {
  const sorted = [
    ...prefixes.filter(({ faults }) => faults.length > 0),
    ...prefixes.filter(({ faults }) => faults.length === 0),
  ];
  const shown = sorted.slice(0, limit);
  const html = () =>
    `<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(26em,1fr));gap:1em">${
      shown.map(cardHtml).join("")
    }</div>`;
  const text = () => shown.map((view) => `${headOf(view)}\n${view.prefix}\n→ ${nextOf(view)}`).join("\n\n");
  return { [DISPLAY]: () => ({ "text/html": html(), "text/plain": text() }) };
}

function cardHtml(view: PrefixView): string {
  const faults = view.faults.map((fault) => `<li>${escapeHtml(fault)}</li>`).join("");
  return `<div style="border:1px solid ${
    faults ? "#b3402e" : "rgba(128,128,128,.4)"
  };border-radius:6px;padding:.7em 1em">` +
    `<div style="font-weight:600">${escapeHtml(headOf(view))}</div>` +
    (faults ? `<ul style="color:#b3402e;margin:.3em 0;padding-left:1.2em">${faults}</ul>` : "") +
    `<div style="white-space:pre-wrap;line-height:1.5;margin-top:.5em">${escapeHtml(view.prefix)}` +
    `<span style="color:#b3402e;font-weight:700" title="the model goes on from here"> ▏</span>` +
    `<span style="opacity:.55">${escapeHtml(nextOf(view))}</span></div></div>`;
}

function headOf({ name, words, share }: PrefixView): string {
  return `${name}: ${words} words, ${(100 * share).toFixed(1)} %`;
}

/** The first words of what follows. */
function nextOf({ completion }: PrefixView): string {
  const words = completion.trim().slice(0, 200);
  return completion.trim().length > 200 ? `${words.replace(/\s\S*$/, "")} …` : words;
}

function nameOf(file: string): string {
  return file.replace(/^chunk_/, "").replace(/\.\w+$/, "");
}

/** Tokens of an example, as `gaea:prepare` counts them. */
export interface ExampleTokens {
  readonly file: string;
  readonly side: "train" | "val";
  readonly words: number;
  readonly tokens: number;
}

/** Tokens of each example, the side that it went to, and what fits. */
export function exampleTokens(examples: readonly ExampleTokens[], limits: { min: number; max: number }): Chart {
  const values = examples.map(({ file, side, words, tokens }) => ({
    chunk: nameOf(file),
    side: side === "train" ? "training" : "validation",
    words,
    tokens,
  }));
  return chart({
    title: { text: "Tokens of each example", subtitle: `At least ${limits.min} and at most ${limits.max} are taken` },
    data: { values },
    width: widthOf(values.length),
    height: 240,
    layer: [
      {
        mark: { type: "bar", cornerRadiusEnd: 2 },
        encoding: {
          x: { field: "chunk", type: "nominal", sort: null, title: null, axis: { labelAngle: angleOf(values.length) } },
          y: { field: "tokens", type: "quantitative", title: "tokens" },
          color: { field: "side", type: "nominal", title: null, scale: { domain: ["training", "validation"] } },
          tooltip: ["chunk", "side", "words", "tokens"].map((field) => ({ field })),
        },
      },
      {
        data: { values: [{ limit: limits.min }, { limit: limits.max }] },
        mark: { type: "rule", strokeDash: [4, 4], color: "#b3402e" },
        encoding: { y: { field: "limit", type: "quantitative" } },
      },
    ],
  });
}

/** A slot for each chunk, until they would leave the page. */
function widthOf(chunks: number): number {
  return Math.max(360, Math.min(900, 40 * chunks));
}

function angleOf(chunks: number): number {
  return chunks > 14 ? -90 : 0;
}
