import { deepEqual, equal, ok } from "node:assert/strict";
import { conversations, findBoundaries } from "@/manuscript/boundaries.ts";
import { changesAt } from "@/manuscript/changes.ts";
import { divide } from "@/manuscript/divide.ts";
import { type Parsed, parseManuscript } from "@/manuscript/paragraphs.ts";

/** Narration of so many words about one thing. */
const about = (thing: string, words: number) =>
  Array.from({ length: Math.round(words / 10) }, (_, i) => `You look at the ${thing} and count ${thing} number ${i}.`)
    .join(" ");
const marks = (text: string) =>
  parseManuscript(text).gaps.map(({ chapter, sceneBreak }) => chapter ?? sceneBreak ?? "");
const kindsAt = (parsed: Parsed, start: string) =>
  findBoundaries(parsed).find(({ before }) => parsed.text.startsWith(start, parsed.paragraphs[before]?.start))
    ?.reasons.map(({ kind }) => kind);

Deno.test("parseManuscript knows headings of all makes", () => {
  for (
    const heading of [
      "# The Gate",
      "### 4. The Gate ###",
      "Chapter Twelve",
      "CHAPTER XII: THE GATE",
      "Part Two",
      "Prologue",
      "IV.",
      "THE GATE AT DUNNING",
      "The Gate\n========",
    ]
  ) equal(marks(`You wait.\n\n${heading}\n\nYou go.`)[1] !== "", true, heading);
  for (const prose of ["You wait", "STOP!", "NO", "Part of it was true.", "“CHAPTER ONE,” she reads.", "I."]) {
    const gaps = marks(`You wait.\n\n${prose}\n\nYou go.`);
    if (prose !== "I.") deepEqual(gaps, ["", "", "", ""], prose);
  }
});

Deno.test("parseManuscript knows scene breaks by their signs, and by more blank lines than usual", () => {
  for (const sign of ["* * *", "***", "---", "#", "~", "⁂", "\\* \\* \\*", "• • •", "— — —"]) {
    equal(marks(`You wait.\n\n${sign}\n\nYou go.`)[1], sign, sign);
  }
  deepEqual(marks("One.\n\nTwo.\n\nThree.\n\n\n\nFour.\n\nFive.").filter(Boolean), ["blank lines"]);
  deepEqual(marks("One.\n\n\n\nTwo.\n\n\n\nThree.").filter(Boolean), []); // It is how this writer parts paragraphs.
  const line =
    "You wait and count the lamps along the wall, and it takes you all night, and nobody comes to relieve you.";
  deepEqual(marks(`${line}\n${line}\n${line}\n\n${line}\n${line}\n${line}\n${line}`).filter(Boolean), ["blank lines"]);
});

Deno.test("changesAt reads time and place in a paragraph's first words", () => {
  const kinds = (text: string) => changesAt(text).map(({ kind }) => kind).join();
  for (
    const text of [
      "Three days later the ice holds.",
      "The next morning you wake early.",
      "By the time you reach the ramp it is dark.",
      "On the twentieth night the sea is back.",
      "Forty-four days go by.",
      "At dawn the bell rings.",
      "*In the evening* you go home.",
      "It is almost midnight when he comes.",
      "Later, you find the coat.",
      "When you come to, there is sand.",
    ]
  ) ok(kinds(text).startsWith("time"), text);
  for (
    const text of [
      "In the kitchen your mother waits.",
      "You reach the gate and stop.",
      "Outside, it is snowing.",
      "Then you climb down into the hold.",
      "There’s a basket at the top of every pike.",
    ]
  ) equal(kinds(text), "place", text);
  for (
    const text of [
      "In the end you say nothing.",
      "On the other hand, he is right.",
      "At first you believe him.",
      "“In the morning,” she says.",
      "You say nothing.",
      "At least it is dry.",
    ]
  ) equal(kinds(text), "", text);
});

Deno.test("findBoundaries finds where the topic changes, and names the words", () => {
  const text = [about("boat", 100), about("boat", 60), about("orchard", 80), about("orchard", 90)].join("\n\n");
  const parsed = parseManuscript(text);
  const found = findBoundaries(parsed);
  deepEqual(found.map(({ before }) => before), [2]);
  deepEqual(found[0]?.reasons, [{ kind: "topic", evidence: "boat → orchard" }]);
});

Deno.test("findBoundaries leaves conversations and sentences whole, unless the writer put a mark there", () => {
  const before = about("boat", 120), after = about("orchard", 120);
  const at = (middle: string, start: string) => kindsAt(parseManuscript(`${before}\n\n${middle}\n\n${after}`), start);
  const talk = "“Where is it?” she asks.\n\n“In the orchard,” you say. You look at the orchard, apples, pears.";
  equal(at(talk, "“In the orchard"), undefined);
  equal(
    at("“Where is it?” she asks.\n\nYou look up.\n\nThe next day “It is gone,” you say.", "The next day"),
    undefined,
  );
  ok(at("“Where is it?” she asks.\n\n* * *\n\n“In the orchard,” you say.", "“In the")?.includes("scene break"));
  equal(at("The list says:\n\nThe next day, apples.", "The next day"), undefined);
  const long = `“Where is it?” she asks. ${about("boat", 60)}\n\nThe next day you find it. “Here,” you say.`;
  ok(at(long, "The next day")?.includes("time"));
});

Deno.test("divide keeps chapters whole where their sizes allow, and joins scenes that are short", () => {
  const scene = (words: number) => about("boat", words);
  const text = `# One\n\n${scene(150)}\n\n* * *\n\n${scene(140)}\n\n# Two\n\n${scene(240)}\n\n# Three\n\n${
    scene(150)
  }\n\n# Four\n\n${scene(30)}`;
  const parsed = parseManuscript(text);
  const sizes = divide(parsed, findBoundaries(parsed), { minWords: 200, maxWords: 400 }).map(({ words }) => words);
  // Two scenes in one chapter; a chapter; one that is a little short stays for itself, one that is a scrap does not.
  deepEqual(sizes.map((words) => Math.round(words / 10)), [29, 24, 18]);
});

Deno.test("divide cuts a scene that is too long into parts, and a text without marks into chunks", () => {
  const topics = [
    "boat",
    "orchard",
    "station",
    "glacier",
    "violin",
    "harbour",
    "library",
    "furnace",
    "desert",
    "cellar",
  ];
  const text = (count: number) =>
    topics.slice(0, count).map((thing) => `${about(thing, 90)}\n\n${about(thing, 90)}`).join("\n\n");
  const sizes = { minWords: 150, maxWords: 400 };
  const scene = parseManuscript(text(4));
  const [cut, ...others] = divide(scene, findBoundaries(scene), sizes);
  equal(others.length, 0);
  ok(cut && cut.parts.length >= 2 && cut.parts.every(({ words }) => words <= 400));
  const unmarked = parseManuscript(text(10));
  const chunks = divide(unmarked, findBoundaries(unmarked), sizes);
  ok(chunks.length >= 4 && chunks.every(({ words, parts }) => words <= 400 && parts.length === 0));
});

Deno.test("divide leaves a conversation whole even where it is too long", () => {
  const talk = Array.from({ length: 120 }, (_, i) => `“This is line ${i}, and it is said by one of us,” you say.`).join(
    "\n\n",
  );
  const parsed = parseManuscript(talk);
  const [only, ...others] = divide(parsed, findBoundaries(parsed), { minWords: 200, maxWords: 400 });
  equal(others.length, 0);
  deepEqual(only?.parts, []);
});

Deno.test("findBoundaries cuts a tale that somebody tells over many paragraphs, but not between two speakers", () => {
  const told = (thing: string) => `“${about(thing, 120)}`;
  const tale = parseManuscript([told("boat"), told("boat"), told("orchard"), told("orchard") + "”"].join("\n\n"));
  deepEqual(findBoundaries(tale).map(({ before }) => before), [2]);
  const talk = parseManuscript(
    [told("boat") + "”", told("boat") + "”", told("orchard") + "”", told("orchard") + "”"].join("\n\n"),
  );
  deepEqual(findBoundaries(talk), []);
});

Deno.test("conversations last as long as the pause between two speeches is short", () => {
  const { text, paragraphs } = parseManuscript(`“Go,” you say.\n\n${about("boat", 30)}\n\n“Now,” you say.`);
  deepEqual(conversations(text, paragraphs).slice(1), [true, true]);
  deepEqual(conversations(text, paragraphs, 20).slice(1), [false, false]);
});
