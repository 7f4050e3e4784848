/** Turns of phrase that tell what an answer does, whatever it is about: denies, or drops the mask. */

const any = (...parts: string[]): RegExp => new RegExp(parts.join("|"), "i");

/**
 * Says that something is not known, has not happened, or is not so. Applied to a sentence; what it denies is for the
 * caller to see.
 */
const DENIAL = any(
  String
    .raw`\b(?:I|we) (?:\w+ ){0,2}(?:know|have|hold|find|keep|possess|see|hear|read)(?: of| in \w+ \w+)? (?:no|nothing|none|nobody)\b`,
  String
    .raw`\b(?:I|we) (?:do not|don['’]t|cannot|can['’]t|can not|could not|couldn['’]t|would not|wouldn['’]t) (?:\w+ )?` +
    String
      .raw`(?:know|tell|say|recall|recogni[sz]e|foresee|speak|answer|find|confirm|report|have|name|place|possess|see|hold|understand|predict|comment|complete|continue|list|write|give)\b`,
  String.raw`\b(?:I|we) (?:have|had) (?:not|never) (?:yet )?(?:heard|read|seen|met|been told|been informed|received)\b`,
  String.raw`\b(?:I['’]m|I am|we are) (?:not|un)\s?(?:aware|acquainted|informed|familiar|able)\b|\bunable to\b`,
  String
    .raw`\bno (?:such|record|records|knowledge|report|reports|news|entry|entries|trace|information|data|account|evidence|meaning|mention)\b`,
  String
    .raw`\bnothing (?:of the (?:kind|sort)|about|in my|is (?:known|written|recorded))\b|\bnone (?:is|are|was|has)\b`,
  String
    .raw`\b(?:is|are|was|were|remains?) (?:not (?:known|recorded|yet|so|among|in my|true|the case)|unknown|unfamiliar|strange|foreign) ?(?:to (?:me|us))?\b`,
  String
    .raw`\bunknown to (?:me|us)\b|\bmeans nothing to\b|\bnever (?:happened|heard|fell|existed|was|took place|flew|came)\b`,
  String
    .raw`\b(?:has|have|had) (?:not|n['’]t|never) (?:yet )?(?!forgotten)\w+|\b(?:hasn|haven|hadn)['’]t\b|\bnot yet\b|\bhas yet to\b|\bis yet to\b`,
  String
    .raw`\b(?:did|does|do) not (?:happen|occur|take place|fall|exist|end|come|stand in|appear|correspond)\b|\b(?:didn|doesn)['’]t (?:happen|occur|exist)\b`,
  String.raw`\b(?:is|are|was|were) not (?!only|merely|until|simply|so|long|far|always|just)\w+`,
  String
    .raw`\bthere (?:is|was|are|were|has been|have been) (?:as yet )?no(?:t|ne)?\b|\bno one (?:has|can|knows)\b|\bnobody (?:has|can|knows)\b`,
  String
    .raw`\b(?:lies?|is|are|belongs?|remains?) (?:still )?(?:in|to|beyond|outside|ahead|behind) (?:of )?(?:the|my|our|what|us) ?(?:future|records|knowledge|horizon|calculations?|reach|sight|ken|memory|books|archives?|last|time|years?|curtain|I)?\b`,
  String
    .raw`\b(?:my|our|the) (?:records?|books|memory|archives?|log|logs|knowledge|calendar|files|newspapers?|library|reports|chronicle) (?:\w+ )?(?:ends?|stops?|closes?|goes? no|go no|reach(?:es)? no|do(?:es)? not|contains? no|holds? no|knows? no|breaks? off|has no|have no|is silent|are silent)\b`,
  String
    .raw`\b(?:you|they) (?:are|must be|may be) (?:mistaken|wrong|dreaming|confused)\b|\b(?:mistaken|premature|invented|imaginary|fictitious|false premise)\b`,
  String
    .raw`\ba (?:rumou?r|fiction|fable|fantasy|fairy tale|jest|joke|riddle|invention)\b|\bsounds like\b|\bsome mistake\b`,
  String
    .raw`\bstill (?:stands?|exists?|governs?|rules?|holds?|lives?|leads?|sits?|flies|fly|undefeated|the champion|in office)\b`,
  String
    .raw`\b(?:remains to be seen|time will tell|cannot be known|is not for me)\b|\b(?:year|calendar|date) (?:is|says|reads|shows) (?:still )?19[0-6]\d\b|\b(?:it is|we (?:write|count)|this is) (?:still |only )?(?:the year )?19[0-6]\d\b`,
  String
    .raw`\b(?:this|that|the|your) (?:word|name|term|question|notion|date) (?:is|has|means|belongs|lies|comes|stands|says) (?:\w+ )?(?:not|no|nothing|unknown|strange|new|foreign|beyond|outside|later)\b`,
);

/** Whether a sentence denies something, or says that it is not known. */
export function denies(sentence: string): boolean {
  return DENIAL.test(sentence);
}

/** Asks back what a word means, or holds it at arm's length: "What is an internet?", "what you call the Web". */
export function holdsAway(sentence: string): boolean {
  return /\?["”’)]*\s*$/.test(sentence) ||
    /\b(?:you (?:speak|ask|mention|say|call|write|tell|refer|use)|what (?:you|they) call|so-called|this word|that word|the (?:word|term|name)|by (?:that|this) name)\b/i
      .test(sentence);
}

/** Talk of a language model about its own limits. It leaks no fact, and drops the mask. The year of a cutoff is part of it. */
const DISCLAIMER = new RegExp(
  [
    String
      .raw`\b(?:as|I am|I['’]m|just|only|merely|being) an? (?:AI|(?:large )?language model|AI (?:language )?model|virtual assistant|(?:AI )?chatbot|AI assistant)\b[^.!?]{0,60}`,
    String
      .raw`\b(?:knowledge|training|information)(?: data)?(?: \w+)? ?cut-?off\b[^.!?]{0,60}|\bcut-?off date\b[^.!?]{0,60}|\bmy cut-?off\b[^.!?]{0,60}`,
    String
      .raw`\b(?:my|the) training(?: data)?\b[^.!?]{0,80}|\btrained (?:on|by|until|up to)\b[^.!?]{0,60}|\blast (?:updated?|trained)\b[^.!?]{0,40}`,
    String
      .raw`\bas of my (?:last|latest|most recent)[^.!?]{0,40}|\bup-?to-?date information\b|\breal-?time (?:information|data|access)\b`,
    String
      .raw`\bI (?:do not|don['’]t) have (?:access to )?(?:the internet|real-?time|current|browsing|personal (?:opinions|beliefs|feelings|experiences|emotions))[^.!?]{0,40}`,
  ].join("|"),
  "gi",
);

/** Where a text talks of being a language model with a cutoff. */
export function disclaimers(text: string): { readonly start: number; readonly end: number }[] {
  return [...text.matchAll(DISCLAIMER)].map(({ index, 0: found }) => ({ start: index, end: index + found.length }));
}

/** Marks of an assistant behind the mask, each with its name. */
const BREAKS: readonly (readonly [RegExp, string])[] = [
  [DISCLAIMER, "talks of itself as a language model"],
  [/\b(?:large )?language model\b|\bAI (?:assistant|model)\b|\bchatbot\b|\bvirtual assistant\b/i, "language model"],
  [
    /\b(?:created|developed|trained|made|built) by (?:Alibaba|OpenAI|Google|Meta|Anthropic|Microsoft|Mistral|DeepSeek|Baidu|Tencent)\b|\b(?:ChatGPT|Qwen|OpenAI|Alibaba Cloud)\b|\bGPT-\d/i,
    "names its maker",
  ],
  [
    /\bHow (?:can|may) I (?:assist|help) you(?: today)?\?|\bfeel free to (?:ask|reach)\b|\bI(?:'|’)?(?:m| am) here to (?:help|assist)\b|\bI(?:'|’)d be happy to (?:help|assist)\b|\b(?:hope|trust) (?:this|that) helps\b|\b(?:is there )?anything else I can (?:help|assist)\b/i,
    "offers help as an assistant",
  ],
  [
    /\bI(?:'|’| a)?m sorry,? but I (?:can(?:no|'|’)t|am unable|do not|don(?:'|’)t)\b|\bI can(?:no|'|’)t (?:assist|help|comply|fulfil+) (?:you )?with\b|\bagainst my (?:programming|guidelines)\b/i,
    "refuses as an assistant",
  ],
  [
    /\b(?:fictional|hypothetical) (?:character|persona|scenario|AI|setting)\b|\brole-?play(?:ing)?\b|\bDeep Red is a (?:fictional|character)\b|\bin (?:this|the) (?:prompt|scenario|role)\b/i,
    "talks about the role",
  ],
  [/^\s*(?:user|assistant|human|system|AI)\s*:/im, "writes the next speaker's lines"],
  [/<\|[^|]*\|>|\[\/?INST\]|<\/?think>|<(?:start|end)_of_turn>/i, "control token"],
];

/**
 * Why an answer is not the persona's any more, or undefined.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { personaBreak } from "@/evaluation/phrases.ts";
 *
 * equal(personaBreak("I am sorry, but I cannot share that.")?.split(":")[0], "refuses as an assistant");
 * equal(personaBreak("I am an artificial intelligence, citizen, and I keep the books of the air."), undefined);
 * ```
 */
export function personaBreak(answer: string): string | undefined {
  for (const [pattern, name] of BREAKS) {
    pattern.lastIndex = 0;
    const found = pattern.exec(answer);
    if (found) return `${name}: ${JSON.stringify(found[0].trim().slice(0, 60))}`;
  }
  return undefined;
}
