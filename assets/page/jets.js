/* Finding jets: by number, by limits on what is known of them, at random, one after the other.
 *
 * Whatever opens a jet goes through here. Keys lead along the list as fast as they are pressed; only
 * the jet at which they come to rest is opened.
 *
 * The list itself is the grid of app/panels/jets.py, which asks the server for its rows; this sets
 * its filters and walks along its rows as they are filtered and sorted.
 */
import { view } from "./view.js";

const GRID = "jets-grid";
const REST = 350; // ms after a key before the list is asked again
const LIMITS = { score: "score", pt: "pT (GeV)", sdmass: "mass (GeV)", n_tracks: "tracks" };
const WAIT = 8000; // ms for which a row that is not loaded yet is waited for
const PAUSE = 140; // ms the keys must rest before a jet is opened; a click waits for nothing
const HELD = 1000; // ms for which keys at rest wait, at most, for the explanation under way

const grid = () => {
  try { return window.dash_ag_grid.getApi(GRID); } catch { return null; }
};

let aim = null; // place in the list that the keys have led to, until its jet is opened
let early = 0; // how far they have led before there was a list
let resting = null;

/** Open a jet: whatever the keys were about is done with. */
function ask(index) {
  aim = null;
  early = 0;
  clearTimeout(resting);
  view.set({ jet: index, track: null, edge: null });
  window.dash_clientside.set_props("chosen", { data: index });
}

/** Open a jet by its number, and bring its row into sight where its place is known. */
function open(index) {
  const api = grid();
  ask(index);
  if (!api) return;
  const node = api.getRowNode(String(index));
  if (node && node.data) {
    node.setSelected(true, true, "api");
    api.ensureNodeVisible(node);
  } else {
    api.deselectAll("all", "api");
    if (inOrder(api)) api.ensureIndexVisible(index, "middle"); // a jet's row is then its number
  }
}

/** Whether the list has all jets in the order of the file. */
const inOrder = (api) => !api.getColumnState().some(({ sort }) => sort) &&
  Object.keys(api.getFilterModel()).length === 0;

/** The place of the open jet's row among the rows as they are listed, or -1. */
function placeOfChosen(api) {
  const { jet } = view.state;
  const node = jet === null ? null : api.getRowNode(String(jet));
  if (node && node.data && node.rowIndex !== null) return node.rowIndex;
  return jet !== null && inOrder(api) && jet < api.getDisplayedRowCount() ? jet : -1;
}

/** Go so many rows further in the list, or back where by < 0, from where the keys have led. */
function step(by) {
  const api = grid();
  if (!api || !api.isLastRowIndexKnown()) {
    early += by;
    return;
  }
  const last = api.getDisplayedRowCount() - 1;
  const from = aim ?? placeOfChosen(api);
  const to = from < 0 ? (by > 0 ? by - 1 : last + 1 + by) : from + by;
  const place = Math.max(0, Math.min(last, to));
  if (last >= 0 && place !== from) go(place);
}

/** The list is there: what was pressed before it was is done now. */
function listed() {
  const by = early;
  early = 0;
  if (by) step(by);
}

/** Lead to a place in the list, loading its row if need be. */
async function go(place) {
  const api = grid();
  aim = place;
  clearTimeout(resting);
  api.ensureIndexVisible(place);
  const until = performance.now() + WAIT;
  let node = api.getDisplayedRowAtIndex(place);
  while (!(node && node.data)) {
    await new Promise((done) => setTimeout(done, 50));
    if (aim !== place) return; // the keys have gone on
    if (performance.now() > until) {
      aim = null;
      return;
    }
    node = api.getDisplayedRowAtIndex(place);
  }
  node.setSelected(true, true, "api");
  rest(node.data.index, performance.now());
}

/** Open a jet once the keys rest, and the one before is explained. */
function rest(index, since) {
  clearTimeout(resting);
  resting = setTimeout(() => {
    const isBusy = document.querySelector("#scene-busy.on") !== null;
    if (isBusy && performance.now() - since < HELD) rest(index, since);
    else if (index === view.state.jet) aim = null; // there and back again
    else ask(index);
  }, PAUSE);
}

/* ------------------------------------------------------------- find, limit */

/** What stands in the two fields of a limit -> the grid's filter, or null for none. */
function limit(least, most) {
  const number = (text) => (text.trim() === "" || !Number.isFinite(Number(text)) ? null : Number(text));
  const [low, high] = [number(least), number(most)];
  if (low !== null && high !== null) {
    return { filterType: "number", type: "inRange", filter: low, filterTo: high };
  }
  if (low !== null) return { filterType: "number", type: "greaterThanOrEqual", filter: low };
  if (high !== null) return { filterType: "number", type: "lessThanOrEqual", filter: high };
  return null;
}

let later = null;

/** Set the limits that were typed once typing has stopped. */
function applyLimits() {
  clearTimeout(later);
  later = setTimeout(() => {
    const limits = {};
    for (const name of Object.keys(LIMITS)) {
      const [least, most] = document.querySelectorAll(`[data-limit="${name}"]`);
      const wanted = limit(least.value, most.value);
      if (wanted) limits[name] = ends(wanted);
    }
    view.set({ limits });
  }, REST);
}

/** The grid's filter of a number -> [least, most], either null where there is none. */
/** @type {(limit: {type: string, filter: number, filterTo?: number}) => number[]} */
const ends = ({ type, filter, filterTo }) => (type === "inRange" ? [filter, filterTo]
  : type === "lessThanOrEqual" ? [null, filter] : [filter, null]);

let arranging = 0; // the list is being brought to what the view says

/** The list as the view has it: only jets of a class and within limits, in an order. */
function limitAndSort() {
  const api = grid();
  if (!api) return;
  const { label, limits, order } = view.state;
  const model = {};
  if (label) model.label = { filterType: "text", type: "equals", filter: label };
  for (const [name, [least, most]] of Object.entries(limits)) {
    model[name] = limit(String(least ?? ""), String(most ?? ""));
  }
  arranging += 1;
  try {
    if (JSON.stringify(arrangement(api)) !== JSON.stringify({ limits: sorted(limits), order, label })) {
      api.setFilterModel(model);
      api.applyColumnState({
        defaultState: { sort: null },
        state: order ? [{ colId: order.replace(/^-/, ""), sort: order[0] === "-" ? "desc" : "asc" }] : [],
      });
    }
  } finally {
    arranging -= 1;
  }
  for (const name of Object.keys(LIMITS)) {
    document.querySelectorAll(`[data-limit="${name}"]`).forEach((field, at) => {
      const value = (limits[name] || [])[at] ?? "";
      if (document.activeElement !== field && field.value !== String(value)) field.value = value;
    });
  }
  sayLimits();
}

const sorted = (limits) => Object.fromEntries(Object.keys(LIMITS).filter((name) => name in limits)
  .map((name) => [name, limits[name]]));

/** How the list is limited and sorted now, as the view says it. */
function arrangement(api) {
  const model = api.getFilterModel();
  const column = api.getColumnState().find(({ sort }) => sort);
  const limits = Object.fromEntries(Object.keys(LIMITS).filter((name) => model[name])
    .map((name) => [name, ends(model[name])]));
  return { limits, order: column ? `${column.sort === "desc" ? "-" : ""}${column.colId}` : null,
           label: model.label ? model.label.filter : "" };
}

/** The list was limited or sorted at its own head. */
function arranged() {
  const api = grid();
  if (api && !arranging) view.set(arrangement(api));
}

/** How many limits are set stands on the button, so that a shortened list explains itself. */
function sayLimits() {
  const button = document.getElementById("jets-limits-button");
  const api = grid();
  if (!button || !api) return;
  const set = Object.keys(api.getFilterModel()).filter((name) => name in LIMITS).length;
  button.textContent = set ? `Limits (${set})` : "Limits";
  button.classList.toggle("on", set > 0);
}

/** The fields that Dash has no component for: the number to find, and the limits. */
function furnish() {
  const find = document.getElementById("jets-find");
  if (!find || find.firstElementChild) return;
  find.innerHTML = '<input type="search" inputmode="numeric" placeholder="Jet no."' +
    ' aria-label="Open the jet with this number" autocomplete="off">';
  const box = document.getElementById("jets-limits");
  box.innerHTML = Object.entries(LIMITS).map(([name, title]) =>
    `<span>${title}</span>` + ["least", "most"].map((side) =>
      `<input type="text" inputmode="decimal" autocomplete="off" data-limit="${name}"` +
      ` placeholder="${side}" aria-label="${side} ${title}">`).join("")).join("") +
    '<button type="button" class="button" id="jets-limits-clear">Clear</button>';
  sayLimits();
}

function findJet(text) {
  if (/^\d+$/.test(text.trim())) open(Number(text.trim()));
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.closest("#jets-find")) findJet(event.target.value);
});
document.addEventListener("input", (event) => {
  if (event.target.closest("[data-limit]")) applyLimits();
});
document.addEventListener("click", (event) => {
  const stepper = event.target.closest("[data-step]");
  if (stepper) step(Number(stepper.dataset.step));
  const pick = event.target.closest("[data-pick]");
  if (pick) {
    pick.closest("details").open = false;
    window.dash_clientside.set_props("pick", { data: { kind: pick.dataset.pick, at: Date.now() } });
  }
  if (event.target.closest("#jets-limits-button")) {
    const box = document.getElementById("jets-limits");
    box.hidden = !box.hidden;
    event.target.setAttribute("aria-expanded", String(!box.hidden));
  }
  if (event.target.closest("#jets-limits-clear")) {
    for (const field of document.querySelectorAll("[data-limit]")) field.value = "";
    applyLimits();
  }
  const menu = document.querySelector(".pick-menu[open]");
  if (menu && !event.target.closest(".pick-menu")) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector(".pick-menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

export const jets = {
  ask, open, step, go, listed, limit, furnish, sayLimits, limitAndSort, arranged, inOrder,
  get leading() { return aim !== null; },
};
