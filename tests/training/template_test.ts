import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import type { ChatMessage } from "@/records.ts";
import { chatRenderer, hasGenerationMarkers, loadChatTemplate } from "@/training/template.ts";
import { withFolder } from "../fakes/folder.ts";
import { CHATML, CHATML_DEFAULT_SYSTEM, CHATML_MARKED, chatModel, writeChatModel } from "./chat_model.ts";

const TWO_TURNS: ChatMessage[] = [
  { role: "user", content: "Who plays?" },
  { role: "assistant", content: "All of us." },
  { role: "user", content: "And wins?" },
  { role: "assistant", content: "The board,\nin the end." },
];

async function learnt(template: string, messages: ChatMessage[]): Promise<string[]> {
  const { renderer } = await chatModel(template);
  const { text, trained } = renderer.renderTrained(messages, "assistant");
  equal(text, renderer.render(messages), "the markers leave the text as it is");
  return trained.map(({ start, end }) => text.slice(start, end));
}

Deno.test("renderTrained takes what stands between a template's markers", async () => {
  deepEqual(await learnt(CHATML_MARKED, TWO_TURNS), ["All of us.<|im_end|>", "The board,\nin the end.<|im_end|>"]);
});

Deno.test("renderTrained keeps the white space that markers trim", async () => {
  const source =
    "{% for m in messages %}\n  {%- if m.role == 'assistant' %}A:  {%- generation -%}\n {{ m.content }}\n " +
    "{%- endgeneration -%}  \n{% else %}\n  U: {{ m.content }}\n  {%- endif %}\n{% endfor %}";
  deepEqual(await learnt(source, TWO_TURNS.slice(0, 2)), ["All of us."]);
});

Deno.test("renderTrained takes what follows each prompt where there are no markers", async () => {
  for (const source of [CHATML, CHATML_DEFAULT_SYSTEM]) {
    deepEqual(await learnt(source, TWO_TURNS), ["All of us.<|im_end|>\n", "The board,\nin the end.<|im_end|>\n"]);
  }
});

Deno.test("renderTrained takes all where all is asked, and is not confused by signs in a text", async () => {
  const { renderer } = await chatModel(CHATML_MARKED);
  const all = renderer.renderTrained(TWO_TURNS, "all");
  deepEqual(all.trained, [{ start: 0, end: all.text.length }]);
  const signs: ChatMessage[] = [{ role: "user", content: "\uf8e0a\uf8e1" }, { role: "assistant", content: "\uf8e0" }];
  const { text, trained: [span] } = renderer.renderTrained(signs, "assistant");
  equal(text.slice(span?.start, span?.end), "\uf8e0<|im_end|>");
});

Deno.test("renderTrained refuses a template that writes a prompt otherwise afterwards", async () => {
  const source = "{{ messages | length }}{% for m in messages %}[{{ m.content }}]{% endfor %}";
  const { renderer } = await chatModel(source);
  throws(() => renderer.renderTrained(TWO_TURNS, "assistant"), /writes a prompt otherwise once it has been answered/);
});

Deno.test("chatRenderer tells of a template that does not parse, and of messages that one refuses", async () => {
  await rejects(chatModel("{% for m in messages %}"), /Cannot use the chat template/);
  const { renderer } = await chatModel("{{ raise_exception('Conversation roles must alternate') }}");
  throws(() => renderer.render(TWO_TURNS), /Cannot render a conversation .*Conversation roles must alternate/);
});

Deno.test("loadChatTemplate prefers chat_template.jinja, takes the default of several, and tells where it stood", () =>
  withFolder(async (folder) => {
    await writeChatModel(folder, undefined, { eos_token: { content: "<|im_end|>" }, pad_token: null });
    equal(await loadChatTemplate(folder), undefined);
    const config = join(folder, "tokenizer_config.json");
    const several = [{ name: "tool_use", template: "no" }, { name: "default", template: CHATML }];
    await Deno.writeTextFile(config, JSON.stringify({ eos_token: { content: "<|im_end|>" }, chat_template: several }));
    const found = await loadChatTemplate(folder);
    deepEqual(found, { source: CHATML, path: config, tokens: { eos_token: "<|im_end|>" } });
    await Deno.writeTextFile(join(folder, "chat_template.jinja"), CHATML_MARKED);
    equal((await loadChatTemplate(folder))?.path, join(folder, "chat_template.jinja"));
    await Deno.writeTextFile(config, "[");
    await rejects(loadChatTemplate(folder), /is no tokenizer_config.json/);
  }));

Deno.test("a template may write special tokens and the date of the day", async () => {
  const template = { source: "{{ bos_token }}{{ strftime_now('%Y') }}", path: "x", tokens: { bos_token: "<s>" } };
  match((await chatRenderer(template)).render([]), /^<s>20\d\d$/);
});

Deno.test("hasGenerationMarkers is not taken in by add_generation_prompt", () => {
  equal(hasGenerationMarkers("{% if add_generation_prompt %}{% endif %}"), false);
  equal(hasGenerationMarkers("{%- generation -%}x{% endgeneration %}"), true);
});
