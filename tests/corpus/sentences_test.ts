import { deepEqual, equal, ok } from "node:assert/strict";
import { splitParagraphs } from "@/corpus/paragraphs.ts";
import { splitSentences } from "@/corpus/sentences.ts";

/** A case is its sentences, joined by a space: they must come apart where they were joined, and nowhere else. */
const CASES: Record<string, string[]> = {
  "titles and initials": [
    "Mr. T. E. Lawrence met Mrs. Dalloway and Dr. J. H. Watson at St. Petersburg.",
    "Mme. Olenska and M. Thiers stayed with Messrs. Smith & Co. Ltd. in Ste. Anne.",
    "Capt. Nemo, Prof. A. N. Whitehead, Lieut. Col. Moran and the Rev. W. Paley agreed.",
  ],
  "an initial at the start": ["J. R. R. Tolkien wrote.", "H. G. Wells answered.", "I. Newton was silent."],
  "joined initials": ["J.R.R. Tolkien knew G.K. Chesterton.", "They met."],
  "Latin abbreviations": ["Some, e.g. Plato, i.e. the philosopher, cf. Aristotle, viz. all.", "Others did not."],
  "abbreviations that may end a sentence": [
    "He lived in the U.S. Senate for years, etc. and so on.",
    "They came at 5 p.m. He left at 6 a.m. sharp.",
    "We sold pots, pans, etc. The rest was kept.",
  ].flatMap((text) => text.split(/(?<=p\.m\.|etc\.) (?=He|The)/)),
  "numbers": [
    "See No. 5 and Nos. 6 and 7.",
    "Vol. II, Chap. IV, p. 12, Fig. 3 show it.",
    "It cost 3.14 crowns in Dec. 1905.",
  ],
  "an answer that looks like a number sign": ["Did he go?", "No. I did not see him.", "No. He stayed."].flatMap((
    text,
  ) => text.split(/(?<=No\.) /)),
  "numbered points": [
    "1. The means of production.",
    "IV. The king departs.",
    "He was thirty in 1848.",
    "Then he died.",
  ],
  "the pronoun at the end": ["It was I.", "Nobody else came.", "So did I.", "The door closed."],
  "speech with a tag": [
    '"Where are you going?" said he.',
    '"Stop!" cried the old man.',
    "\u201cWhat is it?\u201d Mr. Bounderby asked.",
    "\u201cNever!\u201d I answered.",
    "\u201cWhat then?\u201d Raskolnikov quickly replied.",
    "\u201cIs it far?\u201d",
    "The driver laughed.",
  ],
  "stops within quotation marks and brackets": [
    'He said, "It is done."',
    "(They had gone.)",
    "\u2018So I hear.\u2019",
    "[He sat.]",
    "Well.",
  ],
  "ellipses": [
    "He waited... and waited.",
    "She left . . .",
    "The house was empty.",
    "Perhaps\u2026",
    "But no\u2026 never.",
  ],
  "marks in a row": ["What?!", "You!!", "Really?", "Yes."],
  "references to notes": ["It is known.[12]", "It was proved.[3]", "So there."],
  "saints and streets": ["He walked down St. James Street to St. Paul's.", "It rained."],
  "a dash": ["\u201cWhy?\u201d\u2014he stopped.", "\u2014 And then?", "\u2014 Nothing."],
  "other scripts": [
    "\u041e\u043d \u043f\u0440\u0438\u0448\u0451\u043b.",
    "\u041e\u043d\u0430 \u0443\u0448\u043b\u0430.",
    "\u00c9tienne vint.",
    "\u00c0 demain!",
  ],
  "italics": ["_He came._", "_She went!_", "Nobody."],
};

for (const [name, sentences] of Object.entries(CASES)) {
  Deno.test(`splitSentences splits ${name}`, () => {
    const text = sentences.join(" ");
    deepEqual(splitSentences(text).map(({ start, end }) => text.slice(start, end)), sentences);
  });
}

Deno.test("splitSentences ends a sentence at a blank line and not at a line break", () => {
  const text = "CHAPTER I\n\nIt was\nlate\n \t\nand dark  \n\n\n\nEnd";
  deepEqual(splitSentences(text).map(({ start, end }) => text.slice(start, end)), [
    "CHAPTER I",
    "It was\nlate",
    "and dark",
    "End",
  ]);
});

Deno.test("splitSentences answers nothing for white space", () => {
  for (const text of ["", " ", "\n\n \n"]) deepEqual(splitSentences(text), []);
});

Deno.test("splitSentences keeps to the part it is given", () => {
  const text = "One. Two. Three. Four.";
  deepEqual(splitSentences(text, 5, 16).map(({ start, end }) => text.slice(start, end)), ["Two.", "Three."]);
});

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

Deno.test("splitSentences and splitParagraphs leave out white space only, on random texts", () => {
  const next = random(1);
  const parts = [
    "Mr.",
    "He",
    "a",
    ".",
    "?",
    "!",
    '"',
    "\u201d",
    ")",
    " ",
    " ",
    "\n",
    "\n\n",
    "\u2026",
    "I",
    "[1]",
    "\u00a0",
    "\ud83d\ude00",
    "..",
  ];
  for (let run = 0; run < 3000; run++) {
    const text = Array.from({ length: Math.floor(next() * 40) }, () => parts[Math.floor(next() * parts.length)]).join(
      "",
    );
    for (const ranges of [splitSentences(text), splitParagraphs(text)]) {
      let at = 0;
      for (const { start, end } of ranges) {
        equal(text.slice(at, start).replace(/[ \n]/g, ""), "", `gap in ${JSON.stringify(text)}`);
        ok(
          end > start && text.slice(start, end).replace(/^[ \n]|[ \n]$/g, "").length === end - start,
          JSON.stringify(text),
        );
        at = end;
      }
      equal(text.slice(at).replace(/[ \n]/g, ""), "", JSON.stringify(text));
    }
    for (const { start, end } of splitParagraphs(text)) {
      ok(!/\n\s*\n/.test(text.slice(start, end).replaceAll("\u00a0", "x")));
    }
  }
});

Deno.test("splitSentences comes to an end on hostile texts, within them and in order", () => {
  for (const unit of ["a.", ".", "x ", "\n", ". ", '?"', "A. ", "\n ", "[1]", "(", " .", "\u201c", "x\n\n", "( Mr. "]) {
    const text = unit.repeat(1_000_000); // A quadratic way would need minutes.
    let last = 0;
    for (const { start, end } of splitSentences(text)) {
      if (start < last || end <= start || end > text.length) ok(false, `${JSON.stringify(unit)}: ${start}–${end}`);
      last = end;
    }
  }
});
