/** What two models made of the same openings. All that they wrote is shown as text. */
import { type Cards, cards } from "./cards.ts";
import { boxes, type Chart } from "./charts.ts";
import { type Table, table } from "./tables.ts";

/** A continuation, as far as it is shown. */
export interface ShownVoice {
  readonly prompt_id: string;
  readonly prompt: string;
  readonly text: string;
  readonly words: number;
  readonly tries: number;
  readonly finish_reason: string;
  readonly author: string;
  readonly cut: { readonly echo?: string | undefined; readonly unfinished?: string | undefined };
}

interface Sides {
  readonly base: readonly ShownVoice[];
  readonly tuned: readonly ShownVoice[];
}

/** The openings that both sides go on from. */
export function openingsTable({ base }: Sides): Table {
  const first = new Map(base.map((row) => [row.prompt_id, row]));
  return table([...first.values()].map(({ prompt_id, prompt }) => ({
    opening: prompt_id,
    words: prompt.trim().split(/\s+/).length,
    "ends with": `… ${prompt.trim().split(/\s+/).slice(-24).join(" ")}`,
  })));
}

/** How many, how long, and what had to be cut or asked for again. */
export function voicesTable({ base, tuned }: Sides): Table {
  return table(
    Object.entries({ base, tuned }).map(([side, rows]) => ({
      side,
      continuations: rows.length,
      words: rows.reduce((sum, { words }) => sum + words, 0),
      "ran out of tokens": rows.filter(({ finish_reason }) => finish_reason === "length").length,
      "repeated the opening": rows.filter(({ cut }) => cut.echo !== undefined).length,
      "asked for again": rows.filter(({ tries }) => tries > 1).length,
    })),
  );
}

/** Lengths of the continuations of both sides. */
export function voiceLengths({ base, tuned }: Sides): Chart {
  const rows = [
    ...base.map(({ words }) => ({ side: "base", words })),
    ...tuned.map(({ words }) => ({ side: "tuned", words })),
  ];
  return boxes(rows, {
    value: "words",
    group: "side",
    groups: ["base", "tuned"],
    title: "Words of a continuation",
    subtitle: "both had the same number of tokens; who stops early says so here",
  });
}

/** One opening, and how it goes on: by the base, by the tuned model, by the author. */
export function voiceCards({ base, tuned }: Sides, prompt: string): Cards {
  const first = (rows: readonly ShownVoice[]) => rows.find(({ prompt_id }) => prompt_id === prompt);
  const [before, after] = [first(base), first(tuned)];
  const opening = (before ?? after)?.prompt.trim() ?? "";
  return cards(
    [
      ...(before ? [{ title: "Base", note: `${before.words} words`, text: before.text.trim() }] : []),
      ...(after ? [{ title: "Tuned", note: `${after.words} words`, text: after.text.trim() }] : []),
      ...(before?.author ? [{ title: "The author", text: before.author.trim() }] : []),
    ],
    { title: `… ${opening.split(/\s+/).slice(-40).join(" ")}`, width: 20 },
  );
}
