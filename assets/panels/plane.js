/* The jet seen along its axis: a picture of the server (lrp_core/figures/plane.py), in its panel and
 * in place of the 3D plot where the browser draws none.
 *
 * The picture holds every edge that may be shown; which of them are is selected as in the 3D plot
 * (scene.js), whose words it says as well. Here is found what the pointer is on.
 */
import { dock } from "../page/dock.js";
import { pictures } from "../picture/pictures.js";
import { pointing } from "../picture/pointing.js";
import { scene } from "../picture/scene.js";
import { selection } from "../picture/selection.js";
import { theme } from "../page/theme.js";
import { view } from "../page/view.js";

const REACH = 6; // px around a curve in which it is pointed at
const PIECES = 8; // straight pieces of a curve where it is looked for
const PICTURED = ["pin", "difference", "x", "y", "size", "color", "edgecolor", "marks"];
const SELECTED = ["edges", "least", "track", "ways", "edge"];
const ARRAYS = ["edges", "curves", "widths", "places", "radii"];
const SVG = "http://www.w3.org/2000/svg";

const hosts = new Map(); // element -> {host, slot, jet: that is wanted, picture: what is there}

/** What the network plot has of a jet in a slot (scene.js); null: another one, or not yet. */
function figureOf(slot, jet) {
  const { SLOTS, stateOf } = scene;
  const { made } = stateOf(Object.keys(SLOTS).find((id) => SLOTS[id] === slot));
  return made && jet && made.jet === jet ? made : null;
}

/** The keys of the view that its picture depends on: in a jet with more edges than may be shown
 * also the track whose edges alone are considered, and the chosen edge if it is none of them. */
function keysOf(slot, jet) {
  const { state } = view;
  const made = figureOf(slot, jet);
  if (!made || made.edges.all <= made.edges.most) return PICTURED;
  const known = made.edges.places.get(state.edge) < made.edges.drawn;
  return [...PICTURED, "track", ...(known && state.track === null ? [] : ["edge"])];
}

/* ---------------------------------------------------------------- showing */

/** What is in a picture, from its SVG and its data. */
function taken(svg, { data, facts }, jet) {
  const [edges, curves, widths, places, radii] = ARRAYS.map((name) => selection.unpack(data[name]));
  const all = (name) => new Map(
    [...svg.querySelectorAll(`[data-${name}]`)].map((part) => [+part.dataset[name], part]));
  const lights = svg.appendChild(document.createElementNS(SVG, "g"));
  lights.setAttribute("class", "plane-lights");
  const tracks = Array.from(radii, (r, track) => ({ track, x: places[2 * track], y: places[2 * track + 1], r }));
  return {
    svg, jet, lights, tracks, shown: [], says: facts.says, paths: all("edge"), groups: all("track"),
    curves: Array.from(edges, (edge, n) => ({ edge, width: widths[n], points: curves.subarray(6 * n, 6 * n + 6) })),
    ends: tracks.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`),
    directions: data.directions.map(([kind, number, x, y]) => ({ kind, number, x, y })),
  };
}

/** Show what the view selects: edges, faint lines, the isolated track, the chosen edge. */
function select({ host, slot, picture }) {
  const made = picture && figureOf(slot, picture.jet);
  if (!made) return; // it is on its way
  const { state } = view;
  const { svg, paths, groups, ends } = picture;
  const { source, destination, number } = made.edges;
  const { list, k } = scene.selected(made, state);
  const curves = list.subarray(0, k);
  const shown = new Set(Array.from(curves, (place) => number[place]));
  picture.shown = picture.curves.filter(({ edge }) => shown.has(edge));
  for (const [edge, path] of paths) path.classList.toggle("off", !shown.has(edge));

  const faint = selection.faint(made.edges, list, k);
  const rest = svg.querySelector(".rest");
  rest.setAttribute("d", Array.from(faint.list,
    (place) => `M${ends[source[place]]}L${ends[destination[place]]}`).join(""));
  rest.style.strokeOpacity = faint.opacity;

  const alone = state.track !== null && state.track < made.tracks.count ? state.track : null;
  const bright = new Set([alone]);
  for (const place of curves) bright.add(source[place]).add(destination[place]);
  for (const [track, group] of groups) {
    group.classList.toggle("is-alone", track === alone);
    group.classList.toggle("dim", alone !== null && !bright.has(track));
  }
  const chosen = paths.get(state.edge);
  svg.querySelector(".chosen").setAttribute("d", chosen ? chosen.getAttribute("d") : "");
  host.setAttribute("aria-label", (slot === "a" ? "" : "Pinned: ") + picture.says.replace("{}", k));
  host.dataset.edges = String(k);
  light(picture, slot);
}

/** Show a jet in an element, which listens from then on. */
async function show(host, slot, jet) {
  const mine = hosts.get(host) || start(host, slot);
  mine.jet = jet;
  if (mine.picture && mine.picture.jet === jet) select(mine); // also while another is on its way
  await pictures.drawInto("plane", host, jet, {
    keys: keysOf(slot, jet), empty: "Choose a jet to see it from above.",
    drawn(svg, answer) {
      mine.picture = taken(svg, answer, mine.jet);
      select(mine);
    },
  }, { view: scene.viewOf(slot), theme: theme.now() });
  const there = mine.picture && host.contains(mine.picture.svg) && !host.hasAttribute("aria-busy");
  if (!there || !mine.jet || mine.picture.jet === mine.jet) return;
  mine.picture.jet = mine.jet; // the same picture of an answer that came anew
  select(mine);
}

function start(host, slot) {
  host.classList.add("plane");
  host.tabIndex = 0;
  host.setAttribute("role", "application");
  const said = host.appendChild(document.createElement("div"));
  said.className = "plane-said";
  said.setAttribute("aria-live", "polite");
  const mine = { host, slot, jet: null, picture: null };
  hosts.set(host, mine);
  pointing.listen(host, {
    shown() {
      const jet = view.shown[slot];
      const made = mine.picture && mine.picture.jet === jet ? figureOf(slot, jet) : null;
      return made && mine.picture.svg.isConnected ? { slot, made } : null;
    },
    find: (x, y) => nearest(mine.picture, ...moved(mine, x, y, (matrix) => matrix.inverse())),
    spot: (track) => {
      const { x, y } = mine.picture.tracks[track];
      return moved(mine, x, y, (matrix) => matrix);
    },
    said,
  });
  return mine;
}

/* --------------------------------------------------------------- pointing */

/** A point of the picture as one of its element, or with the inverse the other way round: the
 * picture is another size for a moment while its element is resized. */
function moved({ host, picture }, x, y, way) {
  const { left, top } = host.getBoundingClientRect();
  const matrix = way(new DOMMatrix().translate(-left, -top).multiply(picture.svg.getScreenCTM()));
  const at = new DOMPoint(x, y).matrixTransform(matrix);
  return [at.x, at.y];
}

/** What is under a point: {track}, {edge: its number}, {kind, number} of a direction, or null. */
function nearest({ tracks, directions, shown }, x, y) {
  let best = null;
  let least = Infinity;
  for (const one of tracks) {
    const away = Math.hypot(one.x - x, one.y - y);
    if (away <= Math.max(one.r + 1, REACH) && away - one.r / 4 < least) {
      [best, least] = [{ track: one.track }, away - one.r / 4];
    }
  }
  if (best) return best;
  const sign = directions.find((one) => Math.hypot(one.x - x, one.y - y) <= REACH + 2);
  if (sign) return { kind: sign.kind, number: sign.number };
  for (const { edge, points, width } of shown) {
    const reach = Math.max(REACH, width / 2 + 1);
    const [ax, ay, mx, my, bx, by] = points;
    if (x < Math.min(ax, mx, bx) - reach || x > Math.max(ax, mx, bx) + reach ||
        y < Math.min(ay, my, by) - reach || y > Math.max(ay, my, by) + reach) continue;
    let before = [ax, ay];
    for (let piece = 1; piece <= PIECES; piece++) {
      const t = piece / PIECES;
      const at = [0, 1].map((side) => (1 - t) * (1 - t) * points[side] +
        2 * t * (1 - t) * points[2 + side] + t * t * points[4 + side]);
      const { away } = pointing.nearestOn([x, y], before, at);
      if (away <= reach && away < least - 0.5) [best, least] = [{ edge }, away];
      before = at;
    }
  }
  return best;
}

/** Ring the track, or trace the edge, that the pointer is on in any panel. */
function light({ lights, tracks, paths, jet }, slot) {
  const { track, edge } = view.hovered;
  const made = slot === "a" ? figureOf(slot, jet) : null;
  const ring = (number) => {
    const { x, y, r } = tracks[number];
    return `<circle cx="${x}" cy="${y}" r="${r + 4}"/>`;
  };
  let says = "";
  if (made && track !== null && track < tracks.length) {
    const { x, y, r } = tracks[track];
    says = `${ring(track)}<text x="${x + r + 7}" y="${y - r - 3}">${track}</text>`;
  } else if (made && edge !== null) {
    const path = paths.get(edge);
    const place = made.edges.places.get(edge);
    says = (path ? `<path d="${path.getAttribute("d")}"/>` : "") +
      (place === undefined ? "" : ring(made.edges.source[place]) + ring(made.edges.destination[place]));
  }
  lights.innerHTML = says;
}

/* ------------------------------------------------- in its panel, without WebGL */

async function draw(box, jet) {
  const host = box.querySelector(".plane-host") || box.appendChild(document.createElement("div"));
  if (!host.className) host.className = "plane-host";
  await show(host, "a", jet);
}

let can = null;

/** Whether this browser draws 3D; found out once. */
function webgl() {
  if (can !== null) return can;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl") || canvas.getContext("webgl2");
  can = Boolean(context);
  if (context) {
    const lose = context.getExtension("WEBGL_lose_context");
    if (lose) lose.loseContext();
  } else document.documentElement.dataset.webgl = "off";
  return can;
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) scene.draw(target.id);
});

/** The plane in place of the 3D scene in its div, with a sentence that says why. */
function standIn(div, slot, jet) {
  if (!div.querySelector(".plane-host")) {
    div.innerHTML = '<p class="plane-why"><b>This browser draws no 3D</b> (WebGL is off), so the jet is ' +
      "shown from above.<span> Hardware acceleration in the browser’s settings brings the 3D plot back; " +
      'everything else works as it is.</span></p><div class="plane-host"></div>';
    resized.observe(div);
  }
  return show(div.lastChild, slot, jet);
}

document.addEventListener("DOMContentLoaded", () => {
  view.onHover(() => {
    for (const { picture, slot } of hosts.values()) if (picture) light(picture, slot);
  });
  document.addEventListener("jetlrp:figure", () => dock.redraw("plane"));
});

dock.panel("plane", { keys: [...PICTURED, ...SELECTED], draw });

export const plane = { webgl, standIn };
