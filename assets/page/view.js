/* What the viewer has chosen: one object, the address bar that repeats it, and who hears of it.
 *
 * Every key of KEYS is in the address where it is not what it is by default, so that a copied link
 * opens the same view. Panels listen with `on`, and change things with `set`; nothing here draws.
 * What is shown (`shown.a`, and beside it `shown.b` if a jet is pinned) and what the pointer is on
 * (`hover`) are told in the same way, but are no part of the address.
 */
const WAIT = 120; // ms after a change before the address repeats it

/* How a value stands in the address: read(text) -> value, or undefined if it is none. */
const one = (...names) => ({ read: (text) => (names.includes(text) ? text : undefined), write: String });
const whole = { read: (text) => (/^\d+$/.test(text) ? Number(text) : undefined), write: String };
const positive = {
  read: (text) => (Number(text) >= 0 && text.trim() !== "" ? Number(text) : undefined),
  write: (value) => String(+value.toPrecision(4)),
};
const flag = { read: (text) => (text === "1" ? true : text === "0" ? false : undefined),
               write: (value) => (value ? "1" : "0") };
const words = { read: (text) => text || undefined, write: String };
const list = { read: (text) => text.split(".").filter(Boolean), write: (value) => value.join(".") || "." };
const numbers = {
  read: (text) => {
    const values = text.split(",").map(Number);
    if (values.length !== 9 || !values.every(Number.isFinite)) return undefined;
    const at = (start) => ({ x: values[start], y: values[start + 1], z: values[start + 2] });
    return { eye: at(0), center: at(3), up: at(6) };
  },
  write: (camera) => ["eye", "center", "up"].flatMap((key) => ["x", "y", "z"].map(
    (side) => String(+camera[key][side].toFixed(4)))).join(","),
};
/* Limits on numbers of the jets: "pt:300..800,score:0.9..". */
const ranges = {
  read: (text) => {
    const found = {};
    for (const part of text.split(",")) {
      const [, name, least, most] = /^(score|pt|sdmass|n_tracks):([^.]*(?:\.\d+)?)\.\.(.*)$/.exec(part) || [];
      const [low, high] = [least, most].map((end) => (end === "" ? null : Number(end)));
      if (!name || Number.isNaN(low) || Number.isNaN(high) || (low === null && high === null)) return undefined;
      found[name] = [low, high];
    }
    return found;
  },
  write: (limits) => Object.entries(limits)
    .map(([name, [least, most]]) => `${name}:${least ?? ""}..${most ?? ""}`).join(","),
};
const column = {
  read: (text) => (/^-?(index|label|score|pt|sdmass|n_tracks)$/.test(text) ? text : undefined), write: String,
};
/* A jet, a target and a rule in one word, and the file and the network where there is a choice. */
const hide = (text) => String(text).replace(/[%~]/g, (letter) => (letter === "%" ? "%25" : "%7E"));
const unhide = (text) => text.replace(/%(25|7E)/gi, (code) => (code === "%25" ? "%" : "~"));
const question = {
  read: (text) => {
    const [jet, target, rule, file, model] = text.split("~");
    if (!/^\d+$/.test(jet) || !target || !rule) return undefined;
    const source = { ...(file ? { file: unhide(file) } : {}), ...(model ? { model: unhide(model) } : {}) };
    return { jet: Number(jet), target, rule: unhide(rule), ...source };
  },
  write: ({ jet, target, rule, file, model }) => [
    jet, target, hide(rule), ...(file || model ? [hide(file || ""), hide(model || "")] : []),
  ].join("~"),
};

/** key: [what it is when the address does not say, how it stands there]
 * @type {Object<string, [any, {read: (text: string) => any, write: (value: any) => string}]>} */
const KEYS = {
  file: [null, words], // of the library; null: there is no choice
  model: [null, words], // the network, likewise
  jet: [null, whole],
  target: [null, words],
  rule: [null, words],
  pin: [null, question], // what stands beside the jet
  difference: [false, flag], // whether the difference to the pinned one is drawn
  edges: [null, whole], // how many edges are drawn; null: as many as is usual
  least: [null, positive], // or the least significance that is drawn
  x: ["track_etarel", words],
  y: ["track_phirel", words],
  z: ["log:track_pt", words],
  size: ["pt", one("pt", "relevance")],
  color: ["relevance", one("relevance", "charge", "origin")],
  edgecolor: ["significance", one("significance", "relevance")],
  marks: [true, flag], // muons, electrons and displaced tracks
  track: [null, whole], // the track whose edges alone are considered
  ways: ["both", one("both", "in", "out")],
  edge: [null, whole], // number of the edge whose card is open
  camera: [null, numbers],
  projection: ["perspective", one("perspective", "orthographic")],
  rotate: [false, flag],
  dock: [null, list], // panels that are open below; null: what fits
  full: [null, words], // the panel that fills the middle of the page
  sort: ["relevance", words], // rows of the heat map: by "pt", "relevance", or a feature's
  rows: ["top", one("top", "all")],
  label: ["", one("", "hbb", "qcd")],
  limits: [{}, ranges], // of the jets in the list: {pt: [least, most]}, null for none
  order: [null, column], // of the list: by "pt", or "-pt" for the largest first
  theme: [null, one("dark", "light")],
  list: [true, flag], // whether the jets are listed
  talk: [false, flag], // large type, and little else than the picture
};

const { view: fixed } = document.documentElement.dataset; // of a figure in a file of its own

const state = Object.fromEntries(Object.entries(KEYS).map(([key, [usual]]) => [key, usual]));
const shown = { a: null, b: null };
const listeners = [];
const showing = [];
const hovering = [];
let hovered = { track: null, edge: null };
let writing = null;

/** The view in an address: only what can be read; the rest is as by default. */
function read(address) {
  const query = new URLSearchParams(address);
  const found = {};
  for (const [key, [, kind]] of Object.entries(KEYS)) {
    if (!query.has(key)) continue;
    const value = kind.read(query.get(key));
    if (value !== undefined) found[key] = value;
  }
  return found;
}

const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

/** A view, or some keys of it, as the address writes it: "?jet=12&target=margin&…". */
function search(of = state, keys = null) {
  const parts = [];
  for (const [key, [usual, kind]] of Object.entries(KEYS)) {
    if (same(of[key], usual) || (keys && !keys.includes(key))) continue;
    parts.push(`${key}=${encodeURIComponent(kind.write(of[key])).replace(
      /%(2C|28|29|3D|3A|7E|2F|20)/g, (code) => (code === "%20" ? "+" : decodeURIComponent(code)))}`);
  }
  return parts.length ? `?${parts.join("&")}` : "";
}

const STEPS = ["jet", "file", "model", "target", "rule"];

/** Put the view into the address bar, at once. Another jet, file, network, target or rule is a step
 * that "back" undoes; whatever else is changed only corrects the address. */
function write() {
  clearTimeout(writing);
  writing = null;
  if (fixed !== undefined) return;
  const wanted = window.location.pathname + search();
  if (wanted === window.location.pathname + window.location.search) return;
  const was = read(window.location.search);
  const step = STEPS.some((key) => was[key] !== undefined && was[key] !== state[key]);
  window.history[step ? "pushState" : "replaceState"](null, "", wanted);
}

/** The view is as it was, written in another way: the address is corrected, which is no step. */
function settle(change) {
  set(change);
  clearTimeout(writing);
  writing = null;
  if (fixed === undefined) window.history.replaceState(null, "", window.location.pathname + search());
}

/** The whole view as an address has it, for "back" and "forward". */
function go(address) {
  clearTimeout(writing);
  const usual = Object.fromEntries(Object.entries(KEYS).map(([key, [value]]) => [key, value]));
  set({ ...usual, theme: state.theme, ...read(address) });
}

/** Change the view; whoever listens to one of the keys that changed is called once. */
function set(change) {
  const changed = Object.keys(change).filter((key) => !same(state[key], change[key]));
  if (!changed.length) return;
  for (const key of changed) state[key] = change[key];
  clearTimeout(writing);
  writing = setTimeout(write, WAIT);
  for (const { keys, heard } of listeners) {
    if (!keys || keys.some((key) => changed.includes(key))) heard(state, changed);
  }
}

/** Hear of changes to some keys (null: to any): heard(state, names of what changed). */
const on = (keys, heard) => { listeners.push({ keys, heard }); };

/** Hear of another jet: heard(slot), "a" for the jet and "b" for the pinned one. */
const onShown = (heard) => { showing.push(heard); };

/** A jet as the server sent it, or null for none, takes its slot. */
function show(slot, data) {
  if ((shown[slot] ? shown[slot].data : null) === (data || null)) return;
  shown[slot] = data ? { ...data, data } : null;
  if (slot === "a") hover(null);
  for (const heard of showing) heard(slot);
}

/** Everything that is on the page now: one jet, or two. */
const both = () => [shown.a, shown.b].filter(Boolean);

/** The pointer is on a track {track} or on an edge {edge: its place} of the jet, or on neither. */
function hover(what) {
  const now = { track: null, edge: null, ...(what || {}) };
  if (same(now, hovered)) return;
  hovered = now;
  for (const heard of hovering) heard(now);
}

const onHover = (heard) => { hovering.push(heard); };

Object.assign(state, read(fixed === undefined ? window.location.search : fixed));

export const view = {
  KEYS, state, shown, read, search, write, settle, go, set, on, show, onShown, both, hover, onHover,
  get hovered() { return hovered; },
};
