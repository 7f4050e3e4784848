/** What the benchmark asks of a model, and what it finds in the answer. */
import { z } from "zod";
import { readJsonc } from "../core/jsonc.ts";
import { type Exchange, parseExchange } from "../dialogue/parse.ts";
import type { Persona } from "../dialogue/personas.ts";
import { Rubric } from "../evaluation/judge.ts";
import type { ChatMessage } from "../records.ts";

const PLACEHOLDERS = ["examples", "persona_name", "persona_voice", "passage"];
const Template = z.string().min(1).superRefine((text, check) => {
  for (const [, name = ""] of text.matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)) {
    if (!PLACEHOLDERS.includes(name)) {
      check.addIssue(`unknown placeholder "{{${name}}}": there are ${PLACEHOLDERS.join(", ")}`);
    }
  }
});

export const BenchmarkPreset = z.strictObject({
  prompt: z.strictObject({ system: Template, user: Template, passage: z.string().min(1) }),
  rubric: Rubric,
});
export type BenchmarkPreset = z.infer<typeof BenchmarkPreset>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadBenchmarkPreset(path: string): Promise<BenchmarkPreset> {
  return readJsonc(path, BenchmarkPreset);
}

/** The benchmark's messages for one voice. No schema goes with them, so that keeping to a form is the model's own merit. */
export function benchmarkMessages(
  { prompt }: BenchmarkPreset,
  persona: Pick<Persona, "name" | "voice">,
  examples: number,
): ChatMessage[] {
  const values: Record<string, string> = {
    examples: String(examples),
    persona_name: persona.name,
    persona_voice: persona.voice,
    passage: prompt.passage,
  };
  const fill = (template: string) =>
    template.replace(/\{\{\s*([^}]*?)\s*\}\}/g, (_, name: string) => values[name] ?? "").trim();
  return [{ role: "system", content: fill(prompt.system) }, { role: "user", content: fill(prompt.user) }];
}

/** Messages as one text, for a chat window that has no place for a system message. */
export function asOneText(messages: readonly ChatMessage[]): string {
  return messages.map(({ content }) => content).join("\n\n");
}

/** What a program can tell of an answer's form. */
export interface Form {
  /** Exchanges that can be used. */
  readonly exchanges: readonly Exchange[];
  /** Whether the answer is the ordered JSON and nothing else. */
  readonly exact: boolean;
}

/**
 * Takes the exchanges out of an answer: the array that was asked for, alone, fenced or with talk around it, or objects one
 * after the other.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { readForm } from "@/steps/benchmark_prompt.ts";
 *
 * const form = readForm('Here:\n[{"user": "Why?", "assistant": "Because."}, {"user": "And now?"}]', 2);
 * equal(form.exchanges.length, 1);
 * equal(form.exact, false);
 * ```
 */
export function readForm(content: string, examples: number): Form {
  const whole = parsed(content);
  const inside = parsed(content.slice(content.indexOf("["), content.lastIndexOf("]") + 1));
  const list = [whole, inside].find(Array.isArray) ?? objectsOf(content);
  const exchanges = list.flatMap((entry: unknown) => {
    const read = parseExchange({ content: JSON.stringify(entry) ?? "", reasoning: "" });
    return read.ok ? [read.exchange] : [];
  }).slice(0, examples);
  const exact = Array.isArray(whole) && whole.length === examples && exchanges.length === examples &&
    whole.every((entry) => typeof entry === "object" && entry !== null && Object.keys(entry).length === 2);
  return { exchanges, exact };
}

/** The objects in a text that hold no other object: an exchange is flat, however it is wrapped. */
function objectsOf(content: string): unknown[] {
  const found: unknown[] = [];
  for (const [json] of content.slice(0, 100_000).matchAll(/\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}/gs)) {
    const value = parsed(json);
    if (value !== undefined) found.push(value);
  }
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
