/** Which theme each example of a passage is about. */
import { type Coverage, NO_THEME } from "./personas.ts";

/**
 * Chooses a theme for each example, so that all passages together cover the themes as evenly as they can: passages that
 * offer one theme are counted first, and those with a choice then go where fewest examples are. Among equals the
 * strongest theme of the passage.
 *
 * The choice looks at all passages, not at those taken before: a rare theme gets every passage that has it, from the first
 * one on.
 *
 * @param choices The themes that each passage offers, strongest first.
 * @param each Examples of a passage.
 * @param weights How many examples a theme shall have beside the others; what is not named weighs 1.
 * @param made Examples that there are of each theme already.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { allotThemes } from "@/dialogue/plan_themes.ts";
 *
 * const choices = [["utopia", "exploration"], ["utopia"], ["utopia"]];
 * deepEqual(allotThemes(choices, 1), [["exploration"], ["utopia"], ["utopia"]]);
 * ```
 */
export function allotThemes(
  choices: readonly (readonly string[])[],
  each: number,
  weights: ReadonlyMap<string, number> = new Map(),
  made: ReadonlyMap<string, number> = new Map(),
): (readonly string[])[] {
  const counts = new Map(made);
  const fullness = (theme: string) => ((counts.get(theme) ?? 0) + 0.5) / (weights.get(theme) ?? 1);
  const allotted: (readonly string[])[] = new Array(choices.length);
  const share = sharing();
  const byChoice = Int32Array.from(choices, (_, index) => index)
    .sort((a, b) => (choices[a]?.length ?? 0) - (choices[b]?.length ?? 0) || a - b);
  for (const index of byChoice) {
    const offered = choices[index] ?? [];
    const themes: string[] = [];
    while (themes.length < each) {
      let theme = offered[0] ?? NO_THEME;
      for (const other of offered) if (fullness(other) < fullness(theme)) theme = other;
      counts.set(theme, (counts.get(theme) ?? 0) + 1);
      themes.push(theme);
    }
    allotted[index] = share(themes);
  }
  return allotted;
}

/** Examples by theme. */
export function madeOf(covered: Coverage = new Map()): Map<string, number> {
  return new Map([...covered].map(([theme, row]) => [theme, [...row.values()].reduce((sum, count) => sum + count, 0)]));
}

/** Equal lists become one in memory. */
function sharing(): (list: readonly string[]) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (list) => {
    const key = list.join("\n");
    const same = known.get(key);
    if (!same) known.set(key, list);
    return same ?? list;
  };
}
