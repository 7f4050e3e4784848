import { z } from "zod";
import { yearText } from "../core/format.ts";
import { readJsonc } from "../core/jsonc.ts";
import type { ChatRequest, ChatSchema } from "../llm/chat.ts";
import type { FilteredChunk } from "../records.ts";
import type { Persona } from "./personas.ts";
import { pick, seededRandom, seedOf } from "./random.ts";
import { kindOf, type SourceChunk } from "./source_kinds.ts";

/** What a template may ask for. */
const PLACEHOLDERS = [
  "persona_name",
  "persona_voice",
  "persona_traits",
  "persona_sample",
  "source_title",
  "author",
  "year",
  "passage",
  "themes",
  "asker",
  "error",
] as const;
type Values = Partial<Record<typeof PLACEHOLDERS[number], string>>;

const Template = z.string().min(1).superRefine((text, check) => {
  for (const [, name = ""] of text.matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)) {
    if (!PLACEHOLDERS.some((known) => known === name)) {
      check.addIssue(`unknown placeholder "{{${name}}}": there are ${PLACEHOLDERS.join(", ")}`);
    }
  }
});

/** A template that holds the passage: only between its marks, so that a text stays material whatever it says. */
const UserTemplate = Template.superRefine((text, check) => {
  const outside = text.replace(/<passage>\s*\{\{\s*passage\s*\}\}\s*<\/passage>/g, "");
  if (/\{\{\s*passage\s*\}\}/.test(outside)) {
    check.addIssue('"{{passage}}" must stand between <passage> and </passage>');
  }
});

/** What is asked otherwise of one kind of source; what is left out is as for all. */
const KindPrompts = z.strictObject({ system: Template.optional(), user: UserTemplate.optional() });

/** The prompts of generation, with `{{placeholders}}`. */
export const PromptFile = z.strictObject({
  generate: z.strictObject({
    system: Template,
    user: UserTemplate,
    correction: Template,
    gutenberg: KindPrompts.optional(),
    script: KindPrompts.optional(),
    speech: KindPrompts.optional(),
    chess: KindPrompts.optional(),
    gap: KindPrompts.optional(),
  }),
  /** Who asks: one is drawn for each example, so that questions differ. */
  askers: z.array(z.string().min(1)).optional(),
  /** Added to the request where the server takes no JSON schema. */
  promptOnlyJson: Template,
});
export type PromptFile = z.infer<typeof PromptFile>;

/** @throws {UsageError} with every fault, each as `file:line`. */
export function loadPrompts(path: string): Promise<PromptFile> {
  return readJsonc(path, PromptFile);
}

/** The answer that is asked for: a question and Deep Red's reply to it. */
export const EXCHANGE_SCHEMA: ChatSchema = {
  name: "exchange",
  schema: {
    type: "object",
    properties: { user: { type: "string" }, assistant: { type: "string" } },
    required: ["user", "assistant"],
    additionalProperties: false,
  },
};

/** How the model is to sample. */
export interface Sampling {
  readonly temperature: number;
  readonly maxTokens?: number;
}

/** One example to be made: this persona on that passage. */
export interface Assignment {
  readonly chunk: SourceChunk;
  readonly persona: Persona;
  /** Themes of the passage: the one that the example is about, then the others, strongest first. */
  readonly themes: readonly string[];
}

/** Themes of a passage by their counts, strongest first, then by name. */
export function themesOf(chunk: Pick<FilteredChunk, "keyword_counts">): string[] {
  return Object.entries(chunk.keyword_counts)
    .filter(([name, count]) => name !== "total" && count > 0)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([name]) => name);
}

/**
 * Renders the request for one example.
 *
 * @param attempt 0 for the first try; a fresh try has a seed of its own.
 * @param structured Whether the server is given the JSON schema, or the prompt has to ask for JSON.
 */
export function renderRequest(
  { chunk, persona, themes }: Assignment,
  prompts: PromptFile,
  sampling: Sampling,
  { seed, attempt, structured }: { seed: number; attempt: number; structured: boolean },
): ChatRequest {
  const passage = asData(chunk.text);
  const values: Values = {
    persona_name: persona.name,
    persona_voice: persona.voice,
    persona_traits: persona.traits.join("; "),
    persona_sample: persona.sample,
    source_title: asData(chunk.source_title),
    author: asData(chunk.author ?? "an unknown author"),
    year: chunk.year === undefined ? "unknown" : yearText(chunk.year),
    passage,
    themes: themes.map((theme) => theme.replaceAll("_", " ")).join(", ") || "none in particular",
    asker: pick(
      prompts.askers?.length ? prompts.askers : ["a colonist"],
      seededRandom(seed, "asker", chunk.id, persona.id),
    ),
  };
  const templates = prompts.generate[kindOf(chunk)];
  const user = fill(templates?.user ?? prompts.generate.user, values);
  return {
    messages: [
      { role: "system", content: fill(templates?.system ?? prompts.generate.system, values) },
      { role: "user", content: structured ? user : `${user}\n\n${fill(prompts.promptOnlyJson, values)}` },
    ],
    temperature: sampling.temperature,
    ...(sampling.maxTokens === undefined ? {} : { maxTokens: sampling.maxTokens }),
    seed: seedOf(seed, chunk.id, persona.id, attempt),
    ...(structured ? { schema: EXCHANGE_SCHEMA } : {}),
    metadata: {
      persona,
      passage: chunk.text,
      themes,
      words: matchedWords(chunk),
      title: chunk.source_title,
      attempt,
    },
  };
}

/** The same conversation with the bad answer and what is wrong with it. */
export function correctionRequest(
  request: ChatRequest,
  answer: string,
  error: string,
  prompts: PromptFile,
): ChatRequest {
  return {
    ...request,
    messages: [
      ...request.messages,
      { role: "assistant", content: answer.slice(0, 4000) || "(nothing)" },
      { role: "user", content: fill(prompts.generate.correction, { error }) },
    ],
  };
}

/** Replaces all placeholders in one pass, so that braces inside a value stay what they are. */
function fill(template: string, values: Values): string {
  const known: Readonly<Record<string, string | undefined>> = values;
  let text = "";
  for (const [at, part] of partsOf(template).entries()) text += at % 2 === 0 ? part : known[part] ?? "";
  return text.trim();
}

/** A template's texts and, between them, the names of its placeholders. */
function partsOf(template: string): readonly string[] {
  const known = parted.get(template) ?? template.split(/\{\{\s*([^}]*?)\s*\}\}/);
  parted.set(template, known);
  return known;
}

/** Every example fills the same few templates. */
const parted = new Map<string, readonly string[]>();

/** A book's text cannot close the passage that holds it, nor speak as a control token of a chat template. */
function asData(text: string): string {
  if (!text.includes("<") && !text.includes("|>")) return text;
  return text.replace(/<(?=\/?\s*passage)/gi, "‹").replace(/<\||\|>/g, (mark) => mark === "<|" ? "‹|" : "|›");
}

/** The words by which the filter found the passage, in order, once each. */
function matchedWords(chunk: FilteredChunk): string[] {
  return [...new Set((chunk.matches ?? []).map(({ start, end }) => chunk.text.slice(start, end).toLowerCase()))];
}
