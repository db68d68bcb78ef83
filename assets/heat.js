/* The heat map: relevance of each track (row) through each feature (column), linked with the scene.
 *
 *   arrange  which rows and columns, in which order, and what they add up to (pure)
 *   place    where they stand in a box of some size (pure)
 *   draw     the cells on a canvas, all else as SVG over it; pointing and keys move two frames only
 *
 * On window.jetlrp.heat.
 */
(function () {
  "use strict";

  const TOP = 20; // rows shown where not all are
  const TALLEST = 26; // px a row may be high
  const GAP = 5; // px between groups
  const GENTLE = 0.5; // power of the colour scale: half the colour at a quarter of the relevance

  /* The groups of features in the order in which they stand, with shorter names for narrow ones. */
  const GROUPS = {
    "kinematics": ["kinematics", "kin."],
    "jet-relative": ["relative to the jet", "jet-relative", "jet"],
    "impact parameter": ["impact parameter", "impact", "i. p."],
    "track fit covariance": ["track fit covariance", "covariance", "cov."],
    "track quality": ["track quality", "quality", "qual."],
    "vertex association": ["vertex association", "vertex", "vtx"],
    "particle identity": ["particle identity", "particle", "id."],
    "secondary vertices and subjets": ["secondary vertices, subjets", "SV, subjets", "SV, jets", "SV"],
  };

  /* Short symbols for the columns whose title is a phrase. */
  const SHORT = {
    track_ptrel: "p_T / jet",
    track_erel: "E / jet",
    track_etarel: "Δη",
    track_deltaR: "ΔR",
    trackBTag_DeltaR: "ΔR (b)",
    trackBTag_EtaRel: "η_rel",
    trackBTag_PtRel: "p_rel",
    trackBTag_PPar: "p_par",
    trackBTag_PtRatio: "p_rel / p",
    trackBTag_PParRatio: "p_par / p",
    trackBTag_JetDistVal: "d_axis",
    track_dxydz: "cov(xy, z)",
    track_dphidxy: "cov(φ, xy)",
    track_dlambdadz: "cov(λ, z)",
    track_quality: "quality",
    track_lostInnerHits: "lost hits",
    track_VTX_ass: "vertex",
    track_fromPV: "from PV",
    track_puppiw: "PUPPI",
    track_isChargedHad: "hadron",
    track_isEl: "is e",
    track_isMu: "is μ",
    track_drminsv: "ΔR SV",
    track_drsubjet1: "ΔR j_1",
    track_drsubjet2: "ΔR j_2",
  };

  /* ----------------------------------------------------------------- what */

  const larger = (value) => (Number.isFinite(value) ? Math.abs(value) : -1);

  /** The features in groups, the rows in order, and all sums.
   *
   * rows     tracks, the first on top: by pT, by |relevance|, or by that through one feature
   * columns  [{name, at, title, short, group, net, plus, minus, strength}]; plus and minus are
   *          what speaks for and against, added up over all tracks, whatever rows are shown
   */
  function arrange(jet, view) {
    const { names, values } = jet.featureRelevance;
    const of = (track, at) => values[track * names.length + at];
    const all = Array.from({ length: jet.nTracks }, (_, track) => track);
    const sumsOf = (list) => {
      const net = list.reduce((sum, value) => sum + value, 0);
      const plus = list.reduce((sum, value) => sum + Math.max(0, value), 0);
      return { net, plus, minus: net - plus, strength: 2 * plus - net };
    };
    const columns = names.map((name, at) => {
      const about = jet.features.get(name) || { title: name, unit: "", group: "other", meaning: "" };
      return { name, at, about, title: about.title, short: SHORT[name] || about.title,
               group: about.group || "other", ...sumsOf(all.map((track) => of(track, at))) };
    });
    const known = Object.keys(GROUPS);
    const turn = ({ group }) => (known.includes(group) ? known.indexOf(group) : known.length);
    columns.sort((a, b) => turn(a) - turn(b) || a.group.localeCompare(b.group) ||
      larger(b.strength) - larger(a.strength) || a.at - b.at);
    const groups = [];
    columns.forEach(({ group }, place) => {
      if (!groups.length || groups[groups.length - 1].name !== group) {
        groups.push({ name: group, from: place, to: place });
      }
      groups[groups.length - 1].to = place;
    });
    const by = columns.find(({ name }) => name === view.sort) || null;
    const key = view.sort === "pt" ? (track) => jet.tracks.pt[track]
      : by ? (track) => larger(of(track, by.at)) : (track) => larger(jet.tracks.relevance[track]);
    const order = [...all].sort((a, b) => key(b) - key(a) || a - b);
    const rows = (view.rows === "all" ? order : order.slice(0, TOP)).map((track) => ({
      track, ...sumsOf(names.map((_, at) => of(track, at))) }));
    const { net } = sumsOf(columns.map((column) => column.net));
    return {
      rows, columns, groups, by, of, net,
      most: window.jetlrp.jet.largest(values),
      shown: rows.reduce((sum, row) => sum + row.net, 0),
      rank: new Map([...columns].sort((a, b) => larger(b.net) - larger(a.net))
        .map(({ name }, at) => [name, at + 1])),
    };
  }

  /* ---------------------------------------------------------------- where */

  const pen = document.createElement("canvas").getContext("2d");
  /** How much larger than its own pixels the map is on the page: talk mode enlarges it. */
  const zoomOf = (box) => box.getBoundingClientRect().width / box.clientWidth || 1;

  const measured = new Map(); // widths of texts at 10 px

  function widthOf(text, size, font) {
    if (!measured.has(text)) {
      if (measured.size === 0) pen.font = `10px ${font}`;
      measured.set(text, pen.measureText(text.replace(/_/g, "")).width);
    }
    return (measured.get(text) * size) / 10;
  }

  /** A text that is at most so wide, cut with an ellipsis where it must be. */
  function fitting(text, size, font, most) {
    if (widthOf(text, size, font) <= most) return text;
    let cut = Math.floor((text.length * most) / widthOf(text, size, font));
    while (cut > 1 && widthOf(`${text.slice(0, cut)}…`, size, font) > most) cut--;
    return `${text.slice(0, cut).trimEnd()}…`;
  }

  /** Where everything stands in a box of so many pixels.
   *
   *   colour scale | names of the features, slanted
   *                | sums over the tracks
   *   track, pT    | cells                            | sums over the features
   *                | groups                           | the sum of all
   */
  function place(says, width, height, font) {
    const tall = height >= 340;
    const size = tall ? 11.5 : 10.5;
    const left = tall ? 98 : 88;
    const right = Math.max(tall ? 98 : 52, Math.min(tall ? 150 : 96, width * 0.11));
    const n = says.columns.length;
    const across = width - left - right;
    const pitch = (across - GAP * (says.groups.length - 1)) / Math.max(1, n);
    const letters = Math.max(8.5, Math.min(size, pitch * 1.06));
    const slant = Math.max(0.72, Math.asin(Math.min(1, (letters * 1.08) / Math.max(1, pitch))));
    const room = Math.max(58, height * (tall ? 0.3 : 0.25)); // for the names
    const reach = (room - 6) / Math.sin(slant);
    const bars = tall ? Math.min(84, height * 0.13) : Math.max(20, height * 0.12);
    const names = says.columns.map((column) => {
      const full = tall && widthOf(column.title, letters, font) <= reach;
      return fitting(full ? column.title : column.short, letters, font, reach);
    });
    const longest = Math.max(0, ...names.map((name) => widthOf(name, letters, font)));
    const head = Math.max(tall ? 52 : 34, longest * Math.sin(slant) + 6);
    const top = head + bars + 5;
    const foot = tall ? 48 : 19;
    const step = Math.min(TALLEST, Math.max(1, (height - top - foot) / Math.max(1, says.rows.length)));
    const bottom = top + step * says.rows.length;
    let x = left;
    const xs = says.columns.map((column, at) => {
      if (at && says.columns[at - 1].group !== column.group) x += GAP;
      const here = x;
      x += pitch;
      return here;
    });
    const named = new Array(n).fill(false); // where names would overlap, those that count most stand
    const strongest = says.columns.map((_, column) => column)
      .sort((a, b) => larger(says.columns[b].strength) - larger(says.columns[a].strength));
    for (const column of strongest) {
      named[column] = says.columns[column] === says.by || !named.some((stands, other) => stands &&
        Math.abs(xs[other] - xs[column]) * Math.sin(slant) < letters * 1.05);
    }
    return { width, height, tall, size, letters, named, left, right, pitch, slant, names, head, bars, top, step,
             bottom, xs, end: left + across, crowd: Math.ceil((size * 0.9) / step) };
  }

  /** The row and the column under a point of the box; null outside of them. */
  function find(says, at, x, y) {
    const row = Math.floor((y - at.top) / at.step);
    const column = at.xs.findIndex((from) => x >= from && x < from + at.pitch);
    return {
      row: row >= 0 && row < says.rows.length ? row : null,
      column: column >= 0 && y < at.bottom + 2 ? column : null,
    };
  }

  /* -------------------------------------------------------------- drawing */

  /** Colour of a relevance: the diverging scale of the theme with the panel itself as its zero. */
  function colouring(theme, most) {
    const { scale, css } = window.jetlrp.colours;
    const [strong, weak, , forWeak, forStrong] = theme.diverging;
    const of = scale([strong, weak, theme.panel, forWeak, forStrong]);
    const table = Array.from({ length: 257 }, (_, i) => css(of(i / 256)));
    return (value) => {
      const t = most > 0 ? Math.sign(value) * Math.pow(Math.abs(value) / most, GENTLE) : 0;
      return table[Math.round(128 + 128 * Math.max(-1, Math.min(1, t)))];
    };
  }

  let now = null; // what is drawn: {jet, says, at, frame}
  let cursor = null; // {row, column} of the keys
  let last = null; // {row, column} under the pointer
  let lit = null; // the feature that is pointed at somewhere

  function draw(box, jet, { view, theme, dots = null }) {
    const started = performance.now();
    const frame = framework(box);
    now = null;
    frame.note.hidden = Boolean(jet && jet.nTracks && jet.featureRelevance.names.length);
    frame.map.hidden = !frame.note.hidden;
    if (!frame.note.hidden) {
      frame.note.textContent = jet ? "This jet has no tracks whose features could be shown."
        : "Choose a jet: here stands what each feature of each track spoke for and against.";
      return;
    }
    const says = arrange(jet, view);
    const at = place(says, frame.map.clientWidth, frame.map.clientHeight, theme.font);
    now = { jet, says, at, frame };
    last = null;
    const colourOf = colouring(theme, says.most);
    paintCells(frame.canvas, says, at, theme, colourOf,
               dots || (window.devicePixelRatio || 1) * zoomOf(frame.canvas));
    frame.svg.setAttribute("viewBox", `0 0 ${at.width} ${at.height}`);
    frame.svg.innerHTML = scaleSvg(jet, says, at, theme) + namesSvg(says, at) +
      barsSvg(jet, says, at) + rowsSvg(jet, says, at, view) + groupsSvg(says, at, theme.font) +
      totalSvg(jet, says, at) + '<g class="heat-lights"></g>';
    frame.map.setAttribute("aria-label",
      `Heat map: relevance of ${says.rows.length} of ${jet.nTracks} tracks through ` +
      `${says.columns.length} features. ${sentence(jet, says)} Arrow keys read it cell by cell, ` +
      "Enter leaves one track in the scene, or sorts by the feature above the first row.");
    box.dataset.drawn = String(jet.jet.index);
    lights();
    box.dataset.ms = (performance.now() - started).toFixed(1);
  }

  /** The elements of the panel, made once. */
  function framework(box) {
    if (!box.querySelector(".heat")) {
      box.innerHTML = '<div class="heat" tabindex="0" role="application"><canvas></canvas><svg></svg>' +
        '</div><p class="heat-empty hint"></p><div class="heat-said" aria-live="polite"></div>';
      listen(box.querySelector(".heat"));
    }
    const [map, note, said] = box.children;
    return { map, note, said, canvas: map.firstChild, svg: map.lastChild };
  }

  function paintCells(canvas, says, at, theme, colourOf, dots) {
    canvas.width = Math.round(at.width * dots);
    canvas.height = Math.round(at.height * dots);
    const context = canvas.getContext("2d");
    const snap = (value) => Math.round(value * dots);
    const seam = at.pitch > 7 && at.step > 6 ? Math.max(1, Math.round(dots)) : 0;
    const dash = at.pitch > 9 && at.step > 8; // room for the sign of what speaks strongly against
    context.fillStyle = theme.page;
    for (const group of says.groups) {
      const from = snap(at.xs[group.from]);
      context.globalAlpha = 0.5;
      context.fillRect(from, snap(at.top), snap(at.xs[group.to] + at.pitch) - from,
                       snap(at.bottom) - snap(at.top));
    }
    context.globalAlpha = 1;
    says.rows.forEach(({ track }, row) => {
      const y = snap(at.top + row * at.step);
      const high = snap(at.top + (row + 1) * at.step) - y - seam;
      says.columns.forEach((column, place) => {
        const value = says.of(track, column.at);
        const x = snap(at.xs[place]);
        const wide = snap(at.xs[place] + at.pitch) - x - seam;
        if (!Number.isFinite(value)) {
          context.fillStyle = theme.muted;
          context.fillRect(x + wide / 3, y + high / 2, wide / 3, dots);
          return;
        }
        if (value === 0) return;
        context.fillStyle = colourOf(value);
        context.fillRect(x, y, wide, high);
        if (dash && value < 0 && Math.abs(value) > says.most / 16) {
          context.fillStyle = theme.panel;
          context.fillRect(x + wide * 0.3, y + Math.round(high / 2), wide * 0.4, Math.max(1, dots));
        }
      });
    });
  }

  const svgText = (x, y, text, name, more = "") =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${name}" ${more}>` +
    `${window.jetlrp.numbers.inSvg(text)}</text>`;

  function scaleSvg(jet, says, at, theme) {
    const { signed } = window.jetlrp.numbers;
    const colourOf = colouring(theme, 1);
    const [low, top] = [signed(-says.most, 2), signed(says.most, 2)];
    const words = widthOf(low, at.size, theme.font) + widthOf(top, at.size, theme.font) + 8;
    const wide = Math.max(at.left - 14, words), x = 4, y = at.tall ? 20 : 14, high = at.tall ? 9 : 7;
    const stops = Array.from({ length: 17 }, (_, i) =>
      `<stop offset="${i / 16}" stop-color="${colourOf(2 * (i / 16) - 1)}"/>`).join("");
    return `<defs><linearGradient id="heat-scale">${stops}</linearGradient></defs>` +
      svgText(x, y - 4, "− against", "negative small") +
      svgText(x + wide, y - 4, "for +", "positive small", 'text-anchor="end"') +
      `<rect x="${x}" y="${y}" width="${wide}" height="${high}" rx="2" class="frame"` +
      ` fill="url(#heat-scale)"/>` +
      svgText(x, y + high + at.size, low, "small") +
      svgText(x + wide, y + high + at.size, top, "small", 'text-anchor="end"');
  }

  function namesSvg(says, at) {
    const degrees = (-at.slant * 180) / Math.PI;
    return says.columns.map((column, place) => {
      if (!at.named[place]) return "";
      const x = at.xs[place] + at.pitch / 2 + at.letters * 0.34 * Math.sin(at.slant);
      const sorted = says.by === column ? " sorted" : "";
      return `<text class="name${sorted}" data-column="${place}"` +
        ` style="font-size:${at.letters.toFixed(1)}px" transform="translate(${x.toFixed(1)},` +
        `${(at.head - 1).toFixed(1)}) rotate(${degrees.toFixed(1)})">` +
        `${window.jetlrp.numbers.inSvg(at.names[place])}</text>`;
    }).join("");
  }

  /** Two-sided bars: faint what speaks for and against, full what is left of it. */
  function barsSvg(jet, says, at) {
    const top = (list, of) => Math.max(0, ...list.map(of).filter(Number.isFinite));
    const parts = [];
    const up = top(says.columns, ({ plus }) => plus);
    const down = top(says.columns, ({ minus }) => -minus);
    const tall = (at.bars - 2) / Math.max(1e-30, up + down);
    const zero = at.head + 3 + up * tall;
    const thin = Math.max(1, Math.min(at.pitch - 2, 14));
    const bar = (x, y, wide, high, name) =>
      `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${Math.max(0, wide).toFixed(2)}"` +
      ` height="${Math.max(0, high).toFixed(2)}" class="${name}"/>`;
    says.columns.forEach(({ net, plus, minus }, place) => {
      if (!Number.isFinite(net)) return;
      const x = at.xs[place] + (at.pitch - thin) / 2;
      parts.push(bar(x, zero - plus * tall, thin, plus * tall, "for all"),
        bar(x, zero, thin, -minus * tall, "against all"),
        net > 0 ? bar(x, zero - net * tall, thin, net * tall, "for")
          : bar(x, zero, thin, -net * tall, "against"));
    });
    parts.push(`<line x1="${at.left}" x2="${at.end}" y1="${zero}" y2="${zero}" class="zero"/>`);
    const back = top(says.rows, ({ minus }) => -minus);
    const forth = top(says.rows, ({ plus }) => plus);
    const numbered = at.tall && at.step >= at.size;
    const space = at.right - 12 - (numbered ? 50 : 0);
    const long = space / Math.max(1e-30, back + forth);
    const middle = at.end + 8 + back * long;
    const high = Math.max(1, Math.min(at.step - 1, 12));
    says.rows.forEach(({ net, plus, minus }, row) => {
      if (!Number.isFinite(net)) return;
      const y = at.top + (row + 0.5) * at.step - high / 2;
      parts.push(bar(middle, y, plus * long, high, "for all"),
        bar(middle + minus * long, y, -minus * long, high, "against all"),
        net > 0 ? bar(middle, y, net * long, high, "for")
          : bar(middle + net * long, y, -net * long, high, "against"));
      if (numbered) {
        parts.push(svgText(at.width - 3, y + high / 2, window.jetlrp.numbers.signed(net, 2),
          "figure middle", 'text-anchor="end"'));
      }
    });
    parts.push(`<line x1="${middle}" x2="${middle}" y1="${at.top}" y2="${at.bottom}" class="zero"/>`);
    parts.push(svgText(at.left - 6, at.head + at.bars / 2 - 2, "sum", "small middle",
                       'text-anchor="end"'));
    return parts.join("");
  }

  /** What a row is marked with, as in the scene. */
  const markOf = (jet, track) => (jet.tracks.muon[track] ? "μ" : jet.tracks.electron[track] ? "e" : "");

  function rowsSvg(jet, says, at, view) {
    const { significant } = window.jetlrp.numbers;
    const parts = [];
    parts.push(svgText(at.left - 62, at.top - 4, "track", "small", 'text-anchor="end"'),
      svgText(at.left - 24, at.top - 4, "GeV", "small", 'text-anchor="end"'));
    says.rows.forEach(({ track }, row) => {
      const y = at.top + (row + 0.5) * at.step;
      if (view.track === track) {
        parts.push(`<rect x="0.5" y="${(at.top + row * at.step).toFixed(1)}" rx="2"` +
          ` width="${at.width - 1}" height="${at.step.toFixed(1)}" class="alone"/>`);
      }
      if (view.marks) {
        const mark = markOf(jet, track);
        if (mark && at.step >= 5) parts.push(svgText(at.left - 20, y, mark, "mark middle"));
        if (jet.tracks.displaced[track]) {
          const r = Math.min(3.2, at.step / 2 - 0.4);
          if (r > 0.6) parts.push(`<circle cx="${at.left - 7}" cy="${y.toFixed(1)}" r="${r}" class="ring"/>`);
        }
      }
      if (row % at.crowd) return;
      parts.push(svgText(at.left - 62, y, String(track), "row middle", 'text-anchor="end"'),
        svgText(at.left - 24, y, significant(jet.tracks.pt[track], 2), "figure middle",
                'text-anchor="end"'));
    });
    return parts.join("");
  }

  function groupsSvg(says, at, font) {
    const y = at.bottom + 4;
    return says.groups.map((group, place) => {
      const from = at.xs[group.from], to = at.xs[group.to] + at.pitch;
      const size = at.size;
      const wanted = GROUPS[group.name] || [group.name];
      const fits = wanted.find((text) => widthOf(text, size, font) <= to - from + GAP);
      const lines = at.tall && !(widthOf(wanted[0], size, font) <= to - from + GAP)
        ? wrap(wanted[0], size, font, to - from + GAP) || [fits || ""] : [fits || ""];
      return `<path class="bracket" d="M${from.toFixed(1)} ${y - 2}v3H${(to - 0.5).toFixed(1)}v-3"/>` +
        lines.map((line, n) => svgText((from + to) / 2, y + 3 + size * (1 + 1.12 * n), line, "group",
          `text-anchor="middle" data-group="${place}"`)).join("");
    }).join("");
  }

  /** A text in up to three lines that are at most so wide, or null. */
  function wrap(text, size, font, most) {
    const lines = [];
    for (const word of text.split(" ")) {
      const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
      if (lines.length && widthOf(longer, size, font) <= most) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines.length <= 3 && lines.every((line) => widthOf(line, size, font) <= most) ? lines : null;
  }

  /** Whether the cells add up to what the account gives to the tracks. */
  function addsUp(jet, says) {
    const wanted = jet.account.tracks;
    return Math.abs(says.net - wanted) <= 1e-4 * Math.max(1, Math.abs(wanted));
  }

  /** How the rows and columns add up to the account, in words. */
  function sentence(jet, says) {
    const { signed } = window.jetlrp.numbers;
    const hidden = jet.nTracks - says.rows.length;
    return `All ${jet.nTracks} tracks add up to ${signed(says.net, 4)}, ` +
      (addsUp(jet, says) ? "the tracks' share in the account." :
        `but the account gives ${signed(jet.account.tracks, 4)} to the tracks.`) +
      (hidden ? ` The ${says.rows.length} shown hold ${signed(says.shown, 4)} of it.` : "");
  }

  function totalSvg(jet, says, at) {
    const { signed } = window.jetlrp.numbers;
    const right = addsUp(jet, says);
    const y = at.bottom + (at.tall ? 16 : 13);
    return `<g class="total${right ? "" : " warning"}"><title>${sentence(jet, says)}</title>` +
      svgText(at.width - 3, y, `${right ? "Σ" : "≠ Σ"} ${signed(says.net, 3)}`, "sum",
        'text-anchor="end"') +
      (at.tall ? svgText(at.width - 3, y + 14, "all tracks", "small", 'text-anchor="end"') : "") +
      "</g>" + (at.tall ? svgText(at.left, at.height - 4, fitting(sentence(jet, says), 11.5,
        "Inter", at.width - at.left), "small sentence") : "");
  }

  /* ---------------------------------------------------- pointing and keys */

  /** Frame the rows and the column that are pointed at, here or in another panel. */
  function lights(cell = null) {
    if (!now) return;
    const { says, at, frame } = now;
    const layer = frame.svg.querySelector(".heat-lights");
    const { view } = window.jetlrp;
    const { track, edge } = view.hovered;
    const tracks = track !== null ? [track]
      : edge !== null ? [now.jet.source[edge], now.jet.destination[edge]] : [];
    const rows = says.rows.map((row, place) => (tracks.includes(row.track) ? place : -1))
      .filter((place) => place >= 0);
    const column = lit === null ? -1 : says.columns.findIndex(({ name }) => name === lit);
    const label = (row) => {
      const y = at.top + (row + 0.5) * at.step;
      const { track: number } = says.rows[row];
      const { significant } = window.jetlrp.numbers;
      return `<rect class="plate" x="0" y="${(y - at.size / 2 - 2).toFixed(1)}" width="${at.left - 22}"` +
        ` height="${at.size + 4}" rx="3"/>` +
        svgText(at.left - 62, y, String(number), "row lit middle", 'text-anchor="end"') +
        svgText(at.left - 24, y, significant(now.jet.tracks.pt[number], 2), "row lit middle",
                'text-anchor="end"');
    };
    layer.innerHTML = rows.map((row) =>
      `<rect class="light row-light" data-row="${row}" x="${at.left - 1}" rx="2"` +
      ` y="${(at.top + row * at.step - 1).toFixed(1)}" width="${at.end - at.left + at.right - 1}"` +
      ` height="${(at.step + 1).toFixed(1)}"/>${label(row)}`).join("") +
      (column >= 0 ? `<rect class="light column-light" data-column="${column}" rx="2"` +
        ` x="${(at.xs[column] - 1).toFixed(1)}" y="${at.head.toFixed(1)}"` +
        ` width="${(at.pitch + 1).toFixed(1)}" height="${(at.bottom - at.head + 1).toFixed(1)}"/>` : "") +
      (cell ? `<rect class="light cell-light" x="${at.xs[cell.column].toFixed(1)}"` +
        ` y="${(at.top + cell.row * at.step).toFixed(1)}" width="${at.pitch.toFixed(1)}"` +
        ` height="${at.step.toFixed(1)}"/>` : "");
    for (const name of frame.svg.querySelectorAll(".name.lit")) name.classList.remove("lit");
    const name = column >= 0 && frame.svg.querySelector(`.name[data-column="${column}"]`);
    if (name) name.classList.add("lit");
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

  const inUnit = (value, unit) => {
    const text = window.jetlrp.numbers.significant(value);
    return unit && Number.isFinite(value) ? `${text} ${unit}` : text;
  };

  /** What a cell says: {title, lines, value, note}. */
  function cellWords(jet, says, row, column) {
    const { signed, significant } = window.jetlrp.numbers;
    const { track } = says.rows[row];
    const { name, at, about } = says.columns[column];
    const relevance = says.of(track, at);
    const given = jet.values.column(name);
    const kind = window.jetlrp.words.kindOf(jet, track);
    return {
      title: `Track ${track}${kind ? ` (${kind})` : ""}: ${about.title.replace(/_/g, "")}`,
      value: relevance,
      lines: [
        ["value", given ? inUnit(given[track], about.unit) : "–"],
        ["relevance", signed(relevance)],
        ["speaks", Number.isFinite(relevance) ? window.jetlrp.words.stance(jet, relevance) : "–"],
        ["the track's pT", `${significant(jet.tracks.pt[track])} GeV`],
      ],
      note: about.meaning,
    };
  }

  /** What a column says: {title, lines, value, note}. */
  function featureWords(jet, says, column) {
    const { signed } = window.jetlrp.numbers;
    const { name, about, net, plus, minus } = says.columns[column];
    return {
      title: about.title.replace(/_/g, "") + (about.unit ? ` (${about.unit})` : ""),
      value: net,
      lines: [
        ["group", about.group || "other"],
        ["for", signed(plus)],
        ["against", signed(minus)],
        ["relevance", signed(net)],
        ["speaks", Number.isFinite(net) ? window.jetlrp.words.stance(jet, net) : "–"],
        ["rank", `${says.rank.get(name)} of ${says.columns.length}`],
      ],
      note: `${about.meaning} Click to sort the rows by it.`,
    };
  }

  function tell(says, pointer) {
    const { showTooltip, placeTooltip } = window.jetlrp.scene;
    showTooltip(says, "cell", null);
    if (says.note) {
      const note = document.createElement("p");
      note.className = "heat-note";
      note.textContent = says.note;
      document.getElementById("scene-tooltip").append(note);
    }
    placeTooltip(pointer);
  }

  function pointed(event) {
    if (!now) return;
    const { says, at, frame } = now;
    const box = frame.map.getBoundingClientRect();
    const zoom = zoomOf(frame.map);
    const found = find(says, at, (event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom);
    const same = last && last.row === found.row && last.column === found.column;
    if (same) window.jetlrp.scene.placeTooltip(event);
    else show(found, event);
    last = found;
    frame.map.style.cursor = found.row !== null || found.column !== null ? "pointer" : "";
    return found;
  }

  /** Light and say what is found; row or column alone is that of a label or of a bar. */
  function show({ row, column }, pointer) {
    const { jet, says } = now;
    const { view, words, scene } = window.jetlrp;
    lit = column === null ? null : says.columns[column].name;
    view.hover(row === null ? null : { track: says.rows[row].track });
    lights(row !== null && column !== null ? { row, column } : null);
    const text = row !== null && column !== null ? cellWords(jet, says, row, column)
      : row !== null ? words.track(jet, says.rows[row].track)
      : column !== null ? featureWords(jet, says, column) : null;
    if (text) tell(text, pointer);
    else scene.hideTooltip();
    return text;
  }

  function left() {
    lit = last = null;
    window.jetlrp.view.hover(null);
    window.jetlrp.scene.hideTooltip();
    lights();
  }

  /** A row leaves only the edges of its track in the scene (again: all); a column sorts the rows. */
  function chosen({ row, column }) {
    const { view } = window.jetlrp;
    if (row !== null) {
      const { track } = now.says.rows[row];
      view.set({ track: view.state.track === track ? null : track, edge: null });
    } else if (column !== null) {
      sortBy(now.says.columns[column].name);
    }
  }

  /** Sort the rows by relevance through a feature; again: by all of it. */
  function sortBy(feature) {
    const { view } = window.jetlrp;
    view.set({ sort: view.state.sort === feature ? view.KEYS.sort[0] : feature });
  }

  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
                  PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -1e6], End: [0, 1e6] };

  /** The keys move a cursor over the cells, and above them over the features. */
  function pressed(event) {
    if (!now || event.altKey || event.ctrlKey || event.metaKey) return;
    const { says, at, frame } = now;
    const step = STEPS[event.key];
    if (step) {
      const within = (value, low, high) => Math.max(low, Math.min(high, value));
      const before = cursor || { row: step[0] > 0 ? -1 : 0, column: step[1] > 0 ? -1 : 0 };
      cursor = { row: within(before.row + step[0], -1, says.rows.length - 1),
                 column: within(before.column + step[1], 0, says.columns.length - 1) };
    } else if (event.key === "Escape" && cursor) {
      cursor = null;
      left();
    } else if ((event.key === "Enter" || event.key === " ") && cursor) {
      chosen(onCells(cursor));
    } else return;
    event.preventDefault();
    event.stopPropagation();
    if (!cursor || !step) return;
    const box = frame.map.getBoundingClientRect();
    const zoom = zoomOf(frame.map);
    const text = show(onCells(cursor), {
      clientX: box.left + zoom * (at.xs[cursor.column] + at.pitch),
      clientY: box.top + zoom * (at.top + Math.max(0, cursor.row) * at.step),
    });
    frame.said.textContent = `${text.title}. ${text.lines.map(([what, value]) =>
      `${what} ${value}`).join(", ")}.`;
  }

  const onCells = ({ row, column }) => ({ row: row < 0 ? null : row, column });

  function listen(map) {
    map.addEventListener("pointermove", pointed);
    map.addEventListener("pointerleave", left);
    map.addEventListener("click", (event) => {
      const found = pointed(event);
      if (found) chosen(found);
    });
    map.addEventListener("keydown", pressed);
    map.addEventListener("blur", () => { cursor = null; left(); });
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
    const { dock, view } = window.jetlrp;
    if (dock.isOpen("heat")) sortBy(row.dataset.feature);
    else view.set({ dock: [...dock.open(), "heat"], full: null, sort: row.dataset.feature });
  });

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.heat = { TOP, arrange, place, find, colouring, addsUp, sentence, cellWords, featureWords, light };
  document.addEventListener("DOMContentLoaded", () => {
    window.jetlrp.view.onHover(() => lights());
    document.fonts.addEventListener("loadingdone", () => { // texts have other widths now
      measured.clear();
      window.jetlrp.dock.redraw("heat");
    });
  });
  window.jetlrp.dock.panel("heat", { keys: ["sort", "rows", "track", "marks"], draw });
})();
