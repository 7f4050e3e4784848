/** What a blind trial found, for a person. */
import { count } from "../../core/format.ts";
import { textTable } from "../../core/text_table.ts";
import { type BlindTally, type QuestionTally, TARGET } from "./tally.ts";
import { QUESTIONS } from "./votes.ts";

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** The claim in a sentence: `Fidelity: the tuned model won 64.0 % (95 %: 54.2–72.7 %) …`. */
export function claimOf(title: string, tally: QuestionTally): string {
  const { winRate, claim, trialsNeeded, wins, losses } = tally;
  if (!winRate) return `${title}: no votes yet`;
  const target = `more than ${100 * TARGET} %`;
  const rate = `the tuned model won ${percent(winRate.estimate)} (95 %: ${percent(winRate.low)} to ${
    percent(winRate.high)
  }) of ${count(winRate.n)} pairs`;
  if (claim === "shown") return `${title}: ${rate}; ${target} is shown`;
  if (claim === "not met") return `${title}: ${rate}; ${target} is not met`;
  const more = trialsNeeded === undefined ? undefined : trialsNeeded - winRate.n;
  const rest = more === undefined
    ? "no number of further pairs at this rate would show it"
    : `at this rate ${count(Math.max(1, more))} more pairs would show it`;
  return `${title}: ${rate}, ${wins} to ${losses}; ${target} is not shown: ${rest}`;
}

/** Ten points are what a rate may move before length, and not the voice, is what was judged. */
function lengthRemark(title: string, { winRate, lengthControlled }: QuestionTally): string[] {
  if (!winRate || lengthControlled === undefined || Math.abs(lengthControlled - winRate.estimate) <= 0.1) return [];
  return [`${title}: at equal lengths it would be ${percent(lengthControlled)}; length was judged too`];
}

/** The whole outcome as text. */
export function blindText(tally: BlindTally): string {
  const titles = { fidelity: "Fidelity", quality: "Quality" };
  const questions = QUESTIONS.map((name) => {
    const { wins, losses, ties, neither, winRate, agreement } = tally.questions[name];
    return [
      titles[name],
      wins,
      losses,
      ties,
      neither,
      winRate ? percent(winRate.estimate) : "–",
      winRate ? percent(winRate.lower) : "–",
      agreement === undefined ? "–" : agreement.toFixed(2),
    ];
  });
  const raters = tally.raters.map(({ rater, votes, catches, caught, counts, medianSeconds }) => [
    rater,
    votes,
    `${caught} of ${catches}`,
    counts ? "counts" : "left out: missed catch trials",
    `${medianSeconds.toFixed(0)} s`,
  ]);
  return [
    QUESTIONS.flatMap((name) => {
      const question = tally.questions[name];
      return [claimOf(titles[name], question), ...lengthRemark(titles[name], question)];
    }).join("\n"),
    textTable(["Question", "Won", "Lost", "Alike", "Neither", "Rate", "Lower bound", "α"], questions),
    textTable(["Rater", "Votes", "Catch trials", "", "Median"], raters),
    "Rate: (won + half of alike and neither) / votes. Lower bound: one-sided 95 %; a claim needs it above " +
    `${100 * TARGET} %.`,
  ].join("\n\n");
}
