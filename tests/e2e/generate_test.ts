/** Generation as a process of its own, against a fake LM Studio: killed, refused a second time, stopped by Ctrl-C. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { seededRandom } from "@/dialogue/random.ts";
import { withFolder } from "../fakes/folder.ts";
import { answerDistinctly, type Behaviour, fakeLmStudio, type SeenRequest } from "../fakes/lmstudio.ts";

const KILLS = 25, AT_A_TIME = 4, PASSAGES = 150;
const FILES = [".jsonl", "_sources.jsonl", "_rejects.jsonl", "_card.md", "_train.jsonl", "_val.jsonl"];

async function passages(folder: string): Promise<string> {
  const path = join(folder, "passages.jsonl");
  const things = "harvest bridge furnace library orchard signal canal lamp archive workshop ferry kitchen".split(" ");
  const rows = Array.from({ length: PASSAGES }, (_, n) => ({
    id: `${n % 7}-${n}`,
    text: `The workers of district ${n} built the ${things[n % 12]} in common, and science read the plan for the ` +
      `${things[(n + 5) % 12]} to the people, who kept nothing for themselves.`,
    source_id: n % 7,
    source_title: `Annals, part ${n % 7}`,
    keyword_counts: { collectivism: 2, science: 1, total: 3 },
  }));
  await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  return path;
}

function generating(input: string, output: string, url: string, ...more: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", join(WORKSPACE, "tasks", "step.ts"), "generate"],
      ...["--input", input, "--output", output, "--lmstudio-url", url],
      ...["--concurrency", String(AT_A_TIME), ...more],
    ],
    cwd: WORKSPACE,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** Ids of the examples that a run has, in order, and a digest of each file. */
async function made(output: string): Promise<{ ids: string[]; digests: string[] }> {
  const texts = await Promise.all(FILES.map((ending) => Deno.readTextFile(output.replace(".jsonl", ending))));
  const ids = texts[1]?.trimEnd().split("\n").map((line) => String(JSON.parse(line).id)) ?? [];
  return { ids, digests: texts.map((text, at) => `${FILES[at]} ${createHash("sha256").update(text).digest("hex")}`) };
}

const distinct = (requests: readonly SeenRequest[]) => new Set(requests.map(({ body }) => JSON.stringify(body))).size;

/** Waits for what a process does; says so when it ends before. */
async function until(condition: () => boolean, process: Promise<{ code: number; err: string }>): Promise<void> {
  let end: { code: number; err: string } | undefined;
  process.then((result) => end = result);
  while (!condition()) {
    if (end) throw new Error(`ended too early, with code ${end.code}: ${end.err}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Some answers are bad, so that corrections and fresh tries are cut in two as well. */
function behave(request: SeenRequest): Behaviour {
  const digit = createHash("sha256").update(JSON.stringify(request.body)).digest("hex")[0];
  if (digit === "0") return { kind: "answer", content: "I would rather talk." };
  if (digit === "1") return { kind: "answer", content: '{"user": "Why', finish: "length" };
  return { ...answerDistinctly(request), firstTokenMs: 4 } as Behaviour;
}

Deno.test(`generate killed ${KILLS} times loses nothing, repeats only what was under way, and ends in the same bytes`, () =>
  withFolder(async (folder) => {
    const input = await passages(folder);
    const undisturbed = join(folder, "one", "set.jsonl"), disturbed = join(folder, "many", "set.jsonl");
    await using calm = fakeLmStudio({ behave });
    const first = await ended(generating(input, undisturbed, calm.url));
    equal(first.code, 0, first.err);
    equal(distinct(calm.requests), calm.requests.length);

    // However late this process comes to kill, the other gets no further than a few answers beyond its last one.
    let allowed = Infinity;
    await using fake = fakeLmStudio({
      behave: (request) => request.index < allowed ? behave(request) : { kind: "hang", after: "{" },
    });
    const repeated = () => fake.requests.length - distinct(fake.requests);
    const random = seededRandom("kill -9");
    for (let kill = 0; kill < KILLS; kill++) {
      const before = fake.requests.length;
      // From before the first request to after the tenth, and then a moment more.
      const target = before + Math.floor(random() * 11);
      const moment = random() * 12;
      allowed = target + AT_A_TIME;
      const child = generating(input, disturbed, fake.url, "--resume");
      const end = ended(child);
      if (target === before) await new Promise((resolve) => setTimeout(resolve, 40 * moment));
      await until(() => fake.requests.length >= target, end);
      await new Promise((resolve) => setTimeout(resolve, moment));
      child.kill("SIGKILL");
      await end;
      ok(repeated() <= AT_A_TIME * kill, `${repeated()} requests repeated after ${kill} kills`);
    }
    allowed = Infinity;
    const last = await ended(generating(input, disturbed, fake.url, "--resume"));
    equal(last.code, 0, last.err);
    ok(repeated() <= AT_A_TIME * KILLS, `${repeated()} requests repeated after ${KILLS} kills`);
    equal(distinct(fake.requests), calm.requests.length);

    const [expected, got] = [await made(undisturbed), await made(disturbed)];
    ok(expected.ids.length > PASSAGES);
    deepEqual(got.ids, expected.ids);
    equal(new Set(got.ids).size, got.ids.length);
    deepEqual(got.digests, expected.digests);

    const asked = fake.requests.length;
    const again = await ended(generating(input, disturbed, fake.url, "--resume"));
    equal(again.code, 0, again.err);
    equal(fake.requests.length, asked, "a finished run asks for nothing");
  }));

Deno.test("generate refuses a second process on the same output, and ends well on Ctrl-C", () =>
  withFolder(async (folder) => {
    const input = await passages(folder);
    const output = join(folder, "out", "set.jsonl");
    await using fake = fakeLmStudio({
      behave: (request) => request.index < 20 ? answerDistinctly(request) : { kind: "hang", after: "Wait" },
    });
    const running = generating(input, output, fake.url);
    const end = ended(running);
    await until(() => fake.requests.length >= 22, end);
    const second = await ended(generating(input, output, fake.url, "--resume"));
    equal(second.code, 1, second.err);
    match(second.err, /another run is writing to the same output/);
    running.kill("SIGINT");
    const { code, err } = await end;
    equal(code, 130, err);
    match(err, /stopped after 20 requests; 20 answers are kept, --resume goes on from there/);
    equal(/\n\s+at .*:\d+:\d+/.test(err), false, err);
    equal(await Deno.stat(output).then(() => true, () => false), false);
  }));
