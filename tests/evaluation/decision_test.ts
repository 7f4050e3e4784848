import { deepEqual, equal, ok } from "node:assert/strict";
import { decide, type Gate, type Judged, overfits, type TrainedWith } from "@/evaluation/decision.ts";

const IDS = ["transfer", "vocabulary", "structure", "markers", "pov", "blind"] as const;
const targets = (changes: Partial<Record<(typeof IDS)[number], Judged["status"]>> = {}): Judged[] =>
  IDS.map((id) => ({ id, title: id, goal: 0.6, status: changes[id] ?? "met", why: "" }));
const gate = (id: string, status: Gate["status"]): Gate => ({ id, title: id, status, why: "" });
const trained: TrainedWith = { epochs: 3, loraR: 16, loraAlpha: 32, learningRate: 2e-4, evalLoss: [], loss: [] };
const losses = (...values: number[]) => values.map((value, at) => ({ step: at + 1, value }));
const flags = (decision: ReturnType<typeof decide>) => decision.remedies.map(({ flags }) => flags).filter(Boolean);

Deno.test("decide deploys only where every target is met and every gate passed", () => {
  equal(decide(targets(), [gate("memorisation", "passed")], trained).decision, "deploy");
  for (const id of IDS) {
    equal(decide(targets({ [id]: "not met" }), [], trained).decision, "retrain");
    equal(decide(targets({ [id]: "not shown" }), [], trained).decision, "measure");
  }
  equal(decide(targets(), [gate("memorisation", "failed")], trained).decision, "retrain");
  equal(decide(targets(), [gate("coherence", "not shown")], trained).decision, "measure");
  equal(decide([], [], trained).decision, "measure");
});

Deno.test("decide says retrain, not measure, where one target is missed and another open", () => {
  const { decision, reason } = decide(targets({ transfer: "not met", blind: "not shown" }), [], trained);
  equal(decision, "retrain");
  equal(reason, "not met: transfer");
});

Deno.test("decide gives the document's moves for a low transfer: more epochs, then a higher rank", () => {
  deepEqual(flags(decide(targets({ transfer: "not met" }), [], trained)).slice(0, 2), ["--epochs 5", "--lora-r 32"]);
  ok(flags(decide(targets({ blind: "not met" }), [], trained)).includes("--lora-alpha 64"));
});

Deno.test("decide does not ask for more epochs of a model that overfits, nor of one that recites", () => {
  const overfit = { ...trained, evalLoss: losses(2.4, 2.1, 2.0, 2.3) };
  equal(overfits(overfit), true);
  equal(overfits({ evalLoss: losses(2.4, 2.1, 2.0, 2.01) }), false);
  deepEqual(flags(decide(targets({ transfer: "not met" }), [], overfit)).slice(0, 2), ["--lora-r 32", "--epochs 2"]);
  ok(flags(decide(targets(), [gate("memorisation", "failed")], trained)).includes("--epochs 2 --lora-dropout 0.1"));
});

Deno.test("decide raises the learning rate only where the loss hardly fell", () => {
  const flat = { ...trained, loss: losses(2.5, 2.5, 2.49, 2.5, 2.48, 2.5) };
  ok(flags(decide(targets({ transfer: "not met" }), [], flat)).includes("--learning-rate 3e-4"));
  const fell = { ...trained, loss: losses(2.5, 2.2, 2.0, 1.9, 1.8, 1.7) };
  ok(!flags(decide(targets({ transfer: "not met" }), [], fell)).includes("--learning-rate 3e-4"));
});
