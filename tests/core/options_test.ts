import { deepEqual, equal, match, throws } from "node:assert/strict";
import { z } from "zod";
import { UsageError } from "@/core/errors.ts";
import { stepHelp } from "@/core/help.ts";
import { flagsOf, parseOptions } from "@/core/options.ts";
import { defineStep } from "@/core/step.ts";

const options = z.object({
  input: z.string().optional().describe("Where to read"),
  chunkSize: z.int().min(1).max(4096).default(1024).describe("Size of a chunk"),
  trainRatio: z.number().gt(0).lt(1).default(0.9).describe("Share of training rows"),
  unit: z.enum(["chars", "words"]).default("chars").describe("What a size counts"),
  ids: z.array(z.int().min(1)).default([]).describe("Books"),
  mirror: z.array(z.string()).default([]).describe("Mirrors"),
  split: z.boolean().default(true).describe("Split the result"),
  learningRate: z.union([z.number(), z.literal("auto")]).optional().describe("Learning rate"),
});

function faultsOf(...args: string[]): readonly string[] {
  try {
    parseOptions(options, args);
  } catch (error) {
    if (error instanceof UsageError) return error.faults;
    throw error;
  }
  return [];
}

Deno.test("parseOptions fills in defaults where no flag is given", () => {
  deepEqual(parseOptions(options, []), {
    chunkSize: 1024,
    trainRatio: 0.9,
    unit: "chars",
    ids: [],
    mirror: [],
    split: true,
  });
});

Deno.test("parseOptions reads kebab-case, underscores, =, lists and negations", () => {
  const parsed = parseOptions(options, [
    "--chunk_size=800",
    "--train-ratio",
    "0.5",
    "--ids",
    "35,36",
    "--ids=61",
    "--mirror",
    "file:a_b",
    "--no-split",
  ]);
  deepEqual([parsed.chunkSize, parsed.trainRatio, parsed.ids, parsed.mirror, parsed.split], [
    800,
    0.5,
    [35, 36, 61],
    ["file:a_b"],
    false,
  ]);
});

Deno.test("parseOptions reports every fault at once with flag, value and what is valid", () => {
  const faults = faultsOf(
    "--chunk-size",
    "0",
    "--unit",
    "lines",
    "--train-ratio",
    "much",
    "--ids",
    "1,x",
    "--chunksize",
    "3",
  );
  equal(faults.length, 5);
  match(faults.join("\n"), /--chunk-size 0: valid is a whole number from 1 to 4096/);
  match(faults.join("\n"), /--unit "lines": valid is one of chars, words/);
  match(faults.join("\n"), /--train-ratio "much": valid is a number/);
  match(faults.join("\n"), /--ids "x"/);
  match(faults.join("\n"), /Unknown flag --chunksize: did you mean --chunk-size\?/);
});

Deno.test("parseOptions refuses a flag without its value and a stray word", () => {
  match(faultsOf("--input").join(), /--input without a value/);
  match(faultsOf("books.jsonl").join(), /Cannot use "books.jsonl"/);
});

Deno.test("parseOptions takes a negative number for a value and says what is valid", () => {
  deepEqual(faultsOf("--chunk-size", "-2"), ["Cannot use --chunk-size -2: valid is a whole number from 1 to 4096"]);
});

Deno.test("parseOptions says between what limits the entries of a list lie", () => {
  const schema = z.object({ ids: z.array(z.int().min(1).max(99)).default([]) });
  throws(() => parseOptions(schema, ["--ids", "0"]), /--ids \[0\]: valid is whole numbers from 1 to 99 separated/);
});

Deno.test("parseOptions refuses a fraction where a whole number is needed", () => {
  match(faultsOf("--chunk-size", "10.5").join(), /--chunk-size 10.5: valid is a whole number from 1 to 4096/);
});

Deno.test("flagsOf throws for a type that no flag can express", () => {
  throws(() => flagsOf(z.object({ nested: z.object({ a: z.string() }) })), /"nested" has a type/);
});

Deno.test("stepHelp shows every flag with its default and its description", () => {
  const step = defineStep({
    name: "demo",
    summary: "Does things",
    options,
    files: () => ({ reads: [], writes: [] }),
    run: () => Promise.resolve(),
  });
  const help = stepHelp(step);
  for (const flag of flagsOf(options)) match(help, new RegExp(`--(no-)?${flag.name}`));
  match(help, /--chunk-size n +Size of a chunk \(a whole number from 1 to 4096\) \[1024\]/);
  match(help, /--no-split +without: Split the result/);
});

Deno.test("parseOptions takes an option as a word of its own where the step names it, and no second one", () => {
  const schema = z.object({ side: z.enum(["base", "tuned"]), port: z.int().default(8000) });
  equal(parseOptions(schema, ["tuned", "--port", "8002"], "side").side, "tuned");
  equal(parseOptions(schema, ["--side", "base"], "side").side, "base");
  throws(
    () => parseOptions(schema, ["tuned", "base"], "side"),
    /Cannot use "base": this task takes one word, and flags/,
  );
  throws(() => parseOptions(schema, ["tuned"]), /this task takes flags only/);
  throws(() => parseOptions(schema, ["both"], "side"), /Cannot use --side "both": valid is one of base, tuned/);
});

Deno.test("parseOptions takes a list as words of its own, behind its name or not", () => {
  const schema = z.object({ compare: z.array(z.string()).optional(), overwrite: z.boolean().default(false) });
  deepEqual(parseOptions(schema, ["compare", "a", "b", "--overwrite"], "compare").compare, ["a", "b"]);
  deepEqual(parseOptions(schema, ["a", "b"], "compare").compare, ["a", "b"]);
  deepEqual(parseOptions(schema, ["--compare", "a,b"], "compare").compare, ["a", "b"]);
  equal(parseOptions(schema, [], "compare").compare, undefined);
});
