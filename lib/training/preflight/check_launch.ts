/** Whether several processes can be started as the options ask: their files, and a GPU for each of them. */
import { messageOf, UserError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { counted } from "../../core/format.ts";
import type { Gpu } from "../../core/gpu.ts";
import type { LaunchPlan } from "../plan.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

const CHECK = "launch";

/** What is to be said of a launch; nothing of a training in one process. */
export async function checkLaunch(launch: LaunchPlan | undefined, gpus: readonly Gpu[]): Promise<Finding[]> {
  if (!launch) return [];
  const { by, processes, machines, accelerateConfig, fsdp, deepspeed } = launch;
  const findings: Finding[] = [];
  const files = [
    { flag: "--accelerate-config", path: accelerateConfig, json: false },
    { flag: "--fsdp", path: fsdp, json: true },
    { flag: "--deepspeed", path: deepspeed, json: true },
  ];
  for (const { flag, path, json } of files) {
    const fault = path === undefined ? undefined : await faultOf(path, json);
    if (fault !== undefined) findings.push(error(CHECK, `${flag}: ${fault}`, `Name the file by ${flag}, or mend it.`));
  }
  const here = gpus.filter(({ kind }) => kind === "nvidia" || kind === "amd");
  if (here.length > 0 && processes > here.length) {
    findings.push(warning(
      CHECK,
      `--processes ${processes} share ${counted(here.length, "GPU")}: each process takes one of its own`,
      `--processes ${here.length}`,
    ));
  }
  if (here.length === 0 && fsdp !== undefined) {
    findings.push(warning(CHECK, "FSDP takes GPUs, and none is seen here", "Leave --fsdp out on processors."));
  }
  if (findings.length > 0) return findings;
  const each = `${counted(processes, "process", "processes")} on ${counted(machines, "machine")}`;
  return [ok(CHECK, `${by} starts ${each}`)];
}

async function faultOf(path: string, json: boolean): Promise<string | undefined> {
  try {
    const text = await readTextFile(path);
    if (!json) return undefined;
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? undefined
      : `Cannot read "${path}": it is no JSON object`;
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    return `Cannot read "${path}": it is not JSON (${messageOf(thrown)})`;
  }
}
