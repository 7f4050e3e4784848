/** Changes of time and place, as paragraphs announce them in their first words. English. */

export interface Change {
  readonly kind: "time" | "place";
  /** How clearly it is said, 0 to 1. */
  readonly score: number;
  /** The words that say it. */
  readonly evidence: string;
}

const NUMBER =
  "(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|a hundred|" +
  "(?:twenty|thirty|forty|fifty)-\\p{L}+|several|some|many|a few|a couple of|half an|\\d+)";
const SPAN =
  "(?:minutes?|hours?|days?|nights?|weeks?|fortnight|months?|seasons?|years?|decades?|centur(?:y|ies)|tides?)";
const PART_OF_DAY =
  "(?:morning|mornings|dawn|daybreak|sunrise|noon|midday|afternoon|dusk|sunset|nightfall|evening|night|midnight|day|first light)";
const CALENDAR =
  "(?:spring|summer|autumn|fall|winter|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|january|" +
  "february|march|april|june|july|august|september|october|november|december|christmas|easter|weekend)";
const CLOCK =
  "(?:\\d{1,2}[:.]\\d\\d|\\d{1,2}(?::\\d\\d)? ?[ap]\\.?m\\.?|(?:\\p{L}+ )?(?:\\p{L}+ )?\\p{L}+ o['\\u2019]clock|a quarter (?:to|past) \\p{L}+)";

/** A clear jump in time. */
const TIME_JUMP = new RegExp(
  "^(?:" + [
    `${NUMBER} (?:more |long |whole )?${SPAN} (?:later|after|on|pass|passed|go by|went by|have (?:passed|gone by)|had (?:passed|gone by)|before|earlier)\\b`,
    `(?:after|for|within|in|over|during) ${NUMBER} (?:more |long |whole )?${SPAN}\\b`,
    `(?:the|that) (?:next|following|same|first|second|third|last|other) (?:${PART_OF_DAY}|${SPAN}|${CALENDAR})\\b`,
    `(?:on|by) the (?:\\p{L}+ )?\\p{L}+(?:st|nd|rd|th) (?:${PART_OF_DAY}|${SPAN})\\b`,
    `(?:hours|days|weeks|months|years|long|much|sometime|some time) (?:later|afterwards?)\\b`,
    `(?:by|when|until) the time (?:you|he|she|they|we|I)\\b(?: [^\\s,.]+){0,6}`,
    `when (?:you|he|she|they|we|I) (?:wakes?|woke|comes? to|came to|returns?|returned|gets? back|got back|opens? (?:your|his|her|their|our|my) eyes)\\b`,
  ].join("|") + ")",
  "iu",
);
/** A time is named. */
const TIME_NAMED = new RegExp(
  "^(?:" + [
    `(?:in|at|on|by|towards?|before|after|around|until|past|near) (?:the )?(?:\\p{L}+ ){0,2}?(?:${PART_OF_DAY}|${CALENDAR})\\b`,
    `(?:that|this|one|all) (?:\\p{L}+ )?(?:${PART_OF_DAY}|${CALENDAR})\\b`,
    `(?:at|by|around|towards?|just (?:before|after)) ${CLOCK}`,
    `(?:later|afterwards|meanwhile|eventually|tonight|tomorrow|yesterday|today|outside again)(?=,| that | you | he | she | it )`,
    `(?:${PART_OF_DAY}|${CALENDAR})(?:,| came| comes| finds| found| fell| falls| broke| breaks)\\b`,
    `it (?:is|was) (?:already |nearly |almost |just |well |long )*(?:past |before |after )?(?:${PART_OF_DAY}|${CLOCK}|dark|light)\\b`,
    `(?:the sun|the moon) (?:is|was|has|had|rises|rose|sets?|comes|came)\\b`,
  ].join("|") + ")",
  "iu",
);

const PLACE_NOUN = "(?:[\\p{L}\\u2019'-]+)";
/** Somebody comes to a place. */
const ARRIVAL = new RegExp(
  "^(?:then |and |so |at last |finally,? |now )?(?:you|he|she|they|we|I) (?:reach(?:es|ed)?|arrives?d?|enters?|entered|comes? (?:to|into|out|back)|came (?:to|into|out|back)|" +
    "steps? (?:into|out|onto|through)|stepped (?:into|out|onto|through)|walks? (?:into|out|through)|walked (?:into|out|through)|cross(?:es|ed)?|climbs? (?:to|into|out|down|up)|climbed (?:to|into|out|down|up)|" +
    `goes? (?:into|out|down|up|back|home)|went (?:into|out|down|up|back|home)|leaves?|left|finds? (?:your|him|her|them|our|my)sel(?:f|ves)) (?:[\\p{L}\\u2019'-]+ ){0,2}${PLACE_NOUN}`,
  "iu",
);
/** A place is named. */
const PLACE_NAMED = new RegExp(
  "^(?:" + [
    "(?:outside|inside|downstairs|upstairs|indoors|outdoors|below|above|elsewhere|back|aboard|across the \\p{L}+)(?:,| in | at | on | it | the | you )",
    `(?:in|at|on|behind|beyond|beneath|below|above|under|across|along|inside|outside|near|beside) (?:the|an?|your|his|her|their|our|my) (?!end|moment|way|meantime|other hand|contrary|whole|fact|case|same|least|first|last|next|time|hope|sense|name|face|sake|right|wrong|matter|question|thought|sight|sound|edge of sleep|beginning|middle)(?:\\p{L}+ ){0,2}?\\p{L}+,?`,
    `there(?: is|['\\u2019]s| was| are| were) (?:an?|the|no) (?:\\p{L}+ ){1,2}(?:at|in|on|under|behind|above|below) (?:the|your|his|her|their)`,
  ].join("|") + ")",
  "iu",
);
const REACH = 120;
const SCORES = { jump: 0.7, named: 0.45, arrival: 0.5, place: 0.4 };

/**
 * The changes that a paragraph announces; none where it begins with speech.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { changesAt } from "@/manuscript/changes.ts";
 *
 * equal(changesAt("Three days later the ice holds.")[0]?.kind, "time");
 * equal(changesAt("In the kitchen your mother waits.")[0]?.kind, "place");
 * equal(changesAt("In the end you say nothing.").length, 0);
 * ```
 */
export function changesAt(paragraph: string): Change[] {
  const opening = paragraph.slice(0, REACH).replace(/^[*_\s]+/, "");
  if (/^["'\u201c\u2018\u00ab\u2014-]/.test(opening)) return [];
  const found: Change[] = [];
  const take = (pattern: RegExp, kind: Change["kind"], score: number) => {
    const match = pattern.exec(opening);
    if (match && !found.some((change) => change.kind === kind)) found.push({ kind, score, evidence: match[0].trim() });
  };
  take(TIME_JUMP, "time", SCORES.jump);
  take(TIME_NAMED, "time", SCORES.named);
  take(ARRIVAL, "place", SCORES.arrival);
  if (found.length === 0) take(PLACE_NAMED, "place", SCORES.place);
  return found;
}
