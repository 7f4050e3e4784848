import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { PlacedRow } from "@/training/preflight/check_dataset.ts";
import { checkTokens } from "@/training/preflight/check_tokens.ts";
import { surveyTokens, tokenCdf, type TokenSurvey } from "@/training/preflight/token_survey.ts";
import { CHATML_MARKED, chatModel } from "../chat_model.ts";

/** Bytes are tokens here, so lengths are known: "<|im_start|>user\n" is 6. */
function rowsOf(lengths: readonly number[]): PlacedRow[] {
  return lengths.map((length, i) => ({
    line: i + 1,
    messages: [{ role: "user", content: "q" }, { role: "assistant", content: "a b".repeat(length).slice(0, length) }],
  }));
}

const FRAME = "<user\nq>\n<assistant\n>\n".length;

async function survey(lengths: readonly number[], options: { maxLength?: number; budget?: number } = {}) {
  const model = await chatModel(CHATML_MARKED);
  return surveyTokens(rowsOf(lengths), { ...model, trainOn: "assistant", maxLength: 200, ...options });
}

Deno.test("surveyTokens counts tokens, what is cut, what is learnt and what is lost", async () => {
  const found = await survey([10, 300, 20], { maxLength: 100 });
  deepEqual(found.lengths, [10, 20, 300].map((length) => FRAME + length));
  deepEqual([found.counted, found.truncated, found.untrained], [3, 1, 0]);
  // Answers with their ends, and the one that is cut as far as it goes.
  equal(found.trained, 11 + 21 + (100 - (FRAME - 2)));
  const lost = await survey([10, 20], { maxLength: 15 });
  deepEqual([lost.untrained, lost.trained], [2, 0]);
});

Deno.test("surveyTokens reckons what the budget does not allow to count, and comes near", async () => {
  const lengths = Array.from({ length: 600 }, (_, i) => 20 + (i * 7919) % 400);
  const all = await survey(lengths);
  const some = await survey(lengths, { budget: 10_000 });
  equal(all.counted, 600);
  ok(some.counted < 100, `${some.counted} were counted`);
  const near = (name: "truncated" | "tokens" | "trained") =>
    ok(Math.abs(some[name] / all[name] - 1) < 0.02, `${name}: ${some[name]} of ${all[name]}`);
  near("truncated");
  near("tokens");
  near("trained");
  equal(some.lengths.at(-1), all.lengths.at(-1), "the longest is counted");
});

Deno.test("tokenCdf rises to one, in a hundred points at most", async () => {
  const found = await survey(Array.from({ length: 250 }, (_, i) => i + 1));
  const points = tokenCdf(found);
  equal(points.length, 100);
  deepEqual(points.at(-1), { tokens: FRAME + 250, share: 1 });
  ok(points.every(({ tokens }, i) => i === 0 || tokens >= (points[i - 1]?.tokens ?? 0)));
  deepEqual(tokenCdf({ lengths: [] }), []);
});

const BASE: TokenSurvey = {
  rows: 4,
  counted: 4,
  lengths: [100, 200, 300, 400],
  truncated: 0,
  untrained: 0,
  tokens: 1000,
  trained: 600,
};

Deno.test("checkTokens is one finding where nothing is cut", () => {
  const found = checkTokens(BASE, 1024);
  deepEqual(found.map(({ level }) => level), ["ok"]);
  match(
    found[0]?.message ?? "",
    /^Rows have 250 tokens in the middle.*the longest 400; 60 % of all tokens are learnt$/,
  );
});

Deno.test("checkTokens warns of a few rows that are cut and stops at many, with the length that would do", () => {
  const few = checkTokens({ ...BASE, rows: 100, counted: 40, truncated: 3 }, 300)[0];
  equal(few?.level, "warning");
  match(few?.message ?? "", /^about 3 of 100 rows are longer than --max-seq-length 300 and lose their end/);
  match(few?.remedy ?? "", /^--max-seq-length 448/);
  equal(checkTokens({ ...BASE, truncated: 1 }, 300)[0]?.level, "error");
});

Deno.test("checkTokens warns of rows without a learnt token, stops at many, and notes a small share", () => {
  const found = checkTokens({ ...BASE, rows: 100, untrained: 5, trained: 50 }, 1024);
  deepEqual(found.map(({ level }) => level), ["warning", "ok", "warning"]);
  match(found[0]?.message ?? "", /5 of 100 rows have no token that is learnt/);
  match(found[2]?.message ?? "", /Only 5.0 % of the tokens are learnt/);
  equal(checkTokens({ ...BASE, untrained: 2 }, 1024)[0]?.level, "error");
  deepEqual(checkTokens({ ...BASE, rows: 0 }, 1024), []);
});
