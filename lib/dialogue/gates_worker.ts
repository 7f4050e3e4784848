/** The inside of the thread of gates_thread.ts: loads the gates, then answers every list of subjects with their verdicts. */
import { messageOf } from "../core/errors.ts";
import { failedGate, type GateRules, type GateSubject, type GateVerdict } from "./gates.ts";
import { type GateFiles, loadGates } from "./gates_load.ts";

/** From the main thread: first the files, then lists. */
export type ToThread = { readonly files: GateFiles } | { readonly subjects: readonly GateSubject[] };
/** To the main thread: one answer for each list, in order. */
export type FromThread = { readonly verdicts: readonly (GateVerdict | undefined)[] } | { readonly fault: string };

const scope = globalThis as unknown as { // The types of the project are those of a window.
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
};
let gates: Promise<GateRules> | undefined;

scope.onmessage = async ({ data }) => {
  if ("files" in data) {
    gates = loadGates(data.files);
    gates.catch(() => {}); // Told by the first list.
    return;
  }
  try {
    const rules = await gates;
    if (!rules) throw new Error("no gates were loaded");
    scope.postMessage({ verdicts: data.subjects.map((subject) => failedGate(subject, rules)) });
  } catch (error) {
    scope.postMessage({ fault: messageOf(error) });
  }
};
