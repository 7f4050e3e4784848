/** How long a server may keep silent, where requests that it has not begun wait behind others. */

export interface PatienceOptions {
  /** Longest silence before the first token, once nothing that was sent earlier is under way. */
  readonly firstTokenMs: number;
  /** Longest silence between two tokens. */
  readonly idleMs: number;
}

/** One request that is waited for. */
export interface Wait extends Disposable {
  /** Something came; `token` once the answer has begun. */
  heard(token: boolean): void;
}

export interface Patience {
  /** `onLate` is called once, with the milliseconds of silence and whether any token had come. */
  begin(onLate: (silentMs: number, begun: boolean) => void): Wait;
}

/** Timers, so that a test needs none. `after` returns how to call it off. */
interface Timers {
  now(): number;
  after(ms: number, happen: () => void): () => void;
}

const REAL: Timers = {
  now: () => performance.now(),
  after: (ms, happen) => {
    const timer = setTimeout(happen, ms);
    return () => clearTimeout(timer);
  },
};

const SECOND_LOOK_MS = 1000;

interface UnderWay {
  begun: boolean;
  /** When it was last heard of; before its first token, when anything sent earlier was last heard of or ended. */
  at: number;
  /** When an earlier one last ended. */
  passed: number;
}

/**
 * Servers answer in turn: what they are not working on yet waits behind what came earlier, and that is no silence. So a
 * request's wait for its first token counts from the last sign of any request that was sent before it; once all of those
 * have ended, it is its own. What comes of later requests is no excuse: a request that the server has lost is given up.
 */
export function createPatience({ firstTokenMs, idleMs }: PatienceOptions, timers: Timers = REAL): Patience {
  const now = () => timers.now();
  const underWay = new Set<UnderWay>(); // In the order in which they were sent.
  const aliveAt = (request: UnderWay): number => {
    if (request.begun) return request.at;
    let at = Math.max(request.at, request.passed);
    for (const earlier of underWay) {
      if (earlier === request) break;
      at = Math.max(at, earlier.at);
    }
    return at;
  };
  return {
    begin(onLate) {
      const request: UnderWay = { begun: false, at: now(), passed: 0 };
      underWay.add(request);
      // Armed again only when it fires, so that a token costs no timer.
      let disarm = () => {};
      const arm = (ms: number) => disarm = timers.after(ms, look);
      let doubted = false;
      const look = () => {
        const silent = now() - aliveAt(request);
        const allowed = request.begun ? idleMs : firstTokenMs;
        if (silent < allowed) {
          doubted = false;
          arm(allowed - silent + 1);
        } else if (!doubted) {
          // It may be we who were busy, or asleep: what came meanwhile is heard before the second look.
          doubted = true;
          arm(Math.min(allowed / 10, SECOND_LOOK_MS));
        } else onLate(silent, request.begun);
      };
      arm(Math.min(firstTokenMs, idleMs));
      return {
        heard(token) {
          request.begun ||= token;
          request.at = now();
        },
        [Symbol.dispose]() {
          disarm();
          if (!underWay.has(request)) return;
          const at = now();
          let later = false;
          for (const other of underWay) {
            if (later && !other.begun) other.passed = at;
            later ||= other === request;
          }
          underWay.delete(request);
        },
      };
    },
  };
}
