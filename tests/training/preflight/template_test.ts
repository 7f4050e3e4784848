import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { ChatMessage } from "@/records.ts";
import type { PlacedRow } from "@/training/preflight/check_dataset.ts";
import { checkTemplate } from "@/training/preflight/check_template.ts";
import { labelXray, spread } from "@/training/preflight/label_xray.ts";
import { CHATML, CHATML_DEFAULT_SYSTEM, CHATML_MARKED, chatModel } from "../chat_model.ts";

function row(line: number, user: string, assistant: string, system?: string): PlacedRow {
  const messages: ChatMessage[] = [{ role: "user", content: user }, { role: "assistant", content: assistant }];
  return { line, messages: system === undefined ? messages : [{ role: "system", content: system }, ...messages] };
}

const ROWS = [row(1, "Who plays?", "All of us.", "You are Deep Red."), row(2, "And wins?", "The board.", "Be red.")];
const END = 258; // <|im_end|>

async function check(
  source: string,
  rows = ROWS,
  options: { tokens?: Record<string, unknown>; stopIds?: number[]; trainOn?: "assistant" | "all" } = {},
) {
  const { template, renderer, tokenizer } = await chatModel(source, options.tokens);
  return checkTemplate(rows, {
    template,
    renderer,
    tokenizer,
    stopIds: options.stopIds ?? [],
    trainOn: options.trainOn ?? "assistant",
    path: "rows.jsonl",
  });
}

const shown = (found: Awaited<ReturnType<typeof check>>) => found.filter(({ level }) => level !== "ok");

Deno.test("a good template is told with its last learnt token and how it was found", async () => {
  for (const [source, how] of [[CHATML, /rendering each prompt/], [CHATML_MARKED, /own markers/]] as const) {
    const found = await check(source);
    deepEqual(found.map(({ level }) => level), ["ok", "ok"]);
    match(found[0]?.message ?? "", /^Every answer learns to end with <\|im_end\|>; /);
    match(found[0]?.message ?? "", how);
    match(found[1]?.message ?? "", /padded with <pad>/);
  }
  match((await check(CHATML, ROWS, { trainOn: "all" }))[0]?.message ?? "", /every token is learnt/);
});

Deno.test("a template that trains no end is an error", async () => {
  const endless = CHATML.replace("<|im_end|>", "");
  const found = shown(await check(endless));
  equal(found[0]?.level, "error");
  match(found[0]?.message ?? "", /^No end of the answer is learnt \(rows.jsonl:1 .* never stop$/);
  match(found[0]?.remedy ?? "", /ends each turn/);
  const early = CHATML_MARKED.replace("<|im_end|>{% endgeneration %}", "{% endgeneration %}<|im_end|>");
  match(shown(await check(early))[0]?.remedy ?? "", /endgeneration/);
});

Deno.test("an end that the base does not stop at is an error, unless generation_config.json knows it", async () => {
  const tokens = { eos_token: "<|endoftext|>", pad_token: "<pad>" };
  const found = shown(await check(CHATML, ROWS, { tokens }));
  deepEqual(found.map(({ level }) => level), ["error"]);
  match(found[0]?.message ?? "", /end with <\|im_end\|>, but the base ends at <\|endoftext\|>: servers would not stop/);
  deepEqual(shown(await check(CHATML, ROWS, { tokens, stopIds: [END] })), []);
});

Deno.test("padding with the end token, or with none, is a warning that says why it does no harm here", async () => {
  for (const tokens of [{ eos_token: "<|im_end|>" }, { eos_token: "<|im_end|>", pad_token: "<|im_end|>" }]) {
    const [found, ...more] = shown(await check(CHATML, ROWS, { tokens }));
    deepEqual([found?.level, more.length], ["warning", 0]);
    match(found?.remedy ?? "", /masked by its place/);
  }
});

Deno.test("rows without a system message are a trap where the template then speaks for itself", async () => {
  const rows = [...ROWS, row(3, "a", "b"), row(4, "c", "d")];
  const [qwen] = shown(await check(CHATML_DEFAULT_SYSTEM, rows));
  equal(qwen?.level, "warning");
  match(
    qwen?.message ?? "",
    /^2 of 4 rows have no system message \(rows.jsonl:3 …\).*"You are Qwen, created by Alibaba/,
  );
  const [plain] = shown(await check(CHATML, rows));
  match(plain?.message ?? "", /^2 of 4 rows have no system message/);
  match(plain?.remedy ?? "", /in all rows who speaks, or in none/);
  deepEqual(shown(await check(CHATML, rows.slice(2))), []);
});

Deno.test("a date that the template writes is a warning", async () => {
  const source = `{{ 'Cutting Knowledge Date: December 2023\\nToday Date: 26 Jul 2024\\n' }}${CHATML}`;
  const [found] = shown(await check(source));
  equal(found?.level, "warning");
  match(found?.message ?? "", /\("Cutting Knowledge Date: December 2023"\)$/);
  const [daily] = shown(await check(`Today Date: {{ strftime_now('%d %b %Y') }}\n${CHATML}`));
  match(daily?.message ?? "", /another one each day/);
});

Deno.test("texts that hold a token of the template are an error", async () => {
  const [found] = shown(await check(CHATML, [...ROWS, row(7, "a", "Stop<|im_end|> here", "s")]));
  equal(found?.level, "error");
  match(found?.message ?? "", /^1 of 3 rows hold a token of the template in their text: rows.jsonl:7 \(<\|im_end\|>\)/);
});

Deno.test("a template that refuses a row, changes answers, or writes before them is told", async () => {
  const [refused] = shown(await check(`{{ raise_exception('no system role') }}`));
  equal(refused?.level, "error");
  match(refused?.message ?? "", /^rows.jsonl:1: .*no system role/);
  const upper = CHATML_MARKED.replace(
    "{% generation %}{{ message.content }}",
    "{% generation %}{{ message.content | upper }}",
  );
  match(shown(await check(upper))[0]?.message ?? "", /changes what the assistant says/);
  const thinking = CHATML_MARKED.replace("{% generation %}", "{% generation %}<think>\\n\\n");
  match(shown(await check(thinking))[0]?.message ?? "", /puts "<think>.*before each answer/);
  const otherwise = CHATML_MARKED.replace("{% for", "{% if add_generation_prompt %}Think. {% endif %}{% for");
  match(shown(await check(otherwise))[0]?.message ?? "", /writes a prompt otherwise when it is to be answered/);
});

Deno.test("labelXray shows spread rows as runs of tokens, and what is cut", async () => {
  const rows = Array.from({ length: 100 }, (_, i) => row(i + 1, "Q", `Answer ${i} <b>`));
  const model = await chatModel(CHATML_MARKED);
  const xray = labelXray(rows, { ...model, trainOn: "assistant", maxLength: 1000, limit: 5 });
  deepEqual(xray.map(({ line }) => line), [1, 26, 51, 75, 100]);
  const [first] = xray;
  deepEqual(first?.spans.map(({ trained }) => trained), [false, true, false]);
  equal(first?.spans[1]?.tokens.map(({ text }) => text).join(""), "Answer 0 <b><|im_end|>");
  equal(first?.trained, first?.spans[1]?.tokens.length);
  const [cut] = labelXray(rows, { ...model, trainOn: "all", maxLength: 10, limit: 1 });
  deepEqual([cut?.tokens, cut?.trained, (cut?.cut ?? 0) > 20], [10, 9, true]);
});

Deno.test("spread keeps both ends and repeats nothing", () => {
  deepEqual(spread([1, 2, 3], 5), [1, 2, 3]);
  deepEqual(spread([1, 2, 3, 4, 5], 3), [1, 3, 5]);
  ok(new Set(spread(Array.from({ length: 1000 }, (_, i) => i), 20)).size === 20);
});
