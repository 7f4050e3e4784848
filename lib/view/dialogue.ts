/** Personas, their requests and answers, side by side. All of it is text of books and models: shown, never run. */
import type { Persona } from "../dialogue/personas.ts";
import type { Exchange } from "../dialogue/parse.ts";
import type { ChatRequest } from "../llm/chat.ts";
import { DISPLAY } from "../core/display.ts";
import { type Cards, cards } from "./cards.ts";
import { type Table, table } from "./tables.ts";

/** Ems: two cards stand side by side on a page, so that four make a square. */
const WIDE = 26;

/** The personas as a table. */
export function personasTable(personas: readonly Persona[]): Table {
  return table(personas.map(({ id, name, category, traits }) => ({ id, name, category, traits: traits.join(", ") })), {
    limit: 100,
  });
}

/** How each persona speaks, and a sample of it. */
export function voices(personas: readonly Persona[]): Cards {
  return cards(
    personas.map(({ name, category, voice, sample }) => ({
      title: name,
      note: category.replaceAll("_", " "),
      text: sample ? `${voice}\n\n“${sample}”` : voice,
    })),
    { width: WIDE },
  );
}

/** One message of each request: what differs from persona to persona can be read off. */
export function messages(
  asked: readonly { readonly persona: Persona; readonly request: ChatRequest }[],
  role: "system" | "user",
): Cards {
  return cards(
    asked.map(({ persona, request }) => ({
      title: persona.name,
      note: `${role}, temperature ${request.temperature}, seed ${request.seed ?? "none"}`,
      text: request.messages.find((message) => message.role === role)?.content ?? "",
    })),
    { width: 28 },
  );
}

/** The answers, with the gate that each would fail. */
export function answers(
  answered: readonly {
    readonly persona: Persona;
    readonly exchange: Exchange | undefined;
    readonly fault: string | undefined;
  }[],
): Cards {
  return cards(
    answered.map(({ persona, exchange, fault }) => ({
      title: persona.name,
      note: fault === undefined ? "passes every gate" : `would be left out: ${fault}`,
      text: exchange ? `${exchange.user}\n\n— ${exchange.assistant}` : "no usable answer",
    })),
    { width: WIDE },
  );
}

/** An exchange as a line of the dataset. */
export function datasetLine(persona: Persona, exchange: Exchange | undefined): Cards {
  if (!exchange) return cards([{ title: persona.name, text: "no usable answer" }]);
  const line = {
    messages: [
      { role: "system", content: persona.system },
      { role: "user", content: exchange.user },
      { role: "assistant", content: exchange.assistant },
    ],
  };
  return cards([{ title: "One line of theme_dataset.jsonl", text: JSON.stringify(line, undefined, 2) }], { width: 40 });
}

/** What was changed in a persona, beside what it was. */
export function personaEdit(before: Persona, after: Persona): Cards {
  const card = (title: string, { name, traits, voice, system, sample }: Persona) => ({
    title: `${name}, ${title}`,
    note: traits.join(", "),
    text: [voice, ...(before.system === after.system ? [] : [system]), ...(sample ? [`“${sample}”`] : [])].join("\n\n"),
  });
  return cards([card("as it was", before), card("edited", after)], { width: WIDE });
}

/** An answer, with the gate that it would fail and the marks that it got. */
interface Side {
  readonly exchange: Exchange | undefined;
  readonly fault: string | undefined;
  readonly rating?: {
    readonly overall: number | undefined;
    readonly criteria: Readonly<Record<string, { readonly score: number | undefined; readonly evidence: string }>>;
  };
}

/** Passages with their answers by a persona as it was and as it is now. */
interface Pair {
  readonly passage: { readonly source_title: string; readonly chapter?: string | undefined; readonly text: string };
  readonly before: Side;
  readonly after: Side;
}

/** Characters of a passage that are shown above its answers. */
const OPENING = 160;

/** Old and new side by side, passage by passage: gates, marks, question, answer. */
export function sideBySide(pairs: readonly Pair[]): Cards {
  const card = (title: string, { exchange, fault, rating }: Side) => ({
    title,
    note: [fault === undefined ? "passes every gate" : `would be left out: ${fault}`, marks(rating)].join("; "),
    text: exchange ? `${exchange.user}\n\n— ${exchange.assistant}` : "no usable answer",
  });
  const rows = pairs.map(({ passage: { source_title, chapter, text }, before, after }) => {
    const opening = text.replace(/\s+/g, " ").slice(0, OPENING).trimEnd();
    return cards([card("as it was", before), card("edited", after)], {
      title: `${source_title}${chapter && chapter !== source_title ? `, ${chapter}` : ""}: ${opening}${
        text.length > OPENING ? "…" : ""
      }`,
      width: WIDE,
    });
  });
  const html = () => rows.map((row) => `<div style="margin-bottom:1.4em">${row.html()}</div>`).join("");
  const text = () => rows.map((row) => row.text()).join("\n\n");
  return { html, text, [DISPLAY]: () => ({ "text/html": html(), "text/plain": text() }) };
}

function marks(rating: Side["rating"]): string {
  if (!rating) return "not judged";
  const each = Object.entries(rating.criteria).map(([id, { score }]) =>
    `${id.replaceAll("_", " ")} ${score === undefined ? "unreadable" : score.toFixed(1)}`
  );
  return `${rating.overall === undefined ? "no mark" : `mark ${rating.overall.toFixed(1)}`} (${each.join(", ")})`;
}

/** Old and new in figures: what passes, how long the answers are, and the marks where there are any. */
export function voiceTable(pairs: readonly Pair[]): Table {
  const row = (persona: string, sides: readonly Side[]) => {
    const words = sides.flatMap(({ exchange }) => exchange ? [exchange.assistant.split(/\s+/).length] : []);
    const scores = sides.flatMap(({ rating }) => rating?.overall ?? []);
    return {
      persona,
      answers: sides.length,
      pass_every_gate: sides.filter(({ fault }) => fault === undefined).length,
      words_on_average: words.length > 0 ? Math.round(mean(words)) : undefined,
      mark: scores.length > 0 ? mean(scores).toFixed(1) : "not judged",
    };
  };
  return table([row("as it was", pairs.map(({ before }) => before)), row("edited", pairs.map(({ after }) => after))]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
