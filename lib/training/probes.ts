/**
 * What a merged model says, recorded while PyTorch held it, so that its conversion can be held against it without torch:
 * `merge_probes.json` beside the model.
 */
import { join } from "node:path";
import { z } from "zod";
import { ChatMessage } from "../records.ts";
import { readRecord } from "./record_file.ts";

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
export function readProbes(folder: string): Promise<Probes | undefined> {
  return readRecord(join(folder, PROBES_FILE), Probes, "it holds no probes");
}
