import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { presetPath } from "@/core/paths.ts";
import { failedGate } from "@/dialogue/gates.ts";
import { gateFiles, loadGates } from "@/dialogue/gates_load.ts";
import { loadPersonas, type Persona } from "@/dialogue/personas.ts";
import { parseExchange } from "@/dialogue/parse.ts";
import { rehearsalEngine } from "@/llm/rehearsal.ts";
import { addresses, quotable, things } from "@/llm/rehearsal_words.ts";

const PASSAGE =
  "The harvest of that autumn was carried into the common barn, and no family counted its own sheaves. We had drawn up the " +
  "plan in the spring, by the light of a single lamp, and the schoolmaster read it aloud. When the bridge gave way, every " +
  "brigade sent its carpenter, and before the frost the road to the mill lay open again.";
const never = new AbortController().signal;

function request(persona: Pick<Persona, "category" | "traits" | "voice">, seed: number, passage = PASSAGE) {
  const messages = [{ role: "user" as const, content: `${persona.voice}\n${passage}` }];
  return { messages, temperature: 0.8, seed, metadata: { persona, passage, words: ["harvest", "common", "plan"] } };
}

async function exchange(persona: Pick<Persona, "category" | "traits" | "voice">, seed: number, passage?: string) {
  const parsed = parseExchange(await rehearsalEngine().chat(request(persona, seed, passage), never));
  ok(parsed.ok);
  return parsed.exchange;
}

Deno.test("rehearsalEngine gives the same answer to the same request and another to another seed", async () => {
  const persona = { category: "core", traits: ["calm"], voice: "Level." };
  deepEqual(await exchange(persona, 1), await exchange(persona, 1));
  notEqual((await exchange(persona, 1)).assistant, (await exchange(persona, 2)).assistant);
});

Deno.test("rehearsalEngine writes whole answers of a fair length for every persona of the preset", async () => {
  const { personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));
  // Which themes a passage has is the filter's business; any answer is to have one of some theme.
  const gates = await loadGates(gateFiles({}));
  for (const persona of personas) {
    for (let seed = 0; seed < 20; seed++) {
      const { user, assistant } = await exchange(persona, seed);
      const words = assistant.split(/\s+/).length;
      ok(words >= 60 && words <= 140, `${persona.id}: ${words} words: ${assistant}`);
      match(user, /^[A-Z].*\?$/);
      match(assistant, /^[“A-Z].*[.]$/);
      ok(!/[{}]|undefined| {2}| ,/.test(user + assistant), assistant);
      equal(failedGate({ user, assistant, passage: PASSAGE, themes: [] }, gates), undefined, assistant);
    }
  }
});

Deno.test("rehearsalEngine speaks by the persona: its address, its traits, its kind", async () => {
  const persona = { category: "soviet", traits: ["iron punctuality"], voice: 'Addresses people as "dear stokers".' };
  const answers = await Promise.all(Array.from({ length: 12 }, (_, seed) => exchange(persona, seed)));
  ok(answers.some(({ assistant }) => assistant.includes("dear stokers")));
  ok(answers.some(({ assistant }) => /iron punctuality/i.test(assistant)));
  ok(answers.some(({ assistant }) => /comrade|collective|brigade/.test(assistant)));
});

Deno.test("rehearsalEngine manages with a passage that names nothing", async () => {
  const { assistant } = await exchange({ category: "core", traits: [], voice: "" }, 3, "12 - 14 - 19");
  ok(assistant.split(" ").length >= 60);
});

Deno.test("rehearsalEngine refuses requests that it cannot write from, and obeys the signal", async () => {
  const bare = { messages: [], temperature: 0 };
  await rejects(rehearsalEngine().chat(bare, never), { kind: "bad_request" });
  await rejects(async () => await rehearsalEngine().chat(bare, AbortSignal.abort()), { name: "AbortError" });
});

Deno.test("things finds what a passage names, on theme first", () => {
  const found = things(PASSAGE, ["plan"]);
  equal(found[0], "plan");
  for (const noun of ["harvest", "light", "road"]) ok(found.includes(noun), `${noun} in ${found}`);
  for (const other of ["sheaves", "carpenter"]) ok(!found.includes(other), other);
});

Deno.test("quotable takes clauses that can stand alone", () => {
  deepEqual(
    quotable("He said nothing, and the road to the mill lay open, or of the. The author of this book was dead."),
    [],
  );
  deepEqual(quotable("At dusk; the road to the mill lay open; no."), ["the road to the mill lay open"]);
});

Deno.test("addresses reads how a voice calls its listener", () => {
  deepEqual(addresses('Calls people "little one" or "my dear ones". Never says "sir".'), [
    "little one",
    "my dear ones",
  ]);
  deepEqual(addresses("Plain."), []);
});
