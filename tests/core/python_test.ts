import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { isAbort, ToolError, UserError } from "@/core/errors.ts";
import { writeFileAtomic } from "@/core/files.ts";
import { parseEvent, runPython } from "@/core/python.ts";
import { runProcess } from "@/core/python_process.ts";
import { findPython, interpreterOf, pythonFor } from "@/core/python_venv.ts";
import type { Context, StepEvent } from "@/core/step.ts";
import { fakeContext } from "../fakes/context.ts";

const python = await findPython().then((found) => found.command, () => undefined);
const ignore = python === undefined;
const unix = Deno.build.os !== "windows";

/** A folder with a script, and a context whose interpreter is the system's own. */
async function setUp(script: string, overrides: Partial<Context> = {}) {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "script.py");
  await Deno.writeTextFile(path, script);
  const env = { VOICEWORKS_CACHE: folder, VOICEWORKS_PYTHON_TRAIN: python?.[0] ?? "" };
  return {
    folder,
    path,
    context: fakeContext({ env, ...overrides }),
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const HEAD = `import json, os, sys, time
def emit(**event):
    with open(os.environ["VOICEWORKS_EVENTS"], "a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\\n")
`;

function isAlive(pid: number): boolean {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] }).outputSync();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}

Deno.test("parseEvent keeps an event and turns anything else into a warning", () => {
  deepEqual(parseEvent('{"type":"progress","label":"a","done":1,"total":2}'), {
    type: "progress",
    label: "a",
    done: 1,
    total: 2,
  });
  for (const line of ['{"type":"progress"}', "Traceback", '{"type":"metric","name":"loss","value":NaN}', "[]"]) {
    const event = parseEvent(line);
    ok(event.type === "log" && event.level === "warn" && event.message.includes(line), line);
  }
});

Deno.test({
  name: "runPython yields events in order, also a line without an end, and standard output as remarks",
  ignore,
  async fn() {
    await using place = await setUp(`${HEAD}
emit(type="progress", label="ü", done=1, total=2)
emit(type="metric", name="loss", value=0.5, step=1)
with open(os.environ["VOICEWORKS_EVENTS"], "a") as file: file.write("not json\\n" + '{"type":"log","level":"info","message":"torn"}')
`);
    const events = await Array.fromAsync(runPython("train", place.path, [], place.context));
    deepEqual(events, [
      { type: "progress", label: "ü", done: 1, total: 2 },
      { type: "metric", name: "loss", value: 0.5, step: 1 },
      { type: "log", level: "warn", message: "unreadable event from Python: not json" },
      { type: "log", level: "info", message: "torn" },
    ]);
    deepEqual(await names(join(place.folder, "events")), [], "the event file is removed");
    await Deno.writeTextFile(place.path, "import sys; print('hello', sys.argv[1])");
    deepEqual(await Array.fromAsync(runPython("train", place.path, ["ä b"], place.context)), [
      { type: "log", level: "info", message: "hello ä b" },
    ]);
  },
});

Deno.test({
  name: "runPython appends to a kept event file and yields only what is new",
  ignore,
  async fn() {
    await using place = await setUp(`${HEAD}\nemit(type="log", level="info", message="new")`);
    const eventFile = join(place.folder, "runs", "events.jsonl");
    await writeFileAtomic(eventFile, '{"type":"log","level":"info","message":"old"}\n');
    const events = await Array.fromAsync(runPython("train", place.path, [], place.context, { eventFile }));
    deepEqual(events, [{ type: "log", level: "info", message: "new" }]);
    equal((await Deno.readTextFile(eventFile)).trim().split("\n").length, 2);
  },
});

Deno.test({
  name: "runPython throws a ToolError with the code and the last lines of standard error",
  ignore,
  async fn() {
    await using place = await setUp(`import sys
for i in range(100): print("line", i, file=sys.stderr)
sys.exit(7)`);
    await rejects(Array.fromAsync(runPython("train", place.path, [], place.context)), (error) => {
      ok(error instanceof ToolError);
      equal(error.code, 7);
      equal(error.lastLines.at(-1), "line 99");
      equal(error.lastLines.length, 20);
      match(error.message, /script\.py/);
      return true;
    });
  },
});

Deno.test({
  name: "runPython ends the script and what it started when the signal fires",
  ignore: ignore || !unix,
  async fn() {
    const controller = new AbortController();
    await using place = await setUp(
      `${HEAD}
import subprocess
child = subprocess.Popen(["sleep", "300"])
emit(type="metric", name="child", value=child.pid)
emit(type="metric", name="self", value=os.getpid())
time.sleep(300)`,
      { signal: controller.signal },
    );
    const pids: number[] = [];
    await rejects(
      (async () => {
        for await (const event of runPython("train", place.path, [], place.context)) {
          if (event.type === "metric") pids.push(event.value);
          if (pids.length === 2) controller.abort(new DOMException("stop", "AbortError"));
        }
      })(),
      isAbort,
    );
    equal(pids.length, 2);
    deepEqual(pids.filter(isAlive), []);
  },
});

Deno.test({
  name: "runPython kills a script that ignores SIGTERM after the grace",
  ignore: ignore || !unix,
  async fn() {
    const controller = new AbortController();
    await using place = await setUp(
      `${HEAD}
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
emit(type="metric", name="self", value=os.getpid())
time.sleep(300)`,
      { signal: controller.signal },
    );
    let pid = 0;
    const run = runPython("train", place.path, [], place.context, { graceMs: 100 });
    await rejects(
      (async () => {
        for await (const event of run) {
          if (event.type === "metric") pid = event.value;
          controller.abort(new DOMException("stop", "AbortError"));
        }
      })(),
      isAbort,
    );
    ok(pid > 0 && !isAlive(pid));
  },
});

Deno.test({
  name: "runPython ends the script when its caller stops iterating",
  ignore: ignore || !unix,
  async fn() {
    await using place = await setUp(`${HEAD}\nemit(type="metric", name="self", value=os.getpid())\ntime.sleep(300)`);
    let pid = 0;
    for await (const event of runPython("train", place.path, [], place.context)) {
      if (event.type === "metric") pid = event.value;
      break;
    }
    ok(pid > 0 && !isAlive(pid));
  },
});

Deno.test({
  name: "events.py ends its process when the parent dies",
  ignore: ignore || !unix,
  async fn() {
    const library = new URL("../../lib/python", import.meta.url).pathname;
    const code = `import os, sys, time; sys.path.insert(0, ${JSON.stringify(library)})
import events; events.follow_parent(); print(os.getpid(), flush=True); time.sleep(300)`;
    const child = new Deno.Command(python?.[0] ?? "", { args: ["-c", code], stdin: "piped", stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    const pid = Number(new TextDecoder().decode((await reader.read()).value));
    ok(isAlive(pid));
    await child.stdin.close(); // What the operating system does for a parent that is gone.
    equal((await child.status).code, 1);
    await reader.cancel();
  },
});

Deno.test("runProcess names a program that is not there", async () => {
  const { signal } = new AbortController();
  await rejects(Array.fromAsync(runProcess("voiceworks-no-such-program", [], { signal })), (error) => {
    ok(error instanceof UserError);
    match(error.message, /Cannot run "voiceworks-no-such-program": there is no such program/);
    return true;
  });
});

Deno.test({
  name: "runProcess splits lines at newlines and at carriage returns",
  ignore,
  async fn() {
    const { signal } = new AbortController();
    const code = "import sys; sys.stdout.write('a\\r\\nb 10%\\rb 20%\\nend')";
    const lines = await Array.fromAsync(runProcess(python?.[0] ?? "", ["-c", code], { signal }));
    deepEqual(lines.map(({ line }) => line), ["a", "b 10%", "b 20%", "end"]);
  },
});

Deno.test("pythonFor refuses an override that is not there", async () => {
  const context = fakeContext({ env: { VOICEWORKS_PYTHON_LLAMA: "/no/such/python" } });
  await rejects(
    Array.fromAsync(pythonFor("llama", context)),
    /Cannot use VOICEWORKS_PYTHON_LLAMA="\/no\/such\/python"/,
  );
});

Deno.test({
  name: "pythonFor makes one environment for two callers, remakes a half-made one, and finds a whole one",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const requirements = join(folder, "requirements.txt");
      await Deno.writeTextFile(requirements, "# nothing\n");
      const make = async () => {
        const context = fakeContext({ env: { VOICEWORKS_CACHE: folder } });
        const events: StepEvent[] = [];
        const run = pythonFor("notebook", context, requirements);
        let step = await run.next();
        for (; !step.done; step = await run.next()) events.push(step.value);
        return {
          path: step.value,
          made: events.some((event) => event.type === "log" && /^making/.test(event.message)),
        };
      };
      const [first, second] = await Promise.all([make(), make()]);
      equal(first.path, second.path);
      equal([first, second].filter(({ made }) => made).length, 1);
      ok((await Deno.stat(first.path)).isFile);
      equal((await make()).made, false);

      const venv = join(
        folder,
        "venv",
        (await names(join(folder, "venv"))).find((name) => !name.endsWith(".lock")) ?? "",
      );
      equal(interpreterOf(venv), first.path);
      await Deno.remove(join(venv, "voiceworks.json"));
      equal((await make()).made, true);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}
