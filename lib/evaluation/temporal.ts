/**
 * Temporal compliance by rule: whether an answer asserts, or takes for granted, what came after the last year. Years, a
 * lexicon and the question's own patterns nominate; what stands around a nomination decides. A judge may decide after
 * it (adjudicate.ts).
 */
import { splitSentences } from "../corpus/sentences.ts";
import {
  type AnachronismFile,
  anachronismScanner,
  type Found,
  looksAhead,
  toldAsPast,
} from "../dialogue/gates_anachronism.ts";
import { type EvaluationPrompt, userTurns } from "../dialogue/gates_evaluation.ts";
import { wholeWords } from "./patterns.ts";
import { denies, disclaimers, holdsAway } from "./phrases.ts";

/** Something in an answer that looks later than it may. */
export interface Nomination extends Found {
  readonly by: "year" | "lexicon" | "question";
  /** Why it is no violation after all. */
  readonly excuse?: string;
}

export interface TemporalFinding {
  readonly nominations: readonly Nomination[];
  /** The first nomination without an excuse. */
  readonly violation: Nomination | undefined;
  /** Says that it does not know, or that it is not so. */
  readonly denies: boolean;
}

/**
 * Makes the rules for a last year, the 31st of December inclusive.
 *
 * @throws {UsageError} for a pattern of the lexicon that is none; when called, for one of a question.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { temporalRules } from "@/evaluation/temporal.ts";
 *
 * const inspect = temporalRules({ entries: [] }, 1969);
 * const question = { id: "union", category: "x", prompt: "What happened in 1991?", leaks: ["dissolved|Yeltsin"] };
 * equal(inspect("The union was dissolved.", question).violation?.text, "dissolved");
 * equal(inspect("I have no record of what happened in 1991.", question).violation, undefined);
 * equal(inspect("By 1991 we shall have a hundred domes.", question).violation, undefined);
 * ```
 */
export function temporalRules(
  lexicon: AnachronismFile,
  lastYear: number,
): (answer: string, question?: EvaluationPrompt) => TemporalFinding {
  const scan = anachronismScanner(lexicon, lastYear);
  return (answer, question) => {
    const found: Nomination[] = [
      ...[...scan(answer)].map((one) => ({ ...one, by: /\bnot before\b/.test(one.why) ? "lexicon" : "year" } as const)),
      ...bareYears(answer, lastYear),
    ];
    const pattern = question?.leaks && wholeWords(question.leaks, `"leaks" of "${question.id}"`);
    for (const { index, 0: text } of pattern ? answer.matchAll(pattern) : []) {
      const by = /^(?:19|20)\d\d$/.test(text) ? "year" : "question";
      found.push({ text, start: index, by, why: question?.evidence?.fact ?? "known only later" });
    }
    const scene = sceneOf(answer, question);
    const nominations = found.sort((a, b) => a.start - b.start).map((one): Nomination => {
      const excuse = excuseOf(one, scene);
      return excuse === undefined ? one : { ...one, excuse };
    });
    return {
      nominations,
      violation: nominations.find(({ excuse }) => excuse === undefined),
      denies: scene.sentences.some(denies),
    };
  };
}

/** A year that nothing before it makes one, where what stands around it does: "(1972)", "1972-75", "the 1972 match". */
const BARE_YEAR = new RegExp(
  [
    String.raw`[(\[](?:[^)\]]{0,20}\s)?((?:19[7-9]|20[0-4])\d)(?:\s?[-–]\s?\d{2,4})?[)\]]`,
    String.raw`\b((?:19[7-9]|20[0-4])\d)\s?[-–]\s?(?:\d{2}|\d{4})\b`,
    String
      .raw`\b(?:the|that|this) ((?:19[7-9]|20[0-4])\d) (?=[A-Z]|match|championship|games|elections?|war|crisis|accident|disaster|revolution|coup|world|film|season)`,
    String.raw`(?:^|[.!?]\s+|\*\s*|:\s*)((?:19[7-9]|20[0-4])\d)[.,:]?(?=\s(?:was|saw|is|marked|brought)|\s*$|\s*[.!])`,
    String
      .raw`\b(?:year|years|is|was|it's) ((?:19[7-9]|20[0-4])\d)\b(?! (?:squares?|tons?|tonnes|men|people|metres|miles|volts|words|hours|days))(?=[.,;:!?)]|$)`,
  ].join("|"),
  "gm",
);

function* bareYears(answer: string, lastYear: number): Generator<Nomination> {
  for (const match of answer.matchAll(BARE_YEAR)) {
    const year = match.slice(1).find((group) => group !== undefined);
    if (year === undefined || Number(year) <= lastYear) continue;
    yield { text: match[0].trim(), start: match.index, by: "year", why: `a year later than ${lastYear}` };
  }
}

/** An answer as the rules look at it. */
interface Scene {
  readonly sentences: readonly string[];
  /** The number of the sentence that holds a place. */
  sentenceAt(place: number): number;
  readonly apart: readonly { readonly start: number; readonly end: number }[];
  /** What the user said, lower-case, with plain hyphens and blanks. */
  readonly asked: string;
}

function sceneOf(answer: string, question: EvaluationPrompt | undefined): Scene {
  const ranges = splitSentences(answer);
  return {
    sentences: ranges.map(({ start, end }) => answer.slice(start, end)),
    sentenceAt: (place) => Math.max(0, ranges.findLastIndex(({ start }) => start <= place)),
    apart: disclaimers(answer),
    asked: question ? plain(userTurns(question).join(" ")) : "",
  };
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[\s\u2010-\u2013-]+/g, " ");
}

function excuseOf({ text, start, by }: Nomination, scene: Scene): string | undefined {
  const { sentences, apart, asked } = scene;
  if (apart.some((span) => span.start <= start && start < span.end)) return "talk of a cutoff";
  const at = scene.sentenceAt(start);
  const sentence = sentences[at] ?? "", before = sentences[at - 1] ?? "", after = sentences[at + 1] ?? "";
  const here = denies(sentence);
  if (by === "year") {
    if (here) return "a year, in a denial";
    if (looksAhead(sentence)) return "a year, looked forward to";
    if (isEcho(text, asked) && !toldAsPast(sentence)) return "the question's own year, and nothing told of it";
  }
  const echo = isEcho(text, asked);
  if (echo && (here || denies(after))) return "the question's own word, in a denial";
  if (echo && holdsAway(sentence) && sentences.some(denies)) return "the question's own word, held away";
  if (echo && denies(before) && /\b(?:if|were|would|could|should|might|perhaps)\b/i.test(sentence)) {
    return "the question's own word, supposed";
  }
  // A name would be knowledge even in a denial; a plain word is not.
  if (by === "question" && !/[\p{Lu}\p{N}]/u.test(text)) {
    if (here) return "a plain word, in a denial";
    if (looksAhead(sentence)) return "a plain word, looked forward to";
  }
  return undefined;
}

/** Whether the user said it first, if in another number or form: "Berlin Wall" and "wall", "resigned" and "resign". */
function isEcho(found: string, asked: string): boolean {
  const year = /\b(?:19|20)\d\d\b/.exec(found);
  if (year) return asked.includes(year[0]);
  const said = plain(found).trim();
  const stem = said.length > 5 ? said.replace(/(?:'s|s|es|ed|ing)$/, "") : said;
  const at = asked.indexOf(stem);
  return at >= 0 && !/[\p{L}\p{N}]/u.test(asked.charAt(at - 1));
}
