/** The curation as a report to read, in Markdown. */
import { count } from "../core/format.ts";
import { SCENES } from "../evaluation/scenes.ts";
import type { Curated, CuratedChunk } from "./curation.ts";
import { curationStats } from "./curation_stats.ts";

/** `CURATION_REPORT.md`. */
export function curationReport({ curation, proposals }: Curated): string {
  const stats = curationStats(curation);
  const { min_words: min, max_words: max, chunks, manuscripts, splits } = curation;
  const percent = (part: number, whole = stats.chunks) => whole === 0 ? "–" : `${Math.round(100 * part / whole)} %`;
  const range = `${count(min)}–${count(max)} words`;
  return [
    "# Curation report",
    table(
      ["Manuscript", "Words", "Encoding", "SHA-256"],
      manuscripts.map(({ name, words, encoding, sha256 }) => [name, words, encoding, sha256.slice(0, 12)]),
    ),
    "## Sizes",
    `${count(stats.chunks)} chunks with ${count(stats.words)} words, ${
      count(Math.round(stats.meanWords))
    } on average, ` +
    `from ${count(stats.leastWords)} to ${count(stats.mostWords)}. **${
      percent(stats.inRange)
    } are in the optimal range** ` +
    `of ${range}; ${stats.tooShort} shorter, ${stats.tooLong} longer.`,
    "## Narrative integrity",
    `**${
      percent(stats.whole)
    }** (${stats.whole} of ${stats.chunks}). A chunk is whole when it begins with a sentence and ` +
    "ends with one, its last speech is closed, and it neither begins nor ends within a conversation: two speeches with " +
    `fewer than ${curation.pause_words} words of narration between them. The writer's own marks count as edges in any case.`,
    list(
      chunks.filter(({ faults }) => faults.length > 0).map(({ file, faults }) => `\`${file}\`: ${faults.join("; ")}`),
    ),
    "## Scenes",
    table(
      ["Kind", "Chunks", "Share of chunks", "Share of words"],
      SCENES.map((scene) => {
        const { chunks, share } = stats.scenes[scene];
        return [scene, chunks, percent(chunks), percent(share, 1)];
      }),
    ),
    "A chunk is of the kind that fills most of it. Each passage of 150 words is one kind, by its share of speech and its " +
    "words of motion, of thought and of account.",
    "## Point of view",
    stats.secondPerson === undefined
      ? "Nowhere is there enough narration to tell it."
      : `**${
        percent(stats.secondPerson, 1)
      } second person** in windows of 300 words of narration, speech and inner voice ` +
        `left out: ${stats.pov.second} second, ${stats.pov.third} third, ${stats.pov.first} first, ${stats.pov.unknown} ` +
        "with too few pronouns to tell.",
    "## Italics",
    `${stats.monologuesPer1000.toFixed(1)} internal monologues and ${
      stats.emphasesPer1000.toFixed(1)
    } other italics in ` +
    "1,000 words.",
    ...(splits.length > 0
      ? [
        "## Chunks that were too long",
        ...splits.map(({ original, words, parts, done }) =>
          [
            `\`${original}\`, ${count(words)} words: ${
              done ? "cut; the original is in `backup/`" : "left whole; a cut is proposed"
            }.`,
            "",
            partsTable(proposals.get(original) ?? chunks.filter(({ file }) => parts.includes(file))),
          ].join("\n")
        ),
      ]
      : []),
    "## Chunks",
    chunkTable(chunks, min, max),
  ].filter(Boolean).join("\n\n") + "\n";
}

/** The parts of a scene with where each begins and why: as the report and the terminal show it. */
export function partsTable(parts: readonly CuratedChunk[]): string {
  return table(
    ["Part", "Words", "Scene", "Begins because of"],
    parts.map((part) => [part.file, part.words, part.scene, reasonsOf(part)]),
  );
}

/** `chapter: 2. The Ebb Office; time: On the twentieth night`. */
export function reasonsOf({ reasons }: Pick<CuratedChunk, "reasons">): string {
  return reasons.map(({ kind, evidence }) => `${kind}: ${evidence}`).join("; ");
}

function chunkTable(chunks: readonly CuratedChunk[], min: number, max: number): string {
  return table(
    ["File", "Words", "", "Begins because of", "Sure", "Scene", "Speech", "2nd person"],
    chunks.map((chunk) => [
      chunk.file,
      chunk.words,
      chunk.words < min ? "short" : chunk.words > max ? "long" : "",
      reasonsOf(chunk),
      chunk.score.toFixed(2),
      chunk.scene,
      `${Math.round(100 * chunk.dialogue)} %`,
      secondOf(chunk),
    ]),
  );
}

function secondOf({ pov }: CuratedChunk): string {
  const known = pov.first + pov.second + pov.third;
  return known === 0 ? "–" : `${Math.round(100 * pov.second / known)} %`;
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}

function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => typeof cell === "number" ? count(cell) : cellText(cell)).join(" | ")} |`;
  return [line(columns), `|${columns.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

/** What a manuscript says must not become a column, a tag or a heading of the report. */
function cellText(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\|<>*_`#\[\]]/g, (sign) => `\\${sign}`);
}
