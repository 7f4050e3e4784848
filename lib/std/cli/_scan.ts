import { type FlagNames, isBoolean } from "./_names.ts";

/** One flag of one argument; `-abc` holds three. */
export interface Flag {
  readonly key: string;
  readonly value: string | boolean;
  /** The argument it was written in. */
  readonly arg: string;
  /** Written `--no-key`. */
  readonly negated?: true;
}

/** Flags as they are written, and where the arguments between them stand. */
export type Token = { readonly flag: Flag } | { readonly positional: string; readonly index: number };

interface Found {
  readonly flags: readonly Flag[];
  /** The argument after this one was taken as a value. */
  readonly usedNext: boolean;
}

/** Splits arguments into flags and positionals, in the order they stand. */
export function* scan(args: readonly string[], names: FlagNames): Generator<Token> {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (!arg.startsWith("-") || arg === "-") {
      yield { positional: arg, index };
      continue;
    }
    const read = arg.startsWith("--") ? longFlag : shortFlags;
    const { flags, usedNext } = read(arg, args[index + 1], names);
    for (const flag of flags) yield { flag };
    if (usedNext) index++;
  }
}

/** `--key`, `--key value`, `--key=value`, `--no-key`. */
function longFlag(arg: string, next: string | undefined, names: FlagNames): Found {
  const body = arg.slice(2);
  const negated = body.startsWith("no-") && body !== "no-";
  const text = negated ? body.slice(3) : body;
  // A key has at least one character, so `--=x` names the flag "=x".
  const equals = text.indexOf("=", 1);
  if (equals !== -1) {
    const key = text.slice(0, equals);
    const value = text.slice(equals + 1);
    return one({ key, value: names.booleans.has(key) ? value !== "false" : value, arg });
  }
  if (negated && names.negatable.has(text)) return one({ key: text, value: false, arg, negated });
  const takesNext = !names.allBoolean && !isBoolean(body, names) && !next?.startsWith("-");
  return lastFlag(body, arg, next, takesNext, names);
}

/** `-k`, `-k value`, `-kvalue`, `-k=value` and groups of letters: `-abk value`. */
function shortFlags(arg: string, next: string | undefined, names: FlagNames): Found {
  const flags: Flag[] = [];
  for (let at = 1; at < arg.length - 1; at++) {
    const key = arg.charAt(at);
    const rest = arg.slice(at + 1);
    const value = rest === "-" ? rest : attachedValue(key, rest);
    flags.push({ key, value: value ?? bareValue(key, names), arg });
    if (value !== undefined) return { flags, usedNext: false };
  }
  const key = arg.slice(-1);
  const takesNext = !isBoolean(key, names) && !/^--?[^-]/.test(next ?? "");
  const last = lastFlag(key, arg, next, takesNext, names);
  return { flags: [...flags, ...last.flags], usedNext: last.usedNext };
}

/** What follows a letter, where that is its value and not more letters. */
function attachedValue(letter: string, rest: string): string | undefined {
  if (rest === "=") return "";
  if (/[a-z]/i.test(letter)) {
    const assigned = /=(.+)/.exec(rest)?.[1];
    if (assigned !== undefined) return assigned;
    if (/\d\.?$/.test(rest)) return rest; // -n123, -n1.5, -n-3
  }
  return rest.length > 1 && /^\W/.test(rest) ? rest : undefined; // -I/usr/include
}

/** A flag without `=`: it may take the next argument; a boolean takes only `true` and `false`. */
function lastFlag(key: string, arg: string, next: string | undefined, takesNext: boolean, names: FlagNames): Found {
  if (next) {
    if (takesNext) return { flags: [{ key, value: next, arg }], usedNext: true };
    if (next === "true" || next === "false") return { flags: [{ key, value: next === "true", arg }], usedNext: true };
  }
  return one({ key, value: bareValue(key, names), arg });
}

function bareValue(key: string, { strings }: FlagNames): string | boolean {
  return strings.has(key) ? "" : true;
}

function one(flag: Flag): Found {
  return { flags: [flag], usedNext: false };
}
