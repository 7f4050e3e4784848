import { deepEqual, equal, notDeepEqual, ok, rejects, throws } from "node:assert/strict";
import { presetPath } from "@/core/paths.ts";
import { UsageError } from "@/core/errors.ts";
import { choosePersonas, createDealer, loadPersonas, personaDealer, personaWeights } from "@/dialogue/personas.ts";
import { allotThemes } from "@/dialogue/plan_themes.ts";
import { seededRandom } from "@/dialogue/random.ts";

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

/** Themes of passages as uneven as those of sixteen real books: one in three is about utopia first, one in twelve about exploration. */
function* skewedThemes(count: number): Generator<string[]> {
  const random = seededRandom("skewed");
  const shares = { utopia: 0.303, strategy: 0.294, science: 0.16, collectivism: 0.157, exploration: 0.086 };
  const draw = () => {
    let at = random();
    return Object.entries(shares).find(([, share]) => (at -= share) < 0)?.[0] ?? "utopia";
  };
  for (let n = 0; n < count; n++) {
    // Half of those passages had one theme, a third two, the rest three.
    const many = random();
    yield [...new Set(Array.from({ length: many < 0.48 ? 1 : many < 0.78 ? 2 : 3 }, draw))];
  }
}

Deno.test("createDealer covers persona × theme evenly on 100,000 passages of skewed themes", () => {
  const deal = createDealer(PERSONAS, 1969);
  const cells = new Map<string, number>();
  const passages = [...skewedThemes(100_000)];
  const allotted = allotThemes(passages, 2);
  passages.forEach((themes, at) => {
    const hand = deal(allotted[at] ?? []);
    ok(hand.length === 2 && hand[0]?.persona !== hand[1]?.persona);
    for (const { persona, theme } of hand) {
      ok(themes.includes(theme));
      const cell = `${theme} ${persona.id}`;
      cells.set(cell, (cells.get(cell) ?? 0) + 1);
    }
    if ((at + 1) % 20_000 > 0) return;
    // At any moment, not only at the end: a theme's personas differ by two at most, since a hand may put one off.
    for (const row of Map.groupBy(cells, ([cell]) => cell.split(" ")[0]).values()) {
      const counts = row.map(([, count]) => count);
      ok(Math.max(...counts) - Math.min(...counts) <= 2, JSON.stringify(counts));
    }
  });
  equal(cells.size, 110);
  const ratio = Math.max(...cells.values()) / Math.min(...cells.values());
  // By the first theme alone it would be 3.5; so few of these passages touch the rarest theme that 1.55 is all they allow.
  ok(ratio <= 1.6, `max/min ${ratio}`);
});

Deno.test("createDealer follows weights within two examples of each share and never draws what weighs nothing", () => {
  const weights = new Map([["p0", 3], ["p1", 0.5], ["p2", 0]]);
  const deal = createDealer(PERSONAS, 7, weights);
  const counts = new Map<string, number>();
  const passages = 2350;
  for (let n = 0; n < passages; n++) {
    for (const { persona } of deal(["chess", "chess"])) counts.set(persona.id, (counts.get(persona.id) ?? 0) + 1);
  }
  const sum = 3 + 0.5 + 19;
  for (const { id } of PERSONAS) {
    const share = (weights.get(id) ?? 1) / sum * passages * 2;
    ok(Math.abs((counts.get(id) ?? 0) - share) <= 2, `${id}: ${counts.get(id)} of ${share}`);
  }
  equal(counts.get("p2"), undefined);
});

Deno.test("createDealer fills what is covered least", () => {
  const covered = new Map([["chess", new Map(PERSONAS.map(({ id }, at) => [id, at === 5 || at === 7 ? 0 : 10]))]]);
  const hands = Array.from({ length: 10 }, createDealer(PERSONAS, 1, new Map(), covered).bind(undefined, ["chess"]));
  deepEqual(new Set(hands.flat().map(({ persona }) => persona.id)), new Set(["p5", "p7"]));
});

Deno.test("allotThemes gives a rare theme every passage that has it, and follows weights", () => {
  const choices = Array.from({ length: 90 }, (_, n) => n % 9 === 0 ? ["common", "rare"] : ["common"]);
  const count = (weights?: Map<string, number>) =>
    allotThemes(choices, 2, weights).flat().filter((theme) => theme === "rare").length;
  equal(count(), 20);
  equal(count(new Map([["rare", 0.05]])), 9);
  deepEqual(allotThemes([[]], 2), [["none", "none"]]);
});

Deno.test("choosePersonas takes ids and categories, and names all that are unknown", () => {
  const all = [{ id: "a", category: "x" }, { id: "b", category: "x" }, { id: "c", category: "y" }];
  deepEqual(choosePersonas(all, ["c", "b"]).map(({ id }) => id), ["b", "c"]);
  deepEqual(choosePersonas(all, ["x"]).map(({ id }) => id), ["a", "b"]);
  deepEqual(choosePersonas(all, []), all);
  throws(() => choosePersonas(all, ["d", "a", "e"]), (error: Error) => {
    ok(error instanceof UsageError);
    deepEqual(error.faults, ['Unknown persona "d"', 'Unknown persona "e"']);
    return /a, b, c.*x, y/.test(error.hint ?? "");
  });
});

Deno.test("personaWeights reads ids before categories and refuses all that it cannot use", () => {
  const all = [{ id: "a", category: "x" }, { id: "b", category: "x" }, { id: "c", category: "y" }];
  deepEqual([...personaWeights(all, ["x=0.5", "a=3"])], [["a", 3], ["b", 0.5], ["c", 1]]);
  throws(() => personaWeights(all, ["a", "a=-1", "d=2", "b=1", "b=2", "c=many"]), (error: Error) => {
    ok(error instanceof UsageError);
    equal(error.faults.length, 5);
    return error.faults.every((fault, at) => fault.includes(["a", "a=-1", "d=2", "b=2", "c=many"][at] ?? "?"));
  });
  throws(() => personaWeights(all, ["x=0", "c=0"]), /all of them weigh 0/);
});
