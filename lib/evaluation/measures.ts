/** The measures of the documents, each with its interval, its definition and its ruling. */
import type { Judgement } from "./judge.ts";
import type { Decision } from "./adjudicate.ts";
import type { Side } from "./answers.ts";
import { characterVoice, fluency } from "./measures_marks.ts";
import { answerKey, type Scored } from "./scoring.ts";
import { clusteredShare, type Interval, mean, shareDifference } from "./statistics.ts";
import { STRATA, type Stratum, stratumOf } from "./suite.ts";
import { ruleOn, type Ruling, type Target, type Verdict } from "./targets.ts";

export interface Measure extends Ruling {
  readonly id: string;
  readonly title: string;
  /** What the number is, exactly. */
  readonly definition: string;
  /** A `share` of 1, a `mark` from 1 to 5, or `bits` per byte. */
  readonly unit: "share" | "mark" | "bits";
  readonly target?: Target;
  readonly tuned?: Interval;
  readonly base?: Interval;
  /** `tuned − base` on the same units, where the target is about it. */
  readonly difference?: Interval;
}

/** Temporal compliance of one stratum. */
export interface StratumResult {
  readonly stratum: Stratum;
  readonly about: string;
  readonly tuned?: Interval & { readonly violations: number };
  readonly base?: Interval & { readonly violations: number };
}

/** All that is known of the answers. */
export interface Evidence {
  readonly scored: readonly Scored[];
  /** A judge's decisions on temporal compliance, by {@linkcode answerKey}. */
  readonly decisions?: ReadonlyMap<string, Decision> | undefined;
  /** A judge's marks, by {@linkcode answerKey}. */
  readonly marks?: ReadonlyMap<string, Judgement> | undefined;
  /** What style is held against, in words. */
  readonly exemplars: string;
  readonly seed: number;
}

/** Whether an answer counts as a violation: as the judge decides where there is one, else by rule. */
export function violates(scored: Scored, decisions?: ReadonlyMap<string, Decision>): boolean {
  return decisions?.get(answerKey(scored))?.violation ?? scored.temporal?.violation !== undefined;
}

const percent = (text: string, sense: "above" | "below", value: number): Target => ({ text, sense, value });

/** All measures that need answers alone, in the order of the documents. */
export function measureAnswers(evidence: Evidence): Measure[] {
  const { scored, decisions } = evidence;
  const accuracy = controlAccuracy(scored);
  const refusal = overRefusal(scored);
  const temporal = share("temporal_compliance", "Temporal compliance", scored, {
    holds: (one) => one.temporal ? !violates(one, decisions) : undefined,
    target: percent("> 95 %", "above", 0.95),
    definition:
      "Share of answers, over the strata, that neither state nor take for granted anything from after 31 December " +
      "1969: one minus violations by judged answers. Years, a lexicon and each question's own patterns nominate; forecasts, " +
      "counts, old senses, ignorance and denials that repeat the question pass; " +
      (decisions ? "a judge that is shown the fact decides." : "rules decide, as there was no judge.") +
      " Wilson interval over questions. Not met where a control is not, since silence would comply; not shown where the model " +
      "knows fewer than half of the controls, since one that knows nothing knows nothing late.",
  });
  const gated = gate(temporal, accuracy, refusal);
  return [
    share("style_consistency", "Style consistency", scored, {
      holds: (one) => one.style?.consistent,
      target: percent("> 80 %", "above", 0.8),
      definition:
        "Share of answers to the questions of style with theme words of their own: patterns of themes.jsonc that the " +
        "question does not contain, weighing 1 or more together, and no more theme words per word than 95 % of the exemplars, or " +
        `twice that where they are fewer than 100 (${evidence.exemplars}). Wilson interval over questions; the base answers under the same system prompt.`,
    }),
    characterVoice(evidence),
    share("persona_kept", "Persona kept", scored, {
      holds: (one) => one.defect === "empty" ? undefined : one.broken === undefined,
      target: percent("> 95 %", "above", 0.95),
      definition:
        "Share of all answers in which no assistant shows through: talk of being a language model, a maker's name, " +
        "offers and refusals of an assistant, talk about the role, the next speaker's lines. By rule; the 95 % is this project's.",
    }),
    gated,
    accuracy,
    refusal,
    ...fluency(evidence),
    share("whole_answers", "Whole answers", scored, {
      holds: (one) => one.defect === undefined,
      definition:
        "Share of all answers that are neither empty, nor cut off at the token limit, nor going round in circles " +
        "(Gopher's limits on repetition).",
    }),
  ];
}

/** Share of the controls that a model must know before its ignorance of later things means anything. */
const KNOWS_ENOUGH = 0.5;

/** Compliance by silence or by knowing nothing at all is none. */
function gate(temporal: Measure, accuracy: Measure, refusal: Measure): Measure {
  if (temporal.verdict === "not measured" || temporal.verdict === "not met") return temporal;
  const failed = [accuracy, refusal].find(({ verdict }) => verdict === "not met");
  if (failed) {
    return {
      ...temporal,
      verdict: "not met",
      why: `${temporal.why}; but ${failed.title.toLowerCase()}: ${failed.why}`,
    };
  }
  const known = accuracy.tuned?.estimate ?? 0;
  if (known >= KNOWS_ENOUGH) return temporal;
  const why = accuracy.tuned ? `only ${(100 * known).toFixed(0)} % of the controls are known` : "there are no controls";
  return { ...temporal, verdict: "not shown", why: `${temporal.why}; but ${why}` };
}

function share(
  id: string,
  title: string,
  scored: readonly Scored[],
  { holds, definition, target }: {
    /** Undefined: the answer does not count. */
    holds: (one: Scored) => boolean | undefined;
    definition: string;
    target?: Target;
  },
): Measure {
  const of = (side: Side) => shareOf(scored.filter(({ answer }) => answer.side === side), holds);
  const [tuned, base] = [of("tuned"), of("base")];
  const ruling: Ruling = tuned.n === 0
    ? { verdict: "not measured", why: "no answers" }
    : target
    ? ruleOn(tuned, target, "share", "questions")
    : { verdict: "no target", why: "" };
  return {
    id,
    title,
    definition,
    unit: "share",
    ...(target ? { target } : {}),
    ...(tuned.n > 0 ? { tuned } : {}),
    ...(base.n > 0 ? { base } : {}),
    ...ruling,
  };
}

function shareOf(scored: readonly Scored[], holds: (one: Scored) => boolean | undefined): Interval {
  const units = Map.groupBy(scored, ({ question }) => question.id);
  return clusteredShare([...units.values()].map((answers) => answers.flatMap((one) => holds(one) ?? [])));
}

function controlAccuracy(scored: readonly Scored[]): Measure {
  const right = (one: Scored) => one.control?.right;
  const plain = share("control_accuracy", "Control accuracy", scored, {
    holds: right,
    definition:
      "Share of answers to the controls (facts known by 1969) with an accepted pattern and no rejected one. The " +
      "target is about the tuned model's share minus the base's on the same questions; paired interval (Newcombe 1998).",
  });
  const target = percent("≥ base − 10 points", "above", -0.1);
  if (!plain.tuned || !plain.base) {
    return { ...plain, target, verdict: "not measured", why: plain.tuned ? "no answers of the base" : "no controls" };
  }
  const shares = (side: Side) => {
    const own = scored.filter(({ answer, control }) => answer.side === side && control);
    return new Map(
      [...Map.groupBy(own, ({ question }) => question.id)].map(([id, list]) => [
        id,
        mean(list.map((one) => right(one) ? 1 : 0)),
      ]),
    );
  };
  const [before, after] = [shares("base"), shares("tuned")];
  const pairs = [...after].flatMap(([id, second]) => {
    const first = before.get(id);
    return first === undefined ? [] : [{ first, second }];
  });
  const difference = shareDifference(pairs);
  return { ...plain, target, difference, ...ruleOn(difference, target, "points", "controls") };
}

function overRefusal(scored: readonly Scored[]): Measure {
  return share("over_refusal", "Over-refusal", scored, {
    holds: (one) => one.control?.refused,
    target: percent("≤ 10 %", "below", 0.1),
    definition: "Share of answers to the controls that say they do not know, or say nothing, instead of the fact.",
  });
}

/** Temporal compliance stratum by stratum. */
export function measureStrata({ scored, decisions }: Evidence): StratumResult[] {
  return (Object.keys(STRATA) as Stratum[]).flatMap((stratum): StratumResult[] => {
    const of = (side: Side) => {
      const own = scored.filter((one) =>
        one.answer.side === side && one.temporal && stratumOf(one.question) === stratum
      );
      const violations = own.filter((one) => violates(one, decisions)).length;
      return { ...shareOf(own, (one) => !violates(one, decisions)), violations };
    };
    const [tuned, base] = [of("tuned"), of("base")];
    if (tuned.n === 0 && base.n === 0) return [];
    return [{
      stratum,
      about: STRATA[stratum],
      ...(tuned.n > 0 ? { tuned } : {}),
      ...(base.n > 0 ? { base } : {}),
    }];
  });
}

/** How many targets are met, and how many there are. */
export function tally(measures: readonly Measure[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { met: 0, "not met": 0, "not shown": 0, "not measured": 0, "no target": 0 };
  for (const { verdict } of measures) counts[verdict]++;
  return counts;
}
