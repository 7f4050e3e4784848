import { equal, ok } from "node:assert/strict";
import { chatCounter } from "@/manuscript/chat_count.ts";
import { tokenCounter } from "@/corpus/token_count.ts";
import { loadChatTokenizer } from "@/training/chat_tokens.ts";
import { byteLevelTokenizer, writeByteLevelFolder } from "../fakes/byte_level.ts";
import { withFolder } from "../fakes/folder.ts";

const TEXTS = [
  "You wait, and you don't go.",
  "“You’ll see,” she says…\n\n  You   wait.\n\t12345 é e\u0301 <|im_end|> <|im_start|>user",
  " \n\n\r\n x",
  "",
  "snake_case ** 🙂 * * *",
];

Deno.test("tokenCounter counts as the tokenizer does, words that it remembers included", () =>
  withFolder(async (folder) => {
    const { encode } = await loadChatTokenizer(await writeByteLevelFolder(folder));
    let calls = 0;
    const counted = (text: string) => {
      calls++;
      return encode(text);
    };
    const count = tokenCounter(byteLevelTokenizer(), counted);
    const story = await Deno.readTextFile("data-samples/manuscript/one_over.md");
    for (const text of [...TEXTS, story]) equal(count(text), encode(text).length, text.slice(0, 40));
    const before = calls;
    count(story);
    equal(calls, before); // All of it is known.
  }));

Deno.test("tokenCounter encodes whole texts where the tokenizer works in another way, or counts otherwise", () => {
  const seen: string[] = [];
  const encode = (text: string) => {
    seen.push(text);
    return [...text].map(() => 1);
  };
  equal(tokenCounter({ pre_tokenizer: { type: "Metaspace" } }, encode)("You wait."), 9);
  equal(seen.join(), "You wait.");
  // It looks like a byte-level one, but has a token that spans two words.
  const spanning = (text: string) => text.match(/You wait|./g)?.map(() => 1) ?? [];
  const count = tokenCounter({ pre_tokenizer: { type: "ByteLevel", use_regex: true } }, spanning);
  equal(count("You wait."), 2);
  equal(count("You wait. You wait."), 5);
  // Its pattern leaves gaps, or matches nothing at all for ever.
  for (const Regex of ["[a-z]+", "[a-z]*"]) {
    const split = { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
    const level = { type: "ByteLevel", use_regex: false };
    const gaps = tokenCounter({ pre_tokenizer: { type: "Sequence", pretokenizers: [split, level] } }, encode);
    equal(gaps("wait"), 4);
    equal(gaps("you wait 12"), 11);
  }
});

Deno.test("chatCounter counts what the model's own template writes, and reckons it where there is none", () =>
  withFolder(async (folder) => {
    const messages = [{ role: "user", content: "You wait." }, { role: "assistant", content: " You go." }] as const;
    const path = await writeByteLevelFolder(folder);
    const { count, template } = await chatCounter(path);
    const { encode } = await loadChatTokenizer(path);
    const text = "<|im_start|>user\nYou wait.<|im_end|>\n<|im_start|>assistant\n You go.<|im_end|>\n";
    equal(count(messages), encode(text).length);
    ok(template?.endsWith("tokenizer_config.json"));
    const near = await chatCounter("o200k");
    equal(near.template, undefined);
    equal(near.count(messages), 36 + 3 + 3);
  }));
