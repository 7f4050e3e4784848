import { deepEqual, rejects } from "node:assert/strict";
import type { GateSubject } from "@/dialogue/gates.ts";
import { failedGate } from "@/dialogue/gates.ts";
import { gateFiles, loadGates } from "@/dialogue/gates_load.ts";
import { FAST, openGateThread, openJudge, THREAD_FROM } from "@/dialogue/gates_thread.ts";

const FILES = gateFiles({});
const gates = await loadGates(FILES);
const ANSWER = "Comrade, the plan gives every worker a place at the board, and every place a purpose in the long game.";

/** Every third passes, the others fail each at another gate. */
function subjects(count: number): GateSubject[] {
  const spoilt = ["", " **Remember** it.", "", " In 1991 the old union fell.", "", " As the author says, we go on."];
  return Array.from({ length: count }, (_, n) => ({
    user: `How shall we share harvest ${n} among the domes?`,
    assistant: `${ANSWER}${spoilt[n % spoilt.length]}`,
    passage: `The harvest of dome ${n}.`,
    themes: ["collectivism"],
  }));
}

Deno.test("openGateThread says of each exchange what failedGate says, in order", async () => {
  using thread = openGateThread(FILES);
  const some = subjects(500);
  const [first = [], second = []] = [some.slice(0, 200), some.slice(200)];
  const verdicts = await Promise.all(first.map(thread.judge));
  verdicts.push(...await Promise.all(second.map(thread.judge)));
  deepEqual(verdicts, some.map((subject) => failedGate(subject, gates)));
});

Deno.test("openGateThread tells what is wrong, to all that wait and all that come later", async () => {
  using thread = openGateThread({ ...FILES, slop: "/nowhere/slop.jsonc" });
  const [one, two] = subjects(2).map(thread.judge);
  await rejects(one ?? Promise.resolve(), /slop\.jsonc/);
  await rejects(two ?? Promise.resolve(), /slop\.jsonc/);
  await rejects(thread.judge({ user: "", assistant: "", passage: "", themes: [] }), /slop\.jsonc/);
});

Deno.test("openJudge says the same on both sides of the change to a thread, and without one", async () => {
  const some = subjects(THREAD_FROM + 100);
  const expected = some.map((subject) => failedGate(subject, gates));
  // One that comes fast, one that does not, and one whose thread cannot be opened.
  const fast = 500 / FAST, slow = 2000 / FAST;
  for (
    const [pace, files] of [[fast, FILES], [slow, FILES], [fast, { ...FILES, slop: "/nowhere/slop.jsonc" }]] as const
  ) {
    let now = 0;
    using judge = openJudge(gates, files, () => now);
    const verdicts = [];
    for (const subject of some) {
      now += pace;
      verdicts.push(judge.judge(subject));
      if (verdicts.length >= THREAD_FROM) await new Promise((resolve) => setTimeout(resolve, 5)); // Time to become ready.
    }
    deepEqual(await Promise.all(verdicts), expected);
  }
});
