/** What a short-lived program printed, or undefined where it could not be started. */
export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** Asks a program something and waits for its answer, `timeoutMs` at most. Never throws: no answer is an answer too. */
export async function ask(command: string, args: readonly string[], timeoutMs = 5000): Promise<Answer | undefined> {
  try {
    const output = await new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      signal: AbortSignal.timeout(timeoutMs),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
  } catch {
    return undefined; // Not installed, not executable, or not granted to this task.
  }
}
