/* Keyboard shortcuts, and the overlay that lists them.
 *
 * A key does what a button does, so it never does more than a click could; it is not heard while one
 * types. The grid keeps its own keys: arrows, Home, End, Page Up and Down belong to it while a row
 * has the focus.
 */
import { camera } from "../picture/camera.js";
import { jets } from "./jets.js";
import { scene } from "../picture/scene.js";
import { selection } from "../picture/selection.js";
import { view } from "./view.js";

const FINEST = 0.82; // a press of "[" leaves so much of the edges

const click = (id) => {
  const button = document.getElementById(id);
  if (button && !button.disabled) button.click();
};
const toggle = (key) => {
  view.set({ [key]: !view.state[key] });
};

/** Heading, and of each row: keys as written, what they do, {key: action}.
 * @type {[string, [string[], string, Object<string, () => void>][]][]} */
const KEYS = [
  ["Jets", [
    [["J", "→"], "next jet of the list, as sorted and filtered", { j: () => leaf(1), ArrowRight: () => leaf(1) }],
    [["K", "←"], "previous jet", { k: () => leaf(-1), ArrowLeft: () => leaf(-1) }],
    [["L"], "show the list, or fold it away", { l: () => toggle("list") }],
    [["↑", "↓"], "in the list, which is one stop of Tab: jet by jet, and up to the titles, where Enter sorts", {}],
  ]],
  ["Edges", [
    [["["], "fewer edges", { "[": () => edges(FINEST) }],
    [["]"], "more edges", { "]": () => edges(1 / FINEST) }],
    [["X"], "edges of all tracks again", { x: () => view.set({ track: null }) }],
  ]],
  ["Tracks, once Tab has led to the plot", [
    [["←", "→"], "from track to track, the most relevant first", {}],
    [["Enter"], "its edges alone, or all again", {}],
  ]],
  ["Page", [
    [["1", "…", "4"], "open or close a panel below the picture",
     Object.fromEntries([1, 2, 3, 4].map((at) => [String(at), () => panel(at)]))],
    [["M"], "talk mode: large type, little else", { m: () => toggle("talk") }],
    [["D"], "dark or light", { d: () => click("theme-switch") }],
    [["C"], "copy a link to this view", { c: () => click("copy-link") }],
    [["?"], "this help", { "?": help }],
    [["Esc"], "close what is open", {}],
  ]],
  ["Camera", [
    [["F"], "from the front", { f: () => click("camera-front") }],
    [["S"], "from the side", { s: () => click("camera-side") }],
    [["T"], "from the top", { t: () => click("camera-top") }],
    [["G"], "as at first", { g: start }],
    [["O"], "orthographic, or in perspective", { o: () => click("camera-ortho") }],
    [["R"], "turn slowly, or stop", { r: () => click("camera-rotate") }],
    [["V"], "full screen, or back; in talk mode, the talk", { v: () => click("camera-full") }],
    [["0"], "all as at first, with the tracks and edges that were picked out", { 0: () => click("reset-view") }],
  ]],
  ["Compare", [
    [["P"], "pin this explanation, or unpin", { p: () => click("pin") }],
  ]],
];

const ACTIONS = Object.assign({}, ...KEYS.flatMap(([, rows]) => rows.map(([, , does]) => does)));

/* ---------------------------------------------------------------- actions */

/** Open the jet so many rows further in the list, as it is sorted and filtered. */
const leaf = (by) => jets.step(by);

function start() {
  click(document.getElementById("camera-start") ? "camera-start" : "reset-view");
}

/** So many times as many edges, at least one more or less. */
function edges(times) {
  const { made } = scene.stateOf("network");
  if (!made) return;
  const { list, k } = scene.selected(made, view.state);
  const next = Math.round(times > 1 ? Math.max(k * times, k + 1) : Math.min(k * times, k - 1));
  view.set({ edges: Math.max(1, Math.min(next, selection.most(made.edges, list))), least: null });
}

function panel(at) {
  const tabs = document.querySelectorAll(".dock-strip [data-dock]");
  if (tabs[at - 1]) tabs[at - 1].click();
}

/** Close one thing that is open, the topmost first; says whether there was any. */
function close() {
  const menu = document.querySelector("details.how[open], details.save[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return true;
  }
  if (document.documentElement.dataset.full) { // as the browser itself does it
    camera.full();
    return true;
  }
  const change = view.state.edge !== null ? { edge: null }
    : view.state.full !== null ? { full: null }
    : view.state.track !== null ? { track: null }
    : view.state.talk ? { talk: false } : null;
  if (change) view.set(change);
  return change !== null;
}

/* ------------------------------------------------------------------- help */

function help() {
  let dialog = document.getElementById("keys");
  if (dialog && dialog.open) {
    dialog.close();
    return;
  }
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "keys";
    dialog.setAttribute("aria-labelledby", "keys-title");
    dialog.innerHTML =
      '<div class="keys-head"><h2 id="keys-title">Keyboard shortcuts</h2>' +
      '<form method="dialog"><button class="button">Close</button></form></div><div class="keys-columns">' +
      KEYS.map(([heading, rows]) => `<section><h3>${heading}</h3><dl>${rows.map(([names, what]) =>
        `<dt>${names.map((name) => (name === "…" ? "<span>…</span>" : `<kbd>${name}</kbd>`)).join(" ")}</dt>` +
        `<dd>${what}</dd>`).join("")}</dl></section>`).join("") +
      "</div><p class=\"hint\">Drag the picture to turn it, scroll to zoom, point for numbers; a click on a " +
      "track leaves its edges, a click on an edge opens its card.</p>";
    dialog.addEventListener("click", (event) => { // beside the box, on its backdrop
      if (event.target === dialog) dialog.close();
    });
    document.body.append(dialog);
  }
  dialog.showModal();
}

/* -------------------------------------------------------------- listening */

const TYPED = "input:not([type=range]):not([type=radio]), textarea, select, [contenteditable]";
const OWN = ".ag-root-wrapper, .ag-popup, [role=listbox], [role=menu], [role=radiogroup]";

/** Whether a key belongs to what has the focus: text that is typed, arrows that move something. */
function isTaken(event) {
  const at = event.target instanceof Element ? event.target : document.body;
  if (at.closest(TYPED)) return true;
  if (event.key.startsWith("Arrow")) return Boolean(at.closest(`${OWN}, input, .dash-dropdown`));
  return Boolean(at.closest("[role=listbox], .dash-dropdown-content, .ag-popup"));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const modal = document.querySelector("dialog[open]:modal");
  if (modal) { // closes by itself on Escape
    if (event.key === "?" && modal.id === "keys") modal.close();
    return;
  }
  if (event.key === "Escape") {
    if (document.querySelector(":popover-open")) return; // the browser closes it
    const typing = event.target instanceof Element && event.target.closest(TYPED);
    if (!typing && close()) event.preventDefault();
    return;
  }
  const action = ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || isTaken(event)) return;
  event.preventDefault();
  action();
});

/** Where the first stop of the Tab key leads: to the plot, or while it is empty to the list. */
function skip() {
  const plot = document.querySelector("#network[data-drawn][tabindex], #network[data-drawn] .plane");
  if (plot) plot.focus({ focusVisible: true });
  else document.querySelector(".jets-grid .ag-tab-guard-top").focus(); // which leads into the list
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#help")) help();
  if (event.target.closest(".skip")) {
    event.preventDefault(); // the address is for the view
    skip();
  }
});

export const keys = { KEYS, help, close, leaf };
