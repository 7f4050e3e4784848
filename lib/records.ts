/**
 * The rows that cross files. Every reader checks its rows against these schemas; the types are inferred from them.
 * Offsets are UTF-16 code units (JavaScript string indices), half open.
 */
import { z } from "zod";

/** The five shelves of the corpus. */
export const CATEGORIES = [
  "russian_literature",
  "utopian_fiction",
  "science_fiction",
  "chess",
  "political_philosophy",
] as const;

/** A chapter as metadata: its heading and where it lies in the text. */
export const Chapter = z.object({
  title: z.string(),
  start: z.int().nonnegative(),
  end: z.int().nonnegative(),
});
export type Chapter = z.infer<typeof Chapter>;

/** One book after cleaning: a line of `corpus/priority_works.jsonl`. */
export const Work = z.object({
  /** Project Gutenberg's number. */
  id: z.int().nonnegative(),
  title: z.string().min(1),
  author: z.string(),
  translator: z.string().optional(),
  /** Year of first publication; negative before the common era. */
  year: z.int().optional(),
  translation_year: z.int().optional(),
  category: z.enum(CATEGORIES).optional(),
  language: z.string().default("en"),
  source_url: z.string(),
  /** Of the bytes that were fetched. */
  sha256: z.string(),
  encoding: z.string(),
  words: z.int().nonnegative(),
  /** How many of each artefact cleaning took away. */
  removed: z.record(z.string(), z.number()),
  chapters: z.array(Chapter),
  text: z.string(),
});
export type Work = z.infer<typeof Work>;

/** A passage of a work: a line of `theme_chunks/chunks.jsonl`. */
export const Chunk = z.object({
  id: z.string().min(1),
  text: z.string().min(1),
  source_id: z.union([z.int(), z.string()]),
  source_title: z.string(),
  author: z.string().optional(),
  year: z.int().optional(),
  category: z.string().optional(),
  chapter: z.string().optional(),
  /** Where `text` lies in the work's text. */
  start: z.int().nonnegative().optional(),
  end: z.int().nonnegative().optional(),
  /** Exact token count, where a tokenizer was asked for. */
  tokens: z.int().nonnegative().optional(),
});
export type Chunk = z.infer<typeof Chunk>;

/** One place where a theme pattern matched, in offsets of the chunk's text. */
export const Match = z.object({
  category: z.string(),
  pattern: z.string(),
  start: z.int().nonnegative(),
  end: z.int().nonnegative(),
});
export type Match = z.infer<typeof Match>;

/** A chunk with its theme counts: a line of `theme_chunks/filtered.jsonl`. */
export const FilteredChunk = Chunk.extend({
  /** Matches per category, and their sum under `total`. */
  keyword_counts: z.record(z.string(), z.number()),
  matches: z.array(Match).optional(),
});
export type FilteredChunk = z.infer<typeof FilteredChunk>;

export const ChatMessage = z.object({
  role: z.enum(["system", "user", "assistant"]),
  content: z.string(),
});
export type ChatMessage = z.infer<typeof ChatMessage>;

/** One ChatML conversation, and nothing else: a line of `dataset/theme_dataset.jsonl`. */
export const Example = z.object({
  messages: z.array(ChatMessage).min(2),
});
export type Example = z.infer<typeof Example>;

/** Where an example comes from: a line of `dataset/theme_dataset_sources.jsonl`, in the order of the dataset. */
export const ExampleSource = z.object({
  /** The passage's id and the persona's. */
  id: z.string(),
  persona: z.string(),
  chunk_id: z.string(),
  source_id: z.union([z.int(), z.string()]),
  source_title: z.string(),
  author: z.string().optional(),
  year: z.int().optional(),
  chapter: z.string().optional(),
  /** Where the passage lies in the work's text. */
  start: z.int().nonnegative().optional(),
  end: z.int().nonnegative().optional(),
  /** Themes of the passage, strongest first, and the places that matched, in offsets of the passage. */
  themes: z.array(z.string()),
  matches: z.array(Match).optional(),
  model: z.string(),
  seed: z.int().optional(),
  /** SHA-256 of the messages that were sent, and of the whole request: its key in the ledger. */
  prompt_hash: z.string(),
  request_hash: z.string(),
  /** Requests that it took. */
  tries: z.int().positive(),
  /** Set where a person let it pass in spite of this gate. */
  accepted_despite: z.string().optional(),
});
export type ExampleSource = z.infer<typeof ExampleSource>;

/** Anything that was left out, kept with its reason. */
export const Reject = z.object({
  reason: z.string().min(1),
  id: z.string(),
  detail: z.string().optional(),
  row: z.unknown().optional(),
});
export type Reject = z.infer<typeof Reject>;
