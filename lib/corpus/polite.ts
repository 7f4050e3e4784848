/**
 * HTTP as Project Gutenberg and its mirrors ask of programs: one request at a time, a pause between requests to one host,
 * a User-Agent with a contact address, patience on 429 and 503, a full stop on 403.
 */
import { messageOf, UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";

/** What came of a request. `absent` is a normal outcome: a mirror need not have every file. */
export type Answer =
  | { kind: "ok"; bytes: Uint8Array; contentType: string }
  | { kind: "absent"; detail: string }
  | { kind: "bad"; reason: "truncated" | "too_long" | "server_error"; detail: string }
  | { kind: "unreachable"; detail: string };

export interface PoliteOptions {
  /** Pause between two requests to one host in ms; 2 s is what Project Gutenberg's own harvest command waits. */
  pauseMs?: number;
  /** Requests for one address, the first included, before a host that is busy or broken is left alone. */
  tries?: number;
  /** The longest wait that a server's Retry-After is granted, in ms. */
  maxWaitMs?: number;
  /** How long a server may send nothing, in ms. */
  stallMs?: number;
  /** The longest body; the longest book of English prose is below 10 MB. */
  maxBytes?: number;
}

interface Host {
  last: number;
  answered: boolean;
  /** Why it is asked no more in this run. */
  down?: string;
}

/** Retries after a broken answer wait 5, 10, 20 … s. */
const FIRST_WAIT_MS = 5_000;
const MAX_REDIRECTS = 3;

/** What to do about an answer: it is final, or the same address is asked again, or its host is left alone. */
type Verdict =
  | { is: "final"; answer: Answer }
  | { is: "again"; waitMs: number; why: string; otherwise: Answer | "leave" }
  | { is: "elsewhere"; url: string }
  | { is: "leave"; why: string };

/**
 * A function that gets an address politely. It remembers its hosts: one that cannot be reached, or stays busy, is asked no
 * more, so that a machine without network learns so after one request to each.
 *
 * The function throws `UserError` on 403 and where Deno's permissions forbid the host, and an AbortError once
 * `context.signal` fires.
 */
export function politeFetcher(
  context: Pick<Context, "fetch" | "clock" | "signal" | "emit">,
  userAgent: string,
  options: PoliteOptions = {},
): (url: string) => Promise<Answer> {
  const { pauseMs = 2_000, tries = 4, maxWaitMs = 300_000, stallMs = 30_000, maxBytes = 64 << 20 } = options;
  const hosts = new Map<string, Host>();
  const log = (level: "info" | "warn", message: string) => context.emit({ type: "log", level, message });

  /** One request. Any answer but 200 comes back as the response, its body dropped. */
  async function ask(url: string, host: Host): Promise<Response | Answer> {
    const wait = host.last + pauseMs - context.clock.now();
    if (wait > 0) await context.clock.sleep(wait, context.signal);
    context.signal.throwIfAborted();
    using stall = stallTimer(stallMs);
    let response: Response | undefined;
    try {
      response = await context.fetch(url, {
        headers: { "user-agent": userAgent, accept: "text/plain, text/csv, application/gzip;q=0.9, */*;q=0.1" },
        redirect: "manual",
        signal: AbortSignal.any([context.signal, stall.signal]),
      });
      host.answered = true;
      if (response.status === 200) return await readBody(response, stall.restart, maxBytes);
      await response.body?.cancel();
      return response;
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof Deno.errors.NotCapable) throw notAllowed(url, error);
      const detail = innermost(stall.signal.aborted ? stall.signal.reason : error);
      return response ? { kind: "bad", reason: "truncated", detail } : { kind: "unreachable", detail };
    } finally {
      host.last = context.clock.now();
    }
  }

  function judge(url: string, got: Response | Answer, host: Host, attempt: number): Verdict {
    const backoff = FIRST_WAIT_MS * 2 ** (attempt - 1);
    if (!(got instanceof Response)) {
      if (got.kind === "unreachable") {
        if (!host.answered) return { is: "leave", why: got.detail };
        return { is: "again", waitMs: backoff, why: got.detail, otherwise: "leave" };
      }
      const torn = got.kind === "bad" && got.reason === "truncated" && attempt < 2;
      return torn ? { is: "again", waitMs: 0, why: got.detail, otherwise: got } : { is: "final", answer: got };
    }
    const { status } = got;
    const why = `it answered ${status}`;
    if (status === 403) throw forbidden(url);
    if (status === 429 || status === 503) {
      const waitMs = retryAfter(got.headers.get("retry-after"), context.clock.now()) ?? backoff;
      if (waitMs > maxWaitMs) return { is: "leave", why: `${why} and asks to wait ${Math.ceil(waitMs / 60_000)} min` };
      return { is: "again", waitMs, why, otherwise: "leave" };
    }
    if (status >= 500) {
      return { is: "again", waitMs: backoff, why, otherwise: { kind: "bad", reason: "server_error", detail: why } };
    }
    if (status >= 300 && status < 400) {
      const target = got.headers.get("location") ?? "";
      // Another host has not been chosen by the user and may be the site that programs must leave alone.
      if (URL.canParse(target, url) && new URL(target, url).hostname === new URL(url).hostname) {
        return { is: "elsewhere", url: new URL(target, url).href };
      }
      return { is: "final", answer: { kind: "absent", detail: `${status} to "${target}"` } };
    }
    return { is: "final", answer: { kind: "absent", detail: String(status) } };
  }

  async function get(url: string, redirects: number): Promise<Answer> {
    const name = new URL(url).host;
    const host = hosts.get(name) ?? { last: -Infinity, answered: false };
    hosts.set(name, host);
    const leave = (why: string): Answer => {
      host.down = why;
      log("warn", `${name} is left alone in this run: ${why}`);
      return { kind: "unreachable", detail: why };
    };
    for (let attempt = 1;; attempt++) {
      if (host.down !== undefined) return { kind: "unreachable", detail: host.down };
      const verdict = judge(url, await ask(url, host), host, attempt);
      if (verdict.is === "final") return verdict.answer;
      if (verdict.is === "leave") return leave(verdict.why);
      if (verdict.is === "elsewhere") {
        return redirects < MAX_REDIRECTS
          ? await get(verdict.url, redirects + 1)
          : { kind: "absent", detail: "redirected without end" };
      }
      if (attempt >= tries) {
        return verdict.otherwise === "leave" ? leave(`${verdict.why}, ${tries} times`) : verdict.otherwise;
      }
      if (verdict.waitMs > pauseMs) {
        log("info", `${name}: ${verdict.why}; waiting ${Math.ceil(verdict.waitMs / 1000)} s`);
      }
      await context.clock.sleep(verdict.waitMs, context.signal);
    }
  }
  return (url) => get(url, 0);
}

/** Fires once nothing has been heard for `ms`; `restart` at every sign of life. */
function stallTimer(ms: number): Disposable & { signal: AbortSignal; restart(): void } {
  const controller = new AbortController();
  const start = () => setTimeout(() => controller.abort(new Error(`no answer within ${ms / 1000} s`)), ms);
  let timer = start();
  return {
    signal: controller.signal,
    restart() {
      clearTimeout(timer);
      timer = start();
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** "fetch failed" says little; its cause says what the network did. */
function innermost(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return innermost(error.cause);
  return messageOf(error).replace(/^error sending request for url \([^)]*\): /, "");
}

function forbidden(url: string): UserError {
  return new UserError(`Cannot go on: "${new URL(url).host}" forbids access (403) to ${url}`, {
    hint:
      "It may have blocked this address for a few days. Name another --mirror, and pass --contact with your address. " +
      "What is already fetched stays in the cache.",
  });
}

function notAllowed(url: string, cause: Error): UserError {
  return new UserError(`Cannot reach "${new URL(url).host}": this task may not contact that host`, {
    hint: cause.message.split("\n")[0] ?? "",
    cause,
  });
}

async function readBody(response: Response, alive: () => void, maxBytes: number): Promise<Answer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    alive();
    parts.push(part);
    length += part.length;
    if (length > maxBytes) return { kind: "bad", reason: "too_long", detail: `more than ${maxBytes >> 20} MiB` };
  }
  // A compressed body has another length than its header says.
  const declared = response.headers.get("content-encoding") ? null : response.headers.get("content-length");
  if (declared !== null && /^\d+$/.test(declared) && Number(declared) !== length) {
    return { kind: "bad", reason: "truncated", detail: `${length} of ${declared} bytes arrived` };
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { kind: "ok", bytes, contentType: response.headers.get("content-type") ?? "" };
}

/**
 * A Retry-After header (RFC 9110, 10.2.3: seconds, or a date) in ms from `now`; undefined where it says nothing usable.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { retryAfter } from "@/corpus/polite.ts";
 *
 * equal(retryAfter("120", 0), 120_000);
 * equal(retryAfter("Thu, 01 Jan 1970 00:00:10 GMT", 4_000), 6_000);
 * equal(retryAfter("soon", 0), undefined);
 * ```
 */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
