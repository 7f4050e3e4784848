import { splitParagraphs } from "./paragraphs.ts";
import { splitSentences } from "./sentences.ts";

/** Takes ranges of a text. */
export type Tell = (start: number, end: number) => void;

/** A text as chunking sees it; not all of it need be in memory as a string. */
export interface TextSource {
  readonly length: number;
  slice(start: number, end: number): string;
  /** Tells the paragraphs that begin in a range, in order. */
  eachParagraph(start: number, end: number, tell: Tell): void;
  /** Tells the sentences of a paragraph, in order. */
  eachSentence(start: number, end: number, tell: Tell): void;
}

/** A string as a source. */
export function textSource(text: string): TextSource {
  return {
    length: text.length,
    slice: (start, end) => text.slice(start, end),
    eachParagraph: (start, end, tell) =>
      splitParagraphs(text, start, end).forEach((part) => tell(part.start, part.end)),
    eachSentence: (start, end, tell) =>
      splitSentences(text.slice(start, end)).forEach((part) => tell(start + part.start, start + part.end)),
  };
}
