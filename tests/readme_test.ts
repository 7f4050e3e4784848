import { equal } from "node:assert/strict";
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { renderReadme } from "../tasks/readme.ts";

Deno.test("README.md shows the option tables that the steps have now", async () => {
  const readme = await Deno.readTextFile(join(WORKSPACE, "README.md"));
  equal(await renderReadme(readme), readme, "run: deno task readme");
});
