/** Files of scripts, speeches and chess prose: found, decoded, and parted into what they say about themselves and their text. */
import { basename, extname, join, relative } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { fileError, readBytes } from "../core/files.ts";
import { readJsonl } from "../core/jsonl.ts";

/** A text with what is known about it. */
export interface SourceText {
  /** Unique among the texts of a run, and the same in every run. */
  readonly id: string;
  readonly title: string;
  readonly author: string | undefined;
  readonly year: number | undefined;
  readonly body: string;
  /** Where it is, for messages: `file`, or `file:line` of a JSON Lines row. */
  readonly place: string;
}

/** Something that was left out while sources were read. */
export interface SourceDrop {
  readonly reason: "unknown_file_type" | "empty_file" | "too_short" | "after_1969" | "torn_line";
  readonly id: string;
  readonly detail: string;
}
export type OnDrop = (drop: SourceDrop) => void;

/** What is read as a text; JSON Lines is read by rows. */
const TEXTS = [".txt", ".text", ".md", ".markdown", ".fountain"];
const ROWS = [".jsonl", ".ndjson"];

/** A row of a JSON Lines source. */
const Row = z.object({
  text: z.string().min(1),
  id: z.union([z.string().min(1), z.int()]).optional(),
  title: z.string().optional(),
  source_title: z.string().optional(),
  author: z.string().optional(),
  year: z.int().min(-3000).max(2100).optional(),
});

/**
 * The texts of a file or of a folder with all that is below it, in the order of their names.
 *
 * @throws {UserError} nothing there, nothing usable, or a fault in a file, named `file:line`.
 */
export async function* readTexts(path: string, onDrop: OnDrop, signal?: AbortSignal): AsyncGenerator<SourceText> {
  const info = await Deno.stat(path).catch((error) => {
    throw fileError("read", path, error);
  });
  const files = info.isDirectory ? await filesBelow(path) : [path];
  const ids = new Set<string>();
  const unique = (id: string) => {
    let name = id;
    for (let n = 2; ids.has(name); n++) name = `${id}-${n}`;
    ids.add(name);
    return name;
  };
  let texts = 0;
  for (const file of files) {
    signal?.throwIfAborted();
    const type = extname(file).toLowerCase();
    const id = slug(info.isDirectory ? relative(path, file) : basename(file));
    if (ROWS.includes(type)) {
      let row = 0;
      const onTorn = (line: number) => onDrop({ reason: "torn_line", id, detail: `${file}:${line}` });
      for await (const { text, ...said } of readJsonl(file, Row, { ...(signal ? { signal } : {}), onTorn })) {
        row++;
        texts++;
        yield {
          id: unique(said.id === undefined ? `${id}-${row}` : slug(String(said.id))),
          title: said.title ?? said.source_title ?? titleOf(file),
          author: said.author,
          year: said.year,
          body: text.replaceAll("\r\n", "\n").normalize("NFC"),
          place: `${file}, row ${row}`,
        };
      }
    } else if (TEXTS.includes(type)) {
      const text = decode(await readBytes(file), file);
      if (text.trim() === "") onDrop({ reason: "empty_file", id, detail: file });
      else {
        texts++;
        yield { id: unique(id), ...readHead(text, file), place: file };
      }
    } else onDrop({ reason: "unknown_file_type", id, detail: `${file}: read are ${[...TEXTS, ...ROWS].join(", ")}` });
  }
  if (texts === 0) {
    throw new UserError(`Cannot read "${path}": there is no text in it`, {
      exitCode: 2,
      hint: `Texts are files that end in ${[...TEXTS, ...ROWS].join(", ")}.`,
    });
  }
}

/** Files below a folder, sorted by path; hidden ones, links and notes about the folder itself are passed over. */
async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
      if (name.startsWith(".") || /^(?:readme|licen[cs]e)(?:\.|$)/i.test(name)) continue;
      if (isDirectory) found.push(...await filesBelow(join(folder, name)));
      else if (isFile) found.push(join(folder, name));
    }
  } catch (error) {
    throw fileError("read", folder, error);
  }
  return found.sort();
}

/** @throws {UserError} not UTF-8 text: `file:line`. */
function decode(bytes: Uint8Array, path: string): string {
  const bad = (at: number, why: string) => {
    let line = 1;
    for (let i = 0; i < at; i++) if (bytes[i] === 0x0a) line++;
    return new UserError(`Cannot read "${path}:${line}": ${why}`, {
      exitCode: 2,
      hint: "Save the file as plain text in UTF-8.",
    });
  };
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw bad(nul, "the line holds NUL bytes, so this is not plain text");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r\n?|\f/g, "\n").normalize("NFC");
  } catch {
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      if (!isUtf8(bytes.subarray(from, end))) break;
      from = end + 1;
    }
    throw bad(from, "the line is not UTF-8 text");
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Keys that open a head: those of Markdown front matter and of a Fountain title page. */
const HEAD_KEY =
  /^(title|author|authors|year|date|draft date|credit|source|contact|copyright|notes|revision|language|translator)\s*:\s*(.*)$/i;

/** Takes title, author and year from the head of a text: front matter between `---`, or a title page. */
function readHead(text: string, path: string): Pick<SourceText, "title" | "author" | "year" | "body"> {
  const lines = text.replace(/^\s*\n/, "").split("\n");
  const skipped = text.split("\n").length - lines.length;
  const said = new Map<string, string>();
  let year: number | undefined;
  let at = 0;
  const fenced = lines[0]?.trim() === "---";
  if (fenced) at++;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (fenced ? line.trim() === "---" : line.trim() === "") break;
    const [, key, value = ""] = HEAD_KEY.exec(line.trim()) ?? [];
    if (key === undefined) {
      if (said.size === 0 && !fenced) break; // No head at all.
      continue; // A continued value, or a key that nobody asks for.
    }
    const name = key.toLowerCase();
    said.set(name, value.trim().replace(/^(["'])(.*)\1$/, "$2").replace(/[*_]/g, ""));
    if (name === "year" || (year === undefined && name.endsWith("date"))) year = yearOf(name, value, at + 1 + skipped);
  }
  if (fenced && at === lines.length) {
    throw new UserError(`Cannot read "${path}:1": the front matter that begins with "---" never ends`, { exitCode: 2 });
  }
  const body = said.size > 0 || fenced ? lines.slice(at + 1).join("\n") : text;
  const heading = /^#\s+(.+?)\s*#*$/m.exec(body)?.[1];
  const author = said.get("author") ?? said.get("authors");
  return { title: said.get("title") || heading || titleOf(path), author: author || undefined, year, body };

  function yearOf(name: string, value: string, line: number): number | undefined {
    const found = (name === "year" ? /^-?\d{1,4}\b/ : /\b\d{4}\b/).exec(value.trim())?.[0];
    if (found !== undefined) return Number(found);
    if (name !== "year") return undefined;
    throw new UserError(`Cannot read "${path}:${line}": "year" is ${JSON.stringify(value.trim())}, which is no year`, {
      exitCode: 2,
    });
  }
}

/** `night_shift-2.txt` → `Night shift 2`. */
function titleOf(path: string): string {
  const name = basename(path, extname(path)).replace(/[_\s-]+/g, " ").trim();
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** A part of an id: lower-case letters, digits and dashes. */
function slug(name: string): string {
  const plain = name.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return plain || "text";
}
