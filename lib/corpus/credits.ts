/** What volunteers wrote around a book: credits, notes on the transcription, notes on other editions. */
import { type Block, blockIndent, type Counts, dropBlock, flat, isAllCaps } from "./blocks.ts";
import type { Header } from "./boilerplate.ts";
import { findResidue } from "./boilerplate.ts";
import { isBreak } from "./unwrap.ts";

/** How many paragraphs of credits a book may open with. */
const HEAD_CREDITS = 12;
/** How far from the start, in blocks, a note on the edition may stand. */
const HEAD_NOTES = 60;
/** How far from the end, in blocks, a note on the transcription may begin. */
const TAIL_NOTES = 60;

/** How many paragraphs a note on the transcription at the head may have. */
const NOTE_BLOCKS = 16;

const CREDIT_START =
  /^[\W_]*(?:(?:this|the|an?)\s+)?(?:(?:project gutenberg|html|first|original|electronic|updated|online|digital)\s+)*(?:e-?texts?|e-?books?|book|file|text|version|editions?|transcription|etext edition)?\s*(?:(?:was|were|is|has been)\s+)?(?:produced|prepared|transcribed|scanned|proof-?read|proofed|typed|digiti[sz]ed|converted|compiled|corrected|formatted|keyed|ocr'?d|contributed|donated|updated|revised|made available|created|provided|entered)\b.{0,120}\b(?:by|from|for|with|at)\b/i;
const CREDIT_WORDS =
  /distributed proofread|proofreading team|\bpgdp\b|internet archive|archive\.org|hathitrust|google (?:books|print)|gallica|images? (?:generously )?made available|produced from (?:page )?(?:images|scans)|public domain material|\bvolunteers?\b|\be-?texts?\b|\be-?books?\b|\bproofread|\bproofed by|\bscann(?:ed|ing)|\bOCR\b|https?:\/\/|\bwww\.|\bftp\.|\S@\S+\.\w|\be-?mail\b|html version/i;
const NOTE_ON_EDITIONS =
  /^[\W_]*(?:note|notice|important note|editor's note)\s*[:.]\s.*(?:gutenberg|html|e-?text|e-?book|\bscans?\b|https?:|original illustrations|images of the original)|^[\W_]*images of the original pages|^[\W_]*see [\w.-]+\.(?:htm|zip)\b/i;
const TRANSCRIBER =
  /^[\W_]*(?:a )?(?:(?:transcri(?:ber|ption|ptor)|proofreader|redactor|producer|digitizer|e-?text (?:editor|producer)|etexter)(?:['’]?s|s['’])?\s*(?:'s\s*)?(?:end\s?)?(?:notes?|remarks?|comments?|corrections|errata)\b|(?:production|conversion|scanning) notes?\b|notes? (?:on|to|about) (?:the|this) (?:e-?text|e-?book|transcription|electronic)|notes? (?:of|by|from) the (?:transcriber|proofreader|redactor)|information about this e-?(?:text|book)|(?:list of )?corrections made (?:to|in) (?:the|this) (?:e-?text|text)|typographical errors corrected)/i;
const ELECTRONIC_VERSION = /^<<.*electronic version.*>>$/is;

/** True for text that only a transcriber writes at the head of a note. */
export function isTranscriberNote(text: string): boolean {
  return TRANSCRIBER.test(text);
}

/**
 * Drops, in place: whole paragraphs at the head while they credit somebody, notes on editions near the head, notes of
 * transcribers anywhere, and what follows such a note at the tail.
 */
export function dropCredits(blocks: readonly Block[], header: Header, removed: Counts): void {
  dropHeadCredits(blocks, header, removed);
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    const nearHead = i < HEAD_NOTES;
    const nearTail = i >= blocks.length - TAIL_NOTES;
    const head = isBoxed(block) ? unbox(block) : `${block.lines[0] ?? ""} ${block.lines[1] ?? ""}`.slice(0, 200);
    if (isTranscriberNote(head)) {
      dropNote(blocks, i, nearHead, nearTail, removed);
      continue;
    }
    if (!nearHead && !nearTail && !head.trimStart().startsWith("<<") || block.lines.length > 60) continue;
    const text = flat(block);
    if (text.startsWith("<<") && ELECTRONIC_VERSION.test(text)) {
      dropBlock(block, "credits", removed);
    } else if (nearHead && (NOTE_ON_EDITIONS.test(text) || isEditionLine(text))) {
      dropBlock(block, "credits", removed);
    } else if ((nearHead || nearTail) && text.length < 600 && findResidue(text) !== undefined) {
      dropBlock(block, "credits", removed);
    }
  }
  dropTailCredits(blocks, removed);
}

/** "Note: The Republic by Plato, Jowett, etext #150" and other single lines about the electronic text. */
function isEditionLine(text: string): boolean {
  return text.length < 400 &&
    (/\be-?(?:text|book) ?(?:#|no\.?|number) ?\d/i.test(text) || CREDIT_START.test(text) && CREDIT_WORDS.test(text));
}

function dropHeadCredits(blocks: readonly Block[], header: Header, removed: Counts): void {
  for (let i = 0; i < Math.min(HEAD_CREDITS, blocks.length); i++) {
    const block = blocks[i];
    if (block === undefined || block.lines.length > 12) return;
    const text = flat(block);
    if (isTranscriberNote(text)) {
      dropNote(blocks, i, true, false, removed);
      continue;
    }
    if (block.drop !== undefined) continue;
    const credit = CREDIT_START.test(text) || CREDIT_WORDS.test(text) || findResidue(text) !== undefined ||
      NOTE_ON_EDITIONS.test(text) || (/^\(/.test(text) && /\)$/.test(text) && CREDIT_WORDS.test(text)) ||
      (i === 0 && isListOfNames(text, header));
    if (!credit) return;
    dropBlock(block, "credits", removed);
  }
}

/** "An Anonymous Volunteer, and David Widger": names only, and neither the book's title nor its author. */
function isListOfNames(text: string, header: Header): boolean {
  if (text.length > 160 || isAllCaps(text) || /[\d:;!?"“]/.test(text) || /^by\b/i.test(text)) return false;
  if (!/, | and |;/.test(text)) return false;
  const known = `${header.title ?? ""} ${header.author ?? ""}`.toLowerCase();
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length < 3 || words.length > 20) return false;
  if (words.filter((word) => known.includes(word.toLowerCase())).length > words.length / 2) return false;
  return words.every((word) => /^\p{Lu}/u.test(word) || /^(?:and|the|of|de|van|von|da|with|by)$/.test(word));
}

/** Drops a note from its first block on: as far as its box, its gap of blank lines, or the end of the book. */
function dropNote(
  blocks: readonly Block[],
  from: number,
  nearHead: boolean,
  nearTail: boolean,
  removed: Counts,
): void {
  const first = blocks[from];
  if (first === undefined) return;
  dropBlock(first, "transcriber_notes", removed);
  if (isBoxed(first) || first.lines[0]?.trimStart().startsWith("[")) return;
  if (nearTail) {
    for (let i = from + 1; i < blocks.length; i++) {
      const block = blocks[i];
      if (block !== undefined) dropBlock(block, "transcriber_notes", {});
    }
    return;
  }
  if (!nearHead) return;
  const bare = flat(first).length < 60;
  const indent = blockIndent(first);
  for (let i = from + 1; i < Math.min(from + NOTE_BLOCKS, blocks.length); i++) {
    const block = blocks[i];
    if (block === undefined || (block.before >= 3 && !(bare && i === from + 1))) return;
    if (block.before >= 2 && i > from + 1 && indent === 0) return;
    const text = flat(block);
    if (isAllCaps(text) && i > from + 1) return;
    dropBlock(block, "transcriber_notes", {});
    if (isBreak(text)) return;
  }
}

function dropTailCredits(blocks: readonly Block[], removed: Counts): void {
  let seen = 0;
  for (let i = blocks.length - 1; i >= 0 && seen < 4; i--) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    seen++;
    const text = flat(block);
    if (text.length > 500) return;
    if (CREDIT_START.test(text) && CREDIT_WORDS.test(text) || findResidue(text) !== undefined) {
      dropBlock(block, "credits", removed);
    } else if (isColophon(text)) dropBlock(block, "colophon", removed);
    else if (!isAllCaps(text)) return;
  }
}

/** A printer's line: "Printed by T. and A. Constable, Edinburgh". */
function isColophon(text: string): boolean {
  return text.length < 250 &&
    /^[\W_]*(?:(?:re)?printed (?:in|by|and bound|at)\b|(?:the )?[\w .,&'’-]{0,60}\b(?:printers?|press)\b[\w .,&'’-]{0,40}(?:london|edinburgh|new york|boston|chicago|glasgow|oxford|cambridge|ltd|limited)\b)/i
      .test(text) &&
    !/[?!"“]/.test(text);
}

/** True where most lines stand between bars, or between rules: a box drawn in characters. */
export function isBoxed(block: Block): boolean {
  if (block.lines.length < 3 || !/^\s*[|+*#=_-]/.test(block.lines[0] ?? "")) return false;
  let framed = 0;
  for (const line of block.lines) {
    const text = line.trim();
    if (/^[|+*#].*[|+*#]$/.test(text) || /^[-+=_*#]{5,}$/.test(text)) framed++;
  }
  return framed >= block.lines.length * 0.8;
}

function unbox(block: Block): string {
  return block.lines.map((line) => line.trim().replace(/^[|+*#\s]+|[|+*#\s]+$/g, "").replace(/^[-+=_]{5,}$/, ""))
    .filter((line) => line !== "").join(" ");
}
