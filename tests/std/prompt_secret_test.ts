import { promptSecret, type PromptSecretOptions } from "@std/cli/prompt-secret";
import { deepStrictEqual, strictEqual } from "node:assert/strict";

interface Asked {
  readonly answer: string | null;
  readonly screen: string;
  readonly raw: readonly boolean[];
}

/** Runs the prompt against a terminal of `columns` in which `keys` are typed. */
function ask(keys: string, options?: PromptSecretOptions, columns = 80): Asked {
  const typed = [...new TextEncoder().encode(keys)];
  const raw: boolean[] = [];
  let screen = "";
  const real = { stdin: Deno.stdin, stdout: Deno.stdout, consoleSize: Deno.consoleSize };
  const fakes = {
    stdin: {
      isTerminal: () => true,
      setRaw: (on: boolean) => raw.push(on),
      readSync: (buffer: Uint8Array) => {
        const [byte] = typed.splice(0, 1);
        if (byte === undefined) return null;
        buffer[0] = byte;
        return 1;
      },
    },
    stdout: { writeSync: (bytes: Uint8Array) => (screen += new TextDecoder().decode(bytes), bytes.length) },
    consoleSize: () => ({ columns, rows: 24 }),
  };
  const set = (values: object) => {
    for (const [key, value] of Object.entries(values)) Object.defineProperty(Deno, key, { value, configurable: true });
  };
  try {
    set(fakes);
    return { answer: promptSecret("Key:", options), screen, raw };
  } finally {
    set(real);
  }
}

Deno.test("promptSecret shows a mask for each character and ends at Enter", () => {
  const { answer, screen, raw } = ask("ab\rc");
  strictEqual(answer, "ab");
  strictEqual(screen, "Key: \r\x1b[KKey: *\r\x1b[KKey: **\n");
  deepStrictEqual(raw, [true, false]);
});

Deno.test("promptSecret takes back a character at Backspace", () => {
  strictEqual(ask("a\x7f\x7fxy\bz\n").answer, "xz");
});

Deno.test("promptSecret shows nothing with an empty mask and clears the line where asked", () => {
  const asked = ask("ab\n", { mask: "", clear: true });
  strictEqual(asked.answer, "ab");
  strictEqual(asked.screen, "Key: \r\x1b[K");
});

Deno.test("promptSecret rewrites only the last screen line of a long mask", () => {
  // "Key: " and 6 characters on a screen of 10 columns: the sixth stands alone on the second line.
  const { screen } = ask("abcdef\x7f\n", {}, 10);
  const afterBackspace = "\r\x1b[K" + "\r\x1b[1F" + "Key: *****";
  strictEqual(screen.endsWith("Key: *****" + "*" + afterBackspace + "\n"), true, JSON.stringify(screen));
});
