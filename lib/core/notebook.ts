import { randomUUID } from "node:crypto";
import { z } from "zod";
import { systemClock } from "./clock.ts";
import { DISPLAY, type Displayable } from "./display.ts";
import { readEnvironment } from "./env.ts";
import { isAbort, messageOf, UserError } from "./errors.ts";
import { progressBlock } from "./notebook_display.ts";
import { WORKSPACE } from "./paths.ts";
import type { Context, StepEvent } from "./step.ts";
import { VERSION } from "./version.ts";

/** What a notebook may ask to keep; it reads and writes files in any case. */
export type Permission = "net" | "run" | "ffi" | "sys" | "import";
const GIVEN_UP: readonly Permission[] = ["net", "run", "ffi", "sys", "import"];

/** Sends a message to the notebook's page. */
export type Broadcast = (type: string, content: Record<string, unknown>) => Promise<void>;

/** Milliseconds between two updates of a block: smooth for the eye, and below the quiet that the runner waits for. */
const UPDATE_MS = 60;

let stopper = new AbortController();
let started = false;

/**
 * The one call of a notebook's first cell.
 *
 * - Stop (the interrupt) aborts the signal of every context that was handed out, so that the cell ends and the kernel
 *   lives; without it Stop would kill the kernel.
 * - Gives up the permissions that the notebook does not name in `keep`. A kernel starts with all of them, and what is
 *   given up stays so until it is restarted.
 * - Tells of promises that were rejected and not awaited, which the kernel itself passes over.
 * - Shows errors that speak to the user without their stack.
 * - Goes to the folder of deno.json, so that paths mean what they mean in the terminal.
 *
 * @example
 * ```ts ignore
 * await start({ keep: ["ffi"] }); // DuckDB is native code
 * ```
 */
export async function start(options: { keep?: readonly Permission[] } = {}): Promise<Displayable> {
  const gone: Permission[] = [];
  for (const name of GIVEN_UP) {
    if (options.keep?.includes(name)) await mustHave(name);
    else {
      await Deno.permissions.revoke({ name });
      gone.push(name);
    }
  }
  if (!started) {
    started = true;
    Deno.addSignalListener("SIGINT", stop);
    globalThis.addEventListener("unhandledrejection", tellRejection);
    showPlainErrors();
    Deno.chdir(WORKSPACE);
  }
  const kept = options.keep?.length ? `, keeps ${options.keep.join(", ")}` : "";
  const text = `Voiceworks ${VERSION} on Deno ${Deno.version.deno}. This notebook gave up ${gone.join(", ")}${kept}. ` +
    "Stop ends a cell and keeps the kernel.";
  return {
    [DISPLAY]: () => ({
      "text/plain": text,
      "text/html": `<div style="opacity:.7">${text}</div>`,
    }),
  };
}

/**
 * A context for one run of a step: its events appear under the cell as one block that changes in place, and Stop aborts
 * its signal.
 *
 * @example
 * ```ts ignore
 * await chunk.run(chunk.options.parse({ chunkSize: 800 }), notebook());
 * ```
 */
export function notebook(broadcast: Broadcast | undefined = kernelBroadcast()): Context {
  return {
    signal: stopper.signal,
    fetch: globalThis.fetch,
    clock: systemClock,
    env: readEnvironment(),
    emit: broadcast ? inPlace(broadcast) : toConsole,
  };
}

async function mustHave(name: Permission): Promise<void> {
  const { state } = await Deno.permissions.query({ name });
  if (state === "granted") return;
  throw new UserError(`Cannot keep "${name}": this kernel gave it up before`, {
    hint: "Restart the kernel and run the first cell again.",
  });
}

/** What Stop does. A cell that waits for something that has no signal goes on: only a restart of the kernel ends it. */
function stop(): void {
  const before = stopper;
  stopper = new AbortController();
  before.abort(new DOMException("stopped; what was complete is kept, the rest was not written", "AbortError"));
}

function tellRejection(event: PromiseRejectionEvent): void {
  event.preventDefault();
  console.error(`A promise was rejected and not awaited: ${messageOf(event.reason)}`);
}

/** V8 asks this for `error.stack`, which is what the kernel prints. */
function showPlainErrors(): void {
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = (error, frames) => {
    if (isAbort(error)) return error.message;
    if (error instanceof UserError) return error.hint ? `${error.message}\n${error.hint}` : error.message;
    if (error instanceof z.ZodError) return `These options do not fit:\n${z.prettifyError(error)}`;
    return before ? before(error, frames) : [String(error), ...frames.map((frame) => `    at ${frame}`)].join("\n");
  };
}

/** The kernel's channel; undefined outside a kernel, where touching `Deno.jupyter` throws. */
function kernelBroadcast(): Broadcast | undefined {
  try {
    const { broadcast } = Deno.jupyter;
    return (type, content) => broadcast(type, content);
  } catch {
    return undefined;
  }
}

function inPlace(broadcast: Broadcast): (event: StepEvent) => void {
  const block = progressBlock();
  const transient = { display_id: randomUUID() };
  let type = "display_data";
  let painted = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sending = Promise.resolve();
  const paint = () => {
    timer = undefined;
    painted = performance.now();
    const content = { data: block.bundle(), metadata: {}, transient };
    const kind = type;
    type = "update_display_data";
    // One after another, so that an older state never comes last; a page that is gone does not matter.
    sending = sending.then(() => broadcast(kind, content)).catch(() => {});
  };
  return (event) => {
    block.add(event);
    const due = painted + UPDATE_MS - performance.now();
    if (due <= 0) {
      clearTimeout(timer);
      paint();
    } else timer ??= setTimeout(paint, due);
  };
}

function toConsole(event: StepEvent): void {
  if (event.type === "log") console.error(event.message);
}
