import { deepEqual, equal, notDeepEqual, ok, rejects, throws } from "node:assert/strict";
import { presetPath } from "@/core/paths.ts";
import { loadPersonas, personaDealer } from "@/dialogue/personas.ts";

const PERSONAS = Array.from({ length: 22 }, (_, n) => ({ id: `p${n}` }));

Deno.test("personaDealer meets every persona and theme equally often and never repeats one in a hand", () => {
  const deal = personaDealer(PERSONAS, 1969);
  const counts = new Map<string, number>();
  const themes = ["chess", "science", "utopia"];
  for (let n = 0; n < 1000; n++) {
    const theme = themes[n % 3] ?? "";
    const hand = deal(theme, 3);
    equal(new Set(hand).size, 3);
    for (const { id } of hand) counts.set(`${theme} ${id}`, (counts.get(`${theme} ${id}`) ?? 0) + 1);
  }
  equal(counts.size, 66);
  ok(Math.max(...counts.values()) - Math.min(...counts.values()) <= 1, JSON.stringify([...counts]));
});

Deno.test("personaDealer spreads a short run over all personas, whatever its themes", () => {
  const deal = personaDealer(PERSONAS, 1969);
  const seen = new Set(Array.from({ length: 11 }, (_, n) => deal(`theme ${n % 4}`, 2)).flat());
  equal(seen.size, 22);
});

Deno.test("personaDealer deals by seed, and a longer run begins like a shorter one", () => {
  const hands = (seed: number, count: number) => {
    const deal = personaDealer(PERSONAS, seed);
    return Array.from({ length: count }, () => deal("chess", 2).map(({ id }) => id));
  };
  deepEqual(hands(1, 30).slice(0, 10), hands(1, 10));
  notDeepEqual(hands(1, 10), hands(2, 10));
});

Deno.test("personaDealer deals all personas at once, but no more", () => {
  equal(new Set(personaDealer(PERSONAS, 1)("x", 22)).size, 22);
  throws(() => personaDealer(PERSONAS, 1)("x", 23), /22 personas/);
});

Deno.test("loadPersonas names every fault with its line", async () => {
  const path = await Deno.makeTempFile({ suffix: ".jsonc" });
  const persona = '{"id":"a","category":"c","name":"N","traits":["t"],"voice":"v","system":"s"}';
  await Deno.writeTextFile(path, `{"personas":[\n${persona},\n${persona},\n{"id":"Bad id","voice":""}]}`);
  await rejects(loadPersonas(path), (error: Error) => {
    for (const part of [`${path}:4`, "system", "lower-case letters"]) ok(error.message.includes(part), error.message);
    return true;
  });
  await Deno.writeTextFile(path, `{"personas":[\n${persona},\n${persona}]}`);
  await rejects(loadPersonas(path), /:3".*"a" is there twice/);
  await Deno.remove(path);
});

Deno.test("the preset has the 22 variants in nine categories, each with a voice and a system prompt of its own", async () => {
  const { personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));
  deepEqual(
    personas.map(({ id }) => id).toSorted(),
    ("broadcaster commissar cosmist cybernetic dostoevsky engineer expedition_leader grandmaster liberator mission_control " +
      "motherland overseer philosophical pioneer primary prophet revolutionary scientist survivor tactician teacher utopian")
      .split(" "),
  );
  equal(new Set(personas.map(({ category }) => category)).size, 9);
  equal(new Set(personas.map(({ voice }) => voice)).size, 22);
  equal(new Set(personas.map(({ system }) => system)).size, 22);
});
