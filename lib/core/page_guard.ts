/** Who may speak to the page's server. It holds someone's data on a machine where other pages and users live. */
import { timingSafeEqual } from "node:crypto";

/** 256 random bits, fit for an address. */
export function makeToken(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The header that carries the token of a request that changes something. */
export const TOKEN_HEADER = "x-voiceworks-token";

/**
 * Headers of every answer. The policy lets the page load its own two files and ask its own server, and nothing else; no
 * text can become markup, because scripts may not write any (`trusted-types 'none'`).
 */
export const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * Why a request is refused, or the path below the token.
 *
 * - The token must be the first part of the path, compared in constant time.
 * - The Host must be this machine's own name for itself: a foreign name that was made to point here (DNS rebinding) is not.
 * - A request that a foreign page sends shows it by its Origin or by Sec-Fetch-Site.
 * - What changes something must carry the token in a header too, which no form and no link can.
 */
export function admit(request: Request, token: string, port: number): { path: string } | { refused: string } {
  const { pathname } = new URL(request.url);
  const [, given = "", ...rest] = pathname.split("/");
  if (!same(given, token)) return { refused: "This address lacks its token. Open the one that the terminal shows." };
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(request.headers.get("host") ?? "")) {
    return { refused: `This server answers as 127.0.0.1:${port} only; a forwarded port must have the same number.` };
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !hosts.some((host) => origin === `http://${host}`)) {
    return { refused: "Another page asks." };
  }
  const path = rest.join("/");
  const site = request.headers.get("sec-fetch-site");
  if (path !== "" && site !== null && site !== "same-origin" && site !== "none") {
    return { refused: "Another page asks." };
  }
  if (request.method === "POST" && !same(request.headers.get(TOKEN_HEADER) ?? "", token)) {
    return { refused: `The token must stand in the header ${TOKEN_HEADER} too.` };
  }
  return { path };
}

/** Compares in a time that tells nothing about where two texts differ. */
function same(given: string, expected: string): boolean {
  const a = new TextEncoder().encode(given), b = new TextEncoder().encode(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
