/** The inside of the thread of gates_thread.ts. */
import { failedGate, type GateSubject } from "./gates.ts";
import { type GateFiles, loadGates } from "./gates_load.ts";
import { serve } from "./thread.ts";

serve(async (files: GateFiles) => {
  const gates = await loadGates(files);
  return (subject: GateSubject) => failedGate(subject, gates);
});
