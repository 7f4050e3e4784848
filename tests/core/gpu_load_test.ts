import { deepEqual } from "node:assert/strict";
import type { Probe } from "@/core/gpu.ts";
import { gpuLoads } from "@/core/gpu_load.ts";

const none: Probe = {
  ask: () => Promise.resolve(undefined),
  read: () => Promise.resolve(undefined),
  list: () => Promise.resolve([]),
  os: "linux",
};

Deno.test("gpuLoads reads memory and temperature of an NVIDIA GPU, and what one does not tell", async () => {
  const stdout = "NVIDIA GeForce RTX 5090, 25600, 32607, 71\nNVIDIA GB10, [N/A], [N/A], 48\n";
  const loads = await gpuLoads({ ...none, ask: () => Promise.resolve({ code: 0, stdout, stderr: "" }) });
  deepEqual(loads, [
    { name: "NVIDIA GeForce RTX 5090", used: 25600 * 2 ** 20, memory: 32607 * 2 ** 20, celsius: 71 },
    { name: "NVIDIA GB10", used: undefined, memory: undefined, celsius: 48 },
  ]);
});

Deno.test("gpuLoads reads an AMD GPU from the kernel, passes over others, and finds none where there is none", async () => {
  const files: Record<string, string> = {
    "/sys/class/drm/card1/device/mem_info_vram_total": "103079215104\n",
    "/sys/class/drm/card1/device/mem_info_vram_used": "1073741824\n",
    "/sys/class/drm/card1/device/hwmon/hwmon4/temp1_input": "46000\n",
  };
  const loads = await gpuLoads({
    ...none,
    read: (path) => Promise.resolve(files[path.replaceAll("\\", "/")]),
    list: (path) =>
      Promise.resolve(path.endsWith("hwmon") ? ["hwmon4"] : ["card0", "card1", "card1-DP-1", "renderD128"]),
  });
  deepEqual(loads, [{ name: "AMD GPU (card1)", used: 2 ** 30, memory: 96 * 2 ** 30, celsius: 46 }]);
  deepEqual(await gpuLoads(none), []);
});
