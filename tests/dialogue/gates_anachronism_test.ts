import { deepEqual, equal, ok, throws } from "node:assert/strict";
import {
  AnachronismFile,
  anachronismFinder,
  checkAnachronisms,
  loadAnachronisms,
} from "@/dialogue/gates_anachronism.ts";
import { gateFiles } from "@/dialogue/gates_load.ts";

const FILE = await loadAnachronisms(gateFiles({}).anachronisms);

Deno.test("the anachronisms of the preset pass their own tests", () => {
  deepEqual(checkAnachronisms(FILE), []);
  ok(FILE.entries.length >= 150, `${FILE.entries.length} entries`);
  ok(FILE.entries.every(({ first_year }) => first_year > 1969), "an entry that the persona may know");
});

Deno.test("anachronismFinder leaves alone what the period had", () => {
  const find = anachronismFinder(FILE, 1969);
  for (
    const sentence of [
      "The computer was taught by cybernetics and its software was kept on cards; a laser read them.",
      "The mouse ran under the window; the windows were shut; a cloud hid the web of girders.",
      "Comrade Apple, who came from Java by way of Chernobyl, kept his tools in the mir's barn.",
      "She aids the sick, and the network of clinics is linked by telephone and teleprinter.",
      "An artificial intelligence of neurons and transistors may one day play chess as Botvinnik does.",
    ]
  ) equal(find(sentence)?.text, undefined, sentence);
});

Deno.test("anachronismFinder knows forecasts and counts from years that are told as past", () => {
  const find = anachronismFinder({ entries: [] }, 1969);
  const passes = [
    "By 1980 we shall have a hundred domes.",
    "By 1980 the steel of ten Magnitogorsks.",
    "In the year 2000 our children will walk to school under glass.",
    "The plan promises bread for all in 1975.",
    "If we begin now, in 1990 the dome stands.",
    "They forecast a harvest of 2000 tons in 1972.",
    "A rating of 2000 is that of a candidate master.",
    "The lift of 2000 kilograms was his; of 1975 men none was late.",
    "The hall holds 2000, and 1984 stairs lead up to it.",
    "The nineteen sixties were hungry; in 1969 we landed.",
    "The total of 1999 was never reached again.",
    "In 1968 the first ship came.",
    "It weighs 1.975 grams, or 2000.5 at noon.",
  ];
  for (const sentence of passes) equal(find(sentence)?.text, undefined, sentence);
  const flags = [
    "In 1991 the old union fell.",
    "Since 1975 nobody has seen him.",
    "In 1991 the union fell, and we shall mourn it.",
    "The 1980s were a hungry time.",
    "The music of the '80s was loud.",
    "What happened in 1986?",
    "He was born in nineteen seventy-two.",
    "In two thousand and one the towers fell.",
    "In March 1985 a new man took the chair.",
  ];
  for (const sentence of flags) ok(find(sentence), sentence);
});

Deno.test("anachronismFinder obeys another last year", () => {
  const find = anachronismFinder(FILE, 1985);
  equal(find("The microprocessor counts our breaths; in 1984 it began."), undefined);
  equal(find("The World Wide Web joins all.")?.text, "World Wide Web");
  equal(find("In 1991 the union fell.")?.text, "In 1991");
});

Deno.test("checkAnachronisms tells what an entry misses, catches wrongly, or cannot be read", () => {
  const entry = { pattern: "tele(vision", first_year: 1980, sense: "a bad one", flags: ["The television."] };
  const file = (...entries: object[]) => AnachronismFile.parse({ entries });
  equal(checkAnachronisms(file(entry)).length, 1);
  throws(() => anachronismFinder(file(entry), 1969), /"a bad one".*tele\(vision/);
  const good = { ...entry, pattern: "television", passes: ["A television."] };
  deepEqual(checkAnachronisms(file(good)), ['"a bad one" catches "A television." at "television"']);
  deepEqual(checkAnachronisms(file({ ...good, flags: ["A radio."], passes: [] })), [
    '"a bad one" does not catch "A radio."',
  ]);
});
