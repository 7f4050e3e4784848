/** Opens JupyterLab on this workspace. Run as: deno task lab [any option of jupyter lab] */
import { join } from "node:path";
import { enter } from "@/core/door.ts";
import { UserError } from "@/core/errors.ts";
import { installKernel } from "@/core/kernel.ts";
import { cacheDir, WORKSPACE } from "@/core/paths.ts";
import { pythonFor } from "@/core/python_venv.ts";
import { emitAll } from "@/core/step.ts";
import { terminal } from "@/core/terminal.ts";

const HELP = `Usage: deno task lab [any option of jupyter lab]

Opens JupyterLab with the Deno kernel at the first notebook. The first run installs JupyterLab into an environment of its
own; nothing of the user's Jupyter is touched. --no-browser prints the address instead.`;

await enter(async () => {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) return console.log(HELP);
  const context = terminal();
  let python: string;
  try {
    python = await emitAll(pythonFor("lab", context), context);
  } finally {
    context.close();
  }
  const jupyter = join(cacheDir(context.env), "jupyter-lab");
  await installKernel(jupyter);
  // JupyterLab answers Ctrl-C itself; this process only waits for it.
  Deno.addSignalListener("SIGINT", () => {});
  const { code } = await new Deno.Command(python, {
    args: [
      "-m",
      "jupyterlab",
      `--ServerApp.root_dir=${WORKSPACE}`,
      "--LabApp.default_url=/lab/tree/notebooks/deepred/01_retrieve.ipynb",
      ...Deno.args,
    ],
    env: { JUPYTER_PATH: jupyter },
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (code !== 0) throw new UserError(`JupyterLab ended with exit code ${code}`);
  Deno.exit(0); // The listener would keep this process alive.
});
