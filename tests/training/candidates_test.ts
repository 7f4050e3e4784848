import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { candidatesOf, newestRun } from "@/training/candidates.ts";
import { withFolder } from "../fakes/folder.ts";
import { floats, writeSafetensors } from "../fakes/safetensors.ts";

interface FakeRun {
  /** Steps with a folder; false for one that was not written to its end. */
  readonly saved: Readonly<Record<number, boolean>>;
  /** Losses by step, as the trainer logged them. */
  readonly losses?: Readonly<Record<number, number>>;
  /** `final` exists. */
  readonly final?: boolean;
  /** Loss in eval_results.json. */
  readonly finalLoss?: number;
}

async function makeRun(folder: string, { saved, losses = {}, final, finalLoss }: FakeRun): Promise<string> {
  const adapter = async (path: string) => {
    await Deno.mkdir(path, { recursive: true });
    await Deno.writeTextFile(join(path, "adapter_config.json"), "{}");
    await writeSafetensors(join(path, "adapter_model.safetensors"), { a: floats([1], () => 1) });
  };
  for (const [step, whole] of Object.entries(saved)) {
    const path = join(folder, `checkpoint-${step}`);
    await adapter(path);
    if (!whole) await Deno.writeTextFile(join(path, "checkpoint-is-incomplete.txt"), "");
    const log_history = Object.entries(losses).filter(([at]) => Number(at) <= Number(step)).flatMap(([at, loss]) => [
      { step: Number(at), loss: 3, learning_rate: 1e-4 },
      { step: Number(at), eval_loss: loss, eval_runtime: 1 },
    ]);
    // As Trainer writes it: the best was not saved, so it does not know it; and NaN, which is no JSON.
    const state = { global_step: Number(step), best_model_checkpoint: null, log_history, epoch: 1 };
    await Deno.writeTextFile(
      join(path, "trainer_state.json"),
      JSON.stringify(state).replace('"epoch":1', '"epoch":NaN'),
    );
  }
  if (final) await adapter(join(folder, "final"));
  if (finalLoss !== undefined) {
    await Deno.writeTextFile(join(folder, "eval_results.json"), JSON.stringify({ eval_loss: finalLoss }));
  }
  return folder;
}

const table = async (folder: string) =>
  (await candidatesOf(folder)).map(({ name, evalLoss, folder, chosen, why }) => [
    `${chosen ? "→ " : ""}${name}`,
    evalLoss ?? null,
    folder !== undefined,
    why,
  ]);

Deno.test("the best is chosen among what was saved, and a better one that was not is told", () =>
  withFolder(async (folder) => {
    const losses = { 100: 2.5, 200: 2.2, 300: 1.9, 400: 2.0, 500: 2.1, 600: 2.4, 1000: 2.3 };
    await makeRun(folder, { saved: { 500: true, 1000: true }, losses, final: true, finalLoss: 2.3 });
    deepEqual(await table(folder), [
      ["checkpoint-100", 2.5, false, "was evaluated, but not saved"],
      ["checkpoint-200", 2.2, false, "was evaluated, but not saved"],
      ["checkpoint-300", 1.9, false, "was evaluated, but not saved"],
      ["checkpoint-400", 2.0, false, "was evaluated, but not saved"],
      ["→ checkpoint-500", 2.1, true, "lowest evaluation loss of what is there"],
      ["checkpoint-600", 2.4, false, "was evaluated, but not saved"],
      ["checkpoint-1000", 2.3, true, "higher evaluation loss"],
      ["final", 2.3, true, "higher evaluation loss"],
    ]);
  }));

Deno.test("a checkpoint that was not written to its end, or never evaluated, is not chosen", () =>
  withFolder(async (folder) => {
    await makeRun(folder, { saved: { 100: true, 200: false, 250: true }, losses: { 100: 2, 200: 1 } });
    deepEqual(await table(folder), [
      ["→ checkpoint-100", 2, true, "lowest evaluation loss of what is there"],
      ["checkpoint-200", 1, true, "was not written to its end"],
      ["checkpoint-250", null, true, "was saved, but not evaluated"],
    ]);
  }));

Deno.test("a checkpoint whose adapter was torn by a crash is not chosen", () =>
  withFolder(async (folder) => {
    await makeRun(folder, { saved: { 100: true, 200: true }, losses: { 100: 2, 200: 1 } });
    const path = join(folder, "checkpoint-200", "adapter_model.safetensors");
    await Deno.writeFile(path, (await Deno.readFile(path)).slice(0, -2));
    const [first, second] = await candidatesOf(folder);
    equal(first?.chosen, true);
    match(second?.why ?? "", /bytes and should have/);
  }));

Deno.test("of equals the later one is chosen, and final before the checkpoint that it was made from", () =>
  withFolder(async (folder) => {
    await makeRun(folder, { saved: { 10: true, 20: true }, losses: { 10: 2, 20: 2 }, final: true });
    equal((await candidatesOf(folder)).find(({ chosen }) => chosen)?.name, "final");
  }));

Deno.test("where nothing was evaluated the last one is taken, and that is said", () =>
  withFolder(async (folder) => {
    await makeRun(folder, { saved: { 10: true, 20: true } });
    deepEqual((await table(folder)).at(-1), ["→ checkpoint-20", null, true, "nothing was evaluated: the last one"]);
  }));

Deno.test("losses after the last checkpoint come from the run's events, bad lines and all", () =>
  withFolder(async (folder) => {
    await makeRun(folder, { saved: { 10: true }, losses: { 10: 3 }, final: true });
    await Deno.writeTextFile(
      join(folder, "events.jsonl"),
      '{"type":"metric","name":"eval_loss","value":2.5,"step":20}\ngarbage\n{"type":"metric","name":"eval_loss","va',
    );
    const final = (await candidatesOf(folder)).find(({ name }) => name === "final");
    deepEqual([final?.step, final?.evalLoss, final?.chosen], [20, 2.5, true]);
  }));

Deno.test("a run without a whole adapter is refused with what it lacks", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "final"));
    await rejects(candidatesOf(folder), (error: Error & { hint?: string }) =>
      /holds none that is whole/.test(error.message) && /final: lacks adapter_config.json/.test(error.hint ?? ""));
    await rejects(candidatesOf(join(folder, "nowhere")), /no such file/);
  }));

Deno.test("the newest run is the one that ended last; hidden folders and other models are none", () =>
  withFolder(async (folder) => {
    await makeRun(join(folder, "theme-deepred-1"), { saved: {}, final: true });
    await makeRun(join(folder, "theme-deepred-2"), { saved: { 10: true } });
    await Deno.mkdir(join(folder, "merged-deepred"));
    await makeRun(join(folder, ".merged-deepred.part"), { saved: {}, final: true });
    for (const [name, time] of [["theme-deepred-1", 2], ["theme-deepred-2", 1]] as const) {
      const path = join(folder, name, "run.json");
      await Deno.writeTextFile(path, "{}");
      await Deno.utime(path, time * 1e6, time * 1e6);
    }
    equal(await newestRun(folder), join(folder, "theme-deepred-1"));
    equal(await newestRun(join(folder, "nothing")), undefined);
  }));

Deno.test("a checkpoint whose writing was broken off keeps none of the others from being chosen", () =>
  withFolder(async (folder) => {
    await makeRun(folder, { saved: { 10: true, 20: true, 30: false }, losses: { 10: 2.5, 20: 2.2 } });
    await Deno.writeTextFile(join(folder, "checkpoint-30", "trainer_state.json"), "");
    deepEqual(await table(folder), [
      ["checkpoint-10", 2.5, true, "higher evaluation loss"],
      ["→ checkpoint-20", 2.2, true, "lowest evaluation loss of what is there"],
      ["checkpoint-30", null, true, "was not written to its end"],
    ]);
  }));

Deno.test("the loss before training is the base's own, and a training that did not better it is told", () =>
  withFolder(async (folder) => {
    await makeRun(folder, { saved: { 10: true, 20: true }, losses: { 0: 2.1, 10: 2.5, 20: 2.2 } });
    deepEqual(await table(folder), [
      ["the base", 2.1, false, "before training"],
      ["checkpoint-10", 2.5, true, "higher evaluation loss"],
      ["→ checkpoint-20", 2.2, true, "lowest evaluation loss of what is there, but no lower than before training"],
    ]);
  }));
