import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { changeToFit, estimateMemory, type MemoryPlan } from "@/training/memory.ts";
import { loraParameters, parameters, parseShape } from "@/training/model_shape.ts";
import { LLAMA_8B, QWEN_14B, QWEN_1_5B } from "./shapes.ts";

const GIB = 2 ** 30;

const PLAN: MemoryPlan = {
  loraR: 32,
  loraTargets: ["all-linear"],
  loraDropout: 0.05,
  batchSize: 4,
  evalBatchSize: 4,
  tokens: 1024,
  base: "16bit",
  optimizer: "32bit",
  gradientCheckpointing: true,
  eagerAttention: false,
  logits: "tiles",
};

function near(found: number, wanted: number, tolerance: number, what: string): void {
  const off = found / wanted - 1;
  ok(Math.abs(off) <= tolerance, `${what}: ${(found / GIB).toFixed(2)} GiB is ${(100 * off).toFixed(0)} % off`);
}

Deno.test("parameters counts what the makers say: 1.54, 8.03 and 14.8 billion", () => {
  near(parameters(QWEN_1_5B).total, 1.5437e9, 0.001, "1.5B");
  near(parameters(LLAMA_8B).total, 8.03e9, 0.001, "8B");
  near(parameters(QWEN_14B).total, 14.77e9, 0.001, "14B");
});

Deno.test("loraParameters counts rank 32 on 1.5B and rank 16 on 8B, and targets by the ends of their names", () => {
  equal(loraParameters(QWEN_1_5B, 32, ["all-linear"]), 36_929_536);
  equal(loraParameters(LLAMA_8B, 16, ["all-linear"]), 41_943_040);
  equal(loraParameters(LLAMA_8B, 16, ["q_proj", "self_attn.v_proj"]), 32 * 16 * (4096 + 4096 + 4096 + 1024));
  equal(loraParameters(LLAMA_8B, 16, ["nothing"]), 0);
});

Deno.test("estimateMemory agrees with the longest contexts that Unsloth measured for plain Hugging Face", () => {
  // Llama-3.1-8B, QLoRA rank 32, batch 1, FlashAttention 2 (README of unsloth); the older TRL of that time.
  const measured = [[12, 932], [16, 2551], [24, 5789], [40, 12264], [48, 15502], [80, 28454]] as const;
  for (const [gib, tokens] of measured) {
    const { total } = estimateMemory(LLAMA_8B, {
      ...PLAN,
      loraDropout: 0,
      batchSize: 1,
      evalBatchSize: 1,
      tokens,
      base: "4bit",
      logits: "full",
      upcastEmbeddings: true,
    });
    near(total, gib * GIB, 0.15, `${tokens} tokens`);
  }
});

Deno.test("estimateMemory agrees with torchtune's peaks for 8B, which hold no driver's overhead", () => {
  const plan: MemoryPlan = { ...PLAN, loraR: 8, loraDropout: 0, batchSize: 2, evalBatchSize: 2, tokens: 2048 };
  const peak = (base: "16bit" | "4bit") => {
    const { total, overhead } = estimateMemory(LLAMA_8B, { ...plan, base });
    return total - overhead;
  };
  near(peak("4bit"), 7.4 * GIB, 0.15, "QLoRA");
  near(peak("16bit"), 16.2 * GIB, 0.15, "LoRA");
});

Deno.test("estimateMemory is above Unsloth's own formula, whose kernels hold less, by less than a half", () => {
  const within = (found: number, theirs: number) => ok(found > theirs * GIB && found < 1.5 * theirs * GIB, `${found}`);
  within(estimateMemory(QWEN_1_5B, PLAN).total, 5);
  within(estimateMemory(QWEN_1_5B, { ...PLAN, base: "4bit" }).total, 3.2);
  const long = { ...PLAN, loraR: 16, batchSize: 1, evalBatchSize: 1, tokens: 4096, base: "4bit" as const };
  within(estimateMemory(LLAMA_8B, long).total, 8);
});

Deno.test("estimateMemory counts 2.3 GiB for each copy of Qwen's logits, and an evaluation of 8 above a training of 1", () => {
  const full = estimateMemory(QWEN_1_5B, { ...PLAN, logits: "full" });
  near(full.logits, 4 * 2.32 * GIB, 0.01, "logits");
  const { train, evaluation, total } = estimateMemory(QWEN_1_5B, {
    ...PLAN,
    batchSize: 1,
    evalBatchSize: 8,
    logits: "full",
  });
  ok(evaluation > train && total === evaluation);
});

Deno.test("estimateMemory knows what costs: no checkpointing, eager attention, 32 bit, 8-bit optimizer less", () => {
  const total = (change: Partial<MemoryPlan>) => estimateMemory(QWEN_1_5B, { ...PLAN, ...change }).total;
  ok(total({ gradientCheckpointing: false }) > 2 * total({}));
  ok(total({ eagerAttention: true, tokens: 4096, batchSize: 1 }) > total({ tokens: 4096, batchSize: 1 }) + 1e9);
  ok(total({ base: "32bit" }) > total({}) + 3e9);
  ok(total({ optimizer: "8bit" }) < total({}));
  ok(total({ base: "8bit" }) < total({}) && total({ base: "4bit" }) < total({ base: "8bit" }));
});

Deno.test("changeToFit begins with smaller batches that keep the step, and ends with 4 bit", () => {
  const options = { accumulation: 4, allow4bit: true, evalBatch: false };
  const fit = (gib: number, plan: Partial<MemoryPlan> = {}, changed: Partial<typeof options> = {}) =>
    changeToFit(QWEN_1_5B, { ...PLAN, ...plan }, gib * GIB, { ...options, ...changed })?.flags;
  equal(fit(24), "");
  equal(fit(6), "--batch-size 2 --gradient-accumulation-steps 8");
  equal(fit(6, {}, { evalBatch: true }), "--batch-size 2 --gradient-accumulation-steps 8 --eval-batch-size 2");
  equal(
    fit(6.5, { gradientCheckpointing: false, tokens: 4096 }),
    "--batch-size 1 --gradient-accumulation-steps 16 --gradient-checkpointing",
  );
  match(fit(4) ?? "", /--use-4bit/);
  equal(fit(4, {}, { allow4bit: false }), undefined);
  equal(fit(1), undefined);
  const big = changeToFit(QWEN_14B, { ...PLAN, loraR: 16, batchSize: 1 }, 24 * GIB, { ...options, accumulation: 16 });
  match(big?.flags ?? "", /--use-4bit/);
  ok((big?.total ?? Infinity) <= 24 * GIB);
});

Deno.test("parseShape reads experts, an inner text_config and silent defaults, and refuses what is no decoder", () => {
  const dense = {
    model_type: "gemma3",
    text_config: {
      model_type: "gemma3_text",
      hidden_size: 640,
      num_hidden_layers: 18,
      num_attention_heads: 4,
      num_key_value_heads: 1,
      head_dim: 256,
      intermediate_size: 2048,
      vocab_size: 262144,
    },
  };
  const gemma = parseShape(dense);
  deepEqual([gemma.modelType, gemma.headDim, gemma.tied, gemma.maxPositions], ["gemma3_text", 256, true, undefined]);
  const moe = parseShape({
    ...dense.text_config,
    model_type: "qwen3_moe",
    num_experts: 128,
    moe_intermediate_size: 768,
    tie_word_embeddings: false,
    max_position_embeddings: 40960,
  });
  deepEqual([moe.experts, moe.intermediateSize, moe.tied, moe.maxPositions], [128, 768, false, 40960]);
  throws(() => parseShape({ model_type: "vit", hidden_size: 768 }));
  throws(() => parseShape("config"));
});
