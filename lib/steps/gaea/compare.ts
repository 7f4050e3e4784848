/** The tuned model beside its base: how much of the author's voice it has, by five targets and three gates. */
import { dirname, join } from "node:path";
import { z } from "zod";
import { messageOf, UsageError } from "../../core/errors.ts";
import { sha256File, writeFileAtomic } from "../../core/files.ts";
import { type Context, defineStep } from "../../core/step.ts";
import { compareStyle } from "../../evaluation/style/compare.ts";
import { loadTagger } from "../../evaluation/style/tagger.ts";
import { comparisonPage } from "../../view/style_page.ts";
import { readAuthor } from "./compare_author.ts";
import { askLanguageModel } from "./compare_coherence.ts";
import type { ComparisonFile, Source } from "./compare_file.ts";
import { judgeCoherence } from "./compare_judge.ts";
import { comparisonText } from "./compare_report.ts";
import { checkText, readSystems } from "./compare_systems.ts";
import { impostersFrom } from "./imposters.ts";
import { gaeaPaths } from "./paths.ts";
import { newestVoices } from "./voice_files.ts";

export { comparisonText } from "./compare_report.ts";

const options = z.object({
  latest: z.boolean().default(false).describe(
    "Compare the newest baseline and finetuned continuations of gaea:voice; the default where neither --base nor --tuned is given",
  ),
  base: z.string().optional().describe("What the base model wrote: continuations (JSON Lines), or a text"),
  tuned: z.string().optional().describe("What the tuned model wrote, of the same prompts where they are known"),
  author: z.string().optional().describe(
    "The author's own: training examples (JSON Lines), a text, or a folder of texts, with train/, ref/ and hold/ in it where you dealt them; default: <data-dir>/gaea/processed/visions_training.jsonl",
  ),
  validation: z.string().optional().describe(
    "Held-out examples, where the author's own are training examples; default: validation.jsonl beside them",
  ),
  imposters: z.string().optional().describe(
    "Folder of texts by ten or more other hands that write the same kind of book, a file or a folder each; default: twelve short ones that ship",
  ),
  coherenceModel: z.string().optional().describe(
    "GGUF of a language model that is neither base nor tuned: a sharper test of coherence, by llama-perplexity",
  ),
  judgeModel: z.string().optional().describe(
    "Let this model mark how well the tuned model's text holds together, from 1 to 5; 3 are needed. Best of another family",
  ),
  judgeUrl: z.string().default("http://localhost:1234").describe("Its server, OpenAI-compatible"),
  judgeSamples: z.int().min(1).max(15).default(3).describe("Readings of the judge for each text"),
  concurrency: z.int().min(1).default(4).describe("Questions to the judge at a time"),
  minWords: z.int().min(500).default(5000).describe("Words of each side below which nothing is claimed"),
  resamples: z.int().min(100).max(20_000).default(1000).describe("Draws of the bootstrap"),
  seed: z.int().min(0).default(1969).describe("Draws samples and held-out text"),
  output: z.string().optional().describe(
    "Outcome (JSON); a page with pictures goes beside it, as .html; default: <data-dir>/gaea/benchmarks/comparison.json",
  ),
  page: z.boolean().default(true).describe("Also write the page"),
  overwrite: z.boolean().default(false).describe("Replace an existing outcome"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type CompareOptions = z.output<typeof options>;

export interface CompareResult {
  readonly comparison: ComparisonFile;
  readonly output: string;
  readonly page: string | undefined;
}

/** Compares base and tuned with the author, and says of each target whether it is met. */
export const compare = defineStep({
  name: "gaea:compare",
  summary: "Measures how much of the author's voice the tuned model has taken on, target by target",
  options,
  files(options, { env }) {
    const { base, tuned, author, validation, output, page } = pathsOf(options, env);
    return {
      reads: [base, tuned, author, ...(isExamples(author) ? [validation] : []), options.imposters].filter((path) =>
        path !== undefined
      ),
      writes: options.page ? [output, page] : [output],
    };
  },
  async run(options, context): Promise<CompareResult> {
    const paths = pathsOf(options, context.env);
    checkUse(options);
    if (!options.overwrite && await Deno.stat(paths.output).then(() => true, () => false)) {
      throw new UsageError(
        `Cannot write "${paths.output}": it exists already`,
        "Compare anew by --overwrite, or name --output.",
      );
    }
    const { base, tuned } = paths.base !== undefined && paths.tuned !== undefined
      ? { base: paths.base, tuned: paths.tuned }
      : await newestVoices(paths.benchmarks);
    const { seed, resamples, minWords: leastWords } = options;
    const [author, systems, { imposters, background }, tag] = await Promise.all([
      readAuthor({ author: paths.author, validation: paths.validation, leastWords, seed }, context),
      readSystems({ base, tuned }, context),
      impostersFrom(options.imposters),
      loadTagger(),
    ]);
    checkText("the author's training text", author.train);
    checkText("the author's held-out text", author.hold);
    checkText(`the base model's text ("${base}")`, systems.base.map(({ text }) => text));
    checkText(`the tuned model's text ("${tuned}")`, systems.tuned.map(({ text }) => text));
    const languageModel = options.coherenceModel === undefined ? undefined : await askLanguageModel(
      options.coherenceModel,
      { tuned: systems.tuned.map(({ text }) => text), hold: author.hold },
      context,
    );
    const { judgeModel: model, judgeUrl: url, judgeSamples: samples, concurrency } = options;
    const judge = model === undefined ? undefined : await judgeCoherence(
      { tuned: systems.tuned, hold: author.hold },
      { model, url, samples, seed, concurrency, kept: paths.judgements },
      context,
    );
    context.signal.throwIfAborted();
    const comparison: ComparisonFile = {
      version: 1,
      time: new Date(context.clock.now()).toISOString(),
      sources: { base: await sourceOf(base), tuned: await sourceOf(tuned), author: await sourceOf(paths.author) },
      parted: author.parted,
      ...(judge ? { judge } : {}),
      settings: { seed, resamples, minWords: options.minWords },
      ...compareStyle(
        { author, ...systems, imposters, background, languageModel, judge },
        { seed, tag, resamples, leastWords },
      ),
    };
    context.signal.throwIfAborted();
    await writeFileAtomic(paths.output, JSON.stringify(comparison, null, 2) + "\n");
    context.emit({ type: "artifact", path: paths.output, title: "Comparison" });
    const page = options.page ? await writePage(comparison, paths.page, context) : undefined;
    return { comparison, output: paths.output, page };
  },
  report: ({ comparison }) => comparisonText(comparison, comparison),
});

function checkUse({ latest, base, tuned }: CompareOptions): void {
  if (latest && (base ?? tuned) !== undefined) {
    throw new UsageError(
      "Cannot use --latest with --base or --tuned: the newest continuations are looked for, or files named",
    );
  }
  if ((base === undefined) !== (tuned === undefined)) {
    throw new UsageError("Cannot compare one side alone: give both --base and --tuned, or neither for the newest");
  }
}

function pathsOf(options: CompareOptions, env: Context["env"]) {
  const { root, training } = gaeaPaths(options.dataDir, env);
  const author = options.author ?? training;
  const benchmarks = join(root, "benchmarks");
  const output = options.output ?? join(benchmarks, "comparison.json");
  return {
    benchmarks,
    base: options.base,
    tuned: options.tuned,
    author,
    validation: options.validation ?? join(dirname(author), "validation.jsonl"),
    output,
    page: output.replace(/(?:\.json)?$/i, ".html"),
    judgements: output.replace(/(?:\.json)?$/i, "_judgements.jsonl"),
  };
}

function isExamples(author: string): boolean {
  return /\.jsonl?$/i.test(author);
}

async function sourceOf(path: string): Promise<Source> {
  const { isFile } = await Deno.stat(path);
  return isFile ? { path, sha256: await sha256File(path) } : { path };
}

/** The pictures need packages that are fetched by the first who draws: without a network the figures must do. */
async function writePage(comparison: ComparisonFile, path: string, { emit }: Context): Promise<string | undefined> {
  let html: string;
  try {
    html = await comparisonPage(comparison);
  } catch (error) {
    emit({ type: "log", level: "warn", message: `no page with pictures: ${messageOf(error).split("\n")[0]}` });
    return undefined;
  }
  await writeFileAtomic(path, html);
  emit({ type: "artifact", path, title: "Comparison as a page" });
  return path;
}
