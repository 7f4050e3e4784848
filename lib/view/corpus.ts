/** Pictures and tables of a corpus: what phase 1 brought. */
import { CATEGORIES, type Reject, type Work } from "../records.ts";
import { type Card, type Cards, cards } from "./cards.ts";
import { bars, type Chart, dots, stackedBars } from "./charts.ts";
import { type Table, table } from "./tables.ts";
import { recent } from "./years.ts";

/** The works as a table, oldest first. */
export function worksTable(works: readonly Work[]): Table {
  const rows = [...works].sort((a, b) => (a.year ?? 0) - (b.year ?? 0)).map((work) => ({
    id: work.id,
    title: work.title,
    author: work.author,
    year: work.year,
    category: work.category?.replaceAll("_", " "),
    chapters: work.chapters.length,
    words: work.words,
  }));
  return table(rows, { limit: 100 });
}

/** Words per category, in the order of the shelves. */
export function wordsByCategory(works: readonly Work[]): Chart {
  const rows = CATEGORIES.map((category) => {
    const shelf = works.filter((work) => work.category === category);
    return { category, words: shelf.reduce((sum, { words }) => sum + words, 0), works: shelf.length };
  });
  const total = works.reduce((sum, { words }) => sum + words, 0);
  return bars(rows, {
    label: "category",
    value: "words",
    color: "category",
    domain: CATEGORIES,
    format: ",.0f",
    title: "Words on each shelf",
    subtitle: `${works.length} works, ${total.toLocaleString("en-US")} words`,
  });
}

/** Works by year of first publication, sized by their words. */
export function worksByYear(works: readonly Work[]): Chart {
  const { shown, note } = recent(works);
  const rows = shown.map(({ title, year, words, category }) => ({
    title,
    year,
    words,
    category: category ?? "no category",
  }));
  return dots(rows, {
    x: "year",
    group: "category",
    groups: CATEGORIES,
    label: "title",
    size: "words",
    title: "When they were first published",
    ...(note ? { subtitle: note } : {}),
  });
}

/** Kinds shown by name in a picture; more colours could not be told apart. */
const KINDS = 6;

/** What cleaning took away, by kind and work; rare kinds are put together. */
export function removedByWork(works: readonly Work[]): Chart {
  const totals = new Map<string, number>();
  for (const { removed } of works) {
    for (const [kind, pieces] of Object.entries(removed)) totals.set(kind, (totals.get(kind) ?? 0) + pieces);
  }
  const common = [...totals].sort((a, b) => b[1] - a[1]).slice(0, KINDS).map(([kind]) => kind);
  const rows = works.flatMap(({ title, removed }) => {
    const other = Object.entries(removed).reduce((sum, [kind, n]) => sum + (common.includes(kind) ? 0 : n), 0);
    return [...common.map((kind) => ({ work: title, kind, pieces: removed[kind] ?? 0 })), {
      work: title,
      kind: "other",
      pieces: other,
    }];
  });
  return stackedBars(rows, {
    label: "work",
    part: "kind",
    parts: [...common, "other"],
    value: "pieces",
    title: "What cleaning took away",
    subtitle: "pieces of each kind: lines, marks, notes",
  });
}

/** All kinds of what was taken away, and in how many works. */
export function removedTable(works: readonly Work[]): Table {
  const kinds = [...new Set(works.flatMap(({ removed }) => Object.keys(removed)))];
  const rows = kinds.map((kind) => {
    const counts = works.map(({ removed }) => removed[kind] ?? 0).filter((pieces) => pieces > 0);
    return { kind: kind.replaceAll("_", " "), pieces: counts.reduce((sum, n) => sum + n, 0), works: counts.length };
  });
  return table(rows.sort((a, b) => b.pieces - a.pieces));
}

/** What was left out, and why. */
export function rejectsTable(rejects: readonly Reject[]): Table {
  const rows = rejects.map(({ id, reason, detail, row }) => ({
    id,
    title: Object(row).title,
    reason: reason.replaceAll("_", " "),
    detail,
  }));
  return table(rows, { columns: ["id", "title", "reason", "detail"], limit: 20 });
}

/** The first words of some works, side by side: the quickest look at whether cleaning went well. */
export function openings(works: readonly Work[], length = 420): Cards {
  return cards(works.map(({ title, author, text, chapters }): Card => ({
    title,
    note: `${author}${chapters[0] ? ` · ${chapters[0].title}` : ""}`,
    text: `${text.slice(0, length).trimEnd()}…`,
  })));
}
