import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { otherPassages } from "@/steps/browse_sources.ts";
import { generate } from "@/steps/generate.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

Deno.test("otherPassages finds what a run made its examples of, where that was no corpus", () =>
  withFolder(async (folder) => {
    const speeches = join(folder, "speeches");
    await Deno.mkdir(speeches);
    for await (const { name } of Deno.readDir(join(WORKSPACE, "data-samples", "sources", "speech"))) {
      await Deno.copyFile(join(WORKSPACE, "data-samples", "sources", "speech", name), join(speeches, name));
    }
    const output = join(folder, "set.jsonl"), ledger = join(folder, "set_ledger.sqlite");
    const context = fakeContext();
    deepEqual(await otherPassages(ledger, context), new Map());
    const asked = { sourceKind: "gap", sources: [`speech=${speeches}`], maxExamples: 30, output, engine: "rehearsal" };
    await generate.run(generate.options.parse({ ...asked, order: "file" }), context);
    const found = await otherPassages(ledger, context);
    const rows = (await Deno.readTextFile(join(folder, "set_sources.jsonl"))).trimEnd().split("\n");
    const ids = rows.map((row) => String(JSON.parse(row).chunk_id));
    ok(ids.some((id) => id.startsWith("gap-")) && ids.some((id) => id.startsWith("speech-")));
    for (const id of ids) ok(found.get(id)?.text, id);

    await Deno.remove(speeches, { recursive: true });
    context.events.length = 0;
    const left = await otherPassages(ledger, context);
    ok([...left.keys()].every((id) => id.startsWith("gap-")) && left.size > 0);
    equal(context.events.length, 1);
    match(JSON.stringify(context.events), /some passages are not shown.*speeches/);
  }));
