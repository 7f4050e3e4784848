/** Passages that lie in no file of passages: those of scripts, speeches and chess books, and gaps. */
import { UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { presetPath } from "../core/paths.ts";
import type { Context } from "../core/step.ts";
import { parseThemes } from "../corpus/themes.ts";
import { readNote } from "../dialogue/ledger.ts";
import type { SourceChunk } from "../dialogue/source_kinds.ts";
import { RunNote } from "./generate_candidates.ts";
import { planSources, sourceChunks } from "./generate_plan.ts";
import { planOptions } from "./generate_plan_options.ts";

/**
 * Reads them as the run did whose ledger it is. What cannot be read is told and left out: the examples can be read
 * without their passages.
 */
export async function otherPassages(ledger: string, context: Context): Promise<ReadonlyMap<string, SourceChunk>> {
  const found = new Map<string, SourceChunk>();
  const note = readNote(ledger, "run");
  const run = note === undefined ? undefined : RunNote.safeParse(JSON.parse(note)).data;
  if (!run) return found;
  try {
    const plan = planOptions.parse({ ...run.plan, input: run.input });
    const path = plan.themes ?? presetPath("deepred/themes.jsonc");
    const themes = parseThemes(await readTextFile(path), path);
    const quiet = { ...context, emit: () => {} }; // The run has told what it left out.
    for (const source of await planSources(plan, context.env)) {
      if (source.kind === "gutenberg") continue;
      for (const chunk of await sourceChunks(source, { seed: run.seed, themes, context: quiet })) {
        found.set(chunk.id, chunk);
      }
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    context.emit({ type: "log", level: "warn", message: `some passages are not shown: ${error.message}` });
  }
  return found;
}
