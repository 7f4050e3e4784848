import { basename, join, relative } from "node:path";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { messageOf, UsageError, UserError } from "./errors.ts";
import { fileError, readTextFile } from "./files.ts";
import { WORKSPACE } from "./paths.ts";

const Source = z.union([z.string(), z.array(z.string())]).transform((text) =>
  Array.isArray(text) ? text.join("") : text
);

const Cell = z.looseObject({
  cell_type: z.enum(["code", "markdown", "raw"]),
  id: z.string().optional(),
  source: Source,
  metadata: z.looseObject({ tags: z.array(z.string()).optional() }),
  outputs: z.array(z.unknown()).optional(),
  execution_count: z.number().nullable().optional(),
});

/** The part of the notebook format (4.5) that Voiceworks looks at; all else passes through. */
const Notebook = z.looseObject({
  cells: z.array(Cell),
  metadata: z.looseObject({
    kernelspec: z.looseObject({ name: z.string() }).optional(),
    language_info: z.looseObject({ name: z.string() }).optional(),
  }),
  nbformat: z.literal(4),
  nbformat_minor: z.int(),
});
export type Notebook = z.infer<typeof Notebook>;

/** Reads a notebook. @throws {UserError} missing, not JSON, or not a notebook. */
export async function readNotebook(path: string): Promise<Notebook> {
  const text = await readTextFile(path);
  const bad = (cause: string) => new UserError(`Cannot read "${path}": ${cause}`, { exitCode: 2 });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(`it is not JSON: ${messageOf(error)}`);
  }
  const notebook = Notebook.safeParse(value);
  if (!notebook.success) throw bad(`it is no notebook of format 4: ${z.prettifyError(notebook.error)}`);
  return notebook.data;
}

/** Paths of the notebooks below a folder, in reading order. */
export async function listNotebooks(folder: string = join(WORKSPACE, "notebooks")): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      // Jupyter keeps its own copies in .ipynb_checkpoints.
      if (entry.isDirectory && !entry.name.startsWith(".")) paths.push(...await listNotebooks(path));
      else if (entry.name.endsWith(".ipynb")) paths.push(path);
    }
  } catch (error) {
    throw fileError("read", folder, error);
  }
  return paths.sort();
}

/** `deepred/01_retrieve`: how a notebook is called on the command line. */
export function notebookName(path: string): string {
  return relative(join(WORKSPACE, "notebooks"), path).replaceAll("\\", "/").replace(/\.ipynb$/, "");
}

/**
 * The notebooks that some words name: `01_retrieve`, `deepred/01_retrieve`, `deepred` for a folder, or a path. No words
 * name all.
 *
 * @throws {UsageError} naming the nearest notebook.
 */
export async function findNotebooks(words: readonly string[]): Promise<string[]> {
  const all = await listNotebooks();
  if (words.length === 0) return all;
  const found: string[] = [];
  const faults: string[] = [];
  for (const word of words) {
    const name = word.replace(/\.ipynb$/, "");
    const named = all.filter((path) =>
      basename(path, ".ipynb") === name || notebookName(path) === name || notebookName(path).startsWith(`${name}/`)
    );
    if (named.length > 0) found.push(...named);
    else if (word.endsWith(".ipynb")) found.push(word);
    else {
      const names = all.map((path) => basename(path, ".ipynb"));
      faults.push(`Unknown notebook "${word}": did you mean "${closest(name, names)}"? There are ${names.join(", ")}`);
    }
  }
  if (faults.length > 0) throw new UsageError(faults);
  return [...new Set(found)];
}

/** All code of a notebook as one module, and where its lines come from. */
export interface Extracted {
  readonly code: string;
  /** For each line of `code`: the number of the code cell (from 1) and the line in it (from 1). */
  readonly lines: readonly { cell: number; line: number }[];
}

/** Joins the code cells into one module, so that lint and check, which do not read notebooks, can look at it. */
export function extractCells(notebook: Notebook): Extracted {
  const code: string[] = [];
  const lines: { cell: number; line: number }[] = [];
  notebook.cells.filter((cell) => cell.cell_type === "code").forEach((cell, index) => {
    cell.source.split("\n").forEach((text, line) => {
      code.push(text);
      lines.push({ cell: index + 1, line: line + 1 });
    });
  });
  return { code: code.join("\n") + "\n", lines };
}

/** What keeps a notebook from being committed: outputs, counts, missing or doubled ids, the wrong language. */
export function notebookFaults(notebook: Notebook): string[] {
  const faults: string[] = [];
  const ids = new Set<string>();
  let code = 0;
  notebook.cells.forEach((cell, index) => {
    if (cell.cell_type === "code") code++;
    const name = cell.cell_type === "code" ? `cell ${code}` : `text cell at place ${index + 1}`;
    if (cell.outputs && cell.outputs.length > 0) faults.push(`${name} holds outputs`);
    if (cell.execution_count !== undefined && cell.execution_count !== null) faults.push(`${name} holds a count`);
    if (cell.id === undefined) faults.push(`${name} has no id`);
    else if (ids.has(cell.id)) faults.push(`${name} has the id of another: "${cell.id}"`);
    else ids.add(cell.id);
  });
  // Without it deno fmt passes the notebook over without a word.
  if (notebook.metadata.language_info?.name !== "typescript") {
    faults.push('metadata.language_info.name is not "typescript"');
  }
  if (notebook.metadata.kernelspec?.name !== "deno") faults.push('metadata.kernelspec.name is not "deno"');
  return faults;
}

/** The notebook's text as it is committed: no outputs, no counts, no traces of the editor; keys as Jupyter orders them. */
export function cleanNotebook(notebook: Notebook): string {
  const ids = new Set<string>();
  const unique = (id: string) => {
    let own = id;
    for (let copy = 2; ids.has(own); copy++) own = `${id}-${copy}`; // A copied cell brings its id along.
    ids.add(own);
    return own;
  };
  const cells = notebook.cells.map((cell, index) => ({
    cell_type: cell.cell_type,
    ...(cell.cell_type === "code" ? { execution_count: null } : {}),
    id: unique(cell.id ?? `cell-${index + 1}`),
    metadata: cell.metadata.tags && cell.metadata.tags.length > 0 ? { tags: cell.metadata.tags } : {},
    ...(cell.cell_type === "code" ? { outputs: [] } : {}),
    // One line an entry, as Jupyter saves it: small differences.
    source: cell.source.split(/(?<=\n)/),
  }));
  const metadata = {
    kernelspec: { display_name: "Deno", language: "typescript", name: "deno" },
    language_info: { name: "typescript" },
  };
  return JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }, undefined, 1) + "\n";
}
