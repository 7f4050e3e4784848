// One example as the page shows it: the words beside their passage, the gate that they failed, the verdict.
import { element, marked, passage, shown, spoken } from "./texts.js";

const ROLES = { system: "System", user: "Question", assistant: "Answer", unreadable: "What the model said" };

/** A verdict in the list. */
export function handSays(verdict) {
  return verdict === "accept" ? "✓ accepted" : "✗ rejected";
}

/** The nodes of an example; `onVerdict` hears of the two buttons. */
export function exampleView(example, line, colorOf, onVerdict) {
  const said = example.messages.filter(({ role }) => role !== "system").flatMap(message);
  const system = example.messages.filter(({ role }) => role === "system").map(({ content }) =>
    element("details", {}, element("summary", {}, ROLES.system), textOf("system", shown(content)))
  );
  const words = said.length > 0
    ? said
    : [element("p", { class: "empty" }, "The model gave nothing that could be read.")];
  const facts = [
    ["persona", spoken(example.persona)],
    ["themes", example.themes.map(spoken).join(", ")],
    ...example.facts,
  ].filter(([, value]) => value !== "");
  return [
    verdictBar(line, onVerdict),
    ...(example.reason === undefined ? [] : [why(example)]),
    element(
      "div",
      { class: "sides" },
      element("section", { "aria-label": "Conversation" }, ...words, ...system),
      element("section", { "aria-label": "Passage" }, ...passageOf(example, colorOf), factsOf(facts)),
    ),
  ];
}

function message({ role, content }) {
  return [element("h2", {}, ROLES[role] ?? role), textOf(role, shown(content))];
}

function textOf(kind, children) {
  return element("div", { class: `text ${kind}`, dir: "auto" }, ...children);
}

function why({ reason, detail }) {
  const words = element("p", { class: "why" }, `Left out: ${spoken(reason)}`);
  if (detail) words.append(" (", ...shown(detail), ")");
  return words;
}

function passageOf({ passage: found }, colorOf) {
  if (!found) return [element("h2", {}, "Passage"), element("p", { class: "empty" }, "The passage is not at hand.")];
  const themes = [...new Set(found.pieces.flatMap((piece) => piece.themes))];
  const legend = themes.map((theme) =>
    element("span", {}, marked([spoken(theme)], [theme], colorOf, theme), ` ${found.counts[theme] ?? ""}`)
  );
  return [
    element("h2", {}, "Passage"),
    element("div", { class: "legend" }, ...legend),
    textOf("passage", passage(found.pieces, colorOf)),
  ];
}

function factsOf(facts) {
  const rows = facts.flatMap(([name, value]) => [
    element("dt", {}, spoken(name)),
    element("dd", { dir: "auto" }, ...shown(value)),
  ]);
  return element(
    "details",
    { open: "" },
    element("summary", {}, "Where it comes from"),
    element("dl", { class: "facts" }, ...rows),
  );
}

function verdictBar(line, onVerdict) {
  const bar = element("div", { class: "verdict", role: "group", "aria-label": "Verdict" });
  const standing = element("span", { class: "standing" });
  const buttons = [["accept", "Accept", "a"], ["reject", "Reject", "r"]].map(([verdict, name, key]) => {
    const button = element("button", { type: "button", class: verdict, "aria-keyshortcuts": key }, name);
    button.disabled = line.key === undefined;
    button.addEventListener("click", () => onVerdict(verdict));
    return button;
  });
  bar.append(standing, ...buttons);
  markBar(bar, line);
  return bar;
}

/** Brings the bar up to date with a verdict. */
export function markBar(bar, { reason, verdict, key }) {
  const place = reason === undefined
    ? "In the dataset"
    : reason === "rejected_by_hand"
    ? "Left out by hand"
    : "Left out by a gate";
  const hand = key === undefined
    ? "no verdict, as there is no question and answer"
    : verdict === undefined
    ? "not judged yet"
    : `${verdict}ed by hand`;
  bar.querySelector(".standing").replaceChildren(`${place}, `, element("span", { class: verdict ?? "" }, hand));
  for (const button of bar.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.classList.contains(verdict ?? "none")));
  }
}
