/* Where the camera of a network plot stands: as at first, as the view says, as it was turned, on its
 * way to a preset, or turning slowly by itself. Both plots stand alike.
 *
 * Plotly keeps the camera to itself, so it is read from its scene and set with Plotly.relayout. While
 * it moves by itself nothing goes to the view, so that the address is written once, at the end.
 */
import { highlight } from "./highlight.js";
import { scene } from "./scene.js";
import { view } from "../page/view.js";

const TURN = 20000; // ms of one slow turn
const WAY = 280; // ms on the way to a preset
const PARTS = ["eye", "center", "up"];
const SIDES = ["x", "y", "z"];

/* Directions to look from, and which way is up. From exactly above, up would be undefined. */
const PRESETS = {
  front: { from: [0, -1, 0], up: [0, 0, 1] },
  side: { from: [1, 0, 0], up: [0, 0, 1] },
  top: { from: [0, 0, 1], up: [0, 1, 0] },
};

const stateOf = (id) => scene.stateOf(id);
const ids = () => Object.keys(scene.SLOTS);
const isCalm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Plotly's own scene of a div that is drawn, or null. */
const inside = (div) =>
  (div && div._fullLayout && div._fullLayout.scene && div._fullLayout.scene._scene) || null;

/** The camera of a div as it stands on the screen. */
function live(div) {
  const scene = inside(div);
  if (!scene || !scene.getCamera) return null;
  const camera = scene.getCamera();
  return Object.fromEntries(PARTS.map((part) => [part, { ...camera[part] }]));
}

const same = (a, b) => PARTS.every((part) =>
  SIDES.every((side) => Math.abs(a[part][side] - b[part][side]) < 1e-4));

/** Where the camera of a div stands at first, as the server has found it for its size. */
const first = ({ id }) => stateOf(id).cameras[view.state.projection];
const start = (div) => first(div).camera;

/** The camera to draw with: while it moves by itself as it stands, else as the view says. */
function wanted(div, state) {
  const here = state.drawnOnce && !state.reset ? live(div) : null;
  const stays = !state.drawnWith || state.drawnWith.projection.type === view.state.projection;
  const camera = (moving && here) || view.state.camera || (stays && here) || start(div);
  return { ...camera, projection: { type: view.state.projection } };
}

/** The length of the box: without perspective it is what scrolling changes, so it is kept. */
function sizeOf(div, state, { projection }) {
  if (projection.type === "perspective") return 1;
  const before = state.drawnWith && state.drawnWith.projection.type === projection.type;
  const scene = before ? inside(div) : null;
  return scene ? scene.glplot.getAspectratio().x : first(div).size;
}

/** Which axis the camera looks along, so that its ticks lie on top of each other: "x" to "z", or
 * undefined. */
function alongAxis({ eye, center }) {
  const way = SIDES.map((side) => Math.abs(eye[side] - center[side]));
  return SIDES.find((_, at) => way[at] > 0.997 * Math.hypot(...way));
}

/** Draw again where an axis has come to be looked along, or no longer is. */
function mute(state, camera) {
  if (state.drawnWith && alongAxis(camera) !== alongAxis(state.drawnWith)) {
    scene.draw(state.id);
  }
}

/** Stand the camera of a plot where it is said to. */
async function move(id, camera) {
  const div = document.getElementById(id);
  const state = stateOf(id);
  if (!div || !state.drawnOnce) return;
  state.moving = (state.moving || 0) + 1;
  try {
    await window.Plotly.relayout(div, {
      "scene.camera": { ...camera, projection: { type: view.state.projection } },
    });
  } finally {
    state.moving -= 1;
  }
  if (id === "network") highlight.place();
}

const moveAll = (camera) => Promise.all(ids().filter((id) => shows(id)).map(
  (id) => move(id, camera)));

const shows = (id) => stateOf(id).drawnOnce && view.shown[stateOf(id).slot];

let following = null;

/** Turn the other plot like this one; once a frame, whatever the mouse does. */
function follow(state) {
  highlight.place();
  const camera = live(document.getElementById(state.id));
  const other = ids().find((id) => id !== state.id);
  if (!camera || !shows(other)) return;
  const waiting = following !== null;
  following = camera;
  if (waiting) return;
  requestAnimationFrame(() => {
    const latest = following;
    following = null;
    move(other, latest);
  });
}

/** The viewer has let go of a plot: the view remembers how it stands, unless it only was clicked
 * on, so that it stands as when it was taken hold of. */
function turned(div, state) {
  const camera = live(div);
  if (!camera || state.moving || moving || !div.dataset.turned) return;
  if (state.held && same(camera, state.held)) return;
  view.set({ camera });
  for (const id of ids()) if (shows(id)) mute(stateOf(id), camera);
}

/** A click that shook has turned nothing: the plot stands as when it was taken hold of. */
function steady(div, state) {
  const camera = live(div);
  if (camera && state.held && !same(camera, state.held)) move(state.id, state.held);
}

/* ---------------------------------------------------- moving by itself */

let moving = null; // the movement that is under way; the next one takes its place

const frame = () => new Promise((done) => requestAnimationFrame(done));

/** Call each(ms since the start) once a frame until it says false, or another movement starts. */
async function play(each) {
  const mine = {};
  moving = mine;
  const began = performance.now();
  do {
    await frame();
    if (moving !== mine) return false;
  } while (await each(performance.now() - began) && moving === mine);
  if (moving !== mine) return false;
  moving = null;
  return true;
}

const list = (point) => SIDES.map((side) => point[side]);
const point = (values) => Object.fromEntries(SIDES.map((side, at) => [side, values[at]]));
const mix = (a, b, t) => a.map((value, at) => value + (b[at] - value) * t);
const length = (a) => Math.hypot(...a);

/** Between two cameras: directions turn, distances change; t from 0 to 1. */
function between(from, to, t) {
  const eyes = [list(from.eye), list(to.eye)];
  const far = mix([length(eyes[0])], [length(eyes[1])], t)[0];
  const way = mix(...eyes, t);
  const scale = far / (length(way) || 1);
  return {
    eye: point(way.map((value) => value * scale)),
    center: point(mix(list(from.center), list(to.center), t)),
    up: point(mix(list(from.up), list(to.up), t)),
  };
}

/** Where a preset stands: as far away as the start, further where the stage is narrow. */
function preset(name, div) {
  const first = start(div);
  if (name === "start") return first;
  const { from, up } = PRESETS[name];
  const away = length(list(first.eye)) * (name === "top" ? 0.98 : 1.0);
  const center = name === "top" ? { x: 0, y: 0, z: 0 } : { x: 0, y: 0, z: -0.04 };
  return { eye: point(from.map((value) => value * away)), center, up: point(up) };
}

/** Go to a preset: front, side, top or start. */
async function go(name) {
  const div = document.getElementById("network");
  if (!stateOf("network").drawnOnce) return;
  const change = name === "start" ? { projection: "perspective" } : {};
  view.set({ rotate: false, ...change });
  const from = live(div);
  const to = preset(name, div);
  if (!isCalm()) {
    const arrived = await play(async (ms) => {
      const t = Math.min(1, ms / WAY);
      await moveAll(between(from, to, t * t * (3 - 2 * t)));
      return t < 1;
    });
    if (!arrived) return;
  } else {
    moving = null;
    await moveAll(to);
  }
  view.set({ camera: name === "start" ? null : live(div) });
  for (const id of ids()) if (shows(id)) mute(stateOf(id), to);
}

/** A camera gone around the upright axis by an angle, the eye as high as before. */
function around(camera, angle) {
  const { x, y, z } = camera.eye;
  return {
    ...camera,
    up: { x: 0, y: 0, z: 1 },
    eye: { x: x * Math.cos(angle) - y * Math.sin(angle),
           y: x * Math.sin(angle) + y * Math.cos(angle), z },
  };
}

/** Turn slowly around the upright axis until the view says otherwise. */
async function rotate() {
  const div = document.getElementById("network");
  if (!stateOf("network").drawnOnce || !live(div)) return;
  const first = live(div);
  const level = first.up.z > 0.5 ? first : start(div); // from above there is nothing to go around
  const done = await play(async (ms) => {
    if (!view.state.rotate) return false;
    await moveAll(around(level, (2 * Math.PI * ms) / TURN));
    return view.state.rotate;
  });
  if (done) view.set({ camera: live(div) });
}

/** All as it was at first: the camera, and what is picked out. */
function reset() {
  moving = null;
  for (const id of ids()) stateOf(id).reset = true;
  view.set({ camera: null, rotate: false, projection: "perspective",
                           track: null, ways: "both", edge: null });
  scene.drawAll();
}

/* --------------------------------------------------------- full screen */

/** The plot alone on the whole screen; in talk mode, the talk. The page as a whole goes there, so
 * that what floats over the plot, its tooltip and the look of it, does too. Where the browser allows
 * no full screen, as in a frame, the plot fills the window. */
async function full() {
  const root = document.documentElement;
  if (root.dataset.full) {
    delete root.dataset.full;
    sync();
    if (document.fullscreenElement) await document.exitFullscreen();
    return;
  }
  root.dataset.full = "scene";
  sync();
  try {
    await root.requestFullscreen();
  } catch { /* not allowed: the window, then */ }
}

/** The buttons show what is on. */
function sync() {
  const { state } = view;
  const press = (id, on) => {
    const button = document.getElementById(id);
    if (button) button.setAttribute("aria-pressed", String(on));
  };
  press("camera-ortho", state.projection === "orthographic");
  press("camera-rotate", state.rotate);
  press("camera-full", document.documentElement.dataset.full === "scene");
}

document.addEventListener("fullscreenchange", () => {
  if (!document.fullscreenElement) delete document.documentElement.dataset.full;
  sync();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest(".camera-tools button");
  if (!button) return;
  const name = button.id.replace("camera-", "");
  if (name === "ortho") {
    view.set({ projection: view.state.projection === "perspective" ? "orthographic" : "perspective" });
  } else if (name === "rotate") view.set({ rotate: !view.state.rotate });
  else if (name === "full") full();
  else if (name === "start" || name in PRESETS) go(name);
});

document.addEventListener("DOMContentLoaded", () => {
  if (view.state.rotate && isCalm()) view.set({ rotate: false });
  view.on(["rotate"], ({ rotate: on }) => { if (on) rotate(); });
  view.on(["rotate", "projection"], sync);
  view.onShown(sync);
  document.addEventListener("jetlrp:drawn", () => {
    if (view.state.rotate && !moving) rotate(); // a link that turns
  });
  view.on(["camera"], ({ camera }) => {
    if (!camera || moving) return;
    for (const id of ids()) {
      const now = shows(id) ? live(document.getElementById(id)) : null;
      if (now && !same(now, camera)) move(id, camera);
    }
  });
});

export const camera = {
  inside, live, alongAxis, wanted, sizeOf, move, follow, turned, steady, preset, between, around, go, reset, full,
  get moving() { return moving !== null; },
};
