/**
 * A whole generation whose answers come at once: plan, prompts, ledger, gates, dataset. What is left is what Voiceworks
 * itself takes of an hour of generating. In a process of its own, for its memory.
 * By itself: `deno run -A tasks/bench/generate_bench.ts [examples]`.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { systemClock } from "@/core/clock.ts";
import { WORKSPACE } from "@/core/paths.ts";
import { gateFiles, loadGates } from "@/dialogue/gates_load.ts";
import { openLedger } from "@/dialogue/ledger.ts";
import { seededRandom } from "@/dialogue/random.ts";
import type { ChatEngine, ChatReply, ChatRequest } from "@/llm/chat.ts";
import { generateOptions, generatePaths } from "@/steps/generate_options.ts";
import { openPlan } from "@/steps/generate_plan.ts";
import { makeDataset } from "@/steps/generate_rounds.ts";
import { cpuSeconds, peakMegabytes } from "./peak.ts";
import type { BenchRow } from "./row.ts";

const EXAMPLES = 100_000;
const EACH = 2;
/** Answers that the peer stores. */
const PEER_ROWS = 2000;
const Figures = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  collectSeconds: z.number(),
  accepted: z.number(),
  requested: z.number(),
  rejects: z.record(z.string(), z.number()),
  peakMb: z.number(),
});

export async function generateBench(examples = EXAMPLES): Promise<BenchRow[]> {
  const folder = await Deno.makeTempDir({ prefix: "generate_bench_" });
  try {
    await writePassages(join(folder, "passages.jsonl"), Math.ceil(examples / EACH));
    const self = fileURLToPath(import.meta.url);
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...await engineFlags(), self, "--measure", folder],
      cwd: WORKSPACE,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const { seconds, cpuSeconds, collectSeconds, accepted, requested, rejects, peakMb } = Figures.parse(
      JSON.parse(new TextDecoder().decode(stdout)),
    );
    const peer = await oneByOne(join(folder, "peer.sqlite"));
    const rate = requested / seconds;
    const commonest = Object.entries(rejects).slice(0, 2).map(([reason, count]) => `${reason} ${count}`).join(", ");
    return [
      {
        name: `generating, ${requested} instant answers, through ledger and all gates`,
        ours: `${rate.toFixed(0)} examples/s, ${(requested / cpuSeconds).toFixed(0)} a second of CPU time; ` +
          `${accepted} accepted${commonest ? ` (${commonest})` : ""}`,
        peer: "target: 2,000 examples/s",
        ratio: rate / 2000,
        target: "≥ 1×",
      },
      {
        name: "asking alone: plan, prompts, ledger",
        ours: `${(requested / collectSeconds).toFixed(0)} examples/s, answers of a moment committed together`,
        peer: `a commit for each answer (node:sqlite, WAL, synchronous = FULL), nothing else: ${peer.toFixed(0)}/s`,
        ratio: requested / collectSeconds / peer,
      },
      {
        name: "memory of it, at most",
        ours: `${peakMb.toFixed(0)} MB`,
        peer: "target: 300 MB",
        ratio: 300 / peakMb,
        target: "≥ 1×",
      },
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The flags of the task generate that concern memory. */
async function engineFlags(): Promise<string[]> {
  const tasks = await Deno.readTextFile(join(WORKSPACE, "deno.json"));
  return /"generate":[^]*?(--v8-flags=\S+)/.exec(tasks)?.slice(1) ?? [];
}

/** Words of the sample books, in running order. */
async function sampleWords(): Promise<string[]> {
  const words: string[] = [];
  for (let book = 99001; book <= 99010; book++) {
    const path = join(WORKSPACE, "data-samples", "mirror", "cache", "epub", `${book}`, `pg${book}.txt`);
    words.push(...(await Deno.readTextFile(path).catch(() => "")).match(/\p{L}+(?:['’]\p{L}+)?/gu) ?? []);
  }
  return words;
}

const THEMES = ["collectivism", "science", "strategy", "exploration"];

/** Passages of about 1,200 characters, each from another place of the books. */
async function writePassages(path: string, count: number): Promise<void> {
  const words = await sampleWords();
  const random = seededRandom("passages");
  using file = await Deno.open(path, { write: true, create: true });
  const encoder = new TextEncoder();
  for (let n = 0; n < count; n++) {
    const at = Math.floor(random() * (words.length - 220));
    const theme = THEMES[n % THEMES.length] ?? "";
    const row = {
      id: `${100 + n % 400}-${String(n).padStart(6, "0")}`,
      text: `${words.slice(at, at + 210).join(" ")} (${n}).`,
      source_id: 100 + n % 400,
      source_title: `Book ${n % 400}`,
      author: "Anonymous",
      year: 1900,
      keyword_counts: { [theme]: 4, total: 4 },
    };
    for (let rest = encoder.encode(JSON.stringify(row) + "\n"); rest.length > 0;) {
      rest = rest.subarray(await file.write(rest));
    }
  }
}

/** Answers at once, with prose that no other request gets: runs of the books at random, and such as its theme has. */
function instantEngine(words: readonly string[]): ChatEngine {
  const themed = ["comrades", "collective", "science", "reason", "strategy", "plan", "explore", "voyage"];
  const random = seededRandom("instant");
  const runs = Array.from(
    { length: 20_011 },
    () => Array.from({ length: 7 }, () => words[Math.floor(random() * words.length)]).join(" "),
  );
  // On a machine of its own a server would take nothing of ours: plain loops, and JSON that needs no escaping.
  const write = (request: ChatRequest): string => {
    let state = (request.seed ?? 1) | 1;
    const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0) >>> 8;
    const run = () => runs[next() % runs.length] ?? "", word = () => themed[next() % themed.length] ?? "";
    let assistant = "";
    for (let sentence = 0; sentence < 6; sentence++) {
      assistant += `${sentence > 0 ? " " : ""}The ${run()}, and the ${word()} of the ${run()}.`;
    }
    return `{"user":"What is the ${run()} to the ${word()}, and ${run()}?","assistant":"${assistant}"}`;
  };
  return {
    name: "instant",
    model: "instant",
    chat(request): Promise<ChatReply> {
      const content = write(request);
      return Promise.resolve({
        content,
        reasoning: "",
        finishReason: "stop",
        model: "instant",
        usage: { promptTokens: 900, completionTokens: 200 },
        timing: { firstTokenMs: 0, totalMs: 1 },
      });
    },
  };
}

async function measure(folder: string): Promise<z.infer<typeof Figures>> {
  const options = generateOptions.parse({
    input: join(folder, "passages.jsonl"),
    output: join(folder, "out", "set.jsonl"),
    examplesPerChunk: EACH,
  });
  const engine = instantEngine(await sampleWords());
  let collected = 0;
  const context = {
    signal: new AbortController().signal,
    fetch,
    clock: systemClock,
    env: {},
    emit: (event: { type: string; label?: string }) => {
      if (event.type === "progress" && event.label === "generate") collected = performance.now();
    },
  };
  const gates = await loadGates(gateFiles({}));
  const started = performance.now(), cpuBefore = cpuSeconds();
  await using plan = await openPlan(options, context);
  const paths = generatePaths(options, {});
  using ledger = openLedger(paths.ledger);
  const { tally } = await makeDataset({
    plan,
    answering: {
      name: engine.name,
      model: engine.model,
      servers: [{ name: engine.name, target: engine }],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    manner: { prompts: plan.prompts, sampling: { temperature: 0.8, maxTokens: 2048 }, seed: options.seed },
    ledger,
    gates,
    verdicts: new Map(),
    options,
    paths,
    context,
  });
  return {
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: cpuSeconds() - cpuBefore,
    collectSeconds: (collected - started) / 1000,
    accepted: tally.accepted,
    requested: tally.requested,
    rejects: Object.fromEntries([...tally.rejects].sort(([, a], [, b]) => b - a)),
    peakMb: peakMegabytes(),
  };
}

/** Rows a second where each is committed by itself. */
async function oneByOne(path: string): Promise<number> {
  const words = await sampleWords();
  const { chat } = instantEngine(words);
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE answers (hash TEXT, value TEXT)");
  const insert = database.prepare("INSERT INTO answers VALUES (?, ?)");
  const started = performance.now();
  for (let seed = 0; seed < PEER_ROWS; seed++) {
    const reply = await chat({ messages: [], temperature: 0, seed }, new AbortController().signal);
    insert.run(String(seed), JSON.stringify(reply));
  }
  const rate = PEER_ROWS / (performance.now() - started) * 1000;
  database.close();
  return rate;
}

if (import.meta.main) {
  const [first = "", folder = ""] = Deno.args;
  if (first === "--measure") console.log(JSON.stringify(await measure(folder)));
  else console.log(await generateBench(first ? Number(first) : undefined));
}
