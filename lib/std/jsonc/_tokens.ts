/** A piece of the text that is neither blank nor comment. */
export interface Token {
  readonly kind: "punctuation" | "string" | "literal";
  readonly text: string;
  /** Where it begins, in UTF-16 units from 0. */
  readonly position: number;
}

const BLANK_OR_COMMENT = /[ \t\r\n]+|\/\/[^\r\n]*|\/\*[^]*?\*\//y;
const LITERAL = /[^[\]{}:,/ \t\r\n]*/y;

/**
 * Splits JSON with comments into tokens, one at a time, so that the first fault in the text is the one that is told.
 *
 * A literal is whatever stands between punctuation, and a string without end reaches to the end of the text: whether
 * they are valid the parser decides.
 *
 * @throws {SyntaxError} where a block comment has no end.
 */
export function* tokens(source: string): Generator<Token, void> {
  let position = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = position;
    return pattern.exec(source)?.[0] ?? "";
  };
  for (let text; position < source.length; position += text.length) {
    text = match(BLANK_OR_COMMENT);
    if (text !== "") continue;
    if (source.startsWith("/*", position)) throw endOfInput();
    const first = source.charAt(position);
    if ("[]{}:,".includes(first)) yield { kind: "punctuation", text: text = first, position };
    else if (first === '"') yield { kind: "string", text: text = stringAt(source, position), position };
    else yield { kind: "literal", text: text = match(LITERAL), position };
  }
}

/** From the opening quote to the closing one; a backslash takes the next character with it. */
function stringAt(source: string, start: number): string {
  let end = start + 1;
  while (end < source.length && source[end] !== '"') end += source[end] === "\\" ? 2 : 1;
  return source.slice(start, end + 1);
}

export function endOfInput(): SyntaxError {
  return new SyntaxError("Cannot parse JSONC: unexpected end of JSONC input");
}

/** Tells the first 30 characters of the token. */
export function unexpected({ text, position }: Token): SyntaxError {
  const shown = text.length > 30 ? `${text.slice(0, 30)}...` : text;
  return new SyntaxError(`Cannot parse JSONC: unexpected token "${shown}" in JSONC at position ${position}`);
}
