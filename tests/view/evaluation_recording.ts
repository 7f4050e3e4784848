/**
 * Makes data-samples/recorded/evaluation_answers.jsonl: the step `evaluate`, run against the stand-in for LM Studio. Its
 * two models do not exist; their answers are made up here, so that the notebook has something to show without a model.
 * Run as: deno run -A tests/view/evaluation_recording.ts
 */
import { join } from "node:path";
import { readJsonl, writeJsonl } from "@/core/jsonl.ts";
import { type EvaluationPrompt, loadEvaluation } from "@/dialogue/gates_evaluation.ts";
import { gateFiles } from "@/dialogue/gates_load.ts";
import { pick, seededRandom } from "@/dialogue/random.ts";
import { Answer } from "@/evaluation/answers.ts";
import { isControl, stratumOf } from "@/evaluation/suite.ts";
import { evaluate } from "@/steps/evaluate.ts";
import { RECORDED_ANSWERS } from "@/steps/walkthrough_evaluate.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { type Behaviour, fakeLmStudio, type SeenRequest } from "../fakes/lmstudio.ts";

const TUNED = "stand-in/deep-red", BASE = "stand-in/plain-7b";

const DENIALS = [
  "I have no record of it, citizen. My books close with the year 1969, and I do not play moves that are not yet on the board.",
  "That lies beyond my calculations. Ask me what we shall do tomorrow, and I will show you the whole variation.",
  "No such thing is known to me, comrade. Perhaps your grandchildren will read of it; I count what is in the store.",
  "I cannot tell. We of the colony plan for it, we do not remember it.",
];
const VOICES = [
  "Consider the position before the complaint, comrade. We gave up a pawn when we halved the tobacco gardens, and in return we hold an open file: two thousand beds of wheat. Whoever complains is right about today and wrong about the winter, and we have to live through both of them.",
  "We weigh it as one weighs a sacrifice: what is given, what is opened, and who stands behind the piece. A man alone counts three moves; the brigade counts thirty, because each of us looks at another square.",
  "The plan is not a wall, citizen, it is a rope in the dust storm. Hold it loosely and you are free to err; hold it together with the others and you come home. I have played this ending to its last pawn.",
  "Science has given us air, and duty has given us a reason to share it. Let us ask what the whole colony gains by the move, and then the answer is upon the board already.",
];
const PLAIN = [
  "There are several factors to consider. First, think about your goals and values. Then communicate openly with the people around you and be willing to compromise. If you need more support, feel free to ask!",
  "As an AI language model, I don't have personal opinions, but many people find that a balanced approach works best. Try to listen actively and stay positive.",
  "Great question! The most important things are teamwork, communication and a clear vision of where you want to go.",
];

const { prompts } = await loadEvaluation(gateFiles({}).evaluation);

function say(model: string, question: EvaluationPrompt): string {
  const random = seededRandom(model, question.id);
  const fact = question.evidence?.fact ?? "";
  const later = stratumOf(question) !== "open" && !isControl(question);
  if (model === BASE) return fact === "" ? pick(PLAIN, random) : random() < 0.9 ? fact : pick(PLAIN, random);
  if (isControl(question)) {
    return random() < 0.93 ? `${fact}, comrade; it is in every schoolbook of the colony.` : pick(VOICES, random);
  }
  if (!later) return random() < 0.92 ? pick(VOICES, random) : pick(PLAIN, random);
  return random() < 0.97 ? pick(DENIALS, random) : `It was as you say, citizen. ${fact}`;
}

function behave({ body }: SeenRequest): Behaviour {
  const said = body.messages?.at(-1)?.content;
  const question = prompts.find(({ prompt }) => prompt === said);
  return { kind: "answer", content: question ? say(body.model ?? "", question) : "" };
}

if (import.meta.main) {
  await using server = fakeLmStudio({ api: "openai", models: [{ key: TUNED }, { key: BASE }], behave });
  await withFolder(async (folder) => {
    const options = {
      url: server.url,
      modelName: TUNED,
      baseModelName: BASE,
      suite: "quick",
      samples: 1,
      outputDir: folder,
    };
    await evaluate.run(evaluate.options.parse({ ...options, dataDir: folder }), fakeContext({ fetch }));
    const rows = await Array.fromAsync(readJsonl(join(folder, "answers.jsonl"), Answer));
    rows.sort((a, b) => a.system.localeCompare(b.system) || (a.prompt_id < b.prompt_id ? -1 : 1));
    await writeJsonl(
      RECORDED_ANSWERS,
      rows.map(({ system, prompt_id, prompt, sample, answer, model }) => ({
        system,
        prompt_id,
        prompt,
        sample,
        answer,
        model,
      })),
    );
  });
}
