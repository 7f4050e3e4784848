/** A blind trial in a notebook: its pairs and votes where there are some, else votes whose answer is known. */
import { join } from "node:path";
import { z } from "zod";
import { readTextFile } from "../../core/files.ts";
import { WORKSPACE } from "../../core/paths.ts";
import type { Context } from "../../core/step.ts";
import { pick, seededRandom } from "../../dialogue/random.ts";
import { tallyVotes } from "../../evaluation/blind/tally.ts";
import { makeTrials, type Trial, type TrialKind } from "../../evaluation/blind/trial.ts";
import { Vote } from "../../evaluation/blind/votes.ts";
import { cutPieces } from "../../evaluation/style/pieces.ts";
import type { TallyAt } from "../../view/trial.ts";
import { blind } from "./blind.ts";
import { gaeaPaths } from "./paths.ts";
import { voicesAtHand } from "./walkthrough_voice.ts";

/** Draws sides, order and votes. */
export const SEED = blind.options.parse({}).seed;

export interface TrialsAtHand {
  readonly trials: readonly Trial[];
  /** Where the texts come from. */
  readonly source: string;
}

/** The trials that `gaea:blind` would hold on the newest continuations, or on recorded ones. */
export async function trialsAtHand(dataDir: string, context: Context): Promise<TrialsAtHand> {
  const { base, tuned, source } = await voicesAtHand(dataDir, context);
  const manuscript = join(WORKSPACE, "data-samples", "manuscript", "one_over.md");
  const passages = cutPieces(await readTextFile(manuscript), 250);
  const continued = base.flatMap(({ prompt_id: id, prompt, text, author, sample }) => {
    const other = tuned.find((row) => row.prompt_id === id && row.sample === sample);
    return sample > 0 || !other ? [] : [{ id, prompt, base: text, tuned: other.text, author }];
  });
  return { trials: makeTrials(continued, passages, { seed: SEED, mostWords: 150, catchEvery: 5 }).trials, source };
}

export interface VotesAtHand {
  readonly trials: readonly Pick<Trial, "id" | "kind" | "texts">[];
  readonly votes: readonly Vote[];
  readonly source: string;
}

/** What raters a trial whose answer is known has, and how often they prefer the tuned text. */
export interface KnownRaters {
  readonly pairs: number;
  /** Share of the pairs in which the tuned text is preferred. */
  readonly rate: number;
  /** Share of the pairs in which no text is. */
  readonly ties: number;
}

/** The votes of the last `gaea:blind`, else votes of coins of a known weight, and one rater who does not read. */
export async function votesAtHand(dataDir: string, known: KnownRaters, context: Context): Promise<VotesAtHand> {
  const path = join(gaeaPaths(dataDir, context.env).root, "benchmarks", "blind.json");
  const kept = await readVotes(path);
  if (kept) return { ...kept, source: path };
  context.emit({
    type: "log",
    level: "warn",
    message: `no votes in "${path}": what follows are votes of weighted coins`,
  });
  return { ...knownVotes(known), source: `coins that prefer the tuned text in ${Math.round(100 * known.rate)} of 100` };
}

const BlindVotes = z.object({ votes: z.array(Vote).min(1) });

/** Votes of an outcome with the trials that they were given on; undefined where there is none, or nobody has voted. */
async function readVotes(path: string): Promise<Pick<VotesAtHand, "trials" | "votes"> | undefined> {
  const text = await Deno.readTextFile(path).catch(() => undefined);
  const votes = text === undefined ? undefined : BlindVotes.safeParse(JSON.parse(text)).data?.votes;
  if (!votes) return undefined;
  const kindOf = (id: string): TrialKind =>
    /^catch-author-/.test(id) ? "author" : /^catch-same-/.test(id) ? "same" : "pair";
  const ids = [...new Set(votes.map(({ trial }) => trial))];
  return { votes, trials: ids.map((id) => trialOf(id, kindOf(id))) };
}

/** A trial of which the texts are not known. */
function trialOf(id: string, kind: TrialKind): VotesAtHand["trials"][number] {
  return { id, kind, texts: [{ side: "base", text: "" }, { side: kind === "author" ? "author" : "tuned", text: "" }] };
}

/** Share of the pairs in which both readers like the same text. */
const AGREEMENT = 0.9;

/** Votes of two coins, of which the second mostly agrees with the first, and of somebody who always presses one key. */
export function knownVotes({ pairs, rate, ties }: KnownRaters): Pick<VotesAtHand, "trials" | "votes"> {
  const random = seededRandom(SEED, "votes");
  const trials = [
    ...Array.from({ length: pairs }, (_, at) => trialOf(`pair ${at + 1}`, "pair")),
    ...Array.from({ length: 8 }, (_, at) => trialOf(`catch ${at + 1}`, "author")),
  ];
  const votes = trials.flatMap(({ id, kind, texts }, at): Vote[] => {
    const [base, other] = [texts[0].side, texts[1].side];
    const liked = kind === "author" || random() < rate ? other : base;
    const vote = (rater: string, choose: (seen: Pick<Vote, "left" | "right">) => Vote["choice"]): Vote => {
      const [left, right] = random() < 0.5 ? [base, other] : [other, base];
      const choice = choose({ left, right });
      const given = new Date(Date.UTC(1969, 6, 20, 20, at)).toISOString();
      return { rater, trial: id, question: "fidelity", choice, left, right, latency_ms: 20_000, given };
    };
    const reads = (side: Vote["left"]) => ({ left }: Pick<Vote, "left">): Vote["choice"] =>
      kind === "pair" && random() < ties ? pick(["tie", "neither"], random) : left === side ? "left" : "right";
    const second = kind === "author" || random() < AGREEMENT ? liked : liked === base ? other : base;
    return [
      vote("first reader", reads(liked)),
      // The others read half of it.
      ...(at % 2 === 0 ? [vote("second reader", reads(second)), vote("presses one key", () => "left")] : []),
    ];
  });
  return { trials, votes };
}

/** The tally after each so many pairs, in the order in which they were judged. */
export function talliesWhile({ trials, votes }: Pick<VotesAtHand, "trials" | "votes">, points = 10): TallyAt[] {
  const kinds = new Map(trials.map(({ id, kind }) => [id, kind]));
  const order = [...new Set(votes.filter(({ trial }) => kinds.get(trial) === "pair").map(({ trial }) => trial))];
  const sizes = new Set(Array.from({ length: points }, (_, at) => Math.round(order.length * (at + 1) / points)));
  return [...sizes].filter((size) => size > 0).map((pairs) => {
    const judged = new Set(order.slice(0, pairs));
    const part = votes.filter(({ trial }) => kinds.get(trial) !== "pair" || judged.has(trial));
    return { pairs, tally: tallyVotes(part, trials, SEED).questions.fidelity };
  });
}
