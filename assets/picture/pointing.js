/* Pointing at a picture of a jet, with a mouse, a finger or the keys: the words beside what is
 * pointed at, what the other panels ring, and what a click chooses.
 *
 * A picture says what is where, in px from its upper left corner:
 *
 *   const mine = pointing.listen(host, {
 *     shown()     -> {slot, made} that is drawn there (scene.js), or null,
 *     find(x, y)  -> {track}, {edge: its number}, {kind, number} of a direction, or null,
 *     spot(track) -> [x, y], or null where it cannot be seen,
 *     steady()    called where a press was a click, so that what it has shaken stands again,
 *     said        the element that says the tracks that the keys go to,
 *   })
 *
 * A click is a press and a release with next to no way between them, and acts once, at the release.
 * Plotly's own come in every frame that is drawn while a button is down, and never where it is down
 * for less than a frame.
 */
import { scene } from "./scene.js";
import { view } from "../page/view.js";

const SHAKE = { mouse: 4, pen: 8, touch: 12 }; // px that a hand moves and still clicks

const pictures = [];
let press = null; // what is held down: {mine, id, x, y, made, found, shake}

/** How far a point is from a line, and how far along the line it is nearest: {away, t: 0 to 1}.
 * @type {(point: number[], from: number[], to: number[]) => {away: number, t: number}} */
function nearestOn([px, py], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)));
  return { away: Math.hypot(px - ax - t * dx, py - ay - t * dy), t };
}

function at(mine, event) {
  const { left, top } = mine.host.getBoundingClientRect();
  return mine.find(event.clientX - left, event.clientY - top);
}

/** Say what is found beside the pointer, and tell the other panels; -> the words, if any. */
function show(mine, found, pointer) {
  const shown = mine.shown();
  mine.found = shown && found;
  mine.host.style.cursor = mine.found && shown.slot === "a" && !found.kind ? "pointer" : "";
  if (!shown || shown.slot === "a") {
    view.hover(mine.found && { track: found.track ?? null, edge: found.edge ?? null });
  }
  if (!mine.found) {
    scene.hideTooltip();
    return null;
  }
  const says = scene.wordsOf(shown.made, found);
  if (!says) {
    scene.hideTooltip();
    return null;
  }
  const kind = found.track !== undefined ? "tracks" : found.edge !== undefined ? "edges" : found.kind;
  scene.showTooltip(says, kind, pointer);
  return says;
}

const leave = (mine) => { if (mine.found) show(mine, null); };

function moved(mine, event) {
  if (event.buttons || event.pointerType === "touch") return; // it turns the plot
  const found = mine.shown() && at(mine, event);
  if (mine.found && JSON.stringify(found) === JSON.stringify(mine.found)) {
    scene.placeTooltip(event);
  } else if (found || mine.found) show(mine, found, event);
}

/* ---------------------------------------------------------------- clicking */

/** A click on a track leaves only its edges (again: all of them), on an edge opens its card (again:
 * closes it). What is pinned only tells its numbers. */
function choose({ slot }, found) {
  if (slot !== "a" || !found) return;
  if (found.track !== undefined) {
    view.set({ track: view.state.track === found.track ? null : found.track, edge: null });
  } else if (found.edge !== undefined) {
    view.set({ edge: view.state.edge === found.edge ? null : found.edge });
  }
}

/** What is meant is what was there when it was pressed: a hand that shakes turns the plot. */
function pressed(mine, event) {
  const shown = mine.shown();
  press = null;
  if (event.isPrimary && event.button === 0 && shown) {
    press = { mine, id: event.pointerId, x: event.clientX, y: event.clientY, made: shown.made,
              found: at(mine, event), shake: SHAKE[event.pointerType] ?? SHAKE.mouse };
  }
  leave(mine);
}

const isClick = ({ id, x, y, shake }, event) => id === event.pointerId &&
  Math.hypot(event.clientX - x, event.clientY - y) <= shake;

document.addEventListener("pointermove", (event) => {
  if (press && press.id === event.pointerId && !isClick(press, event)) press = null; // a drag
}, true);

document.addEventListener("pointerup", (event) => {
  if (!press || press.id !== event.pointerId) return;
  const { mine, found, made } = press;
  const clicked = isClick(press, event);
  const shown = mine.shown();
  press = null;
  if (!clicked) return;
  if (mine.steady) mine.steady();
  if (!found || !shown || shown.made !== made) return;
  choose(shown, found);
  show(mine, found, event);
}, true);

document.addEventListener("pointercancel", () => { press = null; }, true);

/* -------------------------------------------------------------------- keys */

/** The arrows go from track to track, the most relevant first. */
function walk(mine, event) {
  const shown = mine.shown();
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const { tracks: { order }, jet } = shown.made;
  if (mine.walked !== jet.jet) Object.assign(mine, { walked: jet.jet, cursor: null });
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step) {
    mine.cursor = Math.max(0, Math.min(order.length - 1, (mine.cursor ?? -1) + step));
    const track = order[mine.cursor];
    const { left, top, width, height } = mine.host.getBoundingClientRect();
    const [x, y] = mine.spot(track) || [width / 2, height / 2];
    const says = show(mine, { track }, { clientX: left + x, clientY: top + y });
    mine.said.textContent =
      `${says.title}. ${says.lines.map(([what, value]) => `${what} ${value}`).join(", ")}.`;
  } else if ((event.key === "Enter" || event.key === " ") && mine.cursor !== null) {
    choose(shown, { track: order[mine.cursor] });
  } else if (event.key === "Escape" && mine.cursor !== null) {
    mine.cursor = null;
    leave(mine);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

function listen(host, picture) {
  const mine = { ...picture, host, found: null, cursor: null, walked: null };
  pictures.push(mine);
  host.addEventListener("pointermove", (event) => moved(mine, event));
  host.addEventListener("pointerdown", (event) => pressed(mine, event));
  host.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") leave(mine); // a finger leaves, its words stay
  });
  host.addEventListener("blur", () => leave(mine));
  host.addEventListener("keydown", (event) => walk(mine, event));
  return mine;
}

document.addEventListener("DOMContentLoaded", () => {
  view.onShown(() => { for (const mine of pictures) mine.found = null; });
});

export const pointing = { nearestOn, show, choose, listen };
