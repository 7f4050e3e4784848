/**
 * The syntax of a theme pattern: the regular core of regular expressions, read into a tree. What cannot be matched in
 * one pass over the text (back references, lookaround) is refused by name.
 */
import {
  type CharSet,
  charSet,
  charsOf,
  digitChars,
  ignoreCase,
  negate,
  propertyChars,
  spaceChars,
  union,
  wordChars,
} from "./matcher_chars.ts";

/** A pattern as a tree. */
export type PatternNode =
  | { type: "chars"; set: CharSet }
  | { type: "sequence"; parts: readonly PatternNode[] }
  | { type: "choice"; options: readonly PatternNode[] }
  /** `max` is Infinity for * and +. */
  | { type: "repeat"; body: PatternNode; min: number; max: number; source: string };

/** What is wrong with a pattern, in words that follow `Cannot use the pattern "…": `. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** In one place, for error messages, help and README. */
export const PATTERN_SYNTAX =
  "letters, . [classes] (groups) | ? * + {m,n}, the escapes \\w \\d \\s \\W \\D \\S \\p{…} " +
  "\\t \\n \\uXXXX and \\ before a sign";

/** Largest count in {m,n}: a theme pattern describes a phrase, and every repetition is built out. */
const MOST = 255;
/** Longest pattern in characters; several short ones are as fast and tell more in the statistics. */
const LONGEST = 2000;
/** Deepest nesting of groups; more is no pattern but an attack on the stack. */
const DEEPEST = 50;

const HYPHENS = charsOf("-\u2010\u2011"); // As typed, as typeset, and as typeset where no line may break.
const APOSTROPHES = charsOf("'\u2019");
const LINE_ENDS = charsOf("\n\r\u2028\u2029");

/**
 * Reads a pattern.
 *
 * - Letters match in upper and lower case, by Unicode's simple case folding.
 * - A space, also in a class, stands for any run of white space: `five year plan` is found across a line break.
 * - `-` also matches U+2010 and U+2011, `'` also the typographic apostrophe.
 * - `\w` is a letter, mark, digit or underscore of any script, `\d` a decimal digit of any script.
 * - `\b` may stand at either end, where a word border is implied anyway.
 *
 * @throws {PatternError} not in this syntax.
 */
export function parsePattern(source: string): PatternNode {
  const chars = Array.from(source);
  if (chars.length > LONGEST) throw new PatternError(`it is longer than ${LONGEST} characters; make several of it`);
  let at = 0;
  let depth = 0;
  const peek = (text: string) => text === chars.slice(at, at + text.length).join("");
  const take = (text: string) => {
    if (!peek(text)) return false;
    at += text.length;
    return true;
  };
  const rest = () => chars.slice(at).join("");

  function choice(): PatternNode {
    const options = [sequence()];
    while (take("|")) options.push(sequence());
    return options.length === 1 && options[0] ? options[0] : { type: "choice", options };
  }

  function sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (at < chars.length && !peek("|") && !peek(")")) {
      if (take("\\b")) {
        const outer = depth === 0 && (parts.length === 0 || at === chars.length || peek("|"));
        if (!outer) throw new PatternError("\\b inside a pattern is not supported; both ends are word borders anyway");
        continue;
      }
      const start = at;
      parts.push(repeats(atom(), start));
    }
    return parts.length === 1 && parts[0] ? parts[0] : { type: "sequence", parts };
  }

  function atom(): PatternNode {
    const char = chars[at++] ?? "";
    switch (char) {
      case "(":
        return group();
      case "[":
        return charClass();
      case ".":
        return { type: "chars", set: negate(LINE_ENDS) };
      case "\\":
        return { type: "chars", set: escape() };
      case "?":
      case "*":
      case "+":
        throw new PatternError(`"${char}" has nothing before it to repeat`);
      case "{":
        throw new PatternError(`"{" has nothing before it to repeat; write \\{ for the sign`);
      case "^":
      case "$":
        throw new PatternError(`the anchor "${char}" is not supported: a pattern is looked for at every word`);
      case " ":
        return spaces();
      default:
        return { type: "chars", set: literal(char) };
    }
  }

  function group(): PatternNode {
    if (take("?") && !take(":")) {
      const kinds = [["<=", "lookbehind"], ["<!", "lookbehind"], ["=", "lookahead"], ["!", "lookahead"]] as const;
      const kind = kinds.find(([sign]) => peek(sign));
      throw new PatternError(
        kind
          ? `the ${kind[1]} "(?${kind[0]}" is not supported; there are ${PATTERN_SYNTAX}`
          : peek("<") || peek("P<")
          ? "a named group is not supported; write ( )"
          : `"(?${rest().slice(0, 2)}" is not supported; a group is ( ) or (?: ), and case is ignored anyway`,
      );
    }
    if (++depth > DEEPEST) throw new PatternError(`groups lie more than ${DEEPEST} deep in each other`);
    const inner = choice();
    depth--;
    if (!take(")")) throw new PatternError('a "(" is never closed');
    return inner;
  }

  function repeats(body: PatternNode, start: number): PatternNode {
    const bounds = counts();
    if (!bounds) return body;
    const [min, max] = bounds;
    const source = chars.slice(start, at).join("");
    if (peek("?") || peek("+")) {
      throw new PatternError(`"${source}${chars[at]}" is not supported: a match is always the longest one`);
    }
    if (peek("*") || /^\{\d*,?\d*\}/.test(rest())) {
      throw new PatternError(`"${source}" is repeated twice; put it into a group`);
    }
    return { type: "repeat", body, min, max, source };
  }

  function counts(): [number, number] | undefined {
    if (take("?")) return [0, 1];
    if (take("*")) return [0, Infinity];
    if (take("+")) return [1, Infinity];
    if (!peek("{")) return undefined;
    const braces = /^\{(\d+)(,?)(\d*)\}/.exec(rest());
    if (!braces) throw new PatternError('"{" must open a count such as {2}, {2,} or {2,5}; write \\{ for the sign');
    at += braces[0].length;
    const min = Number(braces[1]);
    const max = braces[3] ? Number(braces[3]) : braces[2] ? Infinity : min;
    if (max < min) throw new PatternError(`the count "${braces[0]}" runs backwards`);
    if (min > MOST || (max > MOST && max !== Infinity)) {
      throw new PatternError(`the count "${braces[0]}" is larger than ${MOST}`);
    }
    return [min, max];
  }

  function charClass(): PatternNode {
    const negated = take("^");
    const sets: CharSet[] = [];
    let space = false;
    while (!take("]")) {
      if (at >= chars.length) throw new PatternError('a "[" is never closed');
      if (peek("[:")) throw new PatternError('classes such as "[:alpha:]" are not supported; write \\p{L}');
      const start = at;
      const low = classItem();
      if (!peek("-") || chars[at + 1] === "]" || at + 1 >= chars.length) {
        space ||= low.set === undefined && low.char === " ";
        sets.push(low.set ?? literal(low.char));
        continue;
      }
      at++;
      const high = classItem();
      const written = chars.slice(start, at).join("");
      if (low.set || high.set) throw new PatternError(`"${written}" is no range: an end is a class itself`);
      const [from, to] = [low.char.codePointAt(0) ?? 0, high.char.codePointAt(0) ?? 0];
      if (from > to) throw new PatternError(`the range "${written}" runs backwards`);
      sets.push(ignoreCase(charSet([[from, to]])));
    }
    if (sets.length === 0) throw new PatternError("a class is empty");
    const set = union(...sets);
    if (negated) return { type: "chars", set: negate(set) };
    return space ? { type: "choice", options: [spaces(), { type: "chars", set }] } : { type: "chars", set };
  }

  function classItem(): { char: string; set?: CharSet } {
    const char = chars[at++] ?? "";
    if (char !== "\\") return { char };
    const next = chars[at] ?? "";
    if (next === "b") throw new PatternError("\\b inside a class is not supported");
    if (/[wWdDsSpP]/.test(next)) return { char, set: escape() };
    return { char: escapedChar() };
  }

  /** After a backslash: one of the classes, or a single character. */
  function escape(): CharSet {
    const name = chars[at] ?? "";
    const classes: Record<string, () => CharSet> = { w: wordChars, d: digitChars, s: spaceChars };
    const set = classes[name.toLowerCase()];
    if (set) {
      at++;
      return name === name.toLowerCase() ? set() : negate(set());
    }
    if (name === "p" || name === "P") {
      const property = /^[pP]\{([^}]*)\}/.exec(rest());
      const members = property?.[1] === undefined ? undefined : propertyChars(property[1]);
      if (!property || !members) {
        throw new PatternError(`"\\${property?.[0] ?? name}" is no Unicode property; write for instance \\p{L}`);
      }
      at += property[0].length;
      return name === "p" ? ignoreCase(members) : negate(ignoreCase(members));
    }
    return literal(escapedChar());
  }

  function escapedChar(): string {
    const code = /^(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2}))/i.exec(rest());
    if (code) {
      at += code[0].length;
      const point = parseInt(code[1] ?? code[2] ?? code[3] ?? "", 16);
      if (point > 0x10ffff) throw new PatternError(`"\\${code[0]}" is no character`);
      return String.fromCodePoint(point);
    }
    const char = chars[at++];
    if (char === undefined) throw new PatternError("it ends in a lone backslash");
    const control: Record<string, string> = { t: "\t", n: "\n", r: "\r", f: "\f", v: "\v" };
    if (control[char]) return control[char];
    if (/[1-9k]/.test(char)) {
      throw new PatternError(`the back reference "\\${char}" is not supported; there are ${PATTERN_SYNTAX}`);
    }
    if (/[\p{L}\p{N}]/u.test(char)) throw new PatternError(`the escape "\\${char}" is not supported`);
    return char;
  }

  const tree = choice();
  if (at < chars.length) throw new PatternError('a ")" has no "("');
  return tree;
}

function literal(char: string): CharSet {
  if (char === "-") return HYPHENS;
  if (char === "'" || char === "\u2019") return APOSTROPHES;
  if (char === " ") return spaceChars();
  return ignoreCase(charsOf(char));
}

function spaces(): PatternNode {
  return { type: "repeat", body: { type: "chars", set: spaceChars() }, min: 1, max: Infinity, source: " " };
}
