/* Two explanations beside each other: what is pinned, the picture of their difference, and which two
 * the panel "Compared" shows.
 *
 * The difference is always the jet on screen minus the pinned one. Of one jet explained in two ways
 * it can be drawn, as tracks and edges are the same; of two jets there are only sums.
 */
import { camera } from "../picture/camera.js";
import { dock } from "../page/dock.js";
import { link } from "../page/link.js";
import { scene } from "../picture/scene.js";
import { view } from "../page/view.js";

const TALL = 820; // px of window from which on the panel opens by itself

/* -------------------------------------------------------------- in words */

/** What the figure in a slot says of what is explained: {target, rule}; nothing before it is there. */
function saidOf(id) {
  const { made } = scene.stateOf(id);
  return made ? made.facts : {};
}

/** What is explained, and how, in a line: "Jet 12 · margin H→bb̄ − QCD · LRP-γ(1)". */
const title = (jet, { target, rule }) => [`Jet ${jet}`, target, rule].filter(Boolean).join(" · ");

/** Two names without the folders that they share; what is left tells them apart. */
function shortly(one, other) {
  const end = (name) => (name || "").slice((name || "").lastIndexOf("/") + 1);
  return one !== other && end(one) === end(other) ? [one, other] : [end(one), end(other)];
}

/** The file and the network of a question, where they are others than those of the other one. */
const apart = (one, other) => ["model", "file"]
  .filter((key) => one[key] && other[key] && one[key] !== other[key])
  .map((key) => `${shortly(one[key], other[key])[0]} · `).join("");

const questionOf = (jet) => ({ jet: jet.jet.index, ...jet.question });

/* ------------------------------------------------------------ difference */

/** Whether two explanations are of one jet, which may be in a copy of the file. */
const isSameJet = (a, b) => a.jet.jet_id === b.jet.jet_id && a.jet.tracks_id === b.jet.tracks_id;

/** Whether the picture is that of the difference. */
function isDifference() {
  const { state, shown: { a, b } } = view;
  return Boolean(state.difference && state.pin !== null && a && b && isSameJet(a, b));
}

/* ------------------------------------------------------------ the panel "Compared" */

let told = null; // what the panel was last asked to show

/** Ask for the panel of the two that are shown; app/panels/compare.py fills it. */
function draw(box) {
  const { state, shown: { a, b }, KEYS } = view;
  const asked = a && b ? { ...questionOf(a), pin: KEYS.pin[1].write(questionOf(b)) }
    : { waits: state.pin !== null };
  const text = JSON.stringify(asked);
  if (text === told && !box.querySelector("[data-failed]")) return;
  told = text;
  window.dash_clientside.set_props("compared-asked", { data: { ...asked, at: Date.now() } });
}

/* ------------------------------------------------------- pin, unpin, swap */

let before = null; // the panels that were open before "Compared" took their place

/** The file and the network, where there is a choice. */
function source() {
  const { file, model } = view.state;
  return file === null ? {} : { file, model };
}

function pin() {
  const { jet, target, rule } = view.state;
  if (jet === null || !target || !rule) return;
  window.dash_clientside.set_props("pinned", { data: { jet, target, rule, ...source() } });
  if (window.innerHeight < TALL) return;
  before = view.state.dock;
  view.set({ dock: ["compare"] });
}

function unpin() {
  window.dash_clientside.set_props("pinned", { data: null });
  const opened = JSON.stringify(view.state.dock) === '["compare"]';
  view.set({ difference: false, ...(opened ? { dock: before } : {}) });
  before = null;
}

/** The two change places. */
function swap() {
  const { jet, target, rule, pin: other } = view.state;
  if (other) link.ask({ ...other, pin: { jet, target, rule, ...source() } });
}

/** Captions, buttons and the two panes as the view has them. */
function sync() {
  const { pin: pinned, difference: wanted, jet, target, rule } = view.state;
  const root = document.documentElement.classList;
  for (const id of ["network", "network-b"]) {
    const div = document.getElementById(id);
    if (div) sizes.observe(div);
  }
  root.toggle("has-pin", pinned !== null);
  root.toggle("has-difference", isDifference());
  if (pinned) scene.refresh("network-b"); // which may have had no room when its jet came
  dock.redraw("compare");
  const button = document.getElementById("pin");
  if (!button) return;
  button.setAttribute("aria-pressed", String(pinned !== null));
  button.lastElementChild.textContent = pinned ? "Pinned" : "Pin";
  button.disabled = !pinned && jet === null;
  if (!pinned) return;
  const { a, b } = view.shown;
  const here = a ? questionOf(a) : { jet, target, rule, ...source() };
  const there = b ? questionOf(b) : pinned;
  const note = wanted && a && b && !isDifference()
    ? " · other jet: the difference is in numbers only" : "";
  const caption = document.getElementById("network-caption");
  if (!caption.firstElementChild) caption.append(document.createElement("span"));
  say(caption.firstElementChild, isDifference()
    ? `Difference: ${apart(here, there)}${title(here.jet, saidOf("network"))} minus ` +
      `${apart(there, here)}${saidOf("network").minus}`
    : `${apart(here, there)}${title(here.jet, saidOf("network"))}${note}`);
  say(document.getElementById("network-b-caption"),
      `pinned: ${apart(there, here)}${title(there.jet, saidOf("network-b"))}`);
}

/** What a picture shows, above it; heights says how many lines that takes. */
function say(span, words) {
  span.textContent = words;
  heights.observe(span);
}

/** Captions are whole, in as many lines as they need, and both are as high as the higher one, so
 * that the pictures below stand beside each other. */
const heights = new ResizeObserver(level);

function level() {
  const spans = [...document.querySelectorAll("#network-caption > span, #network-b-caption")];
  const most = Math.max(18, ...spans.map((span) => span.offsetHeight));
  const stage = document.getElementById("stage");
  if (stage) stage.style.setProperty("--caption", `${most + 12}px`);
}

/* A pane that became wider or lower: its picture follows, and so does a camera that nobody turned. */
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) requestAnimationFrame(() => refit(target));
});

async function refit(div) {
  const state = scene.stateOf(div.id);
  if (!div.clientWidth || !view.shown[state.slot]) return;
  if (state.fitted === `${div.clientWidth} ${div.clientHeight}`) return;
  state.fitted = `${div.clientWidth} ${div.clientHeight}`;
  scene.refresh(div.id); // it may have been asked for while there was no room
  if (!state.drawnOnce) return;
  state.fitting += 1;
  try {
    await window.Plotly.Plots.resize(div);
    if (!view.shown[state.slot]) return; // it has gone meanwhile
    await scene.fit(div, state);
    if (!view.state.camera && !view.state.rotate) await camera.move(div.id, camera.preset("start", div));
  } finally {
    state.fitting -= 1;
  }
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  if (at("#pin")) (view.state.pin ? unpin : pin)();
  else if (at("[data-unpin]")) unpin();
  else if (at("#swap")) swap();
  const row = at("#compare-body button[data-track], #compare-body button[data-edge]");
  if (row && row.dataset.track) {
    const track = Number(row.dataset.track);
    view.set({ track: view.state.track === track ? null : track, edge: null });
  } else if (row) {
    const edge = Number(row.dataset.edge);
    view.set({ edge: view.state.edge === edge ? null : edge });
  }
});

for (const name of ["mouseover", "mouseout", "focusin", "focusout"]) {
  const over = name === "mouseover" || name === "focusin";
  document.addEventListener(name, (event) => {
    const row = event.target.closest?.("#compare-body button[data-track], #compare-body button[data-edge]");
    if (!row) return;
    const { track, edge } = row.dataset;
    view.hover(!over ? null : track !== undefined ? { track: Number(track) } : { edge: Number(edge) });
  });
}

document.addEventListener("DOMContentLoaded", () => {
  dock.panel("compare", { draw });
  view.on(["pin", "difference", "jet", "target", "rule", "file", "model"], sync);
  view.onShown(sync);
  document.addEventListener("jetlrp:figure", sync);
  document.addEventListener("jetlrp:drawn", ({ detail: { id } }) => { // its pane came before its jet
    const div = document.getElementById(id);
    const { width, height } = div._fullLayout || {};
    if (!width || Math.hypot(width - div.clientWidth, height - div.clientHeight) < 2) return;
    scene.stateOf(id).fitted = null;
    refit(div);
  });
});

export const compare = { isDifference, pin, unpin, swap, sync };
