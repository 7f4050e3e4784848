/** The lines of the files that the page reads, taken as they are: other tools may have written them. */
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { explain } from "../core/jsonl.ts";
import type { Exchange } from "../dialogue/parse.ts";
import { ChatMessage } from "../records.ts";

/** A text, if it is one. */
export const words = z.string().optional().catch(undefined);
/** Where an example comes from, as far as it is told: in the row's metadata or in the file of sources. */
export const Source = z.looseObject({
  persona: words,
  chunk_id: words,
  source_title: words,
  themes: z.array(z.string()).optional().catch(undefined),
});
export type Source = z.infer<typeof Source>;

export const DatasetRow = z.looseObject({ messages: z.array(ChatMessage).min(1), metadata: Source.optional() });
export const RejectRow = z.looseObject({
  reason: z.string(),
  id: z.string(),
  detail: words,
  row: z.unknown().optional(),
});
const Said = z.object({ user: z.string(), assistant: z.string() });

/** The last question and the last answer of a conversation. */
export function exchangeOf(messages: readonly ChatMessage[]): Exchange | undefined {
  const last = (role: string) => messages.findLast((message) => message.role === role)?.content;
  const user = last("user"), assistant = last("assistant");
  return user === undefined || assistant === undefined ? undefined : { user, assistant };
}

/** The exchange that was left out, where the model's words amounted to one. */
export function rejectedExchange(row: unknown): Exchange | undefined {
  const said = Said.safeParse(row);
  return said.success ? said.data : undefined;
}

/** JSON of a line by its schema. @throws {UserError} naming `file:line` and the cause. */
export function parseLine<T>(bytes: Uint8Array, schema: z.ZodType<T>, path: string, number?: number): T {
  const bad = (cause: string) =>
    new UserError(`Cannot read "${path}${number === undefined ? "" : `:${number}`}": ${cause}`, { exitCode: 2 });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw bad("the line is not JSON");
  }
  const row = schema.safeParse(value);
  if (!row.success) throw bad(explain(row.error));
  return row.data;
}
