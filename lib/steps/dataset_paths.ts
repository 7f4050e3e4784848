// Apart from the options of generate, of which the steps that only read a dataset need nothing: --help would wait for them.
import { beside } from "../core/paths.ts";
import { verdictsPath } from "../dialogue/verdicts.ts";

/** The files of a dataset, named after it. */
export function datasetPaths(output: string) {
  return {
    output,
    sources: beside(output, "_sources.jsonl"),
    rejects: beside(output, "_rejects.jsonl"),
    stats: beside(output, "_stats.json"),
    card: beside(output, "_card.md"),
    verdicts: verdictsPath(output),
    train: beside(output, "_train.jsonl"),
    val: beside(output, "_val.jsonl"),
    splitRejects: beside(output, "_split_rejects.jsonl"),
  };
}
export type DatasetPaths = ReturnType<typeof datasetPaths>;
