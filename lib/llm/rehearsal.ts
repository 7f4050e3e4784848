/**
 * The rehearsal engine: no model, no network. It writes a question and an answer out of the passage and the persona that
 * a request was rendered from, so that the whole chain can be tried anywhere in seconds.
 */
import { z } from "zod";
import { pick, seededRandom, shuffle } from "../dialogue/random.ts";
import { type ChatEngine, type ChatRequest, requestHash } from "./chat.ts";
import { ChatError } from "./errors.ts";
import { loadPhrases, type Phrases, voiceFor } from "./rehearsal_phrases.ts";
import { addresses, quotable, things } from "./rehearsal_words.ts";

/** Name under which the engine appears as a model, in statistics and in the dataset card. */
export const REHEARSAL_MODEL = "rehearsal";

/** What the engine reads from `ChatRequest.metadata`. */
const Matter = z.object({
  persona: z.object({
    category: z.string(),
    traits: z.array(z.string()),
    voice: z.string(),
  }),
  passage: z.string(),
  /** Words of the passage that the theme filter matched. */
  words: z.array(z.string()).default([]),
});
type Matter = z.infer<typeof Matter>;

/** Length of an answer in words. */
const WORDS = { min: 70, max: 135 } as const;

/**
 * An engine that answers requests of `generate` by itself: the same request always gets the same answer.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { rehearsalEngine } from "@/llm/rehearsal.ts";
 *
 * const request = {
 *   messages: [{ role: "user" as const, content: "Write an exchange." }],
 *   temperature: 0.8,
 *   metadata: {
 *     persona: { category: "chess_strategy", traits: ["patience"], voice: "Calm." },
 *     passage: "The commune kept the harvest in a barn, and the plan was read aloud to the brigade.",
 *   },
 * };
 * const { content } = await rehearsalEngine().chat(request, new AbortController().signal);
 * equal(typeof JSON.parse(content).assistant, "string");
 * ```
 */
export function rehearsalEngine(): ChatEngine {
  let phrases: Promise<Phrases> | undefined;
  return {
    name: "rehearsal",
    model: REHEARSAL_MODEL,
    async chat(request, signal) {
      signal.throwIfAborted();
      const matter = Matter.safeParse(request.metadata);
      if (!matter.success) {
        throw new ChatError("bad_request", "The rehearsal engine answers requests of the step generate only");
      }
      const exchange = write(matter.data, request, await (phrases ??= loadPhrases()));
      return {
        content: JSON.stringify(exchange),
        reasoning: "",
        finishReason: "stop",
        model: REHEARSAL_MODEL,
        usage: {},
        timing: { firstTokenMs: 0, totalMs: 0 },
      };
    },
  };
}

function write(
  { persona, passage, words }: Matter,
  request: ChatRequest,
  phrases: Phrases,
): { user: string; assistant: string } {
  const random = seededRandom(requestHash(request, REHEARSAL_MODEL));
  const voice = voiceFor(phrases, persona.category);
  // From the ten likeliest, so that several personas do not all speak of the same thing.
  const [a = "", ...others] = shuffle(things(passage, words).slice(0, 10), random);
  const quotes = quotable(passage);
  const values: Record<string, string> = { a, trait: persona.traits.length > 0 ? pick(persona.traits, random) : "" };
  if (quotes.length > 0) values.q = pick(quotes, random);
  const you = pick(addresses(persona.voice).length > 0 ? addresses(persona.voice) : voice.address, random);
  let turn = 0;
  // What is talked about stays; what it is compared with changes from sentence to sentence.
  const fill = (sentence: string) => {
    const [b = a, c = a] = [others[turn % others.length], others[(turn + 1) % others.length]];
    if (/\{[bc]\}/.test(sentence)) turn++;
    const named: Record<string, string> = { ...values, b, c };
    return capital(sentence.replace(/\{([abcq]|trait)\}/g, (_, name: string) => named[name] ?? ""));
  };
  const usable = (sentence: string) =>
    (values.q !== undefined || !sentence.includes("{q}")) && (values.trait !== "" || !sentence.includes("{trait}"));

  const middle = [
    ...shuffle(voice.body, random).slice(0, 2),
    ...shuffle(phrases.common.filter(usable), random).slice(0, 1),
    ...shuffle(phrases.self.filter(usable), random).slice(0, 1),
  ];
  const spare = shuffle(voice.body.filter((sentence) => !middle.includes(sentence)), random);
  const sentences = [pick(voice.open, random), ...shuffle(middle, random), pick(voice.close, random)];
  const length = () => sentences.join(" ").split(/\s+/).length;
  while (length() < WORDS.min && spare.length > 0) sentences.splice(-1, 0, spare.pop() ?? "");
  while (length() > WORDS.max && sentences.length > 3) sentences.splice(-2, 1);
  return {
    user: fill(pick([...voice.questions, ...phrases.questions], random)),
    assistant: addressOnce(sentences.map(fill).join(" "), you),
  };
}

/** Names the listener in one place and leaves the other places out: nobody says "comrade" in every sentence. */
function addressOnce(text: string, you: string): string {
  return text.replace("{you}", you).replaceAll(/, \{you\}/g, "").replaceAll("{you}", you);
}

function capital(sentence: string): string {
  return sentence.replace(/^[“"]?[a-z]/, (start) => start.toUpperCase());
}
