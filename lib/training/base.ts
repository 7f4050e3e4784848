import { join, resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import type { Context } from "../core/step.ts";

/** A model that is trained on, merged into or compared with. */
export interface BaseModel {
  /** `tiny`: the one that Voiceworks makes itself. */
  readonly kind: "tiny" | "folder" | "hub";
  /** As it was asked for. */
  readonly name: string;
  /** Its folder, or its id on the hub. */
  readonly path: string;
}

const HUB_ID = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;
/** First parts of a path that no owner on the hub is meant by: `output/merged-temporal-qwen`. */
const FOLDERS = new Set(["output", "models", "data"]);

/**
 * The model that a name means: `tiny` (made first where it is missing), a folder, a folder below the data root, or an
 * id of the hub.
 *
 * @throws {UsageError} a folder that is not there.
 */
export async function resolveBase(name: string, dataRoot: string, context: Context): Promise<BaseModel> {
  if (name === "tiny") {
    const { makeTinyBase } = await import("./tiny_base.ts"); // It cleans books: others need not load all of that.
    return { kind: "tiny", name, path: await makeTinyBase(context) };
  }
  for (const path of [resolve(name), resolve(join(dataRoot, name))]) {
    if ((await Deno.stat(path).catch(() => undefined))?.isDirectory) return { kind: "folder", name, path };
  }
  if (HUB_ID.test(name) && !FOLDERS.has(name.split("/")[0] ?? "")) return { kind: "hub", name, path: name };
  throw new UsageError(
    `Cannot find the model "${name}": there is no such folder, neither here nor in "${dataRoot}"`,
    "Give the folder of a Hugging Face model, an id of the hub such as Qwen/Qwen2.5-1.5B-Instruct, or tiny.",
  );
}

/**
 * What tells a base from another one without reading it whole: SHA-256 over its config.json and the names and sizes of
 * its weights. Undefined for what is not there, and for models of the hub: their version is known once they are loaded.
 */
export async function baseMark({ kind, path }: BaseModel): Promise<string | undefined> {
  if (kind === "hub" || !(await Deno.stat(path).catch(() => undefined))?.isDirectory) return undefined;
  const files: string[] = [];
  for await (const { name } of Deno.readDir(path)) {
    if (/\.(safetensors|bin)$/.test(name)) files.push(`${name} ${(await Deno.stat(join(path, name))).size}`);
  }
  const config = await Deno.readTextFile(join(path, "config.json")).catch(() => "");
  return sha256(JSON.stringify([config, files.sort()]));
}
