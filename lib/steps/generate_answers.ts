/** First half of generation: every example's requests are sent, and their answers kept in the ledger. */
import { messageOf, UserError } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { type Ask, converse, type Manner, type Outcome } from "../dialogue/converse.ts";
import type { Answer, Ledger } from "../dialogue/ledger.ts";
import type { MixPlan } from "../dialogue/mix.ts";
import type { PlannedAssignment } from "../dialogue/plan.ts";
import type { Assignment } from "../dialogue/prompt.ts";
import { type ChatEngine, promptHash, requestHash } from "../llm/chat.ts";
import { parseDuration } from "../llm/duration.ts";
import { ChatError } from "../llm/errors.ts";
import type { Forecaster } from "../llm/forecast.ts";
import {
  answerOf,
  type Ask as ServerAsk,
  type Result,
  type RunOptions,
  runTasks,
  type Server,
} from "../llm/scheduler.ts";
import type { Answering } from "./generate_engine.ts";
import type { GenerateOptions, GeneratePaths } from "./generate_options.ts";
import { type FormNote, formsOf, keepForm, knownForm, probeForm, PROBES } from "./generate_probe.ts";
import { runProgress } from "./generate_progress.ts";
import type { Trail, Trails } from "./generate_trails.ts";

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
  /** Beginnings of the hashes that this run asked for, as numbers: finding those again is no reuse. */
  readonly own: Set<number>;
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
interface Spent {
  /** What it asked, in turn, and got an answer to. */
  readonly trail: Trail["requests"][number][];
  requests: number;
  promptTokens: number;
  outputTokens: number;
  shareMs: number;
}

/** The first failures are told one by one; of the others the account tells. */
const TOLD_ONE_BY_ONE = 5;

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
function ledgerAsk(ask: ServerAsk<ChatEngine>, asking: Asking, spent: Spent): Ask {
  const { ledger, answering: { model }, account, own } = asking;
  return async (request) => {
    const prompt = promptHash(request);
    const hash = requestHash(request, model, prompt);
    const sent = { hash, prompt, ...(request.seed === undefined ? {} : { seed: request.seed }) };
    const known = ledger.get(hash);
    if (known) {
      spent.trail.push(sent);
      if (!own.has(short(hash))) account.reused++;
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
    own.add(short(hash));
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

function tellForm({ form, answering: { model }, context }: Asking): void {
  if (!form || form.form === "schema") return;
  const message = `"${model}" is asked for JSON by the prompt alone, from now on: ${form.why}`;
  context.emit({ type: "log", level: "info", message });
}

/** Finds out how the model gives JSON, unless the ledger knows. */
export async function findForm(samples: readonly Assignment[], asking: Asking): Promise<void> {
  const { ledger, answering: { model }, manner } = asking;
  asking.form = knownForm(ledger, model);
  if (asking.form) return;
  await guarded(asking, () =>
    runTasks(
      [samples.slice(0, PROBES)],
      (some, ask: ServerAsk<ChatEngine>) =>
        probeForm(some, { ...manner, forms: [] }, ledgerAsk(ask, asking, nothingSpent())),
      {
        ...fleetOptions(asking),
        concurrency: 1,
        onResult(result) {
          if (!("value" in result)) return; // The run itself will meet what was the matter, and say so.
          asking.form = result.value;
          keepForm(ledger, model, result.value);
          tellForm(asking);
        },
      },
    ));
}

/**
 * Sends what the ledger does not hold. Every answer is durable before it counts; a crash loses the requests in flight.
 *
 * @returns Examples that were begun, by component of the mix.
 * @param trails Is told what was asked for each example.
 * @param judge Why an outcome will be left out, as far as one example can tell; a mix counts by it.
 * @throws {UserError} when the servers are gone for too long, refuse, or errors persist; what was answered is kept.
 */
export async function collectAnswers(
  { tasks, mix, total, asking, judge, trails, paths }: {
    tasks: AsyncIterable<PlannedAssignment>;
    /** Is told of every verdict. */
    mix: MixPlan | undefined;
    total: number;
    asking: Asking;
    trails: Trails;
    judge: (task: PlannedAssignment, outcome: Outcome) => string | undefined;
    paths: Pick<GeneratePaths, "checkpoint">;
  },
): Promise<ReadonlyMap<string, number>> {
  const { options, context, account, forecaster } = asking;
  const manner: Manner = { ...asking.manner, forms: formsOf(asking.form) };
  const progress = runProgress({ total, forecaster, emit: context.emit });
  const begun = new Map<string, number>();
  let chunks = 0, done = 0, saving: Promise<void> | undefined;
  const say = (level: "info" | "warn", message: string) => context.emit({ type: "log", level, message });

  const checkpoint = async () => {
    await saving;
    const state = { chunks_processed: chunks, examples_processed: done, examples_total: total, ...account };
    saving = writeFileAtomic(paths.checkpoint, JSON.stringify(state, null, 2) + "\n");
    await saving;
  };

  type Worked = { outcome: Outcome; spent: Spent };
  const onResult = async (result: Result<PlannedAssignment, Worked>) => {
    const { item } = result;
    const name = `${item.chunk.id} as ${item.persona.id}`;
    let reason: string | undefined = "not_answered";
    if ("value" in result) {
      const { outcome, spent } = result.value;
      const { trail, ...measured } = spent;
      if (measured.requests > 0) forecaster.add(measured);
      reason = judge(item, outcome);
      trails.keep(item.id, { requests: trail, passed: reason === undefined });
      if (options.verbose) say("info", `${name}: ${reason ?? "answered"}`);
    } else if (account.unanswered++ < TOLD_ONE_BY_ONE || options.verbose) {
      say("warn", `${name}: ${result.error.message}`);
    }
    if (reason === undefined) mix?.accept(item.component);
    else mix?.reject(item.component);
    done++;
    progress.done(reason);
    if (item.first && ++chunks % options.batchSize === 0) await checkpoint();
  };

  const work = async (task: PlannedAssignment, ask: ServerAsk<ChatEngine>, signal: AbortSignal): Promise<Worked> => {
    begun.set(task.component, (begun.get(task.component) ?? 0) + 1);
    const spent = nothingSpent();
    try {
      return { outcome: await converse(task, manner, ledgerAsk(ask, asking, spent)), spent };
    } catch (error) {
      trails.keep(task.id, { requests: spent.trail, passed: false });
      // Where the run ends there will be no result: the plan must not wait for one.
      if (signal.aborted || !(error instanceof ChatError)) mix?.reject(task.component);
      throw error;
    }
  };
  try {
    await guarded(asking, () => runTasks(tasks, work, { ...fleetOptions(asking), onState: progress.state, onResult }));
  } finally {
    await checkpoint().catch((error) => say("warn", messageOf(error)));
  }
  progress.end();
  return begun;
}

/** Runs, and puts what is kept into words where the run cannot go on. @throws the signal's reason when it fired. */
async function guarded(
  { ledger, context, account }: Asking,
  run: () => Promise<{ ended: "complete" | "stopped" }>,
): Promise<void> {
  const kept = () => `${ledger.count()} answers are kept`;
  let ended: "complete" | "stopped";
  try {
    ({ ended } = await run());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const resume = ledger.count() > 0 ? `${kept()}; --resume goes on from there.` : "";
    const hint = [error.hint?.replace(/\n?What was answered is kept\.$/, ""), resume].filter(Boolean).join("\n");
    throw new UserError(error.message, { exitCode: error.exitCode, hint, cause: error });
  }
  if (ended === "complete") return;
  const { sent } = account;
  context.emit({
    type: "log",
    level: "info",
    message: `stopped after ${sent} requests; ${kept()}, --resume goes on from there`,
  });
  context.signal.throwIfAborted();
}

function short(hash: string): number {
  return Number.parseInt(hash.slice(0, 12), 16);
}

function nothingSpent(): Spent {
  return { trail: [], requests: 0, promptTokens: 0, outputTokens: 0, shareMs: 0 };
}
