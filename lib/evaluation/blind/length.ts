/** A win that was judged: how much longer the tuned text was than the other, in words, and whether it won. */
export interface JudgedLength {
  readonly longerBy: number;
  readonly won: boolean;
}

/**
 * The win rate at equal lengths: a logistic regression of the wins on `tanh(Δ / sd)`, read at Δ = 0, as AlpacaEval's
 * minimal length control (Dubois et al. 2024, arXiv 2404.04475). A light ridge keeps it finite where one side wins all.
 *
 * @returns undefined for fewer than ten votes, or where all texts are equally long.
 *
 * @example
 * ```ts
 * import { ok } from "node:assert/strict";
 * import { lengthControlled } from "@/evaluation/blind/length.ts";
 *
 * // The longer text always won: at equal lengths nobody leads.
 * const votes = [-9, -7, -5, -3, -1, 1, 3, 5, 7, 9].map((longerBy) => ({ longerBy, won: longerBy > 0 }));
 * ok(Math.abs((lengthControlled(votes) ?? 0) - 0.5) < 0.01);
 * ```
 */
export function lengthControlled(votes: readonly JudgedLength[]): number | undefined {
  if (votes.length < 10) return undefined;
  const sd = Math.sqrt(votes.reduce((sum, { longerBy }) => sum + longerBy ** 2, 0) / votes.length);
  if (sd === 0) return undefined;
  const rows = votes.map(({ longerBy, won }) => ({ x: Math.tanh(longerBy / sd), y: won ? 1 : 0 }));
  let theta = 0, phi = 0;
  for (let step = 0; step < 50; step++) {
    // Newton's method on the penalised likelihood.
    let gradT = -RIDGE * theta, gradP = -RIDGE * phi, tt = RIDGE, tp = 0, pp = RIDGE;
    for (const { x, y } of rows) {
      const p = sigmoid(theta + phi * x), weight = p * (1 - p);
      gradT += y - p;
      gradP += (y - p) * x;
      tt += weight;
      tp += weight * x;
      pp += weight * x * x;
    }
    const determinant = tt * pp - tp * tp;
    theta += (pp * gradT - tp * gradP) / determinant;
    phi += (tt * gradP - tp * gradT) / determinant;
  }
  return sigmoid(theta);
}

const RIDGE = 0.1;

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
