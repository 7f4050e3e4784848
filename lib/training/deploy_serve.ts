/** Whether a server sees, loads and answers with a model whose file was just put into its folder. */
import { messageOf } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import type { Lms } from "../llm/lms.ts";
import { listing } from "../llm/load_list.ts";
import { requestJson } from "../llm/load_request.ts";
import { ChatError } from "../llm/errors.ts";
import { openaiEngine } from "../llm/openai.ts";
import type { ServerAddress } from "../llm/server.ts";
import { type Finding, ok, warning } from "./preflight/finding.ts";

export interface DeployServer {
  readonly address: ServerAddress;
  readonly token: string | undefined;
  /** Where it is there. */
  readonly lms: Lms | undefined;
}

export interface DeployModel {
  /** `publisher/model/file.gguf`. */
  readonly place: string;
  readonly publisher: string;
  readonly name: string;
  readonly contextLength: number;
  readonly system: string | undefined;
  readonly greeting: string;
}

export interface DeployAnswer {
  readonly findings: readonly Finding[];
  /** The model's name in requests, where the server lists it. */
  readonly key: string | undefined;
  readonly greeting: { readonly asked: string; readonly answer: string } | undefined;
}

/** Looks at the list after a copy, two seconds apart: LM Studio's index takes its time with new files. */
const LOOKS = 30;

/**
 * Finds the model in the server's list, loads it and has it answer once. Never throws for what the server does.
 *
 * @param options.replaced The file is another one than before: what is in memory under its name is old.
 */
export async function tryModel(
  server: DeployServer,
  model: DeployModel,
  { load, replaced }: { load: boolean; replaced: boolean },
  context: Context,
): Promise<DeployAnswer> {
  const findings: Finding[] = [];
  const ended = (key?: string) => ({ findings, key, greeting: undefined });
  const problem = (check: string, message: string, remedy: string) => findings.push(warning(check, message, remedy));
  let key: string | undefined;
  try {
    key = await findKey(server, model, context);
  } catch (error) {
    context.signal.throwIfAborted();
    problem("seen", messageOf(error), "Start LM Studio's server (lms server start), then run this again.");
    return ended();
  }
  if (key === undefined) {
    const remedy = "Is it the LM Studio whose folder this is? Restart it: it looks through its folder then.";
    problem("seen", `${server.address.shown} does not list "${model.place}"`, remedy);
    return ended();
  }
  findings.push(ok("seen", `${server.address.shown} lists it as "${key}"`));
  if (!load) return ended(key);
  let name = key;
  try {
    name = await loadModel(server, model, key, replaced, context);
    findings.push(ok("loaded", `loaded as "${name}"`));
  } catch (error) {
    context.signal.throwIfAborted();
    problem("loaded", messageOf(error), "Load it in LM Studio, and look at what it says there.");
    return ended(key);
  }
  try {
    const answer = await greet(server, model, name, context);
    const marks = /<\|?(?:im_start|im_end|start_header_id|eot_id|\/?s)\|?>/.exec(answer)?.[0];
    if (marks === undefined) findings.push(ok("greeting", "it answered"));
    else {problem(
        "greeting",
        `its answer holds the mark ${marks}`,
        "The server uses another chat template than the GGUF's.",
      );}
    return { findings, key, greeting: { asked: model.greeting, answer } };
  } catch (error) {
    context.signal.throwIfAborted();
    problem("greeting", messageOf(error), "Ask it in LM Studio; evaluate before you trust it.");
    return ended(key);
  }
}

async function findKey(
  { address, token, lms }: DeployServer,
  { place, publisher, name }: DeployModel,
  { fetch, clock, signal, emit }: Context,
): Promise<string | undefined> {
  for (let look = 0; look < LOOKS; look++) {
    signal.throwIfAborted();
    // lms knows paths; a path is certain where a name is a guess.
    const listed = await lms?.models().catch(() => undefined);
    const exact = listed?.find(({ path, deviceIdentifier }) =>
      !deviceIdentifier && path !== undefined && samePath(path, place)
    );
    if (exact) return exact.modelKey;
    const { models } = await listing(address, { fetch, token }, lms);
    const keys = models.filter(({ remote }) => !remote).map(({ key }) => key);
    const full = `${publisher}/${name}`;
    const fits = [full, name, place].map((wanted) => keys.find((key) => same(key, wanted)))
      .find((key) => key !== undefined);
    if (fits !== undefined) return fits;
    emit({ type: "progress", label: "waiting for the model in the list", done: look + 1, total: LOOKS });
    await clock.sleep(2000, signal);
  }
  return undefined;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Some lists give the path within the models folder, some the whole of it. */
function samePath(path: string, place: string): boolean {
  const plain = path.replaceAll("\\", "/").toLowerCase();
  return plain === place.toLowerCase() || plain.endsWith(`/${place.toLowerCase()}`);
}

/** Answers the name of the loaded instance. No other model is unloaded: what is in memory is its user's. */
async function loadModel(
  { address, token, lms }: DeployServer,
  { contextLength }: DeployModel,
  key: string,
  replaced: boolean,
  { fetch }: Context,
): Promise<string> {
  const access = { fetch, token };
  const running = async () => (await listing(address, access, lms)).instances.find((instance) => instance.key === key);
  const before = await running();
  if (before && !replaced) return before.id;
  if (before && lms) await lms.unload(before.id);
  else if (before) await requestJson(address, access, "/api/v1/models/unload", { body: { instance_id: before.id } });
  if (lms) await lms.load(key, { contextLength });
  else {
    const body = { model: key, context_length: contextLength, echo_load_config: true };
    await requestJson(address, access, "/api/v1/models/load", { body, timeoutMs: 15 * 60_000 });
  }
  // What it says is no proof; a server without a list of what is loaded loads when it is asked.
  const list = await listing(address, access, lms);
  const now = list.instances.find((instance) => instance.key === key);
  if (now) return now.id;
  if (list.api === "openai") return key;
  const instead = list.instances.map(({ key }) => `"${key}"`).join(", ");
  throw new Error(`"${key}" is not among what is loaded${instead ? ` (${instead})` : ""}`);
}

async function greet(
  { address, token }: DeployServer,
  { system, greeting }: DeployModel,
  name: string,
  { fetch, signal }: Context,
): Promise<string> {
  const engine = openaiEngine({ address, model: name, fetch, ...(token === undefined ? {} : { token }) });
  const messages = [
    ...system === undefined ? [] : [{ role: "system" as const, content: system }],
    { role: "user" as const, content: greeting },
  ];
  const request = { messages, temperature: 0.7, maxTokens: 200, seed: 1969 };
  return await engine.chat(request, signal).then(({ content }) => content, (error) => {
    // Who talks on has answered.
    if (error instanceof ChatError && error.kind === "truncated" && error.partial) return error.partial;
    throw error;
  });
}
