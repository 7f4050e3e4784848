/** A small dataset with its rejects and passages, as generate and gate leave them. */
import { join } from "node:path";

/** What a model may say to break a page. */
export const HOSTILE = {
  user: `<script>document.title="broken"</script></textarea><img src=x onerror="document.title='broken'">`,
  assistant: `</style></script><style>*{display:none}</style>\u202eesrever\u202c \u200b{{7*7}} &lt; "'\``,
} as const;

const NUMBERS = ["one", "two", "three", "four", "five", "six"];
const SOURCES = [
  { source_id: 1, source_title: "The Red Garden", author: "A. Author", year: 1921 },
  { source_id: 2, source_title: "Gears & Stars" },
];

/** Writes below `folder` what browse reads; with `sidecar`, the sources stand in a file of their own. */
export async function writeDataset(
  folder: string,
  { sidecar = false }: { sidecar?: boolean } = {},
): Promise<{ dataset: string; chunks: string }> {
  const dataset = join(folder, "dataset", "theme_dataset.jsonl");
  const chunks = join(folder, "theme_chunks", "filtered.jsonl");
  for (const name of ["dataset", "theme_chunks"]) await Deno.mkdir(join(folder, name), { recursive: true });
  const rows = NUMBERS.map((number, i) => ({
    messages: [
      { role: "system", content: "You give guidance." },
      { role: "user", content: `Whose is the Bread, number ${number}?` },
      { role: "assistant", content: `“We” don’t keep bread\nnumber ${number}.` },
    ],
    metadata: {
      persona: i % 2 === 0 ? "primary" : "cosmist",
      chunk_id: `chunk_${Math.floor(i / 2)}`,
      ...SOURCES[i < 2 ? 0 : 1],
      themes: i < 2 ? ["collectivism"] : ["science", "collectivism"],
      model: "m",
    },
  }));
  const rejects = [
    { reason: "too_short", id: "chunk_0/primary", row: { user: "Bread? “We”?", assistant: "Bread, we don't." } },
    { reason: "too_short", id: "chunk_1/cosmist", row: { user: "And “we”?", assistant: "Bread. Don't." } },
    { reason: "llm_artefact", detail: "code", id: "chunk_1/primary", row: HOSTILE },
    { reason: "invalid_json", detail: "not JSON", id: "chunk_0/cosmist", row: "Sure! {user:" },
  ];
  const text = "The common garden <b>grew</b>.";
  const passages = [0, 1, 2, 3].map((i) => ({
    id: `chunk_${i}`,
    text,
    ...SOURCES[i === 0 ? 0 : 1],
    keyword_counts: i === 0 ? { collectivism: 1, total: 1 } : { science: 1, collectivism: 1, total: 2 },
    matches: [
      { category: "science", pattern: "garden", start: 11, end: 17 },
      { category: "collectivism", pattern: "common garden", start: 4, end: 17 },
      { category: "science", pattern: "beyond", start: 25, end: 99 },
    ],
  }));
  const lines = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value) + "\n").join("");
  await Deno.writeTextFile(dataset, lines(sidecar ? rows.map(({ messages }) => ({ messages })) : rows));
  if (sidecar) {
    await Deno.writeTextFile(dataset.replace(".jsonl", "_sources.jsonl"), lines(rows.map(({ metadata }) => metadata)));
  }
  await Deno.writeTextFile(dataset.replace(".jsonl", "_rejects.jsonl"), lines(rejects));
  await Deno.writeTextFile(chunks, lines(passages));
  return { dataset, chunks };
}
