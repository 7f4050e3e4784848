/** What chess books print beside their prose: boards, positions, scores of games. None of it is language to learn. */
import { type Block, count, type Counts, dropBlock, flat, indentOf, measure } from "./blocks.ts";

const PIECE = String.raw`(?:Kt|Kn|[KQRBNP])(?:['’]s|\.)?\s?`;
const SUFFIX = String
  .raw`(?:\s?(?:dbl\.?|dis\.?|disc\.?|double)?\s?\(?(?:dis\.?\s|disc\.?\s)?(?:ch|mate|checkmate)\b\.?\)?)?(?:\s?[+#!?]{1,3})?(?:\s\((?:best|ch)\.?\))?`;
const SQUARE = String.raw`(?:(?:his|her)\s)?(?:${PIECE}){0,3}(?:\d(?:st|nd|rd|d|th)?|sq(?:uare)?)\b\.?(?:\ssq\b\.?)?`;
/** One move in descriptive notation: `P-K4`, `Kt - Q B 3`, `KtxKtP`, `P. to K's 4th.`, `Q. takes K. B's P. (ch.)`. */
const DESCRIPTIVE = String
  .raw`(?<![\w'’-])(?:${PIECE}){1,3}(?:(?:-{1,2}|–|—|x|X|×|:)\s?(?:${SQUARE}|(?:${PIECE}){1,3})|(?:to|takes|tks\.?)\s(?:${SQUARE}|(?:${PIECE}){1,3}))(?:\s?=\s?\(?Q\)?|\s?\(Q\))?`;
const CASTLING = String
  .raw`\bCastles\b(?:\s(?:[KQ]R?\b|\([KQ]\.?\s?R?\.?\)|on\s(?:the\s)?[KQ]\S*\sside))?\.?|\b[O0]\s?--?\s?[O0](?:\s?--?\s?[O0])?\b|\bResigns\b\.?`;
/** One move in algebraic notation: `Nf3`, `exd4`, `e2-e4`, `Qxh7+`. */
const ALGEBRAIC = String.raw`(?<![\w-])(?:(?:Kt|[KQRBN])?[a-h]?[1-8]?[-x:]?[a-h][1-8](?:=?[QRBN])?)(?![\w])`;

const MOVE = new RegExp(`(?:${DESCRIPTIVE}|${CASTLING}|${ALGEBRAIC})${SUFFIX}`, "g");
/** What may stand between two moves of one score. */
const BETWEEN = /^[\s,;:.…()[\]–—-]*(?:(?:\d{1,3}\s?\.?\s?(?:\.{2,8}|…)?)[\s,;:.…()–—-]*)*$/;
const LINE_NUMBER = /^\s*\d{1,3}[a-z]?\s?\.?\s/;
/** Any of this, and the text may hold moves at all. */
const HAS_MOVES = new RegExp(
  String
    .raw`\b(?:Kt|[KQRBNP])(?:\.? to |\.? takes | ?[-–x×] ?)(?:[KQRBNP]\b|[KQRBNP]{1,2}\d|Kt|[1-8](?!\d))|\b\d{1,2}\.{1,3}\s?(?:[KQRBN]?[a-h]?x?[a-h][1-8]|O-O)\b`,
);
const PGN_TAG = /^\s*\[[A-Z]\w{1,30}\s+"[^"]*"\]\s*$/;
const FEN =
  /(?:[rnbqkpRNBQKP1-8]{1,8}\/){7}[rnbqkpRNBQKP1-8]{1,8}(?:\s[wb]\s(?:-|[KQkq]{1,4})\s(?:-|[a-h][36])(?:\s\d{1,3}\s\d{1,3})?)?/g;
const CAPTION =
  /^[\s_]*(?:(?:diag(?:ram)?|fig(?:ure)?|position|no)\.?\s*\d{1,3}[a-z]?\.?|black\.?|white\.?|(?:white|black)\W{1,60}(?:white|black)\.?)[\s_]*$/i;

/** "WHITE. (Mr. M.)   BLACK. (M. B.)", "White: Berg. Black: Dahl." */
const PLAYERS =
  /^[\s_]*(?:white|black)[\s_.:]*(?:\([^)]{1,40}\)\s*)?(?:(?:white|black)[\s_.:]*)?(?:\([^)]{1,40}\)\s*)?$|^\W*White\W{1,4}.{2,50}\bBlack\W{1,4}.{2,50}$/i;

/** So many half-moves in a row are a score, not a move named in a sentence. */
const RUN = 6;
/** A block is a score when moves take this share of its letters and digits. */
const SCORE_SHARE = 0.5;

/** True where a text may hold moves: the only texts on which the costlier patterns run. */
export function mayHoldMoves(text: string): boolean {
  return HAS_MOVES.test(text);
}

/** Drops boards with their captions, PGN games, positions in FEN and scores of games, in place. */
export function dropChess(blocks: readonly Block[], chess: boolean, removed: Counts): void {
  let pgn = false;
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined || block.drop !== undefined) continue;
    if (isBoard(block)) {
      dropBlock(block, "boards", removed);
      dropCaption(blocks[i - 1], removed);
      dropCaption(blocks[i + 1], removed);
      dropCaption(blocks[i + 2], removed);
    } else if (block.lines[0]?.includes("[") === true && block.lines.every((line) => PGN_TAG.test(line))) {
      dropBlock(block, "pgn", removed);
      pgn = true;
    } else if (pgn && /^\s*(?:\d|\(|\{|\*)/.test(block.lines[0] ?? "")) {
      dropBlock(block, "pgn", {});
    } else {
      pgn = false;
      const kind = dataKind(block, chess);
      if (kind === "pgn") block.drop = kind;
      else if (kind !== undefined) dropBlock(block, kind, removed, block.lines.length);
    }
  }
}

/** What a block is, if it is chess and no prose. */
function dataKind(block: Block, chess: boolean): string | undefined {
  if (/^\s*(?:\{PGN \d+\}|End of PGN Supplement)\s*$/i.test(block.lines[0] ?? "")) return "pgn";
  if (block.lines.every((line) => isFenLine(line))) return "fen";
  if (!chess) return undefined;
  if (isScore(block)) return "moves";
  return block.lines.length <= 3 && PLAYERS.test(flat(block)) ? "captions" : undefined;
}

/** So many lines of boards and scores make a chess book, in which bare names of players and openings are captions. */
const CHESS_BOOK = 20;

/** Drops what stands over and under scores in a chess book: players, places, names of openings, centred lines. */
export function dropChessCaptions(blocks: readonly Block[], removed: Counts): void {
  if ((removed["moves"] ?? 0) + (removed["boards"] ?? 0) * 8 < CHESS_BOOK) return;
  for (const block of blocks) {
    if (block.drop !== undefined || block.heading !== undefined || block.lines.length > 3) continue;
    const text = flat(block);
    const bare = text.length < 70 && measure(text).running <= 1 && measure(text).words <= 7 && !/[!?"“”]/.test(text);
    const centred = block.lines.every((line) => indentOf(line) >= 8) && text.length < 160;
    if (bare || centred) dropBlock(block, "captions", removed);
  }
}

function dropCaption(block: Block | undefined, removed: Counts): void {
  if (block === undefined || block.drop !== undefined || block.lines.length > 3) return;
  if (CAPTION.test(flat(block))) dropBlock(block, "captions", removed);
}

/** A board: at least eight lines, of which most are ranks between bars, or rules, or rows of single pieces. */
export function isBoard(block: Block): boolean {
  if (block.lines.length < 6 || !/^\s*(?:[\d|+.*#^=♔-♟·□■-]|[rnbqkpRNBQKP]\*?\s)/u.test(block.lines[2] ?? "")) {
    return false;
  }
  let ranks = 0;
  for (const line of block.lines) {
    const text = line.trim();
    if (/^[-+|=_ ]{8,}$/.test(text)) ranks++;
    else if (/^\d?\s?\|/.test(text) && text.split("|").length >= 7) ranks++;
    else if (
      /^(?:\d\s+)?(?:[.*#^]?(?:Kt|[KQRBNPkqrbnp]|[.\-*+])\*?\s+){7}[.*#^]?(?:Kt|[KQRBNPkqrbnp]|[.\-*+])\*?(?:\s+\d)?$/
        .test(text)
    ) ranks++;
    else if (/^[♔-♟·.\s□■]{8,}$/u.test(text)) ranks++;
  }
  return ranks >= 6 && ranks >= block.lines.length * 0.6;
}

function isFenLine(line: string): boolean {
  return line.includes("/") && line.trim().replace(FEN, "").replace(/^\s*\(?\d*[.):]?\s*|[\s.]*$/g, "") === "";
}

/** A score of a game: lines that are moves, or a paragraph that is mostly moves. */
function isScore(block: Block): boolean {
  let numbered = 0;
  for (const line of block.lines) if (LINE_NUMBER.test(line)) numbered++;
  const text = flat(block);
  if (text.length > 20_000) return false;
  const { words, running } = measure(text);
  if (running > words * 0.6) return false;
  const moves = moveLetters(text);
  if (moves.number === 0) return false;
  const letters = countLetters(text);
  const share = moves.letters / Math.max(1, letters);
  if (share >= SCORE_SHARE && (moves.number >= 2 || text.length < 60)) return true;
  return numbered >= 2 && numbered >= block.lines.length * 0.5 && share >= 0.3;
}

function moveLetters(text: string): { number: number; letters: number } {
  let number = 0;
  let letters = 0;
  for (const match of text.matchAll(MOVE)) {
    number++;
    letters += countLetters(match[0]);
  }
  return { number, letters };
}

function countLetters(text: string): number {
  let letters = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code >= 0xc0) letters++;
  }
  return letters;
}

/**
 * Cuts runs of six half-moves and more out of one paragraph; moves named in a sentence stay.
 *
 * @example
 * ```ts
 * import { cutMoveRuns } from "@/corpus/chess.ts";
 *
 * const text = "She began 1. P-K4, P-K4; 2. Kt-KB3, Kt-QB3; 3. B-Kt5, P-QR3. It was the Spanish game.";
 * const cut = cutMoveRuns(text, {});
 * if (cut !== "She began … It was the Spanish game.") throw new Error(cut);
 * ```
 */
export function cutMoveRuns(text: string, removed: Counts): string {
  const { words, running } = measure(text);
  if (words - running < RUN) return text;
  const moves = [...text.matchAll(MOVE)];
  const cuts: [number, number][] = [];
  for (let i = 0; i < moves.length;) {
    const start = moves[i]?.index ?? 0;
    let end = start + (moves[i]?.[0].length ?? 0);
    let j = i + 1;
    while (j < moves.length) {
      const next = moves[j];
      if (next === undefined || next.index - end > 40 || !BETWEEN.test(text.slice(end, next.index))) break;
      end = next.index + next[0].length;
      j++;
    }
    if (j - i >= RUN) cuts.push([start, end]);
    i = j;
  }
  if (cuts.length === 0) return text;
  count(removed, "move_runs", cuts.length);
  let result = "";
  let from = 0;
  for (const [start, end] of cuts) {
    // The number of the first move, and an opening bracket, go along.
    const near = Math.max(from, start - 24);
    result += text.slice(from, near) +
      text.slice(near, start).replace(/[\s(]*(?:\d{1,3}\s?\.?\s?(?:\.{2,8}|…)?\s?)?$/, "") + " …";
    from = end;
    if (text[from] === "." && /[a-z]\s*$/.test(text.slice(start, end))) from++;
  }
  return result + text.slice(from);
}

/** Takes positions in FEN out of a paragraph. */
export function cutFen(text: string, removed: Counts): string {
  if (!text.includes("/")) return text;
  return text.replace(FEN, () => {
    count(removed, "fen");
    return "…";
  });
}
