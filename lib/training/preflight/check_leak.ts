/** Whether validation measures what training has not seen. */
import { count } from "../../core/format.ts";
import { createDuplicateIndex, NEAR_DUPLICATE } from "../../dialogue/minhash.ts";
import type { PlacedRow } from "./check_dataset.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

const CHECK = "leak";
/** Share of the validation that may be known from training before its loss says nothing. */
const MOST_KNOWN = 0.2;
/** Rows from which a validation loss is more than noise. */
const FEW_ROWS = 20;

interface Side {
  readonly rows: readonly PlacedRow[];
  readonly path: string;
}

/** Validation rows that repeat training rows: nearly the same answer, or the same question. */
export function checkLeak(train: Side, val: Side): Finding[] {
  if (val.rows.length === 0) {
    return [warning(
      CHECK,
      "There are no validation rows: no loss tells when to stop, and no checkpoint is best",
      "--val-split 0.1, or `deno task split`, which deals whole books",
    )];
  }
  const answers = createDuplicateIndex<number>();
  const questions = new Map<string, number>();
  for (const { line, messages } of train.rows) {
    answers.add(line, last(messages, "assistant"));
    const key = plain(last(messages, "user"));
    if (!questions.has(key)) questions.set(key, line);
  }
  const near = val.rows.flatMap(({ line, messages }) => {
    const found = answers.find(last(messages, "assistant"));
    return found ? [{ line, twin: found.id, jaccard: found.jaccard }] : [];
  });
  const asked = val.rows.flatMap(({ line, messages }) => {
    const twin = questions.get(plain(last(messages, "user")));
    return twin === undefined ? [] : [{ line, twin }];
  });
  const findings: Finding[] = [];
  const rows = count(val.rows.length);
  const mend = "`deno task split` deals whole books, so that neither book nor near-duplicate is on both sides";
  const [first] = near;
  if (first) {
    const level = near.length > MOST_KNOWN * val.rows.length ? error : warning;
    findings.push(level(
      CHECK,
      `${count(near.length)} of ${rows} validation answers are known from training (similarity ${NEAR_DUPLICATE} or ` +
        `more): ${val.path}:${first.line} is ${first.jaccard.toFixed(2)} like ${train.path}:${first.twin}`,
      mend,
      { facts: { rows: near.length } },
    ));
  }
  const [question] = asked;
  if (question) {
    findings.push(warning(
      CHECK,
      `${
        count(asked.length)
      } of ${rows} validation questions are asked in training too: ${val.path}:${question.line} ` +
        `as ${train.path}:${question.twin}`,
      mend,
      { facts: { rows: asked.length } },
    ));
  }
  if (val.rows.length < FEW_ROWS) {
    findings.push(warning(
      CHECK,
      `Only ${rows} rows to validate on: their loss is mostly noise`,
      "Bring more examples, or let more of them validate: --train-ratio 0.8 in `split` or `gaea:prepare`",
    ));
  }
  if (findings.length === 0) {
    findings.push(ok(CHECK, `None of ${rows} validation rows is known from training`));
  }
  return findings;
}

function last(messages: PlacedRow["messages"], role: "user" | "assistant"): string {
  return messages.findLast((message) => message.role === role)?.content ?? "";
}

/** A question without what people change when they copy one. */
function plain(question: string): string {
  return question.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}
