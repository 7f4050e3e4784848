import { count, counted, duration } from "../core/format.ts";
import type { Context } from "../core/step.ts";
import { type Agreement, agreementTables } from "../corpus/alignment_agreement.ts";
import { tableText } from "../corpus/theme_tables.ts";

/** What aligning came to. */
export interface AlignResult {
  input: string;
  output: string;
  rejects: string;
  statsFile: string;
  embedder: string;
  dimensions: number;
  chunks: number;
  kept: number;
  dropped: Record<string, number>;
  /** Texts that the model embedded in this run, that were in the cache, and that were cut for their length. */
  embedded: number;
  cached: number;
  cut: number;
  /** Seconds that the model took. */
  seconds: number;
  /** Passages by their nearest theme. */
  byBest: Record<string, number>;
  agreement: Agreement;
}

/** For the terminal: the figures, then where the two judges agree and where not. */
export function alignReport(result: AlignResult): string {
  const { chunks, kept, embedder, dimensions, embedded, cached, cut, seconds, byBest, agreement } = result;
  const rate = seconds > 0
    ? ` in ${duration(seconds)} (${count(Math.round(10 * embedded / seconds) / 10)} a second)`
    : "";
  const nearest = Object.entries(byBest).map(([name, number]) => `${name} ${count(number)}`).join(", ");
  const lines = [
    `${count(kept)} of ${counted(chunks, "passage")} aligned with ${embedder}, ${dimensions} dimensions`,
    `embedded ${count(embedded)} texts${rate}, ${count(cached)} were in the cache` +
    (cut > 0 ? `; ${count(cut)} were too long for the model and cut in parts` : ""),
    ...(nearest ? [`nearest theme: ${nearest}`] : []),
    ...(agreement.auc === undefined ? [] : [
      `agreement with the keyword filter: AUC ${agreement.auc.toFixed(3)} on ${count(agreement.kept)} kept and ` +
      `${count(agreement.dropped)} dropped passages (0.5 is chance, 1 is perfect)`,
    ]),
  ];
  return [lines.join("\n"), ...agreementTables(agreement).map(tableText)].join("\n\n");
}

/** What `…_stats.json` holds. */
export function statsOf(result: AlignResult, minAlignment: number | undefined) {
  return {
    embedder: result.embedder,
    dimensions: result.dimensions,
    ...(minAlignment === undefined ? {} : { min_alignment: minAlignment }),
    chunks: result.chunks,
    kept: result.kept,
    dropped: result.dropped,
    by_nearest_theme: result.byBest,
    texts: { embedded: result.embedded, from_cache: result.cached, cut: result.cut, seconds: result.seconds },
    agreement: result.agreement,
  };
}

/** Says what there is now. */
export function tell({ chunks, kept, output, statsFile }: AlignResult, { emit }: Context): void {
  if (chunks > 0 && kept === 0) {
    emit({ type: "log", level: "warn", message: "no passage is aligned well enough; lower --min-alignment" });
  }
  emit({ type: "metric", name: "chunks_aligned", value: kept });
  emit({ type: "artifact", path: output, title: "Aligned passages", rows: kept });
  emit({ type: "artifact", path: statsFile, title: "Agreement of alignment and keywords" });
}
