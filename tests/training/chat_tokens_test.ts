import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { loadChatTokenizer } from "@/training/chat_tokens.ts";
import { withFolder } from "../fakes/folder.ts";
import { CHATML_MARKED, chatModel, SPECIALS, writeChatModel } from "./chat_model.ts";

Deno.test("tokens stand for the parts of the text, special ones for themselves, whatever the script", async () => {
  const { renderer, tokenizer } = await chatModel(CHATML_MARKED);
  const rendered = renderer.renderTrained([
    { role: "user", content: "Ünï — 象棋 🚀 end " },
    { role: "assistant", content: "\n 是 <b>&🤖</b>" },
  ], "assistant");
  const tokens = tokenizer.tokens(rendered);
  equal(tokens.map(({ text }) => text).join(""), rendered.text);
  const learnt = tokens.filter(({ trained }) => trained);
  equal(learnt.map(({ text }) => text).join(""), "\n 是 <b>&🤖</b><|im_end|>");
  // Every byte of a character is learnt with it: one token each here.
  equal(learnt.length, new TextEncoder().encode("\n 是 <b>&🤖</b>").length + 1);
  deepEqual(tokens.filter(({ special }) => special).map(({ text }) => text), [
    "<|im_start|>",
    "<|im_end|>",
    "<|im_start|>",
    "<|im_end|>",
  ]);
  deepEqual(tokenizer.count(rendered), { all: tokens.length, trained: learnt.length });
});

Deno.test("tokens put accents and letters together first, where the tokenizer does", async () => {
  const { renderer, tokenizer } = await chatModel(CHATML_MARKED);
  const rendered = renderer.renderTrained([
    { role: "user", content: "cafe\u0301" },
    { role: "assistant", content: "re\u0301volution" },
  ], "assistant");
  const tokens = tokenizer.tokens(rendered);
  equal(tokens.map(({ text }) => text).join(""), rendered.text.normalize("NFC"));
  equal(tokens.filter(({ trained }) => trained).map(({ text }) => text).join(""), "révolution<|im_end|>");
});

Deno.test("tokens reads SentencePiece's signs for spaces and bytes", async () => {
  await withFolder(async (folder) => {
    const pieces = ["<unk>", "▁", "▁All", "▁us", "<0x0A>", "<|im_end|>", "▁of", "."];
    const merges = ["▁A", "▁Al", "▁u", "▁o"];
    const letters = [..."Allusof"].filter((letter, i, all) => all.indexOf(letter) === i);
    const vocab = Object.fromEntries([...pieces, ...letters, ...merges].map((piece, id) => [piece, id]));
    await Deno.writeTextFile(
      join(folder, "tokenizer.json"),
      JSON.stringify({
        added_tokens: [{ id: 5, content: "<|im_end|>", special: true, normalized: false }],
        normalizer: {
          type: "Sequence",
          normalizers: [{ type: "Prepend", prepend: "▁" }, {
            type: "Replace",
            pattern: { String: " " },
            content: "▁",
          }],
        },
        pre_tokenizer: null,
        post_processor: null,
        decoder: null,
        model: {
          type: "BPE",
          unk_token: "<unk>",
          byte_fallback: true,
          vocab,
          merges: ["▁ A", "▁A l", "▁Al l", "▁ u", "▁u s", "▁ o", "▁o f"],
        },
      }),
    );
    const tokenizer = await loadChatTokenizer(folder);
    const tokens = tokenizer.tokens({ text: "All of us.\n<|im_end|>", trained: [{ start: 4, end: 10 }] });
    equal(tokens.map(({ text }) => text).join("|"), "All| of| us|.|\n|<|im_end|>");
    deepEqual(tokens.filter(({ trained }) => trained).map(({ text }) => text), [" of", " us", "."]);
  });
});

Deno.test("a tokenizer knows its special tokens and its largest id, and tells of a broken file", () =>
  withFolder(async (folder) => {
    await rejects(loadChatTokenizer(folder), /the folder has no tokenizer.json/);
    await writeChatModel(folder, CHATML_MARKED);
    const tokenizer = await loadChatTokenizer(folder);
    deepEqual([...tokenizer.specialTokens], SPECIALS);
    equal(tokenizer.largestId, 256 + SPECIALS.length - 1);
    equal(tokenizer.idOf("<|im_end|>"), 258);
    equal(tokenizer.idOf("<|nothing|>"), undefined);
    for (const text of ["[", "7", "{}"]) {
      await Deno.writeTextFile(join(folder, "tokenizer.json"), text);
      await rejects(loadChatTokenizer(folder), (error: Error) => {
        match(error.message, /^Cannot load the tokenizer/);
        ok(!error.message.includes("undefined"));
        return true;
      });
    }
  }));
