/** Which books of the catalogue are editions of one work. Pure. */
import type { Book } from "./books.ts";
import type { CatalogueEntry } from "./catalogue.ts";

/** The works that are in already. */
export interface Editions {
  /** The number of the edition of this work that is in, if there is one. */
  editionOf(entry: CatalogueEntry): number | undefined;
  take(entry: CatalogueEntry): void;
  /** A book of a reading list, whose catalogue entry may be missing. */
  takeListed(book: Book): void;
}

/**
 * A register of works. Two books are one work when a set of `sameWork` names both, or when author and main title are the
 * same; a volume gives way to the whole, but not to another volume.
 */
export function openEditions(sameWork: readonly (readonly number[])[]): Editions {
  const sets = new Map(sameWork.flatMap((ids, index) => ids.map((id) => [id, index] as const)));
  const taken = new Map<string, number>();
  const take = (keys: readonly string[], id: number) => {
    for (const key of keys) if (!taken.has(key)) taken.set(key, id);
  };
  const setKey = (id: number) => sets.has(id) ? `set ${sets.get(id)}` : `book ${id}`;
  const workKey = (author: string, title: string) => `${author} | ${workTitle(title)}`;
  return {
    editionOf(entry) {
      const work = workKey(authorKey(entry), entry.title);
      return [setKey(entry.id), work, work + volumeOf(entry.title)]
        .map((key) => taken.get(key))
        .find((id) => id !== undefined && id !== entry.id);
    },
    take(entry) {
      take([setKey(entry.id), workKey(authorKey(entry), entry.title) + volumeOf(entry.title)], entry.id);
    },
    takeListed(book) {
      const surname = plain(book.author.split(/ and |, /)[0]?.split(" ").at(-1) ?? "");
      take([setKey(book.id), workKey(surname, book.title) + volumeOf(book.title)], book.id);
    },
  };
}

/** The surname of the first author, plainly written. */
export function authorKey(entry: CatalogueEntry): string {
  const first = entry.people.find(({ role }) => role === undefined) ?? entry.people[0];
  return plain(first?.name.split(",")[0] ?? "");
}

const VOLUME = /[\s,;:.(—–-]*\b(?:volumes?|vols?|parts?|tome|books?)\b\.?\s*(\d+|[ivxlc]+)\b.*$/i;

/**
 * ` #2` for a second volume, the empty string for a whole work.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { volumeOf, workTitle } from "@/corpus/editions.ts";
 *
 * equal(volumeOf("Democracy in America — Volume 2"), " #2");
 * equal(workTitle("Democracy in America — Volume 2"), "democracy in america");
 * equal(workTitle("The Possessed: or, The Devils"), "possessed");
 * ```
 */
export function volumeOf(title: string): string {
  const number = VOLUME.exec(title)?.[1];
  return number === undefined ? "" : ` #${number.toLowerCase()}`;
}

/** The main title, plainly written: without subtitle, volume, article, accents and punctuation. */
export function workTitle(title: string): string {
  const main = title.replace(VOLUME, "").split(/[:;(\[]|,? or,/i)[0] ?? title;
  const words = plain(main).replace(/^(?:the|an?) /, "");
  return words || plain(title);
}

function plain(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/&/g, " and ")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
