import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ARTEFACTS, findArtefact, PRINT } from "@/dialogue/gates_artefacts.ts";
import { duplicateGate } from "@/dialogue/gates_duplicates.ts";
import { findRepetition } from "@/dialogue/gates_repetition.ts";
import { GateSettings } from "@/dialogue/gates_settings.ts";
import { copyFinder, wordsOf } from "@/dialogue/gates_source.ts";
import { pick, seededRandom } from "@/dialogue/random.ts";
import { createVocabulary } from "@/dialogue/words.ts";

const SETTINGS = GateSettings.parse({});
const vocabulary = createVocabulary();
const find = copyFinder(vocabulary);
const copiedFrom = (...texts: Parameters<typeof find>) => {
  const found = find(...texts);
  return { ...found, span: found.span() };
};
const WORDS = "red dome bread plan board worker lamp sluice rook dust".split(" ");

Deno.test("copiedFrom agrees with a plain search over all spans", () => {
  const random = seededRandom("copied");
  for (let round = 0; round < 300; round++) {
    const text = (length: number) => Array.from({ length }, () => pick(WORDS.slice(0, 3), random));
    const answer = text(12), passage = text(15);
    const page = ` ${passage.join(" ")} `;
    const held = (from: number, to: number) => page.includes(` ${answer.slice(from, to).join(" ")} `);
    let longest = 0;
    const covered = new Set<number>();
    for (let from = 0; from < answer.length; from++) {
      for (let to = from + 1; to <= answer.length; to++) {
        if (!held(from, to)) continue;
        longest = Math.max(longest, to - from);
        if (to - from >= 4) { for (let at = from; at < to; at++) covered.add(at); }
      }
    }
    const found = copiedFrom(answer.join(" "), passage.join(", "), 4);
    deepEqual([found.longest, found.share], [longest, covered.size / answer.length]);
    ok(page.includes(` ${found.span} `));
  }
});

Deno.test("copiedFrom takes empty texts", () => {
  deepEqual(copiedFrom("", "a b", 3), { longest: 0, span: "", share: 0 });
  deepEqual(copiedFrom("a b", "", 3), { longest: 0, span: "", share: 0 });
});

/** Gopher's measures, as plainly as can be. */
function plainRepetition(text: string): boolean {
  const words = wordsOf(text);
  const all = words.join("").length;
  const grams = (n: number) => words.slice(0, words.length - n + 1).map((_, at) => words.slice(at, at + n).join(" "));
  for (const [n, limit] of Object.entries(SETTINGS.repetition.topNgrams)) {
    for (const [gram, places] of Map.groupBy(grams(Number(n)), (gram) => gram)) {
      if (places.length > 1 && places.length * gram.replaceAll(" ", "").length > limit * all) return true;
    }
  }
  for (const [n, limit] of Object.entries(SETTINGS.repetition.duplicateNgrams)) {
    const repeated = new Set<number>();
    const list = grams(Number(n));
    list.forEach((gram, at) => {
      if (list.indexOf(gram) < at) { for (let word = at; word < at + Number(n); word++) repeated.add(word); }
    });
    if ([...repeated].reduce((sum, at) => sum + (words[at]?.length ?? 0), 0) > limit * all) return true;
  }
  return false;
}

Deno.test("findRepetition agrees with the plain measures", () => {
  const random = seededRandom("repetition");
  let caught = 0;
  for (let round = 0; round < 400; round++) {
    const few = Array.from({ length: 3 + Math.floor(random() * 18) }, (_, n) => `${pick(WORDS, random)}${n}`);
    const text = Array.from({ length: 60 }, () => pick(few, random)).join(" ");
    const found = findRepetition(text, SETTINGS.repetition, vocabulary);
    equal(found !== undefined, plainRepetition(text), `${found}: ${text}`);
    if (found) caught++;
  }
  ok(caught > 40 && caught < 360, `${caught} of 400`);
  const found = findRepetition(Array(5).fill(WORDS.join(" ")).join(" "), SETTINGS.repetition, vocabulary);
  match(found ?? "", /^"[a-z]+ [a-z]+" makes up 0\.\d\d of the characters/);
  const line = "we keep the lamp alight for the shift that comes after ours and never ask its name";
  const lines = { ...SETTINGS.repetition, topNgrams: {}, duplicateNgrams: {} };
  match(findRepetition(`${line}\n${line}\n${line}`, lines, vocabulary) ?? "", /2 of 3 lines/);
});

Deno.test("findArtefact leaves stars, signs of chess and dialogue alone", () => {
  for (const text of ["2 * 3 * 4 is twenty-four", "♔ takes ♟, ©1962", "— Comrade, said he", "1. e4 e5 2. Nf3"]) {
    equal(findArtefact(text), undefined, text);
  }
});

Deno.test("findArtefact overlooks nothing that its patterns find", () => {
  const pieces =
    ("```|~~~|**|__|*|nods|# |- |• |1. |2) |[a|](/|http|s://|www.|as an |as a |AI|large |language|language model|chat|bot|" +
      "assistant|model|s|OpenAI|ChatGPT|LLM|LLMs|knowledge|training|data|cut-off|cutoff|my last|update|I'm |I am |sorry|" +
      "assist you|fulfil that|comply with|I can't |help|with|<|im|>|[INST]|</think>|<s>|{{|}}|{ |\\n|\\u00e9|user|Deep Red|" +
      ":|sure|here’s|system prompt|role-play|roleplay|fictional persona|☭|🚀|©|®|‼|⁉|™|é|\0|\x85|\ufffd|Project Gutenberg|" +
      '"|.|,|the|collective|\u2028|ſ|K').split("|").concat("<|im_end|>", "\n", "\n", " ", " ", " ", " ", "\r", "\t");
  const random = seededRandom("artefacts");
  const seen = new Set<string>();
  for (let round = 0; round < 60_000; round++) {
    const text = Array.from({ length: 1 + Math.floor(random() * 7) }, () => pick(pieces, random)).join("");
    const plain = ARTEFACTS.find(([pattern, name]) => pattern.test(name === "emoji" ? text.replace(PRINT, "") : text))
      ?.[1];
    equal(findArtefact(text)?.split(": ")[0], plain, JSON.stringify(text));
    if (plain) seen.add(plain);
  }
  deepEqual(seen, new Set(ARTEFACTS.map(([, name]) => name)));
});

Deno.test("duplicateGate looks at questions and answers apart, against all earlier exchanges", () => {
  const gate = duplicateGate({ settings: SETTINGS, off: new Set(), vocabulary });
  const long =
    "The lamp is carried by the youngest of us because he has the steadiest hand, and because he asks the fewest questions of the dark";
  const add = (id: string, user: string, assistant: string) => gate.add(id, "primary", { user, assistant });
  const check = (user: string, assistant: string) => gate.check("teacher", { user, assistant });
  add("one", "Who carries the lamp when the shift goes down?", `${long}.`);
  for (let n = 0; n < 50; n++) {
    add(`filler ${n}`, `Where is pump ${n} of sector ${n * 7}?`, `Pump ${n} of ${n * 13} and ${n * 31}.`);
  }
  equal(check("Who carries the lamp when the shift goes down!", "Another.")?.reason, "duplicate_question");
  equal(check("Why?", long.toUpperCase())?.reason, "duplicate");
  const near = check("Why?", `${long} below.`);
  equal(near?.reason, "near_duplicate");
  match(near?.detail ?? "", /^0\.\d\d like one$/);
  equal(check("Why?", "An answer that nobody has given before today."), undefined);
});

Deno.test("duplicateGate lets two personas be asked the same, when told", () => {
  const gate = duplicateGate({
    settings: GateSettings.parse({ duplicates: { questionsOf: "persona" } }),
    off: new Set(),
    vocabulary,
  });
  gate.add("one", "primary", { user: "Who carries the lamp?", assistant: "The youngest." });
  equal(gate.check("teacher", { user: "Who carries the lamp?", assistant: "He who can." }), undefined);
  equal(gate.check("primary", { user: "Who carries the lamp?", assistant: "He." })?.reason, "duplicate_question");
  const off = duplicateGate({ settings: SETTINGS, off: new Set(["duplicate_question"]), vocabulary });
  off.add("one", "primary", { user: "Who?", assistant: "The youngest." });
  equal(off.check("teacher", { user: "Who?", assistant: "He who can." }), undefined);
});
