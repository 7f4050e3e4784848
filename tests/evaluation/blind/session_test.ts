import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { join } from "node:path";
import { openSession } from "@/evaluation/blind/session.ts";
import { makeTrials } from "@/evaluation/blind/trial.ts";
import { openVotes, setVotesAside } from "@/evaluation/blind/votes.ts";
import { opening, textBy } from "../../fakes/continuations.ts";
import { withFolder } from "../../fakes/folder.ts";

const { trials } = makeTrials(
  Array.from({ length: 4 }, (_, n) => ({
    id: `p${n}`,
    prompt: opening(n),
    base: textBy("base", 60, n),
    tuned: textBy("tuned", 60, n),
    author: textBy("author", 60, n),
  })),
  [textBy("author", 200, 9)],
  { seed: 3, mostWords: 100, catchEvery: 4 },
);

const withSession = (body: (session: ReturnType<typeof openSession>, votes: ReturnType<typeof openVotes>) => void) =>
  withFolder((folder) => {
    using votes = openVotes(join(folder, "votes.sqlite"), "x");
    body(openSession(trials, votes, 3, () => 0), votes);
    return Promise.resolve();
  });

Deno.test("a session asks both questions of every trial once, and tells nobody whose texts they are", () =>
  withSession((session, votes) => {
    let progress = session.progress("ann");
    while (progress.next) {
      const { next } = progress;
      const shown = Object.values(next).flat().map(String);
      ok(!shown.some((value) => /base|tuned|catch/.test(value)), shown.join("|"));
      deepEqual(Object.keys(next).sort(), ["excerpts", "left", "number", "prompt", "question", "right"]);
      equal(session.reveal("ann"), undefined);
      const { number, question } = next;
      progress = session.vote({ rater: "ann", number, question, choice: "left", latencyMs: 5 }) ?? progress;
    }
    equal(progress.done, trials.length);
    equal(votes.all().length, 2 * trials.length);
    const revealed = session.reveal("ann") ?? [];
    equal(revealed.length, trials.length);
    // What was shown left is what stands in the vote.
    for (const { left, right, kind } of revealed) {
      if (kind === "pair") deepEqual([left, right].sort(), ["base", "tuned"]);
    }
    equal(session.progress("bob").done, 0);
  }));

Deno.test("a vote that is not asked for now is refused: a key pressed twice, another pair, another question", () =>
  withSession((session, votes) => {
    const vote = { rater: "ann", number: 0, question: "fidelity" as const, choice: "left" as const, latencyMs: 5 };
    equal(session.vote({ ...vote, number: 1 }), undefined);
    equal(session.vote({ ...vote, question: "quality" }), undefined);
    ok(session.vote(vote));
    equal(session.vote(vote), undefined);
    equal(votes.all().length, 1);
    equal(session.takeBack("ann").next?.question, "fidelity");
    equal(votes.all().length, 0);
    equal(session.takeBack("ann").done, 0);
  }));

Deno.test("setVotesAside keeps votes on other texts, and finds them again", () =>
  withFolder((folder) => {
    const path = join(folder, "votes.sqlite");
    const votesOn = (trial: string) => {
      setVotesAside(path, trial);
      using votes = openVotes(path, trial);
      return votes.all().length;
    };
    const vote = {
      rater: "Ada",
      trial: "p1",
      question: "fidelity",
      choice: "left",
      left: "base",
      right: "tuned",
    } as const;
    {
      using votes = openVotes(path, "one");
      votes.give({ ...vote, latency_ms: 1, given: "2026-01-01T00:00:00.000Z" });
    }
    equal(setVotesAside(path, "one"), undefined);
    deepEqual([votesOn("two"), votesOn("one"), votesOn("two")], [0, 1, 0]);
    equal(setVotesAside(join(folder, "none.sqlite"), "one"), undefined);
    return Promise.resolve();
  }));

Deno.test("openVotes refuses votes on other texts, and what is no book of votes", () =>
  withFolder(async (folder) => {
    const path = join(folder, "votes.sqlite");
    openVotes(path, "one")[Symbol.dispose]();
    throws(() => openVotes(path, "two"), /its votes are on other texts/);
    const other = join(folder, "other.sqlite");
    await Deno.writeTextFile(other, "not a database, and longer than a header would be ".repeat(20));
    throws(() => openVotes(other, "one"), /holds no votes/);
  }));
