import { deepEqual, equal, match, throws } from "node:assert/strict";
import { UsageError } from "@/core/errors.ts";
import { presetPath } from "@/core/paths.ts";
import { compileThemes, countThemes, parseThemes, ThemeFile } from "@/corpus/themes.ts";

/** A theme file with one category of patterns. */
function withPatterns(...patterns: unknown[]): ThemeFile {
  return ThemeFile.parse({ categories: { theme: { patterns } } });
}

/** What is said of a pattern that is refused. */
function fault(pattern: string): string {
  try {
    compileThemes(withPatterns(pattern));
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "";
}

Deno.test("parseThemes reads comments, trailing commas and bare strings", () => {
  const themes = parseThemes(
    `{ // Two forms of a pattern.
      "categories": { "science": { "description": "Reason", "patterns": [
        { "pattern": "rockets?", "weight": 0.5 }, // Half.
        "steam",
      ] } },
    }`,
    "themes.jsonc",
  );
  deepEqual(themes.categories, ["science"]);
  deepEqual(themes.patterns.map(({ pattern, weight }) => [pattern, weight]), [["rockets?", 500], ["steam", 1000]]);
});

Deno.test("parseThemes names file, line and cause of every bad pattern at once", () => {
  const text = `{
  "categories": {
    "one": { "patterns": [
      "good",
      "bad(",
      { "pattern": "(?<=x)y", "weight": 2 }
    ] },
    "two": { "patterns": ["x*"] }
  }
}`;
  throws(() => parseThemes(text, "my/themes.jsonc"), (error) => {
    equal(error instanceof UsageError, true);
    const { faults, exitCode } = error as UsageError;
    equal(exitCode, 2);
    equal(faults[0], 'Cannot use "my/themes.jsonc:5": the pattern "bad(": a "(" is never closed');
    match(
      faults[1] ?? "",
      /^Cannot use "my\/themes.jsonc:6": the pattern "\(\?<=x\)y": the lookbehind "\(\?<=" is not/,
    );
    match(faults[2] ?? "", /^Cannot use "my\/themes.jsonc:8": the pattern "x\*": it also matches nothing at all/);
    equal(faults.length, 3);
    return true;
  });
});

Deno.test("parseThemes names the line of a file of another shape", () => {
  for (
    const [text, cause] of [
      ['{"categories": {}}', "at least one category is needed"],
      ['{"categories": {"total": {"patterns": ["x"]}}}', '"total" is the name of the sum'],
      ['{\n"categories": {"a": {"patterns": []}}}', 't.jsonc:2": "categories.a.patterns": a category needs'],
      ['{\n"categories": {"a":\n{"patterns": [7]}}}', 't.jsonc:3": "categories.a.patterns.0": a pattern is a text'],
      ['{"categories": {"a": {"patterns": [{"pattern": "x", "weight": -1}]}}}', '"categories.a.patterns.0.weight"'],
      ['{"categories": ', 't.jsonc:1": value expected'],
      [
        '{"categories":\n{"a": {"patterns": ["x"]},\n"a": {"patterns": ["y"]}}}',
        't.jsonc:3": "a" stands here for the second time',
      ],
      ["", "the file is empty"],
    ] as const
  ) throws(() => parseThemes(text, "t.jsonc"), (error: Error) => error.message.includes(cause), text);
});

Deno.test("compileThemes refuses what cannot be matched in one pass, and says what there is instead", () => {
  for (
    const [pattern, cause] of [
      ["(a)\\1", 'the back reference "\\1" is not supported; there are letters'],
      ["a(?=b)", 'the lookahead "(?=" is not supported'],
      ["a(?<!b)", 'the lookbehind "(?<!" is not supported'],
      ["(?<name>a)", "a named group is not supported"],
      ["(?i)a", "case is ignored anyway"],
      ["^a", 'the anchor "^" is not supported'],
      ["a+?", "a match is always the longest one"],
      ["a++", "a match is always the longest one"],
      ["a**", "is repeated twice"],
      ["*a", '"*" has nothing before it'],
      ["a{2", '"{" must open a count'],
      ["a{3,2}", "runs backwards"],
      ["a{1000}", "is larger than 255"],
      ["(a", 'a "(" is never closed'],
      ["a)", 'a ")" has no "("'],
      ["[a", 'a "[" is never closed'],
      ["[]", "a class is empty"],
      ["[z-a]", "runs backwards"],
      ["[\\w-z]", "is no range"],
      ["a\\", "ends in a lone backslash"],
      ["\\q", 'the escape "\\q" is not supported'],
      ["\\p{Nonsense}", "is no Unicode property"],
      ["a\\bb", "\\b inside a pattern"],
      ["a?|b*", "it also matches nothing at all"],
      ["-+", "it can never match"],
      [" a", "it can never match"],
    ] as const
  ) {
    equal(fault(pattern).includes(cause), true, `${pattern}: ${fault(pattern)}`);
  }
});

Deno.test("compileThemes bounds patterns that would take too long", () => {
  match(fault(".*x.*y"), /"\.\*" can run on over any number of words/);
  match(fault("(\\w+ )*plan"), /can run on over any number of words/);
  match(fault("(a{255}){255}"), /it grows too large/);
  match(fault("(((){255}){255}){255}a"), /it grows too large/);
  match(fault("(a|b)*a(a|b){200}"), /it needs too many states/);
  match(fault("(".repeat(60) + "a" + ")".repeat(60)), /groups lie more than 50 deep/);
  match(fault("a".repeat(3000)), /longer than 2000 characters/);
  for (const fine of ["(a+)+", "(a|a)*b", "plan.{0,40}mars", "(\\w+ ){1,5}plan"]) equal(fault(fine), "");
});

Deno.test("countThemes counts whole matches and adds up weights exactly", () => {
  const themes = compileThemes(ThemeFile.parse({
    categories: {
      one: { patterns: [{ pattern: "a", weight: 0.7 }, { pattern: "b", weight: 0.8 }] },
      two: { patterns: [{ pattern: "c", weight: 1.5 }, { pattern: "d", weight: 0 }] },
    },
  }));
  deepEqual(countThemes(themes, "a b c"), { counts: { one: 2, two: 1 }, total: 3, score: 3 });
  deepEqual(countThemes(themes, "d D"), { counts: { two: 2 }, total: 2, score: 0 });
  deepEqual(countThemes(themes, "none"), { counts: {}, total: 0, score: 0 });
});

Deno.test("the preset's themes are the five of the plan", async () => {
  const path = presetPath("deepred/themes.jsonc");
  const themes = parseThemes(await Deno.readTextFile(path), path);
  deepEqual(themes.categories, ["collectivism", "science", "strategy", "exploration", "utopia"]);
});
