/** The dataset as a page to read: filtered, beside its passages, and judged by hand. */
import { join } from "node:path";
import { z } from "zod";
import { count, counted } from "../core/format.ts";
import { readJsonc } from "../core/jsonc.ts";
import { makeToken } from "../core/page_guard.ts";
import { announcePage, listenLocally } from "../core/page_server.ts";
import { beside, dataDir, presetPath } from "../core/paths.ts";
import { type Context, defineStep } from "../core/step.ts";
import { ThemeFile } from "../corpus/themes.ts";
import { openVerdicts } from "../dialogue/verdicts.ts";
import { type BrowsePaths, browsePaths } from "./browse_index.ts";
import { browseServer } from "./browse_server.ts";
import { otherPassages } from "./browse_sources.ts";

const options = z.object({
  input: z.string().optional().describe("Dataset to read; default: <data-dir>/dataset/theme_dataset.jsonl"),
  chunks: z.string().optional().describe("Its passages; default: <data-dir>/theme_chunks/filtered.jsonl"),
  port: z.int().min(0).max(65535).default(0).describe("Port on 127.0.0.1; 0: any that is free"),
  open: z.boolean().default(true).describe("Open the page in the browser"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});

export interface BrowseResult {
  /** Verdicts as they stand when the page is closed. */
  readonly accepted: number;
  readonly rejected: number;
  readonly path: string;
}

/** Serves the page until the signal fires (Ctrl-C). */
export const browse = defineStep({
  name: "browse",
  summary: "Opens a local page to read and judge the dataset",
  options,
  files(options, { env }) {
    const { dataset, rejects, sources, chunks, verdicts } = pathsOf(options, env);
    return { reads: [dataset, rejects, sources, chunks], writes: [verdicts] };
  },
  async run(options, context): Promise<BrowseResult> {
    const paths = pathsOf(options, context.env);
    const { categories } = await readJsonc(presetPath("deepred/themes.jsonc"), ThemeFile);
    using verdicts = openVerdicts(paths.verdicts);
    verdicts.all(); // A damaged file is told now, and not at the first verdict.
    const token = makeToken();
    let port = 0;
    const pages = await browseServer({
      paths,
      others: await otherPassages(beside(paths.dataset, "_ledger.sqlite"), context),
      token,
      port: () => port,
      verdicts,
      themes: Object.keys(categories),
      context,
    });
    await using server = listenLocally(options.port, pages.handle, context.signal);
    port = server.addr.port;
    const { dataset, leftOut } = pages.sizes();
    const what = `${counted(dataset, "example")} and ${count(leftOut)} that were left out, to be read at`;
    announcePage({ port, token, what, open: options.open }, context);
    await server.finished;
    const judged = [...verdicts.all().values()];
    return {
      accepted: judged.filter((verdict) => verdict === "accept").length,
      rejected: judged.filter((verdict) => verdict === "reject").length,
      path: paths.verdicts,
    };
  },
  report({ accepted, rejected, path }) {
    if (accepted + rejected === 0) return "no verdicts";
    return `${count(accepted)} accepted and ${count(rejected)} rejected by hand, kept in "${path}"; ` +
      "deno task gate --overwrite builds the dataset anew by them";
  },
});

function pathsOf(options: z.output<typeof browse.options>, env: Context["env"]): BrowsePaths {
  const root = dataDir(options.dataDir, env);
  return browsePaths(
    options.input ?? join(root, "dataset", "theme_dataset.jsonl"),
    options.chunks ?? join(root, "theme_chunks", "filtered.jsonl"),
  );
}
