/* When the service is away: asks every two seconds whether it is back, and then tries again by
 * itself. Where it has too much to do, tries again when it said. */
const BEAT = 2000; // ms between two questions
const LONG = 2000; // ms after which waiting says for how long

/** Whoever waits for the service: the way to try again for each. */
const retries = () => /** @type {[string, () => void][]} */ ([
  ["#scene-error [data-away]", () => document.getElementById("retry").click()],
  ["#network-b-error [data-away]", () => document.getElementById("network-b-retry").click()],
  ["main.away [data-away]", () => window.location.reload()],
]).filter(([what]) => document.querySelector(what));

/** Whether the service answers again, as the page's own server says. */
async function isBack() {
  const address = new URL("alive", document.getElementById("jetlrp-plotly").href);
  try {
    const answer = await fetch(address, { cache: "no-store" });
    return answer.ok && !(await answer.json()).away;
  } catch {
    return false; // the page's server is away, too
  }
}

async function beat() {
  if (retries().length && document.visibilityState === "visible" && await isBack()) {
    for (const [, retry] of retries()) retry();
  }
  setTimeout(beat, BEAT);
}

/* ------------------------------------------------------------- too much at once */

const turns = new Map(); // mark -> of which request, and until when it waits

/** Counts down to the time that the service named, and then tries again. */
function countDown() {
  const marks = [...document.querySelectorAll("[data-again]")];
  for (const mark of turns.keys()) if (!marks.includes(mark)) turns.delete(mark);
  for (const mark of marks) {
    const { again, request } = mark.dataset;
    if (turns.get(mark)?.request !== request) {
      turns.set(mark, { request, until: performance.now() + 1000 * Number(again), done: false });
    }
    const turn = turns.get(mark);
    const left = Math.ceil((turn.until - performance.now()) / 1000);
    mark.textContent = left > 0 ? `Trying again by itself in ${left} s …` : "Trying again …";
    if (left > 0 || turn.done) continue;
    turn.done = true;
    const box = mark.closest("#scene-error, #network-b-error");
    if (box) document.getElementById(box.id === "scene-error" ? "retry" : "network-b-retry").click();
    else window.location.reload();
  }
}

/* ------------------------------------------------------------ long answers */

const since = new Map(); // busy box -> when its wait began, and its words

/** A wait that takes long says for how long. */
function count() {
  for (const box of document.querySelectorAll(".state.busy")) {
    const words = box.lastElementChild;
    if (!box.classList.contains("on")) {
      if (since.has(box)) words.textContent = since.get(box).words;
      since.delete(box);
      continue;
    }
    if (!since.has(box)) since.set(box, { began: performance.now(), words: words.textContent });
    const { began, words: first } = since.get(box);
    const gone = performance.now() - began;
    if (gone > LONG) words.textContent = `${first} ${Math.floor(gone / 1000)} s`;
  }
}

setTimeout(beat, BEAT);
setInterval(count, 500);
setInterval(countDown, 250);

export const away = { isBack };
