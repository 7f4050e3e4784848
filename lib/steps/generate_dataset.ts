/** Second half of generation: candidates become the dataset, in order, through all gates. */
import { createJsonl, readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import { failedGate, type GateRules } from "../dialogue/gates.ts";
import { createTaker, openTakerThread, type Taken, type Taker } from "../dialogue/duplicates_thread.ts";
import { slopIn } from "../dialogue/gates_slop.ts";
import type { Exchange } from "../dialogue/parse.ts";
import { type Verdict, verdictKey } from "../dialogue/verdicts.ts";
import { Chunk, type Example, type ExampleSource, type Reject } from "../records.ts";
import { type Candidate, exampleId, subjectOf } from "./generate_candidates.ts";
import type { DatasetPaths } from "./dataset_paths.ts";
import { count, emptyTally, type Tally } from "./generate_tally.ts";

/** Candidates from which on a thread of its own for duplicates (30 MB, half a second to start) is worth it. */
const THREAD_FROM = 10_000;

/** Patterns of the slop list that a source book uses itself, by its id. */
type Spared = (source: Chunk["source_id"]) => Promise<ReadonlySet<string>>;

/**
 * Writes the dataset, its sources line by line, and what was left out. The same candidates make the same bytes.
 *
 * @param input The passages, for what the books themselves say; read only when slop was found.
 * @param verdicts What people said of exchanges; it outweighs the gates.
 */
export async function buildDataset(
  { candidates, total, gates, input, verdicts, onVerdict, paths, context }: {
    candidates: AsyncIterable<Candidate>;
    total?: number;
    gates: GateRules;
    input: string | undefined;
    verdicts: ReadonlyMap<string, Verdict>;
    /** Hears of each candidate, before the next is taken, why it was left out, or `undefined`. Without it all go faster. */
    onVerdict?: (reason: string | undefined) => void;
    paths: Pick<DatasetPaths, "output" | "sources" | "rejects">;
    context: Pick<Context, "signal" | "emit">;
  },
): Promise<Tally> {
  const tally = emptyTally();
  using taker = !onVerdict && total !== undefined && total >= THREAD_FROM
    ? openTakerThread(gates)
    : createTaker(gates, gates.vocabulary);
  const spared = booksOwn(input, gates, context.signal);
  await using dataset = await createJsonl(paths.output);
  await using sources = await createJsonl(paths.sources);
  await using rejects = await createJsonl(paths.rejects);
  const tell = () =>
    context.emit({
      type: "progress",
      label: "gates",
      done: tally.requested,
      unit: "examples",
      ...(total === undefined ? {} : { total }),
    });

  for await (const { candidate, said, ...found } of offered(candidates, { taker, gates, spared, verdicts })) {
    context.signal.throwIfAborted();
    const id = exampleId(candidate);
    const { outcome } = candidate;
    const { repeats, words = 0 } = await found.taken ?? {};
    const repeated = repeats && outcome.kind === "exchange" ? { ...repeats, id, row: outcome.exchange } : undefined;
    const failed = found.failed ?? repeated;
    const reject: Reject | undefined = said === "accept"
      ? undefined
      : said === "reject" && outcome.kind === "exchange"
      ? { reason: "rejected_by_hand", id, row: outcome.exchange }
      : failed;
    count(tally, candidate, reject?.reason, words);
    if (reject) await rejects.write(reject);
    else if (outcome.kind === "exchange") {
      await dataset.write(toExample(candidate, outcome.exchange));
      await sources.write(toSource(candidate, outcome, failed?.reason));
    }
    onVerdict?.(reject?.reason);
    if (tally.requested % 500 === 0 && tally.requested !== total) tell();
  }
  tell();
  await rejects.commit();
  if (tally.accepted === 0) return tally; // Nothing takes the place of a dataset that may stand there.
  await sources.commit();
  await dataset.commit(); // Last: where the dataset stands, its companions do.
  return tally;
}

/** A candidate, what a person said of it, why it is left out whatever it repeats, and what it repeats. */
interface Offered {
  readonly candidate: Candidate;
  readonly said: Verdict | undefined;
  readonly failed: Reject | undefined;
  readonly taken: Taken | Promise<Taken> | undefined;
}

/** Judges candidates, and offers to the taker what may go into the dataset, some ahead of what is asked for. */
async function* offered(
  candidates: AsyncIterable<Candidate>,
  { taker, gates, spared, verdicts }: {
    taker: Taker;
    gates: GateRules;
    spared: Spared;
    verdicts: ReadonlyMap<string, Verdict>;
  },
): AsyncGenerator<Offered> {
  const hand: Offered[] = [];
  for await (const candidate of candidates) {
    const { persona, outcome } = candidate;
    const failed = await judge(candidate, gates, spared);
    let said: Verdict | undefined, taken: Offered["taken"];
    if (outcome.kind === "exchange") {
      const { exchange } = outcome;
      if (verdicts.size > 0) said = verdicts.get(verdictKey(exchange));
      if (said === "accept" || !failed && said !== "reject") {
        taken = taker.take({ id: exampleId(candidate), persona: persona.id, exchange, keep: said === "accept" });
      }
    }
    hand.push({ candidate, said, failed, taken });
    if (hand.length <= taker.ahead) continue;
    const first = hand.shift();
    if (first) yield first;
  }
  yield* hand;
}

/** Why a candidate is left out, whatever it repeats. */
async function judge(candidate: Candidate, gates: GateRules, spared: Spared): Promise<Reject | undefined> {
  const id = exampleId(candidate);
  const { chunk, outcome, verdict } = candidate;
  if (outcome.kind === "failed") return { reason: "not_answered", id, detail: "the server gave no answer" };
  if (outcome.kind === "reject") return { reason: outcome.reason, id, detail: outcome.detail, row: outcome.said };
  const subject = subjectOf(candidate, outcome.exchange);
  let failed = verdict === undefined ? failedGate(subject, gates) : verdict ?? undefined;
  // What the book says itself is looked up only where it matters.
  if (failed?.reason === "slop") failed = failedGate({ ...subject, spared: await spared(chunk.source_id) }, gates);
  return failed && { ...failed, id, row: outcome.exchange };
}

function booksOwn(input: string | undefined, gates: GateRules, signal: AbortSignal): Spared {
  let books: Promise<Map<Chunk["source_id"], Set<string>>> | undefined;
  const read = async () => {
    const found = new Map<Chunk["source_id"], Set<string>>();
    if (input === undefined) return found;
    for await (const { source_id, text } of readJsonl(input, Chunk, { signal })) {
      const own = found.get(source_id) ?? new Set();
      for (const pattern of slopIn(gates.slop, text)) own.add(pattern);
      found.set(source_id, own);
    }
    return found;
  };
  return async (source) => (await (books ??= read())).get(source) ?? new Set();
}

function toExample({ persona }: Candidate, { user, assistant }: Exchange): Example {
  return {
    messages: [
      { role: "system", content: persona.system },
      { role: "user", content: user },
      { role: "assistant", content: assistant },
    ],
  };
}

function toSource(
  candidate: Candidate,
  { model, request }: Extract<Candidate["outcome"], { kind: "exchange" }>,
  despite: string | undefined,
): ExampleSource {
  const { chunk, persona, themes, answers } = candidate;
  const { author, year, chapter, start, end, matches } = chunk;
  // JSON leaves out what is undefined.
  return {
    id: exampleId(candidate),
    persona: persona.id,
    chunk_id: chunk.id,
    source_id: chunk.source_id,
    source_title: chunk.source_title,
    author,
    year,
    chapter,
    start,
    end,
    themes: [...themes],
    matches,
    model,
    seed: request.seed,
    prompt_hash: request.prompt,
    request_hash: request.hash,
    tries: answers.length,
    accepted_despite: despite,
  };
}
