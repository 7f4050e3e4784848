/** Writes the generated parts of README.md anew (option tables). Run as: deno task readme [--check] */
import { join } from "node:path";
import { z } from "zod";
import { enter } from "@/core/door.ts";
import { UserError } from "@/core/errors.ts";
import { readTextFile, writeFileAtomic } from "@/core/files.ts";
import { helpText, optionTable } from "@/core/help.ts";
import { flagsOf, parseOptions } from "@/core/options.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { allSteps } from "@/steps/mod.ts";

const Options = z.object({
  check: z.boolean().default(false).describe("Only tell whether they are up to date"),
});

/** README.md with every `<!-- options:NAME -->` … `<!-- /options -->` filled in. */
export async function renderReadme(readme: string): Promise<string> {
  let text = readme;
  for (const step of await allSteps()) {
    const part = new RegExp(`(<!-- options:${step.name} -->\n)[^]*?(<!-- /options -->)`);
    if (!part.test(text)) {
      throw new UserError(`Cannot find <!-- options:${step.name} --> in README.md: the step is not documented`);
    }
    text = text.replace(part, (_, open: string, close: string) => `${open}\n${optionTable(step)}\n\n${close}`);
  }
  return text;
}

if (import.meta.main) {
  await enter(async () => {
    if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
      const summary = "Writes the option tables of README.md anew.";
      return console.log(helpText("deno task readme [options]", summary, flagsOf(Options)));
    }
    const { check } = parseOptions(Options, Deno.args);
    const path = join(WORKSPACE, "README.md");
    const before = await readTextFile(path);
    const after = await renderReadme(before);
    if (after === before) return console.log("README.md is up to date");
    if (check) {
      throw new UserError("README.md has option tables of an older version", { hint: "Run: deno task readme" });
    }
    await writeFileAtomic(path, after);
    console.log("README.md was brought up to date");
  });
}
