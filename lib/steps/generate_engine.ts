/** Chooses who answers, and looks at the server before hours are spent on it. */
import { UserError } from "../core/errors.ts";
import type { Context } from "../core/step.ts";
import type { ChatEngine } from "../llm/chat.ts";
import { ChatError, modelHint } from "../llm/errors.ts";
import { listModels } from "../llm/models.ts";
import { openaiEngine } from "../llm/openai.ts";
import { rehearsalEngine } from "../llm/rehearsal.ts";
import { apiToken, lmstudioAddress } from "../llm/server.ts";
import type { GenerateOptions } from "./generate_options.ts";

/** @throws {UsageError} an address that is none. */
export function engineFor(options: GenerateOptions, context: Context): ChatEngine {
  if (options.engine === "rehearsal") return rehearsalEngine();
  return openaiEngine({
    address: lmstudioAddress(options, context.env),
    model: options.lmstudioModel,
    fetch: context.fetch,
    token: apiToken(context.env),
  });
}

/**
 * Checks that the server is there and has the model.
 *
 * @throws {UserError} when nobody answers, or LM Studio does not have the model.
 */
export async function checkServer(options: GenerateOptions, context: Context): Promise<void> {
  if (options.engine === "rehearsal") return;
  const address = lmstudioAddress(options, context.env);
  const wanted = options.lmstudioModel;
  const warn = (message: string) => context.emit({ type: "log", level: "warn", message });
  const list = await listModels(address, { fetch: context.fetch, token: apiToken(context.env), signal: context.signal })
    .catch((error) => {
      if (error instanceof ChatError && error.kind === "not_found") return undefined;
      throw error;
    });
  if (!list) return warn(`${address.shown} lists no models; whether it has "${wanted}" will show`);
  const usable = list.models.filter((model) => model.kind !== "embedding");
  const model = list.models.find(({ id, instances }) => id === wanted || instances.includes(wanted));
  const names = usable.map(({ id }) => id).join(", ") || "none";
  if (model?.kind === "embedding") {
    throw new UserError(`Cannot generate with "${wanted}": it makes embeddings, not answers`, {
      exitCode: 2,
      hint: `${address.shown} has ${names}.`,
    });
  }
  if (!model && list.api === "openai") {
    // llama-server answers to any name; others will say so on the first request.
    return warn(`${address.shown} does not list "${wanted}"; it has ${names}`);
  }
  if (!model) {
    throw new UserError(`Cannot generate with "${wanted}": LM Studio at ${address.shown} does not have it`, {
      hint: `It has ${names}. ${modelHint(wanted)}`,
    });
  }
  if (model.loaded === false) {
    context.emit({ type: "log", level: "info", message: `LM Studio will load "${wanted}" on the first request` });
  }
}
