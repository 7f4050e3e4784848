/** The method that a Deno kernel asks a value for, to show it. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display");

/** One value in several forms, by MIME type: the page shows the richest that it knows. */
export type MimeBundle = Record<string, unknown> & { "text/plain": string };

/** A value that Jupyter shows by its MIME bundle. */
export interface Displayable {
  [DISPLAY](): MimeBundle | Promise<MimeBundle>;
}
