/* The 3D network plot: gives the geometry of a jet to Plotly.react, with the camera as it was
 * turned, and says where it can be pointed at (see pointing.js and pick.js).
 *
 * There is a scene for the jet ("network") and one for the pinned jet ("network-b"); both read the
 * same view, so that they are drawn alike. Plotly is given data, never kept figures.
 * On window.jetlrp.scene.
 */
(function () {
  "use strict";

  const SLOTS = { network: "a", "network-b": "b" };
  const DRAWN_BY = ["pin", "difference", "edges", "least", "x", "y", "z", "size", "color",
                    "edgecolor", "marks", "track", "ways", "edge", "projection"];

  const SMALL = 320; // px of width below which a picture has small type
  const CLOSE = 0.12; // share of the half width of the floor within which names of directions would meet
  const DIM = 0.28; // how much of its colour a track keeps that is not looked at

  const CONFIG = {
    displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
    responsive: true, scrollZoom: true, doubleClick: false,
  };

  /* ------------------------------------------------------- traces and layout */

  /** The picture of a jet as Plotly's traces: {list, where, order, k}.
   *
   * order   the edges considered, the most significant first; the first k are drawn as curves
   * scales  the largest values of all jets on the page, which colours and sizes refer to
   */
  function traces(scene, view, theme, { scales, dragging = false }) {
    const g = window.jetlrp.geometry;
    const where = g.frame(scene, view);
    const order = g.considered(scene, view);
    const k = g.shownEdges(scene, view, order);
    const list = [];
    if (where.angles) {
      list.push({
        type: "scatter3d", mode: "lines", name: "jet axis", hoverinfo: "skip",
        x: [0, 0], y: [0, 0], z: [where.axes.z.low, where.axes.z.high], opacity: 0.55,
        line: { width: 2, color: theme.muted, dash: "dash" },
      });
    }
    const rest = dragging ? { count: 0 } : g.restEdges(scene, order, where, k);
    list.push({
      type: "scatter3d", mode: "lines", name: "rest", hoverinfo: "skip",
      visible: rest.count > 0,
      x: rest.x, y: rest.y, z: rest.z, opacity: rest.opacity,
      line: { width: 1, color: theme.rest },
    });
    const bunches = g.strongEdges(scene, order, where, k, { view, theme, scales });
    for (const bunch of bunches.reverse()) {
      list.push({
        type: "scatter3d", mode: "lines", name: `edges ${bunch.bin}`, hoverinfo: "none",
        visible: bunch.count > 0,
        x: bunch.x, y: bunch.y, z: bunch.z, opacity: bunch.opacity,
        line: { width: bunch.width, color: bunch.color },
        meta: { kind: "edges", start: bunch.start, count: bunch.count, bin: bunch.bin },
      });
    }
    list.push(...chosenEdge(scene, view, where, theme));
    if (where.angles) list.push(...directionTraces(scene, view, where, theme));
    list.push(...markTraces(scene, view, where, theme, scales));
    list.push(...isolatedTrace(scene, view, where, theme, scales));
    list.push(tracksTrace(scene, view, where, theme, scales, dimmed(scene, view, order, k)));
    return { list, where, order, k };
  }

  /** The edge whose card is open, drawn over the others. */
  function chosenEdge(scene, view, where, theme) {
    if (view.edge === null || view.edge === undefined) return [];
    const edge = window.jetlrp.jet.placeOf(scene, view.edge);
    if (edge < 0) return [];
    const points = window.jetlrp.geometry.curve(where, scene.source[edge], scene.destination[edge]);
    const side = (at) => points.map((point) => point[at]);
    return [{
      type: "scatter3d", mode: "lines", name: "chosen edge", hoverinfo: "skip",
      x: side(0), y: side(1), z: side(2), line: { width: 8, color: theme.text }, opacity: 0.35,
    }];
  }

  /** Upright lines with a name on top: the b-hadrons of the simulation, and the subjets. */
  function directionTraces(scene, view, where, theme) {
    const { direction } = window.jetlrp.geometry;
    const { byOrigin } = window.jetlrp.legend;
    const list = [];
    // a subjet and the b-hadron in it are close: their names stand at different ends of the lines;
    // of two that are close at one end, each name goes to its side
    const draw = (one, { kind, number, name, sign, color, dash, below }, others) => {
      const line = direction(where, one);
      const meta = { kind, number };
      const near = others.find((other) => other !== one &&
        Math.hypot(other.etarel - one.etarel, other.phirel - one.phirel) < CLOSE * where.axes.x.high);
      const side = near ? (others.indexOf(one) < others.indexOf(near) ? "left" : "right") : "center";
      list.push({
        type: "scatter3d", mode: "lines", name: `direction of ${name}`, hoverinfo: "none",
        ...line, opacity: 0.6, meta, line: { width: 2, color, dash },
      }, {
        type: "scatter3d", mode: "text", name: `name of ${name}`, hoverinfo: "none", meta,
        x: [one.etarel], y: [one.phirel], z: [below ? where.axes.z.low : where.axes.z.high],
        text: [sign], textposition: `${below ? "bottom" : "top"} ${side}`,
        textfont: { size: 14 * theme.type, color, family: theme.font },
      });
    };
    for (const subjet of scene.subjets) {
      draw(subjet, {
        kind: "subjet", number: subjet.number, name: `subjet ${subjet.number}`,
        sign: `j<sub>${subjet.number}</sub>`, color: theme.muted, dash: "longdash",
        below: scene.bHadrons.length > 0,
      }, scene.subjets);
    }
    for (const bHadron of scene.bHadrons) {
      draw(bHadron, {
        kind: "b-hadron", number: bHadron.b, name: `b-hadron ${bHadron.b}`,
        sign: `b<sub>${bHadron.b}</sub>`, dash: "dot",
        color: byOrigin(scene, view) ? theme.origins[1] : theme.text,
      }, scene.bHadrons);
    }
    return list;
  }

  /** Diameters in pixels of all tracks. */
  function sizes(scene, view, scales) {
    const { sizeOf } = window.jetlrp.geometry;
    const byRelevance = view.size === "relevance";
    const values = byRelevance ? scene.tracks.relevance : scene.tracks.pt;
    const most = byRelevance ? scales.relevance : scales.pt;
    return Array.from(values, (value) => sizeOf(value, most));
  }

  /** Rings around displaced tracks, letters beside leptons. */
  function markTraces(scene, view, where, theme, scales) {
    if (!view.marks) return [];
    const { tracks } = scene;
    const diameters = sizes(scene, view, scales);
    const numbers = Array.from({ length: scene.nTracks }, (_, track) => track);
    const at = (side, chosen) => chosen.map((track) => where[side][track]);
    const place = (chosen) => ({ x: at("x", chosen), y: at("y", chosen), z: at("z", chosen) });
    const displaced = numbers.filter((track) => tracks.displaced[track]);
    const leptons = numbers.filter((track) => tracks.muon[track] || tracks.electron[track]);
    const list = [];
    if (displaced.length) {
      list.push({
        type: "scatter3d", mode: "markers", name: "displaced", hoverinfo: "skip",
        ...place(displaced),
        marker: {
          symbol: "circle", color: ring(theme, 0), opacity: 1,
          size: displaced.map((track) => diameters[track] + 7),
          line: { width: 1, color: ring(theme, 0.75) },
        },
      });
    }
    if (leptons.length) {
      list.push({
        type: "scatter3d", mode: "text", name: "leptons", hoverinfo: "skip", ...place(leptons),
        text: leptons.map((track) => (tracks.muon[track] ? "<b>μ</b>" : "<b>e</b>")),
        textposition: "middle right",
        textfont: { size: 15 * theme.type, color: theme.text, family: theme.font },
      });
    }
    return list;
  }

  /** A ring is a ball that can be seen through, with a thin rim. */
  function ring(theme, opacity) {
    return `rgba(${window.jetlrp.colours.channels(theme.text).join(",")},${opacity})`;
  }

  /** The track whose edges alone are considered, outlined. */
  function isolatedTrace(scene, view, where, theme, scales) {
    const { track } = view;
    if (track === null || track === undefined || track >= scene.nTracks) return [];
    const size = sizes(scene, view, scales)[track];
    const twice = (side) => [where[side][track], where[side][track]]; // WebGL's lines are thin
    return [{
      type: "scatter3d", mode: "markers", name: "isolated", hoverinfo: "skip",
      x: twice("x"), y: twice("y"), z: twice("z"),
      marker: {
        symbol: "circle", size: [size + 8, size + 9.2], color: ring(theme, 0),
        line: { width: 1, color: theme.accent },
      },
    }];
  }

  /** Which tracks are at neither end of a drawn edge, while those of one track are looked at. */
  function dimmed(scene, view, order, k) {
    if (view.track === null || view.track === undefined || view.track >= scene.nTracks) return null;
    const dim = new Array(scene.nTracks).fill(true);
    dim[view.track] = false;
    for (let n = 0; n < k; n++) dim[scene.source[order[n]]] = dim[scene.destination[order[n]]] = false;
    return dim;
  }

  /** The tracks as balls; the last trace, so that it is found by its place. */
  function tracksTrace(scene, view, where, theme, scales, dim = null) {
    const { SHAPES, CHARGE_SHAPES, byOrigin, byCharge, chargeColour } = window.jetlrp.legend;
    const { channels, css, mix, plotlyScale, scale } = window.jetlrp.colours;
    const limit = scales.relevance || 1;
    let look;
    if (byOrigin(scene, view)) {
      look = {
        color: scene.truth.origin.map((origin) => theme.origins[origin]),
        symbol: scene.truth.origin.map((origin) => SHAPES[origin]),
      };
    } else if (byCharge(scene, view)) {
      const charge = Array.from(scene.tracks.charge);
      look = {
        color: charge.map((q) => chargeColour(theme, q)),
        symbol: charge.map((q) => (q > 0 ? CHARGE_SHAPES.plus : CHARGE_SHAPES.minus)),
      };
    } else {
      look = {
        color: Array.from(scene.tracks.relevance),
        cmin: -limit, cmax: limit, cmid: 0,
        colorscale: plotlyScale(theme.diverging),
      };
    }
    let rim = theme.outline;
    if (dim) {
      const ground = channels(theme.panel);
      const faint = (colour, track) => css(dim[track] ? mix(ground, colour, DIM) : colour);
      const own = look.colorscale ? scale(theme.diverging) : channels;
      const colours = look.color.map((colour) =>
        own(look.colorscale ? 0.5 + colour / limit / 2 : colour));
      look = { symbol: look.symbol, color: colours.map(faint) };
      rim = colours.map((_, track) => faint(channels(theme.outline), track));
    }
    return {
      type: "scatter3d", mode: "markers", name: "tracks", hoverinfo: "none",
      x: where.x, y: where.y, z: where.z,
      meta: { kind: "tracks" },
      marker: {
        size: sizes(scene, view, scales), ...look,
        line: { color: rim, width: 1 }, opacity: 1,
      },
    };
  }

  /** An axis; without words where the camera looks along it. */
  function axis(along, theme, mute) {
    return {
      showticklabels: !mute,
      title: { text: mute ? "" : along.title, font: { size: 13 * theme.type, color: theme.text, family: theme.font } },
      // Plotly takes the size of ticks twice, as a share of 12
      tickfont: { size: Math.sqrt(12 * 11 * theme.type), color: theme.muted, family: theme.font },
      gridcolor: theme.grid, linecolor: theme.grid, zerolinecolor: theme.grid,
      showbackground: false, showspikes: false, zeroline: false, gridwidth: Math.max(1, theme.type),
      range: [along.low, along.high],
      tickmode: "array", tickvals: along.tickvals, ticktext: along.ticktext,
    };
  }

  /** size: the length of the box's floor, which is other than 1 without perspective only */
  function layout(where, theme, camera, revision, size = 1) {
    const { alongAxis, HEIGHT_OF_BOX } = window.jetlrp.geometry;
    const along = alongAxis(camera);
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 0, r: 0, t: 0, b: 0 },
      showlegend: false,
      font: { family: theme.font, color: theme.text },
      uirevision: revision,
      scene: {
        uirevision: revision,
        camera,
        hovermode: false,
        dragmode: "orbit",
        aspectmode: "manual",
        aspectratio: { x: size, y: size, z: size * HEIGHT_OF_BOX },
        xaxis: axis(where.axes.x, theme, along === "x"),
        yaxis: axis(where.axes.y, theme, along === "y"),
        zaxis: axis(where.axes.z, theme, along === "z"),
      },
    };
  }

  /* ---------------------------------------------------------------- drawing */

  const states = new Map(); // div id -> what is drawn there

  /** How large the type of a picture is, over the usual: small where titles of axes were cut off. */
  const typeOf = (div) => (div.clientWidth < SMALL ? 0.8 : 1);

  function stateOf(id) {
    if (!states.has(id)) {
      states.set(id, { id, slot: SLOTS[id], drawing: false, wanted: false, fitting: 0, revision: 0,
                       jet: null, order: [], k: 0, where: null });
    }
    return states.get(id);
  }

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

  /** Draw what is wanted now; while one picture is being made, only the last wish is kept. */
  async function draw(id) {
    if (!document.getElementById(id)) return;
    const state = stateOf(id);
    state.wanted = true;
    if (state.drawing) return;
    state.drawing = true;
    const { view } = window.jetlrp;
    try {
      const { plane } = window.jetlrp;
      const Plotly = plane.webgl() ? await plotly() : null;
      if (document.fonts && document.fonts.load) {
        await Promise.race([document.fonts.load("13px Inter", "Δηφ p"), wait(1500)]);
      }
      while (state.wanted) {
        state.wanted = false;
        const div = document.getElementById(id);
        const { compare } = window.jetlrp;
        const scene = compare.drawn(state.slot);
        if (!div || !scene) break;
        const theme = window.jetlrp.colours.now();
        theme.type *= typeOf(div);
        const scales = compare.scales();
        const started = performance.now();
        const made = traces(scene, compare.look(), theme, { scales, dragging });
        const camera = window.jetlrp.camera.wanted(div, state);
        state.reset = false;
        state.revision += 1;
        Object.assign(state, { jet: scene, order: made.order, k: made.k, where: made.where });
        const built = performance.now();
        if (Plotly) {
          const size = window.jetlrp.camera.sizeOf(div, state, camera);
          await Plotly.react(div, made.list,
                             layout(made.where, theme, camera, state.revision, size), CONFIG);
          state.drawnWith = camera;
          const inside = window.jetlrp.camera.inside(div);
          window.jetlrp.axes.letRead(inside);
          window.jetlrp.pick.instead(inside);
          if (!state.drawnOnce) listen(div, state);
          state.drawnOnce = true;
          div.tabIndex = 0;
          div.setAttribute("role", "application");
          div.setAttribute("aria-label", (state.slot === "a" ? "" : "Pinned: ") +
            window.jetlrp.pointing.name(scene, "in three dimensions", made.k));
        } else {
          await plane.standIn(div, state.slot, scene, { view: compare.look(), theme, scales });
        }
        if (state.slot === "a") {
          document.title = `Jet ${scene.jet.index} – jetlrp`;
          const box = document.getElementById("network-legend");
          if (box) window.jetlrp.legend.fill(box, scene, compare.look(), theme, scales);
        }
        await frame();
        await frame();
        div.dataset.drawn = String(scene.jet.index);
        div.dataset.edges = String(made.k);
        state.timing = { build: built - started, draw: performance.now() - built };
        document.dispatchEvent(new CustomEvent("jetlrp:drawn", { detail: { id } }));
      }
    } catch (error) {
      failed(error);
    } finally {
      state.drawing = false;
    }
  }

  /** The picture could not be made, although the numbers came: say so where it should be. */
  function failed(error) {
    const stage = document.getElementById("stage");
    const box = document.getElementById("scene-error");
    if (stage && box) {
      stage.className = "stage is-error";
      box.innerHTML = "<h3>The picture could not be drawn</h3><p></p>";
      box.lastChild.textContent = `${error.message || error}`;
    }
    throw error;
  }

  let dragging = false; // a slider is held; the second picture then waits until it is let go

  const drawAll = () => {
    for (const id of Object.keys(SLOTS)) if (!dragging || SLOTS[id] === "a") draw(id);
  };

  /* ----------------------------------------------------- turning and pointing */

  function listen(div, state) {
    const { view, camera, pick, pointing } = window.jetlrp;
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
      shown: () => {
        const jet = window.jetlrp.compare.drawn(state.slot);
        return jet && jet === state.jet ? { slot: state.slot, jet } : null;
      },
      find: (x, y) => pick.find(div, state, x, y),
      spot: (track) => pick.spot(div, state, track),
      steady: () => camera.steady(div, state),
      said,
    });
  }

  /* ---------------------------------------------------------------- tooltip */

  const SIGNED = /^(relevance|signed relevance|speaks)$/;

  /** Words beside the pointer; any panel may show its own. */
  function showTooltip(says, kind, pointer) {
    const { escape } = window.jetlrp.numbers;
    const box = document.getElementById("scene-tooltip");
    if (!box) return;
    const sign = says.value > 0 ? "positive" : says.value < 0 ? "negative" : "zero";
    box.innerHTML =
      `<strong class="${kind}">${escape(says.title)}</strong><dl>` +
      says.lines.map(([name, value]) =>
        `<dt>${escape(name)}</dt><dd class="${SIGNED.test(name) ? sign : ""}">` +
        `${escape(value)}</dd>`).join("") + "</dl>";
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

  /* ------------------------------------------------------------ what is asked */

  /** Draw without the faint edges while something is dragged. */
  function setDragging(now) {
    if (dragging === now) return;
    dragging = now;
    drawAll();
  }

  document.addEventListener("DOMContentLoaded", () => {
    const { view } = window.jetlrp;
    view.on(DRAWN_BY, drawAll);
    view.onShown((slot) => {
      const id = Object.keys(SLOTS).find((key) => SLOTS[key] === slot);
      hideTooltip();
      const div = document.getElementById(id);
      if (div && !view.shown[slot]) delete div.dataset.drawn;
      drawAll();
    });
    document.addEventListener("jetlrp:theme", drawAll);
  });

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.scene = {
    CONFIG, SLOTS, traces, layout, sizes, dimmed, plotly, draw, drawAll, stateOf, typeOf, setDragging,
    showTooltip, placeTooltip, hideTooltip,
    liveCamera: (div) => window.jetlrp.camera.live(div),
    resetCamera: () => window.jetlrp.camera.reset(),
  };
})();
