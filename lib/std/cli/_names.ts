import type { ParseOptions } from "./parse_args.ts";

/** What the options say about each flag name, aliases included. */
export interface FlagNames {
  /** Each name to its other names. */
  readonly aliases: ReadonlyMap<string, ReadonlySet<string>>;
  readonly booleans: ReadonlySet<string>;
  readonly strings: ReadonlySet<string>;
  readonly collected: ReadonlySet<string>;
  readonly negatable: ReadonlySet<string>;
  /** `boolean: true`: no double-dash flag takes the argument after it. */
  readonly allBoolean: boolean;
}

/**
 * Reads the options of `parseArgs` into one table.
 *
 * @throws {TypeError} where an alias has no value.
 */
export function flagNames({ alias, boolean, string, collect, negatable }: ParseOptions): FlagNames {
  const aliases = otherNames(alias ?? {});
  const named = (option: string | readonly string[] | boolean | undefined) => {
    const names = typeof option === "string" ? [option] : typeof option === "object" ? option : [];
    // An empty name stands for none, so that a list may be built with `condition ? "name" : ""`.
    return new Set(names.filter((name) => name !== "").flatMap((name) => [name, ...aliases.get(name) ?? []]));
  };
  return {
    aliases,
    booleans: named(boolean),
    strings: named(string),
    collected: named(collect),
    negatable: named(negatable),
    allBoolean: boolean === true,
  };
}

function otherNames(alias: NonNullable<ParseOptions["alias"]>): Map<string, Set<string>> {
  const others = new Map<string, Set<string>>();
  for (const [name, value] of Object.entries(alias)) {
    if (value === undefined) throw new TypeError("Alias value must be defined");
    const all = [name, ...(typeof value === "string" ? [value] : value)];
    for (const each of all) others.set(each, new Set(all.filter((other) => other !== each)));
  }
  return others;
}

/** Whether a flag, or any alias of it, is a boolean. */
export function isBoolean(key: string, { booleans, aliases }: FlagNames): boolean {
  return booleans.has(key) || [...aliases.get(key) ?? []].some((other) => booleans.has(other));
}
