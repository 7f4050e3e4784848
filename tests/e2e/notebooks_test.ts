/** The runner, the kernel and Stop, with the real Deno kernel. The first run installs nbclient from PyPI. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installKernel } from "@/core/kernel.ts";
import { readEnvironment } from "@/core/env.ts";
import { UserError } from "@/core/errors.ts";
import { findNotebooks, listNotebooks, notebookName, readNotebook } from "@/core/notebook_file.ts";
import { runNotebook } from "@/core/notebook_run.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { findPython, pythonFor } from "@/core/python_venv.ts";
import type { StepEvent } from "@/core/step.ts";
import { fakeContext } from "../fakes/context.ts";

const ignore = await findPython().then(() => false, () => true);
const unix = Deno.build.os !== "windows";
const context = () => fakeContext({ env: readEnvironment() });

interface Output {
  output_type: string;
  text?: string | string[];
  data?: Record<string, string | string[]>;
}

/** A folder below the workspace's notebooks would be seen by git: cells here import nothing of the library. */
async function run(cells: (string | { code: string; tags: string[] })[]) {
  const folder = await Deno.makeTempDir();
  const events: StepEvent[] = [];
  try {
    const path = join(folder, "trial.ipynb");
    const output = join(folder, "out", "trial.ipynb");
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        cells: cells.map((cell, index) => ({
          cell_type: "code",
          id: `c${index}`,
          metadata: typeof cell === "string" ? {} : { tags: cell.tags },
          source: typeof cell === "string" ? cell : cell.code,
          outputs: [],
          execution_count: null,
        })),
        metadata: { kernelspec: { name: "deno", display_name: "Deno" }, language_info: { name: "typescript" } },
        nbformat: 4,
        nbformat_minor: 5,
      }),
    );
    const before = await Deno.readTextFile(path);
    let error: unknown;
    try {
      for await (const event of runNotebook(path, { output, timeout: 60 }, context())) events.push(event);
    } catch (thrown) {
      error = thrown;
    }
    equal(await Deno.readTextFile(path), before, "the notebook itself stays as it is");
    const outputs = (await readNotebook(output)).cells.map((cell) => cell.outputs as Output[]);
    return { error, outputs, events };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function textOf(output: Output | undefined): string {
  const text = output?.text ?? output?.data?.["text/plain"] ?? "";
  return Array.isArray(text) ? text.join("") : text;
}

Deno.test({
  name: "runNotebook keeps every line and the value of a cell, in order",
  ignore,
  async fn() {
    const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`);
    const code = 'for (let i = 0; i < 200; i++) console.log("line " + i);\n"end"';
    const { error, outputs, events } = await run([code, code, "const a = 1;", "a + 41"]);
    equal(error, undefined);
    for (const cell of outputs.slice(0, 2)) {
      deepEqual(textOf(cell[0]).trimEnd().split("\n"), lines);
      equal(textOf(cell[1]), '"end"');
      equal(cell.length, 2);
    }
    deepEqual(outputs[2], []);
    equal(textOf(outputs[3]?.[0]), "42");
    ok(events.some((event) => event.type === "progress" && event.done === 4 && event.total === 4));
  },
});

const FAILURES: [string, (string | { code: string; tags: string[] })[], RegExp][] = [
  ["a thrown error", ["1", 'throw new RangeError("boom")', "3"], /cell 2 \("throw new RangeError.*threw\n.*boom/s],
  ["a syntax error", ["const = 3"], /cell 1 .*does not parse/s],
  ["a missing output", ["1", "void 0"], /cell 2 \("void 0"\) shows nothing/],
  ["a missing output behind a declaration", ["const a = [\n  1,\n];\nvoid a"], /cell 1 .*shows nothing/],
  ["an unawaited rejection", ['Promise.reject(new Error("lost"));\n1', "2"], /cell 1 .*not awaited\n.*lost/s],
  [
    "a rejection after the last cell",
    ['setTimeout(() => Promise.reject(new Error("late")), 30);\n1'],
    /cell 1 .*not awaited\n.*late/s,
  ],
  ["a kernel that ends itself", ["Deno.exit(3)"], /the kernel died in cell 1/],
];

for (const [what, cells, message] of FAILURES) {
  Deno.test({
    name: `runNotebook fails on ${what}`,
    ignore,
    async fn() {
      const { error } = await run(cells);
      ok(error instanceof UserError, String(error));
      match(error.message, message);
    },
  });
}

Deno.test({
  name: "runNotebook asks no output of a declaration, a loop, a comment or a cell tagged quiet",
  ignore,
  async fn() {
    const { error } = await run([
      'import { join } from "node:path";',
      "const text = `\nselect 1\n`;",
      "for (const x of [1]) {\n  x;\n}",
      "function f(): void {}\n// done",
      { code: "f()", tags: ["quiet"] },
    ]);
    equal(error, undefined);
  },
});

Deno.test({
  name: "runNotebook leaves no kernel and no child of it behind when its signal fires",
  ignore: ignore || !unix,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const controller = new AbortController();
      const path = join(folder, "endless.ipynb");
      const pids = join(folder, "pids");
      const source = `const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
await Deno.writeTextFile(${JSON.stringify(pids)}, Deno.pid + " " + child.pid);
await child.status;`;
      const cell = { cell_type: "code", id: "a", metadata: {}, source, outputs: [], execution_count: null };
      await Deno.writeTextFile(path, JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 }));
      const stop = setInterval(async () => {
        const text = await Deno.readTextFile(pids).catch(() => "");
        if (text) controller.abort(new DOMException("stop", "AbortError"));
      }, 50);
      const runs = runNotebook(path, { output: join(folder, "out.ipynb") }, {
        ...context(),
        signal: controller.signal,
      });
      await rejects(Array.fromAsync(runs), /stop/).finally(() => clearInterval(stop));
      const alive = (await Deno.readTextFile(pids)).split(" ").filter((pid) => {
        const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", pid] }).outputSync();
        return /^[^Z]/.test(new TextDecoder().decode(stdout).trim());
      });
      deepEqual(alive, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** What became of a cell in the kernel, as JupyterLab would see it. */
interface Reply {
  status: string;
  said: string;
  outputs: { type: string; text?: string; data?: Record<string, string>; transient?: { display_id?: string } }[];
  alive: boolean;
}

async function talk(cells: { code: string; interruptAfter?: number; timeout?: number }[]): Promise<Reply[]> {
  const install = pythonFor("notebook", context());
  let step = await install.next();
  while (!step.done) step = await install.next();
  const client = fileURLToPath(new URL("kernel_client.py", import.meta.url));
  const child = new Deno.Command(step.value, {
    args: [client, Deno.execPath(), join(WORKSPACE, "notebooks"), join(WORKSPACE, "lib", "python")],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(cells)));
  await writer.close();
  const { stdout, stderr, success } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const FIRST = { code: 'import { notebook, start } from "@/core/notebook.ts";\nawait start({ keep: ["run"] });' };

Deno.test({
  name: "Stop ends an awaited step and keeps the kernel, again and again",
  ignore: ignore || !unix,
  async fn() {
    const wait = { code: "const c = notebook();\nawait c.clock.sleep(60_000, c.signal)", interruptAfter: 0.4 };
    const replies = await talk([FIRST, wait, { code: "1 + 1" }, wait, { code: "notebook().signal.aborted" }]);
    deepEqual(replies.map(({ status }) => status), ["ok", "error", "ok", "error", "ok"]);
    ok(replies.every(({ alive }) => alive));
    match(replies[1]?.said ?? "", /stopped/);
    equal(replies[2]?.outputs[0]?.data?.["text/plain"], "2");
    equal(replies[4]?.outputs[0]?.data?.["text/plain"], "false", "a new run has a signal of its own");
  },
});

Deno.test({
  name: "Stop kills a child process and keeps the kernel",
  ignore: ignore || !unix,
  async fn() {
    const spawn = (detached: boolean) =>
      `const child = new Deno.Command("sleep", { args: ["60"], stdout: "null", detached: ${detached} }).spawn();`;
    const [, stopped, alive] = await talk([
      FIRST,
      { code: `${spawn(false)}\n(await child.status).signal`, interruptAfter: 0.4 },
      { code: "1 + 1" },
    ]);
    equal(stopped?.outputs[0]?.data?.["text/plain"], '"SIGINT"');
    equal(alive?.status, "ok");
    // One of our own runner's, in a group of its own: ended through the signal of the context.
    const [, ended, after] = await talk([
      FIRST,
      {
        code: 'import { runProcess } from "@/core/python_process.ts";\n' +
          'await Array.fromAsync(runProcess("sleep", ["61.25"], notebook()))',
        interruptAfter: 0.4,
      },
      {
        code: 'const { stdout } = await new Deno.Command("ps", { args: ["-eo", "stat,args"] }).output();\n' +
          'new TextDecoder().decode(stdout).split("\\n").filter((l) => l.endsWith("sleep 61.25") && !l.startsWith("Z")).length',
      },
    ]);
    equal(ended?.status, "error");
    match(ended?.said ?? "", /stopped/);
    equal(after?.outputs[0]?.data?.["text/plain"], "0");
  },
});

Deno.test({
  name: "start gives up permissions for good, shows errors without a stack and tells of lost rejections",
  ignore,
  async fn() {
    const replies = await talk([
      { code: 'import { notebook, start } from "@/core/notebook.ts";\nawait start();' },
      { code: 'try {\n  await fetch("http://127.0.0.1:45678");\n} catch (error) {\n  error.name;\n}' },
      { code: 'try {\n  new Deno.Command("ls").outputSync();\n} catch (error) {\n  error.name;\n}' },
      { code: 'await start({ keep: ["net"] });' },
      { code: 'void Promise.reject(new Error("lost"));' },
      { code: 'Deno.dlopen("x", {})' },
    ]);
    match(replies[0]?.outputs[0]?.data?.["text/plain"] ?? "", /gave up net, run, ffi/);
    deepEqual([1, 2].map((i) => replies[i]?.outputs[0]?.data?.["text/plain"]), ['"NotCapable"', '"NotCapable"']);
    equal(replies[3]?.status, "error");
    match(replies[3]?.said ?? "", /Cannot keep "net".*Restart the kernel/s);
    ok(!replies[3]?.said.includes("    at "), "no stack for an error that speaks to the user");
    match(replies[4]?.outputs.map((output) => output.text).join("") ?? "", /not awaited: lost/);
    equal(replies[5]?.status, "error");
  },
});

Deno.test({
  name: "notebook shows the events of a run as one block that changes in place",
  ignore,
  async fn() {
    const [, reply] = await talk([FIRST, {
      code: `const c = notebook();
for (let done = 0; done <= 40; done++) {
  c.emit({ type: "progress", label: "<b>", done, total: 40, unit: "works" });
  await c.clock.sleep(5);
}
c.emit({ type: "drop", reason: "too short", count: 3 });`,
    }]);
    const [first, ...updates] = reply?.outputs ?? [];
    equal(first?.type, "display_data");
    ok(updates.length >= 2 && updates.length < 20, `${updates.length} updates for 41 events`);
    for (const update of updates) {
      equal(update.type, "update_display_data");
      equal(update.transient?.display_id, first?.transient?.display_id);
    }
    const last = updates.at(-1)?.data;
    match(last?.["text/plain"] ?? "", /40 \/ 40 works.*\nleft out: too short 3/s);
    ok(last?.["text/html"]?.includes("&lt;b&gt;") && !last["text/html"].includes("<b>"));
  },
});

Deno.test("installKernel writes a kernel once, replaces another Deno's and leaves strangers alone", async () => {
  const data = await Deno.makeTempDir();
  try {
    const file = join(data, "kernels", "deno", "kernel.json");
    equal((await installKernel(data, "/old/deno")).action, "installed");
    equal((await installKernel(data, "/old/deno")).action, "kept");
    deepEqual(await installKernel(data, "/new/deno"), { path: dirname(file), action: "replaced", before: "/old/deno" });
    equal(JSON.parse(await Deno.readTextFile(file)).argv[0], "/new/deno");
    await Deno.writeTextFile(file, '{"argv":["python","-m","other"]}');
    await rejects(installKernel(data), /Cannot install the kernel "deno"/);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("findNotebooks takes names, folders and nothing, and suggests the nearest", async () => {
  const all = await listNotebooks();
  deepEqual(await findNotebooks([]), all);
  deepEqual((await findNotebooks(["01_retrieve"])).map(notebookName), ["deepred/01_retrieve"]);
  deepEqual((await findNotebooks(["deepred"])).map(notebookName).at(0), "deepred/01_retrieve");
  await rejects(findNotebooks(["01_retreive"]), /did you mean "01_retrieve"/);
});

for (const path of await listNotebooks()) {
  Deno.test({
    name: `notebook ${notebookName(path)} runs from top to bottom`,
    ignore,
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        const env = { GUTENBERG_DATA: join(folder, "data"), VOICEWORKS_CORPUS: "" };
        for await (const _ of runNotebook(path, { output: join(folder, "out.ipynb"), env }, context()));
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
