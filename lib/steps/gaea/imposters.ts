/** Imposters and the background: from the user's folder, else those that ship. */
import { basename, join } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { presetPath } from "../../core/paths.ts";
import { type Background, BackgroundFile, makeBackground } from "../../evaluation/style/background.ts";
import { textFilesIn } from "./texts.ts";

export interface Imposters {
  /** One a hand. */
  readonly imposters: readonly { readonly name: string; readonly text: string }[];
  readonly background: Background;
}

/**
 * Texts by other hands: each file of the folder is one, and so is each subfolder with all its files.
 *
 * @throws {UserError} there is no such folder, or it holds no text.
 */
export async function readImposters(folder: string): Promise<Pick<Imposters, "imposters">> {
  const hands = new Map<string, string[]>();
  for (const { path, parts } of await textFilesIn(folder)) {
    const hand = parts[0]?.replace(/\.(?:txt|md)$/i, "") ?? basename(path);
    const texts = hands.get(hand) ?? [];
    texts.push(await readTextFile(path));
    hands.set(hand, texts);
  }
  return { imposters: [...hands].map(([name, texts]) => ({ name, text: texts.join("\n\n") })) };
}

/** The shipped background and imposters, or those of a folder: its features stay those that ship, its figures are its own. */
export async function impostersFrom(folder: string | undefined): Promise<Imposters> {
  const shipped = BackgroundFile.parse(JSON.parse(await readTextFile(presetPath("gaea/background.json"))));
  const { imposters } = await readImposters(folder ?? presetPath("gaea/imposters"));
  if (folder === undefined) {
    return { imposters, background: { ...shipped, source: `${shipped.source}; the latter are the imposters` } };
  }
  if (imposters.length < 2) {
    throw new UsageError(
      `Cannot use --imposters "${folder}": it holds texts of ${imposters.length} hand`,
      "Ten hands or more that write the same kind of book are best: a file or a folder for each.",
    );
  }
  const source = `${imposters.length} texts by other hands from ${join(folder)}, which are the imposters, too`;
  return { imposters, background: makeBackground(imposters.map(({ text }) => text), shipped, source) };
}
