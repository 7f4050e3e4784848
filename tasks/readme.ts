/** Writes the generated parts of README.md anew (option tables), or with --check tells whether they are. Run as: deno task readme */
import { join } from "node:path";
import { enter } from "@/core/door.ts";
import { UserError } from "@/core/errors.ts";
import { readTextFile, writeFileAtomic } from "@/core/files.ts";
import { optionTable } from "@/core/help.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { allSteps } from "@/steps/mod.ts";

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
    const path = join(WORKSPACE, "README.md");
    const before = await readTextFile(path);
    const after = await renderReadme(before);
    if (after === before) return console.log("README.md is up to date");
    if (Deno.args.includes("--check")) {
      throw new UserError("README.md has option tables of an older version", { hint: "Run: deno task readme" });
    }
    await writeFileAtomic(path, after);
    console.log("README.md was brought up to date");
  });
}
