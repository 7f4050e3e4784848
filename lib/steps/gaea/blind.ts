/** The blind trial: people in a local page, or a judge model, compare what the base and the tuned model wrote. */
import { join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../../core/errors.ts";
import { sha256, sha256File, writeFileAtomic } from "../../core/files.ts";
import { count } from "../../core/format.ts";
import { readJsonc } from "../../core/jsonc.ts";
import { makeToken } from "../../core/page_guard.ts";
import { announcePage, listenLocally } from "../../core/page_server.ts";
import { dataDir, presetPath } from "../../core/paths.ts";
import { type Context, defineStep } from "../../core/step.ts";
import { BlindPrompts, judgeName, type JudgeOutcome, judgeTrials, voteKey } from "../../evaluation/blind/judge.ts";
import { blindText, claimOf } from "../../evaluation/blind/report.ts";
import { openSession } from "../../evaluation/blind/session.ts";
import { type BlindTally, tallyVotes } from "../../evaluation/blind/tally.ts";
import { makeTrials, type Trial } from "../../evaluation/blind/trial.ts";
import { openVotes, setVotesAside, type VoteBook } from "../../evaluation/blind/votes.ts";
import { openaiEngine } from "../../llm/openai.ts";
import { apiToken, serverAddress } from "../../llm/server.ts";
import { blindHandler } from "./blind_server.ts";
import { authorPassages, type BlindSources, blindVoices, pairContinuations } from "./blind_sources.ts";

const options = z.object({
  latest: z.boolean().default(false).describe(
    "Compare the newest baseline and finetuned continuations of gaea:voice; the default where neither --base nor --tuned is given",
  ),
  base: z.string().optional().describe("Continuations of the base model (JSON Lines)"),
  tuned: z.string().optional().describe("Continuations of the tuned model, of the same prompts"),
  author: z.string().optional().describe(
    "Training examples whose completions are shown as the author's; default: <data-dir>/gaea/processed/visions_training.jsonl",
  ),
  validation: z.string().optional().describe(
    "Held-out examples, for catch trials with the author's own text; default: validation.jsonl beside the training examples",
  ),
  trials: z.int().min(1).optional().describe("Pairs to ask about; default: all that there are"),
  maxWords: z.int().min(50).max(2000).default(450).describe("Longest text that is shown, in words; both are cut alike"),
  catchEvery: z.int().min(2).default(10).describe("One trial in so many has a known answer and tests the rater"),
  judgeModel: z.string().optional().describe("Let this model judge, in both orders, instead of opening the page"),
  judgeUrl: z.string().default("http://localhost:1234").describe("Its server, OpenAI-compatible"),
  concurrency: z.int().min(1).default(4).describe("Questions to the judge at a time"),
  report: z.boolean().default(false).describe("Only say what the votes show so far"),
  votes: z.string().optional().describe(
    "Where the votes are kept; default: <data-dir>/gaea/benchmarks/blind_votes.sqlite, from which votes on other texts are put aside",
  ),
  output: z.string().optional().describe("Outcome; default: <data-dir>/gaea/benchmarks/blind.json"),
  seed: z.int().min(0).default(1969).describe("Draws sides, order, excerpts and catch trials"),
  port: z.int().min(0).max(65535).default(0).describe("Port on 127.0.0.1; 0: any that is free"),
  open: z.boolean().default(true).describe("Open the page in the browser"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type BlindOptions = z.output<typeof options>;

export interface BlindResult {
  readonly tally: BlindTally;
  readonly trials: number;
  /** Only where a model judged. */
  readonly judge?: JudgeOutcome & { readonly model: string };
  readonly output: string;
}

/** Serves the page until the signal fires (Ctrl-C), or lets a model judge. */
export const blind = defineStep({
  name: "gaea:blind",
  summary: "Blind trial of base against tuned, by people in a local page or by a judge model",
  options,
  files(options, { env }) {
    const { base, tuned, author, validation, votes, output } = pathsOf(options, env);
    return { reads: [base, tuned, author, validation].filter((path) => path !== undefined), writes: [output, votes] };
  },
  async run(options, context): Promise<BlindResult> {
    const paths = pathsOf(options, context.env);
    checkUse(options);
    const voices = await blindVoices(paths);
    const { trials, fingerprint } = await trialsOf(voices, paths, options, context);
    const aside = options.votes === undefined ? setVotesAside(paths.votes, fingerprint) : undefined;
    if (aside !== undefined) {
      context.emit({ type: "log", level: "info", message: `votes on other texts are kept as "${aside}"` });
    }
    using votes = openVotes(paths.votes, fingerprint);
    const tally = () => tallyVotes(votes.all(), trials, options.seed);
    let judge: BlindResult["judge"];
    if (!options.report) {
      if (options.judgeModel !== undefined) {
        judge = await letModelJudge(options.judgeModel, trials, votes, options, context);
      } else await servePage(trials, votes, tally, options, context);
    }
    const result: BlindResult = {
      tally: tally(),
      trials: trials.filter(({ kind }) => kind === "pair").length,
      ...(judge ? { judge } : {}),
      output: paths.output,
    };
    const sources = { base: await sha256File(voices.base), tuned: await sha256File(voices.tuned) };
    const file = { version: 1, ...result, sources, votes: votes.all() };
    await writeFileAtomic(paths.output, JSON.stringify(file, null, 2) + "\n");
    context.emit({ type: "artifact", path: paths.output, title: "Blind trial" });
    return result;
  },
  report({ tally, judge }) {
    const both = judge &&
      `${judge.model} said the same in both orders for ${count(judge.consistent)} of ${
          count(judge.answered)
        } questions` +
        (judge.unreadable > 0 ? `; ${count(judge.unreadable)} had no readable answer` : "");
    return [blindText(tally), ...(both ? [both] : [])].join("\n\n");
  },
});

type BlindPaths = BlindSources & { votes: string; output: string };

function pathsOf(options: BlindOptions, env: Context["env"]): BlindPaths {
  const folder = join(dataDir(options.dataDir, env), "gaea");
  const author = options.author ?? join(folder, "processed", "visions_training.jsonl");
  return {
    benchmarks: join(folder, "benchmarks"),
    base: options.base,
    tuned: options.tuned,
    author,
    validation: options.validation ?? join(author, "..", "validation.jsonl"),
    votes: options.votes ?? join(folder, "benchmarks", "blind_votes.sqlite"),
    output: options.output ?? join(folder, "benchmarks", "blind.json"),
  };
}

function checkUse(options: BlindOptions): void {
  if (options.latest && (options.base ?? options.tuned) !== undefined) {
    throw new UsageError(
      "Cannot use --latest with --base or --tuned: the newest continuations are looked for, or files named",
    );
  }
  if ((options.base === undefined) !== (options.tuned === undefined)) {
    throw new UsageError("Cannot compare one side alone: give both --base and --tuned, or neither for the newest");
  }
}

async function trialsOf(
  voices: { readonly base: string; readonly tuned: string },
  paths: BlindPaths,
  options: BlindOptions,
  context: Context,
): Promise<{ trials: Trial[]; fingerprint: string }> {
  const [continued, passages] = await Promise.all([
    pairContinuations(voices, paths.validation, context),
    authorPassages(paths.author, context),
  ]);
  const { seed, maxWords: mostWords, catchEvery } = options;
  const { trials, unusable } = makeTrials(continued.slice(0, options.trials), passages, {
    seed,
    mostWords,
    catchEvery,
  });
  for (const { id, reason } of unusable) context.emit({ type: "drop", reason, count: 1, id });
  if (trials.length === 0) {
    throw new UserError("Cannot hold a blind trial: no pair of continuations can be compared", {
      hint: unusable.some(({ reason }) => reason === "identical")
        ? "The two sides wrote the same: are both files from one model?"
        : "Texts need 30 words at least; let gaea:voice write longer ones.",
    });
  }
  const texts = trials.map(({ id, kind, texts }) => [id, kind, ...texts.map(({ side, text }) => [side, text])]);
  return { trials, fingerprint: sha256(JSON.stringify([seed, texts])) };
}

async function servePage(
  trials: readonly Trial[],
  votes: VoteBook,
  tally: () => BlindTally,
  { seed, port: wanted, open }: BlindOptions,
  context: Context,
): Promise<void> {
  const token = makeToken();
  let port = 0;
  const handler = blindHandler({
    session: openSession(trials, votes, seed, context.clock.now),
    tally: () => claimOf("Fidelity, all raters", tally().questions.fidelity),
    token,
    port: () => port,
    emit: context.emit,
  });
  await using server = listenLocally(wanted, handler, context.signal);
  port = server.addr.port;
  const pairs = trials.filter(({ kind }) => kind === "pair").length;
  const what = `${count(pairs)} pairs and ${count(trials.length - pairs)} catch trials, to be judged at`;
  announcePage({ port, token, what, open }, context);
  await server.finished;
}

async function letModelJudge(
  model: string,
  trials: readonly Trial[],
  votes: VoteBook,
  { judgeUrl, concurrency, seed }: BlindOptions,
  context: Context,
): Promise<NonNullable<BlindResult["judge"]>> {
  const prompts = await readJsonc(presetPath("gaea/blind.jsonc"), BlindPrompts);
  const engine = openaiEngine({
    address: serverAddress(judgeUrl),
    model,
    fetch: context.fetch,
    token: apiToken(context.env),
  });
  const known = new Set(
    votes.all().filter(({ rater }) => rater === judgeName(model)).map(({ trial, question }) =>
      voteKey(trial, question)
    ),
  );
  const outcome = await judgeTrials(trials, known, {
    engine,
    prompts,
    seed,
    concurrency,
    clock: context.clock,
    onVote: (vote) => votes.give(vote),
    onProgress: (done, total) => context.emit({ type: "progress", label: "judged", done, total, unit: "questions" }),
  }, context.signal);
  return { model, ...outcome };
}
