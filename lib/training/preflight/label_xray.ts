/** Rows as the trainer sees them: tokens, each learnt or only read. */
import type { ChatTokenizer, Token } from "../chat_tokens.ts";
import type { ChatRenderer, TrainOn } from "../template.ts";
import type { PlacedRow } from "./check_dataset.ts";

/** A run of tokens that are all learnt, or all not. */
export interface LabelSpan {
  readonly trained: boolean;
  readonly tokens: readonly Pick<Token, "id" | "text" | "special">[];
}

export interface LabelledRow {
  readonly line: number;
  readonly spans: readonly LabelSpan[];
  readonly tokens: number;
  readonly trained: number;
  /** Tokens beyond the longest row, which are cut. */
  readonly cut: number;
}

/**
 * Rows with what is learnt of them, spread evenly over the file.
 *
 * @param limit Rows at most.
 * @throws {UserError} the template refuses a row.
 */
export function labelXray(
  rows: readonly PlacedRow[],
  { renderer, tokenizer, trainOn, maxLength, limit = 20 }: {
    renderer: ChatRenderer;
    tokenizer: ChatTokenizer;
    trainOn: TrainOn;
    maxLength: number;
    limit?: number;
  },
): LabelledRow[] {
  return spread(rows, limit).map(({ line, messages }) => {
    const all = tokenizer.tokens(renderer.renderTrained(messages, trainOn));
    const kept = all.slice(0, maxLength).map((token, at) => at === 0 ? { ...token, trained: false } : token);
    const spans: { trained: boolean; tokens: Token[] }[] = [];
    for (const token of kept) {
      const last = spans.at(-1);
      if (last?.trained === token.trained) last.tokens.push(token);
      else spans.push({ trained: token.trained, tokens: [token] });
    }
    return {
      line,
      spans,
      tokens: kept.length,
      trained: kept.filter(({ trained }) => trained).length,
      cut: all.length - kept.length,
    };
  });
}

/** So many of a list, evenly spread, the first and the last among them. */
export function spread<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items];
  const step = (items.length - 1) / Math.max(1, limit - 1);
  return Array.from({ length: limit }, (_, i) => items[Math.round(i * step)] as T);
}
