import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type { z } from "zod";
import { UsageError } from "./errors.ts";
import { readTextFile } from "./files.ts";

/** The 1-based line of a character offset. */
function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/**
 * Reads a preset: JSON with comments and trailing commas, checked against `schema`.
 *
 * @throws {UsageError} every fault at once, each with `file:line`, keys that stand there twice too; {UserError} where the
 * file cannot be read.
 */
export async function readJsonc<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return parseJsonc(await readTextFile(path), path, schema);
}

/** As {@linkcode readJsonc}, on text that is already here; `path` is for the messages. */
export function parseJsonc<T>(text: string, path: string, schema: z.ZodType<T>): T {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
  if (errors.length > 0 || !tree) {
    throw new UsageError(
      tree || text.trim() !== ""
        ? errors.map((e) => `Cannot read "${path}:${lineAt(text, e.offset)}": ${spoken(printParseErrorCode(e.error))}`)
        : `Cannot read "${path}": the file is empty`,
    );
  }
  const repeated = repeatedKeys(tree).map(({ name, offset }) =>
    `Cannot read "${path}:${lineAt(text, offset)}": "${name}" stands here for the second time`
  );
  if (repeated.length > 0) throw new UsageError(repeated);
  const result = schema.safeParse(getNodeValue(tree));
  if (result.success) return result.data;
  throw new UsageError(result.error.issues.map((issue) => {
    const where = issue.path.map((key) => typeof key === "symbol" ? String(key) : key);
    // The nearest node that exists: a missing key is reported at its parent.
    let node = undefined;
    for (let depth = where.length; !node && depth >= 0; depth--) node = findNodeAtLocation(tree, where.slice(0, depth));
    const at = where.length > 0 ? `"${where.join(".")}": ` : "";
    return `Cannot read "${path}:${lineAt(text, node?.offset ?? 0)}": ${at}${issue.message}`;
  }));
}

/** Keys that an object has twice: of their values JSON would keep the last one, and drop the others without a word. */
function repeatedKeys({ type, children = [] }: Node): { name: string; offset: number }[] {
  const seen = new Set<unknown>();
  const here = (type === "object" ? children : []).flatMap(({ children: [key] = [] }) => {
    if (!key || !seen.has(key.value)) {
      seen.add(key?.value);
      return [];
    }
    return [{ name: String(key.value), offset: key.offset }];
  });
  return [...here, ...children.flatMap(repeatedKeys)];
}

/** `ValueExpected` → `value expected`. */
function spoken(code: string): string {
  return code.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}
