/* The legend of the network plot: what colours, widths and sizes mean, with true values.
 * On window.jetlrp.legend. */
(function () {
  "use strict";

  /* The shape of a track by its origin, in the order of lrp_core.truth.Origin: colour alone would
   * not do for eight kinds. Plotly draws shapes as letters: these are in the fonts of every machine. */
  const SHAPES = [
    "circle", "circle", "circle", "diamond", "square", "cross", "circle-open", "diamond-open",
  ];

  /** The mark of a shape, 12 pixels wide. */
  const MARKS = {
    circle: '<circle cx="6" cy="6" r="5"/>',
    "circle-open": '<circle cx="6" cy="6" r="4" class="open"/>',
    diamond: '<path d="M6 0.5 11.5 6 6 11.5 0.5 6z"/>',
    square: '<path d="M1.5 1.5h9v9h-9z"/>',
    cross: '<path d="M4.2 0.8h3.6v3.4h3.4v3.6H7.8v3.4H4.2V7.8H0.8V4.2h3.4z"/>',
    "diamond-open": '<path d="M6 1.2 10.8 6 6 10.8 1.2 6z" class="open"/>',
  };

  const BALL = 1.5; // how much larger than it is told Plotly draws a ball, see lrp_core/figures/marks.py

  const CHARGE_SHAPES = { plus: "circle", minus: "diamond" };

  /** Whether tracks are coloured by origin, or by charge: if that is wanted, and known. */
  const byOrigin = (scene, view) => view.color === "origin" && scene.truth !== null;
  const byCharge = (scene, view) => view.color === "charge" && scene.tracks.charge !== null;

  /** What the colour of a track shows: what is wanted, or relevance where that is not known. */
  const colouredBy = (scene, view) =>
    (byOrigin(scene, view) || byCharge(scene, view) ? view.color : "relevance");

  /** The origins present, with how many tracks have each: [{code, title, count}]. */
  function origins(scene) {
    if (!scene.truth) return [];
    return scene.truth.origins
      .map((title, code) => ({
        code, title, count: scene.truth.origin.filter((origin) => origin === code).length }))
      .filter(({ count }) => count > 0);
  }

  /** What the legend says, as data: true significances from 0, symmetric relevance, origins,
   * charges, marks and sizes. */
  function legend(scene, view, scales) {
    const { ticks, widthOf, binMiddle, sizeOf, BINS } = window.jetlrp.geometry;
    const { significant, signed } = window.jetlrp.numbers;
    const most = scales.significance;
    const values = most > 0
      ? [...ticks(most, 4).filter((value) => value < most * 0.9), most] : [0];
    const bySize = view.size === "relevance" ? scales.relevance : scales.pt;
    const symmetric = (top, shareAt = (at) => at) => ({
      max: top,
      ticks: [1, 0.5, 0, -0.5, -1].map((at) => ({
        at, text: at === 0 ? "0" : signed(shareAt(at) * top, 2) })),
    });
    const count = (list) => Array.from(list).filter(Boolean).length;
    return {
      significance: {
        max: most,
        ticks: values.map((value) => ({ value, at: most > 0 ? value / most : 0,
                                        text: value === 0 ? "0" : significant(value, 2) })),
        steps: Array.from({ length: BINS }, (_, bin) => ({
          from: bin / BINS, to: (bin + 1) / BINS, width: widthOf(binMiddle(bin)) })),
      },
      signed: symmetric(scales.signed, (at) => at * Math.abs(at)), // as geometry.compressed
      relevance: symmetric(scales.relevance),
      origins: origins(scene),
      charges: scene.tracks.charge === null ? [] : [
        { title: "positive", sign: 1, count: count(scene.tracks.charge.map((q) => q > 0)) },
        { title: "negative", sign: -1, count: count(scene.tracks.charge.map((q) => q < 0)) },
      ],
      marks: [
        { kind: "muon", sign: "μ", title: "muon", count: count(scene.tracks.muon) },
        { kind: "electron", sign: "e", title: "electron", count: count(scene.tracks.electron) },
        { kind: "displaced", sign: "◯", count: count(scene.tracks.displaced),
          title: `displaced: Sip3D sig. > ${window.jetlrp.jet.DISPLACED.above}` },
      ].filter((mark) => mark.count > 0),
      sizes: [bySize, bySize / 4, bySize / 20].filter((value) => value > 0).map((value) => ({
        value,
        diameter: sizeOf(value, bySize),
        text: view.size === "relevance"
          ? `± ${significant(value, 2)}` : `${significant(value, 2)} GeV`,
      })),
    };
  }

  /* ------------------------------------------------------------------- SVG */

  /** Put the legend into its box, its scales as tall as there is room for. Where the lowest do not
   * leave room for all, the sizes of the tracks go first, then the marks: never half of one. */
  function fill(box, scene, view, theme, scales) {
    for (const height of [132, 110, 92, 76, 60, 50]) {
      box.classList.toggle("tight", height < 70);
      box.innerHTML = html(scene, view, theme, scales, { height });
      if (box.scrollHeight <= box.clientHeight) return;
    }
    while (box.children.length > 2 && box.scrollHeight > box.clientHeight) box.lastElementChild.remove();
  }

  /** What the scales are called, and what either sign says: of a jet, or of a difference. */
  function titles(scene) {
    return scene.difference
      ? { width: "Change of significance", edges: "Δ edge significance", tracks: "Δ track relevance",
          positive: "+ more", negative: "− less", than: "than pinned" }
      : { width: "Edge significance", edges: "Edge relevance", tracks: "Track relevance",
          positive: "+ for", negative: "− against", than: scene.words.stands_for };
  }

  /** The legend as HTML, to stand beside the scene; height: that of a scale, in pixels. */
  function html(scene, view, theme, scales, { height = 132 } = {}) {
    const says = legend(scene, view, scales);
    const words = titles(scene);
    const coloured = colouredBy(scene, view);
    const bySign = view.edgecolor === "relevance";
    return (bySign
      ? widthSvg(words.width, says.significance, theme, height) +
        signedSvg(words.edges, says.signed, theme, scene, "legend-edges", height)
      : significanceSvg(says.significance, theme, height)) +
      (coloured === "origin" ? originsSvg(says.origins, theme)
        : coloured === "charge" ? chargesSvg(says.charges, theme)
        : signedSvg(words.tracks, says.relevance, theme, scene, "legend-relevance", height)) +
      (view.marks ? marksSvg(says.marks) : "") +
      sizesSvg(says.sizes, theme, view);
  }

  function significanceSvg(says, theme, height) {
    const { scale, css } = window.jetlrp.colours;
    if (!(says.max > 0)) return "";
    const top = 8;
    const colourOf = scale(theme.sequential);
    const stops = Array.from({ length: 13 }, (_, i) =>
      `<stop offset="${i / 12}" stop-color="${css(colourOf(i / 12))}"/>`).join("");
    const fill = `<defs><linearGradient id="legend-significance" gradientUnits="userSpaceOnUse"` +
      ` x1="0" x2="0" y1="${top + height}" y2="${top}">${stops}</linearGradient></defs>`;
    return steps("Edge significance", says, { top, height, fill,
      paint: "url(#legend-significance)", words: "Colour and width of an edge show" });
  }

  /** Width alone shows significance where colour shows the sign. */
  function widthSvg(title, says, theme, height) {
    if (!(says.max > 0)) return "";
    return steps(title, says, { top: 8, height, fill: "", paint: theme.muted,
                                              words: "The width of an edge shows" });
  }

  function steps(title, says, { top, height, fill, paint, words }) {
    const { BINS } = window.jetlrp.geometry;
    const { significant } = window.jetlrp.numbers;
    const middle = 8;
    const y = (at) => top + height * (1 - at);
    const bars = says.steps.map((step) =>
      `<rect x="${middle - step.width / 2}" width="${step.width}" y="${y(step.to)}"` +
      ` height="${height / BINS + 0.4}"/>`).join("");
    const apart = (tick) => tick.at === 1 || height * (1 - tick.at) > 13; // not over the largest
    const marks = says.ticks.filter(apart).map((tick) =>
      `<line x1="16" x2="20" y1="${y(tick.at)}" y2="${y(tick.at)}"/>` +
      `<text x="24" y="${y(tick.at)}">${tick.text}</text>`).join("");
    return `<figure data-max="${says.max}"><figcaption>${title}</figcaption>` +
      `<svg width="92" height="${height + 16}" role="img" aria-label="${words} its significance,` +
      ` from 0 to ${significant(says.max)}">${fill}` +
      `<g fill="${paint}">${bars}</g><g class="marks">${marks}</g></svg></figure>`;
  }

  function signedSvg(title, says, theme, scene, id, height) {
    const words = titles(scene);
    const { escape } = window.jetlrp.numbers;
    const top = 8;
    const y = (at) => top + height * (0.5 - at / 2);
    const stops = theme.diverging.map((colour, i) =>
      `<stop offset="${i / (theme.diverging.length - 1)}" stop-color="${colour}"/>`).join("");
    const marks = says.max > 0 ? says.ticks.map((tick) =>
      `<line x1="16" x2="20" y1="${y(tick.at)}" y2="${y(tick.at)}"/>` +
      `<text x="24" y="${y(tick.at)}">${tick.text}</text>`).join("") : "";
    return `<figure><figcaption>${title}</figcaption>` +
      `<svg width="92" height="${height + 16}" role="img" aria-label="${title} as colour: blue` +
      ` ${words.negative}, orange ${words.positive} ${escape(words.than)}">` +
      `<defs><linearGradient id="${id}" gradientUnits="userSpaceOnUse"` +
      ` x1="0" x2="0" y1="${top + height}" y2="${top}">${stops}</linearGradient></defs>` +
      `<rect x="3" width="10" y="${top}" height="${height}" rx="2"` +
      ` fill="url(#${id})" stroke="${theme.grid}"/>` +
      `<g class="marks">${marks}</g></svg>` +
      `<p><span class="signed positive">${words.positive}</span> ` +
      `<span class="signed negative">${words.negative}</span><br>${escape(words.than)}</p></figure>`;
  }

  function item(shape, fill, stroke, title, count) {
    return `<li><svg width="12" height="12" fill="${fill}" stroke="${stroke}">${MARKS[shape]}</svg>` +
      `<span>${window.jetlrp.numbers.escape(title)}</span><b>${count}</b></li>`;
  }

  function originsSvg(says, theme) {
    return `<figure class="origins"><figcaption>Track origin</figcaption><ul>` +
      says.map(({ code, title, count }) => item(SHAPES[code], theme.origins[code],
        SHAPES[code].endsWith("-open") ? theme.origins[code] : theme.outline, title, count)).join("") +
      `</ul><p>as simulated</p></figure>`;
  }

  function chargesSvg(says, theme) {
    return `<figure class="charges"><figcaption>Track charge</figcaption><ul>` +
      says.map(({ title, sign, count }) => item(
        sign > 0 ? CHARGE_SHAPES.plus : CHARGE_SHAPES.minus,
        chargeColour(theme, sign), theme.outline, title, count)).join("") + `</ul></figure>`;
  }

  /** Charge is not relevance: two of the origins' colours, which everybody can tell apart. */
  const chargeColour = (theme, charge) => theme.origins[charge > 0 ? 2 : 3];

  function marksSvg(marks) {
    if (!marks.length) return "";
    return `<figure class="track-marks"><figcaption>Marked tracks</figcaption><ul>` +
      marks.map(({ sign, title, count }) =>
        `<li><i>${sign}</i><span>${title}</span><b>${count}</b></li>`).join("") + `</ul></figure>`;
  }

  function sizesSvg(sizes, theme, view) {
    if (!sizes.length) return "";
    let y = 2;
    const marks = sizes.map((size) => {
      const row = Math.max(size.diameter * BALL, 13);
      const centre = y + row / 2;
      y += row + 4;
      return `<circle cx="18" cy="${centre}" r="${(size.diameter * BALL) / 2}" fill="none"` +
        ` stroke="${theme.outline}"/><text x="43" y="${centre}">${size.text}</text>`;
    }).join("");
    return `<figure><figcaption>Track size: ${view.size === "relevance" ? "|relevance|" : "p<sub>T</sub>"}` +
      `</figcaption><svg width="92" height="${y}"><g class="marks">${marks}</g></svg></figure>`;
  }

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.legend = {
    SHAPES, MARKS, CHARGE_SHAPES, BALL, byOrigin, byCharge, colouredBy, origins, legend, html, fill, chargeColour,
  };
})();
