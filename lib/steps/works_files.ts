/** The files of works: `retrieve` writes them, `chunk` reads them. */
import { dirname, join } from "node:path";

/** Whether the extended corpus is asked for, too. */
export function wantsExtended(options: { readonly extended: boolean; readonly priorityOnly: boolean }): boolean {
  return options.extended || !options.priorityOnly;
}

/** Where the extended corpus lies: beside the works of the reading list. */
export function extendedWorks(priority: string): string {
  return join(dirname(priority), "extended_works.jsonl");
}
