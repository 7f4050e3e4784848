/** What a server does with the requests that are under way on it, measured without a clock of its own. */

/** How a request ended, as far as it tells of the server's load. Times in milliseconds from sending. */
export type Outcome =
  | { readonly kind: "answer"; readonly tokens: number; readonly firstTokenMs: number; readonly totalMs: number }
  /** Refused for being asked too much: 429, 503. */
  | { readonly kind: "pushback" }
  /** Empty, truncated, broken off: may come from load, or not. */
  | { readonly kind: "poor" }
  /** Says nothing of load: stopped by us, or refused for its content. */
  | { readonly kind: "neutral" };

export interface Reading {
  /** Requests under way, on average. */
  readonly inFlight: number;
  /** Those among them that the server worked on; the rest waited. */
  readonly busy: number;
  /** Most that got tokens at one time; 0 where that is not known. */
  readonly most: number;
  /** Output tokens per second; in units of deltas where tokens are told as they come. */
  readonly rate: number;
  /** Mean wait for the first token of those that got it. */
  readonly waitMs: number | undefined;
  /** Requests that ended. */
  readonly ended: number;
  /** Tokens that each running request got, on average. */
  readonly perStream: number;
  readonly ms: number;
}

export interface Meter {
  /** True once tokens were told as they came; without, only ended requests count. */
  readonly live: boolean;
  readonly inFlight: number;
  /** Usage per token told, for showing rates in tokens. */
  readonly scale: number;
  sent(id: number, at: number): void;
  tokens(id: number, at: number, count: number): void;
  /** Returns when the request was sent. */
  done(id: number, at: number, outcome: Outcome): number;
  /** A new limit: what follows is measured once the requests under way have followed it. */
  begin(limit: number, at: number): void;
  /** Starts the measurement again at the same limit. */
  again(at: number): void;
  /** Absent until the requests under way have followed the limit. */
  read(at: number): Reading | undefined;
  /** Takes the window's wait as one without queueing, if it is the shortest yet. */
  calm(waitMs: number): void;
}

interface UnderWay {
  readonly sentAt: number;
  firstAt?: number;
  tokens: number;
}

const fresh = (at: number) => ({
  start: at,
  flying: 0, // Request-milliseconds under way …
  running: 0, // … and among them after the first token.
  most: 0,
  tokens: 0,
  firsts: 0,
  waited: 0,
  ended: 0,
  // Of answers to requests that were sent at this limit; used where tokens are not told as they come.
  answers: 0,
  answerTokens: 0,
  answerWait: 0,
  answerDecode: 0,
});

/**
 * Two ways to the same figures. Where tokens are told as they come, the rate is counted. Else it follows from ended
 * requests by Little's law: requests under way ÷ (wait + mean tokens ÷ speed of a stream), which short answers coming
 * first does not bias, since speed and wait hardly depend on length.
 */
export function createMeter(): Meter {
  const underWay = new Map<number, UnderWay>();
  let live = false, running = 0, last = 0;
  let limit = 1, levelAt = 0, endedAtLevel = 0, ramped = false;
  let window = fresh(0);
  let warm = false; // The first answer may have waited for the model to load.
  let shortestWait: number | undefined;
  let meanTokens: number | undefined;
  let told = 0, used = 0;

  const advance = (at: number) => {
    const ms = Math.max(0, at - last);
    window.flying += ms * underWay.size;
    window.running += ms * running;
    last = Math.max(last, at);
  };
  /** In step with the limit: as many under way as allowed, none of them still on the way into the server. */
  const settle = (at: number) => {
    if (ramped) return;
    if (live) {
      const waiting = underWay.size - running;
      // Who still waits after others have ended waits for their places.
      const queued = endedAtLevel >= Math.max(2, limit / 4);
      if (underWay.size > limit || !queued && (underWay.size < limit || waiting > 0)) return;
    } else if (underWay.size > limit) return;
    ramped = true;
    window = fresh(at);
  };

  return {
    get live() {
      return live;
    },
    get inFlight() {
      return underWay.size;
    },
    get scale() {
      return told > 0 && used > 0 ? used / told : 1;
    },
    sent(id, at) {
      advance(at);
      underWay.set(id, { sentAt: at, tokens: 0 });
      settle(at);
    },
    tokens(id, at, count) {
      const request = underWay.get(id);
      if (!request) return;
      live = true;
      advance(at);
      request.tokens += count;
      window.tokens += count;
      if (request.firstAt === undefined) {
        request.firstAt = at;
        window.most = Math.max(window.most, ++running);
        if (warm) {
          window.firsts++;
          window.waited += at - request.sentAt;
        }
        warm = true;
      }
      settle(at);
    },
    done(id, at, outcome) {
      const request = underWay.get(id);
      if (!request) return at;
      advance(at);
      underWay.delete(id);
      if (request.firstAt !== undefined) running--;
      endedAtLevel++;
      window.ended++;
      if (outcome.kind === "answer") {
        const { tokens, firstTokenMs, totalMs } = outcome;
        meanTokens = meanTokens === undefined ? tokens : meanTokens + (tokens - meanTokens) * 0.05;
        if (live) {
          told = 0.95 * told + request.tokens;
          used = 0.95 * used + tokens;
        } else {
          if (request.sentAt >= levelAt) {
            window.answers++;
            window.answerTokens += tokens;
            window.answerWait += warm ? firstTokenMs : 0;
            window.answerDecode += Math.max(0, totalMs - firstTokenMs);
          }
          warm = true;
        }
      }
      settle(at);
      return request.sentAt;
    },
    begin(next, at) {
      advance(at);
      limit = next;
      levelAt = at;
      endedAtLevel = 0;
      ramped = false;
      window = fresh(at);
      settle(at);
    },
    again(at) {
      advance(at);
      window = fresh(at);
    },
    read(at) {
      advance(at);
      const ms = at - window.start;
      if (!ramped || ms <= 0) return undefined;
      const inFlight = window.flying / ms;
      if (live) {
        const waitMs = window.firsts > 0 ? window.waited / window.firsts : undefined;
        const prompting = window.firsts * Math.min(shortestWait ?? 0, waitMs ?? 0);
        return {
          inFlight,
          busy: Math.min(inFlight, (window.running + prompting) / ms),
          most: window.most,
          rate: window.tokens / ms * 1000,
          waitMs,
          ended: window.ended,
          perStream: window.running > 0 ? window.tokens * ms / window.running : 0,
          ms,
        };
      }
      const { answers, answerTokens, answerWait, answerDecode } = window;
      if (answers === 0 || meanTokens === undefined) return undefined;
      const waitMs = answerWait / answers;
      // An answer that comes all at once tells nothing of its wait.
      const streamed = answerDecode > 0.02 * (answerWait + answerDecode);
      const decodeMs = streamed ? answerDecode / answerTokens * meanTokens : 0;
      const wholeMs = Math.max(1, streamed ? waitMs + decodeMs : waitMs / (answerTokens / answers) * meanTokens);
      const read = Math.min(shortestWait ?? waitMs, waitMs);
      return {
        inFlight,
        busy: streamed ? inFlight * (decodeMs + read) / wholeMs : inFlight,
        most: 0,
        rate: inFlight * meanTokens / wholeMs * 1000,
        waitMs: streamed ? waitMs : undefined,
        ended: answers,
        perStream: answerTokens,
        ms,
      };
    },
    calm(waitMs) {
      // It may grow slowly, since prompts do.
      shortestWait = Math.min(waitMs, shortestWait === undefined ? waitMs : shortestWait * 1.02);
    },
  };
}
