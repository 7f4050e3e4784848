/** The one gate before a commit: check after check, up to the first that fails. Run as: deno task ok */
import { enter } from "@/core/door.ts";
import { UserError } from "@/core/errors.ts";
import { helpText } from "@/core/help.ts";
import { parseOptions } from "@/core/options.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { z } from "zod";

const CHECKS = [
  ["fmt", "--check"],
  ["lint"],
  ["check", "--lock=deno.lock", "--frozen"],
  ["task", "cells"],
  ["task", "readme", "--check"],
  ["task", "test"],
];

const SUMMARY = ["Runs each of these, up to the first that fails:", "", ...CHECKS.map((args) => `  ${named(args)}`)];

await enter(async () => {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    return console.log(helpText("deno task ok", SUMMARY.join("\n"), []));
  }
  parseOptions(z.object({}), Deno.args);
  // The check that runs answers Ctrl-C itself; this process only waits for it.
  Deno.addSignalListener("SIGINT", () => {});
  for (const args of CHECKS) {
    const { code } = await new Deno.Command(Deno.execPath(), { args, cwd: WORKSPACE, stdin: "inherit" }).spawn().status;
    if (code !== 0) throw new UserError(`Not ok: ${named(args)} failed`);
  }
  console.log("ok");
});

function named(args: readonly string[]): string {
  return `deno ${args.join(" ")}`;
}
