/* The 3D network plot: shows the figure that the server has computed (lrp_core/figures/plot.py), with
 * the edges that the view selects, from where the camera was turned to.
 *
 * There is a scene for the jet ("network") and one for the pinned jet ("network-b"); both are on the
 * same scales. The figure is asked for anew when the jet or one of ASKED changes; the old one stays
 * until then. What it holds:
 *
 *   made = { figure, edges, tracks, parts, label, facts, jet }
 *
 */
import { axes } from "./axes.js";
import { camera } from "./camera.js";
import { numbers } from "../page/numbers.js";
import { pick } from "./pick.js";
import { pictures } from "./pictures.js";
import { plane } from "../panels/plane.js";
import { pointing } from "./pointing.js";
import { selection } from "./selection.js";
import { theme } from "../page/theme.js";
import { view } from "../page/view.js";

const SLOTS = { network: "a", "network-b": "b" };
const ASKED = ["pin", "difference", "x", "y", "z", "size", "color", "edgecolor", "marks"];
const LEGEND = ["pin", "difference", "size", "color", "edgecolor", "marks"];
const SELECTED = ["edges", "least", "track", "ways", "edge", "projection"];

const SMALL = 320; // px of width below which a picture has small type
const TYPE = 14; // px of a page's type for which the figure has its usual sizes
const REST = 120; // ms for which a size lasts before something is asked for in it

const CONFIG = {
  displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
  responsive: true, scrollZoom: true, doubleClick: false,
};

/* ------------------------------------------------------- traces and layout */

/** A figure as it came -> one that traces are selected from. */
function read(answer, jet = null) {
  if (!answer.made) {
    const { figure, edges, tracks } = answer.data;
    const { parts, label, facts } = answer;
    answer.made = { figure, edges: selection.decode(edges), tracks, parts, label, facts };
  }
  return { ...answer.made, jet };
}

/** The edges that a view selects: {list, k}: the first k of the list are curves. */
function selected({ edges }, view) {
  const list = selection.considered(edges, view);
  return { list, k: selection.shown(edges, view, list) };
}

/** All of it as Plotly's traces. */
function traces(made, view, { dragging = false } = {}) {
  const { figure, tracks } = made;
  const { list, k } = selected(made, view);
  const alone = view.track !== null && view.track < tracks.count;
  return [
    ...figure.before,
    rest(made, selection.faint(made.edges, list, dragging ? Infinity : k)),
    ...curves(made, list.subarray(0, k)),
    ...chosen(made, view),
    ...figure.after,
    ...(alone ? [ring(figure, view.track)] : []),
    alone ? dimmed(made, view.track, list.subarray(0, k)) : figure.tracks,
  ];
}

/** Faint straight lines. */
function rest({ figure, edges }, { list, opacity }) {
  const place = (side) => {
    const along = new Float32Array(list.length * 3).fill(NaN);
    list.forEach((edge, n) => {
      along[3 * n] = figure.tracks[side][edges.source[edge]];
      along[3 * n + 1] = figure.tracks[side][edges.destination[edge]];
    });
    return along;
  };
  return { ...figure.rest, x: place("x"), y: place("y"), z: place("z"), visible: list.length > 0, opacity };
}

/** The curves of some edges, in a trace for each width. */
function curves({ figure, edges }, list) {
  const { stride, bin, colour } = edges;
  const own = figure.bunches.map(() => []);
  for (const edge of list) own[bin[edge]].push(edge);
  return figure.bunches.map((trace, number) => {
    const places = own[number];
    const along = (side) => {
      const points = new Float32Array(places.length * stride);
      places.forEach((edge, n) => points.set(edges[side].subarray(edge * stride, (edge + 1) * stride), n * stride));
      return points;
    };
    const color = places.flatMap((edge) => colour.slice(edge * stride, (edge + 1) * stride));
    return { ...trace, x: along("x"), y: along("y"), z: along("z"), visible: places.length > 0,
             line: { ...trace.line, color }, meta: { kind: "edges", edges: places } };
  });
}

/** The points of an edge: its curve, or where none came a straight line; null: it is not there. */
function pointsOf({ figure, edges }, edge) {
  if (edge === undefined) return null;
  const { stride, drawn, source, destination } = edges;
  const sides = ["x", "y", "z"];
  if (edge < drawn) {
    return Array.from({ length: stride - 1 }, (_, n) => sides.map((side) => edges[side][edge * stride + n]));
  }
  return [source[edge], destination[edge]].map((track) => sides.map((side) => figure.tracks[side][track]));
}

/** The edge whose card is open, drawn over the others. */
function chosen(made, view) {
  const points = view.edge === null ? null : pointsOf(made, made.edges.places.get(view.edge));
  if (!points) return [];
  const side = (at) => points.map((point) => point[at]);
  return [{ ...made.figure.chosen, x: side(0), y: side(1), z: side(2) }];
}

/** The ring around the track whose edges alone are considered. */
function ring({ isolated: { wider, ...trace }, tracks }, track) {
  const twice = (side) => [tracks[side][track], tracks[side][track]];
  const size = wider.map((more) => tracks.marker.size[track] + more);
  return { ...trace, x: twice("x"), y: twice("y"), z: twice("z"), marker: { ...trace.marker, size } };
}

/** The tracks, those duller that are at neither end of a drawn edge. */
function dimmed({ figure, edges, tracks }, alone, list) {
  const bright = new Set([alone]);
  for (const edge of list) bright.add(edges.source[edge]).add(edges.destination[edge]);
  const { marker } = figure.tracks;
  const of = (usual, dull) => usual.map((colour, track) => (bright.has(track) ? colour : dull[track]));
  return { ...figure.tracks, marker: {
    ...marker, color: of(marker.color, tracks.dim),
    line: { ...marker.line, color: of(marker.line.color, tracks.dim_rims) },
  } };
}

/** size: the length of the box's floor, which is other than 1 without perspective only */
function layout({ figure: { scene: box } }, stand, size = 1, revision = 1) {
  const along = camera.alongAxis(stand);
  const { x, y, z } = box.aspectratio;
  const mute = Object.fromEntries(["x", "y", "z"].filter((side) => side === along).map((side) => {
    const axis = box[`${side}axis`]; // the camera looks along it: its words lie on top of each other
    return [`${side}axis`, { ...axis, showticklabels: false, title: { ...axis.title, text: "" } }];
  }));
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
    margin: { l: 0, r: 0, t: 0, b: 0 }, uirevision: revision,
    scene: { ...box, ...mute, uirevision: revision, camera: stand, hovermode: false,
             aspectratio: { x: x * size, y: y * size, z: z * size } },
  };
}

/* ------------------------------------------------------------------ asking */

const states = new Map(); // div id -> what is drawn there

function stateOf(id) {
  if (!states.has(id)) {
    states.set(id, { id, slot: SLOTS[id], drawing: false, wanted: false, fitting: 0, revision: 0,
                     made: null, cameras: null, asked: null, stop: null });
  }
  return states.get(id);
}

const shownIn = (state) => view.shown[state.slot];

const questionOf = (jet) => ({ jet: jet.jet.index, ...jet.question });

/** The view with which a slot's figure is asked for: each jet has the other one as its pin, so that
 * both are on one scale.
 * @type {(slot: string) => any} */
function viewOf(slot) {
  const { state, shown } = view;
  const other = slot === "a" ? shown.b : shown.a;
  return { ...state, pin: other ? questionOf(other) : null, difference: slot === "a" && state.difference };
}

/** The keys that its figure depends on: in a jet with more edges than may be curves, those of an
 * isolated track come on their own. */
function keysOf(state) {
  const { made } = state;
  return made && made.edges.all > made.edges.most ? [...ASKED, "track"] : ASKED;
}

const roomOf = (div) => ({
  width: div.clientWidth, height: div.clientHeight,
  font: TYPE * theme.now().type * (div.clientWidth < SMALL ? 0.8 : 1),
});

/** Ask for the figure of a slot, if another is shown than is asked for, and draw it. */
async function refresh(id) {
  const state = stateOf(id);
  const div = document.getElementById(id);
  const jet = shownIn(state);
  if (!div || !jet || !div.clientWidth || !div.clientHeight) { // a pane that is not there asks when it comes
    if (state.stop) state.stop.abort();
    Object.assign(state, { ...(jet ? {} : { made: null }), asked: null, stop: null });
    return;
  }
  const spec = { picture: "network", kept: id, keys: keysOf(state) };
  const how = { view: viewOf(state.slot), theme: theme.now() };
  const question = pictures.addressOf(spec, jet, how);
  const asked = `${question} ${how.theme.type}`;
  if (asked === state.asked) return;
  if (state.stop) state.stop.abort();
  const stop = new AbortController();
  Object.assign(state, { asked, stop });
  try {
    const answer = await pictures.ask(spec, jet, how, roomOf(div), stop.signal);
    if (stop.signal.aborted) return;
    state.made = read(answer, jet);
    state.cameras = pictures.camerasHere(roomOf(div)) || state.made.figure.cameras;
    document.dispatchEvent(new CustomEvent("jetlrp:figure", { detail: { id } }));
    if (keysOf(state).length !== spec.keys.length) refresh(id); // of a large jet: those of the track
    draw(id);
  } catch (error) {
    if (stop.signal.aborted) return;
    state.asked = null;
    say(error);
  } finally {
    if (state.stop === stop) state.stop = null;
  }
}

/** Where the camera stands at first, in the size that a div has now. */
async function fit(div, state) {
  if (!div.clientWidth || !div.clientHeight) return; // it has gone meanwhile
  const room = roomOf(div);
  state.cameras = await pictures.cameras(room).catch(() => null) || state.cameras;
}

/* ---------------------------------------------------------------- drawing */

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const frame = () => new Promise((done) => requestAnimationFrame(done));

let loading = null;

/** Plotly, loaded once; it is large, so the page is there before it (see page.js: warm). */
function plotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading = loading || new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = document.getElementById("jetlrp-plotly").href;
    script.onload = () => done(window.Plotly);
    script.onerror = () => {
      loading = null;
      failed(new Error("Plotly could not be loaded from this server"));
    };
    document.head.append(script);
  });
  return loading;
}

/** Draw what is selected now; while one picture is being made, only the last wish is kept. */
async function draw(id) {
  if (!document.getElementById(id)) return;
  const state = stateOf(id);
  state.wanted = true;
  if (state.drawing) return;
  state.drawing = true;
  try {
    const Plotly = plane.webgl() ? await plotly() : null;
    if (document.fonts && document.fonts.load) {
      await Promise.race([document.fonts.load("13px Inter", "Δηφ p"), wait(1500)]);
    }
    while (state.wanted) {
      state.wanted = false;
      const div = document.getElementById(id);
      const { made } = state;
      if (!div || !made || made.jet !== shownIn(state)) break;
      const started = performance.now();
      const { k } = selected(made, view.state);
      const stand = camera.wanted(div, state);
      state.reset = false;
      state.revision += 1;
      state.k = k;
      let built = started;
      if (Plotly) {
        const list = traces(made, view.state, { dragging });
        built = performance.now();
        const size = camera.sizeOf(div, state, stand);
        await Plotly.react(div, list, layout(made, stand, size, state.revision), CONFIG);
        state.drawnWith = stand;
        const inside = camera.inside(div);
        axes.letRead(inside);
        pick.instead(inside);
        if (!state.drawnOnce) listen(div, state);
        state.drawnOnce = true;
        div.tabIndex = 0;
        div.setAttribute("role", "application");
        div.setAttribute("aria-label", (state.slot === "a" ? "" : "Pinned: ") + made.label.replace("{}", k));
      } else {
        await plane.standIn(div, state.slot, made.jet);
      }
      if (state.slot === "a") document.title = `Jet ${made.jet.jet.index} – jetlrp`;
      await frame();
      await frame();
      div.dataset.drawn = String(made.jet.jet.index);
      div.dataset.edges = String(k);
      state.timing = { build: built - started, draw: performance.now() - built };
      document.dispatchEvent(new CustomEvent("jetlrp:drawn", { detail: { id } }));
    }
  } catch (error) {
    say(error);
    throw error;
  } finally {
    state.drawing = false;
  }
}

/** The picture could not be made, although the numbers came: say so where it should be. */
function say(error) {
  const stage = document.getElementById("stage");
  const box = document.getElementById("scene-error");
  if (!stage || !box) return;
  stage.className = "stage is-error";
  box.innerHTML = "<h3>The picture could not be drawn</h3><p></p>";
  box.lastChild.textContent = `${error.message || error}`;
}

let dragging = false; // a slider is held; the second picture then waits until it is let go

const each = (act) => { for (const id of Object.keys(SLOTS)) act(id); };
const drawAll = () => each((id) => { if (!dragging || SLOTS[id] === "a") draw(id); });
const refreshAll = () => each(refresh);

/** Draw without the faint edges while something is dragged. */
function setDragging(now) {
  if (dragging === now) return;
  dragging = now;
  drawAll();
}

/* ----------------------------------------------------- turning and pointing */

function listen(div, state) {
  const said = document.createElement("div");
  said.className = "unseen scene-said";
  said.setAttribute("aria-live", "polite");
  div.after(said);
  div.on("plotly_relayout", () => camera.turned(div, state));
  div.on("plotly_relayouting", () => camera.follow(state));
  div.addEventListener("wheel", () => { div.dataset.turned = "yes"; state.held = null; },
                       { capture: true, passive: true });
  div.addEventListener("pointerdown", () => {
    div.dataset.turned = "yes";
    state.held = camera.live(div);
    if (view.state.rotate) view.set({ rotate: false });
  });
  // a finger turns the plot, but Plotly does not tell
  div.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") camera.follow(state);
  });
  div.addEventListener("pointerup", (event) => {
    if (event.pointerType === "touch") camera.turned(div, state);
  });
  // the mouse does not bring the focus here: the arrows go on through the list
  div.addEventListener("mousedown", (event) => {
    event.preventDefault();
    if (document.activeElement) document.activeElement.blur();
  });
  pointing.listen(div, {
    shown: () => (state.made && state.made.jet === shownIn(state) ? state : null),
    find: (x, y) => pick.find(div, state, x, y),
    spot: (track) => pick.spot(div, state, track),
    steady: () => camera.steady(div, state),
    said,
  });
}

/** What a figure says of a track, an edge by its number, or a direction: {title, lines: [[what, text, sign]]}.
 * @param {any} made
 * @param {{track?: number, edge?: number, kind?: string, number?: number}} found */
function wordsOf({ edges, parts }, { track, edge, kind, number }) {
  if (edge === undefined) return parts[track !== undefined ? `track-${track}` : `${kind}-${number}`] || null;
  const place = edges.places.get(edge);
  if (place === undefined || place >= edges.drawn) return null;
  const sign = edges.sign[place] - 1;
  return {
    title: `Track ${edges.source[place]} → track ${edges.destination[place]}`,
    lines: Object.entries(edges.words)
      .map(([name, texts]) => [name, texts[place], edges.signed.includes(name) ? sign : 0]),
  };
}

/** The tracks at the ends of an edge by its number: [source, destination], or [] if it is not here. */
function endsOf(edge) {
  const { made } = stateOf("network");
  const place = made ? made.edges.places.get(edge) : undefined;
  return place === undefined ? [] : [made.edges.source[place], made.edges.destination[place]];
}

/* ---------------------------------------------------------------- tooltip */

/** Words beside the pointer; any panel may show its own: {title, lines: [[what, text, sign]]}. */
function showTooltip(says, kind, pointer) {
  const { escape } = numbers;
  const box = document.getElementById("scene-tooltip");
  if (!box) return;
  const tone = (sign) => (sign > 0 ? "positive" : sign < 0 ? "negative" : "");
  box.innerHTML =
    `<strong class="${kind}">${escape(says.title)}</strong><dl>` +
    says.lines.map(([name, text, sign]) =>
      `<dt>${escape(name)}</dt><dd class="${tone(sign)}">${escape(text)}</dd>`).join("") + "</dl>";
  box.hidden = false;
  if (pointer) placeTooltip(pointer);
}

function placeTooltip(event) {
  const box = document.getElementById("scene-tooltip");
  if (!box || box.hidden) return;
  const left = event.clientX + 18 + box.offsetWidth > window.innerWidth - 8
    ? event.clientX - 18 - box.offsetWidth : event.clientX + 18;
  const top = Math.min(Math.max(8, event.clientY - 24), window.innerHeight - box.offsetHeight - 8);
  box.style.transform = `translate(${Math.max(8, left)}px, ${top}px)`;
}

function hideTooltip() {
  const box = document.getElementById("scene-tooltip");
  if (box) box.hidden = true;
}

/* ------------------------------------------------------------------ legend */

const legend = () => document.getElementById("network-legend");

function drawLegend() {
  const jet = view.shown.a;
  const box = legend();
  if (!box || !jet) {
    if (box) box.replaceChildren();
    return;
  }
  pictures.drawInto("legend", box, jet, { keys: LEGEND }, { view: viewOf("a"), theme: theme.now() });
}

let resizing = null;
const resized = new ResizeObserver(() => {
  clearTimeout(resizing);
  resizing = setTimeout(drawLegend, REST);
});

/* ------------------------------------------------------------ what is asked */

function anew() {
  refreshAll();
  drawLegend();
}

document.addEventListener("DOMContentLoaded", () => {
  view.on(ASKED, anew);
  view.on(SELECTED, (_, changed) => {
    if (changed.includes("track")) refreshAll();
    drawAll();
  });
  view.onShown((slot) => {
    const id = Object.keys(SLOTS).find((key) => SLOTS[key] === slot);
    hideTooltip();
    const div = document.getElementById(id);
    if (div && !view.shown[slot]) delete div.dataset.drawn;
    if (legend()) resized.observe(legend());
    anew();
  });
  document.addEventListener("jetlrp:theme", anew);
});

export const scene = {
  CONFIG, SLOTS, read, selected, traces, layout, pointsOf, wordsOf, endsOf, plotly, draw, drawAll, refresh,
  stateOf, viewOf, fit, drawLegend, anew, setDragging, showTooltip, placeTooltip, hideTooltip,
  liveCamera: (div) => camera.live(div),
  resetCamera: () => camera.reset(),
};
