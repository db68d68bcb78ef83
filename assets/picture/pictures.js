/* Pictures in panels: the server computes one (docs/server.md, "Pictures"), and here it is shown and
 * pointed at.
 *
 *   pictures.panel("river", { keys: ["sort"], empty: "Say this without a jet.",
 *                                           told(answer) {} })
 *
 * makes a panel of the dock show the picture of that name, or of another `picture`. It is asked for
 * anew when the jet or what is asked of it, the theme, the panel's size or one of the keys of the view
 * changes; the old one stays until then, and the latest wins. `told` hears of what is shown, or null;
 * `drawn(svg, answer)` of each SVG that was put into a box. `tell` and `silence` are for panels that
 * find by themselves what is pointed at.
 * An element of the picture that has data-id answers pointer and keyboard with the words of that part,
 * and lights all elements whose data-id or data-of are among those that it names.
 *
 *   pictures.ask(spec, jet, how, room, signal)   the answer alone, which the scene reads
 *   pictures.drawInto("legend", box, jet, spec, how)   in a box that is no panel of the dock
 *
 */
import { dock } from "../page/dock.js";
import { figure } from "./figure.js";
import { view } from "../page/view.js";

const LATE = 300; // ms after which a picture that is not the right one any more steps back
const REST = 120; // ms for which a size lasts before a picture is asked for in it
const KEPT = 12; // answers that are kept

const boxes = new WeakMap(); // box of a panel -> what it shows, and what it waits for
const answers = new Map(); // address -> answer, the one used last at the end

let pointer = null; // {x, y} of the window; null: it is not over the page
document.addEventListener("pointermove", (event) => { pointer = { x: event.clientX, y: event.clientY }; });
document.documentElement.addEventListener("pointerleave", () => { pointer = null; });

/* ----------------------------------------------------------------- asking */

/** The room in a box, in px; a box whose style has --grows: 1 is as high as its picture.
 * @returns {any} {width, height, font} */
function roomOf(box) {
  const style = getComputedStyle(box);
  const px = (name) => parseFloat(style[name]) || 0;
  return {
    width: Math.max(1, box.clientWidth - px("paddingLeft") - px("paddingRight")),
    height: style.getPropertyValue("--grows").trim() === "1" ? 1
      : Math.max(1, box.clientHeight - px("paddingTop") - px("paddingBottom")),
    font: px("fontSize"),
  };
}

/** Where a picture of a jet is, from the page on, but for its size. how: {view, theme}, as the dock
 * gives them. */
function addressOf({ picture, keys }, jet, { view: seen, theme }) {
  const { target, rule, file, model } = jet.question;
  const query = new URLSearchParams({ target, rule, theme: theme.name });
  const more = { file, model, view: view.search(seen, keys) };
  for (const [key, value] of Object.entries(more)) if (value) query.set(key, value);
  return `api/v1/jets/${jet.jet.index}/pictures/${picture}?${query}`;
}

/** The answer at an address, if it was given before. */
function known(address) {
  const answer = answers.get(address);
  if (answer) {
    answers.delete(address);
    answers.set(address, answer);
  }
  return answer;
}

async function asked(address, signal) {
  const { base, answerOf } = figure;
  const answer = known(address) || await (await answerOf(`${base()}${address}`, { signal })).json();
  answers.set(address, answer);
  if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  return answer;
}

/** The answer to a question, in a room {width, height, font}; one that was given before, at once.
 *
 * spec  {picture, keys, kept}: the name of the picture, the keys of the view that it depends on, and
 *       what it is called in a file of its own, if not that
 */
function ask(spec, jet, how, room, signal) {
  const own = embedded(spec.kept || spec.picture);
  return own ? Promise.resolve(own)
    : asked(`${addressOf(spec, jet, how)}&${new URLSearchParams(room)}`, signal);
}

let file = null;

/** What lies in a figure of a file of its own; nothing on the page. */
function lying() {
  const box = document.getElementById("jetlrp-standalone");
  file = file || (box ? JSON.parse(box.textContent) : { pictures: {}, cameras: null });
  return file;
}

const embedded = (name) => lying().pictures[name];

/** Where the camera of the network plot stands at first in a room, as a file of its own knows it for
 * one that is much like it; null on the page. */
function camerasHere({ width, height }) {
  const unlike = (one) => Math.abs(Math.log((one.width / one.height) * (height / width)));
  const own = lying().cameras;
  return own && own.reduce((best, one) => (unlike(one) < unlike(best) ? one : best)).first;
}

/** The same, on the page too. */
const cameras = async (room) => camerasHere(room) || asked(`api/v1/cameras?${new URLSearchParams(room)}`);

/* ---------------------------------------------------------------- showing */

const pictureIn = (box) => box.querySelector("svg.picture");

function fit(svg, { width, height }) {
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
}

/** Say something in place of a picture. */
function say(box, name, kind, text) {
  box.querySelectorAll("svg.picture, .picture-hint").forEach((old) => old.remove());
  silence(name);
  const hint = document.createElement("p");
  hint.className = `hint picture-hint ${name}-${kind}`;
  hint.textContent = text;
  box.appendChild(hint);
  return hint;
}

/** Put a picture into a box, in place of the one that is there; -> the SVG. */
function put(box, answer) {
  const { documentElement } = new DOMParser().parseFromString(answer.svg, "image/svg+xml");
  const svg = document.importNode(documentElement, true);
  const old = pictureIn(box);
  const focused = old && old.contains(document.activeElement)
    ? document.activeElement.dataset.id : null;
  fit(svg, answer);
  box.querySelectorAll(".picture-hint").forEach((hint) => hint.remove());
  if (old) old.replaceWith(svg);
  else box.appendChild(svg);
  return { svg, focused };
}

/** Draw a panel: `spec` as `panel` takes it, the rest as the dock gives it. */
async function draw(name, spec, box, jet, how) {
  const state = boxes.get(box) || {};
  boxes.set(box, state);
  if (!jet) {
    if (state.stop) state.stop.abort();
    Object.assign(state, { stop: null, wanted: null, question: null, data: null });
    box.removeAttribute("aria-busy");
    say(box, name, "empty", spec.empty);
    spec.told(null);
    return;
  }
  const own = embedded(spec.picture);
  const room = roomOf(box);
  const question = own ? spec.picture : addressOf(spec, jet, how);
  const wanted = `${question}&${new URLSearchParams(room)}`;
  if (wanted === state.wanted && !own) return;
  if (state.stop) state.stop.abort();
  const stop = new AbortController();
  const resized = question === state.question && pictureIn(box);
  Object.assign(state, { stop, wanted, question });
  box.setAttribute("aria-busy", "true");
  const began = performance.now();
  let late = null;
  try {
    if (resized && !own && !known(wanted)) {
      fit(resized, room);
      await new Promise((done) => { setTimeout(done, REST); });
      if (stop.signal.aborted) return;
    }
    late = setTimeout(() => box.classList.add("late"), LATE);
    const answer = own || await asked(wanted, stop.signal);
    if (stop.signal.aborted) return;
    const { svg, focused } = put(box, answer);
    spec.drawn(svg, answer, how);
    if (state.data !== jet.data) svg.classList.add("enter");
    state.data = jet.data;
    silence(name);
    bind(svg, name, answer, focused);
    box.dataset.jet = jet.jet.index;
    box.dataset.ms = (performance.now() - began).toFixed(1);
    spec.told(answer);
  } catch (error) {
    if (stop.signal.aborted) return;
    Object.assign(state, { wanted: null, question: null, data: null });
    const again = document.createElement("button");
    Object.assign(again, { type: "button", className: "button", textContent: "Try again" });
    again.addEventListener("click", () => spec.again());
    const hint = say(box, name, "error", `${error.message} `);
    hint.setAttribute("role", "alert");
    hint.append(again);
    spec.told(null);
  } finally {
    clearTimeout(late);
    if (state.stop === stop) {
      box.classList.remove("late");
      box.removeAttribute("aria-busy");
    }
  }
}

/** Let a panel of the dock show a picture. */
function panel(name, { picture = name, keys = [], empty = "", told = () => {}, drawn = () => {} } = {}) {
  const again = () => dock.redraw(name);
  const spec = { picture, keys, empty, told, drawn, again };
  dock.panel(name, { keys, draw: (...how) => draw(name, spec, ...how) });
}

/** Show a picture in a box that is no panel of the dock. */
function drawInto(name, box, jet, { keys = [], empty = "", drawn = () => {} }, how) {
  const again = () => drawInto(name, box, jet, { keys, empty, drawn }, how);
  return draw(name, { picture: name, keys, empty, told() {}, drawn, again }, box, jet, how);
}

/* --------------------------------------------------------------- pointing */

function tooltip(name) {
  let box = document.getElementById(`${name}-tooltip`);
  if (!box) {
    box = document.createElement("div");
    Object.assign(box, { id: `${name}-tooltip`, className: "tooltip picture-tooltip", hidden: true });
    document.body.appendChild(box);
  }
  return box;
}

const silence = (name) => { tooltip(name).hidden = true; };

/** Tell a part in words beside a place, over the panel if there is room, so that all is seen. */
function tell(svg, name, part, at) {
  const box = tooltip(name);
  const add = (tag, text, kind = "", to = box) => {
    const element = document.createElement(tag);
    Object.assign(element, { textContent: text, className: kind });
    return to.appendChild(element);
  };
  box.replaceChildren();
  add("strong", part.title);
  if (part.note) add("span", part.note);
  if (part.code) add("code", part.code);
  const list = add("dl", "");
  for (const [what, text, sign] of part.lines) {
    add("dt", what, text === null ? "head" : "", list);
    if (text !== null) add("dd", text, sign > 0 ? "positive" : sign < 0 ? "negative" : "", list);
  }
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const x = at.x + 16 + width > window.innerWidth ? at.x - 16 - width : at.x + 16;
  const over = (svg.closest(".dock-panel") || svg).getBoundingClientRect().top - height - 6;
  const y = over > 6 ? over : Math.max(6, Math.min(window.innerHeight - height - 6, at.y - height - 10));
  box.style.transform = `translate(${Math.round(Math.max(6, x))}px, ${Math.round(y)}px)`;
}

/** Pointer and keys light what belongs to a part, and say what it is. */
function bind(svg, name, { parts, first }, focusedBefore) {
  const elements = new Map(); // id -> elements that light with it
  const stops = new Map(); // id -> element that the keyboard can go to
  for (const element of svg.querySelectorAll("[data-id], [data-of]")) {
    const id = element.dataset.id || element.dataset.of;
    elements.set(id, [...(elements.get(id) || []), element]);
    if (element.hasAttribute("tabindex")) stops.set(id, element);
  }
  let lit = [];
  let shown = null;
  let focused = null;

  const light = (ids) => {
    for (const element of lit) element.classList.remove("on");
    lit = ids ? ids.flatMap((id) => elements.get(id) || []) : [];
    for (const element of lit) element.classList.add("on");
    svg.classList.toggle("lit", ids !== null);
  };
  const show = (id, at) => {
    if (id !== shown) light(parts[id].lit);
    shown = id;
    tell(svg, name, parts[id], at);
  };
  const atFocus = () => {
    const { left, top, width, height } = stops.get(focused).getBoundingClientRect();
    const { at } = parts[focused];
    const point = at ? new DOMPoint(...at).matrixTransform(svg.getScreenCTM())
      : { x: left + width / 2, y: top + height / 2 };
    show(focused, point);
  };
  const rest = () => {
    if (focused !== null) { atFocus(); return; }
    if (shown === null) return;
    shown = null;
    light(null);
    silence(name);
  };
  const point = (on, at) => {
    const part = on.closest("[data-id]");
    if (part && parts[part.dataset.id]) show(part.dataset.id, at);
    else rest();
  };
  // what came under a pointer that rests tells no less than what a pointer moved on to
  const arrived = () => {
    const on = pointer && document.elementFromPoint(pointer.x, pointer.y);
    if (on && svg.contains(on)) point(on, pointer);
  };
  svg.addEventListener("pointermove", (event) => point(event.target, { x: event.clientX, y: event.clientY }));
  svg.addEventListener("pointerleave", rest);
  svg.addEventListener("animationend", (event) => { if (event.target === svg) arrived(); });
  svg.addEventListener("focusin", ({ target }) => {
    const stop = target.closest("[tabindex]");
    if (!stop || !stop.matches(":focus-visible")) return;
    for (const other of stops.values()) other.setAttribute("tabindex", other === stop ? 0 : -1);
    focused = stop.dataset.id;
    atFocus();
  });
  svg.addEventListener("focusout", () => { focused = null; rest(); });
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { document.activeElement.blur(); return; }
    const stop = event.target.closest("[tabindex]");
    if (!/^Arrow/.test(event.key) || !stop) return;
    event.preventDefault();
    event.stopPropagation();
    const next = stops.get(parts[stop.dataset.id].next[event.key]);
    if (next) next.focus({ focusVisible: true });
  });
  if (stops.has(first)) stops.get(first).setAttribute("tabindex", 0);
  if (stops.has(focusedBefore)) stops.get(focusedBefore).focus({ focusVisible: true });
  else arrived();
}

export const pictures = { camerasHere, panel, ask, addressOf, cameras, drawInto, tell, silence };
