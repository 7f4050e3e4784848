/**
 * Tokens a second of `deno task train` beside a bare TRL script, on the same tiny model and rows, taking
 * turns step by step. By itself: `deno run -A tasks/bench/train_bench.ts [steps]`.
 */
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "@/core/errors.ts";
import { count } from "@/core/format.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { runPython } from "@/core/python.ts";
import { terminal } from "@/core/terminal.ts";
import { effectiveRecipe, loadRecipe } from "@/training/recipe.ts";
import { writeRows } from "@/training/dataset.ts";
import { makeTinyBase } from "@/training/tiny_base.ts";
import type { BenchRow } from "./row.ts";

const Side = z.object({ seconds: z.number(), tokens: z.number(), loss: z.number() });
const Found = z.object({ bare: Side, ours: Side });

/** Conversations as long as those of the theme dataset are in the tiny model's tokens. */
function conversation(number: number): unknown {
  const sentence = (at: number) =>
    `On day ${number + at} the brigade at the north dome counted its tools and its bread.`;
  return {
    messages: [
      { role: "system", content: "You are the machine that keeps the plan of the colony. You speak plainly." },
      { role: "user", content: `What was done on day ${number}?` },
      { role: "assistant", content: Array.from({ length: 8 }, (_, at) => sentence(at)).join(" ") },
    ],
  };
}

export async function trainBench(steps = 48): Promise<BenchRow[]> {
  const context = terminal();
  const folder = await Deno.makeTempDir();
  try {
    const dataset = join(folder, "rows.jsonl");
    await Deno.writeTextFile(
      dataset,
      Array.from({ length: 64 }, (_, i) => JSON.stringify(conversation(i)) + "\n").join(""),
    );
    const { summary: _, env: __, ...rehearsal } = await loadRecipe("cpu-rehearsal");
    const recipe = effectiveRecipe(rehearsal, { maxSteps: steps, loggingSteps: 4, saveSteps: 1000, valSplit: 0 });
    const paths = { train: join(folder, "train.jsonl"), val: join(folder, "val.jsonl") };
    await writeRows({ dataset, split: undefined }, recipe, paths, context);
    const config = { recipe, base: await makeTinyBase(context), train: paths.train, val: null, identity: "bench" };
    await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify(config));
    const script = join(WORKSPACE, "tasks", "bench", "train_peer.py");
    let found: z.infer<typeof Found> | undefined;
    for await (
      const event of runPython("train", script, [join(folder, "config.json"), folder], context)
    ) {
      if (event.type !== "log" || !event.message.startsWith("found: ")) continue;
      found = Found.parse(JSON.parse(event.message.slice("found: ".length)));
    }
    if (!found) throw new UserError("Cannot bench training: the peer said nothing");
    const { bare, ours } = found;
    if (bare.tokens !== ours.tokens || Math.abs(bare.loss - ours.loss) > 1e-4) {
      throw new UserError(`Cannot bench training: both sides did not do the same: ${JSON.stringify(found)}`);
    }
    const speed = ({ tokens, seconds }: typeof bare) => tokens / seconds;
    return [{
      name: "training a LoRA, tokens a second of one core",
      ours: `${count(Math.round(speed(ours)))} tokens/s`,
      peer: `TRL alone: ${count(Math.round(speed(bare)))} tokens/s`,
      ratio: speed(ours) / speed(bare),
      target: "≥ 0.99×",
    }];
  } finally {
    context.close();
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) console.log(await trainBench(Number(Deno.args[0] ?? 48)));
