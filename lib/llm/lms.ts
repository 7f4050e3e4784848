import { join } from "node:path";

/**
 * LM Studio's home folder: what `~/.lmstudio-home-pointer` says, else the old `~/.cache/lm-studio` where it exists, else
 * `~/.lmstudio`. (Source: lmstudio-ai/lms, which looks in this order.)
 *
 * @param read Answers a file's text, or undefined where there is none.
 */
export async function lmsHome(
  env: Readonly<Record<string, string>>,
  read: (path: string) => Promise<string | undefined>,
): Promise<string> {
  const home = env.USERPROFILE ?? env.HOME ?? ".";
  const pointer = (await read(join(home, ".lmstudio-home-pointer")))?.trim();
  if (pointer) return pointer;
  const old = join(home, ".cache", "lm-studio");
  return await read(join(old, "settings.json")) === undefined ? join(home, ".lmstudio") : old;
}
