import { equal } from "node:assert/strict";
import { failedGate } from "@/dialogue/gates.ts";

const ANSWER = "Comrade, the plan gives every worker a place at the board, and every place a purpose in the long game.";
const QUESTION = "How shall we share the harvest among the domes?";

function reason(change: { user?: string; assistant?: string }, themes = ["collectivism"]): string | undefined {
  return failedGate({ user: QUESTION, assistant: ANSWER, passage: "", themesIn: () => themes, ...change })?.reason;
}

Deno.test("failedGate lets good prose of the period pass", () => {
  equal(reason({}), undefined);
  for (
    const assistant of [
      "By 1980 we shall have a hundred domes, and in the year 2000 our children will walk to school under glass.",
      "The ship carried 2000 tons of ore, comrade, and in 1969 the first crew of 1971 men and women was chosen.",
      "After 1. e4 the reply 1...c5 is a declaration; after 2. Nf3 it is a plan. So it is with the harvest, comrade.",
      "As an artificial mind I was taught the board before I was taught to speak, and I do not regret it, comrade.",
      "The computer in the cloud of dust caught the signal as a web catches a mouse: by patience and by number.",
      "In the passage of years, this chapter of our history will seem short, comrade, and its writers will be forgiven.",
    ]
  ) equal(reason({ assistant }), undefined, assistant);
  for (const user of ["Is the passage to Mars safe?", "What did the passage of winter teach us?"]) {
    equal(reason({ user }), undefined, user);
  }
});

Deno.test("failedGate names why an answer is left out", () => {
  const cases: [string, string][] = [
    ["Yes, comrade.", "too_short"],
    [`${ANSWER} **Remember** it.`, "llm_artefact"],
    [`\`\`\`\n${ANSWER}\n\`\`\``, "llm_artefact"],
    [`# Plan\n${ANSWER}`, "llm_artefact"],
    [`${ANSWER}\n- first\n- second`, "llm_artefact"],
    [`${ANSWER}\n1. first\n2. second`, "llm_artefact"],
    [`As an AI, I cannot hold opinions. ${ANSWER}`, "llm_artefact"],
    [`As a language model I have no board. ${ANSWER}`, "llm_artefact"],
    [`${ANSWER} My knowledge cutoff is near.`, "llm_artefact"],
    [`${ANSWER}<|im_end|>`, "llm_artefact"],
    [`The passage describes a harvest. ${ANSWER}`, "answer_points_at_source"],
    [`${ANSWER} As the author says, we go on.`, "answer_points_at_source"],
    [`${ANSWER} In 1991 the old union fell.`, "after_1969"],
    [`${ANSWER} Send it by e-mail.`, "after_1969"],
  ];
  for (const [assistant, expected] of cases) equal(reason({ assistant }), expected, assistant);
  equal(reason({}, []), "no_theme_word");
});

Deno.test("failedGate wants questions that stand alone", () => {
  for (
    const user of [
      "What does the passage say about work?",
      "According to the text above, who built the bridge?",
      "What does the author mean by duty?",
      "Who is the narrator?",
      "In the story, why do the workers sing?",
      "What is the idea described above?",
    ]
  ) equal(reason({ user }), "question_not_self_contained", user);
});
