/**
 * Command line arguments to an object: `parseArgs` of `@std/cli/parse-args`.
 *
 * Written out because no npm package does the same: minimist, from which the original descends, negates every `--no-`
 * flag, collects every repeated one, and treats values after booleans and short groups differently.
 *
 * @module
 */

import { flagNames } from "./_names.ts";
import { hasNested, setNested } from "./_nested.ts";
import { type Flag, scan } from "./_scan.ts";
import type { AliasMap, BooleanNames, DefaultKeys, Flags, Flat, Names } from "./_types.ts";

/** What {@linkcode parseArgs} returns: the flags, the positional arguments, and with `"--": true` those after `--`. */
export type Args<
  // deno-lint-ignore no-explicit-any
  TArgs extends Record<string, unknown> = Record<string, any>,
  TDoubleDash extends boolean | undefined = undefined,
> = Flat<
  & TArgs
  & {
    /** The arguments that belong to no flag. */
    _: Array<string | number>;
  }
  & (boolean extends TDoubleDash ? { "--"?: Array<string> }
    : true extends TDoubleDash ? { "--": Array<string> }
    : Record<never, never>)
>;

/** Options of {@linkcode parseArgs}. Names may be dotted: `"a.b"` stands for `{ a: { b } }`. */
export interface ParseOptions<
  TBooleans extends BooleanNames = BooleanNames,
  TStrings extends Names = Names,
  TCollectable extends Names = Names,
  TNegatable extends Names = Names,
  TDefault extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  TAliases extends AliasMap | undefined = AliasMap | undefined,
  TDoubleDash extends boolean | undefined = boolean | undefined,
> {
  /**
   * Puts the arguments after `--` under the key `"--"`, not among those of `_`.
   *
   * @default {false}
   */
  "--"?: TDoubleDash;

  /**
   * Other names of a flag: `{ help: "h", output: ["o", "out"] }`. The result holds the value under each.
   *
   * @default {{}}
   */
  alias?: TAliases;

  /**
   * Flags that take no value but `true` and `false`, and are `false` where not given. `true` makes every double-dash
   * flag without `=` such a one (but does not list it: it is absent where not given).
   *
   * @default {false}
   */
  boolean?: TBooleans | ReadonlyArray<Extract<TBooleans, string>>;

  /**
   * Values of flags that are not given, under plain or dotted names.
   *
   * @default {{}}
   */
  default?: TDefault & DefaultKeys<TBooleans, TStrings>;

  /**
   * Stops at the first argument that belongs to no flag: it and all after it go to `_` as they are.
   *
   * @default {false}
   */
  stopEarly?: boolean;

  /**
   * Flags whose values stay strings though they look like numbers; `""` where given without a value. The name `_`
   * stands for the arguments that belong to no flag.
   *
   * @default {[]}
   */
  string?: TStrings | ReadonlyArray<Extract<TStrings, string>>;

  /**
   * Flags that may be given many times and become a list. Of all others the last one holds.
   *
   * @default {[]}
   */
  collect?: TCollectable | ReadonlyArray<Extract<TCollectable, string>>;

  /**
   * Flags that `--no-NAME` sets to `false`.
   *
   * @default {[]}
   */
  negatable?: TNegatable | ReadonlyArray<Extract<TNegatable, string>>;

  /**
   * Called for each flag that no other option names, and for each argument that belongs to no flag (then without key
   * and value). Where it returns `false` the argument is left out.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * Reads flags (`--name`, `--name value`, `--name=value`, `-n`, `-n value`, `-nvalue`, `-abc`) and positional arguments.
 *
 * A flag without a value is `true`; a value that looks like a number becomes one unless `string` names the flag; all
 * after a bare `--` is positional. With `boolean`, `string` or `collect` the result type follows from the options,
 * without them every flag is `any`.
 *
 * @param args The arguments, as `Deno.args`.
 * @param options What is known of the flags.
 * @returns The flags by name, and the positional arguments in `_`.
 * @throws {TypeError} where a flag is used both as a value and as an object (`--a 1 --a.b 2`), or sets `_`.
 *
 * @example
 * ```ts
 * import { parseArgs } from "@std/cli/parse-args";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(parseArgs(["--depth=3", "--dry-run", "-o", "out.jsonl", "book.txt"], { boolean: ["dry-run"] }), {
 *   depth: 3,
 *   "dry-run": true,
 *   o: "out.jsonl",
 *   _: ["book.txt"],
 * });
 * ```
 *
 * @example Lists, negation, aliases and defaults
 * ```ts
 * import { parseArgs } from "@std/cli/parse-args";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const args = parseArgs(["-i", "035", "--ids", "36", "--no-cache"], {
 *   string: ["ids"],
 *   boolean: ["cache"],
 *   collect: ["ids"],
 *   negatable: ["cache"],
 *   alias: { ids: "i" },
 *   default: { cache: true, seed: 7 },
 * });
 *
 * deepStrictEqual(args, { ids: ["035", "36"], i: ["035", "36"], cache: false, seed: 7, _: [] });
 * ```
 */
export function parseArgs<
  TArgs extends Flags<TBooleans, TStrings, TCollectable, TNegatable, TDefaults, TAliases>,
  TDoubleDash extends boolean | undefined = undefined,
  TBooleans extends BooleanNames = undefined,
  TStrings extends Names = undefined,
  TCollectable extends Names = undefined,
  TNegatable extends Names = undefined,
  TDefaults extends Record<string, unknown> | undefined = undefined,
  TAliases extends AliasMap<TAliasArgNames, TAliasNames> | undefined = undefined,
  TAliasArgNames extends string = string,
  TAliasNames extends string = string,
>(
  args: readonly string[],
  options?: ParseOptions<TBooleans, TStrings, TCollectable, TNegatable, TDefaults, TAliases, TDoubleDash>,
): Args<TArgs, TDoubleDash> {
  // The type parameters describe the result only; the work is the same for all of them.
  return parse(args, (options ?? {}) as ParseOptions) as Args<TArgs, TDoubleDash>;
}

function parse(args: readonly string[], options: ParseOptions): Args {
  const { stopEarly = false, default: defaults = {}, unknown = () => true } = options;
  const names = flagNames(options);
  const result: Args = { _: [] };

  function set({ key, value, arg, negated }: Flag): void {
    const known = names.booleans.has(key) || names.strings.has(key) || names.collected.has(key) ||
      names.aliases.has(key) || names.allBoolean && arg.startsWith("--") && !arg.includes("=");
    if (!known && unknown(arg, key, value) === false) return;
    const collect = !negated && names.collected.has(key);
    const typed = typeof value === "string" && !names.strings.has(key) ? numberOr(value) : value;
    for (const name of [key, ...names.aliases.get(key) ?? []]) setNested(result, name, typed, collect);
  }

  function addPositionals(...added: ReadonlyArray<string | number>): void {
    if (!Array.isArray(result._)) throw new TypeError(`Cannot add positional arguments: "_" is set to "${result._}"`);
    result._.push(...added);
  }

  const end = args.indexOf("--");
  const before = end === -1 ? args : args.slice(0, end);
  const after = end === -1 ? [] : args.slice(end + 1);

  for (const token of scan(before, names)) {
    if ("flag" in token) {
      set(token.flag);
      continue;
    }
    const { positional, index } = token;
    if (unknown(positional) !== false) addPositionals(names.strings.has("_") ? positional : numberOr(positional));
    if (stopEarly) {
      addPositionals(...before.slice(index + 1));
      break;
    }
  }

  for (const [key, value] of Object.entries(defaults)) {
    if (hasNested(result, key)) continue;
    for (const name of [key, ...names.aliases.get(key) ?? []]) setNested(result, name, value);
  }
  for (const key of names.booleans) {
    if (!hasNested(result, key)) setNested(result, key, names.collected.has(key) ? [] : false);
  }
  for (const key of names.strings) {
    if (!hasNested(result, key) && names.collected.has(key)) setNested(result, key, []);
  }

  if (options["--"]) result["--"] = after;
  else addPositionals(...after);
  return result;
}

/** Decimal, hexadecimal, exponent and so on, as `Number` reads them; blank text is no number. */
function numberOr(text: string): string | number {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
}
