/** A comparison as text. */
import { count } from "../../core/format.ts";
import { textTable } from "../../core/text_table.ts";
import type { Comparison } from "../../evaluation/style/compare.ts";

const percent = (share: number | undefined) =>
  share === undefined || !Number.isFinite(share) ? "–" : `${(100 * share).toFixed(1)} %`;
const figure = (value: number | undefined, digits = 2) =>
  value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(digits);

/** Verdicts first, then what they rest on. */
export function comparisonText(comparison: Comparison, sources: { parted: string }): string {
  const { targets, gates, transfer, structure, beside, diversity, words, units } = comparison;
  const verdicts = textTable(
    ["Target", "Goal", "Tuned", "Lower bound", "Base", "Author", "Verdict", "Naive"],
    targets.map(({ title, goal, estimate, lower, base, author, status, naive }) => [
      title,
      `> ${100 * goal} %`,
      percent(estimate),
      percent(lower),
      percent(base),
      percent(author),
      status,
      percent(naive.value),
    ]),
  );
  const { common, own } = reasonsOf(targets.map(({ why }) => why));
  const explained = targets.flatMap(({ title, definition, naive }, at) => [
    `${title}: ${definition}.`,
    ...(own[at] ? [`  ${own[at]}.`] : []),
    `  Naive figure: ${naive.definition}; ${naive.differs}.`,
  ]);
  const distances = textTable(
    ["Distance to the author", "Base", "Tuned", "Author", "Closed", "Lower bound"],
    [
      ...[...transfer.channels, ...structure.channels.slice(1)].map(({ title, distance, closed }) => [
        title,
        figure(distance.base, 3),
        figure(distance.tuned, 3),
        figure(distance.hold, 3),
        closed ? percent(closed.estimate) : "N/A",
        percent(closed?.lower),
      ]),
      ...beside.map(({ title, distance }) => [
        `${title} *`,
        figure(distance.base, 3),
        figure(distance.tuned, 3),
        figure(distance.hold, 3),
        "",
        "",
      ]),
      ...(["mattr", "mtld"] as const).map((name) => [
        `${name === "mattr" ? "MATTR, 50 words" : "MTLD"} **`,
        figure(diversity.base[name]),
        figure(diversity.tuned[name]),
        figure(diversity.hold[name]),
        "",
        "",
      ]),
    ],
  );
  const invalid = [...transfer.channels, ...structure.channels.slice(1)].flatMap(({ title, why }) =>
    why ? [`  ${title}: N/A, for ${why}`] : []
  );
  const sizes = `${count(words.base)} words by the base, ${count(words.tuned)} by the tuned model (${
    count(units.tuned)
  } prompts or passages); of the author ${count(words.ref)} as the reference, ${count(words.hold)} held out`;
  const met = targets.filter(({ status }) => status === "met");
  const named = (list: readonly { title: string }[]) =>
    list.length > 0 ? ` (${list.map(({ title }) => title).join(", ")})` : "";
  const failed = gates.filter(({ status }) => status === "failed");
  const passed = gates.filter(({ status }) => status === "passed").length;
  return [
    `${met.length} of ${targets.length} targets met${named(met)}; ${passed} of ${gates.length} gates passed, ` +
    `${failed.length} failed${named(failed)}`,
    verdicts,
    ...(common.length > 0 ? [`None of them is met or shown, for\n${common.map((why) => `  ${why}`).join("\n")}`] : []),
    explained.join("\n"),
    textTable(["Gate", "Outcome", "Found"], gates.map(({ title, status, why }) => [title, status, why])),
    improvedText(comparison),
    distances,
    [
      ...invalid,
      "  * on the whole pools, part of no score; ** the measure itself, no distance",
    ].join("\n"),
    [
      `Compared: ${sizes}.`,
      `The author's text: ${sources.parted}.`,
      `Background and imposters: ${comparison.background}.`,
      ...comparison.notes.map((note) => `Note: ${note}.`),
    ].join("\n"),
  ].join("\n\n");
}

/** Reasons that all targets share are told once. */
function reasonsOf(whys: readonly string[]): { common: string[]; own: string[] } {
  const lists = whys.map((why) => why.split("; ").filter(Boolean));
  const common = (lists[0] ?? []).filter((reason) => lists.every((list) => list.includes(reason)));
  return { common, own: lists.map((list) => list.filter((reason) => !common.includes(reason)).join("; ")) };
}

/** Of each category how much came nearer to the author, with the figures that moved furthest. */
function improvedText({ improvements, vocabulary }: Comparison): string {
  const lines = improvements.filter(({ facts }) => facts.length > 0).map(({ title, facts }) => {
    const gain = ({ base, tuned, author }: typeof facts[number]) =>
      Math.abs(Math.log((base + 0.01) / (author + 0.01))) - Math.abs(Math.log((tuned + 0.01) / (author + 0.01)));
    const moved = [...facts].sort((a, b) => gain(b) - gain(a)).slice(0, 3).filter(({ better }) => better)
      .map(({ name, base, tuned, author }) => `${name} ${figure(base)} → ${figure(tuned)} (author ${figure(author)})`);
    const nearer = `nearer to the author in ${facts.filter(({ better }) => better).length} of ${facts.length}`;
    return `  ${title}: ${[nearer, ...moved].join(", ")}`;
  });
  const gained = vocabulary.gained.slice(0, 12).join(", ");
  return [
    "What came nearer (passages are on the page)",
    ...lines,
    ...(gained ? [`  New words of the author: ${gained}`] : []),
  ].join("\n");
}
