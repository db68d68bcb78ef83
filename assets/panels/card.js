/* The card of an edge, which app/panels/edge_card.py makes: asking for it, closing it, all features.
 *
 * What the page knows of the edge stands there until the answer comes.
 */
import { controls } from "../page/controls.js";
import { scene } from "../picture/scene.js";
import { view } from "../page/view.js";

const KNOWN = ["significance", "rank", "speaks"]; // of what is said of an edge, shown at once

let asked = null; // what the card is of: {jet, edge, target, rule}
let came = null; // what the answer is of that lies in it

const parts = ({ jet, edge, target, rule, file, model }) => [jet, edge, target, rule, file, model];
const same = (a, b) => Boolean(a && b) && JSON.stringify(parts(a)) === JSON.stringify(parts(b));

const card = () => document.getElementById("edge-card");

/** The file and the network, where there is a choice. */
const source = ({ question: { file, model } }) =>
  (view.state.file === null ? {} : { file, model });

/** The edge of the view is asked for, unless it was. */
function ask() {
  const jet = view.shown.a;
  const wanted = jet && view.state.edge !== null ? {
    jet: jet.jet.index, edge: view.state.edge, target: jet.question.target,
    rule: jet.question.rule, ...source(jet) } : null;
  if (!same(wanted, asked)) {
    asked = wanted;
    if (wanted) {
      expand(false);
      if (!same(came, wanted)) window.dash_clientside.set_props("edge-asked", { data: wanted });
    }
  }
  draw();
}

/** An answer lies in the card, or a word about why there is none; data-asked says of which edge. */
function answered(says) {
  if (!says) return;
  came = JSON.parse(says.props["data-asked"]);
  requestAnimationFrame(draw); // by then it stands there
}

function draw() {
  const box = card();
  if (!box) return;
  const jet = view.shown.a;
  box.hidden = !asked || !jet;
  if (box.hidden) return;
  const ready = same(came, asked);
  const says = box.querySelector("#edge-says");
  if (!ready && says.contains(document.activeElement)) box.querySelector('[data-part="close"]').focus();
  box.setAttribute("aria-busy", String(!ready));
  const { title, lines } = known(jet, asked.edge);
  box.querySelector("[data-says=title]").textContent = (ready && says.firstElementChild.dataset.title) || title;
  box.querySelector("[data-says=known]").replaceChildren(...lines.flatMap(([what, text]) =>
    [["dt", what], ["dd", text]].map(([tag, words]) =>
      Object.assign(document.createElement(tag), { textContent: words }))));
  if (ready) controls.sync();
}

/** What the page knows of an edge by its number: {title, lines}. */
function known(jet, number) {
  const { made } = scene.stateOf("network");
  const says = made && made.jet === jet && scene.wordsOf(made, { edge: number });
  if (!says) return { title: `Edge ${number}`, lines: [] };
  return { title: says.title, lines: says.lines.filter(([what]) => KNOWN.includes(what)) };
}

/** Show all features, or the strongest. */
function expand(all) {
  card().classList.toggle("all", all);
  const button = card().querySelector('[data-part="all"]');
  if (button) button.setAttribute("aria-expanded", String(all));
}

document.addEventListener("click", (event) => {
  const part = event.target.closest("#edge-card [data-part]");
  if (!part) return;
  if (part.dataset.part === "close") view.set({ edge: null });
  if (part.dataset.part === "all") expand(!card().classList.contains("all"));
  if (part.dataset.part === "again") {
    came = null;
    window.dash_clientside.set_props("edge-asked", { data: { ...asked, again: Date.now() } });
    draw();
  }
});

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.jetlrp_card = { answered };

document.addEventListener("DOMContentLoaded", () => {
  view.on(["edge"], ask);
  view.onShown((slot) => { if (slot === "a") ask(); });
  document.addEventListener("jetlrp:figure", draw);
});
