import { deepEqual, equal, match } from "node:assert/strict";
import { UserError } from "@/core/errors.ts";
import type { Gpu } from "@/core/gpu.ts";
import { doctor, phasesOf } from "@/steps/doctor.ts";
import {
  checkDeno,
  checkDisk,
  checkGpu,
  checkGpuSettings,
  checkPython,
  checkServer,
  checkToolchain,
} from "@/steps/doctor_checks.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

const h200: Gpu = { name: "NVIDIA H200", kind: "nvidia", memory: 151e9, free: 150e9 };
const server = { url: "http://localhost:1234", reachable: true, lmstudio: true, models: ["a"], loaded: ["a"] };

Deno.test("checkDeno refuses a version whose kernel does not run headless", () => {
  equal(checkDeno("2.9.6").state, "ok");
  equal(checkDeno("2.10.0").state, "ok");
  equal(checkDeno("2.9.3").mend, "deno upgrade");
});

Deno.test("checkPython tells how to install one where there is none", () => {
  const missing = checkPython(new UserError("Cannot find Python", { hint: "Install it: brew install python" }));
  equal(missing.state, "missing");
  equal(missing.mend, "brew install python");
});

Deno.test("checkServer tells a dead server from one without a model, each with its command", () => {
  equal(checkServer(server, "m").state, "ok");
  equal(checkServer({ ...server, loaded: [] }, "qwen2.5-7b-instruct").mend, "lms load qwen2.5-7b-instruct");
  const dead = { ...server, reachable: false, loaded: [], problem: "connection refused", hint: "lms server start" };
  equal(checkServer(dead, "m").mend, "lms server start");
});

Deno.test("checkGpuSettings finds variables that hide a GPU or contradict it", () => {
  match(checkGpu([h200]).found, /H200, 151\.0 GB \(150\.0 GB free\)/);
  equal(checkGpuSettings([h200], { CUDA_VISIBLE_DEVICES: "0" }).length, 0);
  equal(checkGpuSettings([h200], { CUDA_VISIBLE_DEVICES: "" })[0]?.mend, "unset CUDA_VISIBLE_DEVICES");
  match(checkGpuSettings([h200], { HSA_OVERRIDE_GFX_VERSION: "11.0.0" })[0]?.found ?? "", /no AMD GPU/);
});

Deno.test("checkDisk measures where a folder will lie that is not there yet", () =>
  withFolder(async (folder) => {
    equal((await checkDisk("Disk", `${folder}/not/yet`, 1)).state, "ok");
    equal((await checkDisk("Disk", folder, 1e18)).state, "wrong");
  }));

Deno.test("doctor reports every check with its remedy and what each phase still needs", async () => {
  const context = fakeContext({ env: { HOME: "/nowhere", VOICEWORKS_CACHE: "/nowhere/cache" } });
  const diagnosis = await doctor.run(doctor.options.parse({}), context);
  const unmended = diagnosis.checks.filter((check) => check.state !== "ok" && !check.mend);
  equal(unmended.length, 0);
  const phase3 = diagnosis.phases.find((phase) => phase.tasks.includes("generate"));
  equal(phase3?.missing.includes("LM Studio"), true);
  match(doctor.report?.(diagnosis) ?? "", /Phase 3 .*still needs: LM Studio/);
});

Deno.test("phasesOf knows what training lacks, and that what is made on first use is not lacking", () => {
  const missing = (checks: Parameters<typeof phasesOf>[0], task: string) =>
    phasesOf(checks).find(({ tasks }) => tasks === task)?.missing;
  const bare = [
    checkPython(new UserError("Cannot find Python")),
    checkToolchain("training", undefined, "made by the first `deno task train`"),
    { name: "llama.cpp", state: "missing", found: "not built yet", later: true },
    checkGpu([]),
  ] as const;
  deepEqual(missing(bare, "train, merge, gguf, deploy, evaluate"), ["Python", "GPU"]);
  deepEqual(missing(bare, "pipeline gaea --manuscript"), ["Python", "GPU"]);
  deepEqual(missing(bare, "pipeline, pipeline gaea"), ["Python"]);
  deepEqual(missing(bare, "pipeline --to split"), []);
  deepEqual(missing([{ name: "llama.cpp", state: "missing", found: "no compiler" }], "pipeline, pipeline gaea"), [
    "llama.cpp",
  ]);
  const hidden = checkGpuSettings([h200], { CUDA_VISIBLE_DEVICES: "" });
  deepEqual(missing(hidden, "train, merge, gguf, deploy, evaluate"), ["CUDA_VISIBLE_DEVICES"]);
});
