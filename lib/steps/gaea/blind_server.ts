/** The page of a blind trial: its files, what it asks, and what it is told. */
import { z } from "zod";
import { type Handler, json, pageHandler, postedJson, problem, type Route } from "../../core/page_server.ts";
import type { Context } from "../../core/step.ts";
import { LONGEST_NAME, type Session } from "../../evaluation/blind/session.ts";
import { CHOICES, QUESTIONS } from "../../evaluation/blind/votes.ts";

const VIEW = new URL("../../view/", import.meta.url);
const FILES = {
  "": new URL("blind/blind.html", VIEW),
  "blind.css": new URL("blind/blind.css", VIEW),
  "blind.js": new URL("blind/blind.js", VIEW),
  "icon.svg": new URL("browse/icon.svg", VIEW),
};

/** A vote is far shorter. */
const MOST_BODY = 4096;
const Rater = z.string().trim().min(1).max(LONGEST_NAME).refine((name) => !name.startsWith("judge:"));
const Posted = z.object({
  rater: Rater,
  number: z.int().nonnegative(),
  question: z.enum(QUESTIONS),
  choice: z.enum(CHOICES),
  latencyMs: z.number().nonnegative(),
});

/** @param tally What the votes show, in a sentence; told to a rater only at his end. */
export function blindHandler(
  { session, tally, token, port, emit }: {
    session: Session;
    tally: () => string;
    token: string;
    port: () => number;
    emit: Context["emit"];
  },
): Handler {
  const forRater = (answer: (rater: string) => Response): Route => ({
    answer: (request) => {
      const rater = Rater.safeParse(new URL(request.url).searchParams.get("rater"));
      return rater.success ? answer(rater.data) : problem(400, `A name has 1 to ${LONGEST_NAME} letters.`);
    },
  });
  return pageHandler({
    token,
    port,
    files: FILES,
    routes: {
      "api/progress": forRater((rater) => json(session.progress(rater))),
      "api/results": forRater((rater) => {
        const revealed = session.reveal(rater);
        return revealed ? json({ revealed, tally: tally() }) : problem(409, "There are pairs left to read.");
      }),
      "api/vote": {
        method: "POST",
        answer: async (request) => {
          const vote = Posted.safeParse(await postedJson(request, MOST_BODY));
          if (!vote.success) return problem(400, "A vote names its rater, pair, question and choice.");
          const progress = session.vote(vote.data);
          return progress ? json(progress) : problem(409, "Another pair is asked now; reload the page.");
        },
      },
      "api/undo": {
        method: "POST",
        answer: async (request) => {
          const body = z.object({ rater: Rater }).safeParse(await postedJson(request, MOST_BODY));
          return body.success ? json(session.takeBack(body.data.rater)) : problem(400, "Whose vote?");
        },
      },
    },
    emit,
  });
}
