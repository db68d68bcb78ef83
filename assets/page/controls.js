/* Controls that change the view: plain HTML with data attributes, bound here in one place.
 *
 *   <button data-view="size" data-value="pt">     sets the key; pressed while it has that value
 *   <button data-toggle="marks">                  turns the key on and off
 *   <button data-set='{"x": …, "y": …}'>          sets several keys; pressed while all are so
 *   <button data-opens="look">                    opens the popover with that id
 *   <select data-view="x">                        sets the key
 *   <div data-range="edges">                      gets a slider for the number of edges
 *
 * No server is asked.
 */
import { numbers } from "./numbers.js";
import { scene } from "../picture/scene.js";
import { selection } from "../picture/selection.js";
import { view } from "./view.js";

const STEPS = 400; // of the slider for the number of edges

const readAs = (key, text) => view.KEYS[key][1].read(text);

function clicked(event) {
  const button = event.target.closest("button[data-view], button[data-toggle], button[data-set]");
  if (!button) return;
  const { view: key, value, toggle, set } = button.dataset;
  if (set) view.set(JSON.parse(set));
  else if (toggle) view.set({ [toggle]: !view.state[toggle] });
  else view.set({ [key]: value === "" ? view.KEYS[key][0] : readAs(key, value) });
}

function changed(event) {
  const select = event.target.closest("select[data-view]");
  if (select) view.set({ [select.dataset.view]: readAs(select.dataset.view, select.value) });
}

/** Whether the tracks of a jet can be coloured so: by what is known of them. */
const canColour = ({ colours }, by) => colours.includes(by);

/** Show what the view says on every control of a part of the page. */
function sync() {
  const { state, KEYS, shown } = view;
  for (const button of document.querySelectorAll("button[data-view]")) {
    const { view: key, value } = button.dataset;
    const own = value === "" ? KEYS[key][0] : readAs(key, value);
    const can = key !== "color" || !shown.a || canColour(shown.a, state.color);
    button.setAttribute("aria-pressed", String((can ? state[key] : KEYS[key][0]) === own));
    if (key === "color" && shown.a) button.hidden = !canColour(shown.a, own);
  }
  for (const button of document.querySelectorAll("button[data-set]")) {
    const change = Object.entries(JSON.parse(button.dataset.set));
    if (change.some(([, value]) => value === null)) continue; // it puts away, and never stays
    button.setAttribute("aria-pressed", String(change.every(([key, value]) => state[key] === value)));
  }
  for (const button of document.querySelectorAll("button[data-toggle]")) {
    button.setAttribute("aria-pressed", String(Boolean(state[button.dataset.toggle])));
  }
  for (const select of document.querySelectorAll("select[data-view]")) {
    if (select.value !== state[select.dataset.view]) select.value = state[select.dataset.view];
  }
  bindPopovers();
  syncIsolated();
  syncEdges();
}

/* ------------------------------------------------------------- popovers */

/** Buttons open their popovers; the browser closes them with Escape and a click beside them. */
function bindPopovers() {
  for (const button of document.querySelectorAll("button[data-opens]")) {
    const box = document.getElementById(button.dataset.opens);
    if (!box || button.popoverTargetElement === box) continue;
    box.popover = "auto";
    button.popoverTargetElement = box;
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", box.id);
    box.addEventListener("toggle", ({ newState }) => {
      button.setAttribute("aria-expanded", String(newState === "open"));
      if (newState === "open") put(box, button);
    });
  }
}

/** A popover stands above its button, or below where there is more room, within the window. */
function put(box, button) {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { innerWidth: width, innerHeight: height } = window;
  box.style.left = `${Math.max(8, Math.min(right - box.offsetWidth, width - box.offsetWidth - 8,
                                           Math.max(left, right - box.offsetWidth)))}px`;
  if (top > height - bottom) {
    box.style.bottom = `${height - top + 6}px`;
    box.style.top = "auto";
    box.style.maxHeight = `${top - 14}px`;
  } else {
    box.style.top = `${bottom + 6}px`;
    box.style.bottom = "auto";
    box.style.maxHeight = `${height - bottom - 14}px`;
  }
}

/** Whose edges alone are considered. */
function syncIsolated() {
  const { state, shown } = view;
  const chip = document.getElementById("isolated");
  if (!chip) return;
  chip.hidden = !shown.a || state.track === null || state.track >= shown.a.jet.n_tracks;
  chip.querySelector("[data-says=track]").textContent = `track ${state.track}`;
}

/* ------------------------------------------------------- number of edges */

function slider() {
  const place = document.querySelector("[data-range=edges]");
  if (!place) return null;
  if (place.firstElementChild) return place.firstElementChild;
  const input = document.createElement("input");
  Object.assign(input, { type: "range", min: 0, max: STEPS, step: 1, id: "edges-slider" });
  input.setAttribute("aria-label", "Number of edges");
  input.addEventListener("input", () => move(input, true));
  input.addEventListener("change", () => move(input, false));
  place.append(input);
  return input;
}

/** The figure of the jet, and what is selected of it; null where there is none. */
function drawn() {
  const { made } = scene.stateOf("network");
  return made && made.jet === view.shown.a ? { made, ...scene.selected(made, view.state) } : null;
}

/** The slider was moved; while it is dragged, the faint edges are left out. */
function move(input, dragging) {
  const now = drawn();
  if (!now) return;
  scene.setDragging(dragging);
  const most = selection.most(now.made.edges, now.list);
  if (dragging) view.set({ edges: selection.countAt(input.value / STEPS, most), least: null });
}

/** The slider and the words beside it. */
function syncEdges() {
  const now = drawn();
  const input = slider();
  const box = document.getElementById("edges-words");
  if (!input || !box) return;
  input.disabled = !now || now.list.length < 2;
  if (!now) {
    if (!view.shown.a) box.replaceChildren();
    return;
  }
  const { made, list, k } = now;
  const most = selection.most(made.edges, list);
  if (selection.countAt(input.value / STEPS, most) !== k) {
    input.value = Math.round(STEPS * selection.positionOf(k, most));
  }
  input.style.setProperty("--at", input.value / STEPS);
  const says = selection.words(made.edges, list, k);
  input.setAttribute("aria-valuetext", `${says.shown} ${says.share} ${says.of}`);
  box.replaceChildren(...[["strong", says.shown, ""], ["span", says.share, "share"],
    ["span", says.of, "long"]].filter(([, text]) => text).map(([tag, text, name]) => {
    const part = document.createElement(tag);
    part.textContent = text;
    part.className = name;
    return part;
  }));
  box.title = [says.shown, says.share, says.of].filter(Boolean).join(" ");
}

/* ------------------------------------------------------------------ axes */

/** The features that an axis can have, grouped by meaning, positive ones also as logarithm. */
function fillAxes() {
  const jet = view.shown.a;
  if (!jet) return;
  const groups = new Map();
  for (const { name, title, group, log } of jet.axes) {
    const plain = title.replace(/_(\w+)/g, "$1");
    const options = groups.get(group) || groups.set(group, []).get(group);
    options.push([name, plain]);
    if (log) options.push([`log:${name}`, `log ${plain}`]);
  }
  const html = [...groups].map(([group, options]) =>
    `<optgroup label="${numbers.escape(group || "other")}">${options.map(([value, text]) =>
      `<option value="${numbers.escape(value)}">${numbers.escape(text)}</option>`).join("")}` +
    "</optgroup>").join("");
  for (const button of document.querySelectorAll("button[data-set]")) { // axes that are not there
    button.disabled = Object.entries(JSON.parse(button.dataset.set)).some(([key, value]) =>
      "xyz".includes(key) && !jet.axes.some(({ name }) => name === value.replace(/^log:/, "")));
  }
  for (const select of document.querySelectorAll("select[data-axis]")) {
    if (select.dataset.filled !== html) {
      select.innerHTML = html;
      select.dataset.filled = html;
    }
  }
}

document.addEventListener("click", clicked);
document.addEventListener("change", changed);
document.addEventListener("DOMContentLoaded", () => {
  view.on(null, sync);
  view.onShown(() => {
    fillAxes();
    sync();
  });
  document.addEventListener("jetlrp:figure", sync);
});

export const controls = { STEPS, sync };
