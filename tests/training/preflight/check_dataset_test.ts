import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { checkDataset, surveyRows } from "@/training/preflight/check_dataset.ts";
import { withFolder } from "../../fakes/folder.ts";

const said = (user: string, assistant: string, system?: string) =>
  JSON.stringify({
    messages: [
      ...(system === undefined ? [] : [{ role: "system", content: system }]),
      { role: "user", content: user },
      { role: "assistant", content: assistant },
    ],
  });

function turns(...roles: string[]): string {
  return JSON.stringify({ messages: roles.map((role) => ({ role, content: "x" })) });
}

async function findings(text: string) {
  return await withFolder(async (folder) => {
    const path = join(folder, "rows.jsonl");
    await Deno.writeTextFile(path, text);
    const survey = await surveyRows(path);
    const found = checkDataset(survey, "training");
    return { survey, found: found.map((one) => ({ ...one, message: one.message.replaceAll(path, "rows.jsonl") })) };
  });
}

Deno.test("a good dataset is one finding, with its rows and answers", async () => {
  const { found, survey } = await findings(`\ufeff${said("a", "b")}\n\n${said("c", "d", "s")}\n`);
  deepEqual(found.map(({ level, facts }) => [level, facts]), [["ok", { rows: 2, answers: 2 }]]);
  deepEqual(survey.rows.map(({ line }) => line), [1, 3]);
});

const BROKEN: [string, string, RegExp, "error" | "warning"][] = [
  ["a line that is no JSON", `${said("a", "b")}\n{oops\n`, /^No JSON in 1 of 2 training rows: rows.jsonl:2$/, "error"],
  ["a row without messages", `{"text":"x"}\n[1]\nnull\n`, /^No list "messages" of .* in 3 of 3 training rows/, "error"],
  ["an unknown role", turns("human", "gpt") + "\n", /A role other than .*rows.jsonl:1 \(human\)/, "error"],
  ["two users in a row", turns("user", "user", "assistant") + "\n", /\(two of user in a row\)/, "error"],
  ["a late system message", turns("user", "system", "assistant") + "\n", /\(system after the beginning\)/, "error"],
  ["an assistant first", turns("assistant", "user", "assistant") + "\n", /\(begins with the assistant\)/, "error"],
  ["a question without an answer", turns("system", "user") + "\n", /\(ends with the user\)/, "error"],
  ["only a system message", turns("system") + "\n", /nothing but a system message/, "error"],
  [
    "an empty answer",
    said("a", " \n") + "\n",
    /An empty message in 1 of 1 training rows: rows.jsonl:1 \(assistant\)/,
    "error",
  ],
  ["a damaged character", said("a", "b\ufffd") + "\n", /a wrong decoding/, "warning"],
  [
    "a repetition",
    `${said("a", "b")}\n${said("a", "b")}\n`,
    /conversation of an earlier row .*rows.jsonl:2 \(as line 1\)/,
    "warning",
  ],
  ["a torn last line", `${said("a", "b")}\n{"messages":[{`, /^rows.jsonl:2: the last line was torn off/, "warning"],
  ["a file without rows", "\n\n", /holds no training examples/, "error"],
];

for (const [what, text, message, level] of BROKEN) {
  Deno.test(`checkDataset tells of ${what}, where it stands and what to do`, async () => {
    const { found } = await findings(text);
    deepEqual(found.map((one) => one.level), [level]);
    match(found[0]?.message ?? "", message);
    match(found[0]?.remedy ?? "", /\w+/);
  });
}

Deno.test("checkDataset counts all offenders, names the first three, and tells of several faults at once", async () => {
  const { found } = await findings(`${"x\n".repeat(1200)}${said("a", "")}\n`);
  equal(found.length, 2);
  match(
    found[0]?.message ?? "",
    /^No JSON in 1,200 of 1,201 .*rows.jsonl:1, rows.jsonl:2, rows.jsonl:3 and 1,197 more$/,
  );
});

Deno.test("surveyRows tells of a missing file and of a folder instead of throwing", async () => {
  await withFolder(async (folder) => {
    for (const path of [join(folder, "none.jsonl"), folder]) {
      const [found] = checkDataset(await surveyRows(path), "training");
      equal(found?.level, "error");
      match(found?.message ?? "", /^Cannot read/);
    }
  });
});
