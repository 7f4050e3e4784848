/** Chooses the extended corpus out of the catalogue by rules. Pure: rules and entries in, choices with their reasons out. */
import type { CATEGORIES } from "../records.ts";
import type { Book } from "./books.ts";
import { type CatalogueEntry, type Person, spokenName } from "./catalogue.ts";
import { authorKey, type Editions, openEditions, volumeOf } from "./editions.ts";
import type { CategoryRule, RuleSet } from "./rules.ts";

type Category = typeof CATEGORIES[number];

/** A chosen book, and why it is in. */
export interface Choice {
  book: Book;
  why: string;
}

/** A book that a category would have taken, and why it is out. */
export interface PassedOver {
  id: number;
  title: string;
  category: Category;
  reason: "excluded" | "not_shown_to_be_early_enough" | "other_edition" | "author_has_enough" | "target_reached";
  detail: string;
}

export interface Selection {
  /** By category in the order of the rules, best first. */
  choices: Choice[];
  passedOver: PassedOver[];
  /** Entries that were no candidates at all, by reason. */
  dropped: { not_text: number; other_language: number; no_category: number };
  /** Of each category: candidates, and how many of them were early enough. */
  pools: Record<string, { candidates: number; eligible: number }>;
}

interface Candidate {
  entry: CatalogueEntry;
  rule: CategoryRule;
  reasons: string[];
  /** 0: an author to prefer; 1: an author that the rule names; 2: any other. */
  rank: number;
  early: string;
}

/**
 * Chooses books of the catalogue so that reading list and choices together reach the target of each category: candidates by
 * the rules, early enough, one edition a work, no more than the rules allow of one author. Authors whom the rules prefer or
 * name go first; among equals those that Project Gutenberg took up first, which are the better known.
 *
 * @param reading Books that are in anyhow: they count towards the targets, and their works are not chosen again.
 * @param before Year before which a book must have been published.
 */
export async function selectBooks(
  catalogue: AsyncIterable<CatalogueEntry>,
  rules: RuleSet,
  reading: readonly Book[],
  before: number,
): Promise<Selection> {
  const selection: Selection = {
    choices: [],
    passedOver: [],
    dropped: { not_text: 0, other_language: 0, no_category: 0 },
    pools: Object.fromEntries(rules.categories.map(({ category }) => [category, { candidates: 0, eligible: 0 }])),
  };
  const inList = new Map(reading.map((book) => [book.id, book]));
  const works = openEditions(rules.same_work);
  for (const book of reading) works.takeListed(book);
  const candidates: Candidate[] = [];
  for await (const entry of catalogue) {
    if (inList.has(entry.id)) {
      works.take(entry);
      continue;
    }
    if (entry.type !== "Text") selection.dropped.not_text++;
    else if (entry.languages.length !== 1 || entry.languages[0] !== rules.language) selection.dropped.other_language++;
    else {
      const candidate = classify(entry, rules);
      if (!candidate) {
        selection.dropped.no_category++;
        continue;
      }
      const { category } = candidate.rule;
      const pass = (reason: PassedOver["reason"], detail: string) =>
        selection.passedOver.push({ id: entry.id, title: entry.title, category, reason, detail });
      const pool = selection.pools[category];
      if (pool) pool.candidates++;
      const excluded = exclusion(entry, rules);
      if (excluded !== undefined) {
        pass("excluded", excluded);
        continue;
      }
      const early = earliness(entry, rules, before);
      if (!early.yes) {
        pass("not_shown_to_be_early_enough", early.why);
        continue;
      }
      if (pool) pool.eligible++;
      candidates.push({ ...candidate, early: early.why });
    }
  }
  // Whole editions go before volumes, so that a volume of the same work finds its place taken.
  const isVolume = ({ entry }: Candidate) => Number(volumeOf(entry.title) !== "");
  candidates.sort((a, b) => isVolume(a) - isVolume(b) || a.rank - b.rank || a.entry.id - b.entry.id);
  for (const rule of rules.categories) {
    fill(rule, candidates.filter((candidate) => candidate.rule === rule), reading, rules, works, selection);
  }
  return selection;
}

function fill(
  rule: CategoryRule,
  candidates: readonly Candidate[],
  reading: readonly Book[],
  rules: RuleSet,
  works: Editions,
  selection: Selection,
): void {
  let have = reading.filter((book) => book.category === rule.category).length;
  const byAuthor = new Map<string, number>();
  for (const { entry, reasons, early } of candidates) {
    const pass = (reason: PassedOver["reason"], detail: string) =>
      selection.passedOver.push({ id: entry.id, title: entry.title, category: rule.category, reason, detail });
    const author = authorKey(entry);
    const known = works.editionOf(entry);
    if (known !== undefined) pass("other_edition", `book ${known} is the same work`);
    else if (have >= rule.target) pass("target_reached", `${rule.target} books are enough`);
    else if ((byAuthor.get(author) ?? 0) >= rules.max_per_author) {
      pass("author_has_enough", `${rules.max_per_author} of ${author}`);
    } else {
      works.take(entry);
      byAuthor.set(author, (byAuthor.get(author) ?? 0) + 1);
      have++;
      selection.choices.push({ book: toBook(entry, rule.category, rules), why: [...reasons, early].join("; ") });
    }
  }
}

/** The first category that takes the book, with all that speaks for it. */
function classify(entry: CatalogueEntry, rules: RuleSet): Omit<Candidate, "early"> | undefined {
  for (const rule of rules.categories) {
    if (entry.subjects.some((subject) => rule.without.some((pattern) => pattern.test(subject)))) continue;
    const inClass = entry.classes.find((name) => rule.classes.some((prefix) => name.startsWith(prefix)));
    if (rule.classes.length > 0 && inClass === undefined) continue;
    const authors = authorsOf(entry).filter(({ name }) => rule.authors.some((pattern) => pattern.test(name)));
    const subjects = entry.subjects.filter((subject) => rule.subjects.some((pattern) => pattern.test(subject)));
    const reasons = [
      ...authors.map(({ name }) => `author ${name}`),
      ...subjects.map((subject) => `subject "${subject}"`),
      ...(rule.titles.some((pattern) => pattern.test(entry.title)) ? ["title"] : []),
    ];
    if (reasons.length === 0) continue;
    const preferred = authorsOf(entry).some(({ name }) => rule.prefer.some((pattern) => pattern.test(name)));
    return {
      entry,
      rule,
      reasons: inClass === undefined ? reasons : [...reasons, `class ${inClass}`],
      rank: preferred ? 0 : authors.length > 0 ? 1 : 2,
    };
  }
  return undefined;
}

function exclusion(entry: CatalogueEntry, { exclude }: RuleSet): string | undefined {
  const byId = exclude.ids.find(({ id }) => id === entry.id);
  if (byId) return byId.why;
  const title = exclude.titles.find((pattern) => pattern.test(entry.title));
  if (title) return `title fits ${title.source}`;
  const subject = entry.subjects.find((heading) => exclude.subjects.some((pattern) => pattern.test(heading)));
  return subject === undefined ? undefined : `subject "${subject}"`;
}

/**
 * Whether the book was published before a year. The catalogue knows no year of publication, so: the rules' own table, else
 * every author must have died before it, or have been born so long before that they had done their work; and nobody else who
 * worked on the text (a translator, an editor) may be of a later generation.
 */
function earliness(entry: CatalogueEntry, rules: RuleSet, before: number): { yes: boolean; why: string } {
  const known = rules.years[String(entry.id)];
  if (known !== undefined) return { yes: known < before, why: `published ${known}` };
  const authors = authorsOf(entry);
  if (authors.length === 0) return { yes: false, why: "no author is named" };
  for (const person of entry.people) {
    const { name, born, died, role } = person;
    if (died !== undefined && died < before) continue;
    const old = born !== undefined && born <= before - rules.assumed_lifespan;
    if (old) continue;
    if (!authors.includes(person) && born === undefined) continue;
    return { yes: false, why: `${role ?? "author"} ${name}: ${life(person)}` };
  }
  const [first] = authors;
  return { yes: true, why: first ? `${first.name}: ${life(first)}` : "" };
}

function life({ born, died }: Person): string {
  if (born === undefined && died === undefined) return "dates unknown";
  return died === undefined ? `born ${born}` : born === undefined ? `died ${died}` : `${born}–${died}`;
}

/** Those without a role; where all have one (an anthology), its editors. */
function authorsOf(entry: CatalogueEntry): Person[] {
  const authors = entry.people.filter(({ role }) => role === undefined);
  return authors.length > 0 ? authors : entry.people.filter(({ role }) => role === "Editor" || role === "Compiler");
}

function toBook(entry: CatalogueEntry, category: Category, rules: RuleSet): Book {
  const year = rules.years[String(entry.id)];
  const translators = entry.people.filter(({ role }) => role === "Translator").map(({ name }) => spokenName(name));
  return {
    id: entry.id,
    title: entry.title || `Book ${entry.id}`,
    author: authorsOf(entry).map(({ name }) => spokenName(name)).join(" and ") || "Unknown",
    category,
    ...(year === undefined ? {} : { year }),
    ...(translators.length === 0 ? {} : { translator: translators.join(" and ") }),
  };
}
