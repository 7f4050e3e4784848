/** What is wrong with a row, in words. */
import type { z } from "zod";

/** What is wrong with a row, as zod tells it: `source_id: expected number, got string`. */
export function explain(error: z.ZodError): string {
  return error.issues.map((issue) => {
    const message = issue.message.replace(/^Invalid input(: |$)/, "") || "not valid";
    return issue.path.length > 0 ? `"${issue.path.join(".")}": ${message}` : message;
  }).join("; ");
}

/** The first characters of a text for an error message, with control characters made visible. */
export function excerpt(text: string, length = 60): string {
  const shown = JSON.stringify(text.slice(0, length));
  return text.length > length ? `${shown}…` : shown;
}
