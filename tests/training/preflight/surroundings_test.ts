/** Checks of what is around a training: GPU settings, leaks between the sides, packages. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { Gpu } from "@/core/gpu.ts";
import { findToolchain } from "@/core/python_venv.ts";
import { readEnvironment } from "@/core/env.ts";
import { WORKSPACE } from "@/core/paths.ts";
import type { PlacedRow } from "@/training/preflight/check_dataset.ts";
import type { LaunchPlan } from "@/training/plan.ts";
import { checkLaunch } from "@/training/preflight/check_launch.ts";
import { checkLeak } from "@/training/preflight/check_leak.ts";
import {
  checkPackages,
  extrasOf,
  holdsFullLogits,
  pinnedVersions,
  type Probe,
  type Probed,
  probePackages,
} from "@/training/preflight/check_packages.ts";
import { checkGpuSettings } from "@/training/preflight/check_rocm.ts";
import { Recipe } from "@/training/recipe.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";

const STRIX: Gpu = { name: "AMD gfx1151", kind: "amd", memory: 96e9, free: undefined, architecture: "gfx1151" };
const RTX: Gpu = { name: "RTX", kind: "nvidia", memory: 24e9, free: 24e9 };

Deno.test("checkGpuSettings holds the override against the kernel's truth", () => {
  const [found] = checkGpuSettings([STRIX], { HSA_OVERRIDE_GFX_VERSION: "11.0.0" });
  equal(found?.level, "warning");
  match(found?.message ?? "", /claims gfx1100, but the GPU is gfx1151/);
  match(found?.remedy ?? "", /Unset HSA_OVERRIDE_GFX_VERSION/);
  deepEqual(checkGpuSettings([STRIX], { HSA_OVERRIDE_GFX_VERSION: "11.5.1" }).map(({ level }) => level), ["ok"]);
});

Deno.test("checkGpuSettings calls serialising slow, and tells of GPUs that are hidden", () => {
  const slow = checkGpuSettings([STRIX], { AMD_SERIALIZE_KERNEL: "3", AMD_SERIALIZE_COPY: "3" });
  match(slow[0]?.message ?? "", /AMD_SERIALIZE_KERNEL and AMD_SERIALIZE_COPY .*slow mode/);
  deepEqual(checkGpuSettings([RTX], { AMD_SERIALIZE_KERNEL: "3" }).map(({ level }) => level), ["ok"]);
  match(checkGpuSettings([RTX], { CUDA_VISIBLE_DEVICES: "" })[0]?.message ?? "", /hides the GPU/);
  deepEqual(checkGpuSettings([], {}), []);
});

Deno.test("checkLaunch tells of files that are not what they should be, and of processes without a GPU", () =>
  withFolder(async (folder) => {
    const path = (name: string) => join(folder, name);
    await Deno.writeTextFile(path("good.json"), '{"fsdp_version": 2}');
    await Deno.writeTextFile(path("torn.json"), '{"fsdp_version":');
    await Deno.writeTextFile(path("list.json"), "[]");
    const launch = (change: Partial<LaunchPlan>, gpus: Gpu[] = [RTX, RTX]) =>
      checkLaunch({
        ...{ by: "accelerate", processes: 2, machines: 1, machineRank: 0, mainAddress: "127.0.0.1", mainPort: 29500 },
        ...change,
      }, gpus);
    deepEqual(await checkLaunch(undefined, []), []);
    deepEqual((await launch({ fsdp: path("good.json") })).map(({ level, message }) => [level, message]), [
      ["ok", "accelerate starts 2 processes on 1 machine"],
    ]);
    const faults: [Partial<LaunchPlan>, RegExp][] = [
      [
        { accelerateConfig: path("none.yaml") },
        /^--accelerate-config: Cannot read ".*none\.yaml": there is no such file/,
      ],
      [{ fsdp: path("torn.json") }, /^--fsdp: .*it is not JSON/],
      [{ deepspeed: path("list.json") }, /^--deepspeed: .*it is no JSON object/],
      [{ deepspeed: folder }, /it is a folder/],
    ];
    for (const [change, message] of faults) {
      const [found, ...more] = await launch(change);
      deepEqual([found?.level, more.length], ["error", 0]);
      match(found?.message ?? "", message);
    }
    const [many] = await launch({ processes: 3 });
    deepEqual([many?.level, many?.remedy], ["warning", "--processes 2"]);
    match((await launch({ fsdp: path("good.json") }, []))[0]?.message ?? "", /FSDP takes GPUs/);
    equal((await launch({}, []))[0]?.level, "ok");
  }));

function side(path: string, ...exchanges: [string, string][]): { path: string; rows: PlacedRow[] } {
  return {
    path,
    rows: exchanges.map(([user, assistant], i) => ({
      line: i + 1,
      messages: [{ role: "user", content: user }, { role: "assistant", content: assistant }],
    })),
  };
}

const LONG = "We built the city together, and together we keep it, brick by brick and year by year.";
const many = Array.from({ length: 30 }, (_, i): [string, string] => [
  `Question ${i} of ${i * i}?`,
  `The answer ${i} names ${i * 7} towers, ${i * 13} bridges and ${i * 17} gardens beyond the ${i * 19} gates.`,
]);

Deno.test("checkLeak is content where the sides share nothing", () => {
  const found = checkLeak(side("train", ["a?", LONG]), side("val", ...many));
  deepEqual(found.map(({ level }) => level), ["ok"]);
});

Deno.test("checkLeak finds near-duplicate answers and repeated questions, with both places", () => {
  const train = side("train", ["Why keep it?", LONG], ["Who plays?", "All of us play on the same board."]);
  const val = side("val", ...many, ["What of it?", LONG.replace("year by year.", "year by year!")], [
    "who  PLAYS",
    "Nobody at all.",
  ]);
  const found = checkLeak(train, val);
  deepEqual(found.map(({ level }) => level), ["warning", "warning"]);
  match(found[0]?.message ?? "", /^1 of 32 validation answers .*val:31 is 1.00 like train:1$/);
  match(found[1]?.message ?? "", /^1 of 32 validation questions .*val:32 as train:2$/);
  match(found[0]?.remedy ?? "", /deno task split/);
});

Deno.test("checkLeak stops where a good part of the validation is known, and warns of none and of few", () => {
  equal(checkLeak(side("train", ...many), side("val", ...many))[0]?.level, "error");
  match(checkLeak(side("train", ...many), side("val"))[0]?.message ?? "", /no validation rows/);
  match(checkLeak(side("train", ["a", LONG]), side("val", ...many.slice(0, 5)))[0]?.message ?? "", /Only 5 rows/);
});

const PINNED = { transformers: "5.23.0", peft: "0.21.2", trl: "1.16.0", accelerate: "1.15.0" };
const PROBE: Probe = {
  python: "3.11.7",
  packages: { ...PINNED, torch: "2.13.0+cu130", datasets: "5.2.0", bitsandbytes: "0.50.2" },
  failures: {},
  unknown: [],
  devices: { count: 1, names: ["RTX"], architectures: ["sm_90"], hip: null, bf16: true },
};
const answered = (change: Partial<Probe> = {}): Probed => ({ kind: "answered", probe: { ...PROBE, ...change } });
const recipe = (change: Partial<Recipe> = {}) => ({ ...Recipe.parse({}), ...change });
const packages = (probed: Probed, change: Partial<Recipe> = {}, gpus: Gpu[] = [RTX]) =>
  checkPackages(probed, recipe(change), gpus, PINNED);

Deno.test("checkPackages is content with the tested versions, and passes over an environment that is not made yet", () => {
  deepEqual(packages(answered()).map(({ level }) => level), ["ok"]);
  match(packages({ kind: "absent", message: "Not made" })[0]?.message ?? "", /made before the first training/);
});

Deno.test("checkPackages tells of what cannot be imported, of bitsandbytes only where it is needed", () => {
  const broken = answered({ failures: { bitsandbytes: "RuntimeError: no ROCm binary" } });
  deepEqual(packages(broken).map(({ level }) => level), ["ok"]);
  for (const change of [{ use4bit: true }, { optimizer: "adamw_8bit" }] as Partial<Recipe>[]) {
    match(packages(broken, change)[0]?.message ?? "", /^bitsandbytes cannot be imported: RuntimeError: no ROCm binary/);
  }
  equal(packages(answered({ failures: { trl: "ImportError: x" } }))[0]?.level, "error");
});

Deno.test("checkPackages tells of what an option takes beside the trainer's packages, and how it is had", () => {
  const failures = {
    wandb: "it is not installed",
    flash_attn: "it is not installed",
    deepspeed: "it is not installed",
  };
  const probed = answered({ failures, executable: "/venv/bin/python" });
  const asked = (change: Partial<Recipe>, launch?: { deepspeed?: string }) =>
    checkPackages(probed, recipe(change), [RTX], PINNED, extrasOf({ recipe: recipe(change), launch: launch as never }));
  deepEqual(asked({}).map(({ level }) => level), ["ok"]);
  const [wandb, ...more] = asked({ wandb: true });
  deepEqual([wandb?.level, wandb?.message, more.length], ["error", "--wandb takes wandb: it is not installed", 0]);
  equal(wandb?.remedy, '"/venv/bin/python" -m pip install wandb, or leave --wandb out');
  match(asked({ attention: "flash_attention_2" })[0]?.remedy ?? "", /pip install flash-attn, or leave --attention/);
  match(asked({}, { deepspeed: "zero.json" })[0]?.message ?? "", /^--deepspeed takes deepspeed/);
});

Deno.test("checkPackages tells of keywords that the installed versions do not know, else of other versions", () => {
  const [unknown] = packages(
    answered({ unknown: ["SFTConfig: max_seq_length"], packages: { ...PROBE.packages, trl: "0.15.0" } }),
  );
  equal(unknown?.level, "error");
  match(unknown?.message ?? "", /SFTConfig: max_seq_length/);
  match(unknown?.remedy ?? "", /trl 1.16.0/);
  const [other] = packages(answered({ packages: { ...PROBE.packages, trl: "1.17.0" } }));
  equal(other?.level, "warning");
  match(other?.message ?? "", /trl 1.17.0, tested 1.16.0/);
});

Deno.test("checkPackages makes a crash on import a finding", () => {
  const [found] = packages({ kind: "crashed", code: 139, at: "importing torch", lastLines: ["importing torch"] });
  equal(found?.level, "error");
  match(found?.message ?? "", /crashed with a segmentation fault while importing torch/);
  match(found?.remedy ?? "", /gfx1151/);
  match(packages({ kind: "crashed", code: 137, at: "importing trl", lastLines: [] })[0]?.remedy ?? "", /memory/);
});

Deno.test("checkPackages tells of a torch that does not see the GPU, or is not built for it", () => {
  const blind = { count: 0, names: [] };
  match(packages(answered({ devices: blind }))[0]?.message ?? "", /sees no GPU, but RTX is there/);
  match(packages(answered({ devices: blind }), {}, [STRIX])[0]?.remedy ?? "", /AMD's build of torch/);
  deepEqual(packages(answered({ devices: blind }), {}, []).map(({ level }) => level), ["ok"]);
  const hip = { count: 1, names: ["AMD"], architectures: ["gfx1100"], hip: "7.0", bf16: true };
  match(
    packages(answered({ devices: hip }), {}, [STRIX])[0]?.message ?? "",
    /not built for gfx1151 \(but for gfx1100\)/,
  );
  const old = { ...PROBE.devices, bf16: false };
  equal(packages(answered({ devices: old }), { precision: "bf16" })[0]?.level, "error");
});

Deno.test("an older TRL holds the logits of all tokens", () => {
  const at = (trl: string) => holdsFullLogits(answered({ packages: { trl } }));
  deepEqual(["0.24.0", "1.3.9", "1.4.0", "1.16.0", "2.0.0"].map(at), [true, true, false, false, false]);
  equal(holdsFullLogits({ kind: "absent", message: "" }), false);
});

const env = readEnvironment();
const made = await findToolchain("train", env).catch(() => undefined);

Deno.test({
  name: "the probe imports the real packages and finds that they know what the trainer passes",
  ignore: made === undefined,
  async fn() {
    const probed = await probePackages(fakeContext({ env }));
    ok(probed.kind === "answered", JSON.stringify(probed));
    deepEqual(probed.probe.unknown, []);
    const extras = ["wandb", "flash_attn", "deepspeed"];
    deepEqual(Object.keys(probed.probe.failures).filter((name) => !extras.includes(name)), []);
    const pinned = await pinnedVersions();
    equal(probed.probe.packages.trl, pinned.trl);
    equal(checkPackages(probed, recipe(), [], pinned)[0]?.level, "ok");
  },
});

Deno.test({
  name: "keywords are looked for in all parts of the trainer, so that an older package is found out",
  ignore: made === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const script = join(folder, "older.py");
      const lines = [
        "import sys, types",
        `sys.path.insert(0, ${JSON.stringify(join(WORKSPACE, "lib", "python"))})`,
        "import probe_train",
        "for name in probe_train.PACKAGES: sys.modules[name] = types.ModuleType(name)",
        "class Takes:",
        "    def __init__(self, **keywords): pass",
        "class SFTConfig:",
        "    def __init__(self, output_dir, max_seq_length=1024, gradient_checkpointing_kwargs=None): pass",
        "class LoraConfig:",
        "    def __init__(self, r, lora_alpha, lora_dropout, target_modules, bias): pass",
        'sys.modules["trl"].SFTConfig = SFTConfig',
        'sys.modules["trl"].SFTTrainer = sys.modules["transformers"].BitsAndBytesConfig = Takes',
        'sys.modules["peft"].LoraConfig = LoraConfig',
        "probe_train.main()",
      ];
      await Deno.writeTextFile(script, lines.join("\n"));
      const probed = await probePackages(fakeContext({ env }), { script });
      ok(probed.kind === "answered", JSON.stringify(probed));
      const { unknown } = probed.probe;
      ok(unknown.includes("SFTConfig: max_length") && unknown.includes("LoraConfig: task_type"), unknown.join());
      ok(!unknown.includes("SFTConfig: output_dir"));
      const [found] = checkPackages(probed, recipe(), [], {});
      match(found?.message ?? "", /do not know what the trainer passes to them: .*SFTConfig: max_length/);
    }),
});

Deno.test({
  name: "a child that dies by a signal while importing is a crash, and one that is missing is told",
  ignore: made === undefined || Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const script = join(folder, "crash.py");
      await Deno.writeTextFile(
        script,
        'import os, signal, sys\nprint("importing torch", file=sys.stderr, flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)\n',
      );
      const probed = await probePackages(fakeContext({ env }), { script });
      ok(probed.kind === "crashed");
      deepEqual([probed.code, probed.at], [139, "importing torch"]);
      const none = await probePackages(fakeContext({ env: { VOICEWORKS_PYTHON_TRAIN: join(folder, "python") } }));
      equal(none.kind, "failed");
      const absent = await probePackages(fakeContext({ env: { VOICEWORKS_CACHE: folder } }));
      equal(absent.kind, "absent");
    }),
});
