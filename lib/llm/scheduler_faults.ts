/** Tells faults that come from load from those that do not, by asking less and looking whether they go. */

export type Verdict = "go on" | "ask less" | "ask less no longer" | "calm again";

export interface FaultWatch {
  /** The limit before it was lowered on account of faults, while that is on trial. */
  readonly trialFrom: number | undefined;
  record(limit: number, fault: "pushback" | "poor" | undefined): Verdict;
  /** The trial is over. */
  close(): void;
}

/** Outcomes after which the counts are halved, so that they speak of the present. */
const MEMORY = 200;

/**
 * One refusal for being asked too much counts at once, poor answers (empty, truncated, broken off) from three and a tenth
 * of all. Then half as much is asked, and again, until faults stop. Where they come as often at a quarter of the load, or
 * one at a time, load is not to blame: their share is taken for the server's manner, and only clearly more counts.
 */
export function createFaultWatch(): FaultWatch {
  let answered = 0, faults = 0;
  let trial: { from: number; answered: number; faults: number } | undefined;
  /** Share of faults that load is not to blame for, and that share as it was found. */
  let usual = 0, found = 0;
  let level = 0;

  const excessive = (kind: "pushback" | "poor") => {
    if (usual === 0) return kind === "pushback" || faults >= 3 && faults >= 0.1 * answered;
    // Two standard deviations of a Poisson count, and two for good measure: this is looked at often.
    const expected = usual * answered;
    return faults > expected + 2 * Math.sqrt(expected) + 2;
  };

  const still = (limit: number): Verdict => {
    trial ??= { from: limit, answered: 0, faults: 0 };
    trial.answered += answered;
    trial.faults += faults;
    answered = faults = 0;
    if (limit > Math.max(1, trial.from / 4)) return "ask less";
    usual = found = trial.faults / trial.answered;
    return "ask less no longer";
  };

  return {
    get trialFrom() {
      return trial?.from;
    },
    close: () => void (trial = undefined),
    record(limit, fault) {
      if (limit !== level) {
        level = limit;
        answered = faults = 0;
      }
      if (answered >= MEMORY) [answered, faults] = [answered / 2, faults / 2];
      answered++;
      if (fault) faults++;
      if (usual > 0) {
        // Follows slowly, but never so far up that it would swallow faults of load.
        usual = Math.min(1.2 * found, usual + ((fault ? 1 : 0) - usual) * 0.01);
        if (usual < 0.005) usual = 0;
      }
      if (fault && excessive(fault)) return still(limit);
      if (!trial || answered < Math.max(12, limit)) return "go on";
      if (faults >= 2 && faults / answered >= 0.5 * trial.faults / trial.answered) return still(limit);
      usual = found = Math.max(usual, faults / answered);
      answered = faults = 0;
      return "calm again";
    },
  };
}
