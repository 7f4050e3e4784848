/** Personas, their requests and answers, side by side. All of it is text of books and models: shown, never run. */
import type { Persona } from "../dialogue/personas.ts";
import type { Exchange } from "../dialogue/parse.ts";
import type { ChatRequest } from "../llm/chat.ts";
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
