import { equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { runs } from "@/steps/runs.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { record, state, writeRun } from "../training/recorded_run.ts";

function events(lowest: number): string {
  return Array.from({ length: 20 }, (_, i) => {
    const value = lowest + 2 / (i + 1);
    return [["loss", value], ["eval_loss", value + 0.1], ["tokens_per_second", 400]].map(([name, value]) =>
      JSON.stringify({ type: "metric", name, value, step: i + 1 })
    ).join("\n");
  }).join("\n");
}

async function twoRuns(folder: string) {
  const at = (name: string) => join(folder, "output", name);
  await writeRun(at("theme-one"), { record: record(), state: state(), events: events(2) });
  const later = state({ started: "2026-02-01T00:00:00.000Z", ended: "2026-02-01T00:30:00.000Z" });
  await writeRun(at("theme-two"), { record: record({}, { loraR: 8 }), state: later, events: events(1) });
}

async function run(folder: string, options: Parameters<typeof runs.options.parse>[0]) {
  const context = fakeContext();
  const result = await runs.run(runs.options.parse({ dataDir: folder, ...Object(options) }), context);
  return { result, context, text: runs.report?.(result) ?? "" };
}

Deno.test("runs lists all trainings with recipe, data, steps, losses and time", () =>
  withFolder(async (folder) => {
    match((await run(folder, {})).text, /^There are no trainings in/);
    await twoRuns(folder);
    const { text } = await run(folder, {});
    const [head, first] = text.split("\n");
    match(head ?? "", /^Run +State +Recipe +Base +Data +Rows +Steps +Loss +Best eval +Time$/);
    match(first ?? "", /^theme-two +complete +temporal +tiny +aaaaaaaa +86 +30\/30 +1.100 +1.200 @20 +30 min 00 s$/);
  }));

Deno.test("runs tells why a training failed and how a crashed one goes on", () =>
  withFolder(async (folder) => {
    const failed = state({ state: "failed", message: "the memory did not suffice" });
    await writeRun(join(folder, "output", "a"), { record: record(), state: failed });
    const { ended: _, ...open } = state({ state: "running" });
    await writeRun(join(folder, "output", "b"), { record: record(), state: open });
    const { text } = await run(folder, {});
    match(text, /a: the memory did not suffice/);
    match(text, /Go on with what crashed: deno task train --resume-latest --output-dir ".*b"/);
  }));

Deno.test("runs --compare draws the curves, shows them in the terminal and lists what differs", () =>
  withFolder(async (folder) => {
    await twoRuns(folder);
    const { text, result, context } = await run(folder, { compare: ["latest", "one"] });
    match(text, /theme-two +30 +1.1000 +█[▁-█]+ /);
    match(text, /lora-r +8 +32/);
    const picture = result.compared?.picture ?? "";
    const svg = await Deno.readTextFile(picture);
    match(svg, /^<svg/);
    ok(svg.includes("theme-one") && svg.includes("evaluation loss") && !svg.includes("NaN"));
    ok(context.events.some((event) => event.type === "artifact" && event.path === picture));
    await rejects(run(folder, { compare: ["latest", "one"] }), /exists already/);
    await run(folder, { compare: ["latest", "one"], overwrite: true });
    await rejects(run(folder, { compare: ["one"] }), /name two or more/);
    await rejects(run(folder, { output: "x.svg" }), /without --compare/);
  }));

Deno.test("runs compares with another trainer's folder, and refuses one without figures", () =>
  withFolder(async (folder) => {
    await twoRuns(folder);
    const theirs = join(folder, "theirs");
    await Deno.mkdir(theirs);
    const entry = (step: number) => ({ step, loss: 3 - step / 10, learning_rate: 1e-4 });
    await Deno.writeTextFile(
      join(theirs, "trainer_state.json"),
      JSON.stringify({ global_step: 10, log_history: Array.from({ length: 10 }, (_, i) => entry(i + 1)) }),
    );
    const { text } = await run(folder, { compare: ["one", theirs] });
    match(text, /theirs +10 +2.0000/);
    equal(text.includes("The recipes"), false, "what is known of one differs from nothing known of the other");
    await writeRun(join(folder, "output", "empty"), { record: record(), state: state() });
    await rejects(run(folder, { compare: ["one", "empty"], overwrite: true }), /no figures were kept/);
  }));
