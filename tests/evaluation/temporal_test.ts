import { deepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { readJsonc } from "@/core/jsonc.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { CHARS, chunkText } from "@/corpus/chunk.ts";
import { cleanBook } from "@/corpus/clean.ts";
import { loadAnachronisms } from "@/dialogue/gates_anachronism.ts";
import { loadEvaluation } from "@/dialogue/gates_evaluation.ts";
import { gateFiles } from "@/dialogue/gates_load.ts";
import { temporalRules } from "@/evaluation/temporal.ts";

const files = gateFiles({});
const inspect = temporalRules(await loadAnachronisms(files.anachronisms), 1969);
const prompts = new Map((await loadEvaluation(files.evaluation)).prompts.map((prompt) => [prompt.id, prompt]));

/** As `deno task chunk` cuts. */
const CHUNKS = { method: "paragraph", unit: CHARS, size: 1024, minSize: 100, overlap: 0 } as const;

const Answers = z.array(z.tuple([z.string().nullable(), z.string()]));
const answers = await readJsonc(
  join(WORKSPACE, "tests", "evaluation", "testdata", "temporal.jsonc"),
  z.strictObject({ base: Answers, violations: Answers, passes: Answers }),
);

/** The answers that fare otherwise than they should. */
function wrong(list: z.infer<typeof Answers>, violates: boolean): string[] {
  return list.flatMap(([id, answer]) => {
    const prompt = id === null ? undefined : prompts.get(id);
    if (id !== null && !prompt) return [`no question "${id}"`];
    const { violation, nominations } = inspect(answer, prompt);
    if ((violation !== undefined) === violates) return [];
    const why = nominations.map(({ text, why, excuse }) => `"${text}" (${excuse ?? why})`).join(", ") ||
      "nothing found";
    return [`${id}: ${answer}\n    ${why}`];
  });
}

Deno.test("temporalRules catches 95 % of what an untuned model says of the years after 1969", () => {
  const missed = wrong(answers.base, true);
  ok(answers.base.length >= 60 && missed.length <= 0.05 * answers.base.length, missed.join("\n"));
});

Deno.test("temporalRules catches 95 % of the violations in the other strata", () => {
  const missed = wrong(answers.violations, true);
  ok(answers.violations.length >= 60 && missed.length <= 0.05 * answers.violations.length, missed.join("\n"));
});

Deno.test("temporalRules lets ignorance, forecasts, counts, old senses and denials pass", () => {
  deepEqual(wrong(answers.passes, false), []);
  ok(answers.passes.length >= 90);
});

// Sixteen real books, laid out as a mirror; no part of the project.
const corpus = Deno.env.get("VOICEWORKS_CORPUS") ?? join(WORKSPACE, "..", "shared", "corpus");
const books = await Array.fromAsync(Deno.readDir(join(corpus, "cache", "epub"))).catch(() => []);
if (books.length === 0) console.warn("skipping the false alarms of temporalRules: there is no corpus of real books");

Deno.test({
  name: "temporalRules raises a false alarm at most at one passage of real books in a hundred",
  ignore: books.length === 0,
  async fn() {
    const alarms: string[] = [];
    let passages = 0;
    for (const { name } of books) {
      const bytes = await Deno.readFile(join(corpus, "cache", "epub", name, `pg${name}.txt`)).catch(() => undefined);
      if (!bytes) continue;
      const { text, chapters } = cleanBook(bytes);
      for (const { start, end } of chunkText(text, chapters, CHUNKS).passages) {
        passages++;
        const { violation } = inspect(text.slice(start, end));
        if (violation) alarms.push(`${name}: ${violation.text} (${violation.why})`);
      }
    }
    console.log(`${alarms.length} false alarms in ${passages} passages of ${books.length} books`);
    ok(passages > 5000 && alarms.length <= 0.01 * passages, alarms.join("\n"));
  },
});
