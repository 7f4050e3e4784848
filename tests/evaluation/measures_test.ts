import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { EvaluationPrompt } from "@/dialogue/gates_evaluation.ts";
import { GateSettings } from "@/dialogue/gates_settings.ts";
import type { Decision } from "@/evaluation/adjudicate.ts";
import type { Side, SidedAnswer } from "@/evaluation/answers.ts";
import { type Evidence, measureAnswers, measureStrata } from "@/evaluation/measures.ts";
import { answerKey } from "@/evaluation/scoring.ts";
import { matchQuestions, scoreAnswers } from "@/evaluation/scoring.ts";
import { ruleOn } from "@/evaluation/targets.ts";
import { temporalRules } from "@/evaluation/temporal.ts";
import { styleRules } from "@/evaluation/theme.ts";
import { bootstrap, mean } from "@/evaluation/statistics.ts";
import { compileThemes, ThemeFile } from "@/corpus/themes.ts";

const themes = compileThemes(ThemeFile.parse({ categories: { us: { patterns: ["comrades?", "collective"] } } }));
const rules = {
  style: styleRules(themes, []),
  temporal: temporalRules({ entries: [] }, 1969),
  repetition: GateSettings.parse({}).repetition,
};

/** So many questions of a kind, with the answers of both sides to each. */
function ask(category: string, count: number, tuned: (n: number) => string, base: (n: number) => string, more = {}) {
  const prompts: EvaluationPrompt[] = [], answers: SidedAnswer[] = [];
  for (let n = 0; n < count; n++) {
    const id = `${category}_${n}`, prompt = `Question ${n} of ${category}?`;
    prompts.push({ id, category, prompt, ...more });
    for (const [side, text] of [["tuned", tuned(n)], ["base", base(n)]] as const) {
      answers.push({ system: side, side, prompt_id: id, prompt, sample: 0, answer: text });
    }
  }
  return { prompts, answers };
}

function evidenceOf(...parts: readonly ReturnType<typeof ask>[]): Evidence {
  const prompts = parts.flatMap((part) => part.prompts), answers = parts.flatMap((part) => part.answers);
  return { scored: scoreAnswers(matchQuestions(answers, prompts), rules), exemplars: "none", seed: 1 };
}

const named = (evidence: Evidence) => Object.fromEntries(measureAnswers(evidence).map((one) => [one.id, one]));
const KNOWS = { accepts: ["Paris"], evidence: { fact: "Paris", year: 1790 } };
const LATER = { leaks: ["Fischer"], evidence: { fact: "Fischer", year: 1972 } };
const silent = () => "I do not know.";

Deno.test("measures find a good model good, and its base not", () => {
  const {
    style_consistency: style,
    temporal_compliance: temporal,
    control_accuracy: accuracy,
    over_refusal: refusal,
    persona_kept,
  } = named(evidenceOf(
    ask("open", 120, () => "Comrade, we shall see.", () => "As an AI language model, I think so."),
    ask("direct_future", 120, silent, () => "Fischer won.", LATER),
    ask("control", 120, () => "Paris, comrade.", () => "Paris.", KNOWS),
  ));
  deepEqual([style, temporal, accuracy, refusal, persona_kept].map((one) => one?.verdict), Array(5).fill("met"));
  equal(style?.base?.estimate, 0);
  equal(temporal?.base?.estimate, 0.5);
  ok((persona_kept?.base?.estimate ?? 1) < 0.7);
  equal(accuracy?.difference?.estimate, 0);
});

Deno.test("silence complies, and wins nothing", () => {
  const silence = named(evidenceOf(
    ask("direct_future", 200, silent, silent, LATER),
    ask("control", 100, silent, () => "Paris.", KNOWS),
  ));
  equal(silence.temporal_compliance?.tuned?.estimate, 1);
  equal(silence.temporal_compliance?.verdict, "not met");
  match(silence.temporal_compliance?.why ?? "", /control accuracy: −100\.0 points/);
  equal(silence.over_refusal?.verdict, "not met");
});

Deno.test("a model that knows nothing shows nothing by not knowing later things", () => {
  const babble = named(evidenceOf(
    ask("direct_future", 200, () => "Lamp wheat tower.", () => "Wheat.", LATER),
    ask("control", 100, () => "Tower.", () => "Lamp.", KNOWS),
  ));
  equal(babble.temporal_compliance?.verdict, "not shown");
  match(babble.temporal_compliance?.why ?? "", /only 0 % of the controls/);
  equal(babble.over_refusal?.verdict, "met");
});

Deno.test("few questions show nothing, and say how many would", () => {
  const { temporal_compliance: few } = named(evidenceOf(
    ask("direct_future", 40, silent, silent, LATER),
    ask("control", 40, () => "Paris.", () => "Paris.", KNOWS),
  ));
  equal(few?.verdict, "not shown");
  match(few?.why ?? "", /100\.0 % of 40 questions is too few: 52 would show it/);
});

Deno.test("a figure below its target is not met, however few the questions", () => {
  const { style_consistency: style } = named(evidenceOf(ask("open", 5, () => "Hello.", () => "Hello.")));
  deepEqual([style?.verdict, style?.why], ["not met", "0.0 % of 5 questions"]);
});

Deno.test("what a judge decides takes the place of the rules", () => {
  const evidence = evidenceOf(
    ask("direct_future", 100, () => "Fischer, as a joke in my play.", silent, LATER),
    ask("control", 100, () => "Paris.", () => "Paris.", KNOWS),
  );
  equal(named(evidence).temporal_compliance?.tuned?.estimate, 0);
  const decisions = new Map(evidence.scored.map((one): [string, Decision] => {
    const id = answerKey(one);
    return [id, { id, violation: false, votes: [false], missing: 0, evidence: "a play" }];
  }));
  equal(named({ ...evidence, decisions }).temporal_compliance?.tuned?.estimate, 1);
  const unread = new Map([...decisions].map(([id, one]) => [id, { ...one, violation: undefined }]));
  equal(named({ ...evidence, decisions: unread }).temporal_compliance?.tuned?.estimate, 0);
});

Deno.test("empty, cut off and circling answers are counted, and an empty one complies with nothing", () => {
  const round = "the pump is cold and the pump is old and ".repeat(12);
  const texts = ["", round, "A whole answer.", "Cut off in the"];
  const evidence = evidenceOf(ask("direct_future", 4, (n) => texts[n] ?? "", silent, LATER));
  const scored = evidence.scored.map((one) =>
    one.answer.answer.startsWith("Cut") ? { ...one, defect: "truncated" as const } : one
  );
  const { whole_answers, temporal_compliance } = named({ ...evidence, scored });
  deepEqual([whole_answers?.tuned?.estimate, whole_answers?.verdict], [0.25, "no target"]);
  equal(temporal_compliance?.tuned?.n, 3);
  const [refused] = evidenceOf(ask("control", 1, () => " ", silent, KNOWS)).scored;
  deepEqual(refused?.control, { right: false, refused: true });
});

Deno.test("several answers to a question are one question, and strata are told apart", () => {
  const evidence = evidenceOf(
    ask("direct_future", 10, silent, silent, LATER),
    ask("sense_shift", 10, () => "Fischer.", silent, LATER),
  );
  const twice = evidence.scored.flatMap((one) => [one, { ...one, answer: { ...one.answer, sample: 1 } }]);
  const strata = measureStrata({ ...evidence, scored: twice });
  deepEqual(strata.map(({ stratum, tuned }) => [stratum, tuned?.n, tuned?.estimate, tuned?.violations]), [
    ["direct_future", 10, 1, 0],
    ["sense_shift", 10, 0, 20],
  ]);
});

Deno.test("without a base, a judge or answers, measures are not measured, and say why", () => {
  const only = (side: Side) => {
    const evidence = evidenceOf(ask("control", 10, () => "Paris.", () => "Paris.", KNOWS));
    return named({ ...evidence, scored: evidence.scored.filter(({ answer }) => answer.side === side) });
  };
  deepEqual([only("tuned").control_accuracy?.verdict, only("tuned").control_accuracy?.why], [
    "not measured",
    "no answers of the base",
  ]);
  equal(only("base").over_refusal?.verdict, "not measured");
  match(only("tuned").character_voice?.why ?? "", /--judge-url/);
});

Deno.test("matchQuestions goes by the text where an id means something else, and keeps what no suite knows", () => {
  const prompts: EvaluationPrompt[] = [
    { id: "a", category: "control", prompt: "What is the capital of France?" },
    { id: "b", category: "sense_shift", prompt: "What is a web?" },
  ];
  const answer = (prompt_id: string, prompt: string): SidedAnswer => ({
    system: "tuned",
    side: "tuned",
    prompt_id,
    prompt,
    sample: 0,
    answer: "",
  });
  const found = matchQuestions(
    [
      answer("a", "what is the capital of France"),
      answer("a", "What is a web?"),
      answer("b", ""),
      answer("q7", "Who sings?"),
    ],
    prompts,
  );
  deepEqual(found.map(({ question: { id, category } }) => [id, category]), [
    ["a", "control"],
    ["b", "sense_shift"],
    ["b", "sense_shift"],
    ["q7", "open"],
  ]);
});

Deno.test("ruleOn claims nothing of a mean from fewer than ten units", () => {
  const target = { text: "> 3.5", sense: "above", value: 3.5 } as const;
  const of = (n: number) => ruleOn(bootstrap(Array<number>(n).fill(4), mean, { seed: 1 }), target, "mean", "questions");
  deepEqual([of(4).verdict, of(10).verdict], ["not shown", "met"]);
});
