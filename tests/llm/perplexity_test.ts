import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { klDivergence, measurePerplexity } from "@/llm/perplexity.ts";
import { isComplaint, parseChunks, parseDivergence, parseScore } from "@/llm/perplexity_output.ts";
import { withFolder } from "../fakes/folder.ts";
import { realContext, tinyModel, whyNoLlama } from "../fakes/llama.ts";

const noLlama = await whyNoLlama();

/** Recorded: llama-cpp-python 0.3.36, two models with different random weights. */
const KL_ROW =
  "   3    21638.2361 ± 3039.5850       0.59760 ±    0.14500       3.37088 ±    0.03633     0.152 ±  0.043 %    12.500 ±  0.310 %";
const KL_LINES = [
  "0.00.026.909 I kl_divergence: computing over 4 chunks, n_ctx=128, batch_size=128, n_seq=1",
  "0.00.065.556 I kl_divergence: 0.04 seconds per pass - ETA 0.00 minutes",
  "chunk             PPL               ln(PPL(Q)/PPL(base))          KL Divergence              Δp RMS            Same top p",
  KL_ROW,
  "====== KL divergence statistics ======",
  "Mean    KLD:   3.370880 ±   0.036330",
  "Maximum Δp:  9.100%",
  "Same top p: 90.551 ± 1.840 %",
];

Deno.test("scores are read from rows of output type 1, and from nothing else", () => {
  deepEqual(parseScore("       0  13441.9022  9.506132  0.269318"), { value: 9.506132, error: 0.269318 });
  ok(Number.isNaN(parseScore("     512  nan  -nan  nan")?.value));
  equal(parseScore("[1]98.9421,[2]101.2222,"), undefined);
  equal(parseScore("0.00.160.586 I perplexity: 0.14 seconds per pass - ETA 0.00 minutes"), undefined);
  equal(parseChunks("0.00.017.936 I perplexity: calculating perplexity over 4 chunks, n_ctx=128, batch_size=128"), 4);
});

Deno.test("rows of a KL divergence are read, with signs lost on the way too", () => {
  const [row, ...more] = KL_LINES.flatMap((line) => parseDivergence(line) ?? []);
  equal(more.length, 0);
  deepEqual(row?.meanKld, { value: 3.37088, error: 0.03633 });
  deepEqual(row?.topAgreement, { value: 0.125, error: 0.0031 });
  deepEqual(row?.rmsDeltaP, { value: 0.00152, error: 0.00043 });
  deepEqual(row?.logPplRatio, { value: 0.5976, error: 0.145 });
  deepEqual(parseDivergence(KL_ROW.replaceAll("±", "\ufffd\ufffd")), row);
  equal(parseDivergence(KL_ROW.slice(0, 60)), undefined);
});

Deno.test("words of giving up are known, for the exit code is 0", () => {
  ok(isComplaint("kl_divergence: inconsistent vocabulary (32000 vs 151936)"));
  ok(isComplaint("kl_divergence: failed reading log-probs for chunk 3"));
  ok(isComplaint("perplexity: failed to open /full/base.kld for writing"));
  ok(!KL_LINES.some(isComplaint));
});

const PROSE = Array.from(
  { length: 400 },
  (_, at) => `On day ${at + 1} the workers of the river city moved ${at % 7} stones, and the plan was good.`,
).join("\n");

Deno.test({
  name: "a text is scored by the real program, in bits per byte of exactly what was scored",
  ignore: noLlama !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const context = realContext();
      const model = await tinyModel(join(folder, "tiny.gguf"));
      const text = join(folder, "prose.txt");
      await Deno.writeTextFile(text, PROSE);
      const score = await measurePerplexity({ model, text, contextSize: 128, chunks: 8 }, context);
      equal(score.perChunk.length, 8);
      equal(score.tokens, 8 * 63);
      ok(score.ppl > 100 && score.ppl < 1e6 && score.uncertainty > 0);
      const nats = score.perChunk.reduce((sum, { nll, tokens }) => sum + nll * tokens, 0);
      ok(Math.abs(nats / score.tokens - Math.log(score.ppl)) < 1e-4);
      ok(Math.abs(score.bitsPerByte - nats / Math.LN2 / score.bytes) < 1e-4);
      const bytes = new TextEncoder().encode(PROSE).length;
      ok(score.bytes > score.tokens && score.bytes < bytes);
    }),
});

Deno.test({
  name: "a context that a text is too short for is halved; a text without any length is refused",
  ignore: noLlama !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const model = await tinyModel(join(folder, "tiny.gguf"));
      const text = join(folder, "prose.txt");
      await Deno.writeTextFile(text, PROSE.slice(0, 700));
      const { contextSize } = await measurePerplexity({ model, text, contextSize: 512 }, realContext());
      ok(contextSize < 512 && contextSize >= 32);
      await Deno.writeTextFile(text, "Too short.");
      await rejects(measurePerplexity({ model, text }, realContext()), /64 are needed at least/);
      await rejects(measurePerplexity({ model, text: join(folder, "none.txt") }, realContext()), /no such file/);
    }),
});

Deno.test({
  name: "a model diverges from itself by nothing and from another by much; the scratch file is gone",
  ignore: noLlama !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const context = realContext();
      const reference = await tinyModel(join(folder, "one.gguf"));
      const other = await tinyModel(join(folder, "two.gguf"), { seed: 2 });
      const text = join(folder, "prose.txt");
      const scratch = join(folder, "base.kld");
      await Deno.writeTextFile(text, PROSE);
      const options = { reference, text, scratch, contextSize: 128, chunks: 4 };
      const same = await klDivergence({ ...options, model: reference }, context);
      ok(Math.abs(same.meanKld.value) < 1e-3);
      ok(same.topAgreement.value > 0.99);
      equal(same.tokens, 4 * 63);
      const different = await klDivergence({ ...options, model: other }, context);
      ok(different.meanKld.value > 0.1);
      ok(different.topAgreement.value < 0.9);
      await rejects(Deno.stat(scratch), Deno.errors.NotFound);
    }),
});
