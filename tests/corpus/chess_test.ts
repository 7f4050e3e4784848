import { deepEqual, doesNotMatch, equal, match, throws } from "node:assert/strict";
import { cutMoveRuns } from "@/corpus/chess.ts";
import { cleanBook } from "@/corpus/clean.ts";
import { RefusedBook } from "@/corpus/refused_book.ts";
import { bytes, CLEAN_PROSE, file, PROSE } from "../fakes/gutenberg.ts";

const clean = (body: string) => cleanBook(bytes(file(`CHAPTER I\n\n${body}`)));

const BOARD = `        ---------------------------------
     8 | #R |    |    |    | #K |    |    | #R |
       |---------------------------------------|
     7 | #P |    |    |    |    |    |    | #P |
       |---------------------------------------|
     6 |    |    |    |    |    |    |    |    |
       |---------------------------------------|
     1 | ^R |    |    |    | ^K |    |    |    |
        ---------------------------------------
         A    B    C    D    E    F    G    H

                Diag. 5.`;

const PLUS_BOARD = `                                No. 12.

                                BLACK.
                   +---+---+---+---+---+---+---+---+
                   | R*|   |   |   | K*|   |   |   |
                   +---+---+---+---+---+---+---+---+
                   |   |   |   |   |   |   |   |   |
                   +---+---+---+---+---+---+---+---+
                   |   |   |   |   | K |   |   |   |
                   +---+---+---+---+---+---+---+---+
                                WHITE.`;

for (const [name, board] of Object.entries({ "drawn with bars": BOARD, "drawn with crosses": PLUS_BOARD })) {
  Deno.test(`cleanBook drops a board ${name}, its caption and its letters`, () => {
    const book = clean(`White is to move in the next diagram.\n\n${board}\n\n${PROSE}`);
    equal(book.text, `White is to move in the next diagram.\n\n${CLEAN_PROSE}`);
    equal(book.removed["boards"], 1);
    equal(book.removed["captions"], 1);
  });
}

Deno.test("cleanBook makes one sentence of the halves around a board", () => {
  equal(
    clean(`The attack on the King\n\n${BOARD}\n\nmust be met at once, or the game is lost. ${"\n\n" + PROSE}`).text
      .split("\n\n")[0],
    "The attack on the King must be met at once, or the game is lost.",
  );
});

const SCORES: Record<string, string> = {
  "in two columns": `    1. P-K4           P-K4
    2. Kt-KB3         Kt-QB3
    3. B-Kt5          P-QR3`,
  "with spaced signs": `        1. P - Q 4                P - Q 4
        2. P - Q B 4              P - K 3
            (Best; see above.)
        3. Kt - Q B 3             Kt - K B 3`,
  "in words": `        1. P. to K's 4th.             1. P. to K's 4th.
        2. K's Kt. to B's 3d.         2. P. to K. B's 3d.
        3. Kt. takes K's P.           3. P. takes Kt.
                  You have the better game.`,
  "as one paragraph": `1. P-K4, P-K4; 2. Kt-KB3, Kt-QB3; 3. B-Kt5, P-QR3; 4. B-R4, Kt-B3;
5. Castles, B-K2; 6. R-K1, P-QKt4; and wins.`,
  "in algebraic notation": "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7",
  "of one move": "          5. ...                B-K2",
  "of long algebraic moves": `          1. d2-d4          d7-d5
          2. c2-c4          e7-e6`,
};

for (const [name, score] of Object.entries(SCORES)) {
  Deno.test(`cleanBook drops a score ${name}`, () => {
    const book = clean(`The game went as follows.\n\n${score}\n\n${PROSE}`);
    equal(book.text, `The game went as follows.\n\n${CLEAN_PROSE}`);
    equal((book.removed["moves"] ?? 0) > 0, true);
  });
}

Deno.test("cleanBook keeps moves that a sentence names", () => {
  const text =
    "After 1. P-K4, P-K4 the player who chooses B-K2 develops a piece, and P-KR3 would be the loss of a move.";
  equal(clean(text).text, text);
});

Deno.test("cutMoveRuns cuts a run of six and leaves five", () => {
  const five = "It went 1. P-K4, P-K4; 2. Kt-KB3, Kt-QB3; 3. B-Kt5, which is the Spanish game.";
  equal(cutMoveRuns(five, {}), five);
  const removed = {};
  equal(
    cutMoveRuns(
      "It may go on: 4...K - B 7; 5 R - B 4 ch, K - Kt 6; 6 K - Q 3, K - Kt 7; 7 R - Kt 4 ch. The King has moved.",
      removed,
    ),
    "It may go on: … The King has moved.",
  );
  deepEqual(removed, { move_runs: 1 });
});

Deno.test("cutMoveRuns leaves ordinary sentences alone", () => {
  for (
    const text of [
      "King to Queen: be so kind; B. takes the train, K. to follow at 4.",
      "At No. 5 lived D-503, and at No. 6 I-330; O-90 had R-13 to tea, and S-4711 as well, on 12.3.",
      "See vol. 1, p. 2; vol. 3, p. 4; vol. 5, p. 6; vol. 7, p. 8.",
    ]
  ) equal(cutMoveRuns(text, {}), text);
});

Deno.test("cleanBook drops games in PGN with their tags and comments", () => {
  const book = clean(`${PROSE}

{PGN 01}

[Event "A match"]
[Site "Bergen"]
[White "Berg"]
[Black "Dahl"]
[Result "1-0"]

1. {Played without sight of the board} e4 e5 2. Nf3 d6 {this is a
timid move, and the master does not recommend it} 3. d4 1-0`);
  equal(book.text, CLEAN_PROSE);
  equal(book.removed["pgn"], 1);
});

Deno.test("cleanBook drops positions in FEN, alone and inside a sentence", () => {
  const fen = "r1bqkbnr/pppp1ppp/2n5/4p3/4P3/5N2/PPPP1PPP/RNBQKB1R w KQkq - 2 3";
  const book = clean(`${PROSE}\n\n${fen}\n\nThe position ${fen} is well known.`);
  doesNotMatch(book.text, /pppp1ppp/);
  match(book.text, /The position … is well known\.$/);
});

Deno.test("cleanBook keeps the prose of a chess book that is mostly boards and scores", () => {
  const game = `    1. P-K4           P-K4\n    2. Kt-KB3         Kt-QB3\n    3. B-Kt5          P-QR3`;
  const book = clean(`${PROSE}\n\n${Array.from({ length: 8 }, () => `${BOARD}\n\n${game}`).join("\n\n")}\n\n${PROSE}`);
  equal(book.text, `${CLEAN_PROSE}\n\n${CLEAN_PROSE}`);
  equal(book.kept, 1);
});

Deno.test("cleanBook refuses a file of positions as no prose", () => {
  const fen = "8/8/8/3k4/8/3K4/3R4/8 w - - 0 1\n".repeat(200);
  throws(
    () => clean(`The problems follow.\n\n${fen}`),
    (error) => error instanceof RefusedBook && error.reason === "no_prose",
  );
});
