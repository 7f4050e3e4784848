import type { ChatRequest } from "../llm/chat.ts";
import type { Answer } from "./ledger.ts";
import { type Exchange, parseExchange } from "./parse.ts";
import { type Assignment, correctionRequest, type PromptFile, renderRequest, type Sampling } from "./prompt.ts";

/** Answers a request, from a server or from the ledger; `undefined` where there is no answer and none is sought. */
export type Ask = (request: ChatRequest) => Promise<Answer | undefined>;

/** How JSON is asked for: by a schema that the server holds the model to, or by words in the prompt. */
export type Form = "schema" | "prompt";

export interface Manner {
  readonly prompts: PromptFile;
  readonly sampling: Sampling;
  readonly seed: number;
  /** The forms that a request may have, the preferred one first; the next one is for what the first got no answer to. */
  readonly forms: readonly Form[];
}

export type Outcome =
  /** `tries` is how many were sent. */
  | { readonly kind: "exchange"; readonly exchange: Exchange; readonly model: string; readonly tries: number }
  /** Answered, but never in a usable form. */
  | { readonly kind: "reject"; readonly reason: string; readonly detail: string; readonly said: string }
  /** Never answered. */
  | { readonly kind: "failed" };

/**
 * Gets one exchange: asks, on an unusable answer shows the error and asks for a correction, then tries afresh with
 * another seed, then gives up. Asks nothing but `ask`, so that a rebuild from the ledger takes the same turns as the run.
 * A request that `ask` has no answer to is passed over.
 */
export async function converse(assignment: Assignment, manner: Manner, ask: Ask): Promise<Outcome> {
  let last: Outcome = { kind: "failed" };
  let tries = 0;
  const send = async (request: ChatRequest): Promise<Outcome> => {
    const answer = await ask(request);
    if (!answer) return { kind: "failed" };
    tries++;
    if ("fault" in answer) return { kind: "reject", reason: answer.fault.kind, detail: answer.fault.message, said: "" };
    const parsed = parseExchange(answer.reply);
    return parsed.ok ? { kind: "exchange", exchange: parsed.exchange, model: answer.reply.model, tries } : {
      kind: "reject",
      reason: "invalid_json",
      detail: parsed.error,
      said: answer.reply.content || answer.reply.reasoning,
    };
  };
  for (const attempt of [0, 1]) {
    const { request, outcome } = await firstTry(assignment, manner, attempt, send);
    if (outcome.kind === "failed") continue;
    if (outcome.kind === "exchange") return outcome;
    last = outcome;
    if (outcome.reason === "context_overflow") return last; // Another seed would not make it shorter.
    if (attempt === 0 && outcome.reason === "invalid_json") {
      const corrected = await send(correctionRequest(request, outcome.said, outcome.detail, manner.prompts));
      if (corrected.kind === "exchange") return corrected;
      if (corrected.kind === "reject") last = corrected;
    }
  }
  return last;
}

/** Asks in the preferred form; in the next one where the server refuses that, or there is no answer to it. */
async function firstTry(
  assignment: Assignment,
  { prompts, sampling, seed, forms }: Manner,
  attempt: number,
  send: (request: ChatRequest) => Promise<Outcome>,
): Promise<{ request: ChatRequest; outcome: Outcome }> {
  let tried: { request: ChatRequest; outcome: Outcome } | undefined;
  for (const form of forms) {
    const request = renderRequest(assignment, prompts, sampling, { seed, attempt, structured: form === "schema" });
    tried = { request, outcome: await send(request) };
    const { outcome } = tried;
    if (outcome.kind === "exchange" || outcome.kind === "reject" && outcome.reason !== "schema_unsupported") break;
  }
  if (!tried) throw new RangeError("no form to ask in");
  return tried;
}
