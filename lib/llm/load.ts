/** Loads and unloads models of LM Studio, and believes nothing but the list of what is loaded. */
import { messageOf, UserError } from "../core/errors.ts";
import type { Clock } from "../core/step.ts";
import { errorText } from "./errors.ts";
import type { Lms } from "./lms.ts";
import { chatFault, type Downloaded, type Instance, listing, type Skipped } from "./load_list.ts";
import { type Access, requestJson } from "./load_request.ts";
import type { ServerAddress } from "./server.ts";

export type { Downloaded, Instance, Skipped } from "./load_list.ts";

export interface ModelLoader {
  /** How models are loaded: LM Studio's REST API, `lms`, or not at all (a server with models of its own). */
  readonly means: "rest" | "lms" | "none";
  /** The language models that are on the server's disk, and what was left out. */
  downloaded(): Promise<{ usable: Downloaded[]; skipped: Skipped[] }>;
  /** The language models in memory, with all that is needed to restore them; embedding models are left alone. */
  loaded(): Promise<Instance[]>;
  /**
   * Loads one model, with no other language model beside it, and answers under which name it is there.
   *
   * @throws {UserError} where it does not load, another one loads in its place, or another one does not go.
   * @throws {DOMException} AbortError; what is being loaded then, `restore` waits for.
   */
  loadAlone(key: string, contextLength: number, signal: AbortSignal): Promise<Instance>;
  /** Makes sure that exactly this model is loaded, once: requests can make LM Studio load it again, or another. */
  settle(key: string): Promise<Instance>;
  /** @throws {UserError} where a model does not go. */
  unloadAll(): Promise<void>;
  /**
   * Unloads what was not there before and loads again what was, with the settings that it had.
   *
   * @returns What could not be put back as it was, in words for the user.
   */
  restore(before: readonly Instance[]): Promise<string[]>;
}

const LOAD_MS = 15 * 60_000;
/** Looks at the list after an unload, half a second apart. */
const LOOKS = 40;

/**
 * @param lms Used where the REST API cannot load (LM Studio before 0.4).
 * @throws {UserError} for an LM Studio that can be told to load neither way.
 */
export async function modelLoader(
  { address, access, lms, clock }: { address: ServerAddress; access: Access; lms: Lms | undefined; clock: Clock },
): Promise<ModelLoader> {
  const first = await listing(address, access, lms);
  let means: ModelLoader["means"] = first.api === "v1" ? "rest" : lms && first.lmstudio ? "lms" : "none";
  if (means === "none" && first.lmstudio) throw noWay(address);
  let pending: Promise<unknown> = Promise.resolve();

  const loaded = async () => (await listing(address, access, lms)).instances;

  async function load(key: string, settings: Record<string, unknown>): Promise<void> {
    if (means === "rest") {
      const body = await requestJson(address, access, "/api/v1/models/load", {
        body: { model: key, ...settings, echo_load_config: true },
        timeoutMs: LOAD_MS,
      });
      if (typeof body === "object" && body !== null && "status" in body && body.status === "loaded") return;
      const { message } = errorText(body);
      if (!/unexpected endpoint/i.test(message)) {
        throw new UserError(`Cannot load "${key}": ${message || "LM Studio's answer is in no known shape"}`);
      }
      if (!lms) throw noWay(address);
      means = "lms";
    }
    const { context_length: contextLength } = settings;
    await lms?.load(key, typeof contextLength === "number" ? { contextLength } : {}).catch((error) => {
      throw new UserError(`Cannot load "${key}": ${messageOf(error)}`, { cause: error });
    });
  }

  async function unload({ id, key }: Instance): Promise<void> {
    const there = async () => (await loaded()).some((instance) => instance.id === id);
    if (means === "rest") {
      await requestJson(address, access, "/api/v1/models/unload", { body: { instance_id: id } });
    }
    if (means === "lms") await lms?.unload(id);
    for (let look = 0; look < LOOKS; look++) {
      if (!await there()) return;
      // An answer without an error is no proof, and an error no disproof; the other way may work where this one did not.
      if (look === 4 && means === "rest") await lms?.unload(id);
      await clock.sleep(500);
    }
    throw new UserError(`Cannot unload "${key}": LM Studio still lists it as "${id}"`, {
      hint: "Eject it in LM Studio, then run again.",
    });
  }

  async function unloadAll(): Promise<void> {
    if (means === "none") return;
    for (const instance of await loaded()) await unload(instance);
  }

  async function settle(key: string): Promise<Instance> {
    if (means === "none") return { id: key, key, config: {} };
    for (let round = 0; round < 3; round++) {
      const instances = await loaded();
      const [right, ...again] = instances.filter((instance) => instance.key === key);
      const others = instances.filter((instance) => instance.key !== key);
      if (!right) {
        const instead = others.map((other) => `"${other.key}"`).join(", ");
        throw new UserError(
          `Cannot load "${key}": LM Studio ${instead ? `loaded ${instead} instead` : "does not list it as loaded"}`,
        );
      }
      if (again.length === 0 && others.length === 0) return right;
      for (const instance of [...again, ...others]) await unload(instance);
    }
    throw new UserError(`Cannot measure "${key}" alone: LM Studio keeps loading other models beside it`, {
      hint: "Stop other programs that use this server, or switch off loading on demand (JIT) in LM Studio.",
    });
  }

  async function bringBack(instance: Instance): Promise<void> {
    const { id, key, config, ttlMs } = instance;
    const number = (name: string) => typeof config[name] === "number" ? config[name] : undefined;
    // Only lms can give a name or a time to live; REST can give all the rest.
    if (lms && (means === "lms" || id !== key || ttlMs)) {
      return await lms.load(key, {
        contextLength: number("context_length"),
        parallel: number("parallel"),
        ...(id === key ? {} : { identifier: id }),
        ...(ttlMs ? { ttlSeconds: Math.ceil(ttlMs / 1000) } : {}),
      });
    }
    await load(key, config).catch(async () => {
      // `parallel` is reported by LM Studio, but not documented as something that may be asked for.
      const context_length = number("context_length");
      await load(key, context_length === undefined ? {} : { context_length });
    });
  }

  return {
    get means() {
      return means;
    },
    async downloaded() {
      const { api, models } = await listing(address, access, lms);
      // REST says nothing of models on linked machines; lms does.
      const linked = api === "v1" ? await lms?.models().catch(() => []) : [];
      const remote = new Set(linked?.flatMap((model) => model.deviceIdentifier ? [model.modelKey] : []));
      const usable: Downloaded[] = [];
      const skipped: Skipped[] = [];
      for (const model of models) {
        const reason = chatFault({ ...model, remote: model.remote || remote.has(model.key) });
        if (reason) skipped.push({ key: model.key, reason });
        else usable.push(model);
      }
      return { usable, skipped };
    },
    async loaded() {
      const instances = await loaded();
      const told = means === "rest" && instances.length > 0 ? await lms?.loaded().catch(() => []) : [];
      return instances.map((instance) => {
        const ttlMs = told?.find(({ identifier }) => identifier === instance.id)?.ttlMs;
        return ttlMs ? { ...instance, ttlMs } : instance;
      });
    },
    async loadAlone(key, contextLength, signal) {
      signal.throwIfAborted();
      await unloadAll();
      signal.throwIfAborted();
      if (means !== "none") {
        const loading = load(key, { context_length: contextLength });
        pending = loading.catch(() => {});
        await untilAborted(loading, signal);
      }
      return await settle(key);
    },
    settle,
    unloadAll,
    async restore(before) {
      await pending; // A load that was under way at Ctrl-C ends in memory all the same.
      if (means === "none") return [];
      const same = (a: Instance, b: Instance) =>
        a.id === b.id && a.key === b.key && a.config.context_length === b.config.context_length;
      const problems: string[] = [];
      const trying = (work: Promise<void>) => work.catch((error) => void problems.push(messageOf(error)));
      for (const now of await loaded()) if (!before.some((was) => same(was, now))) await trying(unload(now));
      for (const was of before) {
        if ((await loaded()).some((now) => same(was, now))) continue;
        await trying(bringBack(was));
        const now = await loaded();
        if (now.some(({ id, key }) => id === was.id && key === was.key)) continue;
        problems.push(
          now.some(({ key }) => key === was.key)
            ? `"${was.key}" is loaded again, but not under its name "${was.id}"`
            : `"${was.key}" was loaded before and is not any more`,
        );
      }
      return problems;
    },
  };
}

function noWay({ shown }: ServerAddress): UserError {
  return new UserError(`Cannot load models: LM Studio at ${shown} has no REST call for it, and lms was not found`, {
    hint: "Update LM Studio to 0.4 or newer, or name its command line by --lms-cli-path.",
  });
}

/** The promise's outcome, or the abort, whichever comes first; the promise goes on. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
