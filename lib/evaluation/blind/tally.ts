/** What the votes of a blind trial show, and what they do not show yet. */
import { bootstrap, type Interval, trialsNeeded, wilson } from "../statistics.ts";
import { krippendorffAlpha } from "./agreement.ts";
import { lengthControlled } from "./length.ts";
import { type Trial, wordCount } from "./trial.ts";
import type { Question, Vote } from "./votes.ts";

export interface QuestionTally {
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /** Counted as ties too: neither side wins by being less bad. */
  readonly neither: number;
  /** Share of `(wins + ties / 2) / votes`; undefined before the first vote. */
  readonly winRate: Interval | undefined;
  /** How the interval was made. */
  readonly method: "wilson" | "cluster-bootstrap";
  readonly claim: "shown" | "not met" | "not shown";
  /** Trials in all at which this rate would be shown; undefined where the rate itself is below the target. */
  readonly trialsNeeded: number | undefined;
  /** The win rate as it would be at equal lengths; undefined with too few decided votes, or where lengths are equal. */
  readonly lengthControlled: number | undefined;
  /** Krippendorff's α of raters who voted on the same trials; undefined with one rater. */
  readonly agreement: number | undefined;
}

export interface RaterTally {
  readonly rater: string;
  readonly votes: number;
  readonly catches: number;
  readonly caught: number;
  /** False where catch trials tell that he did not read: his votes are left out of the win rates. */
  readonly counts: boolean;
  readonly medianSeconds: number;
}

export interface BlindTally {
  readonly questions: Readonly<Record<Question, QuestionTally>>;
  readonly raters: readonly RaterTally[];
}

/** The target of the document: more than 60 % of the comparisons. */
export const TARGET = 0.6;
/** Wilson's bound is too kind to a handful: 5 of 5 would do, which one of twelve models with 60 % reaches by chance. */
const FEWEST_PAIRS = 20;
/** Share of the catch trials that a rater has to pass, once there are enough of them to tell. */
const CATCH_RATE = 0.9;
const ENOUGH_CATCHES = 3;
/** As evaluation practice has it for clustered votes. */
const RESAMPLES = 10_000;

/** Who won a vote, from the tuned side. */
type Outcome = "win" | "loss" | "tie" | "neither";

function outcomeOf(vote: Vote): Outcome {
  if (vote.choice === "tie" || vote.choice === "neither") return vote.choice;
  return vote[vote.choice] === "tuned" ? "win" : "loss";
}

const SCORE: Readonly<Record<Outcome, number>> = { win: 1, loss: 0, tie: 0.5, neither: 0.5 };

/**
 * Counts the votes. A claim of more than the target is `shown` only where the one-sided 95 % bound lies above it, and
 * `not met` where the other bound lies below, from 20 pairs on.
 *
 * @param votes Of each rater on each trial and question one.
 */
export function tallyVotes(
  votes: readonly Vote[],
  trials: readonly Pick<Trial, "id" | "kind" | "texts">[],
  seed: number,
): BlindTally {
  const kinds = new Map(trials.map(({ id, kind }) => [id, kind]));
  const raters = [...new Set(votes.map(({ rater }) => rater))].map((rater) =>
    raterOf(rater, votes.filter((vote) => vote.rater === rater), kinds)
  );
  const counted = new Set(raters.filter(({ counts }) => counts).map(({ rater }) => rater));
  const real = votes.filter(({ rater, trial }) => counted.has(rater) && kinds.get(trial) === "pair");
  const longerBy = new Map(trials.map(({ id, texts }) => [id, longerTuned(texts)]));
  const of = (question: Question) => tallyQuestion(real.filter((vote) => vote.question === question), longerBy, seed);
  return { questions: { fidelity: of("fidelity"), quality: of("quality") }, raters };
}

function raterOf(rater: string, votes: readonly Vote[], kinds: ReadonlyMap<string, Trial["kind"]>): RaterTally {
  // Only the question of fidelity has a right answer: the author sounds like the author, and twice the same is a tie.
  const catches = votes.filter(({ trial, question }) => question === "fidelity" && kinds.get(trial) !== "pair");
  const caught =
    catches.filter((vote) =>
      kinds.get(vote.trial) === "same"
        ? vote.choice === "tie" || vote.choice === "neither"
        : vote.choice !== "tie" && vote.choice !== "neither" && vote[vote.choice] === "author"
    ).length;
  const times = votes.map(({ latency_ms }) => latency_ms).sort((a, b) => a - b);
  return {
    rater,
    votes: votes.length,
    catches: catches.length,
    caught,
    counts: catches.length < ENOUGH_CATCHES || caught >= CATCH_RATE * catches.length,
    medianSeconds: (times[Math.floor(times.length / 2)] ?? 0) / 1000,
  };
}

/** Words by which the tuned text is longer. */
function longerTuned(texts: Trial["texts"]): number {
  return texts.reduce((sum, { side, text }) => sum + (side === "tuned" ? 1 : -1) * wordCount(text), 0);
}

function tallyQuestion(votes: readonly Vote[], longerBy: ReadonlyMap<string, number>, seed: number): QuestionTally {
  const outcomes = votes.map(outcomeOf);
  const number = (outcome: Outcome) => outcomes.filter((other) => other === outcome).length;
  const [wins, losses, ties, neither] = [number("win"), number("loss"), number("tie"), number("neither")];
  // Several votes on a trial resemble each other, and half a win is no success of a coin: then the trials are drawn.
  const clusters = Map.groupBy(votes, ({ trial }) => trial);
  const plain = ties + neither === 0 && clusters.size === votes.length;
  const winRate = votes.length === 0
    ? undefined
    : plain
    ? wilson(wins, votes.length)
    : widened(bootstrap([...clusters.values()], meanScore, { seed, resamples: RESAMPLES }));
  const decided = votes.flatMap((vote, at) => {
    const outcome = outcomes[at];
    if (outcome !== "win" && outcome !== "loss") return [];
    return [{ longerBy: longerBy.get(vote.trial) ?? 0, won: outcome === "win" }];
  });
  return {
    wins,
    losses,
    ties,
    neither,
    winRate,
    method: plain ? "wilson" : "cluster-bootstrap",
    claim: !winRate || winRate.n < FEWEST_PAIRS
      ? "not shown"
      : winRate.lower > TARGET
      ? "shown"
      : winRate.upper < TARGET
      ? "not met"
      : "not shown",
    trialsNeeded: winRate && atLeast(FEWEST_PAIRS, trialsNeeded(winRate.estimate, TARGET)),
    lengthControlled: lengthControlled(decided),
    agreement: krippendorffAlpha([...clusters.values()].map((cluster) => cluster.map(outcomeOf))),
  };
}

function atLeast(least: number, value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.max(least, value);
}

function meanScore(clusters: readonly (readonly Vote[])[]): number {
  const scores = clusters.flat().map((vote) => SCORE[outcomeOf(vote)]);
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** A bootstrap of few trials that all went one way has no width at all: never narrower than Wilson's on the trials. */
function widened(interval: Interval): Interval {
  const floor = wilson(interval.estimate * interval.n, interval.n);
  return {
    ...interval,
    low: Math.min(interval.low, floor.low),
    high: Math.max(interval.high, floor.high),
    lower: Math.min(interval.lower, floor.lower),
    upper: Math.max(interval.upper, floor.upper),
  };
}
