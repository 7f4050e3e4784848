/** A blind trial in a notebook: what a rater reads, what the votes show so far, and how many more it takes. */
import { isSwapped, type Trial } from "../evaluation/blind/trial.ts";
import { type BlindTally, type QuestionTally, TARGET } from "../evaluation/blind/tally.ts";
import { QUESTIONS } from "../evaluation/blind/votes.ts";
import { trialsNeeded } from "../evaluation/statistics.ts";
import { type Cards, cards } from "./cards.ts";
import { type Chart, chart } from "./chart.ts";
import { PALETTE } from "./colors.ts";
import { type Table, table } from "./tables.ts";

const [BLUE = "", ORANGE = "", GREEN = "", , , , GREY = ""] = PALETTE;

const percent = (share: number | undefined) => share === undefined ? "–" : `${(100 * share).toFixed(1)} %`;

/** A trial as a rater sees it: the opening, the author for comparison, and two texts, in the order drawn for that rater. */
export function trialCards({ id, prompt, excerpts, texts }: Trial, rater: string, seed: number): Cards {
  const [left, right] = isSwapped({ id }, rater, seed) ? [texts[1], texts[0]] : texts;
  return cards([
    { title: "The opening", text: prompt },
    ...excerpts.slice(0, 1).map((text) => ({ title: "The author, elsewhere", text })),
    { title: "A", text: left.text },
    { title: "B", text: right.text },
  ], { title: "Which sounds more like the author: A, B, both alike, or neither?", width: 26 });
}

/** Votes, rate and claim of both questions. */
export function questionsTable({ questions }: Pick<BlindTally, "questions">): Table {
  return table(QUESTIONS.map((question) => {
    const { wins, losses, ties, neither, winRate, claim, trialsNeeded: needed, agreement } = questions[question];
    return {
      question,
      won: wins,
      lost: losses,
      "alike or neither": ties + neither,
      rate: percent(winRate?.estimate),
      "95 %": winRate ? `${percent(winRate.low)} to ${percent(winRate.high)}` : "–",
      "more than 60 %": claim,
      "pairs needed at this rate": winRate ? needed ?? "no number" : "–",
      "raters agree, α": agreement === undefined ? "–" : agreement.toFixed(2),
    };
  }));
}

/** Who read and who pressed keys. */
export function ratersTable({ raters }: Pick<BlindTally, "raters">): Table {
  return table(raters.map(({ rater, votes, catches, caught, counts, medianSeconds }) => ({
    rater,
    votes,
    "catch trials": `${caught} of ${catches}`,
    counts: counts ? "yes" : "no",
    "median seconds": Math.round(medianSeconds),
  })));
}

/** A tally after so many pairs. */
export interface TallyAt {
  readonly pairs: number;
  readonly tally: Pick<QuestionTally, "winRate">;
}

/** The win rate and its interval while votes come: the claim is shown from where the whole band lies above the target. */
export function winRateChart(tallies: readonly TallyAt[]): Chart {
  const rows = tallies.flatMap(({ pairs, tally: { winRate } }) =>
    winRate ? [{ pairs, rate: winRate.estimate, lower: winRate.lower, upper: winRate.upper }] : []
  );
  const marks = [{ rate: 0.5, mark: "a coin" }, { rate: TARGET, mark: "the target" }];
  const x = { field: "pairs", type: "quantitative", title: "pairs judged" };
  const scale = { domain: [0, 1] };
  const y = { field: "rate", type: "quantitative", title: "won by the tuned model", scale, axis: { format: "%" } };
  return chart({
    width: 560,
    height: 240,
    title: {
      text: "What the votes leave open",
      subtitle: "Win rate; in the band lies the true one, but for 5 % on either side",
    },
    layer: [
      {
        data: { values: rows },
        mark: { type: "area", color: BLUE, opacity: 0.25 },
        encoding: { x, y: { ...y, field: "lower" }, y2: { field: "upper" } },
      },
      { data: { values: rows }, mark: { type: "line", color: BLUE, strokeWidth: 2 }, encoding: { x, y } },
      {
        data: { values: marks },
        mark: { type: "rule", strokeDash: [4, 4], color: GREY },
        encoding: { y },
      },
      {
        data: { values: marks },
        mark: { type: "text", align: "right", baseline: "bottom", dy: -3, fontSize: 11, color: GREY },
        encoding: { x: { value: 556 }, y, text: { field: "mark" } },
      },
    ],
  });
}

/** How many pairs would show a rate to be above the target, by the rate; the measured one is marked. */
export function pairsNeededChart(rate?: number): Chart {
  const needed = (at: number) => trialsNeeded(at, TARGET);
  const rows = Array.from({ length: 31 }, (_, at) => 0.64 + at / 100).flatMap((rate) => {
    const pairs = needed(rate);
    return pairs === undefined ? [] : [{ rate, pairs }];
  });
  const own = rate === undefined ? undefined : needed(rate);
  const marks = rate === undefined || own === undefined
    ? []
    : [{ rate, pairs: own, mark: `${percent(rate)}: ${own} pairs` }];
  const x = {
    field: "rate",
    type: "quantitative",
    title: "win rate",
    scale: { domain: [0.6, 0.95] },
    axis: { format: "%" },
  };
  const y = { field: "pairs", type: "quantitative", title: "pairs", scale: { type: "log" } };
  return chart({
    width: 560,
    height: 220,
    title: {
      text: "Pairs that it takes",
      subtitle: "until the lower bound of a rate lies above 60 %, if the rate stays what it is",
    },
    layer: [
      { data: { values: rows }, mark: { type: "line", color: GREEN, strokeWidth: 2 }, encoding: { x, y } },
      {
        data: { values: marks },
        mark: { type: "point", filled: true, size: 120, opacity: 1, color: ORANGE },
        encoding: { x, y },
      },
      {
        data: { values: marks },
        mark: { type: "text", align: "left", dx: 10, dy: -6, fontSize: 11, color: GREY },
        encoding: { x, y, text: { field: "mark" } },
      },
    ],
  });
}
