/**
 * Lint, types and cleanliness of the notebooks' cells, which deno lint and deno check pass over.
 * Run as: deno task cells [--clean]
 */
import { join, relative } from "node:path";
import { z } from "zod";
import { enter } from "@/core/door.ts";
import { UserError } from "@/core/errors.ts";
import { writeFileAtomic } from "@/core/files.ts";
import { helpText } from "@/core/help.ts";
import {
  cleanNotebook,
  extractCells,
  type Extracted,
  listNotebooks,
  notebookFaults,
  notebookName,
  readNotebook,
} from "@/core/notebook_file.ts";
import { flagsOf, parseOptions } from "@/core/options.ts";
import { WORKSPACE } from "@/core/paths.ts";

const Options = z.object({
  clean: z.boolean().default(false).describe("Take outputs, counts and editors' traces out, and format"),
});

const SUMMARY = "Checks the notebooks: types and lint of their cells, no outputs, format.";

/** deno.json leaves notebooks out, so it is not asked; the width is the one that it has. */
const FORMAT = ["fmt", "--no-config", "--line-width", "120"];

await enter(async () => {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    return console.log(helpText("deno task cells [options]", SUMMARY, flagsOf(Options)));
  }
  const { clean } = parseOptions(Options, Deno.args);
  const paths = await listNotebooks();
  if (clean) {
    for (const path of paths) {
      await writeFileAtomic(path, cleanNotebook(await readNotebook(path)));
    }
    await deno([...FORMAT, ...paths]);
  }
  const said: string[] = [];
  // Below deno.json, so that "@/" is found, and where git does not look.
  const output = join(WORKSPACE, "output");
  await Deno.mkdir(output, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: output, prefix: "voiceworks-cells-" });
  try {
    const modules = new Map<string, { path: string; extracted: Extracted }>();
    for (const path of paths) {
      const notebook = await readNotebook(path);
      const faults = notebookFaults(notebook);
      said.push(...faults.map((fault) => `${relative(WORKSPACE, path)}: ${fault} (deno task cells --clean mends it)`));
      const extracted = extractCells(notebook);
      const module = `${notebookName(path).replaceAll("/", "_")}.ts`;
      await Deno.writeTextFile(join(folder, module), extracted.code);
      modules.set(module, { path, extracted });
    }
    const files = [...modules.keys()].map((module) => join(folder, module));
    const config = ["--config", join(WORKSPACE, "deno.json")];
    for (const args of [["check", ...config, ...files], ["lint", ...config, ...files]]) {
      const { success, text } = await deno(args);
      if (!success) said.push(inNotebooks(text, folder, modules));
    }
    said.push(...await unformatted(paths, folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  if (said.length > 0) throw new UserError(said.join("\n"));
  console.log(`${paths.length} notebooks: cells checked, linted and formatted; no outputs`);
});

/** Those that formatting would change. By a copy: `--check` takes every notebook for changed while its cache is cold (2.9.6). */
async function unformatted(paths: readonly string[], folder: string): Promise<string[]> {
  const copies = paths.map((path) => ({
    path,
    copy: join(folder, `${notebookName(path).replaceAll("/", "_")}.ipynb`),
  }));
  for (const { path, copy } of copies) await Deno.copyFile(path, copy);
  await deno([...FORMAT, ...copies.map(({ copy }) => copy)]);
  const changed = [];
  for (const { path, copy } of copies) {
    if (await Deno.readTextFile(path) !== await Deno.readTextFile(copy)) {
      changed.push(`${relative(WORKSPACE, path)}: it is not formatted (deno task cells --clean mends it)`);
    }
  }
  return changed;
}

async function deno(args: readonly string[]): Promise<{ success: boolean; text: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: WORKSPACE,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0" }, // Its own backtrace says nothing of a notebook.
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** `/tmp/…/deepred_01_retrieve.ts:12:3` → `notebooks/deepred/01_retrieve.ipynb cell 3, line 2`. */
function inNotebooks(
  text: string,
  folder: string,
  modules: ReadonlyMap<string, { path: string; extracted: Extracted }>,
): string {
  const marker = folder.replaceAll("\\", "/").split("/").at(-1) ?? folder;
  return text.replaceAll(/\S*?(voiceworks-cells-[^/\\]+)[/\\](\w+\.ts)(?::(\d+):\d+)?/g, (whole, dir, module, row) => {
    const known = modules.get(module);
    if (dir !== marker || !known) return whole;
    const at = known.extracted.lines[Number(row) - 1];
    return relative(WORKSPACE, known.path) + (at ? ` cell ${at.cell}, line ${at.line}` : "");
  });
}
