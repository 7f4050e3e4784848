/** Asks a judge for an answer of a set form until it can be read, or not at all. */
import type { Clock } from "../core/step.ts";
import { type ChatEngine, type ChatReply, type ChatRequest, splitReasoning } from "../llm/chat.ts";
import { ChatError } from "../llm/errors.ts";
import { chatPatiently } from "../llm/pool.ts";

/** Further tries of a question whose answer cannot be read. */
const RETRIES = 2;
/** So many unreadable answers to a JSON schema, with no readable one, and it is asked for in words only. */
const SCHEMA_TRIALS = 3;

/** How a question is to be put. */
export interface Form {
  /** With a JSON schema. */
  readonly structured: boolean;
  readonly attempt: number;
}

/**
 * Makes an asker for one judge, which learns from answer to answer whether a JSON schema helps it.
 *
 * @returns What `read` made of the first readable answer; undefined where there was none.
 * @throws {ChatError} when the judge cannot be asked at all (no server, no model, no right).
 */
export function structuredAsker(engine: ChatEngine, clock: Clock) {
  let refused = false, readable = 0, unreadable = 0;
  return async <T>(
    build: (form: Form) => ChatRequest,
    read: (text: string) => T | undefined,
    signal: AbortSignal,
  ): Promise<T | undefined> => {
    for (let attempt = 0; attempt <= RETRIES; attempt++) {
      const structured = !refused && (readable > 0 || unreadable < SCHEMA_TRIALS);
      let reply: ChatReply;
      try {
        reply = await chatPatiently(engine, build({ structured, attempt }), { retries: 3, clock }, signal);
      } catch (error) {
        // A judge that is gone for all that patience is gone for every other question.
        if (!(error instanceof ChatError) || error.fatal || error.kind === "unreachable") throw error;
        if (error.kind === "schema_unsupported" && structured) {
          refused = true;
          attempt--;
        }
        continue;
      }
      // Some models put all that they say, the form included, where their reasoning belongs.
      const answer = read(reply.content || splitReasoning(reply.reasoning).content);
      if (structured) answer === undefined ? unreadable++ : readable++;
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}
