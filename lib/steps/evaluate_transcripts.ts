/** The answers of both models side by side, and what was made of each of them. */
import { writeFileAtomic } from "../core/files.ts";
import type { Side } from "../evaluation/answers.ts";
import { type Evidence, violates } from "../evaluation/measures.ts";
import { answerKey } from "../evaluation/scoring.ts";
import type { Scored } from "../evaluation/scoring.ts";
import type { Evaluation } from "./evaluate.ts";
import type { EvaluatePaths } from "./evaluate_options.ts";

/** A question with its answers by side, in the order of the samples. */
export interface Conversation {
  readonly id: string;
  readonly category: string;
  readonly before: readonly string[];
  readonly prompt: string;
  /** The fact that it is about. */
  readonly fact: string | undefined;
  readonly answers: Readonly<Record<Side, readonly { readonly text: string; readonly notes: readonly string[] }[]>>;
}

/** Answers by question, in the order of the questions. */
export function conversations(scored: readonly Scored[], evidence: Evidence): Conversation[] {
  return [...Map.groupBy(scored, ({ question }) => question.id).values()].map((group): Conversation => {
    const [{ question }] = group as [Scored];
    const of = (side: Side) =>
      group.filter(({ answer }) => answer.side === side)
        .sort((a, b) => a.answer.sample - b.answer.sample)
        .map((one) => ({ text: one.answer.answer, notes: notesOn(one, evidence) }));
    return {
      id: question.id,
      category: question.category,
      before: question.before ?? [],
      prompt: question.prompt,
      fact: question.evidence && `${question.evidence.fact} (${question.evidence.year})`,
      answers: { tuned: of("tuned"), base: of("base") },
    };
  });
}

/** What was made of an answer, in words. */
export function notesOn(one: Scored, { decisions, marks }: Evidence): string[] {
  const { defect, style, temporal, control, broken } = one;
  const key = answerKey(one);
  const decision = decisions?.get(key);
  const notes: string[] = [];
  if (defect) notes.push(defect);
  if (temporal) {
    const judged = decision?.violation === undefined ? "" : ` (judge: ${decision.evidence})`;
    if (violates(one, decisions)) {
      const what = temporal.violation ? `“${temporal.violation.text}”, ${temporal.violation.why}` : "";
      notes.push(`violation: ${what}${judged}`.replace(/: (?= \(|$)/, ""));
    } else {
      const excused = temporal.nominations.filter(({ excuse }) => excuse).map(({ text, excuse }) =>
        `“${text}”: ${excuse}`
      );
      if (excused.length > 0 || judged) {
        notes.push(`passes${excused.length > 0 ? ` (${excused.join("; ")})` : ""}${judged}`);
      }
    }
  }
  if (style) {
    if (style.stuffed) notes.push(`theme words heaped up: ${(100 * style.density).toFixed(0)} in a hundred`);
    else notes.push(style.consistent ? `in style, ${style.lemmas.length} theme words of its own` : "not in style");
  }
  if (control) notes.push(control.right ? "right" : control.refused ? "says that it does not know" : "wrong");
  if (broken) notes.push(`drops the mask: ${broken}`);
  const judgement = marks?.get(key);
  if (judgement) {
    const list = Object.entries(judgement.marks).map(([id, { score }]) => `${id} ${score?.toFixed(1) ?? "unreadable"}`);
    notes.push(`judge: ${list.join(", ")}`);
  }
  return notes;
}

/** One row an answer: all that was decided on it, so that a person can check any of it. */
export function* scoreRows(scored: readonly Scored[], evidence: Evidence): Generator<Record<string, unknown>> {
  const { decisions, marks } = evidence;
  for (const one of scored) {
    const { answer, question, defect, style, temporal, control, broken } = one;
    const decision = decisions?.get(answerKey(one));
    yield {
      side: answer.side,
      prompt_id: question.id,
      category: question.category,
      sample: answer.sample,
      ...(defect ? { defect } : {}),
      ...(temporal
        ? {
          temporal: { violation: violates(one, decisions), denies: temporal.denies, nominations: temporal.nominations },
        }
        : {}),
      ...(decision ? { decision } : {}),
      ...(style ? { style } : {}),
      ...(control ? { control } : {}),
      ...(broken ? { broken } : {}),
      ...(marks?.get(answerKey(one)) ? { marks: marks.get(answerKey(one))?.marks } : {}),
      answer: answer.answer,
    };
  }
}

/** Writes transcripts.md and its page. */
export async function writeTranscripts(
  paths: EvaluatePaths,
  { models, source }: Evaluation,
  scored: readonly Scored[],
  evidence: Evidence,
): Promise<void> {
  const { transcriptPage } = await import("../view/evaluation_transcripts.ts");
  const list = conversations(scored, evidence);
  const names = { tuned: models.tuned?.name ?? "", base: models.base?.name ?? "" };
  await writeFileAtomic(paths.transcripts, transcriptsMarkdown(list, names, source));
  await writeFileAtomic(paths.transcriptsHtml, await transcriptPage(list, names));
}

const SIDES: readonly Side[] = ["tuned", "base"];

/** The transcripts as Markdown; whatever a model wrote stays text. */
export function transcriptsMarkdown(
  list: readonly Conversation[],
  names: Readonly<Record<Side, string>>,
  source: string,
): string {
  const lines = ["# Transcripts", "", `Answers: ${plainMarkdown(source)}`, ""];
  for (const [category, group] of Map.groupBy(list, ({ category }) => category)) {
    lines.push(`## ${plainMarkdown(category.replaceAll("_", " "))}`, "");
    for (const { id, before, prompt, fact, answers } of group) {
      lines.push(`### ${plainMarkdown(id.replaceAll("_", " "))}`, "");
      for (const [turn, text] of [...before, prompt].entries()) {
        lines.push(`**${turn % 2 === 0 ? "User" : "Earlier answer"}:** ${plainMarkdown(text)}`, "");
      }
      if (fact) lines.push(`Fact: ${plainMarkdown(fact)}`, "");
      for (const side of SIDES) {
        for (const [number, { text, notes }] of answers[side].entries()) {
          const title = `${side}${names[side] ? ` (${names[side]})` : ""}, answer ${number + 1}`;
          lines.push(`**${plainMarkdown(title)}:** ${plainMarkdown(notes.join("; ")) || "no remark"}`, "");
          lines.push(
            ...(text.trim() || "(nothing)").split("\n").map((line) => `> ${plainMarkdown(line)}`.trimEnd()),
            "",
          );
        }
      }
    }
  }
  return lines.join("\n");
}

/** Text that Markdown shows as it is: no HTML, no links, no emphasis, no structure. */
function plainMarkdown(text: string): string {
  return text
    // deno-lint-ignore no-control-regex
    .replace(/[\0-\x08\x0b-\x1f\x7f]/g, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replace(/[\\`*_{}[\]#|~$]/g, "\\$&")
    .replace(/:(?=\/\/)/g, "&#58;")
    .replace(/\b(www)\./gi, "$1&#46;")
    .replace(/^(\s*)([-+=]|\d+[.)])/, "$1\u200b$2")
    .replace(/\n/g, " ");
}
