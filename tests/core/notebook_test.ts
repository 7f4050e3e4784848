import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { jupyterDataDir, kernelSpec } from "@/core/kernel.ts";
import { notebook } from "@/core/notebook.ts";
import { progressBlock } from "@/core/notebook_display.ts";
import { cleanNotebook, extractCells, type Notebook, notebookFaults, readNotebook } from "@/core/notebook_file.ts";

function notebookOf(...sources: string[]): Notebook {
  return {
    cells: sources.map((source, index) => ({
      cell_type: source.startsWith("# ") ? "markdown" as const : "code" as const,
      id: `c${index}`,
      source,
      metadata: {},
    })),
    metadata: { kernelspec: { name: "deno" }, language_info: { name: "typescript" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

Deno.test("progressBlock draws bars, figures, remarks, drops and files, escaped", () => {
  let now = 0;
  const block = progressBlock(() => now);
  block.add({ type: "progress", label: "<i>read</i>", done: 0, total: 200, unit: "works" });
  now = 2500;
  block.add({ type: "progress", label: "<i>read</i>", done: 50, total: 200, unit: "works" });
  block.add({ type: "log", level: "warn", message: "a & b" });
  block.add({ type: "metric", name: "loss", value: 0.512, step: 1 });
  block.add({ type: "drop", reason: "short", count: 2 });
  block.add({ type: "drop", reason: "short", count: 3 });
  block.add({ type: "artifact", path: "/tmp/x", title: "chunks", rows: 1200 });
  const { "text/plain": text, "text/html": html } = block.bundle();
  deepEqual(text.split("\n"), [
    "<i>read</i>  50 / 200 works  2.5 s",
    "warn: a & b",
    "loss 0.51",
    "left out: short 5",
    "chunks: /tmp/x (1,200 rows)",
  ]);
  ok(html.includes("&lt;i&gt;read&lt;/i&gt;") && !html.includes("<i>"));
  ok(html.includes("a &amp; b"));
  ok(html.includes("width:25%"));
});

Deno.test("notebook sends one display, then updates of it, fewer than there are events", async () => {
  const sent: { type: string; content: Record<string, unknown> }[] = [];
  const context = notebook((type, content) => {
    sent.push({ type, content });
    return Promise.resolve();
  });
  for (let done = 0; done <= 1000; done++) context.emit({ type: "progress", label: "a", done, total: 1000 });
  await new Promise((resolve) => setTimeout(resolve, 150)); // The last state is drawn by a timer.
  deepEqual(sent.map(({ type }) => type), ["display_data", "update_display_data"]);
  deepEqual(sent[0]?.content.transient, sent[1]?.content.transient);
  match(JSON.stringify(sent[1]?.content.data), /1,000 \/ 1,000/);
});

Deno.test("notebook lets a step go on when the page is gone", async () => {
  const context = notebook(() => Promise.reject(new Error("gone")));
  context.emit({ type: "log", level: "info", message: "a" });
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("extractCells joins the code cells and knows where a line comes from", () => {
  const { code, lines } = extractCells(notebookOf("# Title", "const a = 1;\na;", "# More", "a + 1;"));
  equal(code, "const a = 1;\na;\na + 1;\n");
  deepEqual(lines, [{ cell: 1, line: 1 }, { cell: 1, line: 2 }, { cell: 2, line: 1 }]);
});

Deno.test("notebookFaults names outputs, counts, ids and the missing language; cleanNotebook mends them", async () => {
  const notebook = notebookOf("# Title", "1;\n2;", "3;");
  deepEqual(notebookFaults(notebook), []);
  const dirty: Notebook = {
    ...notebook,
    cells: notebook.cells.map((cell) =>
      cell.cell_type === "code" ? { ...cell, id: "same", outputs: [{}], execution_count: 4 } : cell
    ),
    metadata: {},
  };
  deepEqual(notebookFaults(dirty), [
    "cell 1 holds outputs",
    "cell 1 holds a count",
    "cell 2 holds outputs",
    "cell 2 holds a count",
    'cell 2 has the id of another: "same"',
    'metadata.language_info.name is not "typescript"',
    'metadata.kernelspec.name is not "deno"',
  ]);
  const path = await Deno.makeTempFile({ suffix: ".ipynb" });
  try {
    await Deno.writeTextFile(path, cleanNotebook(dirty));
    const clean = await readNotebook(path);
    deepEqual(notebookFaults(clean), []);
    deepEqual(clean.cells.map(({ id }) => id), ["c0", "same", "same-2"]);
    deepEqual(clean.cells.map(({ source }) => source), ["# Title", "1;\n2;", "3;"]);
    deepEqual(JSON.parse(await Deno.readTextFile(path)).cells[1].source, ["1;\n", "2;"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("kernelSpec interrupts by signal, but for Windows", () => {
  equal(kernelSpec("/x/deno", "linux").interrupt_mode, "signal");
  equal(kernelSpec("C:\\deno.exe", "windows").interrupt_mode, "message");
});

Deno.test("jupyterDataDir follows each operating system", () => {
  equal(jupyterDataDir({ HOME: "/h" }, "linux"), join("/h", ".local", "share", "jupyter"));
  equal(jupyterDataDir({ HOME: "/h", XDG_DATA_HOME: "/d" }, "linux"), join("/d", "jupyter"));
  equal(jupyterDataDir({ HOME: "/h" }, "darwin"), join("/h", "Library", "Jupyter"));
  equal(jupyterDataDir({ APPDATA: "/a", USERPROFILE: "/h" }, "windows"), join("/a", "jupyter"));
  equal(jupyterDataDir({ JUPYTER_DATA_DIR: "/j", HOME: "/h" }, "linux"), "/j");
});
