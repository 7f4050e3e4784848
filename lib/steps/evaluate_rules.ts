import { readTextFile } from "../core/files.ts";
import { count } from "../core/format.ts";
import { readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import { parseThemes } from "../corpus/themes.ts";
import { loadAnachronisms } from "../dialogue/gates_anachronism.ts";
import { loadGateSettings } from "../dialogue/gates_settings.ts";
import { loadPersonas } from "../dialogue/personas.ts";
import type { ScoringRules } from "../evaluation/scoring.ts";
import { temporalRules } from "../evaluation/temporal.ts";
import { styleRules } from "../evaluation/theme.ts";
import { Example } from "../records.ts";
import { exists } from "./evaluate_models.ts";
import type { EvaluateOptions, EvaluatePaths } from "./evaluate_options.ts";

/** What answers are scored by, out of the presets; and what style is held against, in words. */
export async function loadRules(
  options: EvaluateOptions,
  paths: EvaluatePaths,
  context: Context,
): Promise<{ scoring: ScoringRules; exemplars: string }> {
  const [settings, lexicon, themes, { personas }] = await Promise.all([
    loadGateSettings(paths.gates),
    loadAnachronisms(paths.anachronisms),
    readTextFile(paths.themes).then((text) => parseThemes(text, paths.themes)),
    loadPersonas(paths.personas),
  ]);
  const given = options.exemplars ?? (await exists(paths.trained) ? paths.trained : undefined);
  const texts = given === undefined
    ? personas.flatMap(({ sample }) => sample ? [sample] : [])
    : (await Array.fromAsync(readJsonl(given, Example, { signal: context.signal, onTorn: () => {} })))
      .flatMap(({ messages }) => messages.filter(({ role }) => role === "assistant").map(({ content }) => content));
  const style = styleRules(themes, texts);
  const of = given === undefined ? "samples of the personas" : `answers of ${given.split(/[\\/]/).at(-1)}`;
  return {
    scoring: { style, temporal: temporalRules(lexicon, settings.lastYear), repetition: settings.repetition },
    exemplars: `${count(style.exemplars)} ${of}: at most ${(100 * style.densest).toFixed(1)} theme words in a hundred`,
  };
}
