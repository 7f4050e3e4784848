/** The openings of examples, or of chunks before they are examples, to be read by a person. */
import { basename, join } from "node:path";
import { z } from "zod";
import { UsageError, UserError } from "../../core/errors.ts";
import { writeFileAtomic } from "../../core/files.ts";
import { readJsonl } from "../../core/jsonl.ts";
import { type Context, defineStep } from "../../core/step.ts";
import { textTable } from "../../core/text_table.ts";
import { countWords } from "../../corpus/paragraphs.ts";
import { cutPrefix, prefixFaults, type PrefixShares } from "../../manuscript/prefix.ts";
import { Example } from "../../records.ts";
import { prefixCards, type PrefixView } from "../../view/manuscript.ts";
import { page } from "../../view/page.ts";
import { gaeaPaths } from "./paths.ts";
import { readChunkFolder } from "./prepare_folder.ts";

const options = z.object({
  input: z.string().optional().describe(
    "Examples (JSON Lines), or a folder of chunks whose openings are not cut yet; default: <data-dir>/gaea/processed/visions_training.jsonl where it is, else <data-dir>/gaea/curated",
  ),
  page: z.string().optional().describe("Page to read (HTML); default: prefixes.html beside the input"),
  prefixLeast: z.number().gt(0).lt(1).default(0.05).describe("Share of the text that an opening should hold at least"),
  prefixMost: z.number().gt(0).lt(1).default(0.1).describe("Share of the text that an opening should hold at most"),
  show: z.int().min(0).default(40).describe(
    "Openings in the terminal's table, those with faults first; the page has all",
  ),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
type CheckOptions = z.output<typeof options>;

export interface CheckResult {
  readonly prefixes: readonly PrefixView[];
  readonly page: string;
  readonly show: number;
}

/** Judges every opening, shows them in the terminal, and writes the page. */
export const checkPrefixes = defineStep({
  name: "gaea:check-prefixes",
  summary: "Shows the openings of the examples with what is wrong with them",
  options,
  files(options, { env }) {
    const { input, page } = pathsOf(options, env);
    return { reads: [input], writes: [page] };
  },
  async run(options, context): Promise<CheckResult> {
    const shares = { least: options.prefixLeast, most: options.prefixMost };
    if (shares.least >= shares.most) {
      throw new UsageError(`Cannot use --prefix-least ${shares.least}: it must be below --prefix-most ${shares.most}`);
    }
    const paths = pathsOf(options, context.env);
    const info = await Deno.stat(paths.input).catch(() => undefined);
    const input = info || options.input ? paths.input : paths.curated;
    const isFolder = (await Deno.stat(input).catch(() => undefined))?.isDirectory ?? false;
    const read = isFolder ? await readDrafts(input, shares, context) : await readExamples(input, context);
    if (read.length === 0) throw new UserError(`Cannot check "${input}": it holds no examples`, { exitCode: 2 });
    const prefixes = withFaults(read, shares);
    const bad = prefixes.filter(({ faults }) => faults.length > 0).length;
    const target = options.page ?? join(isFolder ? input : join(input, ".."), "prefixes.html");
    await writeFileAtomic(
      target,
      await page("Openings", [{
        parts: [
          `${prefixes.length} openings from ${
            basename(input)
          }, ${bad} with something to look at. The mark shows where the ` +
          "model goes on.",
          prefixCards(prefixes),
        ],
      }]),
    );
    context.emit({ type: "artifact", path: target, title: "Openings to read", rows: prefixes.length });
    return { prefixes, page: target, show: options.show };
  },
  report({ prefixes, show, page }) {
    const bad = prefixes.filter(({ faults }) => faults.length > 0);
    const shown = [...bad, ...prefixes.filter(({ faults }) => faults.length === 0)].slice(0, show);
    const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();
    return [
      textTable(
        ["Example", "Words", "Share", "Ends with", "Goes on with", "Faults"],
        shown.map(({ name, words, share, prefix, completion, faults }) => [
          name,
          words,
          `${(100 * share).toFixed(1)} %`,
          `… ${oneLine(prefix.slice(-40))}`,
          `${oneLine(completion.slice(0, 31))} …`,
          faults.join("; ") || "–",
        ]),
      ),
      "",
      `${prefixes.length} openings, ${
        bad.length === 0 ? "none with a fault" : `${bad.length} with faults`
      }; all of them in full: ${page}`,
    ].join("\n");
  },
});

interface Opening {
  readonly name: string;
  readonly prefix: string;
  readonly completion: string;
  /** What is wrong with the example besides its opening. */
  readonly faults: readonly string[];
}

async function readExamples(path: string, { signal, emit }: Context): Promise<Opening[]> {
  const openings: Opening[] = [];
  const onTorn = (line: number) => emit({ type: "drop", reason: "torn_line", count: 1, detail: `${path}:${line}` });
  for await (const { messages } of readJsonl(path, Example, { signal, onTorn })) {
    const roles = messages.map(({ role }) => role).join(", ");
    const contentOf = (wanted: string) => messages.find(({ role }) => role === wanted)?.content ?? "";
    openings.push({
      name: `line ${openings.length + 1}`,
      prefix: contentOf("user"),
      completion: contentOf("assistant"),
      faults: roles === "user, assistant" ? [] : [`its roles are ${roles}, wanted are user, assistant`],
    });
  }
  return openings;
}

/** Openings of chunks as `gaea:prepare` would cut them. */
async function readDrafts(folder: string, shares: PrefixShares, context: Context): Promise<Opening[]> {
  const { chunks } = await readChunkFolder(folder, context);
  return chunks.map(({ file, text }) => {
    const cut = cutPrefix(text, shares);
    return cut
      ? { name: file, prefix: cut.prefix, completion: cut.completion, faults: [] }
      : { name: file, prefix: text, completion: "", faults: ["it has no sentence end to cut at"] };
  });
}

function withFaults(openings: readonly Opening[], shares: PrefixShares): PrefixView[] {
  const seen = new Map<string, string>();
  return openings.map(({ name, prefix, completion, faults }) => {
    const key = prefix.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
    const twin = seen.get(key);
    if (!twin) seen.set(key, name);
    return {
      name,
      prefix,
      completion,
      words: countWords(prefix),
      share: prefix.length / Math.max(1, prefix.length + completion.length),
      faults: [
        ...faults,
        ...prefixFaults(prefix, completion, shares),
        ...(twin ? [`it is the opening of ${twin}, too`] : []),
      ],
    };
  });
}

function pathsOf({ input, page, dataDir }: CheckOptions, env: Context["env"]) {
  const { training, curated } = gaeaPaths(dataDir, env);
  const from = input ?? training;
  return { input: from, curated, page: page ?? join(from, "..", "prefixes.html") };
}
