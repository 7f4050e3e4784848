import { deepEqual, equal, ok } from "node:assert/strict";
import { narrationOf, type Pov, povOf, povProfile, povWindows } from "@/evaluation/pov.ts";
import { blank, dialogueRatio, findDialogue } from "@/evaluation/pov_dialogue.ts";
import { findItalics, italicsProfile } from "@/evaluation/pov_italics.ts";
import { labelledPassages } from "./passages.ts";

const spoken = (text: string) => findDialogue(text).map(({ start, end }) => text.slice(start, end));

Deno.test("povOf takes the rules in their order, with their limits", () => {
  const pov = (first: number, second: number, third: number) => povOf({ first, second, third });
  equal(pov(0, 4, 0), "unknown"); // Four pronouns in all.
  equal(pov(1, 4, 0), "second");
  equal(pov(0, 4, 9), "second"); // 4 of 13: 31 %.
  equal(pov(0, 4, 10), "third"); // 4 of 14: 29 %.
  equal(pov(0, 3, 7), "third"); // 30 %, but three.
  equal(pov(5, 5, 0), "first"); // Not more than of the first.
  equal(pov(4, 5, 4), "second");
  equal(pov(1, 0, 3), "unknown");
  equal(pov(2, 0, 6), "first"); // 25 %.
  equal(pov(2, 0, 7), "third");
});

Deno.test("povProfile tells second person from others on passages labelled by hand", async () => {
  const passages = await labelledPassages();
  const second = passages.filter(({ pov }) => pov === "second");
  ok(second.length >= 50);
  for (const { pov, text } of passages) {
    const [window] = povWindows(text);
    ok(
      window && (window.pov === pov || window.pov === "unknown"),
      `${window?.pov} is not ${pov}: ${text.slice(0, 60)}`,
    );
  }
  // Passages of 60 words are short for the rules, conversations have 20 words of narration; in windows of 300 words, as
  // the rules were made for, all are told.
  const enough = second.filter(({ text }) => (povWindows(text)[0]?.words ?? 0) >= 50);
  const told = enough.filter(({ text }) => povWindows(text)[0]?.pov === "second");
  ok(enough.length >= 39 && told.length / enough.length > 0.9, `${told.length} of ${enough.length}`);
  for (const label of ["second", "first", "third"] as Pov[]) {
    const joined = passages.filter(({ pov }) => pov === label).map(({ text }) => text).join("\n\n");
    const { counts, windows, known } = povProfile([joined]);
    equal(counts[label], windows.length, label);
    equal(known, 1);
  }
});

Deno.test("povProfile counts narration only: without masking, speech would change who tells", () => {
  const third =
    "She closed her book. “I told you that I would, and I will, if you let me,” he said, and took his hat. " +
    "She let him go. He stood on her step and put his collar up. ";
  equal(povProfile([third.repeat(4)]).counts.third, 1);
  const second =
    "You close your book. “I told her that I would, and I will, my dear, I will,” he says, and takes his hat. " +
    "You let him go. *Why do I always do what I am told?* You put your collar up and wait on your own step. ";
  equal(povProfile([second.repeat(4)]).secondShare, 1);
});

Deno.test("povProfile makes windows of 300 words that never span two texts, and leaves no small rest", () => {
  const words = (count: number) => "you walk and they see ".repeat(count / 5);
  deepEqual(povWindows(words(700)).map(({ words }) => words), [300, 400]);
  deepEqual(povWindows(words(800)).map(({ words }) => words), [300, 300, 200]);
  const { windows, known, secondShare } = povProfile([words(100), words(350), "", "You?"]);
  deepEqual(windows.map(({ words }) => words), [100, 350, 1]);
  equal(known, 2 / 3);
  equal(secondShare, 1);
  deepEqual(povProfile([]), {
    windows: [],
    counts: { first: 0, second: 0, third: 0, unknown: 0 },
    known: 0,
    secondShare: undefined,
  });
  const text = words(700);
  const [, last] = povWindows(text);
  equal(last?.end, text.trimEnd().length);
});

Deno.test("narrationOf leaves out uses of you that mean nobody, and keeps those that tell", () => {
  const left = (text: string) => /\byou/i.test(narrationOf(text));
  for (
    const generic of [
      "It was, you know, a small house.",
      "You see, nobody came.",
      "He gave, if you will, a performance.",
      "The list ended: thank you, and a stamp.",
      "Mind you, it was raining.",
      "There you could hear a pin drop.",
    ]
  ) ok(!left(generic), generic);
  for (
    const told of ["You see the door.", "You know the way.", "If you will open it, it opens.", "Then you see: a cat."]
  ) {
    ok(left(told), told);
  }
});

Deno.test("findDialogue reads quotation marks of all makes", () => {
  deepEqual(spoken('"Go," he says. You go. "Back?"'), ['"Go,"', '"Back?"']);
  deepEqual(spoken("“Go,” he says. You go. “Back?”"), ["“Go,”", "“Back?”"]);
  deepEqual(spoken("«Va», dit-il. »Geh«, sagt er. „Geh“, sagt er."), ["«Va»", "»Geh«", "„Geh“"]);
  deepEqual(spoken('A board of 6" and 4". “Cut it.”'), ["“Cut it.”"]);
  deepEqual(spoken("A lost mark” stays. “Yes.”"), ["“Yes.”"]);
});

Deno.test("findDialogue takes speech that fills several paragraphs to the end of each", () => {
  const text = "“First I ran.\n\n“Then I fell,” he says.\n\nYou wait.";
  deepEqual(spoken(text), ["“First I ran.", "“Then I fell,”"]);
  const lines = `“First I ran.\n“Then I fell.”\n${"You wait and wait. ".repeat(9)}\nYou go.`;
  deepEqual(spoken(lines), ["“First I ran.", "“Then I fell.”"]); // A line each, without blank lines.
});

Deno.test("findDialogue takes single marks where there are no double ones, and knows apostrophes", () => {
  deepEqual(spoken("‘Don’t,’ she says. The boys’ room is ’cause enough. ‘It’s late.’"), ["‘Don’t,’", "‘It’s late.’"]);
  deepEqual(spoken("'Don't,' she says. 'Tis late, and the dogs' bowl is dry. 'Well?'"), ["'Don't,'", "'Well?'"]);
  deepEqual(spoken("A ‘so-called’ house in the class of ’68."), []);
  deepEqual(spoken("“He said ‘no,’ flat,” she says."), ["“He said ‘no,’ flat,”"]);
});

Deno.test("findDialogue takes a paragraph that begins with a dash, unless it goes on with a sentence", () => {
  deepEqual(spoken("— Go, he says.\n\nYou go.\n\n—and then nothing."), ["— Go, he says."]);
});

Deno.test("dialogueRatio is the share of characters, 0 of nothing", () => {
  equal(dialogueRatio(""), 0);
  equal(dialogueRatio("You wait."), 0);
  equal(dialogueRatio('"ab" cdef.'), 0.4);
  equal(blank("abcdef", [{ start: 1, end: 3 }, { start: 2, end: 4 }]), "a   ef");
});

Deno.test("findItalics tells an inner voice from emphasis", () => {
  const kinds = (text: string) => findItalics(text).map(({ kind, text }) => `${kind}: ${text}`);
  deepEqual(kinds("*I am not ready.* The *Halcyon* lies _very_ still. <em>Who is there?</em>"), [
    "monologue: I am not ready.",
    "emphasis: Halcyon",
    "emphasis: very",
    "monologue: Who is there?",
  ]);
  deepEqual(kinds("***Run, run now!*** and **bold** and *I waited all day*"), [
    "monologue: Run, run now!",
    "emphasis: I waited all day",
  ]);
});

Deno.test("findItalics leaves scene breaks, products, names with underscores and marks without a partner", () => {
  for (
    const text of [
      "* * *",
      "2 * 3 * 4",
      "snake_case_name",
      "A footnote* here.",
      "One * here.\n\nOne* there.",
      "**bold**",
    ]
  ) deepEqual(findItalics(text), [], text);
  deepEqual(findItalics("A note* and\n\nthen *this*").map(({ text }) => text), ["this"]);
  deepEqual(findItalics("*over a\nline*").map(({ text }) => text), ["over a\nline"]);
});

Deno.test("italicsProfile counts in 1,000 words", () => {
  const profile = italicsProfile(`*I am here now.* ${"word ".repeat(96)}`);
  equal(profile.monologuesPer1000, 10);
  equal(profile.emphasesPer1000, 0);
  equal(profile.share, 0.04);
  equal(italicsProfile("").share, 0);
});
