/** What a generation asks: passages, personas, prompts and the mix, opened by the options that choose them. */
import { UsageError, UserError } from "../core/errors.ts";
import { readTextFile } from "../core/files.ts";
import { readJsonl } from "../core/jsonl.ts";
import type { Context } from "../core/step.ts";
import { parseThemes, type Themes } from "../corpus/themes.ts";
import { createMixPlan, loadRecipe, type MixPlan, type Recipe, scaleRecipe, wholeRecipe } from "../dialogue/mix.ts";
import { joinPassages, openPassages, type Passages, passagesOf } from "../dialogue/passages.ts";
import { choosePersonas, type Coverage, loadPersonas, type Persona, personaWeights } from "../dialogue/personas.ts";
import { planAssignments, type PlannedAssignment, type PlanOptions, planSize } from "../dialogue/plan.ts";
import { speakers } from "../dialogue/plan_queues.ts";
import { loadPrompts, type PromptFile } from "../dialogue/prompt.ts";
import { readSources, type SourceChunk } from "../dialogue/sources.ts";
import { gapChunks, loadTopics } from "../dialogue/topics.ts";
import { ExampleSource } from "../records.ts";
import { isPath, planPaths, type PlanStepOptions, type SourcePath } from "./generate_plan_options.ts";

/** All that decides what is asked, ready. */
export interface OpenPlan extends AsyncDisposable {
  readonly personas: readonly Persona[];
  readonly prompts: PromptFile;
  readonly themes: Themes;
  /** The recipe, where the run has one. */
  readonly recipe: Recipe | undefined;
  /** At most. */
  readonly size: { readonly chunks: number; readonly examples: number };
  /** A new account of the recipe; `surplus` as in createMixPlan. */
  account(surplus?: ReadonlyMap<string, number>): MixPlan | undefined;
  /**
   * The plan from its beginning; may be followed any number of times. With a recipe it needs an account, which is told
   * of every verdict.
   */
  assignments(run?: { mix?: MixPlan | undefined; limit?: number | undefined }): AsyncGenerator<PlannedAssignment>;
}

/**
 * Reads and checks everything once, so that faults show before the first request; drops are told.
 *
 * @throws {UserError} a file cannot be read or holds a fault (`file:line`), an option does not fit, or no passage is left.
 */
export async function openPlan(options: PlanStepOptions, context: Context): Promise<OpenPlan> {
  const paths = planPaths(options, context.env);
  const [personaFile, prompts, themes, recipe] = await Promise.all([
    loadPersonas(paths.personas),
    loadPrompts(paths.prompts),
    readTextFile(paths.themes).then((text) => parseThemes(text, paths.themes)),
    openRecipe(paths.mix, options.maxExamples),
  ]);
  const personas = choosePersonas(personaFile.personas, options.personas.filter((entry) => !isPath(entry)));
  const weights = personaWeights(personas, options.personaWeights);
  for (const component of (recipe ?? wholeRecipe()).components) {
    speakers(component, { personas, weights, examplesPerChunk: options.examplesPerChunk });
  }
  const covered = options.covered === undefined ? undefined : await coverageOf(options.covered, context);

  const sources = withGaps(paths, recipe);
  const parts: Passages[] = [];
  try {
    for (const source of sources) parts.push(await openSource(source, { options, themes, context }));
    const passages = joinPassages(parts);
    const plan: PlanOptions = {
      passages,
      personas,
      weights,
      seed: options.seed,
      examplesPerChunk: options.examplesPerChunk,
      order: options.order,
      themes: themes.categories,
      maxChunks: options.maxChunks,
      signal: context.signal,
      ...(covered ? { covered } : {}),
    };
    const account = (surplus?: ReadonlyMap<string, number>) => recipe && createMixPlan(recipe, surplus);
    const mix = account();
    const size = planSize({ ...plan, ...(mix ? { mix } : {}) });
    if (size.chunks === 0) throw nothing(sources, options.minAlignment);
    return {
      personas,
      prompts,
      themes,
      recipe,
      size,
      account,
      assignments: ({ mix, limit } = {}) => planAssignments({ ...plan, limit, ...(mix ? { mix } : {}) }),
      [Symbol.asyncDispose]: () => passages[Symbol.asyncDispose](),
    };
  } catch (error) {
    await joinPassages(parts)[Symbol.asyncDispose]();
    throw error;
  }
}

async function openRecipe(path: string | undefined, maxExamples: number | undefined): Promise<Recipe | undefined> {
  if (path === undefined) return maxExamples === undefined ? undefined : wholeRecipe(maxExamples);
  const recipe = await loadRecipe(path);
  const least = recipe.components.length;
  if (maxExamples === undefined) return recipe;
  if (maxExamples >= least) return scaleRecipe(recipe, maxExamples);
  throw new UsageError(`Cannot use --max-examples ${maxExamples} with "${path}": it has ${least} components`);
}

/** A recipe that draws on gaps has its topics without being asked. */
function withGaps({ sources, topics }: ReturnType<typeof planPaths>, recipe: Recipe | undefined): SourcePath[] {
  const wanted = recipe?.components.some((component) => component.sources.includes("gap")) === true;
  return wanted && !sources.some(({ kind }) => kind === "gap") ? [...sources, { kind: "gap", path: topics }] : sources;
}

/** All sources of a plan, as {@linkcode openPlan} finds them. */
export async function planSources(options: PlanStepOptions, env: Context["env"]): Promise<SourcePath[]> {
  const paths = planPaths(options, env);
  return withGaps(paths, await openRecipe(paths.mix, options.maxExamples));
}

/** The passages of a source that is not the corpus: few enough to be held. */
export async function sourceChunks(
  { kind, path }: SourcePath,
  { seed, themes, context }: { seed: number; themes: Themes; context: Context },
): Promise<SourceChunk[]> {
  if (kind === "gap") return gapChunks(await loadTopics(path), seed);
  if (kind === "gutenberg") throw new RangeError("the corpus is read from its file");
  return await Array.fromAsync(
    readSources(kind, path, { themes, onDrop: dropTeller(context), signal: context.signal }),
  );
}

function dropTeller({ emit }: Context) {
  return ({ reason, id, detail }: { reason: string; id: string; detail: string }) =>
    emit({ type: "drop", reason, count: 1, id, detail });
}

async function openSource(
  source: SourcePath,
  { options, themes, context }: {
    options: PlanStepOptions;
    themes: Themes;
    context: Context;
  },
): Promise<Passages> {
  if (source.kind !== "gutenberg") {
    return passagesOf(await sourceChunks(source, { seed: options.seed, themes, context }));
  }
  const { minAlignment } = options;
  return await openPassages(source.path, { signal: context.signal, minAlignment, onDrop: dropTeller(context) });
}

/** Counts a dataset's examples by theme and persona. */
async function coverageOf(path: string, { signal }: Context): Promise<Coverage> {
  const covered = new Map<string, Map<string, number>>();
  for await (const { persona, themes: [theme] } of readJsonl(path, ExampleSource, { signal })) {
    if (theme === undefined) continue;
    const row = covered.get(theme) ?? new Map<string, number>();
    covered.set(theme, row.set(persona, (row.get(persona) ?? 0) + 1));
  }
  return covered;
}

function nothing(sources: readonly SourcePath[], minAlignment: number | undefined): UserError {
  const paths = sources.map(({ path }) => `"${path}"`).join(", ");
  return new UserError(`Cannot generate from ${paths}: it holds no passages`, {
    hint: minAlignment === undefined
      ? "Run filter with a lower --min-matches, retrieve more books, or name further --sources."
      : `Lower --min-alignment ${minAlignment}, or name further --sources.`,
  });
}
