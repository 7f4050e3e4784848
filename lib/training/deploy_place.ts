/** Where LM Studio keeps its models, and how a file gets there. */
import { dirname, join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { fileError, sha256File, tempPath } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { lmsHome } from "../llm/lms.ts";

const Settings = z.object({ downloadsFolder: z.string().min(1).optional().catch(undefined) });

/**
 * LM Studio's folder of models: what its settings name, else `models` in its home.
 *
 * @param options.expected False: answers where it would be, too.
 * @throws {UsageError} where LM Studio was never run by this user.
 */
export async function lmstudioModels(
  { env }: Pick<Context, "env">,
  { expected = true }: { expected?: boolean } = {},
): Promise<string> {
  const read = (path: string) => Deno.readTextFile(path).catch(() => undefined);
  const home = await lmsHome(env, read);
  if (expected && !await Deno.stat(home).then(() => true, () => false)) {
    throw new UsageError(
      `Cannot find LM Studio: there is no "${home}"`,
      "Start LM Studio once, name its models folder by --models-dir, or write the other files only by --no-lmstudio.",
    );
  }
  let settings: unknown;
  try {
    settings = JSON.parse(await read(join(home, "settings.json")) ?? "{}");
  } catch {
    settings = {}; // It is LM Studio's own; its default holds.
  }
  return Settings.safeParse(settings).data?.downloadsFolder ?? join(home, "models");
}

/** A part of a path that is a name, on any system. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The place of a model: exactly `publisher/model/file.gguf`, for LM Studio looks no deeper and no shallower.
 *
 * @throws {UsageError} for names that are none.
 */
export function lmstudioPlace(models: string, publisher: string, model: string): { path: string; key: string } {
  const faults = Object.entries({ publisher, "model-name": model }).filter(([, name]) => !NAME.test(name)).map((
    [flag, name],
  ) => `Cannot use --${flag} "${name}": valid are letters, digits, dot, dash and underscore`);
  if (faults.length > 0) throw new UsageError(faults);
  const file = `${model}.gguf`;
  return { path: join(models, publisher, model, file), key: `${publisher}/${model}/${file}` };
}

/** What copying to `target` would do. */
export async function copyAction(
  source: { sha256: string },
  target: string,
): Promise<"copy" | "there already" | "replace"> {
  const info = await Deno.stat(target).catch(() => undefined);
  if (!info) return "copy";
  if (info.isDirectory) throw new UsageError(`Cannot write "${target}": a folder of that name stands there`);
  return await sha256File(target) === source.sha256 ? "there already" : "replace";
}

/**
 * Copies a file under another name first, reads the copy again, and gives it its name when the checksum is right.
 *
 * @throws {UserError} a copy that differs, a disk that is full, no permission.
 */
export async function copyVerified(source: { path: string; sha256: string }, target: string): Promise<void> {
  const temp = tempPath(target);
  try {
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.copyFile(source.path, temp);
    {
      using file = await Deno.open(temp, { read: true, write: true });
      await file.sync();
    }
    const copied = await sha256File(temp);
    if (copied !== source.sha256) {
      throw new UserError(`Cannot copy "${source.path}" to "${target}": the copy has another checksum`, {
        hint: "The disk may be failing, or the file changed meanwhile; run again.",
      });
    }
    await Deno.rename(temp, target);
  } catch (error) {
    throw fileError("write", target, error);
  } finally {
    await Deno.remove(temp).catch(() => {});
  }
}
