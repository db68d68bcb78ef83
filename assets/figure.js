/* A figure: one picture of the page, laid out anew at a size of its own, to be shown elsewhere.
 *
 *   { search, a, b, view, preset, scale, transparent }  ->  PNG, or frames of a turn
 *
 * It depends on the link and the jet alone, not on the window, so that the page and `jetlrp export`
 * make the same one. What is not the 3D plot is laid out in a frame of its own, by the scripts and
 * styles of the page, and painted as an SVG picture; the plot is drawn by Plotly beside it.
 * On window.jetlrp.figure.
 */
(function () {
  "use strict";

  const VIEWS = { network: "3D network plot", heatmap: "Heat map", river: "The river" };
  const PANELS = { heatmap: "heat", river: "river" }; // as the dock calls them
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

  /* ------------------------------------------------------------------- styles */

  let styles = null;

  /** The page's style sheets as one text that needs nothing else: fonts inside, no other files.
   *
   * As they were written: the browser's own copy loses what it cannot say in short. */
  function sheet() {
    styles = styles || (async () => {
      const own = [...document.querySelectorAll('link[rel="stylesheet"]')]
        .filter(({ href }) => new URL(href).pathname.startsWith(`${base()}assets/`));
      const texts = await Promise.all(own.map(async ({ href }) =>
        (await (await fetch(href)).text()).replace(/url\("(?!data:)([^"]+)"\)/g,
          (_, path) => `url("${new URL(path, href)}")`)));
      const text = [document.getElementById("jetlrp-colours").textContent, ...texts].join("\n");
      const fonts = [...new Set([...text.matchAll(/url\("([^"]+\.woff2)"\)/g)].map(([, url]) => url))];
      const inside = new Map(await Promise.all(fonts.map(async (url) => [url, await dataUrl(url)])));
      return text.replace(/url\("([^"]+)"\)/g, (all, url) =>
        (url.startsWith("data:") ? all : `url("${inside.get(url) || "data:,"}")`))
        .replace(/font-display: swap/g, "font-display: block"); // no picture before its letters
    })();
    styles.catch(() => { styles = null; });
    return styles;
  }

  async function dataUrl(url) {
    const blob = await (await fetch(url)).blob();
    return new Promise((done, failed) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.onerror = () => failed(reader.error);
      reader.readAsDataURL(blob);
    });
  }

  /* ------------------------------------------------------------------- layout */

  const escape = (text) => window.jetlrp.numbers.escape(text);

  /** What the picture shows, in a line. */
  function subtitle(shown, view, { edges = true } = {}) {
    const { geometry, numbers, words } = window.jetlrp;
    const { jet } = shown.a;
    const parts = [];
    if (view === "network" && !edges) {
      parts.push("drag to turn, scroll to zoom, point for numbers");
    } else if (view === "network") {
      const order = geometry.considered(shown.scene, shown.look);
      const says = words.edges(shown.scene, order, geometry.shownEdges(shown.scene, shown.look, order));
      parts.push([says.shown, says.shown.includes(" of ") ? "edges" : "", says.share, says.of]
        .filter(Boolean).join(" "));
    } else if (view === "heatmap") parts.push("relevance of each track through each feature");
    else parts.push(`relevance on its way from the ${shown.a.words.value} back to the tracks`);
    const known = (value, text) => (Number.isFinite(value) ? [text(value)] : []);
    return [
      shown.a.words.label,
      ...known(jet.pt, (pt) => `p_T ${numbers.significant(pt)} GeV`),
      ...known(jet.sdmass, (mass) => `mass ${numbers.significant(mass)} GeV`),
      `${jet.n_tracks} track${jet.n_tracks === 1 ? "" : "s"}`,
      ...parts,
    ].filter((part) => part && part !== "unlabelled").join(" · ");
  }

  /** A frame with everything but the 3D plot: {svg, picture: where that stands, canvas}. */
  async function laidOut(shown, { view, width, height, upright, theme, caption, dots, words }) {
    const { numbers } = window.jetlrp;
    const frame = document.createElement("iframe");
    frame.className = "figure-frame";
    frame.setAttribute("aria-hidden", "true");
    frame.tabIndex = -1;
    Object.assign(frame.style, { width: `${width}px`, height: `${height}px` });
    document.body.append(frame);
    try {
      const css = await sheet();
      const inside = frame.contentDocument;
      inside.documentElement.dataset.theme = theme.name;
      const style = inside.createElement("style");
      style.textContent = css;
      inside.head.append(style);
      const name = PANELS[view];
      inside.body.innerHTML = `<div class="figure${upright ? " tall" : ""}"><header>` +
        `<p class="figure-title">${window.jetlrp.talk.line(shown.a)}</p>` +
        `<p class="figure-subtitle">${numbers.symbol(subtitle(shown, view))}</p></header>` +
        `<div class="figure-middle"><div class="figure-picture${name ? " dock-panel full" : ""}">` +
        (name ? `<div id="${name}-body" class="dock-body"></div>` : "") + "</div>" +
        (name ? "" : '<div class="legend"></div>') +
        `</div><footer><p class="figure-caption">${escape(caption)}</p></footer></div>`;
      await Promise.all(["400 13px Inter", "640 13px Inter"].map((font) =>
        inside.fonts.load(font, "Δηφ pΣ")));
      const figure = inside.body.firstElementChild;
      const place = figure.querySelector(".figure-picture");
      let canvas = null;
      if (name) {
        const box = place.firstElementChild;
        await window.jetlrp.dock.drawInto(name, box, shown.a, { view: shown.state, theme,
                                                               scales: shown.scales, dots });
        const drawn = box.querySelector("canvas");
        if (drawn) { // what it shows goes with its frame
          canvas = { picture: sheetOf(drawn), box: drawn.getBoundingClientRect() };
          canvas.picture.getContext("2d").drawImage(drawn, 0, 0);
          drawn.remove();
        }
        for (const one of box.querySelectorAll(".enter")) one.classList.remove("enter");
        for (const one of box.querySelectorAll("[tabindex]")) one.removeAttribute("tabindex");
      } else {
        window.jetlrp.legend.fill(figure.querySelector(".legend"), shown.scene, shown.look, theme,
                                  shown.scales);
      }
      const picture = place.getBoundingClientRect();
      const said = {
        title: [...figure.querySelectorAll(".figure-title > span")].map(({ childNodes }) =>
          [...childNodes].map(({ nodeName, textContent }) => [textContent, nodeName === "B"])),
        subtitle: subtitle(shown, view), caption,
        places: Object.fromEntries(["figure-title", "kept", "figure-subtitle", "figure-caption"].map((name) =>
          [name.replace("figure-", ""), placeOf(figure.querySelector(`.${name}`))])),
        colours: { page: theme.panel, text: theme.text, muted: theme.muted, accent: theme.accent },
      };
      figure.classList.toggle("wordless", !words);
      const content = new XMLSerializer().serializeToString(figure);
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" data-theme="${theme.name}"` +
        ` width="${width * dots}" height="${height * dots}" viewBox="0 0 ${width} ${height}">` +
        `<style>${escape(css)}</style><foreignObject x="0" y="0" width="${width}"` +
        ` height="${height}">${content}</foreignObject></svg>`;
      return { svg, picture, canvas, said };
    } finally {
      frame.remove();
    }
  }

  /** Where a line of words stands, in px, and how large its type is. */
  function placeOf(line) {
    const { x, y, width, height } = line.getBoundingClientRect();
    const { fontSize } = line.ownerDocument.defaultView.getComputedStyle(line);
    return { box: [x, y, width, height], type: parseFloat(fontSize) };
  }

  async function imageOf(svg) {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    await image.decode();
    return image;
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
  function letter(context, div, { scene: jet, look, scales }, where, { x, y, zoom, scale, theme }) {
    const { highlight, legend, scene, words } = window.jetlrp;
    const sizes = scene.sizes(jet, look, scales);
    const u = zoom * scale;
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

  /** The 3D plot of a size, drawn beside the page: {turn(camera), paint(context, x, y, camera), end()}.
   *
   * width, height  in CSS px, at scale 1
   * zoom           how much larger than on the page everything is
   */
  async function plotted(shown, { width, height, zoom, theme, scale }) {
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
      const large = { ...theme, type: theme.type * zoom };
      const { projection } = shown.state;
      const camera = geometry.cameraIn(shown.state.camera, width / zoom, height / zoom, projection);
      const size = projection === "perspective" ? 1
        : geometry.orthographicSize(width / zoom, height / zoom);
      const ratio = Math.min(Math.max(FINEST, scale), MOST / Math.max(width, height));
      const layout = scene.layout(made.where, large,
        { ...camera, projection: { type: shown.state.projection } }, 1, size);
      for (const side of ["xaxis", "yaxis", "zaxis"]) { // as lrp_core/figures/axes.py draws them
        Object.assign(layout.scene[side], { showline: true, linewidth: 1.25 * zoom });
      }
      const list = enlarged(made.list.filter(({ name }) => name !== "leptons"), zoom);
      await Plotly.newPlot(div, list, { ...layout, width, height }, {
        ...scene.CONFIG, responsive: false, scrollZoom: false, plotGlPixelRatio: Math.max(1, ratio),
      });
      // the first picture does not know yet how long the axes are, and has other sizes of type
      const inside = window.jetlrp.camera.inside(div);
      inside.glplot.redraw();
      for (const pad of ["tickPad", "labelPad", "_defaultTickPad", "_defaultLabelPad"]) { // from the axes to their words
        inside.axesOptions[pad] = inside.axesOptions[pad].map((one) => one * zoom);
      }
      await Plotly.react(div, list, { ...layout, width, height });
      axes.letRead(inside);
      return {
        camera,
        turn: (to) => Plotly.relayout(div, {
          "scene.camera": { ...to, projection: { type: shown.state.projection } } }),
        paint: (context, x, y, from) => settled(inside, from || camera, () => {
          context.drawImage(inside.glplot.canvas, x, y, width * scale, height * scale);
          if (shown.look.marks) letter(context, div, shown, made.where, { x, y, zoom, scale, theme });
        }),
        end,
      };
    } catch (error) {
      end();
      throw error;
    }
  }

  /* ------------------------------------------------------------------- figures */

  /** A figure made ready: {name, caption, metadata, width, height, paint(canvas), turn, end}. */
  async function prepared({ search = null, view = "network", preset = "slide", scale = null,
                            transparent = false, words = true, frames = null }) {
    if (!(view in VIEWS)) throw new Error(`there is no view ${view}: ${Object.keys(VIEWS).join(", ")}`);
    const sizes = facts();
    const { width, height, zoom, upright } = sizes.presets[preset];
    const times = scale === null ? sizes.scale : scale;
    const shown = pictured(search === null ? live() : { search, ...await fetched(search) });
    if (!shown.a) throw new Error("Open a jet first.");
    const theme = themeOf(shown.state.theme || sizes.presets[preset].theme);
    const says = await provenance(shown, view, { width, height, theme: theme.name,
      transparent: transparent && words, ...(frames ? { frames } : { scale: times }) });
    const dots = zoom * times;
    const { svg, picture, canvas, said } = await laidOut(shown, { view, theme, dots, words, upright,
      width: width / zoom, height: height / zoom, caption: says.caption });
    const over = await imageOf(svg);
    const plot = view !== "network" ? null : await plotted(shown, {
      width: Math.floor(picture.width * zoom), height: Math.floor(picture.height * zoom),
      zoom, theme, scale: times });
    return {
      ...says, words: { ...said, zoom }, width: width * times, height: height * times, camera: plot && plot.camera,
      turn: (camera) => plot.turn(camera),
      end: () => { if (plot) plot.end(); },
      async paint(on, from) {
        const context = on.getContext("2d");
        context.clearRect(0, 0, on.width, on.height);
        if (!transparent) {
          context.fillStyle = theme.panel;
          context.fillRect(0, 0, on.width, on.height);
        }
        if (plot) {
          await plot.paint(context, Math.round(picture.x * dots), Math.round(picture.y * dots), from);
        }
        if (canvas) {
          const { x, y, width: wide, height: high } = canvas.box;
          context.drawImage(canvas.picture, x * dots, y * dots, wide * dots, high * dots);
        }
        context.drawImage(over, 0, 0, on.width, on.height);
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

  const sheetOf = ({ width, height }) => Object.assign(document.createElement("canvas"), { width, height });

  /** A figure as PNG: {name, blob}. */
  async function png(wanted) {
    const { name, blob } = await drawnOnce(wanted);
    return { name: `${name}.png`, blob };
  }

  async function drawnOnce(wanted) {
    const figure = await prepared(wanted);
    try {
      const on = sheetOf(figure);
      await figure.paint(on);
      const blob = await new Promise((done) => on.toBlob(done, "image/png"));
      if (!blob) throw new Error(`${on.width} × ${on.height} pixels are more than this browser can draw`);
      return { ...figure, blob: await withText(blob, figure.metadata) };
    } finally {
      figure.end();
      redraw();
    }
  }

  /** The panels of the page as they were: their scripts remember what they drew last. */
  function redraw() {
    for (const name of Object.values(PANELS)) window.jetlrp.dock.redraw(name);
  }

  let film = null;

  /** Get ready for the frames of one turn; -> {name, caption, metadata, width, height}. */
  async function beginTurn(wanted) {
    endTurn();
    const figure = await prepared(wanted);
    film = { figure, on: sheetOf(figure) };
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

  /** A figure for the command: {name without its ending, png: base64, metadata, words}. */
  async function pngText(wanted) {
    const { name, blob, metadata, words } = await drawnOnce(wanted);
    return { name, png: await toBase64(blob), metadata, words };
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
    VIEWS, base, answerOf, facts, png, svg: vector("svg"), pdf: vector("pdf"), html, subtitle,
    pngText, beginTurn, frameAt, endTurn, withText, pictured,
  };
})();
