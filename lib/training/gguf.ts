/** A model's folder into a GGUF that has been loaded, asked and measured before it gets its name. */
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import { ask } from "../core/exec.ts";
import { sha256File, writeFileAtomic } from "../core/files.ts";
import type { Context } from "../core/step.ts";
import { type GgufHeader, readGguf } from "../llm/gguf_header.ts";
import { findProgram, llamaConverter, llamaProgram } from "../llm/llama_cpp.ts";
import { type KlDivergence, klDivergence } from "../llm/perplexity.ts";
import type { ChatMessage } from "../records.ts";
import { checkGguf, readModelFacts } from "./gguf_check.ts";
import { checkQuantType, convertModel, DIRECT_TYPES, quantise } from "./gguf_convert.ts";
import { type GgufRecord, ggufRecordPath } from "./gguf_record.ts";
import { compareAnswers, serveAndAsk } from "./gguf_serve.ts";
import { readMergeRecord } from "./merge_record.ts";
import { needSpace, refuseExisting, withPart } from "./part.ts";
import { error, type Finding, ok, warning } from "./preflight/finding.ts";
import { readProbes } from "./probes.ts";
import { readModel } from "./safetensors.ts";

export interface GgufRequest {
  /** The model's folder. */
  readonly model: string;
  readonly output: string;
  /** In lower case. */
  readonly quantType: string;
  readonly overwrite: boolean;
  readonly keepF16: boolean;
  /** Undefined: only the file itself is checked. */
  readonly verify: {
    readonly questions: readonly (readonly ChatMessage[])[];
    /** Prose to measure the divergence on, and what to call it. */
    readonly text: string;
    readonly textName: string;
    readonly chunks: number;
    readonly contextSize: number;
    /** Mean KL divergence in nats. */
    readonly klWarn: number;
    readonly klFail: number;
  } | undefined;
  readonly imatrix?: string | undefined;
  readonly gpuLayers?: number | undefined;
  readonly threads?: number | undefined;
}

/**
 * Converts, quantises, verifies, and only then puts the GGUF and its record in their places.
 *
 * @throws {UserError} where a tool fails or a check does (all of them are named); nothing new stands at `output` then.
 */
export async function makeGguf(request: GgufRequest, context: Context): Promise<GgufRecord> {
  const { model, output, quantType, overwrite } = request;
  const direct = DIRECT_TYPES.includes(quantType);
  const kept = request.keepF16 && !direct ? f16Path(output) : undefined;
  if (kept !== undefined && !overwrite) await refuseExisting(kept);
  const quantizer = direct ? undefined : await llamaProgram("llama-quantize", context);
  if (quantizer) await checkQuantType(quantType, quantizer);
  await needSpace(output, await spaceFor(request));
  return await withPart(output, { overwrite }, context, async ({ folder, commit }) => {
    const first = join(folder, direct ? `model-${quantType}.gguf` : "model-f16.gguf");
    await convertModel({ model, output: first, type: direct ? quantType : "f16" }, context);
    const made = quantizer ? join(folder, "model-quantised.gguf") : first;
    const { imatrix, threads } = request;
    const { fallbacks } = quantizer
      ? await quantise({ program: quantizer, input: first, output: made, type: quantType, imatrix, threads }, context)
      : { fallbacks: 0 };
    const checked = await check(request, { first, made, direct, folder }, context);
    const findings = [...checked.findings, ...fallbacks > 0 ? [fallbackFinding(fallbacks)] : []];
    const faults = findings.filter(({ level }) => level === "error");
    if (faults.length > 0) {
      throw new UserError(
        [`Cannot make "${output}" of "${model}":`, ...faults.map(({ message }) => `  ${message}`)].join("\n"),
        { hint: [...new Set(faults.flatMap(({ remedy }) => remedy ?? []))].join(" ") },
      );
    }
    const record: GgufRecord = {
      version: 1,
      time: new Date(context.clock.now()).toISOString(),
      model: { folder: resolve(model), merge: await readMergeRecord(model) ?? null },
      gguf: {
        file: basename(output),
        ...await sizeAndHash(made),
        quantType,
        architecture: String(checked.header.metadata.get("general.architecture")),
        tensorTypes: countTypes(checked.header),
      },
      f16: kept === undefined ? null : { file: basename(kept), ...await sizeAndHash(first) },
      tools: { llamaCpp: await versionOf(context), converter: await llamaConverter(context) },
      divergence: checked.divergence,
      answers: checked.answers,
      findings: findings.map(({ facts, ...finding }) => ({ ...finding, ...facts && { facts: { ...facts } } })),
    };
    if (kept !== undefined) await commit(first, kept);
    await commit(made);
    await writeFileAtomic(ggufRecordPath(output), JSON.stringify(record, null, 2) + "\n");
    context.emit({ type: "artifact", path: output, title: `GGUF (${quantType})` });
    return record;
  });
}

/** Where the f16 is kept by `--keep-f16`: beside the GGUF. */
export function f16Path(output: string): string {
  return join(dirname(output), basename(output).replace(/(?:\.gguf)?$/i, "-f16.gguf"));
}

/** Bytes on the disk while the work goes on: the f16, a file of at most its size, and the predictions to compare. */
async function spaceFor({ model, verify, quantType }: GgufRequest): Promise<number> {
  const tensors = [...(await readModel(model)).values()];
  const numbers = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
  const { vocabulary = 0 } = await readModelFacts(model);
  if (DIRECT_TYPES.includes(quantType)) return numbers * (quantType === "f32" ? 4 : 2);
  const predictions = verify ? (verify.chunks + 1) * verify.contextSize * vocabulary : 0;
  return numbers * 3 + predictions;
}

interface Checked {
  readonly header: GgufHeader;
  readonly findings: readonly Finding[];
  readonly divergence: GgufRecord["divergence"];
  readonly answers: GgufRecord["answers"];
}

async function check(
  request: GgufRequest,
  { first, made, direct, folder }: { first: string; made: string; direct: boolean; folder: string },
  context: Context,
): Promise<Checked> {
  const { model, verify, gpuLayers, threads } = request;
  const header = await readGguf(made);
  const facts = await readModelFacts(model);
  const findings = checkGguf(header, facts);
  const unmeasured = { header, findings, divergence: null, answers: [] };
  // What cannot be right need not be loaded.
  if (!verify || findings.some(({ level }) => level === "error")) return unmeasured;
  // A type that takes no program is not made to wait for one to be built.
  if (direct && !await findProgram("llama-server", context.env)) {
    const message = "not loaded, not asked, not measured: there is no llama-server here";
    findings.push(warning("loads", message, "Install llama.cpp, or quantise once: it is built then."));
    return unmeasured;
  }
  const { questions } = verify;
  const shared = { questions, bos: facts.special.bos, gpuLayers, threads };
  const before = await serveAndAsk({ ...shared, model: first, probes: await readProbes(model) }, context);
  findings.push(...before.findings);
  if (before.findings.every(({ check }) => check !== "conversion")) {
    const message = "what the model said before its conversion was not recorded";
    findings.push(warning("conversion", message, "deno task merge records it."));
  }
  if (direct) return { ...unmeasured, findings, answers: pairs(questions, before.answers, before.answers) };
  const after = await serveAndAsk({ ...shared, model: made }, context);
  findings.push(compareAnswers(before.answers, after.answers));
  const divergence = await measure(request, verify, { first, made, folder }, context);
  findings.push(judge(divergence, verify));
  return {
    header,
    findings,
    divergence: { ...divergence, text: verify.textName, running: [...divergence.running] },
    answers: pairs(questions, before.answers, after.answers),
  };
}

async function measure(
  { gpuLayers, threads }: GgufRequest,
  { text: prose, chunks, contextSize }: NonNullable<GgufRequest["verify"]>,
  { first, made, folder }: { first: string; made: string; folder: string },
  context: Context,
): Promise<KlDivergence> {
  const text = join(folder, "text.txt");
  await Deno.writeTextFile(text, prose);
  const where = { scratch: join(folder, "predictions.kld"), text };
  return await klDivergence({
    ...where,
    reference: first,
    model: made,
    chunks,
    contextSize,
    ...(gpuLayers === undefined ? {} : { gpuLayers }),
    ...(threads === undefined ? {} : { threads }),
  }, context);
}

/** Bounds for q4_K_M, whose divergence on Llama-3-8B is 0.031 (llama.cpp, tools/perplexity/README.md). */
function judge(
  { meanKld, topAgreement, rmsDeltaP, chunks, tokens }: KlDivergence,
  { klWarn, klFail }: { klWarn: number; klFail: number },
): Finding {
  const message =
    `KL divergence from the f16 ${meanKld.value.toFixed(4)} (${chunks} chunks, ${tokens} tokens), same first ` +
    `choice at ${(100 * topAgreement.value).toFixed(1)} %, RMS Δp ${(100 * rmsDeltaP.value).toFixed(1)} %`;
  const facts = { meanKld: meanKld.value, topAgreement: topAgreement.value, rmsDeltaP: rmsDeltaP.value };
  const remedy = "Quantise to a larger type: q5_k_m, q6_k or q8_0.";
  if (!(meanKld.value <= klFail)) return error("divergence", `${message}: more than ${klFail}`, remedy, { facts });
  if (meanKld.value > klWarn) return warning("divergence", `${message}: more than ${klWarn}`, remedy, { facts });
  return ok("divergence", message, { facts });
}

function fallbackFinding(count: number): Finding {
  return warning(
    "quantising",
    `${count} tensors took another type, because their rows are no multiple of 256`,
    "Expect a larger file; nothing else is wrong.",
  );
}

function pairs(
  questions: readonly (readonly ChatMessage[])[],
  before: readonly string[],
  after: readonly string[],
): GgufRecord["answers"] {
  return questions.map((turns, at) => ({
    question: turns.at(-1)?.content ?? "",
    f16: before[at] ?? "",
    quantised: after[at] ?? "",
  }));
}

function countTypes({ tensors }: GgufHeader): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of tensors) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

async function sizeAndHash(path: string): Promise<{ bytes: number; sha256: string }> {
  return { bytes: (await Deno.stat(path)).size, sha256: await sha256File(path) };
}

async function versionOf({ env }: Pick<Context, "env">): Promise<string> {
  const program = await findProgram("llama-server", env);
  const said = program && await ask(program, ["--version"], 20_000);
  return said ? `${said.stdout}\n${said.stderr}`.trim().split("\n")[0] ?? "" : "";
}
