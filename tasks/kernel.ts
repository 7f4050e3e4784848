/** Installs the Jupyter kernel. Run as: deno task kernel [--prefix DIR] */
import { join } from "node:path";
import { z } from "zod";
import { enter } from "@/core/door.ts";
import { readEnvironment } from "@/core/env.ts";
import { helpText } from "@/core/help.ts";
import { installKernel, jupyterDataDir } from "@/core/kernel.ts";
import { flagsOf, parseOptions } from "@/core/options.ts";

const Options = z.object({
  prefix: z.string().optional().describe("Environment to install into (DIR/share/jupyter); default: the user's own"),
});

await enter(async () => {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    return console.log(
      helpText("deno task kernel [options]", "Installs the Jupyter kernel of this Deno.", flagsOf(Options)),
    );
  }
  const { prefix } = parseOptions(Options, Deno.args);
  const data = prefix === undefined ? jupyterDataDir(readEnvironment()) : join(prefix, "share", "jupyter");
  const { path, action, before } = await installKernel(data);
  const what = action === "kept" ? "is there already" : action === "replaced" ? `replaces ${before}` : "is installed";
  console.log(`The kernel "deno" (${Deno.execPath()}) ${what}: ${path}`);
  console.log("Open a notebook of notebooks/ in Jupyter or VS Code and choose it, or run: deno task lab");
});
