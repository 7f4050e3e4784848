/** How near the scheduler's own choice comes to the best fixed number of requests at a time. */
import { measureRun } from "../../tests/fakes/slots.ts";
import type { BenchRow } from "./row.ts";

const REQUESTS = 500;
const SEEDS = [11, 12, 13, 14, 15];
const SHAPE = { baseMs: 18, perSlotMs: 0.6, promptMs: 150 };

/**
 * Simulated servers in virtual time: each fixed setting up to twice the slots is tried on the same requests, the best one is
 * the peer. Rates are of the last nine tenths of a run, means over five servers whose speed wavers in ways of their own.
 */
export async function schedulerBench(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const slots of [1, 4, 8, 32]) {
    const levels = new Set(
      [1, 2, 3, 4, slots / 2, slots * 0.75, slots - 1, slots, slots + 1, slots + 2, 2 * slots]
        .map(Math.ceil).filter((level) => level >= 1 && level <= 2 * slots),
    );
    const mean = async (concurrency: "auto" | number, live: boolean) => {
      const runs = await Promise.all(
        SEEDS.map((seed) => measureRun({ shape: { ...SHAPE, slots }, seed, requests: REQUESTS, live, concurrency })),
      );
      return {
        rate: runs.reduce((sum, { rate }) => sum + rate, 0) / runs.length,
        limits: [...new Set(runs.map(({ limitAtTenth }) => limitAtTenth))].sort((a, b) => a - b).join("/"),
      };
    };
    let best = { level: 0, rate: 0 };
    for (const level of levels) {
      const { rate } = await mean(level, false);
      if (rate > best.rate) best = { level, rate };
    }
    for (const live of [true, false]) {
      const { rate, limits } = await mean("auto", live);
      rows.push({
        name: `concurrency auto, ${slots} slot${slots > 1 ? "s" : ""}, ${
          live ? "tokens as they come" : "ended requests only"
        }`,
        ours: `${rate.toFixed(1)} tok/s (${limits} at a time after a tenth)`,
        peer: `best fixed: ${best.level}, ${best.rate.toFixed(1)} tok/s`,
        ratio: rate / best.rate,
        target: "0.97×",
      });
    }
  }
  return rows;
}
