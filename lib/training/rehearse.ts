/** The whole way out, before any GPU hour is spent: an untrained base through merging, GGUF, quantising and loading. */
import { join } from "node:path";
import { writeFileAtomic } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { type GgufRequest, makeGguf } from "./gguf.ts";
import type { GgufRecord } from "./gguf_record.ts";
import { mergeAdapter } from "./merge.ts";
import { findMergeBase } from "./merge_base.ts";
import { withPart } from "./part.ts";

/** The rehearsal's record: `<data-dir>/output/export-rehearsal.json`. */
export function rehearsalPath(root: string): string {
  return join(root, "output", "export-rehearsal.json");
}

/**
 * Merges a zero adapter into a base, which must leave it the same to the bit, then makes and verifies a GGUF of it as of
 * a trained model. Only the record is kept.
 *
 * @throws {UserError} whatever would have gone wrong after training.
 */
export async function rehearseExport(
  { baseModel, root, request }: { baseModel: string; root: string; request: Omit<GgufRequest, "model"> },
  context: Context,
): Promise<GgufRecord> {
  const base = await findMergeBase(baseModel, root, context);
  const path = rehearsalPath(root);
  const record = await withPart(path, { overwrite: true }, context, async ({ folder }) => {
    const model = join(folder, "merged");
    const prompts = request.verify?.questions ?? [];
    const device = "auto" as const;
    await mergeAdapter({ base, adapter: undefined, prompts, output: model, overwrite: false, device }, context);
    return await makeGguf({ ...request, model, output: join(folder, "rehearsal.gguf"), keepF16: false }, context);
  });
  await writeFileAtomic(path, JSON.stringify(record, null, 2) + "\n");
  context.emit({ type: "artifact", path, title: "Export rehearsal" });
  return record;
}
