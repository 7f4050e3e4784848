import { join } from "node:path";
import { ToolError, UserError } from "./errors.ts";
import { readNotebook } from "./notebook_file.ts";
import { cacheDir } from "./paths.ts";
import { runPython } from "./python.ts";
import type { Context, StepEvent } from "./step.ts";

/** Exit code of lib/python/run_notebook.py for a notebook that does not hold. */
const NOTEBOOK_FAILED = 3;

export interface NotebookRun {
  /** Where the executed copy goes; the notebook itself stays as it is. */
  readonly output: string;
  /** Where the page goes; none without it. */
  readonly html?: string | undefined;
  /** Seconds that a cell may take. */
  readonly timeout?: number | undefined;
  /** Added to the environment of the kernel. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a notebook from top to bottom without a browser, in the Deno that runs this.
 *
 * @throws {UserError} for a thrown error, a cell that shows nothing, or a rejected promise: it names the cell and what
 * happened there. The executed copy is written all the same.
 */
export async function* runNotebook(path: string, run: NotebookRun, context: Context): AsyncGenerator<StepEvent> {
  await readNotebook(path); // Says what is wrong with it sooner, and better, than Python would.
  const args = [path, "--deno", Deno.execPath(), "--output", run.output];
  if (run.html !== undefined) args.push("--html", run.html);
  if (run.timeout !== undefined) args.push("--timeout", String(run.timeout));
  // Connection files hold a key: kept out of the folder that the user's own Jupyter watches.
  const env = { ...run.env, JUPYTER_RUNTIME_DIR: join(cacheDir(context.env), "jupyter") };
  try {
    yield* runPython("notebook", "run_notebook.py", args, context, { env });
  } catch (error) {
    if (!(error instanceof ToolError) || error.code !== NOTEBOOK_FAILED) throw error;
    const lines = error.lastLines.filter((line) => !line.startsWith('Warning "deno jupyter"'));
    throw new UserError(`Cannot finish "${path}": ${lines.join("\n")}`, {
      hint: `What it showed until then is in ${run.html ?? run.output}`,
      cause: error,
    });
  }
}
