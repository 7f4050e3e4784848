import { deepEqual, equal } from "node:assert/strict";
import { BookList } from "@/corpus/books.ts";
import { type CatalogueEntry, parsePerson } from "@/corpus/catalogue.ts";
import { RuleSet } from "@/corpus/rules.ts";
import { selectBooks, type Selection } from "@/corpus/select.ts";
import { readJsonc } from "@/core/jsonc.ts";
import { presetPath } from "@/core/paths.ts";
import { CATEGORIES } from "@/records.ts";

const RULES = {
  language: "en",
  assumed_lifespan: 88,
  max_per_author: 2,
  exclude: { ids: [{ id: 66, why: "a list of positions" }], titles: ["\\bindex of\\b"], subjects: ["\\bjuvenile\\b"] },
  same_work: [[10, 11]],
  years: { "12": 1950, "13": 1975 },
  categories: [
    { category: "chess", target: 10, subjects: ["\\bchess\\b"] },
    {
      category: "russian_literature",
      target: 10,
      classes: ["PG"],
      authors: ["^Orlov, Vera"],
      subjects: ["\\bRussia\\b"],
      prefer: ["^Belov, "],
      without: ["\\bhistory and criticism\\b"],
    },
  ],
};

/** An entry: by default an early book on chess. */
function entry(
  id: number,
  changes: Partial<Omit<CatalogueEntry, "people">> & { authors?: string[] } = {},
): CatalogueEntry {
  const { authors = ["Author, Anna, 1800-1870"], ...rest } = changes;
  return {
    id,
    type: "Text",
    title: `Title ${String.fromCharCode(64 + id % 26)}${id}`,
    languages: ["en"],
    people: authors.map(parsePerson),
    subjects: ["Chess"],
    classes: [],
    ...rest,
  };
}

async function select(
  entries: CatalogueEntry[],
  options: { rules?: object; reading?: unknown[]; before?: number } = {},
): Promise<Selection> {
  const { books } = BookList.parse({
    books: options.reading ?? [{ id: 9_000, title: "Not in it", author: "Nobody" }],
  });
  const rows = (async function* () {
    yield* entries;
  })();
  return await selectBooks(rows, RuleSet.parse({ ...RULES, ...options.rules }), books, options.before ?? 1969);
}

const ids = ({ choices }: Selection) => choices.map(({ book }) => book.id);
const reasons = ({ passedOver }: Selection) => Object.fromEntries(passedOver.map(({ id, reason }) => [id, reason]));

Deno.test("selectBooks takes whole words and no duchesses", async () => {
  const selection = await select([entry(1), entry(2, { subjects: ["Duchesses -- Fiction"] })]);
  deepEqual(ids(selection), [1]);
  equal(selection.dropped.no_category, 1);
});

Deno.test("selectBooks says why a book is in", async () => {
  const [choice] = (await select([entry(1)])).choices;
  equal(choice?.why, 'subject "Chess"; Author, Anna: 1800–1870');
  deepEqual(choice?.book, { id: 1, title: "Title A1", author: "Anna Author", category: "chess" });
});

Deno.test("selectBooks counts what is no candidate", async () => {
  const selection = await select([
    entry(1, { type: "Sound" }),
    entry(2, { languages: ["fr"] }),
    entry(3, { languages: ["en", "fr"] }),
  ]);
  deepEqual(selection.dropped, { not_text: 1, other_language: 2, no_category: 0 });
});

Deno.test("selectBooks wants an author known to be early enough", async () => {
  const one = (author: string) => ({ authors: [author] });
  const selection = await select([
    entry(1, one("Died, In Time, 1900-1968")),
    entry(2, one("Died, Too Late, 1900-1969")),
    entry(3, one("Born, Long Before, 1881-1975")),
    entry(4, one("Born, Later, 1882-")),
    entry(5, one("Nodates, Ned")),
    entry(6, { authors: [] }),
    entry(7, { authors: ["Died, In Time, 1800-1850", "Modern, Max, 1950- [Translator]"] }),
    entry(8, { authors: ["Died, In Time, 1800-1850", "Unknown, Una [Translator]"] }),
    entry(12, one("Lived, On, 1920-2001")),
    entry(13, one("Lived, Too, 1920-2001")),
  ], { rules: { max_per_author: 9 } });
  deepEqual(ids(selection), [1, 3, 8, 12]);
  equal(selection.choices.find(({ book }) => book.id === 12)?.book.year, 1950);
  equal(selection.passedOver.every(({ reason }) => reason === "not_shown_to_be_early_enough"), true);
});

Deno.test("selectBooks moves the line with the year", async () => {
  const selection = await select([entry(1), entry(2, { authors: ["Late, Lou, 1880-1935"] })], { before: 1930 });
  deepEqual(ids(selection), [1]);
});

Deno.test("selectBooks leaves out what the rules exclude", async () => {
  const selection = await select([
    entry(66),
    entry(2, { title: "Index of the Works of Anna Author" }),
    entry(3, { subjects: ["Chess", "Chess -- Juvenile literature"] }),
    entry(4, { subjects: ["Russia"], classes: ["DK"] }),
    entry(5, { subjects: ["Russia", "Russian literature -- History and criticism"], classes: ["PG"] }),
  ]);
  deepEqual(ids(selection), []);
  deepEqual(reasons(selection), { 66: "excluded", 2: "excluded", 3: "excluded" });
});

Deno.test("selectBooks keeps one edition of a work", async () => {
  const reading = [{ id: 1, title: "The Long Game", author: "Anna Author", category: "chess" }];
  const selection = await select([
    entry(1, { title: "The long game" }),
    entry(2, { title: "The Long Game: Or, a Life at the Board" }),
    entry(3, { title: "A Short Game, Volume 1" }),
    entry(4, { title: "A Short Game" }),
    entry(10, { title: "One" }),
    entry(11, { title: "Another name for one" }),
    entry(14, { title: "Études — Volume 1" }),
    entry(15, { title: "Etudes, Vol. 2" }),
  ], { reading, rules: { max_per_author: 9 } });
  deepEqual(ids(selection), [4, 10, 14, 15]);
  deepEqual(reasons(selection), { 2: "other_edition", 3: "other_edition", 11: "other_edition" });
});

Deno.test("selectBooks fills up to the target, counting the reading list", async () => {
  const rules = { categories: [{ category: "chess", target: 3, subjects: ["\\bchess\\b"] }] };
  const reading = [{ id: 500, title: "Mate", author: "Bea Other", category: "chess" }];
  const selection = await select([4, 3, 2, 1].map((id) => entry(id, { authors: [`A${id}, B, 1800-1850`] })), {
    rules,
    reading,
  });
  deepEqual(ids(selection), [1, 2]);
  deepEqual(reasons(selection), { 3: "target_reached", 4: "target_reached" });
});

Deno.test("selectBooks puts preferred and named authors first and spreads over authors", async () => {
  const russian = { subjects: ["Russia -- Fiction"], classes: ["PG"] };
  const selection = await select([
    entry(1, { ...russian, authors: ["Anybody, Al, 1800-1850"] }),
    entry(2, { classes: ["PG"], subjects: [], authors: ["Orlov, Vera, 1850-1911"] }),
    ...[3, 4, 5].map((id) => entry(id, { ...russian, authors: ["Belov, Lev, 1850-1911"] })),
    entry(6, { classes: ["PG"], subjects: [], authors: ["Belov, Lev, 1850-1911"] }),
  ]);
  deepEqual(ids(selection), [3, 4, 2, 1]);
  deepEqual(reasons(selection), { 5: "author_has_enough" });
});

Deno.test("selectBooks chooses the same whatever the order of the catalogue", async () => {
  const entries = Array.from(
    { length: 30 },
    (_, index) => entry(index + 100, { authors: [`A${index % 7}, B, 1800-1850`] }),
  );
  deepEqual(await select(entries).then(ids), await select(entries.toReversed()).then(ids));
});

Deno.test("RuleSet names a pattern that is no regular expression", () => {
  const result = RuleSet.safeParse({ ...RULES, exclude: { titles: ["(open"] } });
  equal(result.success, false);
  deepEqual(result.error?.issues[0]?.path, ["exclude", "titles", 0]);
});

Deno.test("The deepred reading list and rules are valid and reach the plan's counts", async () => {
  const { books } = await readJsonc(presetPath("deepred/books.jsonc"), BookList);
  const rules = await readJsonc(presetPath("deepred/extended.jsonc"), RuleSet);
  // Book by category, from and to, as the theme plan has them.
  const plan = {
    russian_literature: [15, 20],
    utopian_fiction: [20, 30],
    science_fiction: [30, 40],
    chess: [5, 10],
    political_philosophy: [20, 30],
  } as const;
  for (const category of CATEGORIES) {
    const [from, to] = plan[category];
    const count = books.filter((book) => book.category === category).length;
    equal(from <= count && count <= to, true, `${category}: ${count}`);
  }
  equal(books.every(({ year }) => year !== undefined && year < 1969), true);
  const excluded = new Set(rules.exclude.ids.map(({ id }) => id));
  equal(books.some(({ id }) => excluded.has(id)), false);
  equal(rules.categories.reduce((sum, { target }) => sum + target, 0), 500);
  deepEqual(rules.categories.map(({ category }) => category).sort(), [...CATEGORIES].sort());
});
