/** How a model gives JSON, found once with the first passages and kept in the ledger. */
import { z } from "zod";
import type { Ask, Form, Manner } from "../dialogue/converse.ts";
import type { Ledger } from "../dialogue/ledger.ts";
import { parseExchange } from "../dialogue/parse.ts";
import { type Assignment, renderRequest } from "../dialogue/prompt.ts";

export const FormNote = z.object({
  /** `mixed`: with a schema until the server refused one in the middle of a run. */
  form: z.enum(["schema", "prompt", "mixed"]),
  /** Why not with a schema. */
  why: z.string().optional(),
  /** Where the answer stood. */
  json_in: z.enum(["content", "reasoning"]).optional(),
  /** Whether it stood there alone, with no fence and no talk around it. */
  plain: z.boolean().optional(),
  /** Whether the model reasoned. */
  reasons: z.boolean().optional(),
});
export type FormNote = z.output<typeof FormNote>;

const noteKey = (model: string) => `form ${model}`;

export function knownForm(ledger: Ledger, model: string): FormNote | undefined {
  const note = ledger.note(noteKey(model));
  return note === undefined ? undefined : FormNote.safeParse(JSON.parse(note)).data;
}

export function keepForm(ledger: Ledger, model: string, note: FormNote): void {
  ledger.setNote(noteKey(model), JSON.stringify(note));
}

/** The forms in which requests were or will be sent. */
export function formsOf(note: FormNote | undefined): readonly Form[] {
  return note?.form === "prompt" ? ["prompt"] : ["schema", "prompt"];
}

/** Passages that are asked about in one form before another is tried. */
export const PROBES = 2;

/**
 * Asks with a schema. Where the server refuses that, or what comes is not the JSON that was ordered (grammars garble the
 * answers of some models that reason), the prompt alone asks. The answers belong to the run like any other: where the
 * schema works, probing costs nothing.
 *
 * @throws {ChatError} where a request gets no answer.
 */
export async function probeForm(samples: readonly Assignment[], manner: Manner, ask: Ask): Promise<FormNote> {
  const { prompts, sampling, seed } = manner;
  const tell = async (sample: Assignment, structured: boolean): Promise<FormNote | string> => {
    const answer = await ask(renderRequest(sample, prompts, sampling, { seed, attempt: 0, structured }));
    if (!answer) return "no answer";
    if ("fault" in answer) return answer.fault.kind === "schema_unsupported" ? REFUSED : answer.fault.message;
    const { content, reasoning } = answer.reply;
    const parsed = parseExchange(answer.reply);
    if (!parsed.ok) return parsed.error;
    const inContent = parseExchange({ content, reasoning: "" }).ok;
    return {
      form: structured ? "schema" : "prompt",
      json_in: inContent ? "content" : "reasoning",
      plain: /^\s*\{[^]*\}\s*$/.test(inContent ? content : reasoning),
      reasons: inContent && reasoning !== "",
    };
  };
  let why = "";
  for (const sample of samples.slice(0, PROBES)) {
    const told = await tell(sample, true);
    if (typeof told !== "string") return told;
    why = told;
    if (told === REFUSED) break;
  }
  for (const sample of samples.slice(0, PROBES)) {
    const told = await tell(sample, false);
    if (typeof told !== "string") return { ...told, why };
  }
  return { form: why === REFUSED ? "prompt" : "schema", why };
}

const REFUSED = "it takes no JSON schema";
