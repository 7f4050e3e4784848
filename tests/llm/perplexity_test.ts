import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { klDivergence, measurePerplexity } from "@/llm/perplexity.ts";
import {
  isComplaint,
  parseChunks,
  parseFinal,
  parseKlRow,
  parseKlStatistics,
  parseScore,
  parseTooFew,
} from "@/llm/perplexity_output.ts";
import { withFolder } from "../fakes/folder.ts";
import { realContext, tinyModel, whyNoLlama } from "../fakes/llama.ts";

const noLlama = await whyNoLlama();

const KL_OUTPUT = `
kl_divergence: computing over 2 chunks, n_ctx=256, batch_size=256, n_seq=1
kl_divergence: 0.03 seconds per pass - ETA 0.00 minutes

chunk             PPL               ln(PPL(Q)/PPL(base))          KL Divergence              Δp RMS            Same top p
   1      98.9421 ±   17.1234      -0.01234 ±    0.02100       0.03100 ±    0.00210     1.234 ±  0.120 %    91.339 ±  2.506 %
   2     101.2222 ±   12.0000       0.00512 ±    0.01400       0.03210 ±    0.00150     1.310 ±  0.100 %    90.551 ±  1.840 %

====== Perplexity statistics ======
Mean PPL(Q)                   : 101.222200 ±  12.000000
Mean PPL(base)                : 100.705000 ±  11.900000
Cor(ln(PPL(Q)), ln(PPL(base))):  98.12%
Mean ln(PPL(Q)/PPL(base))     :   0.005120 ±   0.014000
Mean PPL(Q)/PPL(base)         :   1.005133 ±   0.014072
Mean PPL(Q)-PPL(base)         :   0.517200 ±   1.400000

====== KL divergence statistics ======
Mean    KLD:   0.032100 ±   0.001500
Maximum KLD:   0.412000
99.9%   KLD:   0.400000
99.0%   KLD:   0.210000
Median  KLD:   0.021000
Minimum KLD:  -0.000002

====== Token probability statistics ======
Mean    Δp: -0.012 ± 0.082 %
Maximum Δp:  9.100%
RMS Δp    :  1.310 ± 0.100 %
Same top p: 90.551 ± 1.840 %
`;

Deno.test("scores are read from lines of output type 1, and from nothing else", () => {
  deepEqual(parseScore("       0  98.9421  4.594535  0.173100"), { nll: 4.594535 });
  ok(Number.isNaN(parseScore("     512  nan  -nan  nan")?.nll));
  equal(parseScore("[1]98.9421,[2]101.2222,"), undefined);
  equal(parseScore("perplexity: 0.03 seconds per pass - ETA 0.00 minutes"), undefined);
  deepEqual(parseFinal("Final estimate: PPL = 98.9421 +/- 17.12340"), { value: 98.9421, error: 17.1234 });
  equal(parseChunks("perplexity: calculating perplexity over 12 chunks, n_ctx=512, batch_size=512, n_seq=1"), 12);
  equal(parseTooFew("perplexity: the data file you provided tokenizes to only 341 tokens"), 341);
});

Deno.test("statistics of a KL divergence are read, with signs lost on the way too", () => {
  const lines = KL_OUTPUT.split("\n");
  const { meanKld, p99Kld, topAgreement, rmsDeltaP, meanDeltaP, referencePpl } = parseKlStatistics(lines) ?? {};
  deepEqual(meanKld, { value: 0.0321, error: 0.0015 });
  equal(p99Kld, 0.21);
  ok(Math.abs((topAgreement?.value ?? 0) - 0.90551) < 1e-9);
  ok(Math.abs((rmsDeltaP?.value ?? 0) - 0.0131) < 1e-9);
  ok(Math.abs((meanDeltaP?.value ?? 0) + 0.00012) < 1e-9);
  equal(referencePpl?.value, 100.705);
  const mangled = KL_OUTPUT.replaceAll("±", "\ufffd\ufffd").replaceAll("Δ", "\ufffd").split("\n");
  deepEqual(parseKlStatistics(mangled), parseKlStatistics(lines));
  deepEqual(lines.flatMap((line) => parseKlRow(line) ?? []), [1, 2]);
});

Deno.test("statistics that lack a figure are none", () => {
  equal(parseKlStatistics(KL_OUTPUT.replace("Mean    KLD", "Mean KL").split("\n")), undefined);
  equal(parseKlStatistics([]), undefined);
});

Deno.test("words of giving up are known, for the exit code is 0", () => {
  ok(isComplaint("kl_divergence: inconsistent vocabulary (32000 vs 151936)"));
  ok(isComplaint("kl_divergence: failed reading log-probs for chunk 3"));
  ok(isComplaint("perplexity: failed to open /full/base.kld for writing"));
  ok(!KL_OUTPUT.split("\n").some(isComplaint));
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
      ok(score.ppl > 10 && score.ppl < 1e4 && score.uncertainty > 0);
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
