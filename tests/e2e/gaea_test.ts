/** The pipeline gaea as a person meets it: from the sample manuscript to a decision, with the permissions of its task. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { withFolder } from "../fakes/folder.ts";
import { whyNoLlama } from "../fakes/llama.ts";

const STAGES = ["curate", "prepare", "config", "base", "baseline", "train", "merge", "tuned", "finetuned", "compare"];

async function pipeline(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "pipeline", "gaea", ...args],
    cwd: WORKSPACE,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

const noLlama = await whyNoLlama();
if (noLlama) console.log(`the pipeline gaea is not tried: ${noLlama}`);

Deno.test({
  name: "pipeline gaea goes from the sample manuscript to a decision, and does nothing a second time",
  ignore: noLlama !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const first = await pipeline("--data-dir", folder);
      equal(first.code, 0, first.err);
      match(first.out, /blind +skipped +no --judge-model; people judge by deno task gaea:blind --data-dir/);
      const root = join(folder, "rehearsal", "gaea");
      const json = async (...path: string[]) => JSON.parse(await Deno.readTextFile(join(root, ...path)));
      equal((await json("checkpoints", "qlora-visions-style", "run.json")).state, "complete");
      const { figures } = await json("merged_models", "llama-3.1-8b-visions-style", "merge.json");
      ok(figures.meanKl < 1e-5 && figures.baseKl > 10 * figures.meanKl, JSON.stringify(figures));
      // A QLoRA, measured beside the base in 4 bit that it was trained with, wherever there is such a thing.
      ok(Deno.build.os === "darwin" || figures.fourBit.meanKl > figures.meanKl, JSON.stringify(figures));
      for (const side of ["baseline", "finetuned"]) {
        const { engine, result } = await json("benchmarks", `voice_${side}.json`);
        equal(engine, "llama-server");
        ok(result.words >= 1500);
      }
      const { targets, gates, sources, words } = await json("benchmarks", "comparison.json");
      deepEqual(targets.map(({ id }: { id: string }) => id), ["transfer", "vocabulary", "structure", "markers", "pov"]);
      for (const { id, naive, estimate, status } of targets) {
        ok(Number.isFinite(naive.value), `${id}: ${naive.value}`);
        if (id !== "transfer" && id !== "structure") ok(Number.isFinite(estimate), `${id}: ${estimate}`);
        equal(status === "met", false, `a model of nonsense has met "${id}"`);
      }
      equal(gates.length, 3);
      ok(words.base >= 1000 && words.tuned >= 1000 && words.hold >= 500, JSON.stringify(words));
      match(sources.tuned.path, /voice_finetuned\.jsonl$/);
      match(await Deno.readTextFile(join(root, "DECISION.html")), /<svg/);
      equal((await json("DECISION.json")).decision === "deploy", false);

      const second = await pipeline("--data-dir", folder);
      equal(second.code, 0, second.err);
      equal((second.out.match(/ kept /g) ?? []).length, STAGES.length + 1, second.out);
      // A blind trial held meanwhile is taken in, and nothing else is done again.
      await Deno.writeTextFile(join(root, "benchmarks", "blind.json"), "{}");
      const third = await pipeline("--data-dir", folder, "--dry-run");
      match(third.out, /decide +would run +[\d.]+ \w+ +input ".*blind\.json" is there now/);
      equal((third.out.match(/would keep/g) ?? []).length, STAGES.length, third.out);
    }),
});

Deno.test("pipeline gaea --dry-run lists the stages of the rehearsal, or of the real thing, and leaves no trace", () =>
  withFolder(async (folder) => {
    const rehearsal = await pipeline("--dry-run", "--data-dir", folder);
    match(rehearsal.out, /^gaea, as a rehearsal: /);
    const real = await pipeline(
      "--dry-run",
      "--data-dir",
      folder,
      "--manuscript",
      "novel.md",
      "--judge-model",
      "judge",
    );
    match(real.out, /^gaea: /);
    match(real.out, /blind +would run/);
    for (const { out } of [rehearsal, real]) {
      for (const stage of [...STAGES, "decide"]) match(out, new RegExp(`^${stage} +would run +not done yet`, "m"));
    }
    const late = await pipeline("--dry-run", "--data-dir", folder, "--from", "train", "--lora-r", "8", "--seed", "7");
    match(late.err, /--lora-r changes nothing here/);
    equal(/--seed/.test(late.err), false);
    deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("pipeline gaea says what is wrong with a manuscript, and other pipelines take none", () =>
  withFolder(async (folder) => {
    const path = (name: string) => join(folder, name);
    await Deno.mkdir(path("empty"));
    await Deno.writeFile(path("binary.txt"), new Uint8Array(4000).map((_, at) => at * 7 % 256));
    await Deno.writeTextFile(path("bare.md"), "# One\n\n# Two\n");
    const cases: [string, number, RegExp][] = [
      [path("none.md"), 1, /Cannot read ".*none\.md": there is no such file/],
      [path("empty"), 2, /Cannot curate ".*empty": the folder holds no \.txt or \.md file/],
      [path("binary.txt"), 2, /Cannot read ".*binary\.txt": /],
      [path("bare.md"), 2, /it holds headings and no prose/],
    ];
    for (const [manuscript, expected, said] of cases) {
      const { code, err } = await pipeline("--manuscript", manuscript, "--data-dir", path("data"));
      equal(code, expected, `${manuscript}: ${err}`);
      match(err, said);
      equal(/\n\s+at .*:\d+:\d+/.test(err), false, err);
    }
    const { code, err } = await pipeline("--manuscript", path("none.md"), "--lora-rank", "8");
    equal(code, 2);
    match(err, /Unknown flag --lora-rank: did you mean --lora-r/);
  }));
