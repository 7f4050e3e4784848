import { parseArgs } from "@std/cli/parse-args";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { UsageError } from "./errors.ts";

/** An option as the command line sees it. */
export interface Flag {
  /** Key in the zod object: `chunkSize`. */
  readonly key: string;
  /** Kebab-case name without dashes: `chunk-size`. */
  readonly name: string;
  readonly kind: "boolean" | "integer" | "number" | "string" | "list";
  /** What an entry of a list is. */
  readonly items?: "integer" | "number" | "string";
  readonly choices?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** The limits themselves are not valid. */
  readonly exclusive?: boolean;
  readonly default?: unknown;
  readonly required: boolean;
  readonly description: string;
}

/** The part of JSON Schema that options use. */
interface Property {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Property[];
  items?: Property;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

/**
 * The flags of a zod object, in the order in which it names them.
 *
 * @throws {Error} for a schema that a flag cannot express: a fault of the step, not of its user.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { z } from "zod";
 * import { flagsOf } from "@/core/options.ts";
 *
 * const [flag] = flagsOf(z.object({ chunkSize: z.int().min(1).default(1024).describe("Size of a chunk") }));
 * equal(flag?.name, "chunk-size");
 * equal(flag?.default, 1024);
 * ```
 */
export function flagsOf(options: z.ZodObject): Flag[] {
  const schema = z.toJSONSchema(options, { io: "input", unrepresentable: "any" });
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([key, value]) =>
    toFlag(key, value as Property, required.has(key))
  );
}

function toFlag(key: string, property: Property, required: boolean): Flag {
  // `z.union([z.number(), z.literal("auto")])`: on the command line all is text, zod sorts it out.
  const kind = property.anyOf || property.enum || Array.isArray(property.type) ? "string" : property.type;
  if (kind !== "boolean" && kind !== "integer" && kind !== "number" && kind !== "string" && kind !== "array") {
    throw new Error(`option "${key}" has a type that a flag cannot express: ${JSON.stringify(property)}`);
  }
  const items = property.items?.type as string | undefined;
  const choices = property.enum ?? property.items?.enum;
  // zod states the safe-integer range of z.int(); nobody wants to read it.
  const bounded = (limit: number | undefined) =>
    limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER ? limit : undefined;
  const limits = property.items ?? property;
  const minimum = bounded(limits.minimum) ?? limits.exclusiveMinimum;
  const maximum = bounded(limits.maximum) ?? limits.exclusiveMaximum;
  return {
    key,
    // `use4bit` → `use-4bit`.
    name: key.replace(/[A-Z]|(?<=[a-z])\d/g, (sign) => `-${sign.toLowerCase()}`),
    kind: kind === "array" ? "list" : kind,
    ...(items === "integer" || items === "number" ? { items } : items ? { items: "string" } : {}),
    ...(choices ? { choices: choices.map(String) } : {}),
    ...(minimum !== undefined ? { minimum } : {}),
    ...(maximum !== undefined ? { maximum } : {}),
    ...(limits.exclusiveMinimum !== undefined || limits.exclusiveMaximum !== undefined ? { exclusive: true } : {}),
    ...(property.default !== undefined ? { default: property.default } : {}),
    required,
    description: property.description ?? "",
  };
}

/** What a flag takes, in words: `a whole number from 1 to 64`. */
export function validValues(flag: Flag): string {
  if (flag.choices) return `${flag.kind === "list" ? "any" : "one"} of ${flag.choices.join(", ")}`;
  const { minimum, maximum, exclusive } = flag;
  const range = minimum !== undefined && maximum !== undefined
    ? exclusive ? ` between ${minimum} and ${maximum}` : ` from ${minimum} to ${maximum}`
    : minimum !== undefined
    ? exclusive ? ` above ${minimum}` : ` of ${minimum} or more`
    : maximum !== undefined
    ? exclusive ? ` below ${maximum}` : ` of at most ${maximum}`
    : "";
  switch (flag.kind) {
    case "boolean":
      return `no value: --${flag.name} or --no-${flag.name}`;
    case "integer":
      return `a whole number${range}`;
    case "number":
      return `a number${range}`;
    case "list":
      return `${flag.items === "string" ? "values" : flag.items === "integer" ? "whole numbers" : "numbers"}${range} ` +
        "separated by commas, or the flag repeated";
    case "string":
      return "a value";
  }
}

/** Raw flag values by option key, as the command line gave them; options that were not named are absent. */
export interface RawFlags {
  values: Record<string, unknown>;
  positional: string[];
  faults: string[];
}

/**
 * Reads the command line against a list of flags. Underscored spellings (`--base_model`) are the same flag; a boolean
 * has its `--no-` form; lists are repeated or separated by commas.
 */
export function readFlags(flags: readonly Flag[], args: readonly string[]): RawFlags {
  const names = (kind: "boolean" | "list") => flags.filter((flag) => flag.kind === kind).map((flag) => flag.name);
  const booleans = [...names("boolean"), "help"];
  const faults: string[] = [];
  const known = new Set([...flags.flatMap((flag) => [flag.name, `no-${flag.name}`]), "help"]);
  const words = joinNegatives(flags, args.map(dashed));
  const parsed = parseArgs(words, {
    boolean: booleans,
    negatable: names("boolean"),
    string: [...flags.filter((flag) => flag.kind !== "boolean").map((flag) => flag.name), "_"],
    collect: names("list"),
    alias: { h: "help" },
    unknown: (arg, key) => {
      if (key === undefined || !arg.startsWith("-")) return true;
      faults.push(unknownFlag(key, known));
      return false;
    },
  }) as Record<string, unknown> & { _: (string | number)[] };
  const given = new Set(
    args.map(dashed).filter((arg) => arg.startsWith("--")).map((arg) => arg.slice(2).split("=")[0]),
  );
  const values: Record<string, unknown> = {};
  for (const flag of flags) {
    if (!given.has(flag.name) && !given.has(`no-${flag.name}`)) continue;
    const raw = parsed[flag.name];
    const fault = (value: unknown) =>
      faults.push(`Cannot use --${flag.name} ${JSON.stringify(value)}: valid is ${validValues(flag)}`);
    if (flag.kind === "list") {
      const entries = (Array.isArray(raw) ? raw : [raw]).flatMap((value) => String(value).split(","))
        .map((entry) => entry.trim()).filter((entry) => entry !== "");
      const numbers = entries.map(Number);
      const bad = flag.items === "string"
        ? undefined
        : entries.find((_, index) =>
          flag.items === "integer" ? !Number.isInteger(numbers[index]) : Number.isNaN(numbers[index])
        );
      if (entries.length === 0) faults.push(`Cannot use --${flag.name} without a value: valid is ${validValues(flag)}`);
      else if (bad !== undefined) fault(bad);
      else values[flag.key] = flag.items === "string" ? entries : numbers;
    } else if (flag.kind === "boolean") values[flag.key] = raw;
    else if (raw === "" || raw === undefined) {
      faults.push(`Cannot use --${flag.name} without a value: valid is ${validValues(flag)}`);
    } else if (flag.kind === "string") values[flag.key] = raw;
    else if (Number.isNaN(Number(raw))) fault(raw);
    else values[flag.key] = Number(raw);
  }
  return { values, positional: parsed._.map(String), faults };
}

/** `--base_model=x` → `--base-model=x`; values stay as they are. */
function dashed(arg: string): string {
  return arg.replace(/^--[^=]+/, (name) => name.replaceAll("_", "-"));
}

/** `--seed -1` → `--seed=-1`: a value that begins with a dash is a number, not a flag. */
function joinNegatives(flags: readonly Flag[], words: readonly string[]): string[] {
  const takesValue = new Set(flags.filter((flag) => flag.kind !== "boolean").map((flag) => `--${flag.name}`));
  const joined: string[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    if (last !== undefined && takesValue.has(last) && /^-[\d.]/.test(word)) {
      joined[joined.length - 1] = `${last}=${word}`;
    } else joined.push(word);
  }
  return joined;
}

function unknownFlag(name: string, known: ReadonlySet<string>): string {
  return `Unknown flag --${name}: did you mean --${closest(name, [...known])}? (--help lists all)`;
}

/**
 * Options from the command line, parsed by their schema.
 *
 * @param word Key of an option that may be given as a word of its own; a list as several, behind its name or not.
 * @throws {UsageError} with every fault: the flag, its value, what would be valid.
 */
export function parseOptions<Options extends z.ZodObject>(
  options: Options,
  args: readonly string[],
  word?: string,
): z.output<Options> {
  const flags = flagsOf(options);
  const { values, positional, faults } = readFlags(flags, args);
  if (word !== undefined && values[word] === undefined && positional.length > 0) {
    const list = flags.find(({ key, kind }) => key === word && kind === "list");
    values[word] = list ? positional.splice(0).filter((one, at) => at > 0 || one !== list.name) : positional.shift();
  }
  const takes = word === undefined ? "flags only" : "one word, and flags";
  const stray = positional.map((other) => `Cannot use "${other}": this task takes ${takes} (--help lists them)`);
  return checkOptions(options, values, [...faults, ...stray]);
}

/**
 * Checks option values by their schema and answers all faults in terms of flags.
 *
 * @param earlier Faults found before; they are reported together with those found here.
 * @throws {UsageError} with every fault.
 */
export function checkOptions<Options extends z.ZodObject>(
  options: Options,
  values: Record<string, unknown>,
  earlier: readonly string[] = [],
): z.output<Options> {
  const result = options.safeParse(values);
  const faults = [...earlier];
  if (!result.success) {
    const flags = new Map(flagsOf(options).map((flag) => [flag.key, flag]));
    for (const issue of result.error.issues) {
      const flag = flags.get(String(issue.path[0]));
      const fault = !flag
        ? issue.message
        : values[flag.key] === undefined
        ? `Missing --${flag.name}: ${flag.description}`
        : issue.code === "custom"
        ? `Cannot use --${flag.name} ${JSON.stringify(values[flag.key])}: ${issue.message}`
        : `Cannot use --${flag.name} ${JSON.stringify(values[flag.key])}: valid is ${validValues(flag)}`;
      if (!faults.some((known) => known.startsWith(fault.split(":")[0] ?? fault))) faults.push(fault);
    }
  }
  if (faults.length > 0) throw new UsageError(faults);
  return (result as z.ZodSafeParseSuccess<z.output<Options>>).data;
}
