/** Asks for answers: out of the ledger, else of a server; what is learned of the model's form is kept. */
import { UserError } from "../core/errors.ts";
import { counted } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import type { Ask, Manner } from "../dialogue/converse.ts";
import type { Answer, Ledger } from "../dialogue/ledger.ts";
import { type ChatEngine, promptHash, requestHash } from "../llm/chat.ts";
import { parseDuration } from "../llm/duration.ts";
import { ChatError } from "../llm/errors.ts";
import type { Forecaster } from "../llm/forecast.ts";
import { answerOf, type Ask as ServerAsk, type RunOptions, type Server } from "../llm/scheduler.ts";
import type { Answering } from "./generate_engine.ts";
import type { GenerateOptions } from "./generate_options.ts";
import { type FormNote, keepForm } from "./generate_probe.ts";
import type { Trail } from "./generate_trails.ts";

/** All that asking needs, for a whole run. */
export interface Asking {
  readonly answering: Answering;
  readonly manner: Omit<Manner, "forms">;
  readonly ledger: Ledger;
  readonly options: GenerateOptions;
  readonly context: Context;
  readonly account: Collected;
  readonly forecaster: Forecaster;
  /** Absent until it was found out. */
  form: FormNote | undefined;
  /** Servers that have answered in any round. */
  readonly proven: Set<Server<ChatEngine>>;
}

/** What became of requests, over all rounds of a run. */
export interface Collected {
  /** Requests that went to a server and were answered. */
  sent: number;
  /** Answers that were in the ledger. */
  reused: number;
  /** Examples whose requests no server answered. */
  unanswered: number;
}

/** What one example took of the servers. */
export interface Spent {
  /** What it asked, in turn, and got an answer to. */
  readonly trail: Trail["requests"][number][];
  requests: number;
  promptTokens: number;
  outputTokens: number;
  shareMs: number;
}

/** What the scheduler is to know of a run. */
export function fleetOptions(
  { answering, options, context, proven }: Pick<Asking, "answering" | "options" | "context"> & Partial<Asking>,
): RunOptions<ChatEngine, unknown, never> {
  return {
    servers: answering.servers,
    concurrency: options.concurrency,
    attempts: options.retries + 1,
    giveUpAfterMs: parseDuration(options.giveUpAfter, "--give-up-after"),
    maxErrorRate: options.maxErrorRate,
    ...(proven ? { proven } : {}),
    signal: context.signal,
    clock: context.clock,
    emit: context.emit,
  };
}

/** Answers out of the ledger, else from a server; what a server answers is durable before it counts. */
export function ledgerAsk(ask: ServerAsk<ChatEngine>, asking: Asking, spent: Spent): Ask {
  const { ledger, answering: { model }, account } = asking;
  return async (request) => {
    const prompt = promptHash(request);
    const hash = requestHash(request, model, prompt);
    const sent = { hash, prompt, ...(request.seed === undefined ? {} : { seed: request.seed }) };
    const known = ledger.get(hash);
    if (known) {
      spent.trail.push(sent);
      if (!ledger.isNew(hash)) account.reused++; // Else this run itself asked for it.
      return known;
    }
    if (request.schema && asking.form && asking.form.form !== "schema") return undefined;
    let answer: Answer;
    try {
      const { value: reply, tokens, shareMs } = await ask(async ({ server, signal, onTokens }) => {
        const reply = await server.chat(request, signal, () => onTokens());
        // Under way until it is durable: so no more is lost, and asked for again, than what was under way.
        await ledger.put(hash, { reply });
        return answerOf(reply);
      });
      spent.requests++;
      spent.promptTokens += reply.usage.promptTokens ?? 0;
      spent.outputTokens += tokens;
      spent.shareMs += shareMs;
      answer = { reply };
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      answer = { fault: { kind: error.kind, message: error.message } };
      if (error.kind === "schema_unsupported") {
        refused(asking);
        return answer; // The next request goes without a schema.
      }
      if (!error.ofTheAnswer) throw error;
      await ledger.put(hash, answer);
    }
    account.sent++;
    spent.trail.push(sent);
    return answer;
  };
}

/** A schema was refused although the model took one before: another server, or another version of it. */
function refused(asking: Asking): void {
  if (asking.form?.form !== "schema") return; // The probe draws its own conclusion.
  asking.form = { ...asking.form, form: "mixed", why: "it took a JSON schema no longer" };
  keepForm(asking.ledger, asking.answering.model, asking.form);
  tellForm(asking);
}

export function tellForm({ form, answering: { model }, context }: Asking): void {
  if (!form || form.form === "schema") return;
  const message = `"${model}" is asked for JSON by the prompt alone, from now on: ${form.why}`;
  context.emit({ type: "log", level: "info", message });
}

/** Runs, and puts what is kept into words where the run cannot go on. @throws the signal's reason when it fired. */
export async function guarded(
  { ledger, context, account }: Asking,
  run: () => Promise<{ ended: "complete" | "stopped" }>,
): Promise<void> {
  const kept = () => `${counted(ledger.count(), "answer is", "answers are")} kept`;
  let ended: "complete" | "stopped";
  try {
    ({ ended } = await run());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const resume = !/damaged/.test(error.message) && ledger.count() > 0
      ? `${kept()}; --resume goes on from there.`
      : "";
    const hint = [error.hint?.replace(/\n?What was answered is kept\.$/, ""), resume].filter(Boolean).join("\n");
    throw new UserError(error.message, { exitCode: error.exitCode, hint, cause: error });
  }
  if (ended === "complete") return;
  const { sent } = account;
  context.emit({
    type: "log",
    level: "info",
    message: `stopped after ${counted(sent, "request")}; ${kept()}, --resume goes on from there`,
  });
  context.signal.throwIfAborted();
}

export function nothingSpent(): Spent {
  return { trail: [], requests: 0, promptTokens: 0, outputTokens: 0, shareMs: 0 };
}
