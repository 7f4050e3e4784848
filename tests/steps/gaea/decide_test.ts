import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { decide } from "@/steps/gaea/decide.ts";
import { fakeContext } from "../../fakes/context.ts";
import { withFolder } from "../../fakes/folder.ts";

type Status = "met" | "not met" | "not shown";

/** Files as the steps before leave them. */
async function writeFigures(root: string, status: Status, claim: "shown" | "not met" | "not shown" | undefined) {
  const folder = join(root, "gaea", "benchmarks");
  const run = join(root, "gaea", "checkpoints", "qlora-visions-style");
  await Promise.all([folder, run].map((path) => Deno.mkdir(path, { recursive: true })));
  const ids = ["transfer", "vocabulary", "structure", "markers", "pov"] as const;
  await Deno.writeTextFile(
    join(folder, "comparison.json"),
    JSON.stringify({
      version: 1,
      time: "2026-01-01T00:00:00.000Z",
      background: "twelve texts",
      notes: [],
      gates: [{ id: "memorisation", title: "Memorisation", definition: "", status: "passed", why: "" }],
      targets: ids.map((id) => ({
        id,
        title: `Title of ${id}`,
        goal: 0.6,
        definition: "",
        status: id === "transfer" ? status : "met",
        why: id === "transfer" && status !== "met" ? "its bound is <b>58 %</b>" : "",
        estimate: 0.7,
        lower: null,
        upper: null,
        base: null,
        author: null,
        naive: { value: null, definition: "", differs: "" },
      })),
    }),
  );
  if (claim) {
    const rate = { estimate: 0.7, low: 0.6, high: 0.8, lower: 0.62, upper: 0.78, n: 100 };
    const fidelity = { wins: 70, losses: 30, ties: 0, neither: 0, winRate: rate, method: "wilson", claim };
    await Deno.writeTextFile(join(folder, "blind.json"), JSON.stringify({ tally: { questions: { fidelity } } }));
  }
  const events = [[1, 2.5], [2, 2.2], [3, 2.0], [4, 2.4]].flatMap(([step, value]) =>
    ["loss", "eval_loss"].map((name) => JSON.stringify({ type: "metric", name, step, value }))
  );
  await Deno.writeTextFile(join(run, "events.jsonl"), events.join("\n") + "\n");
  await Deno.writeTextFile(
    join(run, "recipe.json"),
    JSON.stringify({ recipe: { epochs: 3, loraR: 16, loraAlpha: 32 } }),
  );
}

const decideIn = (dataDir: string, more: Record<string, unknown> = {}) =>
  decide.run(decide.options.parse({ dataDir, ...more }), fakeContext());

Deno.test("gaea:decide deploys what is shown, and writes how the model is put to use", () =>
  withFolder(async (folder) => {
    await writeFigures(folder, "met", "shown");
    const result = await decideIn(folder);
    equal(result.decision, "deploy");
    match(result.deploy?.vllm ?? "", /^vllm serve .*llama-3\.1-8b-visions-style.* --port 8000/);
    match(await Deno.readTextFile(join(folder, "gaea", "DECISION_continue.yaml")), /provider: vllm/);
    match(await Deno.readTextFile(join(folder, "gaea", "DECISION.md")), /^# Deploy/);
    await rejects(decideIn(folder), /it exists already/);
  }));

Deno.test("gaea:decide asks for another training by the losses of the last, and takes the old entry away", () =>
  withFolder(async (folder) => {
    await writeFigures(folder, "met", "shown");
    await decideIn(folder);
    await writeFigures(folder, "not met", "shown");
    const result = await decideIn(folder, { overwrite: true });
    equal(result.decision, "retrain");
    equal(result.deploy, undefined);
    // The validation loss rose again: no more epochs.
    deepEqual(result.remedies.flatMap(({ flags }) => flags ?? []), ["--lora-r 32", "--epochs 2"]);
    await rejects(Deno.stat(join(folder, "gaea", "DECISION_continue.yaml")));
    const page = await Deno.readTextFile(join(folder, "gaea", "DECISION.html"));
    ok(page.includes("&lt;b&gt;58 %") && !page.includes("<b>58"), "what was found is shown as text");
    ok((await Deno.readTextFile(join(folder, "gaea", "DECISION.md"))).includes("&lt;b&gt;58 %"));
  }));

Deno.test("gaea:decide does not deploy without a blind trial, unless that is said to be no matter", () =>
  withFolder(async (folder) => {
    await writeFigures(folder, "met", undefined);
    equal((await decideIn(folder)).decision, "measure");
    equal((await decideIn(folder, { needBlind: false, overwrite: true })).decision, "deploy");
  }));

Deno.test("gaea:decide says which file is missing or is something else", () =>
  withFolder(async (folder) => {
    await rejects(decideIn(folder), /comparison\.json.*no such file/s);
    await writeFigures(folder, "met", undefined);
    await Deno.writeTextFile(join(folder, "gaea", "benchmarks", "blind.json"), "{}");
    await rejects(decideIn(folder), /it is no outcome of a blind trial/);
  }));

Deno.test("a blind trial that was held on other texts than were compared shows nothing", () =>
  withFolder(async (folder) => {
    await writeFigures(folder, "met", "shown");
    const path = (name: string) => join(folder, "gaea", "benchmarks", name);
    const add = async (name: string, sources: unknown) =>
      await Deno.writeTextFile(
        path(name),
        JSON.stringify({ ...JSON.parse(await Deno.readTextFile(path(name))), sources }),
      );
    const source = (sha256: string) => ({ path: "voice.jsonl", sha256 });
    await add("comparison.json", { base: source("a"), tuned: source("b") });
    await add("blind.json", { base: "a", tuned: "b" });
    equal((await decideIn(folder)).decision, "deploy");
    await add("blind.json", { base: "a", tuned: "c" });
    const { decision, targets } = await decideIn(folder, { overwrite: true });
    equal(decision, "measure");
    match(targets.find(({ id }) => id === "blind")?.why ?? "", /other texts than were compared/);
  }));
