import { randomUUID } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { cacheDir, WORKSPACE } from "./paths.ts";
import { delay, queue, runProcess } from "./python_process.ts";
import { pythonFor, type Toolchain } from "./python_venv.ts";
import type { Context, StepEvent } from "./step.ts";

export type { Toolchain } from "./python_venv.ts";

/** How often the event file is looked at, in milliseconds: fast enough for a bar, slow enough for the disk. */
const POLL_MS = 100;

/** A line of the event file. Python is ours, but what it prints may come from a library: checked like any input. */
const EventLine = z.discriminatedUnion("type", [
  z.object({ type: z.literal("log"), level: z.enum(["info", "warn", "error"]), message: z.string() }),
  z.object({
    type: z.literal("progress"),
    label: z.string(),
    done: z.number(),
    total: z.number().exactOptional(),
    unit: z.string().exactOptional(),
  }),
  z.object({
    type: z.literal("metric"),
    name: z.string(),
    value: z.number(),
    step: z.number().exactOptional(),
    unit: z.string().exactOptional(),
  }),
  z.object({
    type: z.literal("drop"),
    reason: z.string(),
    count: z.number(),
    id: z.string().exactOptional(),
    detail: z.string().exactOptional(),
  }),
  z.object({
    type: z.literal("artifact"),
    path: z.string(),
    title: z.string(),
    rows: z.number().exactOptional(),
  }),
]);

/** An event from its JSON line; a line that is none is told as a warning. */
export function parseEvent(line: string): StepEvent {
  try {
    const event = EventLine.safeParse(JSON.parse(line));
    if (event.success) return event.data;
  } catch {
    // Not JSON.
  }
  return { type: "log", level: "warn", message: `unreadable event from Python: ${line.slice(0, 500)}` };
}

export interface PythonOptions {
  /** Added to the environment that the script inherits. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A file that keeps the script's events (appended); without it they are only passed on. */
  readonly eventFile?: string;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
}

/**
 * Runs a Python script of `lib/python` and yields its events. The script finds the path of its event file in
 * `$VOICEWORKS_EVENTS` and appends one JSON object a line (`lib/python/events.py` does it); lines on standard output
 * become log events. The toolchain's virtual environment is made first where it is missing.
 *
 * @param script Name of a file in `lib/python`, or an absolute path.
 * @throws {ToolError} for an exit code that is not zero, with the last lines of standard error; the signal's reason
 * when it fired: by then the script and all that it started have ended.
 *
 * @example
 * ```ts ignore
 * for await (const event of runPython("train", "train_lora.py", ["--config", path], context)) context.emit(event);
 * ```
 */
export async function* runPython(
  toolchain: Toolchain,
  script: string,
  args: readonly string[],
  context: Context,
  options: PythonOptions = {},
): AsyncGenerator<StepEvent> {
  const python = yield* pythonFor(toolchain, context);
  const kept = options.eventFile !== undefined;
  const eventFile = options.eventFile ?? tempEventFile(context);
  await Deno.mkdir(dirname(eventFile), { recursive: true });
  let offset = await sizeOf(eventFile);
  const leave = new AbortController(); // For a caller that stops iterating.
  const events = queue<StepEvent>();
  const child = runProcess(python, ["-u", resolve(WORKSPACE, "lib", "python", script), ...args], {
    signal: AbortSignal.any([context.signal, leave.signal]),
    env: {
      ...options.env,
      PYTHONUNBUFFERED: "1",
      PYTHONUTF8: "1",
      // Packages are installed uncompiled: who has this set would wait for torch to be compiled each time.
      PYTHONDONTWRITEBYTECODE: "",
      VOICEWORKS_EVENTS: eventFile,
    },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
  });
  let running = true;
  const reading = (async () => {
    try {
      for await (const { stream, line } of child) {
        if (stream === "stdout" && line.trim() !== "") events.push({ type: "log", level: "info", message: line });
      }
    } finally {
      running = false;
    }
  })();
  reading.catch(() => {}); // Awaited at the end: until then nobody may take its failure for one that is not heard.
  const tailing = (async () => {
    let rest: Uint8Array<ArrayBuffer> = new Uint8Array();
    for (let last = false; !last;) {
      last = !running; // One more look after the end, for what was written just before it.
      const added = await readFrom(eventFile, offset);
      offset += added.length;
      const { lines, tail } = splitLines(rest, added);
      rest = tail;
      for (const line of lines) if (line.trim() !== "") events.push(parseEvent(line));
      if (!last) await Promise.race([delay(POLL_MS), reading.catch(() => {})]);
    }
    if (rest.length > 0) events.push(parseEvent(new TextDecoder().decode(rest)));
    events.end();
  })();
  try {
    yield* events;
    await tailing;
    await reading;
  } finally {
    leave.abort();
    await Promise.allSettled([reading, tailing]);
    if (!kept) await Deno.remove(eventFile).catch(() => {});
  }
}

function tempEventFile(context: Context): string {
  return join(cacheDir(context.env), "events", `${randomUUID()}.jsonl`);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

async function readFrom(path: string, offset: number): Promise<Uint8Array<ArrayBuffer>> {
  if (await sizeOf(path) <= offset) return new Uint8Array();
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const block = new Uint8Array(1 << 16);
  for (let read = await file.read(block); read !== null; read = await file.read(block)) {
    parts.push(block.slice(0, read));
  }
  return concat(parts);
}

/** Whole lines, and the bytes of the one that has not ended yet. */
function splitLines(rest: Uint8Array<ArrayBuffer>, added: Uint8Array<ArrayBuffer>) {
  const bytes = concat([rest, added]);
  const end = bytes.lastIndexOf(0x0a) + 1;
  const lines = end === 0 ? [] : new TextDecoder().decode(bytes.subarray(0, end)).split("\n");
  return { lines, tail: bytes.slice(end) };
}

function concat(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
