import type { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";

/**
 * A record that lies beside a model; undefined where there is none.
 *
 * @param fault What a file in another form is: `it is no record of a merge`.
 * @throws {UserError} a file in another form, or one that cannot be read.
 */
export async function readRecord<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  fault: string,
): Promise<z.output<Schema> | undefined> {
  if (!await Deno.stat(path).then(() => true, () => false)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  const record = schema.safeParse(value);
  if (!record.success) throw new UserError(`Cannot read "${path}": ${fault}`, { exitCode: 2 });
  return record.data;
}
