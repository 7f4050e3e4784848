/** The tasks as a stranger meets them: real processes, with the permissions that deno.json gives them. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { parse } from "@std/jsonc";
import { ENVIRONMENT } from "@/core/env.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { withFolder } from "../fakes/folder.ts";
import { whyNoLlama } from "../fakes/llama.ts";

interface Ended {
  code: number;
  out: string;
  err: string;
}

async function task(name: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", name, ...args],
    cwd: WORKSPACE,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

async function tasksOf(): Promise<Record<string, { command: string }>> {
  const config = parse(await Deno.readTextFile(join(WORKSPACE, "deno.json"))) as {
    tasks: Record<string, { command: string }>;
  };
  return config.tasks;
}

Deno.test("pipeline makes a dataset of the samples, and nothing a second time", () =>
  withFolder(async (folder) => {
    const first = await task("pipeline", ["--to", "split", "--data-dir", folder]);
    equal(first.code, 0, first.err);
    const dataset = join(folder, "rehearsal", "dataset");
    for (const name of ["theme_dataset.jsonl", "theme_dataset_train.jsonl", "theme_dataset_val.jsonl"]) {
      const rows = (await Deno.readTextFile(join(dataset, name))).trimEnd().split("\n").map((line) => JSON.parse(line));
      ok(rows.length > 0);
      for (const row of rows) {
        deepEqual(row.messages.map((message: { role: string }) => message.role), ["system", "user", "assistant"]);
      }
    }
    match(await Deno.readTextFile(join(dataset, "theme_dataset_card.md")), /rehearsal/i);
    const written = (await Deno.stat(join(dataset, "theme_dataset.jsonl"))).mtime;
    const second = await task("pipeline", ["--to", "split", "--data-dir", folder]);
    equal((second.out.match(/ kept /g) ?? []).length, 5, second.out);
    deepEqual((await Deno.stat(join(dataset, "theme_dataset.jsonl"))).mtime, written);
  }));

const noLlama = await whyNoLlama();
if (noLlama) console.log(`the whole chain is not tried: ${noLlama}`);

Deno.test({
  name: "pipeline goes from the samples to an evaluated GGUF, and does nothing a second time",
  ignore: noLlama !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const first = await task("pipeline", ["--data-dir", folder]);
      equal(first.code, 0, first.err);
      const output = join(folder, "rehearsal", "output");
      const json = async (...path: string[]) => JSON.parse(await Deno.readTextFile(join(output, ...path)));
      equal((await json("theme-deepred", "run.json")).state, "complete");
      ok((await json("theme-deepred", "eval_results.json")).eval_loss > 0);
      ok((await Deno.stat(join(output, "deepred.gguf"))).size > 100_000);
      const { measures, models } = await json("evaluation", "evaluation.json");
      deepEqual(Object.keys(models).sort(), ["base", "tuned"]);
      ok(measures.length >= 4);
      match(await Deno.readTextFile(join(output, "evaluation", "report.html")), /<svg/);
      const second = await task("pipeline", ["--data-dir", folder]);
      equal((second.out.match(/ kept /g) ?? []).length, 10, second.out);
    }),
});

Deno.test("pipeline --dry-run says what it would do and leaves no trace", () =>
  withFolder(async (folder) => {
    const { code, out } = await task("pipeline", ["--dry-run", "--data-dir", folder]);
    equal(code, 0);
    match(out, /retrieve +would run +not done yet/);
    deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("every task answers --help with its flags, and runs nothing", async () => {
  // `test` is Deno's own, and has Deno's help.
  for (const name of Object.keys(await tasksOf()).filter((name) => name !== "test")) {
    const { code, out, err } = await task(name, ["--help"]);
    equal(code, 0, err);
    match(out, new RegExp(`^Usage: deno task ${name}[ \\n]`));
  }
});

Deno.test("a wrong flag, value or preset ends with 2, a failure with 1, never with a stack trace", () =>
  withFolder(async (folder) => {
    const cases: [string, string[], number, RegExp][] = [
      ["chunk", ["--chunk-sise", "3"], 2, /Unknown flag --chunk-sise: did you mean --chunk-size\?/],
      ["filter", ["--min-matches", "many"], 2, /--min-matches "many"/],
      ["pipeline", ["deapred"], 2, /did you mean "deepred"\?/],
      ["chunk", ["--input", join(folder, "none.jsonl"), "--data-dir", folder], 1, /there is no such file/],
      ["generate", ["--input", folder, "--data-dir", folder], 1, /it is a folder, not a file/],
    ];
    for (const [name, args, expected, said] of cases) {
      const { code, err } = await task(name, args);
      equal(code, expected, `${name} ${args.join(" ")}: ${err}`);
      match(err, said);
      equal(/\n\s+at .*:\d+:\d+/.test(err), false, err);
    }
  }));

Deno.test("tasks are granted variables by name, and only such as Voiceworks reads", async () => {
  // The second list is what transformers.js and its ONNX runtime look up, and the package yaml.
  const theirs = [
    "LOG_TOKENS",
    "LOG_STREAM",
    "HF_ACCESS_TOKEN",
    "TESTING_REMOTELY",
    "npm_package_config_libvips",
    "MALLOC_ARENA_MAX",
  ];
  const known = new Set<string>([...ENVIRONMENT, ...theirs, "ORT_DISABLE_TELEMETRY"]);
  for (const [name, { command }] of Object.entries(await tasksOf())) {
    if (name === "test" || name === "ok" || name === "bench") continue; // Tests and benches run whatever they measure.
    const granted = /--allow-env(?:=(\S+))?/.exec(command);
    if (!granted) continue;
    ok(granted[1], `${name} may read every variable`);
    for (const variable of granted[1].split(",")) {
      ok(variable.endsWith("*") || known.has(variable), `${name} may read ${variable}, which nothing does`);
    }
    equal(/(^| )-A( |$)|--allow-all/.test(command), false, name);
  }
});

Deno.test("tasks that fetch a tokenizer may read where hf auth login left its token", async () => {
  const tasks = await tasksOf();
  for (const name of ["chunk", "gaea:prepare", "pipeline"]) {
    const granted = /--allow-env=(\S+)/.exec(tasks[name]?.command ?? "")?.[1]?.split(",") ?? [];
    const needed = ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME", "HOME", "USERPROFILE"];
    deepEqual(needed.filter((variable) => !granted.includes(variable)), [], name);
  }
});

Deno.test("tasks that train may read where transformers keeps its models, and ask the hub wherever it is", async () => {
  const tasks = await tasksOf();
  for (const name of ["train", "gaea:train", "pipeline"]) {
    const command = tasks[name]?.command ?? "";
    const granted = /--allow-env=(\S+)/.exec(command)?.[1]?.split(",") ?? [];
    const needed = ENVIRONMENT.filter((variable) => /^(HF|AMD|HSA)_|_VISIBLE_DEVICES$/.test(variable));
    ok(needed.length >= 11);
    deepEqual(needed.filter((variable) => !granted.includes(variable)), [], name);
    match(command, /--allow-net --/);
  }
});
