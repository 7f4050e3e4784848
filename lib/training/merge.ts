/** Merges an adapter into its base, and believes it only when the result has been measured. */
import { join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { readTextFile, sha256File, writeFileAtomic } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { type Adapter, tiedTargets } from "./adapter.ts";
import { type Candidate, runOf } from "./candidates.ts";
import { type HeldOut, questionsOf } from "./held_out.ts";
import { hashFiles, type MergeBase } from "./merge_base.ts";
import { compareModels } from "./merge_compare.ts";
import { judgeMerge, MergeFigures } from "./merge_gate.ts";
import { runMergeScript } from "./merge_python.ts";
import { MERGE_RECORD, type MergeRecord } from "./merge_record.ts";
import { Probes, PROBES_FILE } from "./probes.ts";
import { needSpace, withPart } from "./part.ts";
import { error, type Finding, ok } from "./preflight/finding.ts";

export interface MergeRequest {
  readonly base: MergeBase;
  /** Undefined: a zero adapter, which must change nothing (an export rehearsal). */
  readonly adapter: Adapter | undefined;
  readonly candidates?: readonly Candidate[] | undefined;
  /** Texts to compare on. Empty: the files alone are checked. */
  readonly prompts: readonly HeldOut[];
  /** The merged model's folder. */
  readonly output: string;
  readonly overwrite: boolean;
  readonly device: "auto" | "cpu" | "cuda";
  /** Compare also with the adapter beside a base in 4 bit. */
  readonly fourBit?: boolean | undefined;
}

const Versions = z.object({ versions: z.record(z.string(), z.string()) });
const Measured = Versions.extend({ ...MergeFigures.shape, probes: Probes });

/**
 * Writes the merged model and its `merge.json` to a hidden folder, checks both files and figures, and moves it to its
 * place only when no check failed.
 *
 * @throws {UserError} an adapter that does not fit or does nothing, a check that failed (all of them are named), a disk
 * that is full; nothing stands at `output` then that did not before.
 */
export async function mergeAdapter(request: MergeRequest, context: Context): Promise<MergeRecord> {
  const { base, adapter, output, overwrite } = request;
  if (adapter) checkFit(base, adapter);
  await needSpace(output, base.bytes * 1.01);
  return await withPart(output, { overwrite }, context, async ({ folder, commit }) => {
    const merged = join(folder, "merged");
    await Deno.mkdir(merged);
    const measured = await askPython({ ...request, merged, write: true }, context);
    const findings = await verify({ ...request, merged, figures: measured.figures }, context);
    refuseFaults(`Cannot merge "${adapter?.path ?? "a zero adapter"}" into "${base.name}"`, findings);
    const record = await recordOf(request, merged, measured, findings, context);
    await writeFileAtomic(join(merged, MERGE_RECORD), JSON.stringify(record, null, 2) + "\n");
    if (measured.probes) await writeFileAtomic(join(merged, PROBES_FILE), JSON.stringify(measured.probes) + "\n");
    await commit(merged);
    context.emit({ type: "artifact", path: output, title: "Merged model" });
    return record;
  });
}

/**
 * Checks a model that was merged before, here or elsewhere, against base and adapter.
 *
 * @throws {UserError} where a check failed; all of them are named.
 */
export async function verifyMerged(
  request: Omit<MergeRequest, "overwrite" | "output"> & { readonly merged: string },
  context: Context,
): Promise<{ figures: MergeFigures | null; findings: Finding[] }> {
  // What the files show is cheap, and makes a model that cannot be loaded a sentence.
  const files = await verify({ ...request, figures: null }, context);
  const what = `Cannot take "${request.merged}" for "${request.base.name}" with "${request.adapter?.path}"`;
  refuseFaults(what, files);
  const { figures } = await askPython({ ...request, write: false }, context);
  const findings = [...files, ...(figures ? judgeMerge(figures, request.base.dtype, true) : [])];
  refuseFaults(what, findings);
  return { figures, findings };
}

/** @throws {UserError} an adapter that does nothing, or one that changes a matrix that is two at once. */
function checkFit(base: MergeBase, { path, pairs, targets }: Adapter): void {
  if (pairs.zero === pairs.all) {
    throw new UserError(`Cannot merge "${path}": all ${pairs.all} of its updates are zero, so it changes nothing`, {
      hint: "It was never trained, or its weights were lost when it was saved. Take another checkpoint.",
    });
  }
  const tied = base.tied ? tiedTargets(targets) : [];
  if (tied.length > 0) {
    throw new UsageError(
      `Cannot merge "${path}": it changes "${tied[0]}", which in "${base.name}" is both embedding and output head`,
      "Merging would lose one of the two. Train without embed_tokens and lm_head.",
    );
  }
}

async function askPython(
  { base, adapter, prompts, device, fourBit, merged, write }: Omit<MergeRequest, "overwrite" | "output"> & {
    merged: string;
    write: boolean;
  },
  context: Context,
): Promise<{ versions: Record<string, string>; figures: MergeFigures | null; probes?: Probes }> {
  if (!write && prompts.length === 0) return { versions: {}, figures: null };
  const trained = adapter && join(adapter.path, "chat_template.jinja");
  const request = {
    base: base.folder,
    files: base.weights,
    copied: base.companions,
    parameters: base.parameters,
    adapter: adapter?.path ?? null,
    trainedTemplate: trained && await exists(trained) ? await readTextFile(trained) : null,
    output: write ? merged : null,
    merged,
    prompts,
    questions: questionsOf(prompts, 4),
    device,
    fourBit: fourBit === true,
  };
  if (prompts.length === 0) {
    return { ...await runMergeScript("merge", request, Versions, context), figures: null };
  }
  const { versions, probes, ...figures } = await runMergeScript("merge", request, Measured, context);
  return { versions, figures, probes };
}

async function verify(
  { base, adapter, merged, figures }: {
    base: MergeBase;
    adapter: Adapter | undefined;
    merged: string;
    figures: MergeFigures | null;
  },
  context: Context,
): Promise<Finding[]> {
  const findings = await compareModels({ base: base.folder, merged, targets: adapter?.targets ?? [] }, context);
  findings.push(await compareCompanions(base, merged));
  if (figures) findings.push(...judgeMerge(figures, base.dtype, adapter !== undefined));
  return findings;
}

/** Tokenizers that a newer transformers writes anew are not read by older programs: they stay the base's own files. */
async function compareCompanions({ folder, companions }: MergeBase, merged: string): Promise<Finding> {
  const different: string[] = [];
  for (const name of companions) {
    const copy = join(merged, name);
    if (!await exists(copy) || await sha256File(copy) !== await sha256File(join(folder, name))) different.push(name);
  }
  // What else a folder merged elsewhere may say differently is its own affair.
  const tokenizer = different.filter((name) => /token|vocab|merges|template|spiece|added/i.test(name));
  return tokenizer.length === 0
    ? ok("tokenizer", "tokenizer, vocabulary and chat template are the base's own files")
    : error(
      "tokenizer",
      `${tokenizer.join(", ")}: missing or not the base's own`,
      "Copy them from the base: the vocabulary did not change.",
    );
}

function refuseFaults(what: string, findings: readonly Finding[]): void {
  const faults = findings.filter(({ level }) => level === "error");
  if (faults.length === 0) return;
  throw new UserError([`${what}:`, ...faults.map(({ message }) => `  ${message}`)].join("\n"), {
    hint: [...new Set(faults.flatMap(({ remedy }) => remedy ?? []))].join(" "),
  });
}

async function recordOf(
  { base, adapter, candidates }: MergeRequest,
  merged: string,
  { versions, figures }: { versions: Record<string, string>; figures: MergeFigures | null },
  findings: readonly Finding[],
  context: Context,
): Promise<MergeRecord> {
  const run = adapter && runOf(adapter.path);
  return {
    version: 1,
    time: new Date(context.clock.now()).toISOString(),
    base: { name: base.name, folder: base.folder, files: await hashFiles(base.folder, base.weights) },
    adapter: adapter
      ? {
        path: adapter.path,
        sha256: adapter.sha256,
        rank: adapter.config.r ?? null,
        alpha: adapter.config.lora_alpha ?? null,
        targets: adapter.targets.length,
        pairs: adapter.pairs,
      }
      : null,
    run: run === undefined ? null : { folder: run, recipe: await recipeOf(run) },
    candidates: candidates?.map(({ step, evalLoss, folder, ...rest }) => (
      { ...rest, step: step ?? null, evalLoss: evalLoss ?? null, folder: folder ?? null }
    )) ?? null,
    model: { dtype: base.dtype, parameters: base.parameters, files: await hashFiles(merged, base.weights) },
    versions,
    figures,
    findings: findings.map(({ facts, ...finding }) => ({ ...finding, ...facts && { facts: { ...facts } } })),
  };
}

async function recipeOf(run: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(join(run, "recipe.json")));
  } catch {
    return null; // A run of another trainer has none.
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
