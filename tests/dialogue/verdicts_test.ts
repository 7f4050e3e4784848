import { deepEqual, equal, throws } from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "@/core/errors.ts";
import { openVerdicts, readVerdicts, verdictsPath } from "@/dialogue/verdicts.ts";
import { withFolder } from "../fakes/folder.ts";

Deno.test("openVerdicts keeps verdicts and takes them back, one file and no other", () =>
  withFolder((folder) => {
    const path = verdictsPath(join(folder, "theme_dataset.jsonl"));
    {
      using book = openVerdicts(path);
      equal(book.set("a", "accept", "chunk_1/primary"), undefined);
      equal(book.set("a", "reject", "chunk_1/primary"), "accept");
      book.set("b", "accept", "chunk_2/primary");
      equal(book.set("b", undefined, "chunk_2/primary"), "accept");
    }
    deepEqual([...readVerdicts(path)], [["a", "reject"]]);
    deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["theme_dataset_verdicts.sqlite"]);
  }));

Deno.test("openVerdicts sees what another process writes", () =>
  withFolder((folder) => {
    const path = join(folder, "verdicts.sqlite");
    using one = openVerdicts(path);
    using other = openVerdicts(path);
    equal(one.all().size, 0);
    other.set("a", "reject", "");
    equal(one.all().get("a"), "reject");
    one.set("a", undefined, "");
    equal(other.all().size, 0);
  }));

Deno.test("readVerdicts finds none where there is no file, and makes none", () =>
  withFolder((folder) => {
    equal(readVerdicts(join(folder, "verdicts.sqlite")).size, 0);
    deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("readVerdicts refuses what is no book of verdicts", () =>
  withFolder((folder) => {
    const path = join(folder, "verdicts.sqlite");
    Deno.writeTextFileSync(path, "verdicts, by hand\n".repeat(100));
    throws(() => readVerdicts(path), (error) => error instanceof UserError && /holds no verdicts/.test(error.message));
  }));
