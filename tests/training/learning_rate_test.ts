import { equal, match, ok } from "node:assert/strict";
import { fittedLearningRate } from "@/training/learning_rate.ts";

Deno.test("fittedLearningRate falls with the size of a Llama, hardly with that of a Qwen", () => {
  const llama = [2048, 4096, 8192].map((hiddenSize) => fittedLearningRate({ hiddenSize, modelType: "llama" }).rate);
  ok((llama[0] ?? 0) > 2.5 * (llama[2] ?? 0));
  const qwen = [896, 5120].map((hiddenSize) => fittedLearningRate({ hiddenSize, modelType: "qwen3" }).rate);
  ok((qwen[0] ?? 0) < 1.2 * (qwen[1] ?? 0));
});

Deno.test("fittedLearningRate is cautious about a family that nobody measured, and says so", () => {
  const { rate, basis } = fittedLearningRate({ hiddenSize: 4096, modelType: "mistral" });
  equal(rate, 2.9e-4);
  match(basis, /none was made for "mistral"/);
});
