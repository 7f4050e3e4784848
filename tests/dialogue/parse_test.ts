import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseExchange } from "@/dialogue/parse.ts";

const GOOD = { user: "Why do we build?", assistant: "Because the winter is long." };
const JSON_GOOD = JSON.stringify(GOOD);

Deno.test("parseExchange finds the exchange wherever a model puts it", () => {
  const contents = [
    JSON_GOOD,
    `\`\`\`json\n${JSON.stringify(GOOD, null, 2)}\n\`\`\``,
    `Certainly! Here it is:\n\n${JSON_GOOD}\n\nI hope it serves.`,
    `[${JSON_GOOD}]`,
    `{"exchange": ${JSON_GOOD}}`,
    `{"messages":[{"role":"user","content":${JSON.stringify(GOOD.user)}},{"role":"assistant","content":${
      JSON.stringify(GOOD.assistant)
    }}]}`,
    `{"Question":"${GOOD.user}","Answer":"${GOOD.assistant}"}`,
    `{"thought":"{ odd } brackets"} then ${JSON_GOOD}`,
    `[INST] {not json} ${JSON_GOOD}`,
    `[{"role":"user","content":"${GOOD.user}"},{"role":"assistant","content":"${GOOD.assistant}"}]`,
    `[{"data":[${JSON_GOOD}]}]`,
    ` \n{"result":{"exchange":[${JSON_GOOD},{"user":"Another?"}]}}\n`,
    `"${GOOD.user}" ${JSON_GOOD}`,
    `{"user":"  ${GOOD.user} ","assistant":"${GOOD.assistant}\\n","extra":1}`,
  ];
  for (const content of contents) {
    deepEqual(parseExchange({ content, reasoning: "" }), { ok: true, exchange: GOOD }, content);
  }
});

Deno.test("parseExchange looks into the reasoning when the answer holds nothing", () => {
  deepEqual(parseExchange({ content: "", reasoning: `So: ${JSON_GOOD}` }), { ok: true, exchange: GOOD });
});

Deno.test("parseExchange accepts raw line breaks inside strings", () => {
  const parsed = parseExchange({ content: '{"user":"Why?","assistant":"One.\n\nTwo."}', reasoning: "" });
  ok(parsed.ok);
  equal(parsed.exchange.assistant, "One.\n\nTwo.");
});

Deno.test("parseExchange says what is wrong", () => {
  const cases: [string, RegExp][] = [
    ["", /empty/],
    ["I would rather not.", /not a JSON object/],
    ['{"user":"Why?","assistant":"Beca', /not a JSON object/],
    ['{"user":"Why?"}', /"assistant" must be a text/],
    ['{"user":"","assistant":"x"}', /"user" is empty/],
    ['{"user":["a"],"assistant":"x"}', /"user" must be a text/],
    [JSON.stringify(JSON_GOOD), /not a JSON object/],
    ["[]", /expected object/],
    ["null", /not a JSON object/],
  ];
  for (const [content, error] of cases) {
    const parsed = parseExchange({ content, reasoning: "" });
    ok(!parsed.ok, content);
    match(parsed.error, error);
  }
});

Deno.test("parseExchange is not held up by a runaway of brackets", () => {
  // Trying every bracket as a start would take hours.
  ok(!parseExchange({ content: "{".repeat(50_000) + '["'.repeat(20_000), reasoning: "" }).ok);
  ok(!parseExchange({ content: "[".repeat(50_000) + "]".repeat(50_000), reasoning: "" }).ok);
});
