/** A run of the step generate in a folder of its own. */
import { join } from "node:path";
import type { Context } from "@/core/step.ts";
import { Example, ExampleSource } from "@/records.ts";
import { generate } from "@/steps/generate.ts";
import { fakeContext } from "./context.ts";

const THINGS = "harvest bridge furnace library orchard signal canal lamp archive workshop ferry kitchen".split(" ");

/** Writes passages on theme, as filter leaves them. */
export async function passages(folder: string, count = 6): Promise<string> {
  const rows = Array.from({ length: count }, (_, n) => {
    const [a, b, c] = [n, n + 5, n + 7].map((at) => THINGS[at % THINGS.length]);
    const theme = ["collectivism", "science", "strategy"][n % 3] ?? "";
    return {
      id: `book-${n}`,
      text:
        `The workers of district ${n} built the ${a} in common, and the plan for the ${b} was read to the ${c}. No comrade ` +
        `kept the ${a} for himself, because science had shown the people how a ${b} outlives its builder.`,
      source_id: 7,
      source_title: "Annals of the Red Canal",
      author: "A. Test",
      year: 1911,
      keyword_counts: { [theme]: 3, total: 3 },
    };
  });
  const path = join(folder, "filtered.jsonl");
  await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  return path;
}

/** What a test gets: its folder, and ways to run and to look. */
export interface Setting {
  folder: string;
  output: string;
  context: ReturnType<typeof fakeContext>;
  run(options?: object, context?: Context): ReturnType<typeof generate.run>;
  /** Text of a file of the run. */
  read(ending: string): Promise<string>;
  examples(ending?: string): Promise<Example[]>;
  sources(): Promise<ExampleSource[]>;
}

/** Runs a test with so many passages, and removes all afterwards. */
export async function withRun(test: (setting: Setting) => Promise<void>, count?: number): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const input = await passages(folder, count);
    const output = join(folder, "out", "set.jsonl");
    const context = fakeContext({ fetch });
    const read = (ending: string) => Deno.readTextFile(output.replace(".jsonl", ending));
    await test({
      folder,
      output,
      context,
      run: (options = {}, given = context) =>
        generate.run(generate.options.parse({ input, output, ...options }), given),
      read,
      examples: async (ending = ".jsonl") =>
        (await read(ending)).trimEnd().split("\n").map((line) => Example.strict().parse(JSON.parse(line))),
      sources: async () =>
        (await read("_sources.jsonl")).trimEnd().split("\n").map((line) => ExampleSource.parse(JSON.parse(line))),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
