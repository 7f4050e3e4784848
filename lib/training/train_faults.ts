/** How a training can fail, and what helps: the document's remedies, and some more. */
import { ToolError, UserError } from "../core/errors.ts";
import { Outcome } from "./run_file.ts";

/** By the kind that lib/python/train_lora.py tells. */
const REMEDIES: Readonly<Record<string, string>> = {
  memory:
    "Take --max-seq-length 512 or 768, or half the --batch-size and twice the --gradient-accumulation-steps; then " +
    "--use-4bit. Where it failed at an evaluation: --eval-batch-size 1.",
  "not-finite":
    "Take a lower --learning-rate (half of it), and --precision bf16 rather than fp16. The last checkpoint is " +
    "from before: what was saved is sound.",
  gpu: "On AMD: --recipe amd-stable sets AMD_SERIALIZE_KERNEL=3, halves the batch and shortens the examples; unset " +
    "HSA_OVERRIDE_GFX_VERSION where torch supports your GPU. Else look at the driver's log (dmesg).",
  packages: "Let Voiceworks make its own environment: unset VOICEWORKS_PYTHON_TRAIN; or install into yours what " +
    "lib/python/requirements-train.txt names. `deno task train --check` tells what does not fit.",
  disk: "Free some space, or keep fewer checkpoints: --save-total-limit 3. What was complete before is whole.",
  base: "Check the id and the network; a model that asks for consent needs HF_TOKEN. Or name a folder by --base-model.",
  template: "Take an instruct model as base: its folder has a chat template.",
  data: "Raise --max-seq-length, or look into train_rejects.jsonl for what was left out.",
  other: "Its remarks lie in trainer.log in the run's folder.",
};

/** What an exit code says where the trainer had no time for a word. On Unix 128 + the signal's number. */
function silentEnd(code: number): { kind: string; message: string } {
  switch (code) {
    case 137:
      return { kind: "memory", message: "it was killed, most likely because the machine's memory did not suffice" };
    case 139:
    case -1073741819: // Windows: access violation.
    case 3221225477:
      return { kind: "gpu", message: "it crashed (segmentation fault), most likely in the GPU's driver or a package" };
    case 130:
    case 143:
      return { kind: "other", message: "it was ended from outside" };
    case 134:
    case 135:
      return { kind: "gpu", message: "it was aborted, most likely by the GPU's driver" };
    default:
      return { kind: "other", message: `it ended with exit code ${code}` };
  }
}

/** What the trainer said on standard error, where it found no room for `outcome.json`. */
function lastWord(lines: readonly string[]): Outcome | undefined {
  const line = lines.findLast((line) => line.startsWith("outcome: "));
  try {
    const outcome = Outcome.safeParse(JSON.parse(line?.slice("outcome: ".length) ?? ""));
    return outcome.success && outcome.data.state === "failed" ? outcome.data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The sentence for a training that failed.
 *
 * @param outcome What the trainer said itself, if it had the time.
 * @param goOn How to go on from the last checkpoint, if there is one.
 */
export function trainFault(error: ToolError, outcome: Outcome | undefined, goOn: string | undefined): UserError {
  const told = outcome?.state === "failed" ? outcome : lastWord(error.lastLines);
  const { kind, message } = told?.message === undefined
    ? silentEnd(error.code)
    : { kind: told.kind ?? "other", message: told.message };
  const said = told === undefined && kind === "other"
    ? error.lastLines.slice(-5).map((line) => `\n  ${line}`).join("")
    : "";
  const remedy = REMEDIES[kind] ?? REMEDIES.other ?? "";
  return new UserError(`Cannot train: ${message}${said}`, {
    hint: goOn === undefined ? remedy : `${remedy}\nGo on from the last checkpoint: ${goOn}`,
    cause: error,
  });
}
