import { readJsonc } from "../core/jsonc.ts";
import { ThemeFile } from "../corpus/themes.ts";

/** Themes whose patterns match a text: whole words, case-insensitive. */
export async function themeMatcher(path: string): Promise<(text: string) => string[]> {
  const { categories } = await readJsonc(path, ThemeFile);
  const patterns = Object.entries(categories).map(([name, { patterns }]) => {
    const sources = patterns.map((entry) => typeof entry === "string" ? entry : entry.pattern);
    const any = sources.map((source) => source.replaceAll(" ", "\\s+")).join("|");
    return { name, pattern: new RegExp(`(?<![\\p{L}\\p{N}])(?:${any})(?![\\p{L}\\p{N}])`, "iu") };
  });
  return (text) => patterns.filter(({ pattern }) => pattern.test(text)).map(({ name }) => name);
}
