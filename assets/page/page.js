/* What ties the page together: theme, list of jets, and the question that the address repeats.
 *
 * The functions under dashAgGridFunctions are the grid's own (app/panels/jets.py names them); those
 * under dash_clientside.jetlrp are Dash callbacks (the panels register them).
 */
import { compare } from "../panels/compare.js";
import { controls } from "./controls.js";
import { dock } from "./dock.js";
import { jets } from "./jets.js";
import { link } from "./link.js";
import { numbers } from "./numbers.js";
import { scene } from "../picture/scene.js";
import { view } from "./view.js";

const GRID = "jets-grid";
const SCENE = "network";
const KEY = "jetlrp-theme";

/* ------------------------------------------------------------------ theme */

function setTheme(name, remember) {
  document.documentElement.dataset.theme = name;
  if (remember) {
    try { localStorage.setItem(KEY, name); } catch { /* private window: not remembered */ }
  }
  const button = document.getElementById("theme-switch");
  if (button) button.setAttribute("aria-pressed", String(name === "dark"));
  view.set({ theme: name });
  document.dispatchEvent(new CustomEvent("jetlrp:theme", { detail: { name } }));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#theme-switch")) return;
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark", true);
});

window.matchMedia("(prefers-color-scheme: light)").addEventListener("change", (event) => {
  let chosen = null;
  try { chosen = localStorage.getItem(KEY); } catch { /* private window */ }
  if (!chosen) setTheme(event.matches ? "light" : "dark", false);
});

/* ------------------------------------------------------------ list of jets */

const grid = () => {
  try { return window.dash_ag_grid.getApi(GRID); } catch { return null; }
};

const chosen = () => view.state.jet;

let warmed = false;

/** Load Plotly once the list stands there, so that the first jet need not wait for it. */
function warm() {
  if (warmed || !grid() || grid().getDisplayedRowCount() === 0) return;
  warmed = true;
  const idle = window.requestIdleCallback || ((run) => setTimeout(run, 200));
  idle(() => scene.plotly(), { timeout: 1500 });
}

let sought = false;
let picked = false; // a row was pressed, so it is in sight and stays where it is

/** Mark the row of the jet that is open, once the grid has it; at first, go to where it is: the
 * rows that come first are there before anybody has scrolled to them. */
function markChosen(api) {
  const index = chosen();
  if (index === null || jets.leading) return;
  const node = api.getRowNode(String(index));
  if (!sought && api.isLastRowIndexKnown() && index < api.getDisplayedRowCount()) {
    sought = true; // in the order of the file, a jet's row is its number
    if (!node || !node.data) {
      if (jets.inOrder(api)) api.ensureIndexVisible(index, "middle");
    }
    else if (!picked) api.ensureNodeVisible(node, "middle");
  }
  if (node && node.data) {
    if (!node.isSelected()) node.setSelected(true, true, "api");
  } else api.deselectAll("all", "api");
}

let listed = null; // file and network of the rows in the list

/** Another file has other jets, another network other scores: ask for them, once the server will
 * be asked for those. */
function otherJets(source) {
  const before = listed;
  listed = source;
  const api = grid();
  if (!before || !api) return;
  if (before.file !== source.file) {
    sought = false;
    api.deselectAll("all", "api");
    api.purgeInfiniteCache();
  } else if (before.model !== source.model) {
    api.refreshInfiniteCache();
  }
}

/** @type {Object<string, Function>} */
const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
functions.jetFixed = (params, digits) =>
  (params.data ? numbers.number(params.value, digits) : "");
functions.jetScore = (params) => {
  if (!params.data) return "";
  if (params.value === null || params.value === undefined) return params.data.problem ? "–" : "…";
  return numbers.number(params.value, 3);
};
functions.jetScoreStyle = (params) => ({
  "--score": params.value === null || params.value === undefined ? 0 : params.value,
});
functions.jetLabel = (params) =>
  ({ hbb: "H→bb̄", qcd: "QCD" }[params.value] || (params.data ? params.value || "–" : ""));
functions.jetProblem = (params) =>
  (params.data && params.data.problem ? `This jet cannot be explained: ${params.data.problem}` : null);
functions.jetRowId = (params) => String(params.data.index);
functions.jetSelected = (event) => {
  const rows = event.api.getSelectedRows();
  if (event.source === "api" || !rows[0]) return; // none, or one that is still to come
  picked = true;
  const { index } = rows[0];
  if (index === chosen() && document.getElementById(SCENE).dataset.drawn === String(index)) return;
  jets.ask(index);
};
functions.jetsLoaded = (event) => {
  jets.limitAndSort();
  markChosen(event.api);
  jets.sayLimits();
  jets.listed();
  if (!event.api.getGridOption("focusGridInnerElement")) { // Dash hands on no function of that name
    event.api.setGridOption("focusGridInnerElement", focusList);
  }
  warm();
};
functions.jetsArranged = () => jets.arranged();
/* The arrow keys move the selection with the focus, so that one can leaf through the jets. */
functions.jetNavigate = (params) => {
  const next = params.nextCellPosition;
  if (next && next.rowIndex >= 0 && (params.key === "ArrowDown" || params.key === "ArrowUp")) {
    jets.go(next.rowIndex);
  }
  return next;
};
/* The list is one stop of the Tab key: the row of the open jet, or where that is not there yet the
 * first in sight. Within it the arrow keys go on, from the first row up to the titles of the columns. */
function focusList({ api }) {
  const node = chosen() === null ? null : api.getRowNode(String(chosen()));
  const isIn = () => document.activeElement.closest(".jets-grid .ag-cell") !== null;
  for (const place of [node && node.data ? node.rowIndex : null, api.getFirstDisplayedRowIndex()]) {
    if (place === null || place < 0) continue;
    api.ensureIndexVisible(place);
    api.setFocusedCell(place, "index");
    if (isIn()) return true;
  }
  return false; // to the titles
}
functions.jetLeave = () => false;

/* ------------------------------------------------------- the question asked */

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.jetlrp = {
  show(data) {
    view.show("a", data);
  },
  showPinned(data) {
    view.show("b", data);
  },
  /* The address names the jet, the target, the rule and what is pinned, when the page opens;
   * later, whatever brings the page somewhere else does (see link.js: ask). */
  opened(search, wanted, already, values, places, source) {
    const { no_update, callback_context } = window.dash_clientside;
    const same = places.map(() => no_update);
    const given = (value) => (value === undefined || value === null ? no_update : value);
    controls.sync();
    dock.sync();
    compare.sync();
    jets.furnish();
    const later = callback_context.triggered_id === "wanted" && wanted;
    if (!later && already !== null && already !== undefined) {
      return [no_update, no_update, no_update, same, no_update, no_update];
    }
    const { jet, target, rule, pin, file, model } = later || view.read(search);
    const asked = rule ? link.inputsOf(rule, places) : null;
    if (asked && (!later || view.state.rule === rule)) { // as the page itself writes it: no step
      const now = asked.values.map((value, at) => (value === no_update ? values[at] : value));
      const preset = target || !asked.target ? {} : { target: asked.target };
      view.settle({ rule: link.ruleText(asked.rule, now, places), ...preset });
    }
    return [
      given(jet),
      given(target || (asked && asked.target)),
      asked ? asked.rule : no_update,
      asked ? asked.values : same,
      later && pin === null ? null : given(pin),
      file || model ? { ...source, ...(file ? { file } : {}), ...(model ? { model } : {}) } : no_update,
    ];
  },
  /* What is asked stands in the address too. */
  asked(jet, target, rule, values, pinned, source, places) {
    const { file = null, model = null } = source || {};
    otherJets({ file, model });
    if (jet === null || jet === undefined) {
      view.set({ file, model });
      return;
    }
    view.set({ file, model, jet, target, rule: link.ruleText(rule, values, places), pin: pinned || null });
  },
  picked(jet) {
    if (jet) jets.open(jet.index);
  },
  refresh(done) {
    const api = grid();
    if (api && done !== null && done !== undefined) api.refreshInfiniteCache();
  },
  rule(rule, ids) {
    return ids.map((id) => (id.rule === rule ? "parameters" : "parameters hidden"));
  },
};

document.addEventListener("click", (event) => {
  if (event.target.closest("#reset-view")) scene.resetCamera();
});

/* What stands there until the page has its layout makes room for it. */
const layout = new MutationObserver(() => {
  if (!document.querySelector(".page, ._dash-error")) return;
  document.documentElement.classList.add("is-open");
  layout.disconnect();
});
layout.observe(document.documentElement, { childList: true, subtree: true });

document.addEventListener("DOMContentLoaded", () => {
  view.set({ theme: document.documentElement.dataset.theme });
  view.on(["label", "limits", "order"], () => jets.limitAndSort());
  view.on(["jet"], () => { if (grid()) markChosen(grid()); });
});
