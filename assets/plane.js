/* The jet seen along its axis: a picture of the server (lrp_core/figures/plane.py), in its panel and
 * in place of the 3D plot where the browser draws none.
 *
 * The picture holds every edge that may be shown. Here is selected which of them are: slider,
 * isolated track and chosen edge need no request, but for the edges of one track in a jet that has
 * more edges than the picture. And here is found what the pointer is on. On window.jetlrp.plane.
 */
(function () {
  "use strict";

  const REACH = 6; // px around a curve in which it is pointed at
  const PIECES = 8; // straight pieces of a curve where it is looked for
  const PICTURED = ["pin", "difference", "x", "y", "size", "color", "edgecolor", "marks"];
  const SELECTED = ["edges", "least", "track", "ways", "edge"];
  const SVG = "http://www.w3.org/2000/svg";

  const hosts = new Map(); // element -> {host, slot, jet: that is wanted, made: what it shows}

  /* ----------------------------------------------------------------- asking */

  /** The keys of the view that the picture of a jet depends on, as its address has them. */
  function search(slot, jet, view) {
    const { geometry, jet: jets } = window.jetlrp;
    const keys = [...PICTURED];
    if (jet.allEdges > geometry.MAX_STRONG) {
      if (view.track !== null) keys.push("track");
      const place = view.edge === null ? null : jets.placeOf(jet, view.edge);
      if (place !== null && (view.track !== null || !(jet.rank[place] < geometry.MAX_STRONG))) keys.push("edge");
    }
    return window.jetlrp.view.search(slot === "a" ? view : { ...view, ...beside() }, keys);
  }

  /** For the picture of the pinned jet it is the other one that stands beside it, once it is there. */
  function beside() {
    const { a } = window.jetlrp.view.shown;
    return { pin: a && { jet: a.jet.index, ...a.question }, difference: false };
  }

  /* ---------------------------------------------------------------- showing */

  /** What is in a picture, from its SVG and its data. */
  function taken(svg, { data, facts }, jet) {
    const { decode } = window.jetlrp.jet;
    const [edges, curves, widths, places, radii] =
      ["edges", "curves", "widths", "places", "radii"].map((name) => decode(data[name]));
    const paths = new Map([...svg.querySelectorAll("[data-edge]")].map((path) => [+path.dataset.edge, path]));
    const groups = new Map([...svg.querySelectorAll("[data-track]")].map((group) => [+group.dataset.track, group]));
    const lights = svg.appendChild(document.createElementNS(SVG, "g"));
    lights.setAttribute("class", "plane-lights");
    return {
      svg, jet, where: facts.where, paths, groups, lights, shown: [],
      curves: Array.from(edges, (edge, n) => ({ edge, width: widths[n], points: curves.slice(6 * n, 6 * n + 6) })),
      tracks: Array.from(radii, (r, track) => ({ track, x: places[2 * track], y: places[2 * track + 1], r })),
      ends: Array.from(radii, (_, track) => `${places[2 * track].toFixed(1)} ${places[2 * track + 1].toFixed(1)}`),
      directions: data.directions.map(([kind, number, x, y]) => ({ kind, number, x, y })),
    };
  }

  /** Show what the view selects: edges, faint lines, the isolated track, the chosen edge. */
  function select({ host, slot, made }) {
    const { geometry, jet: jets, pointing, view: { state } } = window.jetlrp;
    const { jet, svg, paths, groups, ends } = made;
    const order = geometry.considered(jet, state);
    const k = geometry.shownEdges(jet, state, order);
    const number = (place) => jets.numberOf(jet, place);
    const shown = new Set(Array.from(order.subarray(0, k), number));
    made.shown = made.curves.filter(({ edge }) => shown.has(edge));
    for (const [edge, path] of paths) path.classList.toggle("off", !shown.has(edge));

    const { count, opacity } = geometry.restEdges(jet, order, { x: [], y: [], z: [] }, k);
    let lines = "";
    for (let n = k; n < k + count; n++) {
      lines += `M${ends[jet.source[order[n]]]}L${ends[jet.destination[order[n]]]}`;
    }
    const rest = svg.querySelector(".rest");
    rest.setAttribute("d", lines);
    rest.style.strokeOpacity = opacity;

    const alone = state.track !== null && state.track < jet.nTracks ? state.track : null;
    const bright = new Set([alone]);
    for (let n = 0; n < k; n++) bright.add(jet.source[order[n]]).add(jet.destination[order[n]]);
    for (const [track, group] of groups) {
      group.classList.toggle("isolated", track === alone);
      group.classList.toggle("dim", alone !== null && !bright.has(track));
    }
    const chosen = paths.get(state.edge);
    svg.querySelector(".chosen").setAttribute("d", chosen ? chosen.getAttribute("d") : "");
    host.setAttribute("aria-label", (slot === "a" ? "" : "Pinned: ") + pointing.name(jet, made.where, k));
    host.dataset.edges = String(k);
    light(made, slot);
  }

  /** Show a jet in an element, which listens from then on. how: {view, theme}, as the dock has it. */
  async function show(host, slot, jet, how) {
    const mine = hosts.get(host) || start(host, slot);
    mine.jet = jet;
    if (mine.made && mine.made.jet === jet) select(mine); // also while another picture is on its way
    await window.jetlrp.pictures.show("plane", mine.spec, host, jet, how);
    const there = mine.made && host.contains(mine.made.svg) && !host.hasAttribute("aria-busy");
    if (!there || mine.made.jet === mine.jet || !mine.jet) return;
    mine.made.jet = mine.jet; // the same picture of an answer that came anew
    select(mine);
  }

  function start(host, slot) {
    const { pictures, pointing, compare } = window.jetlrp;
    host.classList.add("plane");
    host.tabIndex = 0;
    host.setAttribute("role", "application");
    const said = host.appendChild(document.createElement("div"));
    said.className = "plane-said";
    said.setAttribute("aria-live", "polite");
    const mine = { host, slot, jet: null, made: null };
    mine.spec = {
      ...pictures.USUAL, picture: "plane", empty: "Choose a jet to see it from above.",
      search: (jet, view) => search(slot, jet, view),
      drawn(svg, answer) {
        mine.made = taken(svg, answer, mine.jet);
        select(mine);
      },
    };
    hosts.set(host, mine);
    pointing.listen(host, {
      shown: () => (mine.made && mine.made.svg.isConnected && mine.made.jet === compare.drawn(slot)
        ? { slot, jet: mine.made.jet } : null),
      find: (x, y) => found(mine, x, y),
      spot: (track) => {
        const { x, y } = mine.made.tracks[track];
        return moved(mine, x, y, (matrix) => matrix);
      },
      said,
    });
    return mine;
  }

  /* --------------------------------------------------------------- pointing */

  /** A point of the picture as one of its element, or with the inverse the other way round: the
   * picture is another size for a moment while its element is resized. */
  function moved({ host, made }, x, y, way) {
    const { left, top } = host.getBoundingClientRect();
    const matrix = way(new DOMMatrix().translate(-left, -top).multiply(made.svg.getScreenCTM()));
    const at = new DOMPoint(x, y).matrixTransform(matrix);
    return [at.x, at.y];
  }

  /** What is under a point of the element, for pointing.js: {track}, {edge: its place} or a direction. */
  function found(mine, x, y) {
    const what = nearest(mine.made, ...moved(mine, x, y, (matrix) => matrix.inverse()));
    if (!what || what.edge === undefined) return what;
    const edge = window.jetlrp.jet.placeOf(mine.made.jet, what.edge);
    return edge < 0 ? null : { edge };
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
        const { away } = window.jetlrp.pointing.nearestOn([x, y], before, at);
        if (away <= reach && away < least - 0.5) [best, least] = [{ edge }, away];
        before = at;
      }
    }
    return best;
  }

  /** Ring the track, or trace the edge, that the pointer is on in any panel. */
  function light({ lights, jet, tracks, paths }, slot) {
    const { view, jet: jets } = window.jetlrp;
    const { track, edge } = view.hovered;
    const ring = (number) => {
      const { x, y, r } = tracks[number];
      return `<circle cx="${x}" cy="${y}" r="${r + 4}"/>`;
    };
    let says = "";
    if (slot === "a" && track !== null && track < jet.nTracks) {
      const { x, y, r } = tracks[track];
      says = `${ring(track)}<text x="${x + r + 7}" y="${y - r - 3}">${track}</text>`;
    } else if (slot === "a" && edge !== null && edge < jet.nEdges) {
      const path = paths.get(jets.numberOf(jet, edge));
      says = (path ? `<path d="${path.getAttribute("d")}"/>` : "") +
        ring(jet.source[edge]) + ring(jet.destination[edge]);
    }
    lights.innerHTML = says;
  }

  /* ------------------------------------------------- in its panel, without WebGL */

  async function draw(box, jet, how) {
    const { compare } = window.jetlrp;
    const host = box.querySelector(".plane-host") || box.appendChild(document.createElement("div"));
    host.className ||= "plane-host";
    await show(host, "a", jet && compare.drawn("a"), how);
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
    for (const { target } of entries) window.jetlrp.scene.draw(target.id);
  });

  /** The plane in place of the 3D scene in its div, with a sentence that says why. */
  function standIn(div, slot, scene, { theme }) {
    if (!div.querySelector(".plane-host")) {
      div.innerHTML = '<p class="plane-why"><b>This browser draws no 3D</b> (WebGL is off), so the jet is ' +
        "shown from above. Hardware acceleration in the browser’s settings brings the 3D plot back; " +
        'everything else works as it is.</p><div class="plane-host"></div>';
      resized.observe(div);
    }
    return show(div.lastChild, slot, scene, { view: window.jetlrp.view.state, theme });
  }

  document.addEventListener("DOMContentLoaded", () => {
    window.jetlrp.view.onHover(() => {
      for (const { made, slot } of hosts.values()) if (made) light(made, slot);
    });
  });

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.plane = { webgl, standIn };
  window.jetlrp.dock.panel("plane", { keys: [...PICTURED, ...SELECTED], draw });
})();
