/** Project Gutenberg's own text around a book: where it ends, where it begins again, and what its header says. */
import { count, type Counts } from "./blocks.ts";
import { RefusedBook } from "./refused_book.ts";

/** What a file's header tells about the book; only fields that are there. */
export interface Header {
  title?: string;
  author?: string;
  translator?: string;
  language?: string;
  release?: string;
  originalPublication?: string;
}

/** The lines of a book without what Project Gutenberg put around them. */
export interface Body {
  lines: string[];
  header: Header;
  /** Lines outside the markers, by kind, for the check of what was lost. */
  outside: string[][];
}

// One name in the spellings met: Project, Projekt(es), Projet, Proyecto, Progetto, Projecto, Projeto.
const GUTENBERG = String.raw`(?:Proje[ck]?t\w{0,3}|Proyecto|Progetto)\s+Gutenberg`;

/** `*** START OF THE/THIS PROJECT GUTENBERG …`, with or without spaces, in English, German or French. */
const START = new RegExp(
  String.raw`^\W{0,20}\*\s?(?:START|BEGIN|BEGINNING|ANFANG|BEGINN|D[ÉE]BUT)\b.{0,60}\b${GUTENBERG}`,
  "i",
);
const END_STARRED = new RegExp(
  String.raw`^\W{0,20}\*\s?(?:END|ENDE|FIN|EINDE|FINE)\b.{0,60}\b${GUTENBERG}`,
  "i",
);
/** `End of the Project Gutenberg Etext of T`, also without "of", and in German, French, Dutch, Spanish, Italian. */
const END_PLAIN = new RegExp(
  String.raw`^\W{0,20}(?:This is the )?(?:End|Ende|Fin|Einde|Fine?|Fim|Slut)\b.{0,60}\b${GUTENBERG}`,
  "i",
);
/** The first line of the licence, where a file has lost its END marker. */
const LICENCE =
  /^\W{0,20}\*\s?START(?:: FULL LICENSE|\*+ ?THE SMALL PRINT)|^\W{0,10}THE FULL PROJECT GUTENBERG LICENSE/i;
/** `*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*`: the last line of the header until 2003. */
const SMALL_PRINT_END = /\*\s?END\s?\*?\s?THE SMALL PRINT/i;
const INTERESTING = /gutenberg|small print|full license/i;

/** A wrapped title makes a marker run on: so many lines at most. */
const MARKER_LINES = 8;

type Marker = { kind: "start" | "small_print" | "end" | "end_plain" | "licence"; from: number; to: number };

function findMarkers(lines: readonly string[]): Marker[] {
  const markers: Marker[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    if (line.length < 8 || line.length > 400) continue;
    if (!INTERESTING.test(line)) {
      // "End of the Project" / "Gutenberg Etext" on two lines.
      if (!/^\W{0,20}(?:\*\s?(?:START|END)|End)\b.{0,60}\bproje[ck]?t$/i.test(line.trimEnd())) continue;
    }
    const next = lines[i + 1] ?? "";
    const text = next.length > 0 && next.length < 200 ? `${line.trimEnd()} ${next.trim()}` : line;
    const kind: Marker["kind"] | undefined = SMALL_PRINT_END.test(line)
      ? "small_print"
      : LICENCE.test(line)
      ? "licence"
      : START.test(text)
      ? "start"
      : END_STARRED.test(text)
      ? "end"
      : END_PLAIN.test(text)
      ? "end_plain"
      : undefined;
    if (kind === undefined) continue;
    let to = i;
    if (kind === "start" || kind === "end" || kind === "small_print") {
      // Up to the closing stars, or else up to the blank line.
      for (let j = i; j < Math.min(i + MARKER_LINES, lines.length); j++) {
        const part = (lines[j] ?? "").trimEnd();
        if (part === "") break;
        to = j;
        if (part.endsWith("*") && (j > i || /\*+[^*]+\*+$/.test(part))) break;
        if (kind === "small_print" && j > i) break;
      }
    } else if (kind === "end_plain") {
      while (to + 1 < lines.length && (lines[to + 1] ?? "").trim() !== "" && to - i < 3) to++;
    }
    markers.push({ kind, from: i, to });
    i = to;
  }
  return markers;
}

/**
 * Finds the text between the markers of every era. A file that holds several books one after another, each with its own
 * markers, gives all of them.
 *
 * @throws {RefusedBook} `no_markers`, or `cut_off` where a book begins and its end is missing.
 *
 * @example
 * ```ts
 * import { findBody } from "@/corpus/boilerplate.ts";
 *
 * const { lines, header } = findBody([
 *   "Title: Tea",
 *   "*** START OF THE PROJECT GUTENBERG EBOOK TEA ***",
 *   "It was hot.",
 *   "*** END OF THE PROJECT GUTENBERG EBOOK TEA ***",
 * ], {});
 * if (lines.join() !== "It was hot." || header.title !== "Tea") throw new Error("not found");
 * ```
 */
export function findBody(lines: readonly string[], removed: Counts): Body {
  const markers = findMarkers(lines);
  const starts = markers.some((marker) => marker.kind === "start");
  const stops = markers.some((marker) => marker.kind === "end");
  const opens = (marker: Marker) => starts ? marker.kind === "start" : marker.kind === "small_print";
  const segments: { from: number; to: number }[] = [];
  let from = -1;
  for (const marker of markers) {
    if (opens(marker)) {
      if (from >= 0 && marker.from - from > 200) continue;
      from = marker.to + 1;
    } else if (from >= 0 && marker.kind !== "start" && marker.kind !== "small_print") {
      // Without stars the line only ends the book where no starred one does: it stands before that one, too.
      if (marker.kind === "end_plain" && stops) continue;
      segments.push({ from, to: marker.from });
      from = -1;
    }
  }
  if (from >= 0 && segments.length === 0 && starts) {
    throw new RefusedBook(
      "cut_off",
      "Cannot clean this text: it has Project Gutenberg's START marker but no END marker, so the file seems cut off",
      "Delete it from the cache and fetch it again.",
    );
  }
  // The oldest texts may lack an end line.
  if (from >= 0 && segments.length === 0) segments.push({ from, to: lines.length });
  if (segments.length === 0) {
    throw new RefusedBook(
      "no_markers",
      "Cannot clean this text: it has none of Project Gutenberg's START and END markers, nor the small print of before 2004",
      "Check that the file is a Project Gutenberg plain-text book and not an error page or another edition.",
    );
  }
  const kept: string[] = [];
  const outside: string[][] = [];
  let at = 0;
  segments.forEach((segment, index) => {
    outside.push(lines.slice(at, segment.from));
    at = segment.to;
    if (index > 0) kept.push("", "", "", "");
    for (let i = segment.from; i < segment.to; i++) kept.push(lines[i] ?? "");
  });
  outside.push(lines.slice(at));
  const first = segments[0]?.from ?? 0;
  count(removed, "header_lines", nonBlank(lines, 0, first));
  count(removed, "licence_lines", nonBlank(lines, first, lines.length) - nonBlank(kept, 0, kept.length));
  return { lines: trimTail(kept, removed), header: readHeader(lines.slice(0, first)), outside };
}

/** Takes `End of (the) Project Gutenberg's …` lines and what follows them from the end of the body. */
function trimTail(lines: string[], removed: Counts): string[] {
  let end = lines.length;
  let blocks = 0;
  for (let i = lines.length - 1; i >= 0 && blocks < 12; i--) {
    const line = lines[i] ?? "";
    if (line.trim() === "") continue;
    if ((lines[i - 1] ?? "").trim() === "") blocks++;
    if (END_PLAIN.test(`${line.trimEnd()} ${(lines[i + 1] ?? "").trim()}`)) end = i;
  }
  count(removed, "licence_lines", nonBlank(lines, end, lines.length));
  return lines.slice(0, end);
}

function nonBlank(lines: readonly string[], from: number, to: number): number {
  let number = 0;
  for (let i = from; i < to; i++) if ((lines[i] ?? "").trim() !== "") number++;
  return number;
}

const FIELDS: readonly [RegExp, keyof Header][] = [
  [/^title$/i, "title"],
  [/^authors?$/i, "author"],
  [/^translators?$/i, "translator"],
  [/^language$/i, "language"],
  [/^(?:release|posting) date$/i, "release"],
  [/^original publication$/i, "originalPublication"],
];

/** Reads `Title:`, `Author:` … with their indented second lines, and the first line of the oldest headers. */
function readHeader(lines: readonly string[]): Header {
  const header: Header = {};
  for (let i = 0; i < lines.length; i++) {
    const match = /^ ?([A-Z][A-Za-z ]{2,30}):\s*(\S.*)$/.exec(lines[i] ?? "");
    const name = match?.[1];
    const key = FIELDS.find(([pattern]) => name !== undefined && pattern.test(name))?.[1];
    if (key === undefined || header[key] !== undefined) continue;
    const parts = [match?.[2]?.trim() ?? ""];
    while (/^\s{2,}\S/.test(lines[i + 1] ?? "")) parts.push((lines[++i] ?? "").trim());
    header[key] = (key === "title" ? joinTitle(parts) : parts.join(" ")).replace(/\s*\[e(?:book|text) ?#?\d+\].*$/i, "")
      .replace(/\s+/g, " ").trim();
  }
  if (header.title === undefined) readFirstLines(lines.slice(0, 40), header);
  return header;
}

const FIRST_LINE =
  /Gutenberg(?:['’]s)?,? (?:e-?text|e-?book)?,? ?(?:of )?([^#*[]{2,120}?)(?:,? by ([^#*[,]{2,80}))?(?:, translated by ([^#*[,]{2,80}))?\s*(?:[#*[].*)?$/i;
const BY_LINE = /^\s*by ([^#*[,]{2,80})(?:, translated by ([^#*[,]{2,80}))?\W*$/i;

/** `The Project Gutenberg Etext of T, by A`, or with `by A` on a line below. */
function readFirstLines(lines: readonly string[], header: Header): void {
  const at = lines.findIndex((line) => line.length < 200 && FIRST_LINE.test(line));
  const first = FIRST_LINE.exec(lines[at] ?? "");
  if (first?.[1] === undefined) return;
  header.title = first[1].trim();
  const below = lines.slice(at + 1, at + 4).find((line) => line.length < 200 && BY_LINE.test(line));
  const by = BY_LINE.exec(below ?? "");
  const author = first[2] ?? by?.[1];
  const translator = first[3] ?? by?.[2];
  if (author !== undefined && header.author === undefined) header.author = author.trim();
  if (translator !== undefined && header.translator === undefined) header.translator = translator.trim();
}

/** A second line is a subtitle where it begins with a capital and the first is no unfinished phrase. */
function joinTitle(parts: readonly string[]): string {
  return parts.reduce((title, part) =>
    /^\p{Lu}/u.test(part) && !/(?:[,:;.—-]|\b(?:the|a|an|of|and|in|on|to|for|or|by|with|from|at))$/i.test(title)
      ? `${title}: ${part}`
      : `${title} ${part}`
  );
}

/** Words that only Project Gutenberg's own text uses: none of them may be left. */
const RESIDUE =
  /project\s+gutenberg|gutenberg(?:'s|’s)?[\s-]*(?:™|\(tm\)|tm\b|e-?text|e-?book|licen[cs]e|literary|\.(?:org|net|com|de|us)\b)|\bpglaf\b|the small print!|start: full license/i;

const MAYBE_RESIDUE = /gutenberg|pglaf|small print!|full license/i;

/** The first residue of Project Gutenberg's text, with a few words around it. */
export function findResidue(text: string): string | undefined {
  const match = MAYBE_RESIDUE.test(text) ? RESIDUE.exec(text) : null;
  if (match === null) return undefined;
  return text.slice(Math.max(0, match.index - 30), match.index + match[0].length + 30).replace(/\s+/g, " ").trim();
}
