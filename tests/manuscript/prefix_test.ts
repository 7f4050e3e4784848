import { deepEqual, equal, ok } from "node:assert/strict";
import { cutPrefix, prefixFaults } from "@/manuscript/prefix.ts";

const SHARES = { least: 0.05, most: 0.1 };
const walk = (words: number) => "You walk on along the wall, and you count. ".repeat(Math.round(words / 9)).trim();

Deno.test("cutPrefix cuts between 5 and 10 % at a sentence end, and loses no letter", async () => {
  const text = await Deno.readTextFile("data-samples/manuscript/one_over.md");
  for (const chapter of text.split(/^## .*$/m).slice(1)) {
    const chunk = chapter.trim();
    const cut = cutPrefix(chunk, SHARES);
    ok(cut);
    equal(cut.prefix + cut.completion, chunk);
    ok(cut.inRange && cut.share >= 0.05 && cut.share <= 0.1);
    deepEqual(prefixFaults(cut.prefix, cut.completion, SHARES), []);
    equal(cut.prefix, cut.prefix.trimEnd());
  }
});

Deno.test("cutPrefix leaves quotations, italics, ellipses, abbreviations and speech tags whole", () => {
  // Each opening has traps about where 7.5 % lie; only the ends that are named are right.
  for (
    const [opening, ends] of [
      ["“Go. Stay there. Do not look,” she says. You", ["says."]],
      ["*I am here. I was here. I will be.* You", ["be.*"]],
      ["Dr. Hale met Mr. J. R. Abbot at 4 p.m. on Tuesday… and left. You", ["left."]],
      ["“Where?” she asked. You", ["asked."]],
      ["“Who’s short?” Oster says nothing… You", ["short?”", "nothing…"]],
      ["See No. 4, p. 12, at St. Ansel’s. You", ["Ansel’s."]],
    ] as const
  ) {
    const text = `${opening} ${walk(Math.round(opening.length * 2.1))}`;
    const cut = cutPrefix(text, SHARES);
    ok(cut && ends.some((end) => cut.prefix.endsWith(end)), `${cut?.prefix} | ${opening}`);
    equal(cut.prefix + cut.completion, text);
  }
});

Deno.test("cutPrefix takes the nearest end where none is in range, and says so", () => {
  const long = `You wait ${"and wait ".repeat(40)}for him. ${walk(300)}`;
  const cut = cutPrefix(long, SHARES);
  ok(cut && !cut.inRange && cut.prefix.endsWith("for him."));
});

Deno.test("cutPrefix answers nothing for one sentence, or for a first one that fills half of the text", () => {
  equal(cutPrefix("You wait.", SHARES), undefined);
  equal(cutPrefix("You wait and wait", SHARES), undefined);
  equal(cutPrefix("", SHARES), undefined);
  equal(cutPrefix(`You wait ${"and wait ".repeat(40)}for him. You go.`, SHARES), undefined);
});

Deno.test("prefixFaults names what a person should look at", () => {
  const faults = (prefix: string, completion: string) => prefixFaults(prefix, completion, SHARES).join("; ");
  const good = walk(45);
  equal(faults(good, ` ${walk(600)}`), "");
  ok(faults(`${good} You go`, ` on. ${walk(600)}`).includes("in the middle of a sentence"));
  ok(faults(`${good} You meet Mr.`, ` Abbot. ${walk(600)}`).includes("in the middle of a sentence"));
  ok(faults(`${good} “Go.`, ` Stay,” she says. ${walk(600)}`).includes("inside a quotation"));
  ok(faults(`${good} *I go.`, ` I stay.* ${walk(600)}`).includes("inside italics"));
  ok(faults("You wait.", ` ${walk(600)}`).includes("too short: 2 words"));
  ok(faults(walk(300), ` ${walk(300)}`).includes("too long: 50.0 %"));
  ok(faults(`# One\n\n${good}`, ` ${walk(600)}`).includes("begins with a heading"));
  ok(faults(`${good}\n\n`, walk(600)).includes("ends with white space"));
  equal(faults("", "x"), "it is empty");
  ok(faults(good, "\n").includes("nothing comes after it"));
});
