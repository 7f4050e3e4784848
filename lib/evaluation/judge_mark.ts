import { z } from "zod";

const Mark = z.object({
  criterion: z.string().optional().catch(undefined),
  // A digit in quotes is the same mark; 4.5, 0 and 6 are none.
  score: z.union([z.int(), z.string().regex(/^\s*[1-5]\s*$/).transform(Number)]).pipe(z.int().min(1).max(5)),
  evidence: z.string().catch(""),
});

/** Longest reason that is kept, in characters. */
const LONGEST = 600;

/**
 * Reads a judge's mark: one JSON object, alone, fenced or with talk around it. Never guesses: prose, a mark outside 1 to 5,
 * a broken mark, another criterion's mark, or two different marks are none.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { readMark } from "@/evaluation/judge_mark.ts";
 *
 * const voice = { id: "voice", title: "Voice" };
 * equal(readMark('My mark: {"criterion": "voice", "score": 4, "evidence": "Calm."}', voice)?.score, 4);
 * equal(readMark("I would say 4 out of 5.", voice), undefined);
 * ```
 */
export function readMark(
  text: string,
  criterion: { readonly id: string; readonly title: string },
): { score: number; evidence: string } | undefined {
  const marks = objects(text).flatMap((value) => Mark.safeParse(value).data ?? []);
  const [first, ...others] = marks;
  if (!first || others.some(({ score }) => score !== first.score)) return undefined;
  const named = marks.flatMap((mark) => mark.criterion === undefined ? [] : [plain(mark.criterion)]);
  if (named.some((name) => name !== plain(criterion.id) && name !== plain(criterion.title))) return undefined;
  return { score: first.score, evidence: first.evidence.trim().slice(0, LONGEST) };
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** The objects with a score in a text. Marks are flat: an object in an object is none. */
export function objects(text: string): unknown[] {
  return [...text.slice(0, 20_000).matchAll(/\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}/gs)].flatMap(([json]) => {
    try {
      // Models without a grammar write line breaks into their strings.
      return [JSON.parse(json.replace(/"(?:[^"\\]|\\.)*"/gs, (string) => string.replace(/\r?\n/g, "\\n")))];
    } catch {
      return [];
    }
  });
}
