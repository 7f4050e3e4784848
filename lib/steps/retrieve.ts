import { join } from "node:path";
import { z } from "zod";
import { DEFAULT_MIRRORS } from "../corpus/layout.ts";
import { openMirrors } from "../corpus/mirror.ts";
import { UsageError } from "../core/errors.ts";
import { refuseFolder } from "../core/files.ts";
import { count, counted } from "../core/format.ts";
import { beside, cacheDir, dataDir } from "../core/paths.ts";
import { defineStep } from "../core/step.ts";
import { localFiles, namedMirror, refuseMissing } from "./retrieve_files.ts";
import { planLists, type Wanted } from "./retrieve_lists.ts";
import { retrieveReport } from "./retrieve_report.ts";
import { type Left, refuseOtherBooks, tooLate, writeWorks } from "./retrieve_works.ts";
import { extendedWorks, wantsExtended } from "./works_files.ts";

/** What a run of `retrieve` did, or would do. */
export interface Retrieved {
  works: number;
  words: number;
  byCategory: Record<string, number>;
  /** Books that came but cleaning would not vouch for, or that are too late. */
  refused: Left[];
  /** Books that no mirror gave. */
  missing: Left[];
  /** Every book that was wanted, and why. */
  plan: Wanted[];
  /** Ids of those that were published too late. */
  late: number[];
  /** Files written. */
  outputs: string[];
}

const CONTACT = /^(?:[^\s@()<>]+@[^\s@()<>]+\.[^\s@()<>]+|https?:\/\/[^\s()<>]+)$/;

const Options = z.object({
  priorityOnly: z.boolean().default(true).describe("Only the books of the reading list"),
  extended: z.boolean().default(false).describe(
    "The extended corpus too: about 500 books in all, chosen from the catalogue",
  ),
  ids: z.array(z.int().min(1).max(9_999_999)).default([]).describe(
    "Fetch these book numbers and nothing else: 35,36",
  ),
  books: z.string().optional().describe("Reading list (JSONC); default: that of the deepred preset"),
  rules: z.string().optional().describe("Rules of the extended corpus (JSONC); default: those of the deepred preset"),
  publishedBefore: z.int().min(1).max(2100).default(1969).describe(
    "Leave out what was published in this year or later",
  ),
  mirror: z.array(z.string()).default([...DEFAULT_MIRRORS]).describe(
    "Mirrors in the order in which they are asked: https:, http: or file: (a folder laid out like a mirror)",
  ),
  contact: z.string().refine((text) => CONTACT.test(text), "valid is a mail address or a web address").optional()
    .describe(
      "Your mail or web address for the User-Agent, as Project Gutenberg asks of programs",
    ),
  cacheDir: z.string().optional().describe("Folder of fetched books; default: gutenberg in the user's cache folder"),
  catalogue: z.string().optional().describe(
    "pg_catalog.csv or pg_catalog.csv.gz, a file or a web address; default: Project Gutenberg's, fetched once and cached",
  ),
  dryRun: z.boolean().default(false).describe("List what would be fetched and why each book is in; fetch no book"),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
  output: z.string().optional().describe("Works (JSONL); default: <data-dir>/corpus/priority_works.jsonl"),
  overwrite: z.boolean().default(false).describe("Let --ids replace works of other books"),
});
type Options = z.output<typeof Options>;

export const retrieve = defineStep({
  name: "retrieve",
  summary: "Phase 1: fetches books from mirrors of Project Gutenberg and cleans them to prose with chapters",
  options: Options,

  files(options, context) {
    const outputs = outputsOf(options, context.env);
    const writes = [outputs.priority, ...(wantsExtended(options) ? [outputs.extended] : [])];
    return { reads: localFiles(options), writes: writes.flatMap((path) => [path, beside(path, "_rejects.jsonl")]) };
  },

  async run(options, context): Promise<Retrieved> {
    if (options.ids.length > 0 && wantsExtended(options)) {
      throw new UsageError("Cannot use --ids with --extended: --ids fetches these books and nothing else");
    }
    if (options.mirror.length === 0) throw new UsageError("Cannot fetch without a --mirror");
    const outputs = outputsOf(options, context.env);
    if (wantsExtended(options) && outputs.priority === outputs.extended) {
      throw new UsageError(`Cannot write both corpora to "${outputs.priority}": give --output another name`);
    }
    const named = options.mirror.map(namedMirror);
    for (const mirror of named) await refuseMissing(mirror);
    await refuseFolder(outputs.priority, "priority_works.jsonl");
    if (options.ids.length > 0 && !options.overwrite && !options.dryRun) {
      await refuseOtherBooks(outputs.priority, options.ids, context.signal);
    }
    const mirrors = openMirrors(context, {
      mirrors: named,
      cacheFolder: () => options.cacheDir ?? join(cacheDir(context.env), "gutenberg"),
      contact: options.contact,
    });
    const lists = await planLists({ ...options, extended: wantsExtended(options) }, mirrors, context);
    const plan = [...lists.priority, ...lists.extended];
    const result: Retrieved = {
      works: 0,
      words: 0,
      byCategory: {},
      refused: [],
      missing: [],
      plan,
      late: plan.filter((book) => tooLate(book, options.publishedBefore) !== undefined).map((book) => book.id),
      outputs: [],
    };
    if (options.dryRun) return result;
    for (const name of ["priority", "extended"] as const) {
      if (lists[name].length === 0) continue;
      const passedOver = name === "extended" ? lists.passedOver : [];
      const written = await writeWorks(
        lists[name],
        outputs[name],
        options.publishedBefore,
        mirrors,
        context,
        passedOver,
      );
      result.works += written.works;
      result.words += written.words;
      for (const [category, books] of Object.entries(written.byCategory)) {
        result.byCategory[category] = (result.byCategory[category] ?? 0) + books;
      }
      result.refused.push(...written.refused);
      result.missing.push(...written.missing);
      result.outputs.push(outputs[name], beside(outputs[name], "_rejects.jsonl"));
    }
    if (result.missing.length > 0) {
      const remote = options.mirror.some((mirror) => !/^file:/i.test(mirror));
      const verb = result.missing.length === 1 ? "is" : "are";
      const message =
        `${count(result.missing.length)} of ${count(result.plan.length)} books ${verb} missing; why is in ` +
        `"${beside(outputs.priority, "_rejects.jsonl")}"`;
      const again = remote ? ". Run again to ask for them once more: all others are cached" : "";
      context.emit({ type: "log", level: "warn", message: message + again });
    }
    return result;
  },
  unfinished({ missing, plan }) {
    const unanswered = missing.filter((book) => book.unanswered).length;
    return unanswered === 0
      ? undefined
      : `no mirror answered for ${count(unanswered)} of ${counted(plan.length, "book")}`;
  },
  report: retrieveReport,
});

function outputsOf(options: Pick<Options, "output" | "dataDir">, env: Readonly<Record<string, string>>) {
  const priority = options.output ?? join(dataDir(options.dataDir, env), "corpus", "priority_works.jsonl");
  return { priority, extended: extendedWorks(priority) };
}
