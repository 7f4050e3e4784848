// The page: a list that the server filters, the example that is chosen, and verdicts by single keys.
import { ask } from "./ask.js";
import { exampleView, handSays, markBar } from "./example.js";
import { colorer, element, shown, spoken } from "./texts.js";

const PAGE = 50;
/** By it the server gives up a search when this page asks for another. */
const PAGE_ID = crypto.randomUUID();
const byId = (id) => document.getElementById(id);
const filters = byId("filters"), list = byId("list"), article = byId("example");
const number = new Intl.NumberFormat("en-US");

const STATES = {
  dataset: "in the dataset",
  left_out: "left out",
  accepted: "accepted by hand",
  rejected: "rejected by hand",
  unjudged: "not judged yet",
};

/** What the page shows: lines from `from` of `total`, and the one that is chosen among them. */
const view = { version: "", from: 0, total: 0, lines: [], at: 0, shown: undefined };
/** Verdicts of this page, the latest at the end: what to give back, and what stood there before. */
const given = [];
let colorOf = () => "#555555";
let listing = new AbortController();
let showing = new AbortController();

function say(message, trouble = false) {
  byId("status").textContent = message;
  byId("status").classList.toggle("trouble", trouble);
}

/** Runs work whose failure is told in the status line; what was given up for newer work is not told. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
  }
}

// --- The list

function chosenFilters() {
  return [...new FormData(filters)].filter(([, value]) => String(value).trim() !== "");
}

/** Fetches the lines from `from`; `fresh` searches anew instead of going on in the list as it was. */
async function load(from, { fresh = false, at = 0 } = {}) {
  listing.abort();
  listing = new AbortController();
  const query = new URLSearchParams(chosenFilters());
  history.replaceState(null, "", query.size > 0 ? `#${query}` : location.pathname);
  query.set("from", from);
  query.set("count", PAGE);
  query.set("page", PAGE_ID);
  if (fresh) query.set("fresh", "1");
  list.setAttribute("aria-busy", "true");
  const found = await ask(`api/list?${query}`, undefined, listing.signal);
  list.removeAttribute("aria-busy");
  Object.assign(view, { version: found.version, from, total: found.total, lines: found.lines });
  view.at = at < 0 ? found.lines.length - 1 : Math.min(at, Math.max(0, found.lines.length - 1));
  offer(found.counts);
  tellTotals(found.all, found.judged);
  byId("found").textContent = found.total === 1 ? "1 example" : `${number.format(found.total)} examples`;
  const pages = Math.max(1, Math.ceil(found.total / PAGE));
  byId("page").textContent = `page ${number.format(from / PAGE + 1)} of ${number.format(pages)}`;
  byId("back").disabled = from === 0;
  byId("forth").disabled = from + PAGE >= found.total;
  list.replaceChildren(...found.lines.map(lineOf));
  list.scrollTop = 0;
  await choose(view.at);
}

function tellTotals(all, judged) {
  if (all !== undefined) view.all = all;
  byId("totals").textContent = `${number.format(view.all)} examples, ${number.format(judged.accept)} accepted and ${
    number.format(judged.reject)
  } rejected by hand`;
}

/** Fills the choices with their counts; what is chosen stays, even where nothing is left of it. */
function offer(counts) {
  for (const select of filters.querySelectorAll("select")) {
    const chosen = select.value;
    const found = counts[select.name];
    const all = select.name === "state" ? Object.keys(STATES) : Object.keys(found).sort((a, b) => a.localeCompare(b));
    if (chosen && !all.includes(chosen)) all.push(chosen);
    const label = (value) => (select.name === "state" ? STATES[value] ?? value : spoken(value));
    select.replaceChildren(
      new Option(select.name === "reason" ? "any reason" : "all", ""),
      ...all.map((value) => new Option(`${label(value)} (${number.format(found[value] ?? 0)})`, value)),
    );
    select.value = chosen;
    select.classList.toggle("set", chosen !== "");
  }
}

function lineOf(line, at) {
  const notes = [spoken(line.persona), line.book].filter(Boolean).join(" · ");
  const title = element("span", { class: "title", dir: "auto" }, ...shown(line.title || "(nothing readable)"));
  const button = element("button", { type: "button" }, title, element("span", { class: "note" }, notes));
  button.append(element("span", { class: "note standing" }));
  button.addEventListener("click", () => attempt(() => choose(at)));
  const item = element("li", {}, button);
  markLine(item, line);
  return item;
}

function markLine(item, { reason, verdict }) {
  const standing = item.querySelector(".standing");
  const left = reason === undefined ? [] : [element("span", { class: "left-out" }, `left out: ${spoken(reason)}`)];
  const hand = verdict === undefined ? [] : [element("span", { class: verdict }, handSays(verdict))];
  standing.replaceChildren(...left, ...(left.length && hand.length ? [" · "] : []), ...hand);
  standing.hidden = standing.childNodes.length === 0;
}

// --- The example

async function choose(at) {
  view.at = at;
  for (const [i, { firstChild: button }] of [...list.children].entries()) {
    if (i === at) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    if (i !== at) continue;
    button.scrollIntoView({ block: "nearest" });
    if (!filters.contains(document.activeElement)) button.focus({ preventScroll: true });
  }
  showing.abort();
  showing = new AbortController();
  const line = view.lines[at];
  if (!line) {
    article.removeAttribute("aria-busy");
    return article.replaceChildren(element("p", { class: "empty" }, "Nothing passes these filters."));
  }
  const query = new URLSearchParams({ number: line.number, version: view.version });
  article.setAttribute("aria-busy", "true");
  try {
    const example = await ask(`api/example?${query}`, undefined, showing.signal);
    article.replaceChildren(...exampleView(example, line, colorOf, (verdict) => attempt(() => judge(verdict))));
    article.removeAttribute("aria-busy");
    article.scrollTop = 0;
    view.shown = line;
  } catch (error) {
    if (error.status !== 409) throw error;
    await load(0, { fresh: true });
    say("The dataset was rebuilt meanwhile; this is the new one.");
  }
}

// --- Verdicts

async function send(key, verdict) {
  const answer = await ask("api/verdict", { key, verdict: verdict ?? null });
  tellTotals(undefined, answer.judged);
  for (const [at, line] of view.lines.entries()) {
    if (line.key !== key) continue;
    line.verdict = verdict;
    markLine(list.children[at], line);
    const bar = article.querySelector(".verdict");
    if (at === view.at && bar) markBar(bar, line);
  }
  return answer.before ?? undefined;
}

/** Keeps a verdict on the chosen example, then goes on to the next. `undefined` takes it back and stays. */
async function judge(verdict) {
  const line = view.lines[view.at];
  if (!line) return;
  // Nobody judges what is not before their eyes yet.
  if (line !== view.shown) return say("This example is still being read.");
  if (line.key === undefined) return say("There is no question and answer to judge.", true);
  const before = await send(line.key, verdict);
  given.push({ key: line.key, before, from: view.from, at: view.at });
  say(verdict === undefined ? "verdict taken back" : `${verdict}ed; u undoes it`);
  if (verdict !== undefined) await move(1);
}

async function undo() {
  const last = given.pop();
  if (!last) return say("There is nothing to undo.");
  await send(last.key, last.before);
  if (view.lines[last.at]?.key === last.key && view.from === last.from) await choose(last.at);
  say(last.before === undefined ? "undone: not judged" : `undone: ${last.before}ed as before`);
}

async function move(step) {
  const at = view.at + step;
  if (at >= 0 && at < view.lines.length) return await choose(at);
  if (at < 0 && view.from > 0) return await load(view.from - PAGE, { at: -1 });
  if (at > 0 && view.from + PAGE < view.total) return await load(view.from + PAGE);
  say(at < 0 ? "This is the first example." : "This is the last example.");
}

// --- Keys and fields

const KEYS = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  a: () => judge("accept"),
  r: () => judge("reject"),
  x: () => judge(undefined),
  u: undo,
  "/": () => filters.elements.text.focus(),
  "?": () => byId("help").showModal(),
};

/** One thing at a time: keys that are pressed faster than the disk answers wait their turn. */
let turn = Promise.resolve();

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || byId("help").open) return;
  const field = event.target.closest?.("input, select");
  if (field && event.key === "Escape") {
    event.preventDefault();
    field.blur();
    return list.children[view.at]?.firstChild.focus();
  }
  if (field) return;
  // In the text the arrows scroll.
  if (event.key.startsWith("Arrow") && article.contains(event.target)) return;
  const action = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : undefined;
  if (!action) return;
  event.preventDefault();
  turn = turn.then(() => attempt(action));
});

const search = () => attempt(() => load(0, { fresh: true }));
let typing;
filters.addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(search, event.target.name === "text" ? 250 : 0);
});
filters.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  search();
});
// The fields are empty only after the event.
filters.addEventListener("reset", () => setTimeout(search, 0));
byId("back").addEventListener("click", () => attempt(() => load(view.from - PAGE)));
byId("forth").addEventListener("click", () => attempt(() => load(view.from + PAGE)));

await attempt(async () => {
  colorOf = colorer(await ask("api/themes"));
  const asked = new URLSearchParams(location.hash.slice(1));
  filters.elements.text.value = asked.get("text") ?? "";
  for (const select of filters.querySelectorAll("select")) {
    const value = asked.get(select.name);
    if (value) select.replaceChildren(new Option(value, value, true, true));
  }
  await load(0, { fresh: true });
});
