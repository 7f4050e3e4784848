/**
 * Errors that speak to the user. A door (a task, a notebook cell) prints their message and hint without a stack trace
 * and, in a terminal, leaves with their exit code. Anything else that is thrown is a fault of ours and keeps its trace.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
  /** 2: the request was wrong (flags, presets, files of the wrong shape); 1: the work failed. */
  readonly exitCode: 1 | 2;
  /** What to do next, in one or two sentences. */
  readonly hint: string | undefined;

  /**
   * @param message What could not be done, with the value quoted: `Cannot read "x.jsonl": line 3 is not JSON`.
   */
  constructor(message: string, options: { exitCode?: 1 | 2; hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
    this.hint = options.hint;
  }
}

/** Wrong use: every fault that was found, all at once. Exit code 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
  readonly faults: readonly string[];

  constructor(faults: string | readonly string[], hint?: string) {
    const list = typeof faults === "string" ? [faults] : faults;
    super(list.join("\n"), hint === undefined ? { exitCode: 2 } : { exitCode: 2, hint });
    this.faults = list;
  }
}

/** An outside program that ended badly. */
export class ToolError extends UserError {
  override readonly name = "ToolError";
  readonly command: readonly string[];
  readonly code: number;
  /** The last lines that it wrote to standard error. */
  readonly lastLines: readonly string[];

  constructor(command: readonly string[], code: number, lastLines: readonly string[], hint?: string) {
    const said = lastLines.length > 0 ? `\n${lastLines.map((line) => `  ${line}`).join("\n")}` : "";
    super(
      `Cannot finish "${command.join(" ")}": it ended with exit code ${code}${said}`,
      hint === undefined ? {} : { hint },
    );
    this.command = command;
    this.code = code;
    this.lastLines = lastLines;
  }
}

/** True for the error that an aborted signal leaves behind. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
