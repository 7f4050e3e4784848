import { isAbort, UserError } from "./errors.ts";

/**
 * The exit code and the words for whatever ended a task: a user's mistake in its own words (2 or 1), a stop by Ctrl-C
 * (130), and anything else with its stack trace, since that is our fault and worth a report.
 */
export function farewell(error: unknown): { code: number; text: string } {
  if (error instanceof UserError) {
    return { code: error.exitCode, text: error.hint ? `${error.message}\n${error.hint}` : error.message };
  }
  if (isAbort(error)) return { code: 130, text: "stopped; what was complete is kept, the rest was not written" };
  const trace = error instanceof Error ? error.stack ?? error.message : String(error);
  return { code: 1, text: `This is a fault in Voiceworks, please report it:\n${trace}` };
}

/** Runs the body of a task; prints how it ended on standard error and leaves with its exit code. */
export async function enter(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    const { code, text } = farewell(error);
    console.error(text);
    Deno.exit(code);
  }
}
