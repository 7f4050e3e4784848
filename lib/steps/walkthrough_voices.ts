/** A persona is changed, and asked beside what it was. */
import { themesOf } from "../dialogue/prompt.ts";
import { Persona } from "../dialogue/personas.ts";
import type { PromptFile } from "../dialogue/prompt.ts";
import { judge, type Rating, ratingOf, type Rubric } from "../evaluation/judge.ts";
import type { ChatEngine } from "../llm/chat.ts";
import type { Context } from "../core/step.ts";
import type { Themes } from "../corpus/themes.ts";
import type { FilteredChunk } from "../records.ts";
import { type Answered, askEach, pickPersonas, requestsFor, rowAt } from "./walkthrough.ts";

/** The persona of this id. @throws {UsageError} naming those that there are. */
export function pickPersona(personas: readonly Persona[], id: string): Persona {
  return rowAt(pickPersonas(personas, [id]), 0, "persona");
}

/** A persona with some of it changed. @throws {ZodError} where it is no persona any more. */
export function editPersona(persona: Persona, changes: Partial<Persona>): Persona {
  return Persona.parse({ ...persona, ...changes });
}

/** One passage, answered by a persona as it was and as it is now. */
export interface VoicePair {
  readonly passage: FilteredChunk;
  readonly before: Answered & { readonly rating?: Rating };
  readonly after: Answered & { readonly rating?: Rating };
}

/** Puts each passage to both, with the same seed, so that only the persona differs. */
export async function compareVoices(
  passages: readonly FilteredChunk[],
  [before, after]: readonly [Persona, Persona],
  prompts: PromptFile,
  engine: ChatEngine,
  themes: Themes,
  context: Context,
): Promise<VoicePair[]> {
  const requests = passages.flatMap((passage) => requestsFor(passage, [before, after], prompts));
  const answers = await askEach(requests, engine, themes, context);
  return passages.flatMap((passage, place) => {
    const [old, edited] = answers.slice(2 * place, 2 * place + 2);
    return old && edited ? [{ passage, before: old, after: edited }] : [];
  });
}

/** What a program knows better than a judge: these criteria are left out. */
const FORM = "format_compliance";

/**
 * Has the model at hand mark the answers, each on its own. The rehearsal cannot judge: then nothing is marked, and told so.
 */
export async function markVoices(
  pairs: readonly VoicePair[],
  engine: ChatEngine,
  rubric: Rubric,
  context: Context,
  samples = 1,
): Promise<VoicePair[]> {
  if (engine.name === "rehearsal") {
    context.emit({
      type: "log",
      level: "warn",
      message: "Not judged: no model is reachable, and templates cannot judge",
    });
    return [...pairs];
  }
  context.emit({
    type: "log",
    level: "info",
    message: `${engine.model} judges answers of its own, which models favour: compare old and new, not with others`,
  });
  const sides = pairs.flatMap(({ before, after }) => [before, after]);
  const judgements = await judge(
    sides.map(({ request, exchange }, place) => ({
      id: String(place),
      task: request.messages.map(({ content }) => content).join("\n\n"),
      text: exchange ? JSON.stringify(exchange) : "",
    })),
    {
      engine,
      rubric: { ...rubric, criteria: rubric.criteria.filter(({ id }) => id !== FORM) },
      samples,
      seed: 1969,
      concurrency: 1, // A few dozen questions to a model that somebody has just used for the answers.
      clock: context.clock,
      onProgress: (done, total) => context.emit({ type: "progress", label: "marks", done, total }),
    },
    context.signal,
  );
  const marked = (side: Answered, place: number) => {
    const judgement = judgements[place];
    return judgement ? { ...side, rating: ratingOf([judgement]) } : side;
  };
  return pairs.map(({ passage, before, after }, place) => ({
    passage,
    before: marked(before, 2 * place),
    after: marked(after, 2 * place + 1),
  }));
}

/** The passages with most themes, one from each book: three of one chapter would say the same. */
export function variedPassages(passages: readonly FilteredChunk[], count: number): FilteredChunk[] {
  const books = new Set<FilteredChunk["source_id"]>();
  const sorted = [...passages].sort((a, b) => themesOf(b).length - themesOf(a).length);
  const first = sorted.filter(({ source_id }) => !books.has(source_id) && books.add(source_id));
  return [...first, ...sorted.filter((passage) => !first.includes(passage))].slice(0, count);
}
