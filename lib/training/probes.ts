/**
 * What a merged model says, recorded while PyTorch held it, so that its conversion can be held against it without torch:
 * `merge_probes.json` beside the model.
 */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { ChatMessage } from "../records.ts";

export const Probes = z.object({
  /** Token ids, and the one that the model puts next, at places where it is sure. */
  next: z.array(z.object({ tokens: z.array(z.int()), next: z.int() })),
  /** Conversations as transformers renders them before an answer. */
  rendered: z.array(z.object({ messages: z.array(ChatMessage), text: z.string() })),
});
export type Probes = z.output<typeof Probes>;

/** The file's name. */
export const PROBES_FILE = "merge_probes.json";

/** @throws {UserError} a file of that name in another form. */
export async function readProbes(folder: string): Promise<Probes | undefined> {
  const path = join(folder, PROBES_FILE);
  if (!await Deno.stat(path).then(() => true, () => false)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  const probes = Probes.safeParse(value);
  if (!probes.success) throw new UserError(`Cannot read "${path}": it holds no probes`, { exitCode: 2 });
  return probes.data;
}
