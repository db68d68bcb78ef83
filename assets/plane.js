/* The jet seen along its axis, in the plane of its two angles (or of whatever axes are chosen): the
 * tracks, edges, colours and widths of the scene as SVG. It follows the view as the scene does, and
 * stands in for it where the browser draws no 3D.
 *
 *   picture  jet and view -> what stands where, in pixels, and its SVG (pure)
 *   nearest  a point -> the track, edge or direction under it (pure)
 *   named    directions -> the same, each with a place for its name beside the others (pure)
 *
 * On window.jetlrp.plane.
 */
(function () {
  "use strict";

  const RINGS = [0.4, 0.8]; // ΔR around the jet axis
  const WIDE = 2.3; // width over height that the picture has at most
  const NAME = { wide: 15, high: 15 }; // px that the name of a direction takes: "b" with a number
  const MARK = 7; // px from the middle of a direction's mark to its ends
  /* Where a name may stand beside its mark, the best first: to the right (1), left, or amid; up or down. */
  const PLACES = [[1, -1], [-1, -1], [1, 1], [-1, 1], [0, -1], [0, 1], [1, 0], [-1, 0]];
  const ROUNDS = 4; // in which names of directions are moved out of each other's way
  const REACH = 6; // px around a curve in which it is pointed at
  const GRADIENTS = 600; // curves that are shaded one by one; of more, nobody sees the ends
  const DRAWN_BY = ["pin", "difference", "edges", "least", "x", "y", "size", "color", "edgecolor",
                    "marks", "track", "ways", "edge", "talk"];

  /* ---------------------------------------------------------------- where */

  const text = (html) => html.replace(/<sub>(.*?)<\/sub>/g, "_$1");
  const round = (value) => value.toFixed(1);

  /** Ranges of the two axes and where they stand in a box: {left, top, wide, high, x, y, scale}.
   *
   * x(value), y(value) in pixels. Of two angles both have the same scale, so that a circle is one,
   * with the jet axis in the middle.
   */
  function frameOf(jet, where, width, height, type) {
    const small = Math.min(width, height) < 300;
    const left = (small ? 44 : 54) * type, right = 12, top = 10, bottom = (small ? 34 : 42) * type;
    const high = Math.max(20, height - top - bottom);
    const across = Math.max(20, width - left - right);
    const wide = where.angles ? Math.min(across, WIDE * high) : across;
    const from = left + (across - wide) / 2;
    const { geometry } = window.jetlrp;
    let ranges = ["x", "y"].map((side) => [where.axes[side].low, where.axes[side].high]);
    if (where.angles) {
      const reach = (values, key) => 1.1 * Math.max(0.05,
        ...[...values, ...geometry.directions(jet).map((one) => one[key])].map(Math.abs));
      const scale = Math.min(wide / reach(where.x, "etarel"), high / reach(where.y, "phirel"));
      ranges = [[-wide / scale, wide / scale], [-high / scale, high / scale]];
    }
    const [[x0, x1], [y0, y1]] = ranges;
    const ticks = (side, low, up, count) => {
      const axis = where.axes[side];
      if (!where.angles) {
        return axis.tickvals.map((value, at) => ({ value, text: axis.ticktext[at] }));
      }
      return geometry.ticksBetween(low, up, count).map((value) => ({
        value, text: String(+value.toPrecision(3)).replace("-", "−") }));
    };
    return {
      left: from, top, wide, high, width, height, small, type,
      zoom: Math.max(0.72, Math.min(1.1, Math.min(wide, high) / 420)),
      x: (value) => from + ((value - x0) / (x1 - x0 || 1)) * wide,
      y: (value) => top + high - ((value - y0) / (y1 - y0 || 1)) * high,
      unit: wide / (x1 - x0 || 1),
      ticks: { x: ticks("x", x0, x1, wide / (44 * type)), y: ticks("y", y0, y1, high / (44 * type)) },
    };
  }

  /** Colours and shapes of the tracks, as in the scene: [{color, shape}]. */
  function looks(jet, view, theme, scales) {
    const { SHAPES, CHARGE_SHAPES, byOrigin, byCharge, chargeColour } = window.jetlrp.legend;
    const { scale, css } = window.jetlrp.colours;
    if (byOrigin(jet, view)) {
      return Array.from(jet.truth.origin, (origin) =>
        ({ color: theme.origins[origin], shape: SHAPES[origin] }));
    }
    if (byCharge(jet, view)) {
      return Array.from(jet.tracks.charge, (q) =>
        ({ color: chargeColour(theme, q), shape: q > 0 ? CHARGE_SHAPES.plus : CHARGE_SHAPES.minus }));
    }
    const colourOf = scale(theme.diverging);
    const most = scales.relevance || 1;
    return Array.from(jet.tracks.relevance, (value) =>
      ({ color: css(colourOf(0.5 + 0.5 * (value / most))), shape: "circle" }));
  }

  /* ---------------------------------------------------------------- picture */

  /** The picture of a jet in a box: {svg, at, tracks, curves, directions, where, order, k}. */
  function picture(jet, view, theme, { scales, width, height }) {
    const { geometry, scene } = window.jetlrp;
    const where = geometry.frame(jet, { ...view, z: geometry.AXES.z });
    const order = geometry.considered(jet, view);
    const k = geometry.shownEdges(jet, view, order);
    const at = frameOf(jet, where, width, height, theme.type || 1);
    const diameters = scene.sizes(jet, view, scales);
    const look = looks(jet, view, theme, scales);
    const dim = scene.dimmed(jet, view, order, k);
    const tracks = Array.from({ length: jet.nTracks }, (_, track) => ({
      track, x: at.x(where.x[track]), y: at.y(where.y[track]), r: (diameters[track] / 2) * at.zoom,
      ...look[track], dim: Boolean(dim && dim[track]),
    }));
    const curves = geometry.strongEdges(jet, order, where, k, { view, theme, scales })
      .flatMap((bunch) => curvesOf(bunch, order, at));
    const rest = geometry.restEdges(jet, order, where, k);
    const directions = where.angles ? named(geometry.directions(jet).map((one) => ({
      kind: one.b ? "b-hadron" : "subjet", number: one.b || one.number,
      x: at.x(one.etarel), y: at.y(one.phirel) })), at) : [];
    const made = { at, tracks, curves, directions, where, order, k };
    const clip = `plane-clip-${Math.round(at.left)}-${Math.round(at.wide)}-${Math.round(at.high)}`;
    made.svg = `<clipPath id="${clip}"><rect x="${at.left}" y="${at.top}" width="${at.wide}"` +
      ` height="${at.high}"/></clipPath>` + axesSvg(where, at) +
      `<g clip-path="url(#${clip})">${ringsSvg(where, at)}${restSvg(rest, at, theme)}</g>` +
      curvesSvg(curves, at) + chosenSvg(jet, view, where, at, theme) +
      tracksSvg(jet, tracks, view) + directionsSvg(directions, view, theme, jet) +
      '<g class="plane-lights"></g>';
    return made;
  }

  /** The curves of one width: [{edge, points [[x, y]], width, opacity, from, to}]. */
  function curvesOf(bunch, order, at) {
    const { STRIDE, SEGMENTS } = window.jetlrp.geometry;
    return Array.from({ length: bunch.count }, (_, n) => {
      const first = n * STRIDE;
      const points = Array.from({ length: SEGMENTS + 1 }, (_, s) =>
        [at.x(bunch.x[first + s]), at.y(bunch.y[first + s])]);
      return {
        edge: order[bunch.start + n], points, width: bunch.width * at.zoom, opacity: bunch.opacity,
        from: bunch.color[first], to: bunch.color[first + SEGMENTS],
      };
    });
  }

  /** The quadratic Bezier curve through the points of an edge, which are taken from one. */
  function path(points) {
    const [a, m, b] = [points[0], points[(points.length - 1) / 2], points[points.length - 1]];
    const bend = [0, 1].map((side) => 2 * m[side] - (a[side] + b[side]) / 2);
    return `M${round(a[0])} ${round(a[1])}Q${round(bend[0])} ${round(bend[1])} ` +
      `${round(b[0])} ${round(b[1])}`;
  }

  function axesSvg(where, at) {
    const { inSvg } = window.jetlrp.numbers;
    const { left, top, wide, high, type } = at;
    const bottom = top + high;
    const inside = (value, low, up) => value >= low - 0.5 && value <= up + 0.5;
    const x = at.ticks.x.filter(({ value }) => inside(at.x(value), left, left + wide)).map((tick) =>
      `<line x1="${round(at.x(tick.value))}" x2="${round(at.x(tick.value))}" y1="${top}" y2="${bottom}"/>` +
      `<text x="${round(at.x(tick.value))}" y="${round(bottom + 13 * type)}" text-anchor="middle">${tick.text}</text>`);
    const y = at.ticks.y.filter(({ value }) => inside(at.y(value), top, bottom)).map((tick) =>
      `<line x1="${left}" x2="${left + wide}" y1="${round(at.y(tick.value))}" y2="${round(at.y(tick.value))}"/>` +
      `<text x="${round(left - 5)}" y="${round(at.y(tick.value))}" text-anchor="end" class="middle">${tick.text}</text>`);
    return `<g class="axes">${x.join("")}${y.join("")}` +
      `<rect x="${left}" y="${top}" width="${wide}" height="${high}"/>` +
      `<text class="title" x="${left + wide / 2}" y="${round(at.height - 6)}" text-anchor="middle">` +
      `${inSvg(text(where.axes.x.title))}</text>` +
      `<text class="title" transform="translate(${round(left - (at.small ? 32 : 40) * type)},` +
      `${round(top + high / 2)}) rotate(-90)" text-anchor="middle">${inSvg(text(where.axes.y.title))}</text></g>`;
  }

  /** The jet axis, and how far 0.4 and 0.8 are. */
  function ringsSvg(where, at) {
    if (!where.angles) return "";
    const [x, y] = [at.x(0), at.y(0)];
    return '<g class="rings">' + RINGS.map((delta) => {
      const r = delta * at.unit;
      const side = Math.SQRT1_2 * r;
      return `<circle cx="${round(x)}" cy="${round(y)}" r="${round(r)}"/>` +
        `<text x="${round(x + side + 3)}" y="${round(y - side - 2)}">ΔR ${delta}</text>`;
    }).join("") + `<path class="jet-axis" d="M${round(x - 9)} ${round(y)}h18M${round(x)} ${round(y - 9)}v18"/></g>`;
  }

  function restSvg(rest, at, theme) {
    let d = "";
    for (let n = 0; n < rest.count; n++) {
      d += `M${round(at.x(rest.x[3 * n]))} ${round(at.y(rest.y[3 * n]))}` +
        `L${round(at.x(rest.x[3 * n + 1]))} ${round(at.y(rest.y[3 * n + 1]))}`;
    }
    return `<path class="rest" d="${d}" stroke="${theme.rest}" opacity="${rest.opacity}"/>`;
  }

  /** The weakest first, so that the strongest are on top. */
  function curvesSvg(curves, at) {
    const shaded = curves.length <= GRADIENTS;
    const own = `plane-${Math.round(at.width)}-${Math.round(at.height)}`;
    const fills = shaded ? curves.map(({ points, from, to }, n) => {
      const [a, b] = [points[0], points[points.length - 1]];
      return `<linearGradient id="${own}-${n}" gradientUnits="userSpaceOnUse" x1="${round(a[0])}"` +
        ` y1="${round(a[1])}" x2="${round(b[0] + 0.01)}" y2="${round(b[1])}"><stop stop-color="${from}"/>` +
        `<stop offset="1" stop-color="${to}"/></linearGradient>`;
    }).join("") : "";
    return `<defs>${fills}</defs><g class="edges">` + curves.map((curve, n) =>
      `<path d="${path(curve.points)}" stroke="${shaded ? `url(#${own}-${n})` : curve.to}"` +
      ` stroke-width="${curve.width.toFixed(2)}" opacity="${curve.opacity.toFixed(2)}"/>`)
      .reverse().join("") + "</g>";
  }

  /** The edge whose card is open, drawn over the others. */
  function chosenSvg(jet, view, where, at, theme) {
    if (view.edge === null || view.edge === undefined) return "";
    const edge = window.jetlrp.jet.placeOf(jet, view.edge);
    return edge < 0 ? "" : `<path class="chosen" d="${path(pointsOf(jet, where, at, edge))}"` +
      ` stroke="${theme.accent}" stroke-width="${9 * at.zoom}"/>`;
  }

  const pointsOf = (jet, where, at, edge) =>
    window.jetlrp.geometry.curve(where, jet.source[edge], jet.destination[edge])
      .map(([x, y]) => [at.x(x), at.y(y)]);

  const boxAround = (x, y, wide, high) =>
    ({ left: x - wide / 2, right: x + wide / 2, top: y - high / 2, bottom: y + high / 2 });

  /** The area that two boxes share. */
  const shared = (one, other) =>
    Math.max(0, Math.min(one.right, other.right) - Math.max(one.left, other.left)) *
    Math.max(0, Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top));

  /** Give each direction {x, y} the box in which its name stands: beside its mark, where it covers no
   * other name, stays in the frame `at` if it can, and covers little of the other marks. */
  function named(directions, at) {
    const marks = directions.map(({ x, y }) => boxAround(x, y, 2 * MARK, 2 * MARK));
    const frame = { left: at.left, right: at.left + at.wide, top: at.top, bottom: at.top + at.high };
    const all = NAME.wide * NAME.high;
    const names = [];
    const costOf = (box, own) => Math.round(10 * (all - shared(box, frame)) +
      names.reduce((sum, name, n) => sum + (n === own ? 0 : 10_000 * shared(box, name)), 0) +
      marks.reduce((sum, mark, n) => sum + (n === own ? 0 : shared(box, mark)), 0));
    for (let round = 0; round < ROUNDS; round++) { // those before make room for those after
      directions.forEach(({ x, y }, own) => {
        const boxes = PLACES.map(([side, way]) => boxAround(
          x + side * (MARK + 1 + NAME.wide / 2),
          y + way * ((side ? 2 : MARK + 2) + NAME.high / 2), NAME.wide, NAME.high));
        const costs = boxes.map((box) => costOf(box, own));
        names[own] = boxes[costs.indexOf(Math.min(...costs))];
      });
    }
    return directions.map((one, n) => ({ ...one, name: names[n] }));
  }

  function directionsSvg(directions, view, theme, jet) {
    const b = window.jetlrp.legend.byOrigin(jet, view) ? theme.origins[1] : theme.text;
    return '<g class="directions">' + directions.map(({ kind, number, x, y, name }) => {
      const middle = (name.left + name.right) / 2;
      const [anchor, from] = middle > x + 1 ? ["start", name.left]
        : middle < x - 1 ? ["end", name.right] : ["middle", middle];
      const mark = kind === "subjet" ? `M${round(x - 5)} ${round(y - 5)}l10 10m0 -10l-10 10`
        : `M${round(x)} ${round(y - 7)}l7 7l-7 7l-7 -7z`;
      const colour = kind === "subjet" ? theme.text : b;
      return `<path d="${mark}" class="halo"/><path d="${mark}" stroke="${colour}"/><text x="${round(from)}" y="${round(name.bottom - 4)}"` +
        ` text-anchor="${anchor}" style="fill:${colour}">${kind === "subjet" ? "j" : "b"}<tspan dy="3" font-size="78%">${number}` +
        "</tspan></text>";
    }).join("") + "</g>";
  }

  /** The large ones first, so that the small ones are not hidden. */
  function tracksSvg(jet, tracks, view) {
    const { MARKS } = window.jetlrp.legend;
    const alone = view.track !== null && view.track < jet.nTracks ? view.track : null;
    return '<g class="tracks">' + [...tracks].sort((a, b) => b.r - a.r).map((one) => {
      const { track, x, y, r, color, shape, dim } = one;
      const open = shape.endsWith("-open");
      const body = shape === "circle" ? `<circle r="${round(r)}" fill="${color}"/>`
        : `<g transform="scale(${(r / 5).toFixed(3)}) translate(-6 -6)"` +
          ` fill="${open ? "none" : color}"${open ? ` stroke="${color}"` : ""}>${MARKS[shape]}</g>`;
      const ring = view.marks && jet.tracks.displaced[track]
        ? `<circle class="ring" r="${round(r + 3.5)}"/>` : "";
      const sign = !view.marks ? "" : jet.tracks.muon[track] ? "μ" : jet.tracks.electron[track] ? "e" : "";
      return `<g data-track="${track}" class="${dim ? "dim" : ""}" transform="translate(${round(x)} ${round(y)})">` +
        `${body}${ring}${track === alone ? `<circle class="alone" r="${round(r + 5)}"/>` : ""}` +
        (sign ? `<text x="${round(r + (ring ? 6 : 3))}" class="middle">${sign}</text>` : "") + "</g>";
    }).join("") + "</g>";
  }

  /* --------------------------------------------------------------- pointing */

  /** What is under a point: {track}, {edge}, {kind, number} of a direction, or null. */
  function nearest(made, x, y) {
    let best = null;
    let least = Infinity;
    for (const one of made.tracks) {
      const away = Math.hypot(one.x - x, one.y - y);
      if (away <= Math.max(one.r + 1, REACH) && away - one.r / 4 < least) {
        [best, least] = [{ track: one.track }, away - one.r / 4];
      }
    }
    if (best) return best;
    const sign = made.directions.find((one) => Math.hypot(one.x - x, one.y - y) <= REACH + 2);
    if (sign) return { kind: sign.kind, number: sign.number };
    for (const { edge, points, width } of made.curves) {
      for (let s = 1; s < points.length; s++) {
        const { away } = window.jetlrp.pointing.nearestOn([x, y], points[s - 1], points[s]);
        if (away <= Math.max(REACH, width / 2 + 1) && away < least - 0.5) {
          [best, least] = [{ edge }, away];
        }
      }
    }
    return best;
  }

  const pictures = new Map(); // host -> {slot, jet, made}

  /** Ring the track, or trace the edge, that the pointer is on in any panel. */
  function lights() {
    const { track, edge } = window.jetlrp.view.hovered;
    for (const [host, { slot, jet, made }] of pictures) {
      const layer = host.querySelector(".plane-lights");
      if (!layer || slot !== "a") continue;
      const ring = (number) => {
        const { x, y, r } = made.tracks[number];
        return `<circle cx="${round(x)}" cy="${round(y)}" r="${round(r + 4)}"/>`;
      };
      layer.innerHTML = track !== null && track < jet.nTracks
        ? ring(track) + `<text x="${round(made.tracks[track].x + made.tracks[track].r + 7)}"` +
          ` y="${round(made.tracks[track].y - made.tracks[track].r - 3)}">${track}</text>`
        : edge !== null && edge < jet.nEdges
          ? `<path d="${path(pointsOf(jet, made.where, made.at, edge))}"/>` +
            ring(jet.source[edge]) + ring(jet.destination[edge]) : "";
    }
  }

  /* --------------------------------------------------------------- drawing */

  /** Draw a jet into an element; it listens from then on. */
  function drawInto(host, slot, jet, { view, theme, scales }) {
    if (!host.querySelector(".plane-said")) {
      host.classList.add("plane");
      host.tabIndex = 0;
      host.setAttribute("role", "application");
      host.innerHTML = '<svg></svg><div class="plane-said" aria-live="polite"></div>';
      window.jetlrp.pointing.listen(host, {
        shown: () => pictures.get(host) || null,
        find: (x, y) => nearest(pictures.get(host).made, x, y),
        spot: (track) => {
          const one = pictures.get(host).made.tracks[track];
          return [one.x, one.y];
        },
        said: host.querySelector(".plane-said"),
      });
    }
    const { clientWidth: width, clientHeight: height } = host;
    const made = picture(jet, view, theme, { scales, width, height });
    pictures.set(host, { slot, jet, made });
    host.firstChild.setAttribute("viewBox", `0 0 ${width} ${height}`);
    host.firstChild.innerHTML = made.svg;
    const { axes } = made.where;
    host.setAttribute("aria-label", window.jetlrp.pointing.name(
      jet, `in the plane of ${text(axes.x.title)} and ${text(axes.y.title)}`, made.k));
    lights();
    return made;
  }

  function draw(box, jet, { theme }) {
    const started = performance.now();
    const { compare } = window.jetlrp;
    if (!jet) {
      pictures.delete(box.querySelector(".plane"));
      box.innerHTML = '<p class="plane-empty hint">Choose a jet to see it from above.</p>';
      return;
    }
    if (!box.querySelector(".plane-host")) box.innerHTML = '<div class="plane-host"></div>';
    const made = drawInto(box.firstChild, "a", compare.drawn("a"),
      { view: compare.look(), theme, scales: compare.scales() });
    Object.assign(box.dataset, { drawn: String(jet.jet.index), edges: String(made.k),
                                 ms: (performance.now() - started).toFixed(1) });
  }

  /* ---------------------------------------------------------- without WebGL */

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
  function standIn(div, slot, jet, drawing) {
    if (!div.querySelector(".plane-host")) {
      div.innerHTML = '<p class="plane-why"><b>This browser draws no 3D</b> (WebGL is off), so the jet is ' +
        "shown from above. Hardware acceleration in the browser’s settings brings the 3D plot back; " +
        'everything else works as it is.</p><div class="plane-host"></div>';
      resized.observe(div);
    }
    return drawInto(div.lastChild, slot, jet, drawing);
  }

  document.addEventListener("DOMContentLoaded", () => window.jetlrp.view.onHover(lights));

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.plane = { RINGS, picture, nearest, named, webgl, standIn };
  window.jetlrp.dock.panel("plane", { keys: DRAWN_BY, draw });
})();
