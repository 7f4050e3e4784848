import { deepEqual, ok, rejects } from "node:assert/strict";
import { createTaker, type Offer, openTakerThread } from "@/dialogue/duplicates_thread.ts";
import { gateFiles, loadGates } from "@/dialogue/gates_load.ts";
import { seededRandom } from "@/dialogue/random.ts";

const gates = await loadGates(gateFiles({}));

/** Exchanges some of which say again, wholly or nearly, what an earlier one said; some are to be kept all the same. */
function offers(count: number): Offer[] {
  const random = seededRandom("offers");
  const sentence = () =>
    Array.from({ length: 12 }, () => `word${Math.floor(random() * 5000)}`).join(" ").replace(/^w/, "W") + ".";
  const made: Offer[] = [];
  for (let n = 0; n < count; n++) {
    const earlier = made[Math.floor(random() * made.length)]?.exchange;
    const own = { user: sentence(), assistant: Array.from({ length: 6 }, sentence).join(" ") };
    const exchange = !earlier || random() < 0.7
      ? own
      : random() < 0.5
      ? { ...own, assistant: `${earlier.assistant} Onward.` }
      : { ...own, user: earlier.user };
    made.push({ id: `${n}`, persona: `p${n % 3}`, exchange, keep: random() < 0.1 });
  }
  return made;
}

Deno.test("openTakerThread says of each exchange what is said without it, in order", async () => {
  const some = offers(1000);
  using here = createTaker(gates);
  using thread = openTakerThread(gates);
  const expected = some.map(here.take);
  deepEqual(await Promise.all(some.map(thread.take)), expected);
  const reasons = new Set((await Promise.all(expected)).map(({ repeats }) => repeats?.reason));
  ok(reasons.has(undefined) && reasons.has("near_duplicate") && reasons.has("duplicate_question"), [...reasons].join());
});

Deno.test("createTaker compares with what was taken into the dataset, and with nothing else", async () => {
  using taker = createTaker(gates);
  const exchange = { user: "How shall we share the harvest among the domes?", assistant: "By the plan, comrade." };
  const take = async (id: string, keep = false) => (await taker.take({ id, persona: "p", exchange, keep })).repeats;
  deepEqual(await take("one"), undefined);
  deepEqual(await take("two"), { reason: "duplicate_question", detail: "1.00 like one" });
  deepEqual(await take("three", true), { reason: "duplicate_question", detail: "1.00 like one" });
});

Deno.test("openTakerThread tells what is wrong, to all that wait and all that come later", async () => {
  using thread = openTakerThread({ ...gates, settings: { ...gates.settings, duplicates: {} as never } });
  const [one, two] = offers(2);
  ok(one && two);
  const waiting = [one, { ...two, exchange: {} as never }].map((offer) => Promise.resolve(thread.take(offer)));
  await rejects(Promise.all(waiting), /the thread of duplicates failed/);
  await rejects(Promise.resolve(thread.take(one)), /the thread of duplicates failed/);
});
