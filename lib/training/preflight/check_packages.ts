/** The trainer's packages: whether they import, which versions they are, and whether they know what we pass to them. */
import { join } from "node:path";
import { z } from "zod";
import { isAbort, messageOf, ToolError, UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import type { Gpu } from "../../core/gpu.ts";
import { WORKSPACE } from "../../core/paths.ts";
import { runPython } from "../../core/python.ts";
import { findToolchain } from "../../core/python_venv.ts";
import type { Context } from "../../core/step.ts";
import type { TrainingPlan } from "../plan.ts";
import type { Recipe } from "../recipe.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

const CHECK = "packages";

/** What lib/python/probe_train.py writes. */
const Probe = z.object({
  python: z.string(),
  /** Path of the Python that was asked. */
  executable: z.string().optional(),
  packages: z.record(z.string(), z.string()),
  failures: z.record(z.string(), z.string()),
  /** As `SFTConfig: max_seq_length`. */
  unknown: z.array(z.string()),
  devices: z.object({
    count: z.int().nonnegative(),
    names: z.array(z.string()),
    architectures: z.array(z.string()).optional(),
    hip: z.string().nullish(),
    cuda: z.string().nullish(),
    bf16: z.boolean().optional(),
    mps: z.boolean().optional(),
    failure: z.string().optional(),
  }),
});
export type Probe = z.infer<typeof Probe>;

/** What came of the probe: its answer, or why there is none. */
export type Probed =
  | { readonly kind: "answered"; readonly probe: Probe }
  /** The process crashed; `at` is the last thing that it began. */
  | { readonly kind: "crashed"; readonly code: number; readonly at: string; readonly lastLines: readonly string[] }
  | { readonly kind: "absent"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string; readonly hint?: string };

/**
 * Imports the trainer's packages in a child.
 *
 * @param install Make the environment where it is missing (minutes); else that is told.
 */
export async function probePackages(
  context: Context,
  { install = false, script = "probe_train.py" }: { install?: boolean; script?: string } = {},
): Promise<Probed> {
  if (!install && await findToolchain("train", context.env) === undefined) {
    return { kind: "absent", message: "The Python environment of the trainer is not made yet" };
  }
  const folder = await Deno.makeTempDir({ prefix: "voiceworks-probe-" });
  try {
    const output = join(folder, "probe.json");
    for await (const event of runPython("train", script, ["--output", output], context)) context.emit(event);
    const parsed = Probe.safeParse(JSON.parse(await readTextFile(output)));
    return parsed.success
      ? { kind: "answered", probe: parsed.data }
      : { kind: "failed", message: "The probe of the trainer's packages answered something else" };
  } catch (thrown) {
    if (context.signal.aborted || isAbort(thrown)) throw thrown;
    if (thrown instanceof ToolError) {
      const at = thrown.lastLines.findLast((line) => /^(importing|comparing|looking) /.test(line)) ?? "starting";
      return { kind: "crashed", code: thrown.code, at, lastLines: thrown.lastLines };
    }
    if (!(thrown instanceof UserError)) throw thrown;
    return { kind: "failed", message: messageOf(thrown), ...(thrown.hint ? { hint: thrown.hint } : {}) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Versions that lib/python/requirements-train.txt names. */
export async function pinnedVersions(): Promise<Record<string, string>> {
  const text = await readTextFile(join(WORKSPACE, "lib", "python", "requirements-train.txt"));
  return Object.fromEntries([...text.matchAll(/^([\w-]+)==([\w.]+)/gm)].map(([, name, version]) => [name, version]));
}

/** Packages that a training cannot do without. */
const NEEDED = ["torch", "transformers", "peft", "trl", "accelerate", "datasets"];
/** Packages whose version is the trainer's own matter. */
const COMPARED = ["transformers", "peft", "trl", "accelerate"];

type Wanted = Pick<Recipe, "use4bit" | "use8bit" | "optimizer" | "precision">;

/** A package that is not among the trainer's own, and the option that asks for it. */
export interface Extra {
  readonly name: string;
  readonly flag: string;
}

/** What a training takes beside the trainer's packages. */
export function extrasOf({ recipe, launch }: Pick<TrainingPlan, "recipe" | "launch">): Extra[] {
  return [
    ...(recipe.wandb ? [{ name: "wandb", flag: "--wandb" }] : []),
    ...(recipe.attention === "flash_attention_2"
      ? [{ name: "flash_attn", flag: "--attention flash_attention_2" }]
      : []),
    ...(launch?.deepspeed === undefined ? [] : [{ name: "deepspeed", flag: "--deepspeed" }]),
  ];
}

/** What is to be said of the packages. @param pinned Versions that were tested. */
export function checkPackages(
  probed: Probed,
  recipe: Wanted,
  gpus: readonly Gpu[],
  pinned: Readonly<Record<string, string>>,
  extras: readonly Extra[] = [],
): Finding[] {
  if (probed.kind === "absent") {
    return [ok(CHECK, `${probed.message}: it is made before the first training, and looked at then`)];
  }
  if (probed.kind === "failed") {
    return [
      error(CHECK, probed.message, probed.hint ?? "Mend the Python environment, or let Voiceworks make its own."),
    ];
  }
  if (probed.kind === "crashed") return [crash(probed)];
  const { probe } = probed;
  const needed = [...NEEDED, ...(needsBitsandbytes(recipe) ? ["bitsandbytes"] : [])];
  const findings: Finding[] = needed.filter((name) => name in probe.failures).map((name) =>
    error(
      CHECK,
      `${name} cannot be imported: ${probe.failures[name]}`,
      "Unset VOICEWORKS_PYTHON_TRAIN, and Voiceworks makes an environment that has it; or install it in yours.",
    )
  );
  for (const { name, flag } of extras.filter(({ name }) => name in probe.failures)) {
    const install = `${JSON.stringify(probe.executable ?? "python")} -m pip install ${name.replace("_", "-")}`;
    findings.push(error(CHECK, `${flag} takes ${name}: ${probe.failures[name]}`, `${install}, or leave ${flag} out`));
  }
  if (probe.unknown.length > 0) {
    findings.push(error(
      CHECK,
      `The installed versions do not know what the trainer passes to them: ${probe.unknown.join(", ")}`,
      `Install the versions of lib/python/requirements-train.txt (${
        COMPARED.map((name) => `${name} ${pinned[name]}`).join(", ")
      }), or unset VOICEWORKS_PYTHON_TRAIN.`,
    ));
  }
  const others = COMPARED.filter((name) => probe.packages[name] && probe.packages[name] !== pinned[name]);
  if (others.length > 0 && probe.unknown.length === 0) {
    findings.push(warning(
      CHECK,
      `Other versions than the tested ones: ${
        others.map((name) => `${name} ${probe.packages[name]}, tested ${pinned[name]}`).join("; ")
      }`,
      "They know all keywords that are passed; a short trial (--max-steps 5) tells the rest.",
    ));
  }
  findings.push(...checkDevices(probe, recipe, gpus));
  if (findings.length === 0) {
    const shown = ["torch", ...COMPARED.slice(0, 3)].map((name) => `${name} ${probe.packages[name]}`).join(", ");
    findings.push(ok(CHECK, `${shown} import and know every keyword that is passed`));
  }
  return findings;
}

function needsBitsandbytes({ use4bit, use8bit, optimizer }: Wanted): boolean {
  return use4bit || use8bit || optimizer.includes("8bit");
}

/** A process that ended by a signal: 128 and its number, or the negative number. */
function crash({ code, at, lastLines }: Probed & { kind: "crashed" }): Finding {
  const signal = code > 128 ? code - 128 : -code;
  const names: Record<number, string> = {
    4: "an illegal instruction",
    6: "an abort",
    9: "a kill",
    11: "a segmentation fault",
  };
  const how = names[signal] ?? (code < 0 || code > 128 ? `signal ${signal}` : `exit code ${code}`);
  const said = lastLines.findLast((line) => /error/i.test(line));
  return error(
    CHECK,
    `The trainer's packages crashed with ${how} while ${at}${said ? `: ${said.trim().slice(0, 200)}` : ""}`,
    signal === 9
      ? "The system ended it, most often for want of memory: close other programs."
      : "This torch does not fit the GPU, its driver or HSA_OVERRIDE_GFX_VERSION: unset that, and take a torch that is built " +
        "for this GPU (on gfx1151 AMD's own wheels).",
  );
}

/** Whether torch sees the GPU that the driver sees. */
function checkDevices({ devices, packages }: Probe, recipe: Wanted, gpus: readonly Gpu[]): Finding[] {
  const torch = packages.torch ?? "";
  if (devices.failure) {
    return [error(CHECK, `torch ${torch} cannot look for GPUs: ${devices.failure}`, "Update the GPU's driver.")];
  }
  const real = gpus.filter(({ kind }) => kind !== "apple");
  if (real.length > 0 && devices.count === 0) {
    const amd = real.some(({ kind }) => kind === "amd");
    return [error(
      CHECK,
      `torch ${torch} sees no GPU, but ${
        real.map(({ name }) => name).join(", ")
      } is there: the training would take the processor`,
      amd
        ? "Point VOICEWORKS_PYTHON_TRAIN at an environment with AMD's build of torch."
        : "Install a torch with CUDA that this driver supports, or update the driver.",
    )];
  }
  const findings: Finding[] = [];
  if (devices.count > 0 && recipe.precision === "bf16" && devices.bf16 === false) {
    findings.push(error(CHECK, `${devices.names[0]} has no bf16`, "--precision fp16, or auto"));
  }
  const built = devices.architectures ?? [];
  const strangers = real.filter(({ architecture }) =>
    architecture !== undefined && devices.hip && built.length > 0 && !built.some((one) => one.startsWith(architecture))
  );
  if (strangers.length > 0) {
    findings.push(warning(
      CHECK,
      `torch ${torch} is not built for ${strangers.map(({ architecture }) => architecture).join(", ")} (but for ${
        built.join(", ")
      })`,
      "Take AMD's build of torch for this GPU; HSA_OVERRIDE_GFX_VERSION only hides it.",
    ));
  }
  return findings;
}

/** Whether this TRL holds the logits of all tokens: it reckons in pieces since 1.4 (trl#5575). */
export function holdsFullLogits(probed: Probed): boolean {
  const version = probed.kind === "answered" ? probed.probe.packages.trl : undefined;
  const [major = 0, minor = 0] = version?.split(".").map(Number) ?? [];
  return version !== undefined && (major < 1 || (major === 1 && minor < 4));
}
