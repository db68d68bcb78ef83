/* The panels below the network plot: which are open, and when they are drawn again.
 *
 * A panel's script says once what draws it:
 *
 *   dock.panel("river", { keys: ["sort"], draw(box, jet, { view, theme }) {} })
 *
 * and is called with its box when it is open and the jet, the theme, its size or one of the keys of
 * the view has changed; with no jet, jet is null.
 */
import { theme } from "./theme.js";
import { view } from "./view.js";

const TALL = 820; // px of window from which on the river is open at first, but not in a talk

const panels = new Map();
const waiting = new Set();

/** The panels that are open, in the order of the strip. */
function open() {
  const { state } = view;
  if (state.dock !== null) return state.dock.filter((name) => panels.has(name));
  return window.innerHeight >= TALL && !state.talk && panels.has("river") ? ["river"] : [];
}

const isOpen = (name) => open().includes(name) || view.state.full === name;

function panel(name, { keys = [], draw }) {
  panels.set(name, draw);
  const listen = () => { if (keys.length) view.on(keys, () => redraw(name)); };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", listen);
  else listen();
}

/** Draw a panel with the next frame, once however often it is asked for. */
function redraw(name) {
  if (waiting.has(name)) return;
  waiting.add(name);
  requestAnimationFrame(() => {
    waiting.delete(name);
    const box = document.getElementById(`${name}-body`);
    if (!box || !isOpen(name) || !box.clientWidth) return;
    panels.get(name)(box, view.shown.a, {
      view: view.state, theme: theme.now(),
    });
  });
}

const redrawAll = () => { for (const name of panels.keys()) redraw(name); };

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) redraw(target.id.replace(/-body$/, ""));
});

/** Show what the view says is open, and draw what has been opened. */
function sync() {
  const { state } = view;
  const now = open();
  for (const name of panels.keys()) {
    const section = document.getElementById(`dock-${name}`);
    if (!section) return;
    section.hidden = !now.includes(name) && state.full !== name;
    section.classList.toggle("full", state.full === name);
    sizes.observe(document.getElementById(`${name}-body`));
    const button = document.querySelector(`[data-dock="${name}"]`);
    button.setAttribute("aria-pressed", String(now.includes(name)));
  }
  const centre = document.querySelector(".centre");
  centre.dataset.open = String(now.length);
  centre.classList.toggle("has-full", state.full !== null);
  redrawAll();
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-dock]");
  const enlarge = event.target.closest("[data-enlarge]");
  if (tab) {
    const { dock: name } = tab.dataset;
    const now = open();
    view.set({
      dock: now.includes(name) ? now.filter((other) => other !== name) : [...now, name],
      full: null,
    });
  }
  if (enlarge) {
    const { enlarge: name } = enlarge.dataset;
    view.set({ full: view.state.full === name ? null : name });
  }
});

document.addEventListener("DOMContentLoaded", () => {
  view.on(["dock", "full", "talk"], sync);
  view.onShown(redrawAll);
  document.addEventListener("jetlrp:theme", redrawAll);
});

export const dock = { panel, redraw, open, isOpen, sync };
