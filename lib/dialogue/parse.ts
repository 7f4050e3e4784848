import { z } from "zod";

/** A question and the persona's answer, as the model gave them. */
export interface Exchange {
  readonly user: string;
  readonly assistant: string;
}

export type Parsed = { ok: true; exchange: Exchange } | { ok: false; error: string };

const said = (what: string) => z.string({ error: `"${what}" must be a text` }).trim().min(1, `"${what}" is empty`);
const Answer = z.object({ user: said("user"), assistant: said("assistant") });

/** Names that models use instead of the ones that they were asked for. */
const ALIASES: Readonly<Record<string, "user" | "assistant">> = {
  question: "user",
  query: "user",
  prompt: "user",
  answer: "assistant",
  response: "assistant",
  reply: "assistant",
};

/**
 * Reads an exchange out of a model's words: plain JSON, fenced, with talk around it, or misplaced into the reasoning.
 * What it means is never guessed: without a question and an answer the error says what is missing.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parseExchange } from "@/dialogue/parse.ts";
 *
 * const parsed = parseExchange({ content: 'Here it is: {"user":"Why?","assistant":"Because."}', reasoning: "" });
 * deepEqual(parsed, { ok: true, exchange: { user: "Why?", assistant: "Because." } });
 * ```
 */
export function parseExchange({ content, reasoning }: { content: string; reasoning: string }): Parsed {
  let error = content.trim() ? "the answer is not a JSON object" : "the answer is empty";
  for (const text of [content, reasoning]) {
    for (const value of jsonObjects(text)) {
      const exchange = asAsked(value);
      if (exchange) return { ok: true, exchange };
      const answer = Answer.safeParse(named(value));
      if (answer.success) return { ok: true, exchange: answer.data };
      if (text === content) error = answer.error.issues.map((issue) => issue.message).join("; ");
    }
  }
  return { ok: false, error };
}

/** What was asked for, by far the commonest and so told without more ado; all else is looked into. */
function asAsked(value: unknown): Exchange | undefined {
  if (typeof value !== "object" || value === null || !("user" in value && "assistant" in value)) return undefined;
  if (typeof value.user !== "string" || typeof value.assistant !== "string") return undefined;
  for (const key in value) if (key !== "user" && key !== "assistant") return undefined;
  const user = value.user.trim(), assistant = value.assistant.trim();
  return user && assistant ? { user, assistant } : undefined;
}

const Message = z.object({ role: z.string(), content: z.string() });
/** Deeper than anybody wraps an answer; a model that runs wild opens thousands of brackets. */
const DEEPEST = 16;

/** Finds `user` and `assistant` in the shapes that models give: aliases, a list of one, wrapped, messages. */
function named(value: unknown, depth = 0): unknown {
  if (depth > DEEPEST) return undefined;
  if (Array.isArray(value)) {
    const spoken = value.map((entry) => Message.safeParse(entry));
    const part = (role: string) => spoken.find((entry) => entry.data?.role === role)?.data?.content;
    return part("user") ? { user: part("user"), assistant: part("assistant") } : named(value[0], depth + 1);
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [, only] = entries.length === 1 ? entries[0] ?? [] : [];
  if (typeof only === "object" && only !== null) return named(only, depth + 1);
  return Object.fromEntries(entries.map(([key, entry]) => [ALIASES[key.toLowerCase()] ?? key.toLowerCase(), entry]));
}

/** Every outermost `{…}` or `[…]` of a text that is JSON, in order; a broken one is not looked into. */
function* jsonObjects(text: string): Generator<unknown> {
  const whole = parseJson(text); // By far the commonest: nothing but the one.
  if (typeof whole === "object" && whole !== null) return yield whole;
  // Bounded, so that a runaway of opening brackets costs no more than a look.
  for (let at = text.search(/[[{]/), looks = 0; at >= 0 && at < text.length && looks < 200; looks++) {
    const end = closing(text, at);
    const value = end > 0 ? parseLoosely(text.slice(at, end)) : undefined;
    if (value !== undefined) yield value;
    const next = value !== undefined ? end : at + 1;
    const rest = text.slice(next).search(/[[{]/);
    at = rest < 0 ? -1 : next + rest;
  }
}

/** Where the bracket that opens at `start` is closed, or -1. */
function closing(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === "\\") at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{" || character === "[") depth++;
    else if ((character === "}" || character === "]") && --depth === 0) return at + 1;
  }
  return -1;
}

/** JSON, or JSON with raw line breaks inside its strings, which models write when no grammar holds them. */
function parseLoosely(text: string): unknown {
  const broken = () =>
    text.replace(/"(?:[^"\\]|\\.)*"/gs, (string) => string.replace(/\r?\n/g, "\\n").replaceAll("\t", "\\t"));
  return parseJson(text) ?? parseJson(broken());
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
