/* What the page does without asking the server: theme, list of jets, slider.
 *
 * The functions under dashAgGridFunctions are the grid's own (app/panels/jets.py names them); those
 * under dash_clientside.jetlrp are Dash callbacks (the panels register them).
 */
(function () {
  "use strict";

  const GRID = "jets-grid";
  const SCENE = "network";
  const KEY = "jetlrp-theme";
  const PAUSE = 140; // ms the arrow keys must rest before a jet is explained

  /* ------------------------------------------------------------------ theme */

  function setTheme(name, remember) {
    document.documentElement.dataset.theme = name;
    if (remember) {
      try { localStorage.setItem(KEY, name); } catch { /* private window: not remembered */ }
    }
    const button = document.getElementById("theme-switch");
    if (button) button.setAttribute("aria-pressed", String(name === "dark"));
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

  const chosen = () => {
    const jet = new URLSearchParams(window.location.search).get("jet");
    return jet !== null && /^\d+$/.test(jet) ? Number(jet) : null;
  };

  let pause = null;

  function choose(index) {
    clearTimeout(pause);
    pause = setTimeout(() => {
      if (index === chosen() && document.getElementById(SCENE).dataset.drawn === String(index)) {
        return;
      }
      const address = new URL(window.location);
      address.searchParams.set("jet", index);
      window.history.replaceState(window.history.state, "", address);
      window.dash_clientside.set_props("chosen", { data: index });
    }, PAUSE);
  }

  let warmed = false;

  /** Load Plotly once the list stands there, so that the first jet need not wait for it. */
  function warm() {
    if (warmed || !grid() || grid().getDisplayedRowCount() === 0) return;
    warmed = true;
    const idle = window.requestIdleCallback || ((run) => setTimeout(run, 200));
    idle(() => window.jetlrp.scene.plotly(), { timeout: 1500 });
  }

  let sought = false;

  /** Mark the row of the jet that is open, once the grid has it; at first, go to where it is. */
  function markChosen(api) {
    const index = chosen();
    if (index === null) return;
    const node = api.getRowNode(String(index));
    if (!sought && index < api.getDisplayedRowCount()) {
      sought = true; // in the order of the file, a jet's row is its number
      if (!node || !node.data) api.ensureIndexVisible(index, "middle");
    }
    if (node && node.data && !node.isSelected()) node.setSelected(true, true, "api");
  }

  const number = (value, digits) =>
    (value === null || value === undefined ? "" : value.toFixed(digits).replace("-", "−"));

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.jetFixed = (params, digits) =>
    (params.data ? number(params.value, digits) || "–" : "");
  functions.jetScore = (params) => {
    if (!params.data) return "";
    if (params.value === null || params.value === undefined) return params.data.problem ? "–" : "…";
    return number(params.value, 3);
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
    if (event.source !== "api" && rows.length) choose(rows[0].index);
  };
  functions.jetsLoaded = (event) => {
    markChosen(event.api);
    warm();
  };
  /* The arrow keys move the selection with the focus, so that one can leaf through the jets. */
  functions.jetNavigate = (params) => {
    const next = params.nextCellPosition;
    if (next && (params.key === "ArrowDown" || params.key === "ArrowUp")) {
      const node = params.api.getDisplayedRowAtIndex(next.rowIndex);
      if (node && node.data) node.setSelected(true, true, "keyboard");
    }
    return next;
  };

  /* --------------------------------------------------------- edges and slider */

  let announced = null; // the slider's place as the scene set it, not the viewer

  document.addEventListener("jetlrp:edges", (event) => {
    const { edges, says, position, nEdges } = event.detail;
    const words = document.getElementById("edges-words");
    if (words) {
      words.replaceChildren();
      const strong = document.createElement("strong");
      strong.textContent = says.shown;
      const share = document.createElement("span");
      share.textContent = says.share;
      const of = document.createElement("span");
      of.className = "long";
      of.textContent = says.of;
      words.title = `${says.shown} ${says.share} ${says.of}`;
      words.append(strong, share, of);
    }
    const moving = announced !== null && window.jetlrp.scene.edgesAt(announced, nEdges) === edges;
    if (!moving) {
      announced = position;
      window.dash_clientside.set_props("edges-slider", {
        value: position, disabled: nEdges < 2,
      });
    }
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.jetlrp = {
    show(data) {
      window.jetlrp.scene.show(SCENE, data && data.tracks ? data : null);
    },
    edges(value, drag) {
      const context = window.dash_clientside.callback_context;
      const dragging = context.triggered.some(({ prop_id }) => prop_id.endsWith(".drag_value"));
      const position = dragging ? drag : value;
      const state = window.jetlrp.scene.stateOf(SCENE);
      if (position === null || position === undefined || !state.scene) return;
      const letGo = state.dragging && !dragging; // the faint rest comes back
      if (position === announced && !letGo) return;
      announced = position;
      const edges = window.jetlrp.scene.edgesAt(position, state.scene.nEdges);
      window.jetlrp.scene.setEdges(SCENE, edges, dragging);
    },
    view(size, height) {
      window.jetlrp.scene.setView(SCENE, { size, height });
    },
    reset(clicks) {
      if (clicks) window.jetlrp.scene.resetCamera(SCENE);
    },
    /* The address names a jet when the page opens: ?jet=12. */
    opened(search, already) {
      const jet = new URLSearchParams(search || "").get("jet");
      if (already !== null && already !== undefined) return window.dash_clientside.no_update;
      return jet !== null && /^\d+$/.test(jet) ? Number(jet) : window.dash_clientside.no_update;
    },
    label(value) {
      const api = grid();
      if (!api) return;
      const model = api.getFilterModel();
      if (value) model.label = { filterType: "text", type: "equals", filter: value };
      else delete model.label;
      api.setFilterModel(model);
    },
    refresh(done) {
      const api = grid();
      if (api && done !== null && done !== undefined) api.refreshInfiniteCache();
    },
    rule(rule, ids) {
      return ids.map((id) => (id.rule === rule ? "parameters" : "parameters hidden"));
    },
  };
})();
