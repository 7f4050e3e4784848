/** Whether a merged model says what base and adapter say together: from the figures that lib/python/merge_lora.py measured. */
import { z } from "zod";
import { error, type Finding, ok, warning } from "./preflight/finding.ts";

/** A figure that Python could not say in JSON was not finite. */
const figure = z.number().nullable().transform((value) => value ?? NaN);

/** The merged model beside what a QLoRA was trained as: the adapter beside a base in 4 bit. In nats, over all positions. */
const FourBit = z.object({
  /** KL(4-bit base + adapter ‖ merged). */
  meanKl: figure,
  maximumKl: figure,
  topAgreement: figure,
  /** Mean loss on the held-out tokens themselves. */
  trainedLoss: figure,
  mergedLoss: figure,
  /** Standard error of the difference of the two, by texts. */
  lossError: figure,
  positions: z.int(),
});

/** Divergences in nats, means over all positions. */
export const MergeFigures = z.object({
  prompts: z.int(),
  positions: z.int(),
  /** KL(base + adapter ‖ merged): what merging itself changed. */
  meanKl: figure,
  maximumKl: figure,
  /** KL(base ‖ merged): what the adapter brought, as the merged model has it. */
  baseKl: figure,
  /** KL(base ‖ base + adapter): what the adapter brings beside the base. */
  adapterKl: figure,
  /** Share of positions at which the merged model's first choice is that of base and adapter, or to them as likely. */
  topAgreement: figure,
  /** Largest difference of two log-probabilities. */
  largestDifference: figure,
  /** Prompts that the template beside the adapter renders otherwise than the base's. */
  templateDiffers: z.int(),
  device: z.string(),
  computedIn: z.string(),
  /** Where the adapter was trained beside a base in 4 bit. */
  fourBit: z.union([FourBit, z.object({ missing: z.string() })]).optional(),
});
export type MergeFigures = z.output<typeof MergeFigures>;

export interface MergeLimits {
  readonly meanKl: number;
  readonly topAgreement: number;
}

/**
 * bfloat16 has 8 bits of precision, so that rounding the merged weights once costs something; float32 costs next to
 * nothing. 1e-3 and 99 %: proposed in the design of this gate; 1e-4 is the tolerance of PEFT's own tests of merging in
 * float32 (tests/testing_common.py), and mean KL falls with its square.
 */
export function mergeLimits(dtype: string): MergeLimits {
  return dtype === "F32" || dtype === "F64"
    ? { meanKl: 1e-5, topAgreement: 0.999 }
    : { meanKl: 1e-3, topAgreement: 0.99 };
}

/** The adapter must show in the merged model by this many times what merging itself changed. */
export const ADAPTER_FLOOR = 10;
/** Below this two equal models may lie by the rounding of their arithmetic alone. */
const NOTHING = 1e-8;

/**
 * Judges a merge by its figures.
 *
 * @param dtype The type that the model's weights are stored in: `BF16`, `F32` …
 * @param adapter False for the zero adapter of a rehearsal, which must change nothing.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { judgeMerge, type MergeFigures } from "@/training/merge_gate.ts";
 *
 * const lost = { meanKl: 5e-4, topAgreement: 0.995, baseKl: 0 } as MergeFigures;
 * equal(judgeMerge(lost, "BF16").find(({ check }) => check === "adapter")?.level, "error");
 * ```
 */
export function judgeMerge(figures: MergeFigures, dtype: string, adapter = true): Finding[] {
  const { meanKl, topAgreement, baseKl, adapterKl, largestDifference } = figures;
  const limits = mergeLimits(dtype);
  const findings: Finding[] = [];
  const equals = `mean KL ${small(meanKl)} (at most ${small(limits.meanKl)}), same first choice at ` +
    `${percent(topAgreement)} (at least ${percent(limits.topAgreement)})`;
  const facts = { meanKl, topAgreement, largestDifference };
  // Written so that NaN fails.
  if (meanKl <= limits.meanKl && topAgreement >= limits.topAgreement) {
    findings.push(ok("equal", `merged and base + adapter agree: ${equals}`, { facts }));
  } else {
    const remedy = "Was the adapter trained on another base, or on this one in 4 bit? Merge into the base itself.";
    findings.push(error("equal", `the merged model is not base + adapter: ${equals}`, remedy, { facts }));
  }
  const differs = `mean KL from the base ${small(baseKl)}, with the adapter beside it ${small(adapterKl)}`;
  if (!adapter) {
    findings.push(
      baseKl <= NOTHING
        ? ok("adapter", `a zero adapter changed nothing: ${differs}`)
        : error("adapter", `a zero adapter changed the model: ${differs}`, "Report it: merging is broken here."),
    );
  } else if (baseKl > NOTHING && baseKl >= ADAPTER_FLOOR * meanKl) {
    findings.push(ok("adapter", `the adapter shows: ${differs}`, { facts: { baseKl, adapterKl } }));
  } else {
    const remedy = adapterKl > NOTHING && adapterKl >= ADAPTER_FLOOR * limits.meanKl
      ? "The adapter was lost on the way: merge again."
      : "The adapter hardly changes the base: train longer, or with a higher learning rate.";
    findings.push(
      error("adapter", `the merged model cannot be told from the base: ${differs}`, remedy, {
        facts: { baseKl, adapterKl },
      }),
    );
  }
  if (figures.templateDiffers > 0) {
    findings.push(warning(
      "template",
      `the chat template beside the adapter renders ${figures.templateDiffers} of ${figures.prompts} prompts otherwise`,
      "The model was trained in another form than the base's template, which is kept, gives it: keep the run's by --tokenizer-from run.",
    ));
  }
  if (figures.fourBit) findings.push(judgeFourBit(figures.fourBit));
  return findings;
}

/** Standard errors by which the merged model must know the held-out text worse before that is said. */
const CLEARLY = 2;

/**
 * A QLoRA learnt to make good what 4 bits cost its base; beside the whole base it does that for nothing. Usually the whole
 * base is the better one still (unsloth-zoo PR 810); the held-out text says whether it is so here.
 */
function judgeFourBit(fourBit: NonNullable<MergeFigures["fourBit"]>): Finding {
  if ("missing" in fourBit) {
    const remedy = "pip install bitsandbytes in the environment that trains, and merge with --verify-only.";
    return warning("4 bit", `what was trained beside a base in 4 bit was not compared: ${fourBit.missing}`, remedy);
  }
  const { meanKl, topAgreement, trainedLoss, mergedLoss, lossError } = fourBit;
  const loss = (value: number) => Number.isFinite(value) ? value.toFixed(4) : "not a number";
  const message = `merged in full precision, against the adapter beside the base in 4 bit: mean KL ` +
    `${small(meanKl)}, same first choice at ${percent(topAgreement)}; loss on the held-out text ${
      loss(mergedLoss)
    } against ${loss(trainedLoss)} (difference ± ${loss(lossError)})`;
  const facts = { meanKl, topAgreement, trainedLoss, mergedLoss, lossError };
  // Written so that NaN fails.
  if (mergedLoss - trainedLoss <= CLEARLY * lossError) return ok("4 bit", message, { facts });
  const remedy =
    "The adapter leans on the rounding of its base: train beside the whole base (gaea:config --adapter lora), " +
    "or serve the adapter beside the base in 4 bit.";
  return warning("4 bit", message, remedy, { facts });
}

function small(value: number): string {
  return value === 0 ? "0" : Number.isFinite(value) ? value.toExponential(1) : "not a number";
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "not a number";
}
