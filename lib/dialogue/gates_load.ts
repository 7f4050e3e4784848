/** Reads what the gates need from the presets. */
import { readTextFile } from "../core/files.ts";
import { presetPath } from "../core/paths.ts";
import { parseThemes, type Themes } from "../corpus/themes.ts";
import { compileGates, type GateRules } from "./gates.ts";
import { loadAnachronisms } from "./gates_anachronism.ts";
import { loadEvaluation } from "./gates_evaluation.ts";
import { loadGateSettings } from "./gates_settings.ts";
import { loadSlop } from "./gates_slop.ts";

/** The files that the gates read. */
export interface GateFiles {
  readonly gates: string;
  readonly themes: string;
  readonly anachronisms: string;
  readonly slop: string;
  readonly evaluation: string;
}

/** Paths as given, else those of the preset `deepred`. */
export function gateFiles(given: { readonly [Name in keyof GateFiles]?: string | undefined }): GateFiles {
  return {
    gates: given.gates ?? presetPath("deepred/gates.jsonc"),
    themes: given.themes ?? presetPath("deepred/themes.jsonc"),
    anachronisms: given.anachronisms ?? presetPath("deepred/anachronisms.jsonc"),
    slop: given.slop ?? presetPath("deepred/slop.jsonc"),
    evaluation: given.evaluation ?? presetPath("deepred/evaluation.jsonc"),
  };
}

/**
 * Reads and compiles the gates.
 *
 * @param themes Compiled themes, where they are at hand; else the file is read.
 * @throws {UsageError} with every fault, each as `file:line`; {UserError} where a file cannot be read.
 */
export async function loadGates(files: GateFiles, themes?: Themes): Promise<GateRules> {
  const [settings, anachronisms, slop, evaluation, compiled] = await Promise.all([
    loadGateSettings(files.gates),
    loadAnachronisms(files.anachronisms),
    loadSlop(files.slop),
    loadEvaluation(files.evaluation),
    themes ?? readTextFile(files.themes).then((text) => parseThemes(text, files.themes)),
  ]);
  return compileGates({ settings, themes: compiled, anachronisms, slop, evaluation });
}
