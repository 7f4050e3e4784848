// The page of a blind trial: one pair, one question, one key. It knows nothing of whose texts they are until the end.
const byId = (id) => document.getElementById(id);
const token = location.pathname.split("/")[1];

const QUESTIONS = {
  fidelity: "Which one sounds more like the author?",
  quality: "Which one is better to read?",
};
const SIDES = { base: "the untrained model", tuned: "the trained model", author: "the author" };
const SAID = { tie: "both alike", neither: "neither" };
const KEYS = { 1: "left", 2: "right", 3: "tie", 4: "neither", ArrowLeft: "left", ArrowRight: "right" };

let rater = "";
let current;
let shownAt = 0;
let busy = false;

function say(message) {
  byId("status").textContent = message;
}

async function ask(path, body) {
  const options = body === undefined
    ? {}
    : { method: "POST", headers: { "x-voiceworks-token": token }, body: JSON.stringify({ rater, ...body }) };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server has ended. Every vote up to now is kept: start it again and reload its new address.");
  }
  if (!response.ok) throw new Error(await response.text());
  return await response.json();
}

/** Text as paragraphs, and *italics* as such; nothing in it can become markup. */
function fill(place, text) {
  place.replaceChildren(
    ...text.split(/\n{2,}/).map((paragraph) => {
      const p = document.createElement("p");
      for (const part of paragraph.split(/(\*[^*\n]+\*)/)) {
        if (/^\*[^*\n]+\*$/.test(part)) {
          const em = document.createElement("em");
          em.textContent = part.slice(1, -1);
          p.append(em);
        } else p.append(part);
      }
      return p;
    }),
  );
}

function show(progress) {
  const { done, total, next } = progress;
  byId("progress").textContent = `${rater}: ${done} of ${total} pairs`;
  byId("welcome").hidden = true;
  byId("trial").hidden = byId("ask").hidden = !next;
  const fresh = next && next.number !== current?.number;
  current = next;
  if (!next) return void end();
  byId("end").hidden = true;
  byId("question").textContent = QUESTIONS[next.question];
  byId("undo").disabled = done === 0 && next.question === "fidelity";
  if (fresh) {
    byId("excerpts").querySelector(".columns").replaceChildren(...next.excerpts.map((text) => {
      const place = document.createElement("div");
      place.className = "text";
      fill(place, text);
      return place;
    }));
    fill(byId("prompt"), next.prompt);
    fill(byId("left"), next.left);
    fill(byId("right"), next.right);
    scrollTo(0, 0);
  }
  shownAt = performance.now();
}

async function end() {
  const { revealed, tally } = await ask(`api/results?rater=${encodeURIComponent(rater)}`);
  byId("summary").textContent = tally;
  byId("reveal").replaceChildren(...revealed.map(({ prompt, left, right, choices }) => {
    const item = document.createElement("li");
    const said = (choice) => choice === "left" ? SIDES[left] : choice === "right" ? SIDES[right] : SAID[choice];
    item.textContent =
      `“${prompt.length > 80 ? `${prompt.slice(0, 80)}…` : prompt}” Left was ${SIDES[left]}, right ${SIDES[right]}. ` +
      `More like the author: ${said(choices.fidelity)}; better: ${said(choices.quality)}.`;
    return item;
  }));
  byId("end").hidden = false;
}

async function work(action) {
  if (busy) return;
  busy = true;
  try {
    say("");
    show(await action());
  } catch (error) {
    say(error.message);
  } finally {
    busy = false;
  }
}

function vote(choice) {
  if (!current) return;
  const { number, question } = current;
  void work(() => ask("api/vote", { number, question, choice, latencyMs: Math.round(performance.now() - shownAt) }));
}

function begin(name) {
  rater = name.trim();
  history.replaceState(null, "", `#${encodeURIComponent(rater)}`);
  void work(() => ask(`api/progress?rater=${encodeURIComponent(rater)}`));
}

byId("welcome").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = new FormData(event.target).get("rater");
  if (name.trim()) begin(name);
});
for (const button of document.querySelectorAll("[data-choice]")) {
  button.addEventListener("click", () => vote(button.dataset.choice));
}
byId("undo").addEventListener("click", () => void work(() => ask("api/undo", {})));
addEventListener("keydown", (event) => {
  if (
    event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea") || byId("ask").hidden
  ) {
    return;
  }
  if (event.repeat) return; // A key that is held down is one vote.
  if (KEYS[event.key]) {
    event.preventDefault();
    vote(KEYS[event.key]);
  } else if (event.key === "u") byId("undo").click();
});

const known = decodeURIComponent(location.hash.slice(1));
if (known) begin(known);
else byId("welcome").hidden = false;
