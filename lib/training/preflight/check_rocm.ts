/** What the environment claims of an AMD GPU, against what the kernel knows (KFD). */
import { type Gpu, overrideProblem } from "../../core/gpu.ts";
import { type Finding, ok, warning } from "./finding.ts";

const CHECK = "gpu";

/** @param env Of the trainer: the user's, with that of the recipe. */
export function checkGpuSettings(gpus: readonly Gpu[], env: Readonly<Record<string, string>>): Finding[] {
  const findings: Finding[] = [];
  const override = overrideProblem(env.HSA_OVERRIDE_GFX_VERSION, gpus);
  if (override) {
    findings.push(warning(
      CHECK,
      override,
      "Unset HSA_OVERRIDE_GFX_VERSION and take a torch that is built for this GPU: as another one it crashes where the " +
        "real one is supported (ROCm#5824).",
    ));
  }
  const serial = ["AMD_SERIALIZE_KERNEL", "AMD_SERIALIZE_COPY"].filter((name) => Number(env[name]) > 0);
  if (serial.length > 0 && gpus.some(({ kind }) => kind === "amd")) {
    findings.push(warning(
      CHECK,
      `${serial.join(" and ")} make the GPU wait before and after each piece of work: a slow mode for finding faults`,
      "Leave them out unless the GPU hangs without them.",
    ));
  }
  for (const [name, kind] of [["CUDA_VISIBLE_DEVICES", "nvidia"], ["HIP_VISIBLE_DEVICES", "amd"]] as const) {
    const value = env[name]?.trim();
    if ((value === "" || value === "-1") && gpus.some((gpu) => gpu.kind === kind)) {
      findings.push(warning(CHECK, `${name}="${value}" hides the GPU from the trainer`, `Unset ${name}.`));
    }
  }
  if (gpus.length > 0 && findings.length === 0) {
    findings.push(ok(CHECK, gpus.map(({ name }) => name).join(", ")));
  }
  return findings;
}
