/** What can be read of a base model before it is loaded: its size, its weights on the disk, where its files are. */
import { join } from "node:path";
import { z } from "zod";
import { messageOf, UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import type { Context } from "../../core/step.ts";
import type { BaseModel } from "../base.ts";
import { fetchSmallFiles, snapshotFolder } from "../hub.ts";
import { type ModelShape, parameters, parseShape } from "../model_shape.ts";
import { modelFiles, readSafetensors } from "../safetensors.ts";
import { error, type Finding, ok } from "./finding.ts";

/** A base model as far as it can be read. */
export interface BaseSurvey {
  /** Where config.json and the tokenizer lie; absent where there is no way to them. */
  readonly folder?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly shape?: ModelShape;
  /** Names of the tensors, where the weights are on the disk. */
  readonly tensors?: readonly string[];
  /** Bytes that loading it will fetch. */
  readonly toFetch?: number;
  /** Findings that come of the looking itself. */
  readonly findings: readonly Finding[];
}

const CHECK = "base";

/** Looks at a base model: its folder, or what transformers has fetched of it, or its small files on the hub. */
export async function surveyBase(base: BaseModel, context: Context): Promise<BaseSurvey> {
  if (base.kind !== "hub") return await surveyFolder(base.path, base.name);
  const snapshot = await snapshotFolder(base.path, context.env);
  if (snapshot) {
    const survey = await surveyFolder(snapshot, base.name);
    // A snapshot that was broken off: transformers fetches what is missing.
    if (survey.tensors || !survey.shape) return survey;
  }
  const answer = await fetchSmallFiles(base.path, context);
  if (answer.kind !== "found") {
    const remedy = {
      refused:
        "Check the id; for a model that asks for consent, accept it on its page and set HF_TOKEN, or log in by hf auth login.",
      "no-config": "Choose a model in the format of transformers; a GGUF cannot be trained on.",
      unreachable: "Connect to the hub (HF_ENDPOINT names another one), or name a folder that holds the model.",
    }[answer.kind];
    return { findings: [error(CHECK, `Cannot get the model "${base.name}": ${answer.message}`, remedy)] };
  }
  const { config, shape, findings } = await readConfig(answer.folder, base.name);
  if (!config || !shape) return { findings };
  return { folder: answer.folder, config, shape, toFetch: 2 * parameters(shape).total, findings };
}

async function surveyFolder(folder: string, name: string): Promise<BaseSurvey> {
  if (!await Deno.stat(folder).then((info) => info.isDirectory, () => false)) {
    const remedy =
      "Give the folder of a Hugging Face model, an id of the hub such as Qwen/Qwen2.5-1.5B-Instruct, or tiny; " +
      "a temporal model is merged first.";
    return { findings: [error(CHECK, `There is no model "${name}", neither here nor in the data root`, remedy)] };
  }
  const { config, shape, findings } = await readConfig(folder, name);
  const weights = await surveyWeights(folder, name);
  return {
    folder,
    ...(config ? { config } : {}),
    ...(shape ? { shape } : {}),
    ...(weights.tensors ? { tensors: weights.tensors } : {}),
    findings: [...findings, ...weights.findings],
  };
}

async function readConfig(
  folder: string,
  name: string,
): Promise<{ config?: Record<string, unknown>; shape?: ModelShape; findings: Finding[] }> {
  const path = join(folder, "config.json");
  const fail = (message: string) => ({
    findings: [
      error(CHECK, message, "Name the folder of a model as Hugging Face lays it out, or copy it again."),
    ],
  });
  let config: Record<string, unknown>;
  try {
    config = z.record(z.string(), z.unknown()).parse(JSON.parse(await readTextFile(path)));
  } catch (thrown) {
    if (thrown instanceof UserError) return fail(thrown.message);
    return fail(`Cannot read "${path}": it is no JSON object`);
  }
  try {
    return { config, shape: parseShape(config), findings: [] };
  } catch {
    return fail(`Cannot train "${name}": its config.json does not describe a language model`);
  }
}

/** The weights of a folder: all files there, none cut short. */
async function surveyWeights(
  folder: string,
  name: string,
): Promise<{ tensors?: readonly string[]; findings: Finding[] }> {
  const tensors: string[] = [];
  let bytes = 0;
  try {
    for (const file of await modelFiles(folder)) {
      const path = join(folder, file);
      if (await isPointer(path)) {
        const message = `"${path}" is a pointer of Git LFS, not the weights themselves`;
        return { findings: [error(CHECK, message, "Fetch them: git lfs pull")] };
      }
      for (const [tensor, { start, end }] of await readSafetensors(path)) {
        tensors.push(tensor);
        bytes += end - start;
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return { findings: [error(CHECK, messageOf(thrown), thrown.hint ?? "Copy the model again.")] };
  }
  const message = `"${name}" lies in "${folder}": ${tensors.length} tensors, all whole`;
  return { tensors, findings: [ok(CHECK, message, { facts: { bytes, tensors: tensors.length } })] };
}

async function isPointer(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    const head = new Uint8Array(40);
    const read = await file.read(head);
    return new TextDecoder().decode(head.subarray(0, read ?? 0)).startsWith("version https://git-lfs");
  } catch {
    return false; // It is missing: the reader says so.
  }
}
