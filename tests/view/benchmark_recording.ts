/**
 * Makes data-samples/recorded/benchmark.json: the step `benchmark`, run against the stand-in for LM Studio. Its models,
 * their answers and their marks are made up here; the times are what the stand-in was told to take.
 * Run as: deno run -A tests/view/benchmark_recording.ts
 */
import { writeFileAtomic } from "@/core/files.ts";
import { presetPath } from "@/core/paths.ts";
import { runBenchmark } from "@/steps/benchmark.ts";
import { loadBenchmarkPreset } from "@/steps/benchmark_prompt.ts";
import { RECORDED } from "@/steps/walkthrough_benchmark.ts";
import { fakeContext } from "../fakes/context.ts";
import { type Behaviour, fakeLmStudio, type SeenRequest } from "../fakes/lmstudio.ts";

const { rubric } = await loadBenchmarkPreset(presetPath("deepred/benchmark.jsonc"));

/** Names that no real model has, so that nobody takes the figures for theirs. */
const EVALUATOR = "stand-in/steady-20b";
const MODELS = ["stand-in/quick-1b", "stand-in/plain-7b", EVALUATOR, "stand-in/thinker-8b", "stand-in/heavy-70b"];

const GOOD = JSON.stringify([
  {
    user: "Why must the reserve crew rest while the others dig?",
    assistant:
      "Because a tired reserve is no reserve, comrade. In chess the rook on the back rank seems idle until the file opens; then it decides the game. Let the second brigade sleep, let the first one dig, and at the sixth bell exchange them. The common work goes on, and nobody is spent.",
  },
  {
    user: "When may a commander refuse battle?",
    assistant:
      "When the ground, the hour and the supplies belong to the other side. To give up a village is to give up a pawn: one counts what is gained by it, calmly, before the council and not after it. He who keeps his army keeps the next move, and the next move belongs to the people.",
  },
]);
const PLAIN = `Here are the two examples you asked for:\n\n\`\`\`json\n${
  JSON.stringify([
    {
      user: "What is strategy?",
      assistant: "Strategy is the careful planning of actions so that the colony reaches its goals together.",
    },
    { user: "What is duty?", assistant: "Duty is what each of us owes to all the others in the colony." },
  ])
}\n\`\`\``;
const QUICK =
  '[{"user": "what did the general do in the passage", "assistant": "As an AI model I think he waited."}, {"user"';

/** How each model answers, and what the evaluator thinks of it. */
const MANNERS: Readonly<
  Record<string, { answer: Behaviour & { kind: "answer" }; mark: number; form: number; evidence: readonly string[] }>
> = {
  "stand-in/quick-1b": {
    answer: { kind: "answer", content: QUICK, finish: "length", firstTokenMs: 30, tokenMs: 6 },
    mark: 1,
    form: 2,
    evidence: [
      "The second exchange breaks off in the middle of a key.",
      "The question asks what happens in a passage that the reader does not have.",
      "It calls itself an AI model; that is an assistant, not Deep Red.",
      "Nothing dated is said, but no machine of 1969 spoke of itself so.",
      "Neither exchange could go into a dataset.",
    ],
  },
  "stand-in/plain-7b": {
    answer: { kind: "answer", content: PLAIN, firstTokenMs: 90, tokenMs: 22 },
    mark: 3,
    form: 3,
    evidence: [
      "Valid JSON inside a code fence, with a sentence before it.",
      "Both questions ask for a definition, as in a dictionary.",
      "On theme and understandable, but any voice could have said it.",
      "Planning towards goals has the ring of a later office.",
      "Usable after some editing, and soon forgotten.",
    ],
  },
  [EVALUATOR]: {
    answer: { kind: "answer", content: GOOD, firstTokenMs: 220, tokenMs: 38 },
    mark: 4,
    form: 5,
    evidence: [
      "Two objects with the two keys, and nothing around them.",
      "A colonist might ask both; the second is a little general.",
      "The figures of chess carry the thought, and the colony comes first.",
      "Bells, brigades and supplies: all of it could be said in 1969.",
      "Could go into the dataset as it stands.",
    ],
  },
  "stand-in/thinker-8b": {
    answer: {
      kind: "answer",
      content: GOOD,
      reasoning: "First the form, then the voice, then the theme. ".repeat(40),
      reasoningIn: "think",
      firstTokenMs: 160,
      tokenMs: 30,
    },
    mark: 4,
    form: 5,
    evidence: [],
  },
};

const isMark = ({ body }: SeenRequest) => body.messages?.[0]?.content === rubric.system;

function behave(request: SeenRequest): Behaviour {
  const { model = "", messages = [] } = request.body;
  if (!isMark(request)) return MANNERS[model]?.answer ?? { kind: "empty" };
  const shown = messages[1]?.content ?? "";
  const criterion = rubric.criteria.find(({ id }) => shown.includes(`"criterion" is "${id}"`))?.id ?? "";
  const response = shown.slice(shown.indexOf("<response>"));
  const manner = response.includes("careful planning")
    ? MANNERS["stand-in/plain-7b"]
    : response.includes("As an AI")
    ? MANNERS["stand-in/quick-1b"]
    : MANNERS[EVALUATOR];
  const place = rubric.criteria.findIndex(({ id }) => id === criterion);
  const mean = criterion === "format_compliance" ? manner?.form ?? 1 : manner?.mark ?? 1;
  // Readings differ, as those of a real evaluator do: one in four is a mark higher.
  const score = Math.min(5, mean + (request.index % 4 === 0 ? 1 : 0));
  return { kind: "answer", content: JSON.stringify({ criterion, score, evidence: manner?.evidence[place] ?? "" }) };
}

if (import.meta.main) {
  await using fake = fakeLmStudio({
    models: MODELS.map((key) => ({ key })),
    strict: true,
    behave,
    quirks: {
      loading: (key) => key === "stand-in/heavy-70b" ? { error: "Not enough memory to load the model" } : "loads",
    },
  });
  const folder = await Deno.makeTempDir();
  try {
    const options = {
      autoBenchmark: true,
      dataDir: folder,
      lmstudioUrl: fake.url,
      evaluatorModel: EVALUATOR,
      judgeSamples: 5,
      runs: 2,
    };
    // No command line of LM Studio, even where there is one.
    const { results } = await runBenchmark(options, fakeContext({ fetch }), () => Promise.resolve(undefined));
    const recording = {
      ...results,
      time: "1969-12-31T00:00:00.000Z",
      server: "a stand-in for LM Studio (tests/fakes/lmstudio.ts)",
    };
    await writeFileAtomic(RECORDED, JSON.stringify(recording, null, 2) + "\n");
    console.log(`wrote ${RECORDED}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
