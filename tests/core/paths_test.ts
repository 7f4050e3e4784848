import { equal } from "node:assert/strict";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { shortPaths } from "@/core/paths.ts";

Deno.test("shortPaths shortens what lies below the working directory, and nothing else", () => {
  const here = join(Deno.cwd(), "data", "a b.jsonl");
  const short = `data${sep}a b.jsonl`;
  equal(shortPaths(here), short);
  equal(shortPaths(`"${here}" becomes ${here} (${here})`), `"${short}" becomes ${short} (${short})`);
  const elsewhere = `${join(Deno.cwd(), "..", "data")} ${Deno.cwd()}2${sep}x ${pathToFileURL(here).href} ${Deno.cwd()}`;
  equal(shortPaths(elsewhere), elsewhere);
  equal(shortPaths(`--out=${here}`), `--out=${here}`);
});
