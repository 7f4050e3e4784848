/**
 * Asks for a secret without showing it: `promptSecret` of `@std/cli/prompt-secret`.
 *
 * @module
 */

/** Options of {@linkcode promptSecret}. */
export type PromptSecretOptions = {
  /** Shown for each character; `""` shows nothing. Default: `*`. */
  mask?: string;
  /** Clears the line afterwards, not starting a new one. */
  clear?: boolean;
};

const ENTER = ["\r", "\n"];
const BACKSPACE = ["\b", "\x7f"];
const CLEAR_LINE = "\r\x1b[K";
const LINE_UP = "\r\x1b[1F";

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

/**
 * Asks for a secret in the terminal, showing a mask for each character.
 *
 * @param message Shown before what is typed, followed by a space.
 * @returns What was typed, or `null` where standard input is no terminal.
 *
 * @example
 * ```ts ignore
 * import { promptSecret } from "@std/cli/prompt-secret";
 *
 * const key = promptSecret("API key:") ?? "";
 * ```
 */
export function promptSecret(message = "Secret", options?: PromptSecretOptions): string | null {
  if (!Deno.stdin.isTerminal()) return null;
  const { mask = "*", clear = false } = options ?? {};
  const prompt = `${message} `;
  const show = mask === "" ? () => {} : maskedLine(prompt, mask, Deno.consoleSize().columns);

  write(prompt);
  // Windows knows no cbreak mode; elsewhere it keeps Ctrl-C working.
  Deno.stdin.setRaw(true, Deno.build.os === "windows" ? undefined : { cbreak: true });
  try {
    return readSecret(show);
  } finally {
    write(clear ? CLEAR_LINE : "\n");
    Deno.stdin.setRaw(false);
  }
}

/** Reads bytes up to Enter or the end, calling `show` with the number of bytes after each. */
function readSecret(show: (length: number) => void): string {
  const typed: number[] = [];
  const byte = new Uint8Array(1);
  while (Deno.stdin.readSync(byte)) {
    const [code = 0] = byte;
    const key = String.fromCharCode(code);
    if (ENTER.includes(key)) break;
    if (BACKSPACE.includes(key)) typed.pop();
    else typed.push(code);
    show(typed.length);
  }
  return new TextDecoder().decode(new Uint8Array(typed));
}

/** Rewrites the last screen line of the prompt and its mask; the lines above it are full and stay. */
function maskedLine(prompt: string, mask: string, columns: number): (length: number) => void {
  let before = 0;
  return (length) => {
    const line = prompt + mask.repeat(length);
    const rest = line.length % columns;
    const shorter = line.length < before;
    before = line.length;
    // A first character on a new screen line has nothing to clear.
    if (shorter || rest !== 1) write(CLEAR_LINE);
    if (shorter && rest === 0) write(LINE_UP);
    const shown = rest === 0 ? columns : rest;
    write(line.length > columns ? line.slice(-shown) : line);
  };
}
