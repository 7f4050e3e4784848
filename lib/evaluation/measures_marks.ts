/** The measures that a judge's marks make. */
import type { Side } from "./answers.ts";
import type { Evidence, Measure } from "./measures.ts";
import { answerKey } from "./scoring.ts";
import { bootstrap, type Interval, mean } from "./statistics.ts";
import { ruleOn } from "./targets.ts";

/** Criteria of the rubric that make up the voice, and the one that is coherence. */
const VOICE = ["character", "voice"], FLUENCY = ["coherence"];

export function characterVoice(evidence: Evidence): Measure {
  const known = {
    id: "character_voice",
    title: "Character voice",
    definition:
      "Mean of a judge's marks from 1 to 5 for character and for voice, each the mean of several samples against five " +
      "described steps, over one answer to each question of style. Bootstrap over questions. The 3.5 is this project's.",
    unit: "mark" as const,
    target: { text: "> 3.5 of 5", sense: "above", value: 3.5 } as const,
  };
  const tuned = meanMark(evidence, VOICE, "tuned"), base = meanMark(evidence, VOICE, "base");
  if (!tuned) {
    const why = evidence.marks
      ? "no mark of the judge could be read"
      : "no judge: name one by --judge-url and --judge-model";
    return { ...known, verdict: "not measured", why };
  }
  return { ...known, tuned, ...(base ? { base } : {}), ...ruleOn(tuned, known.target, "mean", "questions") };
}

/** The other half of coherence, where there is a judge. */
export function fluency(evidence: Evidence): Measure[] {
  const tuned = meanMark(evidence, FLUENCY, "tuned"), base = meanMark(evidence, FLUENCY, "base");
  if (!tuned) return [];
  return [{
    id: "fluency",
    title: "Fluency",
    definition:
      "Mean of a judge's marks from 1 to 5 for coherence: an answer to what was asked, whole, fluent, in one piece.",
    unit: "mark",
    tuned,
    ...(base ? { base } : {}),
    verdict: "no target",
    why: "",
  }];
}

function meanMark({ scored, marks, seed }: Evidence, criteria: readonly string[], side: Side): Interval | undefined {
  const scores = scored.filter(({ answer }) => answer.side === side).flatMap((one) => {
    const own = criteria.map((criterion) => marks?.get(answerKey(one))?.marks[criterion]?.score);
    const read = own.filter((score) => score !== undefined);
    return read.length === criteria.length ? [mean(read)] : [];
  });
  return scores.length > 0 ? bootstrap(scores, mean, { seed }) : undefined;
}
