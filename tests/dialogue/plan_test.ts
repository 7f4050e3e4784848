import { deepEqual, equal, notDeepEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { presetPath } from "@/core/paths.ts";
import { createMixPlan, type MixPlan, Recipe } from "@/dialogue/mix.ts";
import { factsOf, joinPassages, openPassages, type Passages, passagesOf } from "@/dialogue/passages.ts";
import { loadPersonas } from "@/dialogue/personas.ts";
import { planAssignments, type PlannedAssignment, type PlanOptions, planSize } from "@/dialogue/plan.ts";
import { seededRandom } from "@/dialogue/random.ts";
import type { SourceChunk } from "@/dialogue/sources.ts";

const { personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));

const SHELVES = ["russian_literature", "utopian_fiction", "science_fiction", "chess"];
const SHARES = { utopia: 0.303, strategy: 0.294, science: 0.16, collectivism: 0.157, exploration: 0.086 };

/** A library as uneven as a real one: of twelve books the first holds half of all passages. */
function library(count: number, more: Partial<SourceChunk> = {}): SourceChunk[] {
  const random = seededRandom("library", count);
  const theme = () => {
    let at = random();
    return Object.entries(SHARES).find(([, share]) => (at -= share) < 0)?.[0] ?? "utopia";
  };
  return Array.from({ length: count }, (_, n): SourceChunk => {
    const book = Math.min(11, Math.floor(-Math.log2(1 - random())));
    const counts: Record<string, number> = {};
    for (let m = 0; m < 1 + Math.floor(random() * 3); m++) counts[theme()] = 1 + Math.floor(random() * 6);
    return {
      id: `c${n}`,
      text: `Passage ${n}.`,
      source_id: book,
      source_title: `Book ${book}`,
      category: SHELVES[book % 4],
      keyword_counts: { ...counts, total: Object.values(counts).reduce((a, b) => a + b, 0) },
      ...more,
    };
  });
}

const BASE = { personas, seed: 1969, examplesPerChunk: 2, order: "best-first" } as const;

function plan(passages: Passages, more: Partial<PlanOptions> = {}): Promise<PlannedAssignment[]> {
  return Array.fromAsync(planAssignments({ ...BASE, passages, ...more }));
}

const ids = (assignments: readonly PlannedAssignment[]) => assignments.map(({ id }) => id);

function count<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(items, key)].map(([name, list]) => [name, list.length]));
}

Deno.test("planAssignments makes each example once, and no passage's two share a persona", async () => {
  const all = await plan(passagesOf(library(500)));
  equal(all.length, 1000);
  equal(new Set(ids(all)).size, 1000);
  equal(all.filter(({ first }) => first).length, 500);
  for (const { theme, themes, chunk } of all) {
    equal(themes[0], theme);
    ok((chunk.keyword_counts[theme] ?? 0) > 0);
  }
  deepEqual(planSize({ ...BASE, passages: passagesOf(library(500)) }), { chunks: 500, examples: 1000 });
});

Deno.test("planAssignments depends on passages and seed alone, and a longer plan begins like a shorter one", async () => {
  const passages = passagesOf(library(300));
  const all = ids(await plan(passages));
  deepEqual(ids(await plan(passages)), all);
  deepEqual(ids(await plan(passages, { limit: 100 })), all.slice(0, 100));
  deepEqual(ids(await plan(passages, { maxChunks: 40 })), all.slice(0, 80));
  notDeepEqual(ids(await plan(passages, { seed: 1 })), all);
});

Deno.test("planAssignments keeps the order of the file when asked", async () => {
  const all = await plan(passagesOf(library(50)), { order: "file", examplesPerChunk: 1 });
  deepEqual(all.map(({ chunk }) => chunk.id), Array.from({ length: 50 }, (_, n) => `c${n}`));
});

Deno.test("planAssignments takes for a budget a choice that covers themes, personas and books, the best first", async () => {
  const chunks = library(5000);
  const some = await plan(passagesOf(chunks), { limit: 550 });
  equal(some.length, 550);
  const cells = count(some, ({ theme, persona }) => `${theme} ${persona.id}`);
  equal(Object.keys(cells).length, 110);
  // 5 examples a cell: by the first theme alone the rarest would have 2 and the commonest 8.
  ok(Math.max(...Object.values(cells)) <= 7 && Math.min(...Object.values(cells)) >= 3, JSON.stringify(cells));
  equal(Object.keys(count(some, ({ chunk }) => chunk.source_title)).length, 12);
  const books = count(some, ({ chunk }) => chunk.source_title);
  ok((books["Book 0"] ?? 0) < 550 * 0.35, `half of all passages are of this book: ${books["Book 0"]} of 550`);
  // Of passages with the one theme, which have no choice, nothing is left behind that is better than what was taken.
  const stratum = (chunk: SourceChunk) => `${chunk.source_title} ${factsOf(chunk).themes}`;
  const chosen = new Set(some.map(({ chunk }) => chunk));
  const alone = (list: Iterable<SourceChunk>) =>
    Map.groupBy([...list].filter((chunk) => factsOf(chunk).themes.length === 1), stratum);
  const left = alone(new Set(chunks).difference(chosen));
  let compared = 0;
  for (const [name, list] of alone(chosen)) {
    const worst = Math.min(...list.map((chunk) => factsOf(chunk).score));
    for (const chunk of left.get(name) ?? []) {
      compared++;
      ok(factsOf(chunk).score <= worst, name);
    }
  }
  ok(compared > 50, `${compared}`);
});

Deno.test("factsOf goes by alignment where there is one, and passes over passing words", () => {
  const [chunk] = library(1, { keyword_counts: { utopia: 9, science: 3, strategy: 1, total: 13 } });
  ok(chunk);
  deepEqual(factsOf(chunk).themes, ["utopia", "science"]);
  equal(factsOf({ ...chunk, alignment: { best: "utopia", max: 0.41 } }).score, 0.41);
  ok(factsOf({ ...chunk, keyword_counts: { utopia: 20, total: 20 } }).score > factsOf(chunk).score);
});

const RECIPE = Recipe.parse({
  components: [
    { name: "core", target: 100 },
    { name: "style", target: 40, shelves: ["russian_literature"], personas: ["philosophical_literary", "core"] },
    { name: "chess", target: 20, sources: ["chess"], themes: ["strategy"] },
    { name: "mission", target: 40, themes: ["exploration", "science"], personas: ["scientific", "core"] },
  ],
});

/** Follows a plan with so many examples at a time; each is judged by its id, some time after it was begun. */
async function follow(passages: Passages, mix: MixPlan, at: number, more: Partial<PlanOptions> = {}) {
  const random = seededRandom("arrival", at);
  const kept: PlannedAssignment[] = [];
  const begun: PlannedAssignment[] = [];
  const queue = planAssignments({ ...BASE, passages, mix, ...more });
  const worker = async () => {
    for (let next = await queue.next(); !next.done; next = await queue.next()) {
      const assignment = next.value;
      begun.push(assignment);
      for (let wait = Math.floor(random() * 8); at > 1 && wait > 0; wait--) await Promise.resolve();
      if (seededRandom("verdict", assignment.id)() < 0.3) mix.reject(assignment.component);
      else {
        kept.push(assignment);
        mix.accept(assignment.component);
      }
    }
  };
  await Promise.all(Array.from({ length: at }, worker));
  return { kept: ids(kept).sort(), begun: ids(begun).sort(), assignments: kept };
}

Deno.test("planAssignments fills a mix exactly, and starts the same examples whatever the concurrency", async () => {
  const passages = passagesOf(library(600));
  const mix = createMixPlan(RECIPE);
  const alone = await follow(passages, mix, 1);
  deepEqual(mix.missing(), []);
  deepEqual(count(alone.assignments, ({ component }) => component), { core: 100, style: 40, chess: 20, mission: 40 });
  for (const { component, chunk, theme, persona } of alone.assignments) {
    if (component === "chess") deepEqual([chunk.category, theme], ["chess", "strategy"]);
    if (component === "mission") {
      ok(["exploration", "science"].includes(theme) && ["scientific", "core"].includes(persona.category));
    }
    if (component === "style" && chunk.category !== "chess") equal(chunk.category, "russian_literature");
  }
  for (const at of [2, 7, 64]) {
    const together = await follow(passages, createMixPlan(RECIPE), at);
    deepEqual(together.kept, alone.kept, `${at} at a time`);
    deepEqual(together.begun, alone.begun, `${at} at a time`);
  }
});

Deno.test("planAssignments gives a component what others have left, and says what is missing at the end", async () => {
  // Few passages: those of exploration and science go to core and mission, until core is full.
  const passages = passagesOf(library(150));
  const recipe = Recipe.parse({
    components: [{ name: "core", target: 10 }, { name: "mission", target: 500, themes: ["exploration", "science"] }],
  });
  const mix = createMixPlan(recipe);
  const { assignments, begun } = await follow(passages, mix, 5);
  deepEqual((await follow(passages, createMixPlan(recipe), 1)).begun, begun);
  const suits = library(150).filter((chunk) =>
    factsOf(chunk).themes.some((name) => ["exploration", "science"].includes(name))
  );
  const used = new Set(assignments.map(({ chunk }) => chunk.id));
  const rejected = mix.progress().find(({ component }) => component === "mission")?.rejected ?? 0;
  ok(rejected > 0);
  // Every passage that suits was tried.
  const [missing] = mix.missing();
  equal(missing?.component, "mission");
  ok((missing?.accepted ?? 0) + rejected >= (suits.length - 10) * 2, JSON.stringify({ missing, suits: suits.length }));
  ok(used.size > 0);
});

Deno.test("planAssignments parts a budget among the components, and takes gap topics last", async () => {
  const gaps = library(100, { kind: "gap", category: undefined }).map((chunk) => ({ ...chunk, id: `gap-${chunk.id}` }));
  const passages = joinPassages([passagesOf(gaps), passagesOf(library(200))]);
  const mix = createMixPlan(RECIPE);
  const { begun } = await follow(passages, mix, 4, { limit: 100 });
  equal(begun.length, 100);
  const counts = Object.fromEntries(
    mix.progress().map(({ component, accepted, rejected }) => [
      component,
      accepted + rejected,
    ]),
  );
  deepEqual(counts, { core: 50, style: 20, chess: 10, mission: 20 });
  ok(!begun.some((id) => id.startsWith("gap-")), "passages of books suffice");
  ok((await plan(passages)).slice(0, 400).every(({ chunk }) => chunk.kind !== "gap"));
});

Deno.test("planAssignments stops when aborted while it waits for verdicts", async () => {
  const stop = new AbortController();
  const mix = createMixPlan(Recipe.parse({ components: [{ name: "one", target: 1 }] }));
  const queue = planAssignments({ ...BASE, passages: passagesOf(library(9)), mix, signal: stop.signal });
  await queue.next();
  const waiting = queue.next();
  stop.abort(new DOMException("enough", "AbortError"));
  await rejects(waiting, { name: "AbortError" });
});

Deno.test("planAssignments gives passages of no theme one that the component asks for", async () => {
  const passages = passagesOf(library(4, { keyword_counts: { total: 0 } }));
  const all = await plan(passages, { themes: ["science", "utopia"] });
  deepEqual(count(all, ({ theme }) => theme), { science: 4, utopia: 4 });
  deepEqual((await plan(passages)).map(({ themes }) => themes), Array.from({ length: 8 }, () => []));
});

Deno.test("planAssignments refuses a component whose personas are too few", async () => {
  const mix = createMixPlan(Recipe.parse({ components: [{ name: "c", target: 1, personas: ["cosmic"] }] }));
  await rejects(plan(passagesOf(library(4)), { mix }), /there are 0 personas of cosmic for the component "c"/);
  await rejects(plan(passagesOf(library(4)), { examplesPerChunk: 23 }), /23 examples per chunk: there are 22 personas/);
});

Deno.test("openPassages leaves the texts on disk and reads each where it lies", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "filtered.jsonl");
    const chunks = library(40).map((chunk, at) => ({ ...chunk, text: `Zażółć gęślą jaźń ${at} 𝄞` }));
    const rows = chunks.map((chunk) => JSON.stringify(chunk));
    await Deno.writeTextFile(
      path,
      `\uFEFF${rows.slice(0, 20).join("\r\n")}\n\n${rows.slice(20).join("\n")}\n{"id":"to`,
    );
    const drops: string[] = [];
    await using passages = await openPassages(path, {
      onDrop: ({ reason, detail }) => drops.push(`${reason} ${detail}`),
    });
    deepEqual(drops, [`torn_line ${path}:42: a crash tore it`]);
    deepEqual(passages.facts, chunks.map(factsOf));
    const read = await Promise.all([39, 0, 20, 19].map((index) => passages.read(index)));
    deepEqual(read, [39, 0, 20, 19].map((index) => chunks[index]));
    deepEqual(ids(await plan(passages)), ids(await plan(passagesOf(chunks))));
    await Deno.writeTextFile(path, "short");
    await rejects(passages.read(30), /has changed since the run began/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openPassages names bad rows, leaves out double ids, and weighs alignment", async () => {
  const path = await Deno.makeTempFile();
  const write = (...rows: unknown[]) =>
    Deno.writeTextFile(path, rows.map((row) => typeof row === "string" ? row : JSON.stringify(row)).join("\n") + "\n");
  const [a, b] = library(2);
  await write(a, "{nonsense");
  await rejects(openPassages(path), new RegExp(`${path}:2": the line is not JSON`));
  await write(a, { ...b, keyword_counts: undefined });
  await rejects(openPassages(path), /:2".*keyword_counts/);
  await write(a, b, a);
  const drops: string[] = [];
  await using twice = await openPassages(path, { onDrop: ({ reason, id }) => drops.push(`${reason} ${id}`) });
  deepEqual([drops, twice.facts.length], [["duplicate_id c0"], 2]);
  await rejects(openPassages(path, { minAlignment: 0.2 }), /:1" with a least alignment: the passage has none/);
  await write({ ...a, alignment: { best: "utopia", max: 0.1 } }, { ...b, alignment: { best: "utopia", max: 0.3 } });
  await using aligned = await openPassages(path, {
    minAlignment: 0.2,
    onDrop: ({ reason, id }) => drops.push(`${reason} ${id}`),
  });
  deepEqual([drops.at(-1), aligned.facts.length], ["weak_alignment c0", 1]);
  await Deno.remove(path);
});
