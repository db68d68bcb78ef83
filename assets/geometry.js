/* Where everything in the network plot stands, as pure functions of a jet and a view.
 *
 *   significances --rank--> strongest k --bins of equal significance--> curves of 8 widths
 *                                  the others ------------------------> one faint trace
 *
 * Whoever draws this (the scene, the plane, an export) draws these vertices.
 * On window.jetlrp.geometry.
 */
(function () {
  "use strict";

  const BINS = 8; // widths an edge can have
  const SEGMENTS = 8; // straight pieces of one curve
  const STRIDE = SEGMENTS + 2; // points of one curve, and the gap behind it
  const BEND = 0.11; // height of a curve over its chord, as a share of the chord
  const MAX_STRONG = 2000; // more curves than this are neither readable nor fast
  const MAX_REST = 4000; // faint lines drawn for the edges that come next
  const HEIGHT_OF_BOX = 1.02; // height of the scene over its width
  const NARROW = 1.34; // width over height of a stage below which a camera steps back
  const LOOKS = { x: 1.26, y: -1.44, z: 0.66 }; // where from, at first: from the centre to the eye
  const ROOM = { left: 72, above: 30, right: 48, below: 30 }; // px for words around the box
  const LARGE = 1.12; // length of the box without perspective, where there is room for it
  const ANGLE = Math.tan(Math.PI / 8); // half of the picture's height, as seen from a distance of 1
  const UPRIGHT = 24; // points of an upright line, less one
  const SOURCE_SHADE = 0.42; // how much of an edge's colour it has where it starts
  const AXES = { x: "track_etarel", y: "track_phirel", z: "log:track_pt" };

  const TITLES = {
    track_etarel: "sign(η<sub>jet</sub>) · Δη",
    track_phirel: "Δφ  (rad)",
    track_pt: "track p<sub>T</sub>  (GeV)",
  };

  /* -------------------------------------------------------- number of edges */

  /** How many edges to draw at first: a fifth of them, at most 150. */
  function defaultEdges(nEdges) {
    return Math.min(150, Math.ceil(nEdges / 5));
  }

  function mostEdges(nEdges) {
    return Math.min(nEdges, MAX_STRONG);
  }

  /** Slider position 0..1 -> number of edges; logarithmic, so that few edges are easy to choose. */
  function edgesAt(position, nEdges) {
    const most = mostEdges(nEdges);
    if (most <= 1) return most;
    return Math.max(1, Math.min(most, Math.round(Math.exp(position * Math.log(most)))));
  }

  function positionOf(edges, nEdges) {
    const most = mostEdges(nEdges);
    if (most <= 1) return 1;
    return Math.log(Math.max(1, Math.min(most, edges))) / Math.log(most);
  }

  /** The edges that are considered, the most significant first: all, or those of one track.
   *
   * view.track: number of the track, or null; view.ways: "in", "out" or "both".
   */
  function considered(scene, view) {
    const track = view.track;
    if (track === null || track === undefined || track >= scene.nTracks) return scene.order;
    return scene.order.filter((edge) =>
      (view.ways !== "in" && scene.source[edge] === track) ||
      (view.ways !== "out" && scene.destination[edge] === track));
  }

  /** How many of the considered edges are drawn as curves: by number, or by least significance. */
  function shownEdges(scene, view, order) {
    const most = mostEdges(order.length);
    if (view.least !== null && view.least !== undefined) {
      let low = 0, high = order.length; // order falls, so the first that is too small is sought
      while (low < high) {
        const middle = (low + high) >> 1;
        if (scene.significance[order[middle]] >= view.least) low = middle + 1;
        else high = middle;
      }
      return Math.min(low, most);
    }
    const wanted = view.edges === null || view.edges === undefined
      ? defaultEdges(scene.nEdges) : view.edges;
    return Math.max(Math.min(1, most), Math.min(wanted, most));
  }

  /* ------------------------------------------------------- widths and sizes */

  /** Width in pixels of an edge whose significance is the fraction f of the largest. */
  function widthOf(f) {
    return 0.7 + 6.6 * Math.pow(Math.max(0, Math.min(1, f)), 1.6);
  }

  /** The bin of a fraction of the largest significance: 0 (faintest) to 7 (strongest). */
  function binOf(f) {
    return Math.max(0, Math.min(BINS - 1, Math.floor(f * BINS)));
  }

  const binMiddle = (bin) => (bin + 0.5) / BINS;
  const opacityOf = (bin) => 0.5 + 0.5 * Math.sqrt(binMiddle(bin));

  /** Diameter in pixels of a track: its area grows with the share of the largest. */
  function sizeOf(value, most) {
    return 5.5 + 17 * Math.sqrt(most > 0 ? Math.abs(value) / most : 0);
  }

  /** The largest significance, relevance and momentum of all jets that are shown together. */
  function scalesOf(scenes) {
    const most = (name) => Math.max(0, ...scenes.map((scene) => scene[name]));
    return {
      significance: most("maxSignificance"),
      signed: most("maxSigned"),
      relevance: most("maxRelevance"),
      pt: most("maxPt"),
    };
  }

  /* ------------------------------------------------------------------ axes */

  function niceStep(span, most) {
    const rough = span / most;
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 2.5, 5, 10].find((s) => s * power >= rough * 0.999);
    return step * power;
  }

  /** Tick values from 0 to `most`, at most `count` of them after the zero. */
  function ticks(most, count) {
    if (!(most > 0)) return [0];
    return ticksBetween(0, most, count);
  }

  /** Round tick values between two limits, about `count` of them. */
  function ticksBetween(low, high, count) {
    if (!(high > low)) return [low];
    const step = niceStep(high - low, count);
    const values = [];
    for (let i = Math.ceil(low / step - 1e-4); i * step <= high + 1e-4 * step; i++) {
      values.push(i * step);
    }
    return values;
  }

  const tickText = (value) => String(+value.toPrecision(3)).replace("-", "−");

  /** Ticks of a logarithmic axis between two powers of ten; between neighbouring ones, such as 1.1
   * and 1.7, round numbers as on a linear axis. */
  function logTicks(low, high) {
    const tickvals = [];
    const ticktext = [];
    const digits = high - low > 4 ? [1] : high - low > 2.2 ? [1, 3] : [1, 2, 5];
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
      for (const digit of digits) {
        const value = Math.log10(digit) + power;
        if (value < low || value > high) continue;
        tickvals.push(value);
        ticktext.push(String(+(digit * Math.pow(10, power)).toPrecision(2)));
      }
    }
    if (tickvals.length < 2) {
      const [from, to] = [Math.pow(10, low), Math.pow(10, high)];
      const fine = ticksBetween(from, to, 5).filter((one) => one >= from && one <= to);
      return { tickvals: fine.map(Math.log10), ticktext: fine.map(tickText) };
    }
    return { tickvals, ticktext };
  }

  /** The title of an axis with its unit, as the HTML that Plotly reads. */
  function axisTitle(scene, name) {
    if (TITLES[name]) return TITLES[name];
    const feature = scene.features.get(name);
    if (!feature) return name;
    const title = window.jetlrp.numbers.symbol(feature.title);
    return feature.unit ? `${title}  (${feature.unit})` : title;
  }

  /** One axis: values [n_tracks] where the tracks stand on it, its range and its ticks.
   *
   * spec   name of a feature; "log:" in front where it is to be its decimal logarithm, which only
   *        features that are positive for every track can be
   */
  function axisOf(scene, spec) {
    const name = spec.replace(/^log:/, "");
    const raw = Array.from(scene.values.column(name) || new Float64Array(scene.nTracks));
    const least = Math.min(...raw);
    const most = Math.max(...raw);
    const log = spec.startsWith("log:") && least > 0;
    const values = log ? raw.map(Math.log10) : raw;
    let low = log ? Math.log10(least) : least;
    let high = log ? Math.log10(most) : most;
    const margin = log ? Math.max(0.06, (high - low) * 0.06)
      : (high - low) * 0.06 || Math.max(1e-3, Math.abs(high) * 0.1);
    const fromZero = !log && low >= 0 && low < 0.5 * high;
    low = fromZero ? 0 : low - margin;
    high += margin;
    const linear = ticksBetween(low, high, 5);
    return {
      name, log, values, low, high,
      title: axisTitle(scene, name) + (log ? " · log" : least > 0 ? " · linear" : ""),
      ...(log ? logTicks(low, high) : { tickvals: linear, ticktext: linear.map(tickText) }),
    };
  }

  /** Where things stand: {x, y, z: values [n_tracks], axes: {x, y, z}, angles}.
   *
   * angles: whether the floor is that of the two angles, which then have one scale, symmetric
   * around the jet axis; directions (of subjets and b-hadrons) have a place only there.
   */
  function frame(scene, wanted = {}) {
    const spec = { ...AXES, ...wanted };
    for (const side of ["x", "y", "z"]) {
      if (!scene.values.column(spec[side].replace(/^log:/, ""))) spec[side] = AXES[side];
    }
    const axes = { x: axisOf(scene, spec.x), y: axisOf(scene, spec.y), z: axisOf(scene, spec.z) };
    const angles = spec.x === AXES.x && spec.y === AXES.y;
    if (angles) {
      const all = [...axes.x.values, ...axes.y.values,
        ...directions(scene).flatMap((one) => [one.etarel, one.phirel])].map(Math.abs);
      const reach = Math.max(0.05, ...all) * 1.06;
      const tickvals = ticksBetween(-reach, reach, 6);
      for (const side of ["x", "y"]) {
        Object.assign(axes[side], {
          low: -reach, high: reach, tickvals, ticktext: tickvals.map(tickText) });
      }
    }
    return { x: axes.x.values, y: axes.y.values, z: axes.z.values, axes, angles };
  }

  /** The directions that are known beside the tracks: of subjets, and of simulated b-hadrons. */
  function directions(scene) {
    return [...scene.subjets, ...scene.bHadrons];
  }

  const LENGTH = { x: 1, y: 1, z: HEIGHT_OF_BOX };

  /** Directions of the box as long as they look, so that a bend looks the same everywhere. */
  function intoBox(where, track) {
    return ["x", "y", "z"].map((side) => {
      const { low, high } = where.axes[side];
      return (LENGTH[side] * (where[side][track] - low)) / (high - low || 1);
    });
  }

  function outOfBox(where, point) {
    return ["x", "y", "z"].map((side, at) => {
      const { low, high } = where.axes[side];
      return (point[at] / LENGTH[side]) * (high - low || 1) + low;
    });
  }

  /* ---------------------------------------------------------------- curves */

  /** The top of the bend, in the box: to the left of the way from source to destination, so that
   * an edge and the one that goes back bend apart. */
  function bendOf(a, b) {
    const way = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
    const length = Math.hypot(...way);
    let side = [-way[1], way[0], 0];
    let width = Math.hypot(side[0], side[1]);
    if (width < 1e-6 * length || width === 0) {
      side = [Math.sign(way[2]) || 1, 0, 0];
      width = 1;
    }
    return a.map((value, i) => (value + b[i]) / 2 + (2 * BEND * length * side[i]) / width);
  }

  /** SEGMENTS + 1 points from the source to the destination: a quadratic Bezier curve. */
  function curve(where, source, destination) {
    const a = intoBox(where, source);
    const b = intoBox(where, destination);
    const bend = bendOf(a, b);
    const points = [];
    for (let s = 0; s <= SEGMENTS; s++) {
      const t = s / SEGMENTS;
      points.push(outOfBox(where, a.map((value, i) =>
        (1 - t) * (1 - t) * value + 2 * t * (1 - t) * bend[i] + t * t * b[i])));
    }
    return points;
  }

  /** Signed relevance as colour shows it: the square root of its share, with its sign, since most
   * edges are far weaker than the strongest; the legend writes true values beside it. */
  const compressed = (share) => Math.sign(share) * Math.sqrt(Math.abs(share));

  /** The colour of an edge where it ends, as a function of the edge: by significance, or by
   * signed relevance (view.edgecolor). */
  function edgeColour(scene, view, theme, scales) {
    const { scale } = window.jetlrp.colours;
    if (view.edgecolor === "relevance") {
      const colourOf = scale(theme.diverging);
      const most = scales.signed || 1;
      return (edge) => colourOf(0.5 + 0.5 * compressed(scene.signed[edge] / most));
    }
    const colourOf = scale(theme.sequential);
    const most = scales.significance || 1;
    return (edge) => colourOf(scene.significance[edge] / most);
  }

  /** The first k edges of `order` as BINS bunches of curves.
   *
   * Each: {bin, start, count, width, opacity, x, y, z, color}; start is the place in `order` of
   * its first edge, and edge start + n fills the points n * STRIDE to n * STRIDE + SEGMENTS, with
   * a gap (NaN) behind it. Width is the edge's significance; colour is duller at the source and
   * full at the destination.
   */
  function strongEdges(scene, order, where, k, { view, theme, scales }) {
    const { channels, mix, css } = window.jetlrp.colours;
    const bunches = [];
    const colourOf = edgeColour(scene, view, theme, scales);
    const ground = channels(theme.panel);
    const shown = Math.min(k, order.length);
    const most = scales.significance;
    let place = 0;
    for (let bin = BINS - 1; bin >= 0; bin--) {
      const start = place;
      while (place < shown &&
             (most > 0 ? binOf(scene.significance[order[place]] / most) : 0) === bin) place++;
      const count = place - start;
      const x = new Float32Array(count * STRIDE).fill(NaN);
      const y = new Float32Array(count * STRIDE).fill(NaN);
      const z = new Float32Array(count * STRIDE).fill(NaN);
      const color = new Array(count * STRIDE).fill("rgb(0,0,0)");
      for (let n = 0; n < count; n++) {
        const edge = order[start + n];
        const full = colourOf(edge);
        const points = curve(where, scene.source[edge], scene.destination[edge]);
        points.forEach((point, s) => {
          const at = n * STRIDE + s;
          [x[at], y[at], z[at]] = point;
          color[at] = css(mix(ground, full, SOURCE_SHADE + (1 - SOURCE_SHADE) * (s / SEGMENTS)));
        });
      }
      bunches.push({
        bin, start, count, width: widthOf(binMiddle(bin)), opacity: opacityOf(bin), x, y, z, color,
      });
    }
    return bunches;
  }

  /** The edges of `order` behind the first k, as straight faint lines. */
  function restEdges(scene, order, where, k) {
    const count = Math.max(0, Math.min(order.length - k, MAX_REST));
    const x = new Float32Array(count * 3).fill(NaN);
    const y = new Float32Array(count * 3).fill(NaN);
    const z = new Float32Array(count * 3).fill(NaN);
    for (let n = 0; n < count; n++) {
      const edge = order[k + n];
      [scene.source[edge], scene.destination[edge]].forEach((track, end) => {
        x[3 * n + end] = where.x[track];
        y[3 * n + end] = where.y[track];
        z[3 * n + end] = where.z[track];
      });
    }
    return { count, x, y, z, opacity: Math.max(0.015, Math.min(0.12, 40 / Math.max(1, count))) };
  }

  /** A direction: an upright line from the floor to the top. */
  function direction(where, { etarel, phirel }) {
    const { low, high } = where.axes.z;
    const z = Array.from({ length: UPRIGHT + 1 }, (_, i) => low + ((high - low) * i) / UPRIGHT);
    return { x: z.map(() => etarel), y: z.map(() => phirel), z };
  }

  /** The place in the drawn order of the edge under the pointer. */
  const placeAt = (start, pointNumber) => start + Math.floor(pointNumber / STRIDE);

  /* ---------------------------------------------------------------- camera */

  /** Where the camera stands at first, on a stage of so many px: as near as all of the box, with its
   * words around it, is on the stage. It looks at a point of the upright axis, so that the box turns
   * around its own middle. Without perspective its distance does not count. above: px left free;
   * type: how large its words are, over the usual. */
  function cameraFor(width, height, projection = "perspective", above = ROOM.above, type = 1) {
    const at = (away, center) => ({
      eye: { x: LOOKS.x * away, y: LOOKS.y * away, z: LOOKS.z * away + center },
      center: { x: 0, y: 0, z: center },
      up: { x: 0, y: 0, z: 1 },
    });
    if (projection !== "perspective") return at(1, 0);
    const [w, h] = width > 0 && height > 0 ? [width, height] : [800, 600];
    const low = Math.max(-0.9 * h, 2 * ROOM.below - h);
    const high = Math.max(0.1 * h, h - 2 * above);
    const left = Math.max(0.4 * w, w - ROOM.left * (1 + type)); // a title a little away from its numbers
    const right = Math.max(0.4 * w, w - 2 * ROOM.right * type);
    let [near, far] = [0.7, 12];
    for (let step = 0; step < 40; step++) {
      const middle = (near + far) / 2;
      const box = outline(middle, amid(middle, (low + high) / 2 / h));
      const fits = (box.high - box.low) * h <= high - low && -box.left * h <= left && box.right * h <= right;
      [near, far] = fits ? [near, middle] : [middle, far];
    }
    return at(far, amid(far, (low + high) / 2 / h));
  }

  /** Ends of the box on the picture, in half heights from its middle. */
  function outline(away, center) {
    const flat = Math.hypot(LOOKS.x, LOOKS.y);
    const length = Math.hypot(flat, LOOKS.z);
    const [bx, by, bz] = [LOOKS.x / length, LOOKS.y / length, LOOKS.z / length];
    const [ax, ay] = [-LOOKS.y / flat, LOOKS.x / flat]; // to the right
    const [ux, uy, uz] = [-bz * ay, bz * ax, bx * ay - by * ax]; // upwards
    const box = { left: Infinity, right: -Infinity, low: Infinity, high: -Infinity };
    for (let n = 0; n < 8; n++) {
      const x = ((n & 1) - 0.5) * LENGTH.x;
      const y = (((n >> 1) & 1) - 0.5) * LENGTH.y;
      const z = (((n >> 2) & 1) - 0.5) * LENGTH.z - center;
      const depth = (away * length - (x * bx + y * by + z * bz)) * ANGLE;
      const across = (x * ax + y * ay) / depth;
      const up = (x * ux + y * uy + z * uz) / depth;
      box.left = Math.min(box.left, across);
      box.right = Math.max(box.right, across);
      box.low = Math.min(box.low, up);
      box.high = Math.max(box.high, up);
    }
    return box;
  }

  /** The height to look at from so far away, for the box to be amid a height of the picture. */
  function amid(away, wanted) {
    let center = 0;
    for (let step = 0; step < 8; step++) {
      const { low, high } = outline(away, center);
      center += ((low + high) / 2 - wanted) * away * ANGLE * 2;
    }
    return center;
  }

  /** The camera of a picture of so many pixels: that of the view, further away where the picture is
   * narrow, so that nothing is cut off; where the view has none, as at the start. */
  function cameraIn(camera, width, height, projection = "perspective") {
    if (!camera) return cameraFor(width, height, projection);
    const away = Math.max(1, (NARROW * height) / width);
    const { x, y, z } = camera.eye;
    return { ...camera, eye: { x: x * away, y: y * away, z: z * away } };
  }

  /** Which axis the camera looks along, so that its ticks lie on top of each other: "x" to "z", or
   * null. */
  function alongAxis({ eye, center }) {
    const way = ["x", "y", "z"].map((side) => Math.abs(eye[side] - center[side]));
    const far = Math.hypot(...way);
    const at = way.findIndex((part) => part > 0.997 * far);
    return at < 0 ? null : ["x", "y", "z"][at];
  }

  /** How large the box is drawn without perspective, where the camera's distance does not count. */
  const orthographicSize = (width, height) => (width > 0 && height > 0
    ? Math.max(0.3, Math.min(LARGE, Math.min(width - 2 * ROOM.left, height - 2 * ROOM.above) / (0.71 * height)))
    : LARGE);

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.geometry = {
    BINS, SEGMENTS, STRIDE, BEND, MAX_STRONG, MAX_REST, HEIGHT_OF_BOX, SOURCE_SHADE, AXES,
    defaultEdges, mostEdges, edgesAt, positionOf, considered, shownEdges,
    widthOf, binOf, binMiddle, opacityOf, sizeOf, scalesOf,
    ticks, ticksBetween, logTicks, axisOf, frame, directions, intoBox, outOfBox, bendOf, curve, edgeColour,
    strongEdges, restEdges, direction, placeAt, cameraFor, cameraIn, compressed, alongAxis, orthographicSize,
  };
})();
