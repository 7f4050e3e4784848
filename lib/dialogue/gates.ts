/** What keeps an exchange out of the dataset, each with its reason. Pure: the same exchange always fares the same. */
import type { Exchange } from "./parse.ts";

/** What the gates look at. */
export interface GateSubject extends Exchange {
  readonly passage: string;
  /** Themes whose patterns match a text. */
  readonly themesIn: (text: string) => readonly string[];
}

export interface Gate {
  readonly reason: string;
  /** What it caught, or `undefined` to let it pass. */
  check(subject: GateSubject): string | undefined;
}

/** Characters below which an answer is too short to teach anything (the Phase 3 document's number). */
export const MIN_ANSWER = 50;

/** Marks of a language model or of its chat window; prose of the period has none of them. */
const ARTEFACTS: readonly (readonly [RegExp, string])[] = [
  [/```|~~~/, "code fence"],
  [/\*\*|__(?=\S)/, "bold"],
  [/^\s{0,3}#{1,6}\s/m, "heading"],
  [/^\s*[-*•]\s+\S/m, "list"],
  [/^\s*1[.)]\s[^]*^\s*2[.)]\s/m, "numbered list"],
  [/\bas an? (?:AI|large language|language)\b/i, "speaks as a language model"],
  [/\b(?:AI|chat|language) ?(?:assistant|model|bot)s?\b|\bchatbots?\b|\bOpenAI\b|\bChatGPT\b/i, "language model"],
  [/\b(?:knowledge|training) (?:cut-?off|data)\b|\bmy last update\b/i, "cutoff talk"],
  [/\bI(?:'m| am) (?:sorry|unable)[^.]{0,40}\b(?:cannot|can't|assist|fulfil|comply)/i, "refusal"],
  [/<\|[^|]*\|>|\[\/?INST\]|<\/?think>|<\/?s>/, "control token"],
  [/\{\{|\}\}|^\s*[{[]\s*"/, "template or JSON"],
  [/\bProject Gutenberg\b/i, "licence of the source"],
];

/** The source seen as a page before one; "the passage of time" and "a chapter of history" are innocent. */
const POINTS_AT_PAGE = new RegExp(
  [
    String.raw`\b(?:the|this|that|these|those) (?:above |given |following |provided |quoted )?` +
    String.raw`(?:text|excerpt|extract|quotation|snippet|narrator|protagonist|author|writer)s?\b`,
    String
      .raw`\b(?:the|this|that|these) (?:above |given |following |provided |quoted )?(?:passage|paragraph|chapter)s?\b` +
    String.raw`(?! (?:of|to|from|through|between|into|across|out|home|back|aboard|in (?:history|time|our)))`,
    String.raw`\b(?:in|of|from|by|throughout) (?:the|this) (?:story|novel|book|poem|scene)\b`,
    String.raw`\b(?:mentioned|described|quoted|shown|given|stated) (?:above|below|here)\b`,
  ].join("|"),
  "i",
);

/** Things that nobody before 1970 could name. Older senses (computer, web, mouse, cloud) are left alone. */
const MODERN =
  /\b(?:internet|smart ?phones?|e-?mails?|web ?sites?|online|wi-?fi|social media|blockchain|personal computers?|laptops?|climate change|CD-?ROMs?|World Wide Web)\b/i;

/** A year from 1970 on that is told as past; "by 1980 we shall" is a forecast, and "2000 tons" no year. */
const LATER_YEAR =
  /\b(?:in|since|during|from|until|of) (?:the year )?(19[7-9]\d|20[0-4]\d)\b(?! ?(?:tons?|men|words|squares?))/gi;
const FORECAST = /\b(?:shall|will|would|may|might|going to|by the year|by|forecast|plan(?:ned)?|hopes?)\b/i;

function laterYear(text: string): string | undefined {
  for (const sentence of text.split(/(?<=[.!?])\s+/)) {
    for (const match of sentence.matchAll(LATER_YEAR)) if (!FORECAST.test(sentence)) return match[0];
  }
  return undefined;
}

/** The gates in the order in which they are asked; the first that catches something names the reason. */
export const GATES: readonly Gate[] = [
  {
    reason: "too_short",
    check: ({ assistant }) => {
      const length = assistant.trim().length;
      return length < MIN_ANSWER ? `the answer has ${length} characters, fewer than ${MIN_ANSWER}` : undefined;
    },
  },
  {
    reason: "llm_artefact",
    check: ({ user, assistant }) => {
      for (const [pattern, name] of ARTEFACTS) {
        const found = pattern.exec(assistant) ?? pattern.exec(user);
        if (found) return `${name}: ${JSON.stringify(found[0].slice(0, 60))}`;
      }
      return undefined;
    },
  },
  {
    reason: "question_not_self_contained",
    check: ({ user }) => POINTS_AT_PAGE.exec(user)?.[0],
  },
  {
    reason: "answer_points_at_source",
    check: ({ assistant }) => POINTS_AT_PAGE.exec(assistant)?.[0],
  },
  {
    reason: "after_1969",
    check: ({ user, assistant }) => {
      for (const text of [assistant, user]) {
        const found = MODERN.exec(text)?.[0] ?? laterYear(text);
        if (found) return found;
      }
      return undefined;
    },
  },
  {
    reason: "no_theme_word",
    check: ({ assistant, themesIn }) =>
      themesIn(assistant).length > 0 ? undefined : "no theme pattern matches the answer",
  },
];

/**
 * The first gate that an exchange fails.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { failedGate } from "@/dialogue/gates.ts";
 *
 * const subject = { user: "Why?", assistant: "Because.", passage: "", themesIn: () => [] };
 * equal(failedGate(subject)?.reason, "too_short");
 * ```
 */
export function failedGate(subject: GateSubject): { reason: string; detail: string } | undefined {
  for (const gate of GATES) {
    const detail = gate.check(subject);
    if (detail !== undefined) return { reason: gate.reason, detail };
  }
  return undefined;
}
