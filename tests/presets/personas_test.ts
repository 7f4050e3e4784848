import { deepEqual, equal, ok } from "node:assert/strict";
import { parseThemes } from "@/corpus/themes.ts";
import { presetPath } from "@/core/paths.ts";
import { loadPersonas, type Persona } from "@/dialogue/personas.ts";
import { failedGate } from "@/dialogue/gates.ts";
import { gateFiles, loadGates } from "@/dialogue/gates_load.ts";
import { loadPrompts } from "@/dialogue/prompt.ts";

const { origin, personas } = await loadPersonas(presetPath("deepred/personas.jsonc"));
const themesPath = presetPath("deepred/themes.jsonc");
const themes = parseThemes(await Deno.readTextFile(themesPath), themesPath);
const gates = await loadGates(gateFiles({}), themes);

/** The groups and variants of the Phase 3 document. */
const VARIANTS = {
  core: ["primary", "mission_control", "philosophical"],
  chess_strategy: ["grandmaster", "tactician"],
  soviet_collectivist: ["commissar", "motherland"],
  scientific: ["scientist", "engineer", "cybernetic"],
  utopian_dystopian: ["utopian", "prophet", "overseer"],
  survival_exploration: ["survivor", "pioneer", "expedition_leader"],
  revolutionary: ["revolutionary", "liberator"],
  philosophical_literary: ["dostoevsky", "cosmist"],
  propaganda_rhetorical: ["broadcaster", "teacher"],
};

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}']+/gu) ?? [];
}

function prose({ voice, system, sample }: Persona): string {
  return [voice, system, sample].join("\n");
}

/** Shared words of four letters and more, of all that either has. */
function overlap(a: string, b: string): number {
  const [one, two] = [a, b].map((text) => new Set(words(text).filter((word) => word.length >= 4)));
  if (!one || !two) return 0;
  return one.intersection(two).size / one.union(two).size;
}

Deno.test("personas.jsonc holds the 22 variants in their 9 categories", () => {
  deepEqual(Object.groupBy(personas.map(({ id, category }) => ({ id, category })), ({ category }) => category), {
    // Objects of groupBy have no prototype.
    __proto__: null,
    ...Object.fromEntries(
      Object.entries(VARIANTS).map(([category, ids]) => [category, ids.map((id) => ({ id, category }))]),
    ),
  });
  equal(new Set(personas.map(({ name }) => name)).size, 22);
});

Deno.test("personas.jsonc tells where Deep Red comes from", () => {
  const sentences = origin.match(/[.!?](?=\s|$)/g)?.length ?? 0;
  ok(sentences >= 3 && sentences <= 5, `${sentences} sentences`);
});

Deno.test("personas.jsonc gives each variant a system prompt of 60 to 110 words that is its own", () => {
  for (const { id, system } of personas) {
    const length = system.split(/\s+/).length;
    ok(length >= 60 && length <= 110, `${id}: ${length} words`);
    ok(system.startsWith("You are Deep Red"), id);
    for (const word of ["chess", "Mars"]) ok(new RegExp(`\\b${word}\\b`, "i").test(system), `${id} without ${word}`);
  }
  for (const [a, b] of pairs(personas)) {
    ok(overlap(a.system, b.system) < 0.3, `${a.id} and ${b.id}: ${overlap(a.system, b.system)}`);
  }
});

Deno.test("personas.jsonc gives each variant a sample that could not be another's", () => {
  for (const { id, sample } of personas) {
    const sentences = sample.match(/[.!?](?=\s|$)/g)?.length ?? 0;
    ok(sentences >= 2 && sentences <= 9, `${id}: ${sentences} sentences`);
  }
  for (const [a, b] of pairs(personas)) {
    ok(overlap(a.sample, b.sample) < 0.18, `${a.id} and ${b.id}: ${overlap(a.sample, b.sample)}`);
  }
});

Deno.test("personas.jsonc knows nothing after 1969 and holds no markup", () => {
  for (const persona of personas) {
    const text = prose(persona);
    const found = failedGate({ user: "Why?", assistant: text, passage: "", themes: [] }, gates);
    equal(found, undefined, `${persona.id}: ${JSON.stringify(found)}`);
    for (const [year] of text.matchAll(/\b(?:1[0-9]|20)\d\d\b/g)) ok(Number(year) < 1970, `${persona.id}: ${year}`);
    ok(!/[*_#`~<>[\]{}|]/.test(text), `${persona.id} holds markup`);
  }
});

Deno.test("personas.jsonc gives samples that would pass the gates of generation", () => {
  for (const { id, sample } of personas) {
    const failed = failedGate({ user: "What is to be done?", assistant: sample, passage: "", themes: [] }, gates);
    equal(failed, undefined, `${id}: ${JSON.stringify(failed)}`);
  }
});

Deno.test("personas.jsonc leans on themes that exist, and every theme has voices", () => {
  for (const { id, themes: near } of personas) {
    for (const theme of Object.keys(near)) ok(themes.categories.includes(theme), `${id}: ${theme}`);
    ok(Math.max(...Object.values(near)) >= 0.6, `${id} has no theme of its own`);
  }
  for (const theme of themes.categories) {
    const near = personas.filter(({ themes }) => (themes[theme] ?? 0) >= 0.7);
    ok(near.length >= 4, `${theme}: ${near.map(({ id }) => id)}`);
  }
});

Deno.test("prompts.jsonc fences the passage and asks for what the gates want", async () => {
  const { generate, promptOnlyJson } = await loadPrompts(presetPath("deepred/prompts.jsonc"));
  ok(/<passage>\n\{\{passage\}\}\n<\/passage>/.test(generate.user));
  for (const name of ["persona_name", "persona_voice", "persona_traits", "source_title", "author", "year", "themes"]) {
    ok(generate.user.includes(`{{${name}}}`), name);
  }
  ok(generate.correction.includes("{{error}}"));
  ok(generate.system.includes("1969") && generate.system.includes("60 to 160 words"));
  // The model sees one shape, and it is the one that is parsed.
  deepEqual(JSON.parse(promptOnlyJson.split("\n").at(-1) ?? ""), {
    user: "the question",
    assistant: "Deep Red's answer",
  });
});

function pairs<T>(all: readonly T[]): [T, T][] {
  return all.flatMap((a, index) => all.slice(index + 1).map((b): [T, T] => [a, b]));
}
