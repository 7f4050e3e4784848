/** The one gate through which text reaches a page; it lies in core because the progress display needs it too. */
export { escapeHtml } from "../core/escape.ts";
