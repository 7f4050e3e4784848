/** A comparison of styles as a page of its own. */
import type { Comparison } from "../evaluation/style/compare.ts";
import { page, type Part } from "./page.ts";
import {
  channelsChart,
  copiedTable,
  exampleCards,
  factsTable,
  gainedWords,
  impostersChart,
  markersChart,
  sentenceLengths,
} from "./style.ts";
import { definitionsTable, gatesTable, targetsChart, targetsTable } from "./style_targets.ts";

/** Verdicts, gates, habits, what became better with examples, definitions. */
export function comparisonPage(
  comparison: Comparison & { readonly parted: string; readonly time: string },
): Promise<string> {
  const { improvements, notes, background, words, units } = comparison;
  const sizes = `${words.base.toLocaleString("en-US")} words by the base, ${
    words.tuned.toLocaleString("en-US")
  } by the tuned model over ${units.tuned} prompts or passages; of the author ${
    words.ref.toLocaleString("en-US")
  } as the reference and ${words.hold.toLocaleString("en-US")} held out (${comparison.parted}).`;
  const copied: Part[] = comparison.copying.tuned.examples.length > 0
    ? ["What the tuned model copied from the training text:", copiedTable(comparison)]
    : [];
  return page("The author's voice", [
    { parts: [targetsTable(comparison), targetsChart(comparison), sizes, ...notes.map((note) => `Note: ${note}.`)] },
    { heading: "Gates", parts: [gatesTable(comparison), impostersChart(comparison), ...copied] },
    { heading: "Habits", parts: [channelsChart(comparison), sentenceLengths(comparison), markersChart(comparison)] },
    ...improvements.map(({ title, category }) => ({
      heading: title,
      parts: [
        factsTable(comparison, category),
        ...(category === "vocabulary" ? [gainedWords(comparison)] : []),
        exampleCards(comparison, category),
      ],
    })),
    { heading: "Definitions", parts: [definitionsTable(comparison), `Background and imposters: ${background}.`] },
  ]);
}
