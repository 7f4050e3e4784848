/** The rendered chat template: whether an end is learnt, and what the template puts in that nobody wrote. */
import { UserError } from "../../core/errors.ts";
import { count } from "../../core/format.ts";
import type { ChatTokenizer } from "../chat_tokens.ts";
import { type ChatRenderer, type ChatTemplate, hasGenerationMarkers, type TrainOn } from "../template.ts";
import type { PlacedRow } from "./check_dataset.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import { spread } from "./label_xray.ts";

const CHECK = "template";
/** Rows that are rendered. */
const LOOKED_AT = 40;

export interface TemplateInput {
  readonly template: ChatTemplate;
  readonly renderer: ChatRenderer;
  readonly tokenizer: ChatTokenizer;
  /** Ids at which generation_config.json and config.json end an answer. */
  readonly stopIds: readonly number[];
  readonly trainOn: TrainOn;
  /** Where the rows stand, for their places. */
  readonly path: string;
}

/** What is to be said of a template and the rows that it renders. */
export function checkTemplate(rows: readonly PlacedRow[], input: TemplateInput): Finding[] {
  const { renderer, trainOn } = input;
  const looked = spread(rows, LOOKED_AT);
  for (const { line, messages } of looked) {
    try {
      renderer.renderTrained(messages, trainOn);
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      return [error(CHECK, `${input.path}:${line}: ${thrown.message}`, thrown.hint ?? "Mend the row or the template.")];
    }
  }
  return [
    ...checkEnd(looked, input),
    ...checkPadding(input),
    ...checkPrompts(looked, input),
    ...checkSystem(rows, input),
    ...checkDate(input),
    ...checkContents(rows, input),
  ];
}

/** Whether the last token that is learnt of an answer is one at which servers stop. */
function checkEnd(looked: readonly PlacedRow[], input: TemplateInput): Finding[] {
  const { renderer, tokenizer, template, trainOn } = input;
  const eos = template.tokens.eos_token;
  const eosId = eos === undefined ? undefined : tokenizer.idOf(eos);
  const stops = new Set([...input.stopIds, ...(eosId === undefined ? [] : [eosId])]);
  const ends = new Map<string, { id: number; line: number; rows: number }>();
  const endless: number[] = [];
  for (const { line, messages } of looked) {
    const learnt = tokenizer.tokens(renderer.renderTrained(messages, trainOn)).filter(({ trained }) => trained);
    // What follows the end of a turn is a line break, in most templates.
    const last = learnt.findLast(({ text, special }) => special || text.trim() !== "");
    if (last?.special) {
      const known = ends.get(last.text);
      ends.set(last.text, { id: last.id, line: known?.line ?? line, rows: (known?.rows ?? 0) + 1 });
    } else endless.push(line);
  }
  if (endless.length > 0) {
    return [error(
      CHECK,
      `No end of the answer is learnt (${input.path}:${endless[0]} and ${
        count(endless.length - 1)
      } more of ${looked.length} looked at): the model would never stop`,
      hasGenerationMarkers(template.source)
        ? "Put {% endgeneration %} behind the token that ends the assistant's turn."
        : "Give the base a chat template that ends each turn with its end token, such as <|im_end|>.",
    )];
  }
  const stranger = [...ends].find(([, { id }]) => !stops.has(id));
  if (stranger) {
    const [token] = stranger;
    return [error(
      CHECK,
      `Answers learn to end with ${token}, but the base ends at ${eos ?? "no token at all"}: servers would not stop`,
      `Set "eos_token" in tokenizer_config.json and "eos_token_id" in generation_config.json to ${token}, or take the ` +
        "Instruct variant of this base.",
    )];
  }
  const found = [...ends.keys()].join(" or ");
  const how = trainOn === "all"
    ? "every token is learnt"
    : hasGenerationMarkers(template.source)
    ? "what is learnt stands between the template's own markers"
    : "what is learnt is told by rendering each prompt without its answer";
  return found === "" ? [] : [ok(CHECK, `Every answer learns to end with ${found}; ${how}`)];
}

function checkPadding({ template: { tokens } }: TemplateInput): Finding[] {
  const { pad_token: pad, eos_token: eos } = tokens;
  if (pad !== undefined && pad !== eos) return [ok(CHECK, `Rows are padded with ${pad}`)];
  return [warning(
    CHECK,
    pad === undefined ? "The tokenizer has no token to pad with" : `Rows are padded with the end token ${pad}`,
    "Here padding is masked by its place, so the end is learnt all the same; other trainers mask by token and lose " +
      'it. Set "pad_token" in tokenizer_config.json to a token of its own, such as <|finetune_right_pad_id|>.',
  )];
}

/** Whether a server, which renders the prompt alone, asks in the very words that the answer was learnt after. */
function checkPrompts(looked: readonly PlacedRow[], { renderer, trainOn, path }: TemplateInput): Finding[] {
  for (const { line, messages } of looked) {
    if (messages.at(-1)?.role !== "assistant") continue;
    const { text, trained } = renderer.renderTrained(messages, trainOn);
    const prompt = renderer.render(messages.slice(0, -1), { addGenerationPrompt: true });
    const answer = messages.at(-1)?.content.trim() ?? "";
    if (!text.startsWith(prompt)) {
      return [error(
        CHECK,
        `${path}:${line}: the template writes a prompt otherwise when it is to be answered than when it has been`,
        "Training and serving must agree: mend add_generation_prompt in the chat template.",
      )];
    }
    const learnt = trained.map(({ start, end }) => text.slice(start, end)).join("");
    if (!learnt.includes(answer)) {
      return [warning(
        CHECK,
        `${path}:${line}: the template changes what the assistant says`,
        "Look at the label X-ray; reasoning and white space are what templates take away.",
      )];
    }
    const added = text.slice(prompt.length).trimStart();
    if (!added.startsWith(answer)) {
      const words = added.slice(0, Math.max(0, added.indexOf(answer))).trim().replace(/\s+/g, " ");
      return [warning(
        CHECK,
        `The template puts "${words.slice(0, 60)}" before each answer, which a server's prompt does not hold`,
        "The model learns to write it. Take a base whose template leaves answers as they are, or turn reasoning off.",
      )];
    }
  }
  return [];
}

/** Rows without a system message, where the template then speaks for the system. */
function checkSystem(rows: readonly PlacedRow[], { renderer, path }: TemplateInput): Finding[] {
  const without = rows.filter(({ messages }) => messages[0]?.role !== "system");
  const [first] = without;
  if (!first) return [];
  const own = defaultSystem(renderer);
  if (own === undefined) {
    return without.length === rows.length ? [] : [warning(
      CHECK,
      `${count(without.length)} of ${count(rows.length)} rows have no system message (${path}:${first.line} …)`,
      "Say in all rows who speaks, or in none: the model learns the persona with and without.",
    )];
  }
  return [warning(
    CHECK,
    `${count(without.length)} of ${count(rows.length)} rows have no system message (${path}:${first.line} …): the ` +
      `template puts in its own, "${own.slice(0, 80)}"`,
    "Write a system message into every row, and send one when serving.",
  )];
}

/** What a template says for the system when nobody does. */
function defaultSystem(renderer: ChatRenderer): string | undefined {
  const [user, system] = ["\ue010", "\ue011"];
  try {
    const silent = renderer.render([{ role: "user", content: user }]).split(user)[0] ?? "";
    const spoken = renderer.render([{ role: "system", content: system }, { role: "user", content: user }]);
    const head = spoken.split(system)[0] ?? "";
    if (head.length === 0 || !silent.startsWith(head)) return undefined;
    // What stands where the system message would: up to the same words behind it.
    const tail = (spoken.split(system)[1] ?? "").split(user)[0] ?? "";
    if (!silent.endsWith(tail)) return undefined;
    const own = silent.slice(head.length, silent.length - tail.length).trim();
    return own === "" ? undefined : own;
  } catch {
    return undefined; // A template that wants no system message at all.
  }
}

function checkDate({ template: { source }, renderer }: TemplateInput): Finding[] {
  let text: string;
  try {
    text = renderer.render([{ role: "system", content: "." }, { role: "user", content: "." }]);
  } catch {
    return [];
  }
  const [line] = /^.*(Today Date|Current date|Knowledge Date).*$/im.exec(text) ?? [];
  if (line === undefined && !source.includes("strftime_now")) return [];
  const changing = source.includes("strftime_now");
  return [warning(
    CHECK,
    `The template writes a date into every prompt${line === undefined ? "" : ` ("${line.trim()}")`}${
      changing ? ": another one each day" : ""
    }`,
    "A persona that must not know today learns a date. Take it out of the base's chat template before training, and " +
      "serve with the same template.",
  )];
}

/** Rows that hold the template's own signs: they end a turn in its middle. */
function checkContents(rows: readonly PlacedRow[], { tokenizer, path }: TemplateInput): Finding[] {
  const signs = tokenizer.specialTokens.filter((token) => /^<[|/]?.{2,}>$|^\[\/?[A-Z_]{3,}\]$/.test(token));
  const hits = rows.flatMap(({ line, messages }) => {
    const sign = signs.find((token) => messages.some(({ content }) => content.includes(token)));
    return sign === undefined ? [] : [{ line, sign }];
  });
  const [first] = hits;
  if (!first) return [];
  return [error(
    CHECK,
    `${count(hits.length)} of ${
      count(rows.length)
    } rows hold a token of the template in their text: ${path}:${first.line} (${first.sign})`,
    "Take these signs out of the texts: they would end or begin a turn in the middle of one.",
  )];
}
