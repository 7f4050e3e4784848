/** Whether a merged model is its base with exactly the adapter's parameters changed: by the files alone, without torch. */
import { Buffer } from "node:buffer";
import type { Context } from "../core/step.ts";
import { error, type Finding, ok, warning } from "./preflight/finding.ts";
import { hasNonFinite, readModel, type Tensor, tensorBlocks } from "./safetensors.ts";

/**
 * Compares two model folders tensor by tensor: names, shapes, types, finite numbers; what the adapter does not touch must
 * be the same to the bit, what it touches must not.
 *
 * @param targets Names of the parameters that the adapter changes; the base may lack the first part of them.
 * @throws {UserError} a folder that cannot be read as a model.
 */
export async function compareModels(
  { base, merged, targets }: { base: string; merged: string; targets: readonly string[] },
  context: Pick<Context, "signal" | "emit">,
): Promise<Finding[]> {
  const before = await readModel(base);
  const after = await readModel(merged);
  const shapes = compareHeaders(before, after);
  if (shapes.some(({ level }) => level === "error")) return shapes;
  const touched = new Set(targets.map((name) => before.has(name) ? name : name.slice(name.indexOf(".") + 1)));
  const changed: string[] = [];
  const foreign: string[] = [];
  const broken: string[] = [];
  let done = 0;
  for (const [name, old] of before) {
    context.signal.throwIfAborted();
    const now = after.get(name);
    if (!now) continue;
    const { same, finite } = await compareNumbers(old, now);
    if (!finite) broken.push(name);
    if (!same) (touched.has(name) ? changed : foreign).push(name);
    context.emit({ type: "progress", label: "comparing", done: ++done, total: before.size, unit: "tensors" });
  }
  return [...shapes, ...judgeNumbers({ touched: touched.size, changed, foreign, broken, all: before.size })];
}

function compareHeaders(before: ReadonlyMap<string, Tensor>, after: ReadonlyMap<string, Tensor>): Finding[] {
  const rest = [...after.keys()].filter((name) => /\blora_|base_layer|^base_model\./.test(name));
  const missing = [...before.keys()].filter((name) => !after.has(name));
  const added = [...after.keys()].filter((name) => !before.has(name) && !rest.includes(name));
  const differing = [...before.values()].flatMap(({ name, shape, dtype }) => {
    const now = after.get(name);
    return now && (now.dtype !== dtype || now.shape.join() !== shape.join())
      ? [`${name}: ${dtype} [${shape}] became ${now.dtype} [${now.shape}]`]
      : [];
  });
  const findings: Finding[] = [];
  const again = "Merge again; the base's files are the measure.";
  if (rest.length > 0) findings.push(error("lora", `${some(rest)} of a LoRA are left in the merged model`, again));
  if (missing.length > 0) findings.push(error("names", `the merged model lacks ${some(missing)}`, again));
  if (added.length > 0) {
    findings.push(error("names", `the merged model has ${some(added)}, which the base has not`, again));
  }
  if (differing.length > 0) findings.push(error("shapes", `shapes or types differ: ${some(differing)}`, again));
  if (findings.length > 0) return findings;
  const parameters = [...before.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return [ok("names", `${before.size} tensors with the base's names, shapes and types`, { facts: { parameters } })];
}

function judgeNumbers(
  { touched, changed, foreign, broken, all }: {
    touched: number;
    changed: string[];
    foreign: string[];
    broken: string[];
    all: number;
  },
): Finding[] {
  const findings: Finding[] = [];
  if (broken.length > 0) {
    const remedy = "Take an earlier checkpoint: the adapter's numbers are too large for the base's type.";
    findings.push(error("finite", `numbers that are not finite in ${some(broken)}`, remedy));
  } else findings.push(ok("finite", "all numbers are finite"));
  if (foreign.length > 0) {
    const remedy = "Is this the base that the adapter was trained on, and the folder that it was merged into?";
    findings.push(error("untouched", `${some(foreign)} changed without the adapter's touching them`, remedy));
  } else findings.push(ok("untouched", `${all - touched} tensors are the base's own, to the bit`));
  if (touched === 0) return findings;
  if (changed.length === 0) {
    findings.push(
      error("changed", `none of the ${touched} tensors of the adapter changed: the adapter was lost`, "Merge again."),
    );
  } else if (changed.length < touched) {
    const message = `${touched - changed.length} of the adapter's ${touched} tensors did not change`;
    findings.push(warning("changed", message, "Their updates are zero, or smaller than the base's type can hold."));
  } else findings.push(ok("changed", `all ${touched} tensors of the adapter changed`));
  return findings;
}

async function compareNumbers(old: Tensor, now: Tensor): Promise<{ same: boolean; finite: boolean }> {
  let same = true, finite = true;
  const others = tensorBlocks(old);
  try {
    for await (const block of tensorBlocks(now)) {
      finite &&= !hasNonFinite(now.dtype, block);
      if (!same) continue;
      const { value } = await others.next();
      same = value !== undefined && Buffer.from(value.buffer).equals(block);
    }
  } finally {
    await others.return(undefined);
  }
  return { same, finite };
}

function some(names: readonly string[]): string {
  const [first = ""] = names;
  return names.length === 1 ? `"${first}"` : `"${first}" and ${names.length - 1} more`;
}
