/* A figure: one picture of the page at a size of its own, to be shown elsewhere.
 *
 *   { search, view, preset, scale, transparent }  ->  PNG, or frames of a turn
 *
 * It depends on the link alone, not on the window, so that the page and `jetlrp export` make the same
 * one. The service draws it (lrp_core/figures), all but the 3D plot, which Plotly draws onto the place
 * that is left free for it. On window.jetlrp.figure.
 */
(function () {
  "use strict";

  const FINEST = 1.5; // pixels of the plot for each of a figure at scale 1, so that lines are smooth
  const GLIDE = 40; // ms after which a camera that was put somewhere is there
  const SETTLING = 500; // looks at a camera that moves, 8 ms apart
  const MOST = 8192; // px a side that every WebGL draws

  /** Sizes of figures, as app/figure_form.py writes them into the page. */
  const facts = () => JSON.parse(document.getElementById("figure-facts").dataset.facts);

  /** The path under which the page is served. */
  const base = () => new URL(document.getElementById("jetlrp-plotly").href)
    .pathname.replace(/_jetlrp\/.*$/, "");

  /* ------------------------------------------------------------ what is drawn */

  /** What an address asks to be drawn, with the jets it names, from the server. */
  async function fetched(search) {
    const query = new URLSearchParams(search);
    const data = await (await answerOf(`${base()}_jetlrp/figure.json?${query}`)).json();
    const { prepare } = window.jetlrp.jet;
    return { a: prepare(data.a), b: data.b ? prepare(data.b) : null };
  }

  /** The page's own jets, and its view as the link has it: rounded, so that both say the same. */
  function live() {
    const { view } = window.jetlrp;
    return { search: view.search(), ...view.shown };
  }

  /** A view and its jets -> what the picture shows of them, as compare.js has it for the page. */
  function pictured({ search, a, b }) {
    const { compare, geometry, view } = window.jetlrp;
    const usual = Object.fromEntries(Object.entries(view.KEYS).map(([key, [value]]) => [key, value]));
    const state = { ...usual, ...view.read(search) };
    const differs = Boolean(state.difference && state.pin !== null && compare.alike(a, b));
    const scene = differs ? compare.difference(a, b) : a;
    return {
      search, a, b, state, scene, differs,
      look: differs ? { ...state, color: "relevance", edgecolor: "relevance" } : state,
      scales: geometry.scalesOf(differs ? [scene] : [a, b].filter(Boolean)),
    };
  }

  function themeOf(name) {
    const all = window.jetlrp.colours.themes();
    return { ...all[name], name, font: all.font, type: 1 };
  }

  /* -------------------------------------------------------------------- sheet */

  /** All of a figure but the 3D plot, as the service draws it: {image, stage, unit}.
   *
   * stage  left, top, width and height of the plot in px at scale 1; null where there is none
   * unit   how much larger than on the page everything is
   */
  async function sheetOf(address, { width, height, scale }) {
    const text = await (await answerOf(address)).text();
    const { documentElement: svg } = new DOMParser().parseFromString(text, "image/svg+xml");
    svg.setAttribute("width", width * scale);
    svg.setAttribute("height", height * scale);
    const { stage, unit } = svg.dataset;
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
    await image.decode();
    return { image, stage: stage ? stage.split(" ").map(Number) : null, unit: Number(unit) };
  }

  /* ------------------------------------------------------------------ 3D plot */

  /** Everything in the plot so many times as large. */
  function enlarged(traces, zoom) {
    const times = (value) => (typeof value === "number" ? value * zoom
      : value && value.map ? Array.from(value, (one) => one * zoom) : value);
    const part = (object, key) => (object && object[key] !== undefined
      ? { ...object, [key]: times(object[key]) } : object);
    return traces.map((trace) => {
      const more = {};
      if (trace.marker) {
        more.marker = { ...part(trace.marker, "size"), line: part(trace.marker.line, "width") };
      }
      if (trace.line) more.line = part(trace.line, "width");
      if (trace.textfont) more.textfont = part(trace.textfont, "size");
      return { ...trace, ...more };
    });
  }

  /** Draw the plot from where the camera was put, and no sooner: Plotly lets it glide there. What
   * `then` does with the picture it does at once, as WebGL keeps none for later. */
  async function settled(inside, { eye }, then = () => {}) {
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
  function letter(context, div, { scene: jet, look, scales }, where, { x, y, unit, scale, theme }) {
    const { highlight, legend, scene, words } = window.jetlrp;
    const sizes = scene.sizes(jet, look, scales);
    const u = unit * scale;
    Object.assign(context, {
      font: `640 ${15 * u}px Inter`, textAlign: "left", textBaseline: "middle", lineJoin: "round",
      lineWidth: 3 * u, strokeStyle: theme.panel, fillStyle: theme.text,
    });
    for (let track = 0; track < jet.nTracks; track++) {
      const sign = { muon: "μ", electron: "e" }[words.kindOf(jet, track)];
      const [at] = sign ? highlight.project(div, [[where.x[track], where.y[track], where.z[track]]]) : [];
      if (!at) continue;
      const left = x + at[0] * scale + ((legend.BALL * sizes[track]) / 2 + 4) * u;
      context.strokeText(sign, left, y + at[1] * scale);
      context.fillText(sign, left, y + at[1] * scale);
    }
  }

  /** The 3D plot of a stage, drawn beside the page: {camera, turn(camera), paint(context, camera), end()}. */
  async function plotted(shown, { stage, unit, theme, scale }) {
    const [left, top, width, height] = stage;
    const { axes, geometry, plane, scene } = window.jetlrp;
    if (!plane.webgl()) {
      throw new Error("This browser draws no 3D plot (WebGL is off). SVG and PDF do not need it.");
    }
    const Plotly = await scene.plotly();
    const div = document.createElement("div");
    div.className = "figure-plot";
    Object.assign(div.style, { width: `${width}px`, height: `${height}px` });
    document.body.append(div);
    const end = () => {
      Plotly.purge(div);
      div.remove();
    };
    try {
      const made = scene.traces(shown.scene, shown.look, theme, { scales: shown.scales });
      const large = { ...theme, type: theme.type * unit };
      const { projection } = shown.state;
      const camera = geometry.cameraIn(shown.state.camera, width / unit, height / unit, projection);
      const size = projection === "perspective" ? 1
        : geometry.orthographicSize(width / unit, height / unit);
      const ratio = Math.min(Math.max(FINEST, scale), MOST / Math.max(width, height));
      const layout = scene.layout(made.where, large,
        { ...camera, projection: { type: shown.state.projection } }, 1, size);
      for (const side of ["xaxis", "yaxis", "zaxis"]) { // as lrp_core/figures/axes.py draws them
        Object.assign(layout.scene[side], { showline: true, linewidth: 1.25 * unit });
      }
      const list = enlarged(made.list.filter(({ name }) => name !== "leptons"), unit);
      await Plotly.newPlot(div, list, { ...layout, width, height }, {
        ...scene.CONFIG, responsive: false, scrollZoom: false, plotGlPixelRatio: Math.max(1, ratio),
      });
      // the first picture does not know yet how long the axes are, and has other sizes of type
      const inside = window.jetlrp.camera.inside(div);
      inside.glplot.redraw();
      for (const pad of ["tickPad", "labelPad", "_defaultTickPad", "_defaultLabelPad"]) { // from the axes to their words
        inside.axesOptions[pad] = inside.axesOptions[pad].map((one) => one * unit);
      }
      await Plotly.react(div, list, { ...layout, width, height });
      axes.letRead(inside);
      return {
        camera,
        turn: (to) => Plotly.relayout(div, {
          "scene.camera": { ...to, projection: { type: shown.state.projection } } }),
        paint: (context, from) => settled(inside, from || camera, () => {
          const [x, y] = [left * scale, top * scale];
          context.drawImage(inside.glplot.canvas, x, y, width * scale, height * scale);
          if (shown.look.marks) letter(context, div, shown, made.where, { x, y, unit, scale, theme });
        }),
        end,
      };
    } catch (error) {
      end();
      throw error;
    }
  }

  /* ------------------------------------------------------------------- figures */

  /** A figure made ready: {name, caption, metadata, width, height, camera, paint(canvas, camera), turn, end}. */
  async function prepared({ search = null, view = "network", preset = "slide", scale = null,
                            transparent = false, words = true, frames = null }) {
    const sizes = facts();
    const { width, height, theme } = sizes.presets[preset];
    const size = { width, height, scale: scale === null ? sizes.scale : scale };
    const shown = pictured(search === null ? live() : { search, ...await fetched(search) });
    if (!shown.a) throw new Error("Open a jet first.");
    const how = { width, height, transparent, theme: shown.state.theme || theme };
    const [says, sheet] = await Promise.all([
      provenance(shown, view, { ...how, ...(frames ? { frames } : { scale: size.scale }) }),
      sheetOf(addressOf(shown, view, ".svg", { ...how, words, plot: false }), size),
    ]);
    const plot = sheet.stage && await plotted(shown, { ...sheet, theme: themeOf(how.theme), scale: size.scale });
    return {
      ...says, width: width * size.scale, height: height * size.scale, camera: plot && plot.camera,
      turn: (camera) => plot.turn(camera),
      end: () => { if (plot) plot.end(); },
      async paint(on, from) {
        const context = on.getContext("2d");
        context.clearRect(0, 0, on.width, on.height);
        context.drawImage(sheet.image, 0, 0, on.width, on.height);
        if (plot) await plot.paint(context, from);
      },
    };
  }

  /** What the service says of a figure, as an address. more: "/provenance", ".svg" or ".pdf". */
  function addressOf({ a, search }, view, more, how = {}) {
    const { jet, question: { target, rule } } = a; // file and network stand in the view
    const query = new URLSearchParams({ view: search, target, rule, ...how });
    return `${base()}api/v1/jets/${jet.index}/figures/${view}${more}?${query}`;
  }

  async function answerOf(address, how = {}) {
    const answer = await fetch(address, how);
    if (answer.ok) return answer;
    const data = await answer.json().catch(() => null);
    throw new Error(data && data.error ? data.error.message : `${answer.status} ${answer.statusText}`);
  }

  /** Where a figure comes from: {name, caption, metadata: {key: text}}. how: its size and so on,
   * which its name tells. */
  async function provenance(shown, view, how) {
    const says = await (await answerOf(addressOf(shown, view, "/provenance", how))).json();
    return {
      ...says,
      metadata: {
        Title: says.title, Software: `jetlrp ${says.metadata.jetlrp}`, Description: says.caption,
        ...says.metadata, link: shown.search,
      },
    };
  }

  /** A figure as the service draws it, without pixels, from where the camera stands. */
  const vector = (format) => async ({ view, preset, transparent }) => {
    const shown = pictured(live());
    if (!shown.a) throw new Error("Open a jet first.");
    const { width, height, theme } = facts().presets[preset];
    const answer = await answerOf(addressOf(shown, view, `.${format}`, {
      width, height, transparent, theme: shown.state.theme || theme,
      link: `${window.location.origin}${base()}${shown.search}` }));
    return { name: nameIn(answer), blob: await answer.blob() };
  };

  /** A figure as one file that needs no network. */
  async function html({ view }) {
    const shown = live();
    if (!shown.a) throw new Error("Open a jet first.");
    const query = new URLSearchParams({ view, link: shown.search });
    const answer = await answerOf(`${base()}_jetlrp/figure.html?${query}`);
    return { name: nameIn(answer), blob: await answer.blob() };
  }

  /** What an answer calls its file. */
  const nameIn = (answer) => /filename="([^"]+)"/.exec(answer.headers.get("content-disposition"))[1];

  const canvasOf = ({ width, height }) => Object.assign(document.createElement("canvas"), { width, height });

  /** A figure as PNG: {name, blob}. */
  async function png(wanted) {
    const { name, blob } = await drawnOnce(wanted);
    return { name: `${name}.png`, blob };
  }

  async function drawnOnce(wanted) {
    const figure = await prepared(wanted);
    try {
      const on = canvasOf(figure);
      await figure.paint(on);
      const blob = await new Promise((done) => on.toBlob(done, "image/png"));
      if (!blob) throw new Error(`${on.width} × ${on.height} pixels are more than this browser can draw`);
      return { ...figure, blob: await withText(blob, figure.metadata) };
    } finally {
      figure.end();
    }
  }

  let film = null;

  /** Get ready for the frames of one turn; -> {name, caption, metadata, width, height}. */
  async function beginTurn(wanted) {
    endTurn();
    const figure = await prepared(wanted);
    film = { figure, on: canvasOf(figure) };
    const { name, caption, metadata, width, height } = figure;
    return { name, caption, metadata, width, height };
  }

  /** The frame of a turn at a part of it, from 0 to 1, as base64 PNG. */
  async function frameAt(part) {
    const { figure, on } = film;
    const camera = window.jetlrp.camera.around(figure.camera, 2 * Math.PI * part);
    await figure.turn(camera);
    await figure.paint(on, camera);
    return on.toDataURL("image/png").split(",")[1];
  }

  function endTurn() {
    if (film) film.figure.end();
    film = null;
  }

  const toBase64 = (blob) => new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1]);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });

  /** A figure for the command: {name without its ending, png: base64}. */
  async function pngText(wanted) {
    const { name, blob } = await drawnOnce(wanted);
    return { name, png: await toBase64(blob) };
  }

  /* ---------------------------------------------------------------- PNG texts */

  const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });

  function crc(bytes) {
    let c = 0xffffffff;
    for (const byte of bytes) c = CRC[(c ^ byte) & 0xff] ^ (c >>> 8);
    return (c ^ 0xffffffff) >>> 0;
  }

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

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.figure = {
    base, answerOf, facts, png, svg: vector("svg"), pdf: vector("pdf"), html,
    pngText, beginTurn, frameAt, endTurn,
  };
})();
