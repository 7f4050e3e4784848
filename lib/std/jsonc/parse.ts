/**
 * JSON with comments and trailing commas: `parse` of `@std/jsonc/parse`.
 *
 * Written out because the behaviour is not that of `jsonc-parser`, which repairs what it can, tells faults as a list of
 * codes without the token, and sets `__proto__` by assignment.
 *
 * @module
 */

import { endOfInput, type Token, tokens, unexpected } from "./_tokens.ts";

/** Any value that JSON can hold. */
export type JsonValue = { [key: string]: JsonValue | undefined } | JsonValue[] | string | number | boolean | null;

/**
 * Parses JSON that may hold comments (to the end of the line, and in blocks) and a comma after the last item. All else is as
 * `JSON.parse` does it: the last of equal keys holds, and `__proto__` is a key like any other.
 *
 * @throws {SyntaxError} with the first token that does not belong, and its position in UTF-16 units from 0.
 *
 * @example
 * ```ts
 * import { parse } from "@std/jsonc";
 * import { deepStrictEqual, throws } from "node:assert/strict";
 *
 * deepStrictEqual(parse('{ "themes": ["utopia", "chess",], } // two'), { themes: ["utopia", "chess"] });
 * throws(() => parse("[1 2]"), {
 *   name: "SyntaxError",
 *   message: 'Cannot parse JSONC: unexpected token "2" in JSONC at position 3',
 * });
 * ```
 */
export function parse(text: string): JsonValue {
  // As JSON.parse, this is a function and no constructor.
  if (new.target) throw new TypeError("Cannot create an instance: parse is not a constructor");
  const source = tokens(`${text}`);
  const next = (): Token => {
    const { done, value } = source.next();
    if (done) throw endOfInput();
    return value;
  };
  const value = readValue(next(), next);
  const { done, value: extra } = source.next();
  if (!done) throw unexpected(extra);
  return value;
}

type Next = () => Token;

function readValue(token: Token, next: Next): JsonValue {
  if (token.kind === "string") return readString(token);
  if (token.kind === "literal") return readLiteral(token);
  if (token.text === "{") return readObject(next);
  if (token.text === "[") return readArray(next);
  throw unexpected(token);
}

function readObject(next: Next): JsonValue {
  const object: { [key: string]: JsonValue } = {};
  for (let token = next(); !isMark(token, "}"); token = afterItem(next, "}")) {
    if (token.kind !== "string") throw unexpected(token);
    const key = readString(token);
    const colon = next();
    if (!isMark(colon, ":")) throw unexpected(colon);
    // Defined, not assigned: assigning to "__proto__" would change the prototype.
    const value = readValue(next(), next);
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

function readArray(next: Next): JsonValue {
  const array: JsonValue[] = [];
  for (let token = next(); !isMark(token, "]"); token = afterItem(next, "]")) array.push(readValue(token, next));
  return array;
}

/** The token after an item and its comma, or the closing bracket. */
function afterItem(next: Next, close: "}" | "]"): Token {
  const token = next();
  if (isMark(token, close)) return token;
  if (!isMark(token, ",")) throw unexpected(token);
  return next();
}

function isMark(token: Token, mark: string): boolean {
  return token.kind === "punctuation" && token.text === mark;
}

function readString(token: Token): string {
  try {
    return JSON.parse(token.text);
  } catch {
    throw unexpected(token);
  }
}

/** Numbers as RFC 8259 writes them; no `+1`, `01`, `.5`, `NaN`. */
function readLiteral(token: Token): null | boolean | number {
  if (token.text === "null") return null;
  if (token.text === "true" || token.text === "false") return token.text === "true";
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(token.text)) return Number(token.text);
  throw unexpected(token);
}
