/* How significance is spread over the edges that are considered, and the threshold on it.
 *
 * Bars over a logarithmic axis, their heights the square root of the counts, so that the few strong
 * edges can be seen beside the many weak ones. The line is the least significance that is drawn: it
 * is dragged, or moved by the arrow keys, and sets `least` of the view. No server is asked.
 */
import { numbers } from "../page/numbers.js";
import { scene } from "../picture/scene.js";
import { selection } from "../picture/selection.js";
import { view } from "../page/view.js";

const BARS = 44;
const HEIGHT = 32;
const DECADES = 5; // below the largest; what is smaller stands in the first bar
const STEP = 0.05; // of a decade, for one press of an arrow key

/** The counts of edges over the axis: {low, high, counts}, decimal logarithms.
 *
 * order  their places, the most significant first. Edges without significance have no place on the
 *        axis; they are left out, and counted in `none`.
 */
function bins({ significance }, order) {
  const values = Array.from(order, (edge) => significance[edge]).filter((value) => value > 0);
  if (!values.length) return null;
  const high = Math.log10(values[0]); // order falls
  const low = Math.min(high - 0.5, Math.max(Math.log10(values.at(-1)), high - DECADES));
  const counts = new Array(BARS).fill(0);
  for (const value of values) counts[barOf(Math.log10(value), low, high)] += 1;
  return { low, high, counts, none: order.length - values.length };
}

const barOf = (at, low, high) =>
  Math.max(0, Math.min(BARS - 1, Math.floor((BARS * (at - low)) / (high - low))));

/** A number as ARIA knows numbers: without a power of ten. */
const decimal = (value) => value.toFixed(12).replace(/\.?0+$/, "");

/** A threshold as the address can hold it, never above what was meant: 4 digits. */
function rounded(value) {
  if (!(value > 0)) return 0;
  const unit = Math.pow(10, Math.floor(Math.log10(value)) - 3);
  return Number((Math.floor(value / unit * (1 + 1e-12)) * unit).toPrecision(4));
}

/** The least significance that is drawn now, whether it was set or follows from the number. */
function threshold(edges, view, order, k) {
  if (!order.length || k < 1) return view.least;
  const last = edges.significance[order[k - 1]];
  return view.least !== null && k < selection.most(edges, order) ? view.least : last;
}

/** The threshold one press of a key away: always such that at least one edge comes or goes. */
function pressed(edges, order, k, least, key, { low, high }) {
  const most = selection.most(edges, order);
  const at = (place) => edges.significance[order[Math.max(0, Math.min(order.length - 1, place))]];
  const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10,
                 PageDown: -10 }[key];
  if (key === "Home") return at(most - 1);
  if (key === "End") return at(0);
  if (!step) return null;
  const moved = Math.pow(10, Math.max(low, Math.min(high, Math.log10(least) + step * STEP)));
  if (step > 0) return k > 1 ? Math.max(moved, at(k - 2)) : at(0);
  return k < most ? Math.min(moved, at(k)) : least;
}

/* ---------------------------------------------------------------- drawing */

let shown = null; // {bins, order, width, key}: the bars as they stand
let held = false;

function parts() {
  const box = document.querySelector("[data-histogram]");
  if (!box) return null;
  if (!box.firstElementChild) {
    box.innerHTML =
      '<svg aria-hidden="true"></svg><div id="edges-threshold" role="slider" tabindex="0"' +
      ' aria-label="Least significance that is drawn" aria-orientation="horizontal"></div>';
    listen(box);
    new ResizeObserver(redraw).observe(box);
  }
  return { box, svg: box.firstElementChild, line: box.lastElementChild };
}

let waiting = false;

/** Draw with the next frame, once however often it is asked for. */
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    draw();
  });
}

function draw() {
  const found = parts();
  if (!found) return;
  const { box, svg, line } = found;
  const { made } = scene.stateOf("network");
  const { list: order, k } = made ? scene.selected(made, view.state) : { list: [], k: 0 };
  const spread = made ? bins(made.edges, order) : null;
  const width = box.clientWidth;
  box.classList.toggle("off", !spread);
  line.setAttribute("aria-disabled", String(!spread));
  const says = document.querySelector("[data-says=least]");
  if (!spread || !width) {
    svg.replaceChildren();
    shown = null;
    if (says) says.textContent = "";
    return;
  }
  const least = threshold(made.edges, view.state, order, k);
  const key = [width, view.state.track, view.state.ways].join();
  if (!shown || shown.made !== made || shown.key !== key) {
    svg.setAttribute("width", width);
    svg.setAttribute("height", HEIGHT);
    svg.innerHTML = bars(spread, width, made.edges);
    shown = { made, key };
  }
  shown = { ...shown, order, spread, width, k, least };
  const at = Math.max(0, Math.min(1, (Math.log10(least) - spread.low) / (spread.high - spread.low)));
  svg.querySelector("#histogram-shown rect").setAttribute("x", k ? at * width : width);
  line.style.left = `${100 * at}%`;
  line.classList.toggle("set", view.state.least !== null);
  const { significant, percent, thousands } = numbers;
  const share = selection.share(made.edges, order, k);
  const text = `at least ${significant(least, 2)}: ${thousands(k)} ${k === 1 ? "edge" : "edges"}, ` +
    `${percent(share)} ${made.edges.of}`;
  line.setAttribute("aria-valuemin", decimal(Math.pow(10, spread.low)));
  line.setAttribute("aria-valuemax", decimal(Math.pow(10, spread.high)));
  line.setAttribute("aria-valuenow", decimal(least));
  line.setAttribute("aria-valuetext", text);
  const none = spread.none ? ` ${thousands(spread.none)} have none.` : "";
  box.title = `Edges by their significance, on a logarithmic axis: ${text}.${none}` +
    " Drag the line, or use the arrow keys.";
  if (says) says.innerHTML = `at least <strong>${numbers.escape(significant(least, 2))}</strong>`;
}

/** All bars, dull; and once more in the colours of the edges, clipped to those that are drawn. */
function bars({ low, high, counts }, width, { shades, largest }) {
  const colourOf = (value) => shades[Math.round(Math.min(1, value / (largest || 1)) * (shades.length - 1))];
  const most = Math.sqrt(Math.max(...counts));
  const step = width / BARS;
  const rects = (fill) => counts.map((count, bar) => {
    if (!count) return "";
    const height = Math.max(1.5, (HEIGHT - 2) * Math.sqrt(count) / most);
    const middle = Math.pow(10, low + ((bar + 0.5) / BARS) * (high - low));
    return `<rect x="${(bar * step).toFixed(2)}" width="${Math.max(1, step - 1).toFixed(2)}"` +
      ` y="${(HEIGHT - height).toFixed(2)}" height="${height.toFixed(2)}"` +
      ` fill="${fill || colourOf(middle)}"/>`;
  }).join("");
  return '<defs><clipPath id="histogram-shown">' +
    `<rect x="0" y="0" width="${width}" height="${HEIGHT}"/></clipPath></defs>` +
    `<g class="hidden-edges" opacity="0.3">${rects("var(--muted)")}</g>` +
    `<g class="shown-edges" clip-path="url(#histogram-shown)">${rects("")}</g>`;
}

/* --------------------------------------------------------------- dragging */

function set(least) {
  if (least !== null && Number.isFinite(least)) view.set({ least: rounded(least) });
}

function listen(box) {
  const pointed = (event) => {
    if (!shown) return;
    const { left, width } = box.getBoundingClientRect();
    const at = Math.max(0, Math.min(1, (event.clientX - left) / width));
    const { spread, order, made: { edges } } = shown;
    const wanted = Math.pow(10, spread.low + at * (spread.high - spread.low));
    const most = selection.most(edges, order);
    const top = edges.significance[order[0]];
    const bottom = edges.significance[order[most - 1]];
    set(Math.max(order.length > most ? bottom : 0, Math.min(top, wanted)));
  };
  const release = () => {
    if (!held) return;
    held = false;
    box.classList.remove("held");
    scene.setDragging(false);
  };
  box.addEventListener("pointerdown", (event) => {
    if (!shown || event.button !== 0) return;
    held = true;
    box.classList.add("held");
    box.setPointerCapture(event.pointerId);
    box.lastElementChild.focus({ preventScroll: true });
    event.preventDefault();
    scene.setDragging(true);
    pointed(event);
  });
  box.addEventListener("pointermove", (event) => { if (held) pointed(event); });
  box.addEventListener("pointerup", release);
  box.addEventListener("pointercancel", release);
  box.addEventListener("keydown", (event) => {
    if (!shown) return;
    const least = pressed(shown.made.edges, shown.order, shown.k, shown.least, event.key, shown.spread);
    if (least === null) return;
    event.preventDefault();
    event.stopPropagation();
    set(least);
  });
}

document.addEventListener("DOMContentLoaded", () => {
  view.on(["edges", "least", "track", "ways", "pin", "difference"], redraw);
  view.onShown(redraw);
  document.addEventListener("jetlrp:figure", redraw);
  document.addEventListener("jetlrp:theme", redraw);
});

export const histogram = { BARS, bins, rounded, threshold, pressed, draw, redraw };
