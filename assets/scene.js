/* The 3D network plot: from numbers to the picture.
 *
 * The page hands over data (tracks, significances, signed relevances), never a figure. The upper
 * half of this file is geometry and words as pure functions of that data; the lower half keeps one
 * state per div and gives it to Plotly.react with the camera the viewer has turned it to.
 *
 *   significances --rank--> strongest k --bins of equal significance--> curves of 8 widths
 *                                  the others ------------------------> one faint trace
 *
 * Everything pure stands on window.jetlrp.scene, where the tests call it.
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
  const NARROW = 1.2; // width over height of a stage below which the camera steps back
  const UPRIGHT = 24; // points of the line that shows a b-hadron's direction, less one

  /* The shape of a track by its origin, in the order of lrp_core.truth.Origin: colour alone would
   * not do for eight kinds. */
  const SHAPES = [
    "circle", "circle", "circle", "diamond", "square", "cross", "circle-open", "x",
  ];

  /* ------------------------------------------------------------------ data */

  const ARRAYS = {
    float32: Float32Array,
    float64: Float64Array,
    int64: BigInt64Array,
    int32: Int32Array,
  };

  /** {dtype, shape, data: base64} or a plain list -> typed array. */
  function decode(field) {
    if (field === null || field === undefined) return new Float32Array(0);
    if (Array.isArray(field)) return Float64Array.from(field);
    const text = atob(field.data);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    const values = new ARRAYS[field.dtype](bytes.buffer);
    return field.dtype === "int64" ? Float64Array.from(values, Number) : values;
  }

  /** All ordered pairs of different tracks, source by source, as lrp_core.jets.complete_graph. */
  function completeGraph(nTracks) {
    const n = nTracks * Math.max(0, nTracks - 1);
    const source = new Uint32Array(n);
    const destination = new Uint32Array(n);
    let edge = 0;
    for (let i = 0; i < nTracks; i++) {
      for (let j = 0; j < nTracks; j++) {
        if (i === j) continue;
        source[edge] = i;
        destination[edge] = j;
        edge++;
      }
    }
    return { source, destination };
  }

  /** Numbers of the edges, the most significant first; ties keep their order. */
  function rank(significance) {
    const order = Uint32Array.from(significance, (_, i) => i);
    return order.sort((a, b) => significance[b] - significance[a] || a - b);
  }

  function largest(values) {
    let most = 0;
    for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
    return most;
  }

  /** What the server sent -> what is drawn: arrays decoded, edges ranked. */
  function prepare(data) {
    const nTracks = data.tracks.pt.length;
    const significance = decode(data.edges.significance);
    let graph;
    if (data.edges.index === null || data.edges.index === undefined) {
      graph = completeGraph(nTracks);
    } else {
      const flat = Array.isArray(data.edges.index)
        ? Float64Array.from(data.edges.index.flat())
        : decode(data.edges.index);
      const n = flat.length / 2;
      graph = { source: flat.slice(0, n), destination: flat.slice(n) };
    }
    const order = rank(significance);
    const below = new Float64Array(order.length + 1); // share held by the strongest k
    order.forEach((edge, k) => { below[k + 1] = below[k] + significance[edge]; });
    const relevance = decode(data.tracks.relevance);
    const byRelevance = Array.from(relevance.keys()).sort(
      (a, b) => Math.abs(relevance[b]) - Math.abs(relevance[a]) || a - b);
    const rankOfTrack = new Uint32Array(nTracks);
    byRelevance.forEach((track, place) => { rankOfTrack[track] = place; });
    const truth = data.truth || null;
    return {
      jet: data.jet,
      words: data.words,
      truth,
      bHadrons: truth ? truth.b_hadrons.filter(
        (b) => Number.isFinite(b.etarel) && Number.isFinite(b.phirel)) : [],
      nTracks,
      nEdges: significance.length,
      tracks: {
        deltaEta: data.tracks.delta_eta,
        deltaPhi: data.tracks.delta_phi,
        pt: data.tracks.pt,
        more: data.tracks.more || [],
        relevance,
        rank: rankOfTrack,
      },
      significance,
      signed: decode(data.edges.signed),
      source: graph.source,
      destination: graph.destination,
      order,
      share: below,
      maxSignificance: order.length ? significance[order[0]] : 0,
      maxRelevance: largest(relevance),
      maxPt: largest(data.tracks.pt),
    };
  }

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

  /* ------------------------------------------------------- widths and colours */

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

  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

  function mix(a, b, t) {
    return a.map((value, i) => value + (b[i] - value) * t);
  }

  /** A colour scale, evenly spaced from 0 to 1, as a function of t -> [r, g, b]. */
  function scale(colours) {
    const stops = colours.map(channels);
    return (t) => {
      const place = Math.max(0, Math.min(1, t)) * (stops.length - 1);
      const low = Math.min(stops.length - 2, Math.floor(place));
      return mix(stops[low], stops[low + 1], place - low);
    };
  }

  const css = (rgb) => `rgb(${rgb.map((value) => Math.round(value)).join(",")})`;
  /** Where the camera stands at first; further away where the stage is narrow. */
  function cameraFor(width, height) {
    const away = width > 0 && height > 0 ? Math.max(0.9, (NARROW * height) / width) : 1;
    return {
      eye: { x: 1.26 * away, y: -1.44 * away, z: 0.56 * away },
      center: { x: 0, y: 0, z: -0.1 },
      up: { x: 0, y: 0, z: 1 },
    };
  }

  const plotlyScale = (colours) =>
    colours.map((colour, i) => [i / (colours.length - 1), colour]);

  /** Diameter in pixels of a track: its area grows with the share of the largest. */
  function sizeOf(value, most) {
    return 5.5 + 17 * Math.sqrt(most > 0 ? Math.abs(value) / most : 0);
  }

  /* --------------------------------------------------------------- geometry */

  function niceStep(span, most) {
    const rough = span / most;
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 2.5, 5, 10].find((s) => s * power >= rough * 0.999);
    return step * power;
  }

  /** Tick values from 0 to `most`, at most `count` of them after the zero. */
  function ticks(most, count) {
    if (!(most > 0)) return [0];
    const step = niceStep(most, count);
    const values = [];
    for (let i = 0; i * step <= most * 1.0001; i++) values.push(i * step);
    return values;
  }

  /** Where things stand: both angles on one scale around the jet axis, height log10 pT or pT.
   * bHadrons: directions that must have their place as well. */
  function frame(tracks, height, bHadrons = []) {
    const angles = [...tracks.deltaEta, ...tracks.deltaPhi,
      ...bHadrons.flatMap((b) => [b.etarel, b.phirel])].map(Math.abs);
    const reach = Math.max(0.05, ...angles) * 1.06;
    const top = Math.max(...tracks.pt);
    const bottom = Math.min(...tracks.pt);
    const z = tracks.pt.map((pt) => (height === "linear" ? pt : Math.log10(Math.max(pt, 1e-6))));
    let low, high, tickvals, ticktext;
    if (height === "linear") {
      low = 0;
      high = top * 1.06 || 1;
      tickvals = ticks(top, 5);
      ticktext = tickvals.map((value) => String(+value.toPrecision(3)));
    } else {
      low = Math.log10(Math.max(bottom, 1e-6));
      high = Math.log10(Math.max(top, 1e-6));
      const margin = Math.max(0.06, (high - low) * 0.06);
      low -= margin;
      high += margin;
      const wide = high - low > 2.2;
      tickvals = [];
      ticktext = [];
      for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
        for (const digit of wide ? [1, 3] : [1, 2, 5]) {
          const value = Math.log10(digit) + power;
          if (value < low || value > high) continue;
          tickvals.push(value);
          ticktext.push(String(+(digit * Math.pow(10, power)).toPrecision(2)));
        }
      }
    }
    return { reach, low, high, tickvals, ticktext, x: tracks.deltaEta, y: tracks.deltaPhi, z };
  }

  /** Directions of the box as long as they look, so that a bend looks the same everywhere. */
  function intoBox(where, track) {
    return [
      where.x[track] / (2 * where.reach),
      where.y[track] / (2 * where.reach),
      (HEIGHT_OF_BOX * (where.z[track] - where.low)) / (where.high - where.low || 1),
    ];
  }

  function outOfBox(where, point) {
    return [
      point[0] * 2 * where.reach,
      point[1] * 2 * where.reach,
      (point[2] / HEIGHT_OF_BOX) * (where.high - where.low || 1) + where.low,
    ];
  }

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

  /** The strongest k edges as BINS bunches of curves.
   *
   * Each: {bin, start, count, width, opacity, x, y, z, color}; start is the rank of its first
   * edge, and edge start + n fills the points n * STRIDE to n * STRIDE + SEGMENTS, with a gap (NaN)
   * behind it. Colour is the edge's own significance, duller at the source, full at the
   * destination.
   */
  function strongEdges(scene, where, k, colours) {
    const bunches = [];
    const colourOf = scale(colours.sequential);
    const ground = channels(colours.panel);
    const shown = Math.min(k, scene.nEdges);
    let place = 0;
    const most = scene.maxSignificance;
    for (let bin = BINS - 1; bin >= 0; bin--) {
      const start = place;
      while (place < shown &&
             (most > 0 ? binOf(scene.significance[scene.order[place]] / most) : 0) === bin) place++;
      const count = place - start;
      const x = new Float32Array(count * STRIDE).fill(NaN);
      const y = new Float32Array(count * STRIDE).fill(NaN);
      const z = new Float32Array(count * STRIDE).fill(NaN);
      const color = new Array(count * STRIDE).fill("rgb(0,0,0)");
      for (let n = 0; n < count; n++) {
        const edge = scene.order[start + n];
        const f = most > 0 ? scene.significance[edge] / most : 0;
        const full = colourOf(f);
        const points = curve(where, scene.source[edge], scene.destination[edge]);
        points.forEach((point, s) => {
          const at = n * STRIDE + s;
          [x[at], y[at], z[at]] = point;
          color[at] = css(mix(ground, full, 0.42 + 0.58 * (s / SEGMENTS)));
        });
      }
      bunches.push({
        bin, start, count, width: widthOf(binMiddle(bin)), opacity: opacityOf(bin), x, y, z, color,
      });
    }
    return bunches;
  }

  /** The edges behind the strongest k, as straight faint lines. */
  function restEdges(scene, where, k) {
    const count = Math.max(0, Math.min(scene.nEdges - k, MAX_REST));
    const x = new Float32Array(count * 3).fill(NaN);
    const y = new Float32Array(count * 3).fill(NaN);
    const z = new Float32Array(count * 3).fill(NaN);
    for (let n = 0; n < count; n++) {
      const edge = scene.order[k + n];
      [scene.source[edge], scene.destination[edge]].forEach((track, end) => {
        x[3 * n + end] = where.x[track];
        y[3 * n + end] = where.y[track];
        z[3 * n + end] = where.z[track];
      });
    }
    return { count, x, y, z, opacity: Math.max(0.015, Math.min(0.12, 40 / Math.max(1, count))) };
  }

  /** A b-hadron's direction: an upright line from the floor to the top, where its name stands. */
  function direction(where, bHadron) {
    const z = Array.from({ length: UPRIGHT + 1 },
      (_, i) => where.low + ((where.high - where.low) * i) / UPRIGHT);
    return { x: z.map(() => bHadron.etarel), y: z.map(() => bHadron.phirel), z };
  }

  /** The edge under the pointer: its rank, out of the bunch and the number of the point. */
  const rankAt = (start, pointNumber) => start + Math.floor(pointNumber / STRIDE);

  /* ------------------------------------------------------------------ words */

  const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴",
                        5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  const minus = (text) => text.replace("-", "−");

  /** A number with `digits` significant digits: "0.0213", "−1.20", "2.1 × 10⁻⁷". */
  function significant(value, digits = 3) {
    if (!Number.isFinite(value)) return "–";
    if (value === 0) return "0";
    const exponent = Math.floor(Math.log10(Math.abs(value)));
    if (exponent < -4 || exponent > 5) {
      const [mantissa, power] = value.toExponential(digits - 1).split("e");
      const raised = String(+power).split("").map((c) => SUPERSCRIPT[c]).join("");
      return `${minus(mantissa)} × 10${raised}`;
    }
    return minus(value.toFixed(Math.max(0, digits - 1 - exponent)));
  }

  const signedText = (value) => (value > 0 ? "+" : "") + significant(value);
  const thousands = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, " ");
  const percent = (fraction) => `${significant(100 * fraction, fraction >= 0.1 ? 3 : 2)} %`;

  /** "for H→bb̄" or "against H→bb̄". */
  const stance = (scene, value) =>
    value === 0 ? "neither for nor against" :
    `${value > 0 ? "for" : "against"} ${scene.words.stands_for}`;

  /** A track in words: {title, lines: [[what, value]], value}. */
  function trackWords(scene, track) {
    const { tracks } = scene;
    const relevance = tracks.relevance[track];
    return {
      title: `Track ${track}`,
      value: relevance,
      lines: [
        ...(scene.truth ? [["origin", originWords(scene.truth, track)]] : []),
        ["pT", `${significant(tracks.pt[track])} GeV`],
        ["sign(η jet) · Δη", significant(tracks.deltaEta[track])],
        ["Δφ", `${significant(tracks.deltaPhi[track])} rad`],
        ...tracks.more.map(({ title, unit, values }) =>
          [title, `${significant(values[track])}${unit ? ` ${unit}` : ""}`]),
        ["relevance", signedText(relevance)],
        ["speaks", stance(scene, relevance)],
        ["rank", `${tracks.rank[track] + 1} of ${scene.nTracks}`],
      ],
    };
  }

  /** Where the simulation says that a track comes from: "V0, from b-hadron 1", "pileup". */
  function originWords(truth, track) {
    const b = truth.b[track];
    return truth.origins[truth.origin[track]] + (b > 0 ? `, from b-hadron ${b}` : "");
  }

  /** A b-hadron in words. */
  function bHadronWords(scene, number) {
    const bHadron = scene.bHadrons.find((b) => b.b === number);
    const descend = scene.truth.b.filter((b) => b === number).length;
    return {
      title: `b-hadron ${number}`,
      value: 0,
      lines: [
        ["pT", Number.isFinite(bHadron.pt) ? `${significant(bHadron.pt)} GeV` : "–"],
        ["sign(η jet) · Δη", significant(bHadron.etarel)],
        ["Δφ", `${significant(bHadron.phirel)} rad`],
        ["tracks from it", `${descend} of ${scene.nTracks}`],
      ],
    };
  }

  /** The edge of a rank in words. */
  function edgeWords(scene, place) {
    const edge = scene.order[place];
    const source = scene.source[edge];
    const destination = scene.destination[edge];
    const significance = scene.significance[edge];
    const signed = scene.signed[edge];
    return {
      title: `Track ${source} → track ${destination}`,
      value: signed,
      lines: [
        ["significance", `${significant(significance)} (${percent(significance)})`],
        ["rank", `${place + 1} of ${thousands(scene.nEdges)}`],
        ["signed relevance", signedText(signed)],
        ["speaks", stance(scene, signed)],
        ["pT", `${significant(scene.tracks.pt[source])} → ` +
               `${significant(scene.tracks.pt[destination])} GeV`],
      ],
    };
  }

  /** How many edges are drawn, and how much of the significance they hold. */
  function edgesWords(scene, k) {
    if (scene.nEdges === 0) return { shown: "no edges", share: "", of: "between single tracks" };
    return {
      shown: `${thousands(k)} of ${thousands(scene.nEdges)}`,
      share: `hold ${percent(Math.min(1, scene.share[k]))}`,
      of: "of the significance",
    };
  }

  /* ----------------------------------------------------------------- legend */

  /** Whether tracks are coloured by origin: if that is wanted, and known. */
  const byOrigin = (scene, view) => view.color === "origin" && scene.truth !== null;

  /** The origins present, with how many tracks have each: [{code, title, count}]. */
  function origins(scene) {
    if (!scene.truth) return [];
    return scene.truth.origins
      .map((title, code) => ({
        code, title, count: scene.truth.origin.filter((origin) => origin === code).length }))
      .filter(({ count }) => count > 0);
  }

  /** What the legend says, as data: true significances from 0, symmetric relevance, origins, sizes. */
  function legend(scene, sizeBy) {
    const most = scene.maxSignificance;
    const values = most > 0
      ? [...ticks(most, 4).filter((value) => value < most * 0.9), most] : [0];
    const sizes = (sizeBy === "relevance" ? [scene.maxRelevance] : [scene.maxPt])
      .flatMap((top) => [top, top / 4, top / 20])
      .filter((value) => value > 0);
    return {
      significance: {
        max: most,
        ticks: values.map((value) => ({ value, at: most > 0 ? value / most : 0,
                                        text: value === 0 ? "0" : significant(value, 2) })),
        steps: Array.from({ length: BINS }, (_, bin) => ({
          from: bin / BINS, to: (bin + 1) / BINS, width: widthOf(binMiddle(bin)) })),
      },
      relevance: {
        max: scene.maxRelevance,
        ticks: [1, 0.5, 0, -0.5, -1].map((at) => ({
          at, text: at === 0 ? "0" : signedLabel(at * scene.maxRelevance) })),
      },
      origins: origins(scene),
      sizes: sizes.map((value) => ({
        value,
        diameter: sizeOf(value, sizeBy === "relevance" ? scene.maxRelevance : scene.maxPt),
        text: sizeBy === "relevance" ? `± ${significant(value, 2)}` : `${significant(value, 2)} GeV`,
      })),
    };
  }

  const signedLabel = (value) => (value > 0 ? "+" : "") + significant(value, 2);

  /* ------------------------------------------------------- traces and layout */

  function traces(scene, view, colours, options = {}) {
    const where = frame(scene.tracks, view.height, scene.bHadrons);
    const list = [];
    list.push({
      type: "scatter3d", mode: "lines", name: "jet axis", hoverinfo: "skip",
      x: [0, 0], y: [0, 0], z: [where.low, where.high], opacity: 0.55,
      line: { width: 2, color: colours.muted, dash: "dash" },
    });
    const rest = options.dragging ? { count: 0 } : restEdges(scene, where, view.edges);
    list.push({
      type: "scatter3d", mode: "lines", name: "rest", hoverinfo: "skip",
      visible: rest.count > 0,
      x: rest.x, y: rest.y, z: rest.z, opacity: rest.opacity,
      line: { width: 1, color: colours.rest },
    });
    for (const bunch of strongEdges(scene, where, view.edges, colours).reverse()) {
      list.push({
        type: "scatter3d", mode: "lines", name: `edges ${bunch.bin}`, hoverinfo: "none",
        visible: bunch.count > 0,
        x: bunch.x, y: bunch.y, z: bunch.z, opacity: bunch.opacity,
        line: { width: bunch.width, color: bunch.color },
        meta: { kind: "edges", start: bunch.start, count: bunch.count, bin: bunch.bin },
      });
    }
    for (const bHadron of scene.bHadrons) {
      const line = direction(where, bHadron);
      const color = byOrigin(scene, view) ? colours.origins[1] : colours.text;
      const meta = { kind: "b-hadron", number: bHadron.b };
      list.push({
        type: "scatter3d", mode: "lines", name: `direction of b-hadron ${bHadron.b}`,
        hoverinfo: "none", ...line, opacity: 0.75, meta,
        line: { width: 3, color, dash: "dot" },
      }, {
        type: "scatter3d", mode: "text", name: `name of b-hadron ${bHadron.b}`,
        hoverinfo: "none", x: [bHadron.etarel], y: [bHadron.phirel], z: [where.high], meta,
        text: [`b<sub>${bHadron.b}</sub>`], textposition: "top center",
        textfont: { size: 16, color, family: colours.font },
      });
    }
    const byRelevance = view.size === "relevance";
    const values = byRelevance ? scene.tracks.relevance : scene.tracks.pt;
    const most = byRelevance ? scene.maxRelevance : scene.maxPt;
    const limit = scene.maxRelevance || 1;
    list.push({
      type: "scatter3d", mode: "markers", name: "tracks", hoverinfo: "none",
      x: where.x, y: where.y, z: where.z,
      meta: { kind: "tracks" },
      marker: {
        size: Array.from(values, (value) => sizeOf(value, most)),
        ...(byOrigin(scene, view) ? {
          color: scene.truth.origin.map((origin) => colours.origins[origin]),
          symbol: scene.truth.origin.map((origin) => SHAPES[origin]),
        } : {
          color: Array.from(scene.tracks.relevance),
          cmin: -limit, cmax: limit, cmid: 0,
          colorscale: plotlyScale(colours.diverging),
        }),
        line: { color: colours.outline, width: 1 },
        opacity: 1,
      },
    });
    return { list, where };
  }

  function axis(title, colours, font, more) {
    return {
      title: { text: title, font: { size: 13, color: colours.text, family: font } },
      tickfont: { size: 11, color: colours.muted, family: font },
      gridcolor: colours.grid,
      linecolor: colours.grid,
      zerolinecolor: colours.grid,
      showbackground: false, showspikes: false, zeroline: false, gridwidth: 1,
      ...more,
    };
  }

  function layout(scene, where, colours, font, camera, revision) {
    const angle = { range: [-where.reach, where.reach], nticks: 6 };
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 0, r: 0, t: 0, b: 0 },
      showlegend: false,
      font: { family: font, color: colours.text },
      uirevision: revision,
      scene: {
        uirevision: revision,
        camera,
        hovermode: false,
        dragmode: "orbit",
        aspectmode: "manual",
        aspectratio: { x: 1, y: 1, z: HEIGHT_OF_BOX },
        xaxis: axis("sign(η<sub>jet</sub>) · Δη", colours, font, angle),
        yaxis: axis("Δφ  (rad)", colours, font, angle),
        zaxis: axis("track p<sub>T</sub>  (GeV)", colours, font, {
          range: [where.low, where.high],
          tickmode: "array", tickvals: where.tickvals, ticktext: where.ticktext,
        }),
      },
    };
  }

  /* ---------------------------------------------------------------- drawing */

  const CONFIG = {
    displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
    responsive: true, scrollZoom: true, doubleClick: false,
  };
  const states = new Map(); // div id -> {scene, view, camera, drawn, wanted}

  function themes() {
    return JSON.parse(document.getElementById("jetlrp-themes").textContent);
  }

  function colours() {
    const all = themes();
    const name = document.documentElement.dataset.theme === "light" ? "light" : "dark";
    return { ...all[name], font: all.font };
  }

  function stateOf(id) {
    if (!states.has(id)) {
      states.set(id, {
        id, scene: null, data: null, camera: null, drawing: false, wanted: false, revision: 0,
        view: { edges: 0, color: "relevance", size: "pt", height: "log" }, dragging: false, chosenEdges: null,
      });
    }
    return states.get(id);
  }

  /** The camera as the viewer has left it. */
  function liveCamera(div, state) {
    const inside = div._fullLayout && div._fullLayout.scene && div._fullLayout.scene._scene;
    if (inside && inside.getCamera) {
      const camera = inside.getCamera();
      return { eye: { ...camera.eye }, center: { ...camera.center }, up: { ...camera.up } };
    }
    return state.camera || cameraFor(div.clientWidth, div.clientHeight);
  }

  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

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
  async function draw(state) {
    state.wanted = true;
    if (state.drawing) return;
    state.drawing = true;
    try {
      const Plotly = await plotly();
      if (document.fonts && document.fonts.load) {
        await Promise.race([document.fonts.load("13px Inter", "Δηφ p"), wait(1500)]);
      }
      while (state.wanted) {
        state.wanted = false;
        const div = document.getElementById(state.id);
        if (!div || !state.scene) break;
        const theme = colours();
        const started = performance.now();
        const { list, where } = traces(state.scene, state.view, theme,
                                       { dragging: state.dragging });
        const camera = state.reset || !state.drawnOnce
          ? cameraFor(div.clientWidth, div.clientHeight) : liveCamera(div, state);
        state.reset = false;
        state.revision += 1;
        const built = performance.now();
        await Plotly.react(div, list,
          layout(state.scene, where, theme, theme.font, camera, state.revision), CONFIG);
        if (!state.drawnOnce) listen(div, state);
        state.drawnOnce = true;
        document.title = `Jet ${state.scene.jet.index} – jetlrp`;
        drawLegend(state, theme);
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        div.dataset.drawn = String(state.scene.jet.index);
        div.dataset.edges = String(state.view.edges);
        state.timing = { build: built - started, draw: performance.now() - built };
        document.dispatchEvent(new CustomEvent("jetlrp:drawn", { detail: { id: state.id } }));
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

  function listen(div, state) {
    div.on("plotly_hover", (event) => showTooltip(state, event.points[0]));
    div.on("plotly_unhover", () => hideTooltip());
    div.on("plotly_relayout", () => { state.camera = liveCamera(div, state); });
    div.addEventListener("mousemove", (event) => { state.pointer = event; placeTooltip(event); });
    div.addEventListener("mouseleave", () => hideTooltip());
    div.addEventListener("mousedown", () => { hideTooltip(); div.dataset.turned = "yes"; });
  }

  /* ---------------------------------------------------------------- tooltip */

  const escape = (text) => String(text).replace(/[&<>"]/g, (c) =>
    ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }[c]));

  function showTooltip(state, point) {
    const meta = point.data.meta || {};
    const words = meta.kind === "edges"
      ? edgeWords(state.scene, rankAt(meta.start, point.pointNumber))
      : meta.kind === "tracks" ? trackWords(state.scene, point.pointNumber)
      : meta.kind === "b-hadron" ? bHadronWords(state.scene, meta.number) : null;
    const box = document.getElementById("scene-tooltip");
    if (!words || !box) return;
    const sign = words.value > 0 ? "positive" : words.value < 0 ? "negative" : "zero";
    box.innerHTML =
      `<strong class="${meta.kind}">${escape(words.title)}</strong><dl>` +
      words.lines.map(([what, value]) =>
        `<dt>${escape(what)}</dt><dd class="${/^(relevance|signed relevance|speaks)$/.test(what) ? sign : ""}">` +
        `${escape(value)}</dd>`).join("") + "</dl>";
    box.hidden = false;
    if (state.pointer) placeTooltip(state.pointer);
  }

  function placeTooltip(event) {
    const box = document.getElementById("scene-tooltip");
    if (!box || box.hidden) return;
    const stage = box.offsetParent.getBoundingClientRect();
    const x = event.clientX - stage.left;
    const y = event.clientY - stage.top;
    const left = x + 18 + box.offsetWidth > stage.width ? x - 18 - box.offsetWidth : x + 18;
    const top = Math.min(Math.max(8, y - 24), stage.height - box.offsetHeight - 8);
    box.style.transform = `translate(${Math.max(8, left)}px, ${top}px)`;
  }

  function hideTooltip() {
    const box = document.getElementById("scene-tooltip");
    if (box) box.hidden = true;
  }

  /* ----------------------------------------------------------- legend (SVG) */

  function drawLegend(state, theme) {
    const box = document.getElementById(`${state.id}-legend`);
    if (!box) return;
    const says = legend(state.scene, state.view.size);
    box.innerHTML = significanceSvg(says.significance, theme, state.scene) +
      (byOrigin(state.scene, state.view) ? originsSvg(says.origins, theme)
        : relevanceSvg(says.relevance, theme, state.scene)) +
      sizesSvg(says.sizes, theme, state.view);
  }

  function significanceSvg(says, theme, scene) {
    if (!(says.max > 0)) return "";
    const top = 8, height = 132, middle = 8;
    const y = (at) => top + height * (1 - at);
    const colourOf = scale(theme.sequential);
    const stops = Array.from({ length: 13 }, (_, i) =>
      `<stop offset="${i / 12}" stop-color="${css(colourOf(i / 12))}"/>`).join("");
    const steps = says.steps.map((step) =>
      `<rect x="${middle - step.width / 2}" width="${step.width}" y="${y(step.to)}"` +
      ` height="${height / BINS + 0.4}"/>`).join("");
    const marks = says.ticks.map((tick) =>
      `<line x1="16" x2="20" y1="${y(tick.at)}" y2="${y(tick.at)}"/>` +
      `<text x="24" y="${y(tick.at)}">${tick.text}</text>`).join("");
    return `<figure data-max="${says.max}"><figcaption>Edge significance</figcaption>` +
      `<svg width="92" height="${height + 16}" role="img" aria-label="Colour and width of an edge` +
      ` show its significance, from 0 to ${significant(says.max)}">` +
      `<defs><linearGradient id="${"legend-significance"}" gradientUnits="userSpaceOnUse"` +
      ` x1="0" x2="0" y1="${top + height}" y2="${top}">${stops}</linearGradient></defs>` +
      `<g fill="url(#legend-significance)">${steps}</g><g class="marks">${marks}</g></svg></figure>`;
  }

  function relevanceSvg(says, theme, scene) {
    const top = 8, height = 110;
    const y = (at) => top + height * (0.5 - at / 2);
    const stops = theme.diverging.map((colour, i) =>
      `<stop offset="${i / (theme.diverging.length - 1)}" stop-color="${colour}"/>`).join("");
    const marks = says.max > 0 ? says.ticks.map((tick) =>
      `<line x1="16" x2="20" y1="${y(tick.at)}" y2="${y(tick.at)}"/>` +
      `<text x="24" y="${y(tick.at)}">${tick.text}</text>`).join("") : "";
    return `<figure><figcaption>Track relevance</figcaption>` +
      `<svg width="92" height="${height + 16}" role="img" aria-label="Colour of a track: blue` +
      ` speaks against, orange for ${escape(scene.words.stands_for)}">` +
      `<defs><linearGradient id="legend-relevance" gradientUnits="userSpaceOnUse"` +
      ` x1="0" x2="0" y1="${top + height}" y2="${top}">${stops}</linearGradient></defs>` +
      `<rect x="3" width="10" y="${top}" height="${height}" rx="2"` +
      ` fill="url(#legend-relevance)" stroke="${theme.grid}"/>` +
      `<g class="marks">${marks}</g></svg>` +
      `<p><span class="signed positive">+ for</span> <span class="signed negative">− against</span>` +
      `<br>${escape(scene.words.stands_for)}</p></figure>`;
  }

  /** The mark of an origin, as the scene draws it, 12 pixels wide. */
  const MARKS = {
    circle: '<circle cx="6" cy="6" r="5"/>',
    "circle-open": '<circle cx="6" cy="6" r="4" class="open"/>',
    diamond: '<path d="M6 0.5 11.5 6 6 11.5 0.5 6z"/>',
    square: '<path d="M1.5 1.5h9v9h-9z"/>',
    cross: '<path d="M4.2 0.8h3.6v3.4h3.4v3.6H7.8v3.4H4.2V7.8H0.8V4.2h3.4z"/>',
    x: '<path d="M1 3.2 3.2 1 6 3.8 8.8 1 11 3.2 8.2 6 11 8.8 8.8 11 6 8.2 3.2 11 1 8.8 3.8 6z"/>',
  };

  function originsSvg(says, theme) {
    return `<figure class="origins"><figcaption>Track origin</figcaption><ul>` +
      says.map(({ code, title, count }) =>
        `<li><svg width="12" height="12" fill="${theme.origins[code]}"` +
        ` stroke="${SHAPES[code] === "circle-open" ? theme.origins[code] : theme.outline}">` +
        `${MARKS[SHAPES[code]]}</svg><span>${escape(title)}</span><b>${count}</b></li>`).join("") +
      `</ul><p>as simulated</p></figure>`;
  }

  function sizesSvg(sizes, theme, view) {
    if (!sizes.length) return "";
    let y = 2;
    const marks = sizes.map((size) => {
      const centre = y + Math.max(size.diameter, 12) / 2;
      y += Math.max(size.diameter, 12) + 4;
      return `<circle cx="12" cy="${centre}" r="${size.diameter / 2}" fill="none"` +
        ` stroke="${theme.outline}"/><text x="30" y="${centre}">${size.text}</text>`;
    }).join("");
    return `<figure><figcaption>Track size: ${view.size === "relevance" ? "|relevance|" : "pT"}` +
      `</figcaption><svg width="92" height="${y}"><g class="marks">${marks}</g></svg></figure>`;
  }

  /* ------------------------------------------------------------ what is asked */

  /** Show the data of a jet, or nothing; keeps the number of edges the viewer chose. */
  function show(id, data) {
    const state = stateOf(id);
    if (state.data === data) return;
    state.data = data;
    hideTooltip();
    if (!data) {
      state.scene = null;
      const div = document.getElementById(id);
      if (div) delete div.dataset.drawn;
      return;
    }
    state.scene = prepare(data);
    const edges = state.chosenEdges === null
      ? defaultEdges(state.scene.nEdges) : state.chosenEdges;
    state.view.edges = Math.min(edges, mostEdges(state.scene.nEdges));
    announce(state);
    draw(state);
  }

  /** The viewer moved the slider to `edges` edges; `dragging` draws without the faint rest. */
  function setEdges(id, edges, dragging) {
    const state = stateOf(id);
    if (!state.scene) return;
    const most = mostEdges(state.scene.nEdges);
    const shown = Math.max(Math.min(1, most), Math.min(edges, most));
    if (shown === state.view.edges && state.dragging === dragging) return;
    state.chosenEdges = shown;
    state.view.edges = shown;
    state.dragging = dragging;
    announce(state);
    draw(state);
  }

  function setView(id, change) {
    const state = stateOf(id);
    if (Object.keys(change).every((key) => state.view[key] === change[key])) return;
    Object.assign(state.view, change);
    if (state.scene) draw(state);
  }

  function resetCamera(id) {
    const state = stateOf(id);
    state.reset = true;
    if (state.scene) draw(state);
  }

  /** Tell the page how many edges are drawn: the slider and the words beside it. */
  function announce(state) {
    const says = edgesWords(state.scene, state.view.edges);
    document.dispatchEvent(new CustomEvent("jetlrp:edges", { detail: {
      id: state.id, edges: state.view.edges, says,
      position: positionOf(state.view.edges, state.scene.nEdges),
      nEdges: state.scene.nEdges,
    } }));
  }

  document.addEventListener("jetlrp:theme", () => {
    for (const state of states.values()) if (state.scene) draw(state);
  });

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.scene = {
    BINS, SEGMENTS, STRIDE, BEND, MAX_STRONG, MAX_REST, HEIGHT_OF_BOX, CONFIG, cameraFor,
    decode, completeGraph, rank, prepare, defaultEdges, mostEdges, edgesAt, positionOf,
    widthOf, binOf, scale, sizeOf, ticks, frame, curve, strongEdges, restEdges, rankAt,
    direction, origins, SHAPES, MARKS,
    significant, trackWords, bHadronWords, edgeWords, edgesWords, legend, traces, layout,
    plotly, show, setEdges, setView, resetCamera, stateOf, liveCamera, themes, colours,
  };
})();
