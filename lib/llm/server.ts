import { UsageError } from "../core/errors.ts";

type Env = Readonly<Record<string, string>>;

/** Where LM Studio listens, unless it is told otherwise. */
export const LMSTUDIO_PORT = 1234;

/** Where a server's API lies. */
export interface ServerAddress {
  /** Up to but without `/v1`: LM Studio's own API starts here. */
  readonly root: string;
  /** Base of the OpenAI-compatible API. */
  readonly openai: string;
  /** For messages: without user name and password. */
  readonly shown: string;
}

/**
 * Reads an address as people write it: with or without scheme, `/v1` and a trailing slash.
 *
 * @throws {UsageError} for anything else.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { serverAddress } from "@/llm/server.ts";
 *
 * equal(serverAddress("localhost:1234/").openai, "http://localhost:1234/v1");
 * equal(serverAddress("http://localhost:1234/v1/").root, "http://localhost:1234");
 * ```
 */
export function serverAddress(text: string): ServerAddress {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (!url || !/^https?:$/.test(url.protocol) || !url.hostname || url.search || url.hash) {
    throw new UsageError(
      `Cannot use "${text}" as the address of a server: valid is a URL such as http://localhost:1234`,
    );
  }
  const path = url.pathname.replace(/\/+$/, "");
  const credentials = url.username ? `${url.username}:${url.password}@` : "";
  const at = (auth: string, rest: string) => `${url.protocol}//${auth}${url.host}${rest}`;
  const versioned = /\/v\d+[a-z]*(?:\/|$)/.test(path);
  const root = path.replace(/\/v1$/, "");
  return {
    root: at(credentials, root),
    openai: at(credentials, versioned ? path : `${path}/v1`),
    shown: at("", root),
  };
}

/**
 * The address that the options and the environment name: `--lmstudio-url`, else `--lmstudio-host` and `--lmstudio-port`,
 * else `$LMSTUDIO_HOST` and `$LMSTUDIO_PORT`, else `http://localhost:1234`.
 *
 * @throws {UsageError} for a URL and a host at once, or an address that is none.
 */
export function lmstudioAddress(
  options: { lmstudioUrl?: string | undefined; lmstudioHost?: string | undefined; lmstudioPort?: number | undefined },
  env: Env,
): ServerAddress {
  const { lmstudioUrl, lmstudioHost, lmstudioPort } = options;
  if (lmstudioUrl !== undefined && (lmstudioHost !== undefined || lmstudioPort !== undefined)) {
    throw new UsageError(
      "Cannot use --lmstudio-url together with --lmstudio-host or --lmstudio-port: give one of them",
    );
  }
  if (lmstudioUrl !== undefined) return serverAddress(lmstudioUrl);
  const port = lmstudioPort ?? (env.LMSTUDIO_PORT || LMSTUDIO_PORT);
  return serverAddress(`${lmstudioHost ?? (env.LMSTUDIO_HOST || "localhost")}:${port}`);
}

/** The token that proves who asks. It comes from the environment only and is never shown or stored. */
export function apiToken(env: Env): string | undefined {
  return env.LM_API_TOKEN || env.OPENAI_API_KEY || undefined;
}
