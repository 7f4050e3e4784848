import { deepEqual, equal, match } from "node:assert/strict";
import { findGpus, gfxName, overrideProblem, type Probe } from "@/core/gpu.ts";

const nothing: Probe = {
  ask: () => Promise.resolve(undefined),
  read: () => Promise.resolve(undefined),
  list: () => Promise.resolve([]),
  os: "linux",
};

const strixHalo: Probe = {
  ...nothing,
  list: () => Promise.resolve(["0", "1"]),
  read: (path) =>
    Promise.resolve(
      /mem_banks/.test(path)
        ? "heap_type 1\nsize_in_bytes 103079215104\n"
        : /[\\/]1[\\/]properties$/.test(path)
        ? "cpu_cores_count 0\ngfx_target_version 110501\n"
        : "gfx_target_version 0\n",
    ),
};

Deno.test("findGpus finds none on a machine without", async () => {
  deepEqual(await findGpus(nothing), []);
});

Deno.test("findGpus reads what nvidia-smi prints, unknown memory included", async () => {
  const stdout = "NVIDIA H200, 143771, 143000\nNVIDIA GB10, [N/A], [N/A]";
  const gpus = await findGpus({ ...nothing, ask: () => Promise.resolve({ code: 0, stdout, stderr: "" }) });
  deepEqual(gpus.map((gpu) => [gpu.name, gpu.memory]), [["NVIDIA H200", 143771 * 2 ** 20], ["NVIDIA GB10", undefined]]);
});

Deno.test("findGpus takes AMD's architecture from the kernel and leaves processors out", async () => {
  const [gpu, ...more] = await findGpus(strixHalo);
  equal(gpu?.architecture, "gfx1151");
  equal(gpu?.memory, 103079215104);
  equal(more.length, 0);
});

Deno.test("gfxName writes the last part in hexadecimal", () => {
  deepEqual([110501, 90010, 110000, 90402].map(gfxName), ["gfx1151", "gfx90a", "gfx1100", "gfx942"]);
});

Deno.test("overrideProblem tells an override that the hardware contradicts", async () => {
  const gpus = await findGpus(strixHalo);
  match(overrideProblem("11.0.0", gpus) ?? "", /claims gfx1100, but the GPU is gfx1151/);
  equal(overrideProblem("11.5.1", gpus), undefined);
  equal(overrideProblem(undefined, gpus), undefined);
  match(overrideProblem("11.0.0", []) ?? "", /no AMD GPU/);
  match(overrideProblem("gfx1100", gpus) ?? "", /no version/);
});
