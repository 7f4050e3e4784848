/** Whether a tuned voice is good enough to be used: target by target, and what to change where it is not. */

/** A target as it was judged; figures between 0 and 1. */
export interface Judged {
  readonly id: string;
  readonly title: string;
  readonly goal: number;
  readonly status: "met" | "not met" | "not shown";
  /** In a sentence; empty where it is met. */
  readonly why: string;
  readonly estimate?: number | undefined;
  readonly lower?: number | undefined;
  readonly upper?: number | undefined;
}

/** Something that no figure can make good: copying, a voice that is not this author's, text that makes no sense. */
export interface Gate {
  readonly id: string;
  readonly title: string;
  readonly status: "passed" | "failed" | "not shown";
  readonly why: string;
}

/** What the run was trained with, as far as remedies go by it. */
export interface TrainedWith {
  readonly epochs?: number | undefined;
  readonly loraR?: number | undefined;
  readonly loraAlpha?: number | undefined;
  readonly learningRate?: number | undefined;
  /** Validation losses by step, in order. */
  readonly evalLoss: readonly { readonly step: number; readonly value: number }[];
  /** Training losses by step, in order. */
  readonly loss: readonly { readonly step: number; readonly value: number }[];
}

/** What to do next: a flag of `gaea:config` where there is one. */
export interface Remedy {
  readonly advice: string;
  readonly flags?: string;
  /** Which targets or gates ask for it. */
  readonly for: readonly string[];
}

export interface Decision {
  /** `measure` where nothing speaks against it but too little was measured to say so. */
  readonly decision: "deploy" | "retrain" | "measure";
  readonly reason: string;
  readonly remedies: readonly Remedy[];
}

/** A last evaluation so much above the best one says that the model learns the training text by heart. */
const OVERFIT = 1.02;
/** A training loss that fell by less than this share did not learn. */
const LEARNT = 0.05;

/**
 * Decides. Deploy: every target is met and every gate passed. Retrain: a target is not met, or a gate failed. Else more
 * has to be measured.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { decide } from "@/evaluation/decision.ts";
 *
 * const target = { id: "transfer", title: "Transfer score", goal: 0.6, status: "not met" as const, why: "" };
 * const { decision, remedies } = decide([target], [], { epochs: 3, loraR: 16, evalLoss: [], loss: [] });
 * equal(decision, "retrain");
 * equal(remedies[0]?.flags, "--epochs 5");
 * ```
 */
export function decide(targets: readonly Judged[], gates: readonly Gate[], trained: TrainedWith): Decision {
  const missed = targets.filter(({ status }) => status === "not met");
  const failed = gates.filter(({ status }) => status === "failed");
  const open = [...targets, ...gates].filter(({ status }) => status === "not shown");
  const names = (list: readonly { readonly title: string }[]) => list.map(({ title }) => title).join(", ");
  if (missed.length + failed.length > 0) {
    const reason = [
      ...(missed.length > 0 ? [`not met: ${names(missed)}`] : []),
      ...(failed.length > 0 ? [`failed: ${names(failed)}`] : []),
    ].join("; ");
    return { decision: "retrain", reason, remedies: remediesFor(missed, failed, trained) };
  }
  if (open.length > 0 || targets.length === 0) {
    const reason = targets.length === 0 ? "nothing was measured" : `not shown: ${names(open)}`;
    return { decision: "measure", reason, remedies: moreToMeasure(open) };
  }
  return { decision: "deploy", reason: "every target is met, and every gate passed", remedies: [] };
}

function remediesFor(missed: readonly Judged[], failed: readonly Gate[], trained: TrainedWith): Remedy[] {
  const remedies: Remedy[] = [];
  const add = (ids: readonly string[], advice: string, flags?: string) => {
    const asking = [...missed, ...failed].filter(({ id }) => ids.includes(id)).map(({ title }) => title);
    if (asking.length > 0) remedies.push({ advice, for: asking, ...(flags === undefined ? {} : { flags }) });
  };
  const overfit = overfits(trained);
  const style = ["transfer", "vocabulary", "structure", "markers", "pov"];
  if (!overfit) add(style, "train for more epochs", `--epochs ${Math.max(5, (trained.epochs ?? 3) + 2)}`);
  add(["transfer", "structure"], "give the adapter more room", `--lora-r ${2 * (trained.loraR ?? 16)}`);
  add(
    ["vocabulary", "markers", "pov", "blind"],
    "weigh the adapter more: text that could be anybody's is a weak signal",
    `--lora-alpha ${2 * (trained.loraAlpha ?? 32)}`,
  );
  if (learntNothing(trained)) {
    add(
      [...style, "blind"],
      "the loss hardly fell: raise the learning rate and check the examples",
      "--learning-rate 3e-4",
    );
  }
  if (overfit) {
    add(
      [...style, "blind", "memorisation", "coherence"],
      "the validation loss rose again: merge the checkpoint before that (gaea:merge --auto), or train for fewer epochs",
      `--epochs ${Math.max(1, Math.round((trained.epochs ?? 3) / 2))}`,
    );
  }
  add(
    ["memorisation"],
    "it recites: train for fewer epochs, with more dropout, on more text",
    "--epochs 2 --lora-dropout 0.1",
  );
  add(
    ["coherence"],
    "it does not hold together: a lower learning rate, and a lower temperature when it is used",
    "--learning-rate 1e-4",
  );
  add(
    ["pov"],
    "read the openings that it was trained on (gaea:check-prefixes): passages in another person teach another person",
  );
  add([...style, "imposters"], "bring more of the author's text: other manuscripts are curated the same way");
  return remedies;
}

function moreToMeasure(open: readonly { readonly id: string; readonly title: string }[]): Remedy[] {
  const blind = open.filter(({ id }) => id === "blind"), others = open.filter(({ id }) => id !== "blind");
  return [
    ...(others.length > 0
      ? [{
        advice: "let both models write more: gaea:voice with a larger --words, then gaea:compare",
        for: others.map(({ title }) => title),
      }]
      : []),
    ...(blind.length > 0
      ? [{ advice: "judge more pairs: gaea:blind goes on where it was", for: blind.map(({ title }) => title) }]
      : []),
  ];
}

/** True where the validation loss ended well above its best. */
export function overfits({ evalLoss }: Pick<TrainedWith, "evalLoss">): boolean {
  const last = evalLoss.at(-1);
  if (evalLoss.length < 3 || !last) return false;
  return last.value > OVERFIT * Math.min(...evalLoss.map(({ value }) => value));
}

function learntNothing({ loss }: Pick<TrainedWith, "loss">): boolean {
  const fifth = Math.max(1, Math.floor(loss.length / 5));
  const meanOf = (part: TrainedWith["loss"]) => part.reduce((sum, { value }) => sum + value, 0) / part.length;
  return loss.length >= 5 && meanOf(loss.slice(-fifth)) > (1 - LEARNT) * meanOf(loss.slice(0, fifth));
}
