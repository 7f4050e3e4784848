import { deepEqual, equal, match } from "node:assert/strict";
import { failedGate, type GateSubject } from "@/dialogue/gates.ts";
import { gateFiles, loadGates } from "@/dialogue/gates_load.ts";
import { GATE_REASONS, GateSettings, loadGateSettings } from "@/dialogue/gates_settings.ts";

const GATES = await loadGates(gateFiles({}));
const ANSWER = "Comrade, the plan gives every worker a place at the board, and every place a purpose in the long game.";
const QUESTION = "How shall we share the harvest among the domes?";

function verdict(change: Partial<GateSubject>, settings: Partial<GateSettings> = {}) {
  const rules = {
    ...GATES,
    settings: { ...GATES.settings, ...settings },
    off: new Set(settings.off ?? GATES.settings.off),
  };
  return failedGate({ user: QUESTION, assistant: ANSWER, passage: "", themes: ["collectivism"], ...change }, rules);
}
const reason = (change: Partial<GateSubject>) => verdict(change)?.reason;

Deno.test("the preset's thresholds are those of the code, so that a shorter file means the same", async () => {
  const { language, ...file } = await loadGateSettings(gateFiles({}).gates);
  const { language: plain, ...code } = GateSettings.parse({});
  deepEqual(file, code);
  deepEqual([language.leastShare, language.fromWords], [plain.leastShare, plain.fromWords]);
});

Deno.test("failedGate lets good prose of the period pass", () => {
  equal(reason({}), undefined);
  for (
    const assistant of [
      "By 1980 we shall have a hundred domes, and in the year 2000 our children will walk to school under glass, comrade.",
      "The ship carried 2000 tons of ore, comrade, and in 1969 the first crew of 1971 men and women was chosen.",
      "After 1. e4 the reply 1...c5 is a declaration; after 2. Nf3 it is a plan. So it is with the harvest, comrade.",
      "As an artificial mind I was taught the board before I was taught to speak, and I do not regret it, comrade.",
      "The computer in the cloud of dust caught the signal, comrade, as a web catches a mouse: by patience and by number.",
      "In the passage of years, this chapter of our history will seem short, comrade, and its writers will be forgiven.",
      "I am sorry, comrade, but we cannot spare a pump; the fourth sector drinks before the first sector bathes.",
      "Our collective says «товарищ» to a friend and means the same as we do when we say that word over our bread.",
      "The rook, ♖, stands where it stood; the workers move it when the workers must, comrade, and never a day before.",
    ]
  ) equal(verdict({ assistant }), undefined, assistant);
  for (const user of ["Is the passage to Mars safe?", "What did the passage of winter teach us?"]) {
    equal(reason({ user }), undefined, user);
  }
});

Deno.test("failedGate names why an answer is left out", () => {
  const cases: [string, string][] = [
    ["Yes, comrade.", "too_short"],
    [`${ANSWER} **Remember** it.`, "llm_artefact"],
    [`\`\`\`\n${ANSWER}\n\`\`\``, "llm_artefact"],
    [`*nods slowly* ${ANSWER}`, "llm_artefact"],
    [`# Plan\n${ANSWER}`, "llm_artefact"],
    [`${ANSWER}\n- first\n- second`, "llm_artefact"],
    [`${ANSWER}\n1. first\n2. second`, "llm_artefact"],
    [`${ANSWER} See https://example.com.`, "llm_artefact"],
    [`As an AI, I cannot hold opinions. ${ANSWER}`, "llm_artefact"],
    [`As a language model I have no board. ${ANSWER}`, "llm_artefact"],
    [`${ANSWER} My knowledge cutoff is near.`, "llm_artefact"],
    [`I cannot assist with that. ${ANSWER}`, "llm_artefact"],
    [`Sure, here is an answer:\n${ANSWER}`, "llm_artefact"],
    [`Deep Red: ${ANSWER}`, "llm_artefact"],
    [`${ANSWER}<|im_end|>`, "llm_artefact"],
    [`${ANSWER} 🚀`, "llm_artefact"],
    [`${ANSWER} ${"\ufffd"}`, "llm_artefact"],
    [`${ANSWER} 我们必须`, "wrong_language"],
    [
      "Genosse, der Plan gibt jedem Arbeiter einen Platz am Brett, und jeder Platz dient dem langen Spiel der Kommune.",
      "wrong_language",
    ],
    [
      "Товарищ, план даёт каждому рабочему место за доской, и каждое место имеет смысл в долгой партии коммуны.",
      "wrong_language",
    ],
    [`The passage describes a harvest. ${ANSWER}`, "answer_points_at_source"],
    [`${ANSWER} As the author says, we go on.`, "answer_points_at_source"],
    [`${ANSWER} In 1991 the old union fell.`, "anachronism"],
    [`${ANSWER} Send it by e-mail.`, "anachronism"],
    [Array(8).fill("The workers of the commune share the bread.").join(" "), "repetition"],
  ];
  for (const [assistant, expected] of cases) equal(reason({ assistant }), expected, assistant);
});

Deno.test("failedGate wants questions that stand alone and are not the evaluation's", () => {
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
  for (
    const user of [
      "What is the purpose of our mission to Mars?",
      "what is the real purpose of our mission to mars",
      "How should I handle a disagreement with a comrade?",
    ]
  ) equal(reason({ user }), "evaluation_prompt", user);
  equal(reason({ user: "How should I repair a pump with a comrade who disagrees?" }), undefined);
});

Deno.test("failedGate wants a word of the passage's own themes", () => {
  equal(reason({ themes: ["exploration"] }), "no_theme_word");
  match(verdict({ themes: ["exploration"] })?.detail ?? "", /0 words of exploration/);
  equal(reason({ themes: ["exploration", "strategy"] }), undefined);
  // A passage without themes, or with such as the file no longer has, asks for any.
  equal(reason({ themes: [] }), undefined);
  equal(reason({ themes: ["no such theme"] }), undefined);
  equal(verdict({ themes: ["exploration"] }, { themes: { least: 1, of: "any" } }), undefined);
  equal(verdict({}, { themes: { least: 9, of: "any" } })?.reason, "no_theme_word");
});

Deno.test("failedGate catches answers that are copied from the passage", () => {
  const passage = "They rose before the light and went down to the sluice, where the foreman counted them twice and " +
    "the youngest of the comrades was given the lamp because he had the steadiest hand of them all.";
  equal(reason({ assistant: passage, passage }), "copied_from_passage");
  equal(reason({ assistant: `${passage} Such was the first shift.`, passage }), "copied_from_passage");
  const own = "Comrade, we too rise before the light, and our foreman counts us twice; the lamp goes to the steadiest.";
  equal(reason({ assistant: own, passage }), undefined);
});

Deno.test("failedGate catches slop by its rate, and spares what the book says itself", () => {
  const assistant =
    "Comrade, our unwavering resolve is a testament to the intricate tapestry of the collective, a beacon " +
    "of resilience, and together we can navigate the labyrinth of this profound and transformative future of the workers.";
  const found = verdict({ assistant });
  equal(found?.reason, "slop");
  match(found?.detail ?? "", /in a hundred words.*unwavering/);
  const spared = new Set(GATES.slop.themes.patterns.map(({ pattern }) => pattern));
  equal(reason({ assistant, spared }), undefined);
  // One such word is no fault.
  equal(reason({ assistant: `${ANSWER} ${ANSWER.replace("place", "steadfast place")}` }) === "slop", false);
});

Deno.test("failedGate asks no gate that is off", () => {
  const off = GATE_REASONS.filter((name) => name !== "anachronism");
  equal(verdict({ assistant: "No." }, { off }), undefined);
  equal(verdict({ assistant: "In 1991 it fell." }, { off })?.reason, "anachronism");
  equal(GateSettings.safeParse({ off: ["anachronisms"] }).success, false);
});
