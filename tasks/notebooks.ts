/** Notebooks without a browser. Run as: deno task notebooks [name…] [--output DIR] [--html] */
import { join } from "node:path";
import { z } from "zod";
import { enter } from "@/core/door.ts";
import { UserError } from "@/core/errors.ts";
import { duration } from "@/core/format.ts";
import { helpText } from "@/core/help.ts";
import { findNotebooks, listNotebooks, notebookName } from "@/core/notebook_file.ts";
import { runNotebook } from "@/core/notebook_run.ts";
import { checkOptions, flagsOf, readFlags } from "@/core/options.ts";
import { terminal } from "@/core/terminal.ts";

const Options = z.object({
  output: z.string().default(join("output", "notebooks")).describe("Folder for the executed copies"),
  html: z.boolean().default(false).describe("Also render each one as a page"),
  timeout: z.int().min(1).default(600).describe("Seconds that a cell may take"),
});

const flags = flagsOf(Options);

await enter(async () => {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    const names = (await listNotebooks()).map((path) => `  ${notebookName(path)}`).join("\n");
    return console.log(
      helpText(
        "deno task notebooks [name…] [options]",
        `Runs notebooks from top to bottom; all of them without a name:\n\n${names}`,
        flags,
        ["deno task notebooks 01_retrieve --html"],
      ),
    );
  }
  const raw = readFlags(flags, Deno.args);
  const options = checkOptions(Options, raw.values, raw.faults);
  const paths = await findNotebooks(raw.positional);
  const context = terminal();
  const failed: string[] = [];
  try {
    for (const path of paths) {
      const name = notebookName(path).replaceAll("../", "");
      const target = (extension: string) => join(options.output, `${name}.${extension}`);
      const started = context.clock.now();
      const shown = options.html ? target("html") : target("ipynb");
      try {
        const run = {
          output: target("ipynb"),
          html: options.html ? target("html") : undefined,
          timeout: options.timeout,
        };
        for await (const event of runNotebook(path, run, context)) {
          if (event.type !== "artifact") context.emit(event);
        }
        console.log(`ok      ${name}  ${duration((context.clock.now() - started) / 1000)}  ${shown}`);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        failed.push(name);
        console.log(`failed  ${name}\n${error.message}${error.hint ? `\n${error.hint}` : ""}`);
      }
    }
  } finally {
    context.close();
  }
  if (failed.length > 0) {
    throw new UserError(`${failed.length} of ${paths.length} notebooks failed: ${failed.join(", ")}`);
  }
});
