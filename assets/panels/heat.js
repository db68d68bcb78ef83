/* The heat map: shown by pictures.js; here its rows, columns and cells are found, lit and read.
 *
 * Where they stand, and what they say, lies in the answer (docs/server.md, "Pictures"). What is
 * pointed at has a row, a column or both; the list of the features that counted has columns, too.
 */
import { dock } from "../page/dock.js";
import { pictures } from "../picture/pictures.js";
import { scene } from "../picture/scene.js";
import { view } from "../page/view.js";

const SIGNS = { "+": 1, "−": -1 };

let now = null; // what is shown: {svg, data, parts, layer}
let pointer = null; // where the pointer is over the cells or beside them
let cursor = null; // {row, column} of the keys; row -1: the features above
let lit = null; // the feature that is pointed at somewhere

const body = () => document.getElementById("heat-body");
const within = (value, low, high) => Math.max(low, Math.min(high, value));

/* ---------------------------------------------------------------- lights */

const rect = (kind, x, y, width, height, more = "") =>
  `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="2" ${more}/>`;

/** Frame the isolated track, and the rows and the column that are pointed at anywhere. */
function lights(cell = null) {
  if (!now) return;
  const { svg, layer } = now;
  const { left, right: _, head, top, bottom, pitch, step, xs, size, number, momentum, ...data } = now.data;
  const { state, hovered: { track, edge } } = view;
  const tracks = track !== null ? [track] : edge !== null ? scene.endsOf(edge) : [];
  const at = (row) => top + row * step;
  const width = svg.viewBox.baseVal.width;
  const rows = [...data.tracks.keys()].filter((row) => tracks.includes(data.tracks[row]));
  const column = data.features.indexOf(lit);
  const label = (row, x, text) => `<text x="${x}" y="${at(row + 0.5)}" font-size="${size}">${text}</text>`;
  const alone = data.tracks.indexOf(state.track);
  layer.innerHTML = (alone < 0 ? "" : rect("alone", 0.5, at(alone), width - 1, step)) +
    rows.map((row) =>
      rect("light row-light", left - 1, at(row) - 1, width - left - 1, step + 1, `data-row="${row}"`) +
      rect("plate", 0, at(row + 0.5) - size / 2 - 2, momentum + 2, size + 4) +
      label(row, number, data.tracks[row]) + label(row, momentum, data.momenta[row])).join("") +
    (column < 0 ? "" : rect("light column-light", xs[column] - 1, head, pitch + 1, bottom - head + 1,
      `data-column="${column}"`)) +
    (cell ? rect("light cell-light", xs[cell.column], at(cell.row), pitch, step) : "");
  for (const name of svg.querySelectorAll(".feature")) {
    name.classList.toggle("lit", name.dataset.column === String(column));
  }
  for (const row of document.querySelectorAll("[data-feature]")) {
    row.classList.toggle("lit", lit !== null && row.dataset.feature === lit);
  }
}

/** Light the column of a feature, here and in the list of those that counted; null: none. */
function light(feature) {
  if (feature === lit) return;
  lit = feature;
  lights();
}

/* ----------------------------------------------------------------- words */

/** What is said of what was found; null: nothing. */
function partOf({ row, column, total }) {
  const { parts, data } = now;
  if (total) return parts.total;
  const ofRow = row === null ? null : parts[`track ${data.tracks[row]}`];
  const ofColumn = column === null ? null : parts[`feature ${data.features[column]}`];
  if (!ofRow || !ofColumn) return ofRow || ofColumn;
  const relevance = data.relevances[row][column];
  const sign = SIGNS[relevance[0]] || 0;
  return {
    title: `${ofRow.title}: ${data.titles[column]}`, note: ofColumn.note,
    lines: [["value", data.values[row][column], 0], ["relevance", relevance, sign],
      ["speaks", data.speaks[relevance[0]] || "–", sign], ["the track's pT", `${data.momenta[row]} GeV`, 0]],
  };
}

/** Light and say what is found, beside a place of the window; -> what is said. */
function show(found, at) {
  const { row, column } = found;
  const part = partOf(found);
  lit = column === null ? null : now.data.features[column];
  view.hover(row === null ? null : { track: now.data.tracks[row] });
  lights(row !== null && column !== null ? { row, column } : null);
  if (part) pictures.tell(now.svg, "heat", part, at);
  else pictures.silence("heat");
  return part;
}

function left() {
  pointer = lit = null;
  view.hover(null);
  pictures.silence("heat");
  lights();
}

/* ------------------------------------------------------ pointer and keys */

/** What is under a place of the window: {row, column, total}. */
function find({ x, y }) {
  const { svg, data } = now;
  const at = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM().inverse());
  const row = Math.floor((at.y - data.top) / data.step);
  const column = at.y < data.bottom + 2 ? data.xs.findIndex((from) => at.x >= from && at.x < from + data.pitch) : -1;
  return {
    row: row >= 0 && row < data.tracks.length ? row : null,
    column: column < 0 ? null : column,
    total: at.y > data.bottom && at.x > data.right,
  };
}

function pointed({ clientX, clientY }) {
  pointer = { clientX, clientY };
  const at = { x: clientX, y: clientY };
  const found = find(at);
  show(found, at);
  now.svg.style.cursor = found.row !== null || found.column !== null ? "pointer" : "";
  return found;
}

/** A row leaves only the edges of its track in the scene (again: all); a column sorts the rows. */
function chosen({ row, column }) {
  if (row !== null) {
    const track = now.data.tracks[row];
    view.set({ track: view.state.track === track ? null : track, edge: null });
  } else if (column !== null) sortBy(now.data.features[column]);
}

/** Sort the rows by relevance through a feature; again: by all of it. */
function sortBy(feature) {
  view.set({ sort: view.state.sort === feature ? view.KEYS.sort[0] : feature });
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
                PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -1e6], End: [0, 1e6] };
const atCursor = () => ({ row: cursor.row < 0 ? null : cursor.row, column: cursor.column });

/** Read out what the cursor of the keys is on. */
function read() {
  const { svg, data } = now;
  const point = new DOMPoint(data.xs[cursor.column] + data.pitch, data.top + Math.max(0, cursor.row) * data.step);
  const part = show(atCursor(), point.matrixTransform(svg.getScreenCTM()));
  body().querySelector(".heat-said").textContent =
    `${part.title}. ${part.lines.map(([what, text]) => `${what} ${text}`).join(", ")}.`;
}

/** The keys move a cursor over the cells, and above them over the features. */
function pressed(event) {
  if (!now || event.altKey || event.ctrlKey || event.metaKey) return;
  const step = STEPS[event.key];
  if (step) {
    const { tracks, features } = now.data;
    const before = cursor || { row: step[0] > 0 ? -1 : 0, column: step[1] > 0 ? -1 : 0 };
    cursor = { row: within(before.row + step[0], -1, tracks.length - 1),
               column: within(before.column + step[1], 0, features.length - 1) };
    read();
  } else if (event.key === "Escape" && cursor) {
    cursor = null;
    left();
  } else if ((event.key === "Enter" || event.key === " ") && cursor) chosen(atCursor());
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/* ---------------------------------------------------------------- panels */

/** Let the panel hear the keys, which outlasts its pictures: they are replaced. */
function listen() {
  const box = body();
  if (box.querySelector(".heat-said")) return;
  box.append(Object.assign(document.createElement("div"), { className: "heat-said", ariaLive: "polite" }));
  box.tabIndex = 0;
  box.addEventListener("keydown", pressed);
  box.addEventListener("blur", () => { cursor = null; left(); });
}

function drawn(svg, { data, parts, label }) {
  const layer = svg.appendChild(document.createElementNS(svg.namespaceURI, "g"));
  layer.setAttribute("class", "heat-lights");
  now = { svg, data, parts, layer };
  listen();
  lights();
  svg.setAttribute("aria-hidden", "true"); // the panel says it, and is read cell by cell
  body().setAttribute("role", "application");
  body().setAttribute("aria-label", label);
  svg.addEventListener("mousedown", (event) => { // the keys are the panel's, also after a click
    event.preventDefault();
    body().focus();
  });
  svg.addEventListener("pointermove", pointed);
  svg.addEventListener("pointerleave", left);
  svg.addEventListener("click", (event) => chosen(pointed(event)));
}

/** What was pointed at is told again where the picture is another one. */
function told(answer) {
  if (!answer) now = null;
  else if (cursor) {
    cursor = { row: Math.min(cursor.row, answer.data.tracks.length - 1), column: cursor.column };
    read();
  } else if (pointer) pointed({ clientX: pointer.clientX, clientY: pointer.clientY });
}

/* The list of the features that counted lights and sorts columns too. */
const listed = (event) => event.target.closest && event.target.closest("[data-feature]");
for (const kind of ["pointerover", "focusin"]) {
  document.addEventListener(kind, (event) => {
    const row = listed(event);
    if (row) light(row.dataset.feature);
  });
}
for (const kind of ["pointerout", "focusout"]) {
  document.addEventListener(kind, (event) => { if (listed(event)) light(null); });
}
document.addEventListener("click", (event) => {
  const row = listed(event);
  if (!row) return;
  if (dock.isOpen("heat")) sortBy(row.dataset.feature);
  else view.set({ dock: [...dock.open(), "heat"], full: null, sort: row.dataset.feature });
});

document.addEventListener("DOMContentLoaded", () => {
  view.onHover(() => lights());
  view.on(["track"], () => lights());
  pictures.panel("heat", {
    picture: "heatmap", keys: ["sort", "rows", "marks"], drawn, told,
    empty: "Choose a jet: here stands what each feature of each track spoke for and against.",
  });
});
