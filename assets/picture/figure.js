/* A figure: one picture of the page at a size of its own, to be shown elsewhere.
 *
 *   { search, view, preset, scale, transparent }  ->  PNG, or frames of a turn
 *
 * It depends on the link alone, not on the window, so that the page and `jetlrp export` make the same
 * one. The service draws it (lrp_core/figures), all but the 3D plot: that comes as data for Plotly,
 * which draws it into the room that is left for it.
 */
import { axes } from "./axes.js";
import { camera } from "./camera.js";
import { highlight } from "./highlight.js";
import { plane } from "../panels/plane.js";
import { scene } from "./scene.js";
import { view } from "../page/view.js";

const FINEST = 1.5; // pixels of the plot for each of a figure at scale 1, so that lines are smooth
const GLIDE = 40; // ms after which a camera that was put somewhere is there
const SETTLING = 500; // looks at a camera that moves, 8 ms apart
const MOST = 8192; // px a side that every WebGL draws

/** Sizes of figures, as app/figure_form.py writes them into the page. */
const facts = () => JSON.parse(document.getElementById("figure-facts").dataset.facts);

/** The path under which the page is served. */
const base = () => new URL(document.getElementById("jetlrp-plotly").href)
  .pathname.replace(/_jetlrp\/.*$/, "");

async function answerOf(address, how = {}) {
  const answer = await fetch(address, how);
  if (answer.ok) return answer;
  const data = await answer.json().catch(() => null);
  throw new Error(data && data.error ? data.error.message : `${answer.status} ${answer.statusText}`);
}

/** The link to what the page shows. */
function live() {
  if (!view.shown.a) throw new Error("Open a jet first.");
  return view.search();
}

/** A figure of a link, as the service has it. more: "/parts", ".svg" or ".pdf". */
function asked(search, view, more, how) {
  const query = new URLSearchParams({ view: search, ...how });
  const jet = new URLSearchParams(search).get("jet");
  return answerOf(`${base()}api/v1/jets/${jet}/figures/${view}${more}?${query}`);
}

/** Size, theme and ground of a figure.
 * @type {(search: string, how: any) => any} */
function lookOf(search, { preset, transparent = false }) {
  const { width, height, theme } = facts().presets[preset];
  return { width, height, transparent, theme: new URLSearchParams(search).get("theme") || theme };
}

/* ------------------------------------------------------------------ 3D plot */

/** Draw the plot from where the camera was put, and no sooner: Plotly lets it glide there. What
 * `then` does with the picture it does at once, as WebGL keeps none for later. */
async function settled(inside, { eye }, then) {
  const wanted = [eye.x, eye.y, eye.z];
  for (let look = 0; look < SETTLING; look++) {
    await new Promise((done) => setTimeout(done, look ? 8 : GLIDE));
    inside.glplot.redraw();
    const { view } = inside.glplot.cameraParams; // the inverse of where the camera stands
    const drawn = [0, 1, 2].map((at) => -[0, 1, 2].reduce(
      (sum, row) => sum + view[4 * at + row] * view[12 + row], 0));
    if (drawn.every((value, at) => Math.abs(value - wanted[at]) < 1e-5)) {
      then();
      return;
    }
  }
  throw new Error("the camera did not come to rest");
}

/** Letters beside leptons, over the balls, which hide those that Plotly draws among them. */
function letter(context, div, { stage, letters, ink, halo }, scale) {
  Object.assign(context, { textAlign: "left", textBaseline: "middle", lineJoin: "round",
                           strokeStyle: halo, fillStyle: ink });
  for (const { x, y, z, text, size, aside } of letters) {
    const [at] = highlight.project(div, [[x, y, z]]);
    if (!at) continue;
    Object.assign(context, { font: `640 ${size * scale}px Inter`, lineWidth: (size * scale) / 5 });
    const place = [(stage[0] + at[0] + aside) * scale, (stage[1] + at[1]) * scale];
    context.strokeText(text, ...place);
    context.fillText(text, ...place);
  }
}

/** The 3D plot, drawn beside the page: {camera, turn(camera), paint(context, camera), end()}.
 *
 * plot  as lrp_core/figures/plot.py has it for a sheet
 */
async function plotted(plot, scale) {
  if (!plane.webgl()) {
    throw new Error("This browser draws no 3D plot (WebGL is off). SVG and PDF do not need it.");
  }
  const Plotly = await scene.plotly();
  await document.fonts.load("640 15px Inter", "μ");
  const { stage: [left, top, width, height], unit, data, layout } = plot;
  const stand = layout.scene.camera;
  const div = document.createElement("div");
  div.className = "figure-plot";
  Object.assign(div.style, { width: `${width}px`, height: `${height}px` });
  document.body.append(div);
  const end = () => {
    Plotly.purge(div);
    div.remove();
  };
  try {
    const ratio = Math.min(Math.max(FINEST, scale), MOST / Math.max(width, height));
    await Plotly.newPlot(div, data, layout, {
      ...scene.CONFIG, responsive: false, scrollZoom: false, plotGlPixelRatio: Math.max(1, ratio),
    });
    // the first picture does not know yet how long the axes are, and has other sizes of type
    const inside = camera.inside(div);
    inside.glplot.redraw();
    for (const pad of ["tickPad", "labelPad", "_defaultTickPad", "_defaultLabelPad"]) { // to their words
      inside.axesOptions[pad] = inside.axesOptions[pad].map((one) => one * unit);
    }
    await Plotly.react(div, data, layout);
    axes.letRead(inside);
    return {
      camera: stand,
      turn: (to) => Plotly.relayout(div, { "scene.camera": { ...to, projection: stand.projection } }),
      paint: (context, from = stand) => settled(inside, from, () => {
        context.drawImage(inside.glplot.canvas, left * scale, top * scale, width * scale, height * scale);
        letter(context, div, plot, scale);
      }),
      end,
    };
  } catch (error) {
    end();
    throw error;
  }
}

/* ------------------------------------------------------------------- figures */

/** An SVG as an image of so many pixels. */
async function imageOf(svg, width, height) {
  const { documentElement } = new DOMParser().parseFromString(svg, "image/svg+xml");
  documentElement.setAttribute("width", width);
  documentElement.setAttribute("height", height);
  const text = new XMLSerializer().serializeToString(documentElement);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  return image;
}

/** A figure made ready: {name, caption, metadata, width, height, camera, paint(canvas, camera), turn, end}. */
async function prepared({ search = live(), view = "network", preset = "slide", scale = facts().scale,
                          transparent = false, words = true, frames = null }) {
  const look = lookOf(search, { preset, transparent });
  const made = await (await asked(search, view, "/parts", {
    ...look, words, ...(frames ? { frames } : { scale }) })).json();
  const [width, height] = [look.width * scale, look.height * scale];
  const around = await imageOf(made.svg, width, height);
  const plot = made.plot && await plotted(made.plot, scale);
  return {
    name: made.name, caption: made.caption, width, height, camera: plot && plot.camera,
    metadata: { Title: made.title, Software: `jetlrp ${made.metadata.jetlrp}`, Description: made.caption,
                ...made.metadata, link: search },
    turn: (camera) => plot.turn(camera),
    end: () => { if (plot) plot.end(); },
    async paint(on, from) {
      const context = on.getContext("2d");
      context.clearRect(0, 0, width, height);
      context.drawImage(around, 0, 0, width, height);
      if (plot) await plot.paint(context, from);
    },
  };
}

/** A file as the service makes it, with the name that it gives: {name, blob}. */
async function fileOf(answer) {
  const [, name] = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition"));
  return { name, blob: await answer.blob() };
}

/** A figure without pixels, from where the camera stands. */
const vector = (format) => async ({ view, ...how }) => {
  const search = live();
  const link = `${window.location.origin}${base()}${search}`;
  return fileOf(await asked(search, view, `.${format}`, { ...lookOf(search, how), link }));
};

/** A figure as one file that needs no network. */
async function html({ view }) {
  const query = new URLSearchParams({ view, link: live() });
  return fileOf(await answerOf(`${base()}_jetlrp/figure.html?${query}`));
}

const canvasOf = ({ width, height }) => Object.assign(document.createElement("canvas"), { width, height });

/** A figure as PNG: {name, blob}. */
async function png(wanted) {
  const figure = await prepared(wanted);
  try {
    const on = canvasOf(figure);
    await figure.paint(on);
    const blob = await new Promise((done) => on.toBlob(done, "image/png"));
    if (!blob) throw new Error(`${on.width} × ${on.height} pixels are more than this browser can draw`);
    return { name: `${figure.name}.png`, blob: await withText(blob, figure.metadata) };
  } finally {
    figure.end();
  }
}

let film = null;

/** Get ready for the frames of one turn; -> {name, caption, metadata}. */
async function beginTurn(wanted) {
  endTurn();
  const figure = await prepared(wanted);
  film = { figure, on: canvasOf(figure) };
  const { name, caption, metadata } = figure;
  return { name, caption, metadata };
}

/** The frame of a turn at a part of it, from 0 to 1, as base64 PNG. */
async function frameAt(part) {
  const { figure, on } = film;
  const stand = camera.around(figure.camera, 2 * Math.PI * part);
  await figure.turn(stand);
  await figure.paint(on, stand);
  return on.toDataURL("image/png").split(",")[1];
}

function endTurn() {
  if (film) film.figure.end();
  film = null;
}

/** A figure for the command: {name, png: base64}. */
async function pngText(wanted) {
  const { name, blob } = await png(wanted);
  const reader = new FileReader();
  await new Promise((done, failed) => {
    reader.onload = done;
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
  return { name, png: String(reader.result).split(",")[1] };
}

/* ---------------------------------------------------------------- PNG texts */

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

const crc = (bytes) => ~bytes.reduce((c, byte) => CRC[(c ^ byte) & 0xff] ^ (c >>> 8), -1) >>> 0;

/** One text as a chunk of a PNG: iTXt, not compressed, in UTF-8. */
function textChunk(key, text) {
  const utf8 = new TextEncoder();
  const body = new Uint8Array([...utf8.encode(`iTXt${key}`), 0, 0, 0, 0, 0, ...utf8.encode(text)]);
  const chunk = new Uint8Array(body.length + 8);
  const numbers = new DataView(chunk.buffer);
  numbers.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  numbers.setUint32(chunk.length - 4, crc(body));
  return chunk;
}

/** A PNG with texts in it, behind its head. */
async function withText(blob, texts) {
  const HEAD = 33; // signature and IHDR
  const chunks = Object.entries(texts).map(([key, text]) => textChunk(key, text));
  return new Blob([blob.slice(0, HEAD), ...chunks, blob.slice(HEAD)], { type: "image/png" });
}

export const figure = {
  base, answerOf, facts, png, svg: vector("svg"), pdf: vector("pdf"), html,
  pngText, beginTurn, frameAt, endTurn,
};
