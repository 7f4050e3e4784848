/** Merges an adapter into its base, and believes it only when the result has been measured. */
import { join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../core/errors.ts";
import { exists, readTextFile, writeFileAtomic } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { type Adapter, tiedTargets } from "./adapter.ts";
import { type Candidate, runOf } from "./candidates.ts";
import { type HeldOut, questionsOf } from "./held_out.ts";
import { hashFiles, type MergeBase } from "./merge_base.ts";
import { compareModels } from "./merge_compare.ts";
import { judgeMerge, MergeFigures } from "./merge_gate.ts";
import { runMergeScript } from "./merge_python.ts";
import { MERGE_RECORD, type MergeRecord } from "./merge_record.ts";
import { type Companions, companionsOf, compareCompanions, type TokenizerFrom } from "./merge_tokenizer.ts";
import { Probes, PROBES_FILE } from "./probes.ts";
import { needSpace, withPart } from "./part.ts";
import type { Finding } from "./preflight/finding.ts";

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
  /** Default: `base`. */
  readonly tokenizerFrom?: TokenizerFrom | undefined;
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
  const companions = await companionsOf(base, adapter, request.tokenizerFrom ?? "base");
  await needSpace(output, base.bytes * 1.01);
  return await withPart(output, { overwrite }, context, async ({ folder, commit }) => {
    const merged = join(folder, "merged");
    await Deno.mkdir(merged);
    const measured = await askPython({ ...request, companions, merged, write: true }, context);
    const findings = await verify({ ...request, companions, merged, figures: measured.figures }, context);
    refuseFaults(`Cannot merge "${adapter?.path ?? "a zero adapter"}" into "${base.name}"`, findings);
    const record = await recordOf(request, companions, merged, measured, findings, context);
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
  const companions = await companionsOf(request.base, request.adapter, request.tokenizerFrom ?? "base");
  // What the files show is cheap, and makes a model that cannot be loaded a sentence.
  const files = await verify({ ...request, companions, figures: null }, context);
  const what = `Cannot take "${request.merged}" for "${request.base.name}" with "${request.adapter?.path}"`;
  refuseFaults(what, files);
  const { figures } = await askPython({ ...request, companions, write: false }, context);
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
  { base, adapter, prompts, device, fourBit, companions, merged, write }: Omit<MergeRequest, "overwrite" | "output"> & {
    companions: Companions;
    merged: string;
    write: boolean;
  },
  context: Context,
): Promise<{ versions: Record<string, string>; figures: MergeFigures | null; probes?: Probes }> {
  if (!write && prompts.length === 0) return { versions: {}, figures: null };
  const { files, from, tokenizer } = companions;
  const trained = adapter && from === "base" ? join(adapter.path, "chat_template.jinja") : undefined;
  const request = {
    base: base.folder,
    files: base.weights,
    copied: files,
    tokenizer,
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
  { base, adapter, companions, merged, figures }: {
    base: MergeBase;
    adapter: Adapter | undefined;
    companions: Companions;
    merged: string;
    figures: MergeFigures | null;
  },
  context: Context,
): Promise<Finding[]> {
  const findings = await compareModels({ base: base.folder, merged, targets: adapter?.targets ?? [] }, context);
  findings.push(await compareCompanions(companions, merged));
  if (figures) findings.push(...judgeMerge(figures, base.dtype, adapter !== undefined));
  return findings;
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
  companions: Companions,
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
    tokenizer: companions.from,
    model: { dtype: base.dtype, parameters: base.parameters, files: await hashFiles(merged, base.weights) },
    versions,
    figures,
    findings: findings.map(({ facts, ...finding }) => ({ ...finding, ...facts && { facts: { ...facts } } })),
  };
}

/** `recipe.json` of a run as it is; null where there is none that can be read. */
export async function recipeOf(run: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(join(run, "recipe.json")));
  } catch {
    return null; // A run of another trainer has none.
  }
}
