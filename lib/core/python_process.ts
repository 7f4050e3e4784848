import { ToolError, UserError } from "./errors.ts";

/** A line that a child process wrote. */
export interface OutputLine {
  readonly stream: "stdout" | "stderr";
  readonly line: string;
}

/** How many lines of standard error an error quotes. */
const KEPT_LINES = 20;
/** What a child may use to end itself after SIGTERM before it is killed. */
const GRACE_MS = 5_000;

export interface ProcessOptions {
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  /** Called with the last lines of standard error; what it answers becomes the hint of the error. */
  readonly hint?: (lastLines: readonly string[]) => string | undefined;
}

/**
 * Runs a program and yields its lines as they come. Its standard input stays open and empty: a child that watches it
 * sees its end when this process dies, however that happens. On Unix the child leads a process group of its own, so
 * that whatever it started ends with it.
 *
 * The child is ended when the signal fires and when the caller stops iterating: SIGTERM, a grace, SIGKILL (Windows: its
 * process tree is killed). Nothing is left running when the generator ends.
 *
 * @throws {ToolError} for an exit code that is not zero; {UserError} where the program cannot be started; the signal's
 * reason when it fired.
 */
export async function* runProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions,
): AsyncGenerator<OutputLine> {
  options.signal.throwIfAborted();
  const child = spawn(program, args, options);
  const lines = queue<OutputLine>();
  const lastLines: string[] = [];
  const reading = Promise.all([
    eachLine(child.stdout, (line) => lines.push({ stream: "stdout", line })),
    eachLine(child.stderr, (line) => {
      if (line.trim() !== "") lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
      lines.push({ stream: "stderr", line });
    }),
  ]);
  let running = true;
  const ended = child.status.then(async (status) => {
    running = false;
    // A grandchild may hold the pipes open for ever: what is not read soon after the end is not waited for.
    await Promise.race([reading, delay(1_000)]);
    lines.end();
    return status;
  });
  let stopping: Promise<void> | undefined;
  const stop = () => stopping ??= endProcess(child, () => running, options.graceMs ?? GRACE_MS);
  const abort = () => void stop();
  options.signal.addEventListener("abort", abort, { once: true });
  try {
    yield* lines;
    const status = await ended;
    options.signal.throwIfAborted();
    if (!status.success) {
      const hint = options.hint?.(lastLines);
      throw new ToolError([program, ...args], status.code, lastLines, hint);
    }
  } finally {
    options.signal.removeEventListener("abort", abort);
    if (running) await stop();
    await ended;
    await stopping;
    await child.stdin.close().catch(() => {}); // The child may have closed its end.
    await Promise.race([reading, delay(0)]);
  }
}

function spawn(program: string, args: readonly string[], options: ProcessOptions) {
  try {
    return new Deno.Command(program, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      detached: Deno.build.os !== "windows",
      ...(options.env ? { env: { ...options.env } } : {}),
      ...(options.cwd ? { cwd: options.cwd } : {}),
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UserError(`Cannot run "${program}": there is no such program`, { cause: error });
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UserError(`Cannot run "${program}": it may not be executed`, { cause: error });
    }
    throw error;
  }
}

async function endProcess(child: Deno.ChildProcess, running: () => boolean, graceMs: number): Promise<void> {
  if (Deno.build.os === "windows") {
    // Windows has no SIGTERM, and killing a process leaves its children.
    await new Deno.Command("taskkill", {
      args: ["/T", "/F", "/PID", String(child.pid)],
      stdout: "null",
      stderr: "null",
    })
      .output().catch(() => child.kill());
    return;
  }
  killGroup(child, "SIGTERM");
  const until = performance.now() + graceMs;
  while (running() && performance.now() < until) await delay(20);
  killGroup(child, "SIGKILL"); // Also for what the child left behind.
}

function killGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    Deno.kill(-child.pid, signal);
  } catch {
    try {
      child.kill(signal); // Without the right to signal others, or with the group already gone.
    } catch {
      // It has ended.
    }
  }
}

/** Splits at \n and at \r (progress bars that overwrite themselves); the last line needs no end. */
async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const block of stream) {
      const parts = (rest + decoder.decode(block, { stream: true })).split(/\r\n|\r(?!$)|\n/);
      rest = parts.pop() ?? "";
      parts.forEach(take);
    }
  } catch {
    // The pipe broke with its writer: what came is what there is.
  }
  if (rest !== "") take(rest.replace(/\r$/, ""));
}

/** Resolves after real milliseconds: processes end in real time, whatever a step's clock says. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Values pushed from anywhere, read by one reader in order. */
export function queue<T>(): AsyncIterable<T> & { push(value: T): void; end(): void } {
  let values: T[] = [];
  let ended = false;
  let wake = () => {};
  return {
    push(value) {
      values.push(value);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        const ready = values;
        values = [];
        yield* ready;
        if (values.length > 0) continue;
        if (ended) return;
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
  };
}
