/** How long the rows are in tokens, what is cut of them, and how much of them is learnt. */
import { count } from "../../core/format.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import { lengthAt, type TokenSurvey } from "./token_survey.ts";

const CHECK = "tokens";
/** Share of the rows from which what is cut or lost is no accident. Unsloth stops where 30 % of the rows lose all labels. */
const MOST_CUT = 0.1, MOST_UNTRAINED = 0.3;
/** Share of learnt tokens below which most of the work is reading. */
const LEAST_TRAINED = 0.1;

/** What is to be said of the rows' tokens. @param maxLength `--max-seq-length` */
export function checkTokens(survey: TokenSurvey, maxLength: number): Finding[] {
  const { rows, counted, lengths, truncated, untrained, tokens, trained } = survey;
  if (rows === 0) return [];
  const longest = lengths.at(-1) ?? 0;
  const about = counted < rows ? "about " : "";
  const findings: Finding[] = [];
  if (truncated > 0) {
    const level = truncated > MOST_CUT * rows ? error : warning;
    findings.push(level(
      CHECK,
      `${about}${count(truncated)} of ${
        count(rows)
      } rows are longer than --max-seq-length ${maxLength} and lose their ` +
        `end, and with it the token that ends an answer; the longest has ${count(longest)} tokens`,
      `--max-seq-length ${roundUp(longest)}, or leave out what is longer`,
      { facts: { truncated, longest } },
    ));
  }
  if (untrained > 0) {
    const level = untrained > MOST_UNTRAINED * rows ? error : warning;
    findings.push(level(
      CHECK,
      `${about}${count(untrained)} of ${count(rows)} rows have no token that is learnt: they are left out`,
      truncated > 0
        ? `--max-seq-length ${roundUp(longest)}: their answers lie beyond the cut`
        : "Look at the label X-ray.",
      { facts: { untrained } },
    ));
  }
  const share = tokens === 0 ? 0 : trained / tokens;
  const [half, most] = [0.5, 0.95].map((q) => lengthAt(survey, q));
  findings.push(ok(
    CHECK,
    `Rows have ${about}${count(half ?? 0)} tokens in the middle, 95 % up to ${count(most ?? 0)}, the longest ${
      count(longest)
    }; ${Math.round(100 * share)} % of all tokens are learnt` +
      (counted < rows ? ` (${count(counted)} rows counted)` : ""),
    { facts: { median: half ?? 0, p95: most ?? 0, longest, tokens, trained } },
  ));
  if (share < LEAST_TRAINED && untrained < rows) {
    findings.push(warning(
      CHECK,
      `Only ${(100 * share).toFixed(1)} % of the tokens are learnt: the rest is read for them`,
      "Shorten the system messages or lengthen the answers; each epoch costs the same.",
    ));
  }
  return findings;
}

/** Up to a multiple of 64, which kernels like. */
function roundUp(tokens: number): number {
  return Math.ceil(tokens / 64) * 64;
}
