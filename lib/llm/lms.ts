/** LM Studio's command line, `lms`: where it is, what it says, and what its exit codes are worth. */
import { join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import type { ask } from "../core/exec.ts";
import type { ServerAddress } from "./server.ts";

type Env = Readonly<Record<string, string>>;

/**
 * LM Studio's home folder: what `~/.lmstudio-home-pointer` says, else the old `~/.cache/lm-studio` where it exists, else
 * `~/.lmstudio`. (Source: lmstudio-ai/lms, which looks in this order.)
 *
 * @param read Answers a file's text, or undefined where there is none.
 */
export async function lmsHome(
  env: Env,
  read: (path: string) => Promise<string | undefined>,
): Promise<string> {
  const home = env.USERPROFILE ?? env.HOME ?? ".";
  const pointer = (await read(join(home, ".lmstudio-home-pointer")))?.trim();
  if (pointer) return pointer;
  const old = join(home, ".cache", "lm-studio");
  return await read(join(old, "settings.json")) === undefined ? join(home, ".lmstudio") : old;
}

/** A model that `lms ls` tells of. */
const Listed = z.object({
  type: z.string().catch(""),
  modelKey: z.string(),
  path: z.string().optional().catch(undefined),
  /** Set for a model of another machine (LM Link). */
  deviceIdentifier: z.string().nullish().catch(undefined),
  architecture: z.string().nullish().catch(undefined),
  maxContextLength: z.number().optional().catch(undefined),
});
export type LmsModel = z.infer<typeof Listed>;

/** A model that `lms ps` tells of. */
const Running = Listed.extend({
  identifier: z.string(),
  ttlMs: z.number().nullish().catch(undefined),
  contextLength: z.number().optional().catch(undefined),
  parallel: z.number().optional().catch(undefined),
});
export type LmsInstance = z.infer<typeof Running>;

export interface LmsLoadSettings {
  readonly contextLength?: number | undefined;
  readonly identifier?: string | undefined;
  readonly ttlSeconds?: number | undefined;
  readonly parallel?: number | undefined;
}

/** `lms`, talking to one server. */
export interface Lms {
  readonly command: string;
  /** @throws {UserError} where it fails or says nothing readable. */
  models(): Promise<LmsModel[]>;
  /** @throws {UserError} where it fails or says nothing readable. */
  loaded(): Promise<LmsInstance[]>;
  /**
   * Loads a model. What it really loaded only the list can tell: with an imprecise name `lms load -y` takes the first hit.
   *
   * @throws {UserError} with what lms said, where its exit code says no.
   */
  load(key: string, settings: LmsLoadSettings): Promise<void>;
  /** Its exit code says nothing: 0 for an unknown id too. Only the list can tell. */
  unload(identifier: string): Promise<void>;
}

const QUICK_MS = 90_000; // A daemon that has to be woken takes up to a minute.
const LOAD_MS = 15 * 60_000;

/**
 * Finds `lms`: the path that was given, else on PATH, in LM Studio's home, or in /opt.
 *
 * @throws {UsageError} where a path was given and nothing answers there.
 */
export async function findLms(
  { path, env, read, os, ask: run }: {
    path?: string | undefined;
    env: Env;
    read: (path: string) => Promise<string | undefined>;
    os: typeof Deno.build.os;
    ask: typeof ask;
  },
): Promise<string | undefined> {
  const name = os === "windows" ? "lms.exe" : "lms";
  const places = path
    ? [path]
    : ["lms", join(await lmsHome(env, read), "bin", name), ...(os === "linux" ? ["/opt/lm-studio/bin/lms"] : [])];
  for (const command of places) {
    if ((await run(command, ["version"], QUICK_MS))?.code === 0) return command;
  }
  if (!path) return undefined;
  throw new UsageError(
    `Cannot use --lms-cli-path "${path}": no lms answers there`,
    "It lies in LM Studio's home, as bin/lms; leave the flag out to have it found.",
  );
}

/** `lms` for one server; undefined for a server that it cannot talk to (it speaks plain WebSocket only). */
export function lmsFor(command: string, address: ServerAddress, run: typeof ask): Lms | undefined {
  const url = new URL(address.root);
  if (url.protocol === "https:" || url.pathname !== "/") return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // Given a host it does not act for this machine's user, so it gets one only where it must.
  const where = [...(isLocal(host) ? [] : ["--host", host]), "--port", url.port || "80"];

  const list = async <T>(name: string, schema: z.ZodType<T>): Promise<T[]> => {
    const answer = await run(command, [name, "--json", ...where], QUICK_MS);
    const rows = answer?.code === 0 ? jsonList(answer.stdout) : undefined;
    if (!rows) throw failed(`${command} ${name}`, answer);
    return rows.flatMap((row) => schema.safeParse(row).data ?? []);
  };

  return {
    command,
    models: () => list("ls", Listed),
    loaded: () => list("ps", Running),
    async load(key, { contextLength, identifier, ttlSeconds, parallel }) {
      const flags = [
        "-y",
        ...(contextLength === undefined ? [] : ["--context-length", String(contextLength)]),
        ...(identifier === undefined ? [] : ["--identifier", identifier]),
        ...(ttlSeconds === undefined ? [] : ["--ttl", String(ttlSeconds)]),
        ...(parallel === undefined ? [] : ["--parallel", String(parallel)]),
        ...where,
      ];
      const here = (await this.models()).filter((model) => model.modelKey === key && !model.deviceIdentifier);
      const path = here[0]?.path;
      const exact = path === undefined ? undefined : await run(command, ["load", path, "--exact", ...flags], LOAD_MS);
      if (exact?.code === 0) return;
      // An lms that knows no --exact gets the key, and the list shows what it made of it.
      if (path !== undefined && !/unknown option|unexpected argument/i.test(exact?.stderr ?? "")) {
        throw failed(`${command} load ${path}`, exact);
      }
      const fuzzy = await run(command, ["load", key, ...flags], LOAD_MS);
      if (fuzzy?.code !== 0) throw failed(`${command} load ${key}`, fuzzy);
    },
    async unload(identifier) {
      await run(command, ["unload", identifier, ...where], QUICK_MS);
    },
  };
}

/** True for names of this machine. */
export function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** A JSON array, with or without log lines around it. */
function jsonList(text: string): unknown[] | undefined {
  for (const part of [text, text.slice(text.indexOf("["), text.lastIndexOf("]") + 1)]) {
    try {
      const value: unknown = JSON.parse(part);
      if (Array.isArray(value)) return value;
    } catch {
      continue;
    }
  }
  return undefined;
}

function failed(what: string, answer: Awaited<ReturnType<typeof ask>>): UserError {
  if (!answer) {
    return new UserError(`Cannot run "${what}": it did not start, or did not end in time`, {
      hint: "Does this task have the right to start it (--allow-run)?",
    });
  }
  // deno-lint-ignore no-control-regex
  const plain = (answer.stderr || answer.stdout).replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
  const said = plain.split("\n").map((line) => line.trim()).filter(Boolean).slice(-3).join(" ");
  const code = answer.code === 0 ? "its answer is no list" : `exit code ${answer.code}`;
  return new UserError(`Cannot finish "${what}": ${said || "it said nothing"} (${code})`);
}
