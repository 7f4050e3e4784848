import { unicodeWidth } from "@std/cli/unicode-width";
import { strictEqual } from "node:assert/strict";

const widths: Record<string, [text: string, columns: number][]> = {
  "printable ASCII as one column": [["", 0], ["e2-e4 !", 7]],
  "letters of narrow scripts as one column": [["Замятин", 7], ["Čapek", 5], ["ﬁ—…", 3]],
  "wide scripts as two columns": [["象棋", 4], ["チェス", 6], ["체스", 4], ["ＡＢ", 4]],
  "combining marks as none": [["e\u0301", 1], ["กี่", 1], ["\u200b", 0]],
  "vowels and finals of Hangul syllables as none": [["\u1112\u1161\u11ab", 2]],
  "emoji by their parts": [["♟", 1], ["🦕", 2], ["👩‍🔬", 4]],
  "controls as none": [["\t\r\n\0\x7f\x9f", 0]],
  "the soft hyphen as one column": [["a\u00adb", 3]],
};

for (const [what, cases] of Object.entries(widths)) {
  Deno.test(`unicodeWidth counts ${what}`, () => {
    for (const [text, columns] of cases) strictEqual(unicodeWidth(text), columns, JSON.stringify(text));
  });
}
