import { refusal, unreachable } from "./errors.ts";
import type { ServerAddress } from "./server.ts";

/** What it takes to talk to a server. */
export interface Access {
  readonly fetch: typeof fetch;
  readonly token?: string | undefined;
}

/**
 * A call of LM Studio's own API: the JSON of the answer whatever its status, which LM Studio does not mean; undefined for
 * an answer that is no JSON.
 *
 * @throws {ChatError} where nobody answers, or the token is refused.
 */
export async function requestJson(
  address: ServerAddress,
  { fetch, token }: Access,
  path: string,
  { body, timeoutMs = 30_000 }: { body?: unknown; timeoutMs?: number } = {},
): Promise<unknown> {
  let status: number, text: string;
  try {
    const response = await fetch(`${address.root}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    status = response.status;
    text = await response.text();
    if (token) text = text.replaceAll(token, "***"); // Some servers quote the token that they refuse.
  } catch (error) {
    throw unreachable(address.shown, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (status === 401 || status === 403) {
    throw refusal({ server: address.shown, model: "", status, body: value ?? text });
  }
  return value;
}
