/** Answers of both models side by side. Whatever a model wrote is shown as text. */
import { DISPLAY, type Displayable } from "../core/display.ts";
import { type Cards, cards } from "./cards.ts";
import { page } from "./page.ts";

/** A question with its answers, as far as it is shown. */
export interface Talk {
  readonly id: string;
  readonly category: string;
  readonly before: readonly string[];
  readonly prompt: string;
  readonly fact?: string | undefined;
  readonly answers: Readonly<
    Record<"tuned" | "base", readonly { readonly text: string; readonly notes: readonly string[] }[]>
  >;
}

type Names = Readonly<Partial<Record<"tuned" | "base", string>>>;
const SIDES = ["tuned", "base"] as const;

/** One question: the answers of the tuned model and of the base, with what was made of them. */
export function talkCards({ before, prompt, fact, answers }: Talk, names: Names = {}): Cards {
  const title = [...before.map((text, turn) => (turn % 2 === 0 ? text : `— ${text}`)), prompt].join("\n");
  return cards(
    SIDES.flatMap((side) =>
      answers[side].map(({ text, notes }, number) => ({
        title: `${titleOf(side, names[side])}, ${number + 1}`,
        note: notes.join("; "),
        text: text.trim() || "(nothing)",
      }))
    ),
    { title: fact ? `${title}\n(${fact})` : title, width: 26 },
  );
}

function titleOf(side: string, name = ""): string {
  const short = name.split(/[\\/]/).at(-1) ?? "";
  return short === "" || short === side ? side : `${side} (${short})`;
}

/** Some questions one under the other; the first answer of each side. */
export function sideBySideAnswers(talks: readonly Talk[], names: Names = {}): Displayable & { html(): string } {
  const rows = talks.map((talk) =>
    talkCards(
      { ...talk, answers: { tuned: talk.answers.tuned.slice(0, 1), base: talk.answers.base.slice(0, 1) } },
      names,
    )
  );
  const html = () => rows.map((row) => `<div style="margin-bottom:1.6em">${row.html()}</div>`).join("");
  const text = () => rows.map((row) => row.text()).join("\n\n");
  return { html, [DISPLAY]: () => ({ "text/html": html(), "text/plain": text() }) };
}

/** All transcripts as a page. */
export function transcriptPage(talks: readonly Talk[], names: Names): Promise<string> {
  const sections = [...Map.groupBy(talks, ({ category }) => category)].map(([category, group]) => ({
    heading: `${category.replaceAll("_", " ")}`,
    parts: group.map((talk) => talkCards(talk, names)),
  }));
  return page("Transcripts", sections);
}
