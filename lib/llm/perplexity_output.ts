/** What llama-perplexity prints. It ends with exit code 0 on most errors, so its words are all there is to go by. */

/** A running mean after a chunk: natural logarithms, over all tokens scored so far. */
export interface RunningScore {
  readonly nll: number;
}

/** A figure with the standard error that llama-perplexity gives it. */
export interface Measured {
  readonly value: number;
  readonly error: number;
}

/** What `--kl-divergence` ends with. Divergences in nats, shares and probabilities from 0 to 1. */
export interface KlStatistics {
  readonly meanKld: Measured;
  readonly medianKld: number;
  /** 99 of 100 tokens diverge less. */
  readonly p99Kld: number;
  readonly maximumKld: number;
  /** Share of tokens for which both models would have chosen the same. */
  readonly topAgreement: Measured;
  /** Root mean square of the change in the right token's probability. */
  readonly rmsDeltaP: Measured;
  readonly meanDeltaP: Measured;
  readonly ppl: Measured;
  readonly referencePpl: Measured;
}

const NUMBER = String.raw`(-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|nan|inf))`;

/**
 * A line of `--ppl-output-type 1`: `     512  15.2345  2.723562  0.034`, that is position, PPL so far, its logarithm,
 * the logarithm's error. Undefined for any other line.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parseScore } from "@/llm/perplexity_output.ts";
 *
 * deepEqual(parseScore("     512  15.2345  2.723562  0.034112"), { nll: 2.723562 });
 * ```
 */
export function parseScore(line: string): RunningScore | undefined {
  const [, , nll] = new RegExp(String.raw`^\s*\d+\s+${NUMBER}\s+${NUMBER}\s+${NUMBER}\s*$`, "i").exec(line) ?? [];
  return nll === undefined ? undefined : { nll: toNumber(nll) };
}

/** `Final estimate: PPL = 15.2345 +/- 0.41234` */
export function parseFinal(line: string): Measured | undefined {
  const pattern = new RegExp(String.raw`Final estimate: PPL = ${NUMBER} \+/- ${NUMBER}`, "i");
  const [, value, error] = pattern.exec(line) ?? [];
  return value === undefined || error === undefined ? undefined : { value: toNumber(value), error: toNumber(error) };
}

/** How many chunks it will go through, from the line that says so. */
export function parseChunks(line: string): number | undefined {
  const [, chunks] = /(?:calculating perplexity|computing) over (\d+) chunks/.exec(line) ?? [];
  return chunks === undefined ? undefined : Number(chunks);
}

/** The number of the chunk whose row of a KL divergence this is. */
export function parseKlRow(line: string): number | undefined {
  const [, chunk] = /^\s*(\d+)\s+\S+\s+\S+\s+\S+\s+.*%\s*$/.exec(line) ?? [];
  return chunk === undefined ? undefined : Number(chunk);
}

/** The statistics at the end; undefined where one is missing. Signs such as ± and Δ may have been lost on the way. */
export function parseKlStatistics(lines: readonly string[]): KlStatistics | undefined {
  const find = (label: string, scale = 1): Measured | undefined => {
    for (const line of lines) {
      const pattern = new RegExp(String.raw`^\s*${label}\s*:\s*${NUMBER}(?:\s*%)?(?:\s+\S+\s+${NUMBER})?`, "i");
      const [, value, error] = pattern.exec(line) ?? [];
      if (value !== undefined) {
        return { value: toNumber(value) * scale, error: error === undefined ? 0 : toNumber(error) * scale };
      }
    }
    return undefined;
  };
  const percent = 0.01;
  const meanKld = find(String.raw`Mean\s+KLD`);
  const medianKld = find(String.raw`Median\s+KLD`);
  const p99Kld = find(String.raw`99\.0%\s+KLD`);
  const maximumKld = find(String.raw`Maximum\s+KLD`);
  const topAgreement = find(String.raw`Same top p`, percent);
  const rmsDeltaP = find(String.raw`RMS\s+\S+p`, percent);
  const meanDeltaP = find(String.raw`Mean\s+(?!PPL|KLD)\S+p`, percent);
  const ppl = find(String.raw`Mean PPL\(Q\)`);
  const referencePpl = find(String.raw`Mean PPL\(base\)`);
  if (!meanKld || !medianKld || !p99Kld || !maximumKld || !topAgreement || !rmsDeltaP || !meanDeltaP) return undefined;
  if (!ppl || !referencePpl) return undefined;
  return {
    meanKld,
    medianKld: medianKld.value,
    p99Kld: p99Kld.value,
    maximumKld: maximumKld.value,
    topAgreement,
    rmsDeltaP,
    meanDeltaP,
    ppl,
    referencePpl,
  };
}

/** Tokens of a text that is too short for the context. */
export function parseTooFew(line: string): number | undefined {
  const [, tokens] = /tokenizes to only (\d+) tokens/.exec(line) ?? [];
  return tokens === undefined ? undefined : Number(tokens);
}

/** True for a line by which llama-perplexity gives up, or goes on with figures that mean nothing. */
export function isComplaint(line: string): boolean {
  return /failed (?:to|reading)|unable to load|inconsistent vocabulary|does not look like|has been computed with|Unexpected negative/i
    .test(line);
}

function toNumber(text: string): number {
  return /nan/i.test(text) ? NaN : /inf/i.test(text) ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}
