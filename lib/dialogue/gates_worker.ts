/** The inside of the thread of gates_thread.ts: loads the gates, then answers every list of subjects with their verdicts. */
import { messageOf } from "../core/errors.ts";
import { failedGate, type GateRules, type GateSubject, type GateVerdict } from "./gates.ts";
import { type GateFiles, loadGates } from "./gates_load.ts";

/** From the main thread: first the files, then lists. */
export type ToThread = { readonly files: GateFiles } | { readonly subjects: readonly GateSubject[] };
/** To the main thread: one answer for each message, in order. */
export type FromThread =
  | { readonly ready: true }
  | { readonly verdicts: readonly (GateVerdict | undefined)[] }
  | { readonly fault: string };

const scope = globalThis as unknown as { // The types of the project are those of a window.
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
};
let gates: Promise<GateRules>;

async function answer(message: ToThread): Promise<FromThread> {
  if ("files" in message) {
    await (gates = loadGates(message.files));
    return { ready: true };
  }
  const rules = await gates;
  return { verdicts: message.subjects.map((subject) => failedGate(subject, rules)) };
}

scope.onmessage = async ({ data }) =>
  scope.postMessage(await answer(data).catch((error) => ({ fault: messageOf(error) })));
