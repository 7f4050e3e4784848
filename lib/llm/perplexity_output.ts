/**
 * What llama-perplexity prints. It ends with exit code 0 on most errors, and what it says last is lost now and then: its
 * lines go through a thread that its end does not wait for (llama.cpp#22142). So only rows that others follow are used.
 */

/** A figure with its standard error. */
export interface Measured {
  readonly value: number;
  readonly error: number;
}

/** How far two models are apart, over all tokens so far. Divergences in nats, shares and probabilities from 0 to 1. */
export interface Divergence {
  /** Mean of KL(reference ‖ model). */
  readonly meanKld: Measured;
  /** Share of tokens for which both would have chosen the same. */
  readonly topAgreement: Measured;
  /** Root mean square of the change in the right token's probability. */
  readonly rmsDeltaP: Measured;
  readonly ppl: Measured;
  /** ln of the ratio of both perplexities: above 0 the model predicts worse than the reference. */
  readonly logPplRatio: Measured;
}

const NUMBER = String.raw`(-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|nan|inf))`;
const SCORE = new RegExp(String.raw`^\s*\d+\s+${NUMBER}\s+${NUMBER}\s+${NUMBER}\s*$`, "i");
// The sign between a figure and its error may have been lost on the way.
const PAIR = String.raw`${NUMBER}\s+\S+\s+${NUMBER}`;
const DIVERGENCE = new RegExp(
  String.raw`^\s*(\d+)\s+${PAIR}\s+${PAIR}\s+${PAIR}\s+${PAIR}\s*%\s+${PAIR}\s*%\s*$`,
  "i",
);

/**
 * A row of `--ppl-output-type 1`: position, PPL so far, its logarithm, the logarithm's error. Undefined for any other
 * line. Answers the logarithm: the mean of −ln p.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parseScore } from "@/llm/perplexity_output.ts";
 *
 * deepEqual(parseScore("     128  12730.1502  9.451728  0.190876"), { value: 9.451728, error: 0.190876 });
 * ```
 */
export function parseScore(line: string): Measured | undefined {
  const [, , value, error] = SCORE.exec(line) ?? [];
  return value === undefined || error === undefined ? undefined : { value: toNumber(value), error: toNumber(error) };
}

/** A row of `--kl-divergence`. Undefined for any other line. */
export function parseDivergence(line: string): Divergence | undefined {
  const [chunk, ...figures] = DIVERGENCE.exec(line)?.slice(1) ?? [];
  if (chunk === undefined) return undefined;
  const pair = (at: number, scale = 1): Measured => ({
    value: toNumber(figures[2 * at] ?? "nan") * scale,
    error: toNumber(figures[2 * at + 1] ?? "nan") * scale,
  });
  const percent = 0.01;
  return {
    ppl: pair(0),
    logPplRatio: pair(1),
    meanKld: pair(2),
    rmsDeltaP: pair(3, percent),
    topAgreement: pair(4, percent),
  };
}

/** How many chunks it will go through, from the line that says so. */
export function parseChunks(line: string): number | undefined {
  const [, chunks] = /(?:calculating perplexity|computing) over (\d+) chunks/.exec(line) ?? [];
  return chunks === undefined ? undefined : Number(chunks);
}

/** True for a line by which llama-perplexity gives up, or goes on with figures that mean nothing. */
export function isComplaint(line: string): boolean {
  return /failed (?:to|reading)|unable to load|inconsistent vocabulary|does not look like|has been computed with|need at least/i
    .test(line);
}

function toNumber(text: string): number {
  return /nan/i.test(text) ? NaN : /inf/i.test(text) ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}
