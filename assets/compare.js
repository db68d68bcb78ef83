/* Two explanations beside each other: what is pinned, the picture of their difference, and the
 * table and bars of the panel "Compared".
 *
 * The difference is always the jet on screen minus the pinned one. Of one jet explained in two ways
 * it can be drawn, as tracks and edges are the same; of two jets there are only sums.
 * On window.jetlrp.compare.
 */
(function () {
  "use strict";

  const TOP = 10; // edges whose share of the significance is compared
  const ROWS = 8; // features, tracks and edges that are listed
  const TALL = 820; // px of window from which on the panel opens by itself

  /* -------------------------------------------------------------- in words */

  const known = (kind) => {
    const tools = document.querySelector(".compare-tools");
    return tools ? JSON.parse(tools.dataset[kind]) : {};
  };

  /** A rule as people write it: "LRP-γ(1)", "LRP-ε(0.01, relative, biases spread)". */
  function ruleWords(text) {
    const { name, parameters } = window.jetlrp.link.readRule(text) || { name: text, parameters: {} };
    const own = Object.entries(parameters).flatMap(([key, value]) =>
      typeof value === "number" ? [window.jetlrp.numbers.minus(String(value))]
        : value === true || value === "True" ? [key]
        : key === "bias" && value === "spread" ? ["biases spread"] : []);
    const title = known("rules")[name] || name;
    if (name === "composite") return title;
    return own.length ? `${title}(${own.join(", ")})` : title;
  }

  const targetWords = (name) => known("targets")[name] || name;

  /** What is explained, and how, in a line: "Jet 12 · margin H→bb̄ − QCD · LRP-γ(1)". */
  const title = ({ jet, target, rule }) => `Jet ${jet} · ${targetWords(target)} · ${ruleWords(rule)}`;

  /** Two names without the folders that they share; what is left tells them apart. */
  function shortly(one, other) {
    const end = (name) => (name || "").slice((name || "").lastIndexOf("/") + 1);
    return one !== other && end(one) === end(other) ? [one, other] : [end(one), end(other)];
  }

  /** The file and the network of a question, where they are others than those of the other one. */
  const apart = (one, other) => ["model", "file"]
    .filter((key) => one[key] && other[key] && one[key] !== other[key])
    .map((key) => `${shortly(one[key], other[key])[0]} · `).join("");

  const questionOf = (jet) => ({ jet: jet.jet.index, ...jet.question });

  /* ------------------------------------------------------------ difference */

  /** Whether two explanations are of one jet with all their edges there, so that they subtract. */
  const isSameJet = (a, b) => a.jet.jet_id === b.jet.jet_id && a.question.file === b.question.file;
  const alike = (a, b) => Boolean(a && b) && isSameJet(a, b) &&
    a.nEdges === b.nEdges && !a.numbers && !b.numbers;

  const subtract = (a, b) => Float64Array.from(a, (value, at) => value - b[at]);

  let last = { a: null, b: null, made: null };

  /** a minus b as a jet that can be drawn: widths |Δ significance|, colours its sign. */
  function difference(a, b) {
    if (last.a === a && last.b === b) return last.made;
    const { largest, rankEdges, rankTracks } = window.jetlrp.jet;
    const signed = subtract(a.significance, b.significance);
    const significance = signed.map(Math.abs);
    const relevance = subtract(a.tracks.relevance, b.tracks.relevance);
    const ranked = rankEdges(significance);
    const all = ranked.share[significance.length] || 1;
    const made = {
      ...a,
      difference: { a, b },
      significance, signed, ...ranked,
      share: ranked.share.map((share) => share / all),
      tracks: { ...a.tracks, relevance, ...rankTracks(relevance) },
      maxSignificance: largest(significance), maxSigned: largest(signed),
      maxRelevance: largest(relevance),
    };
    last = { a, b, made };
    return made;
  }

  /** Whether the picture is that of the difference. */
  function isDifference() {
    const { state, shown } = window.jetlrp.view;
    return state.difference && state.pin !== null && alike(shown.a, shown.b);
  }

  /** The jet to draw in a slot. */
  function drawn(slot) {
    const { shown } = window.jetlrp.view;
    return slot === "a" && isDifference() ? difference(shown.a, shown.b) : shown[slot];
  }

  /** The view to draw it with: a difference has colours of its own. */
  function look() {
    const { state } = window.jetlrp.view;
    return isDifference() ? { ...state, color: "relevance", edgecolor: "relevance" } : state;
  }

  /** The scales of what is drawn: one for both, the jet and the pinned one. */
  function scales() {
    const of = isDifference() ? [drawn("a")] : window.jetlrp.view.both();
    const most = (name) => Math.max(0, ...of.map((jet) => jet[name]));
    return { significance: most("maxSignificance"), signed: most("maxSigned"), relevance: most("maxRelevance"), pt: most("maxPt") };
  }

  const more = (value) => (value === 0 ? "nothing changed"
    : value > 0 ? "more than pinned" : "less than pinned");

  /** An edge of a difference in words. */
  function edge(scene, place) {
    const { percent, signed, thousands, significant } = window.jetlrp.numbers;
    const { a, b } = scene.difference;
    const of = (jet) => `${significant(jet.significance[place])} · rank ${thousands(jet.rank[place] + 1)}`;
    return {
      title: `Track ${scene.source[place]} → track ${scene.destination[place]}`,
      value: scene.signed[place],
      lines: [
        ["here", of(a)], ["pinned", of(b)],
        ["Δ significance", `${signed(scene.signed[place])} (${percent(Math.abs(scene.signed[place]))})`],
        ["that is", more(scene.signed[place])],
      ],
    };
  }

  /** A track of a difference in words. */
  function track(scene, number) {
    const { signed, significant } = window.jetlrp.numbers;
    const { a, b } = scene.difference;
    const of = (jet) => `${signed(jet.tracks.relevance[number])} · rank ${jet.tracks.rank[number] + 1}`;
    return {
      title: `Track ${number}`,
      value: scene.tracks.relevance[number],
      lines: [
        ["pT", `${significant(scene.tracks.pt[number])} GeV`],
        ["here", of(a)], ["pinned", of(b)],
        ["Δ relevance", signed(scene.tracks.relevance[number])],
        ["that is", more(scene.tracks.relevance[number])],
      ],
    };
  }

  /* ----------------------------------------------------------------- table */

  const score = ({ prediction }) => {
    const at = Math.max(0, prediction.classes.indexOf("H→bb̄"));
    return prediction.probabilities[at];
  };
  const prong = (name) => (jet) => (jet.prongs ? jet.prongs[name] : null);

  const number = (value) => (value === null || value === undefined ? NaN : value);
  const fixed = (value) => (Number.isFinite(value) ? window.jetlrp.numbers.minus(value.toFixed(3)) : "–");
  const plusFixed = (value) => (value > 0 ? "+" : "") + fixed(value);
  const share = (value) => (Number.isFinite(value)
    ? `${window.jetlrp.numbers.minus((100 * value).toFixed(1))} %` : "–");
  const points = (value) => (Number.isFinite(value)
    ? `${value > 0 ? "+" : ""}${window.jetlrp.numbers.minus((100 * value).toFixed(1))} pp` : "–");
  const whole = (value) => window.jetlrp.numbers.thousands(value);
  const plusWhole = (value) => (value > 0 ? "+" : "") +
    window.jetlrp.numbers.minus(window.jetlrp.numbers.thousands(value));

  /* [name, value of a jet, as text, difference as text, what it is] */
  const LINES = [
    ["P(H→bb̄)", score, share, points, "According to the network"],
    ["explained value", (jet) => jet.account.value, fixed, plusFixed, "The output that is explained"],
    ["on tracks", (jet) => jet.account.tracks, fixed, plusFixed, "Relevance that reached the tracks"],
    ["on biases", (jet) => jet.account.bias, fixed, plusFixed, "Relevance that the biases took"],
    ["on ε", (jet) => jet.account.epsilon, fixed, plusFixed, "Relevance that ε took"],
    ["missing", (jet) => jet.account.error,
     (value) => window.jetlrp.numbers.significant(value, 2), null,
     "How far the sum is from the explained value"],
    ["tracks", (jet) => jet.nTracks, whole, plusWhole, "Tracks of the jet"],
    ["edges", (jet) => jet.allEdges, whole, plusWhole, "Edges between them"],
    [`top ${TOP} edges hold`, (jet) => jet.share[Math.min(TOP, jet.nEdges)], share, points,
     "Share of the significance on the most significant edges"],
    ["between prongs", prong("between"), share, points,
     "Share of the significance on edges from one subjet to the other"],
    ["within prongs", prong("within"), share, points,
     "Share of the significance on edges within a subjet"],
  ];

  const words = (name, tip, a, b) => ({ name, tip, a, b, kind: "words", difference: a === b ? "same" : "differs" });

  /** The rows of the table: [{name, tip, a, b, difference}] as texts. */
  function table(a, b) {
    return [
      words("label", "What the simulation says", a.words.label, b.words.label),
      words("explained", "The output that is explained", targetWords(a.question.target),
            targetWords(b.question.target)),
      words("rule", "How relevance is shared at each step", ruleWords(a.question.rule),
            ruleWords(b.question.rule)),
      words("network", "Whose output is explained", ...shortly(a.question.model, b.question.model)),
      words("file", "Where the jet is", ...shortly(a.question.file, b.question.file)),
    ].filter((row) => row.name === "label" || row.difference === "differs").concat([
      ...LINES.map(([name, of, text, delta, tip]) => {
        const [one, other] = [number(of(a)), number(of(b))];
        return { name, tip, a: text(one), b: text(other),
                 difference: !delta ? "" : one === other ? "0" : delta(one - other) };
      }),
    ]);
  }

  /** Relevance of each feature, added up over the tracks: Map of name -> sum. */
  function featureSums(jet) {
    const { names, values } = jet.featureRelevance;
    const sums = new Float64Array(names.length);
    values.forEach((value, at) => { sums[at % names.length] += value; });
    return new Map(names.map((name, at) => [name, sums[at]]));
  }

  /** The features that count most in either: [{name, title, a, b}]. */
  function features(a, b) {
    const [one, other] = [featureSums(a), featureSums(b)];
    const size = (name) => Math.max(Math.abs(one.get(name) || 0), Math.abs(other.get(name) || 0));
    return [...new Set([...one.keys(), ...other.keys()])]
      .sort((x, y) => size(y) - size(x)).slice(0, ROWS)
      .map((name) => ({
        name, title: (a.features.get(name) || { title: name }).title,
        a: number(one.get(name)), b: number(other.get(name)),
      }));
  }

  /** What changed most of one jet: {tracks: [...], edges: [...]}, each {at, delta, from, to}. */
  function changes(a, b) {
    const made = difference(a, b);
    const rows = (order, values, ranksOfA, ranksOfB) => Array.from(order).slice(0, ROWS)
      .map((at) => ({ at, delta: values[at], from: ranksOfB[at] + 1, to: ranksOfA[at] + 1 }))
      .filter(({ delta }) => delta !== 0);
    return {
      tracks: rows(made.tracks.byRelevance, made.tracks.relevance, a.tracks.rank, b.tracks.rank),
      edges: rows(made.order, made.signed, a.rank, b.rank),
    };
  }

  /* ------------------------------------------------------------------ HTML */

  const escape = (text) => window.jetlrp.numbers.escape(text);

  function tableHtml(a, b) {
    const other = isSameJet(a, b) ? "" : `Jet ${b.jet.index}`;
    return `<table class="compare-table"><thead><tr><td></td><th scope="col">Jet ${a.jet.index}</th>` +
      `<th scope="col">${other} <i>pinned</i></th><th scope="col">difference</th></tr></thead><tbody>` +
      table(a, b).map((row) =>
        `<tr class="${row.kind || "number"}" title="${escape(row.tip)}"><th scope="row">${escape(row.name)}</th><td>${escape(row.a)}</td>` +
        `<td>${escape(row.b)}</td><td>${escape(row.difference)}</td></tr>`).join("") +
      "</tbody></table>";
  }

  function featuresHtml(a, b) {
    const rows = features(a, b);
    const most = Math.max(1e-12, ...rows.flatMap((row) => [row.a, row.b].filter(Number.isFinite)
      .map(Math.abs)));
    const { signed, symbol } = window.jetlrp.numbers;
    const bar = (value, which) => {
      if (!Number.isFinite(value)) return `<span class="pair ${which}"></span>`;
      const side = value < 0 ? "negative" : "positive";
      return `<span class="pair ${which}"><span class="${side}"` +
        ` style="width:${(50 * Math.abs(value) / most).toFixed(2)}%"></span></span>`;
    };
    const same = a.words.stands_for === b.words.stands_for;
    return `<div class="compare-features"><h3>Features that counted</h3>` +
      `<p class="key"><span><i class="here"></i>here</span><span><i class="other"></i>pinned</span></p>` +
      rows.map((row) =>
        `<div class="compare-feature" title="${escape(row.name)}"><span class="name">${symbol(row.title)}</span>` +
        `<span class="pairs">${bar(row.a, "here")}${bar(row.b, "other")}</span>` +
        `<span class="figures">${signed(row.a, 2)}<br>${signed(row.b, 2)}</span></div>`).join("") +
      `<p class="hint">Right speaks for ${escape(a.words.stands_for)}` +
      `${same ? "" : ` (pinned: for ${escape(b.words.stands_for)})`}, left against.</p></div>`;
  }

  function changesHtml(a, b) {
    if (!alike(a, b)) {
      return `<div class="compare-changes"><h3>What changed most</h3><p class="hint">` +
        (isSameJet(a, b)
          ? "Only the most significant edges of this jet came, so that they cannot be subtracted."
          : "Tracks of different jets are different particles: there is no difference to draw, only " +
            "one in numbers. Pin this jet and choose another rule or target to see what moves.") +
        "</p></div>";
    }
    const { signed } = window.jetlrp.numbers;
    const found = changes(a, b);
    const rank = ({ from, to }) => (from === to ? `#${to}` : `#${from}→${to}`);
    const row = (kind, one, name) =>
      `<li><button type="button" data-${kind}="${one.at}" title="Rank ${one.from} pinned, ` +
      `rank ${one.to} here"><span>${name}</span>` +
      `<span class="muted">${rank(one)}</span>` +
      `<span class="signed ${one.delta > 0 ? "positive" : "negative"}">${signed(one.delta, 2)}</span>` +
      "</button></li>";
    const list = (heading, rows) => `<div><h3>${heading}</h3>` +
      (rows.length ? `<ol>${rows.join("")}</ol>` : '<p class="hint">Nothing changed.</p>') + "</div>";
    return '<div class="compare-changes two">' +
      list("Tracks: Δ relevance", found.tracks.map((one) => row("track", one, `track ${one.at}`))) +
      list("Edges: Δ significance", found.edges.map((one) =>
        row("edge", one, `${a.source[one.at]} → ${a.destination[one.at]}`))) + "</div>";
  }

  function draw(box) {
    const { a, b } = window.jetlrp.view.shown;
    const { pin } = window.jetlrp.view.state;
    if (!a || !b) {
      box.innerHTML = `<p class="hint compare-empty">${pin && !b
        ? "The pinned explanation is not there yet."
        : "Nothing is pinned. Press <b>Pin</b> above the picture (or P), then open another jet, " +
          "rule or target: both stand side by side, and their difference here."}</p>`;
      return;
    }
    box.innerHTML = `<div class="compared">${tableHtml(a, b)}${featuresHtml(a, b)}${changesHtml(a, b)}</div>`;
  }

  /* ------------------------------------------------------- pin, unpin, swap */

  let before = null; // the panels that were open before "Compared" took their place

  /** The file and the network, where there is a choice. */
  function source() {
    const { file, model } = window.jetlrp.view.state;
    return file === null ? {} : { file, model };
  }

  function pin() {
    const { view } = window.jetlrp;
    const { jet, target, rule } = view.state;
    if (jet === null || !target || !rule) return;
    window.dash_clientside.set_props("pinned", { data: { jet, target, rule, ...source() } });
    if (window.innerHeight < TALL) return;
    before = view.state.dock;
    view.set({ dock: ["compare"] });
  }

  function unpin() {
    const { view } = window.jetlrp;
    window.dash_clientside.set_props("pinned", { data: null });
    const opened = JSON.stringify(view.state.dock) === '["compare"]';
    view.set({ difference: false, ...(opened ? { dock: before } : {}) });
    before = null;
  }

  /** The two change places. */
  function swap() {
    const { jet, target, rule, pin: other } = window.jetlrp.view.state;
    if (other) window.jetlrp.link.ask({ ...other, pin: { jet, target, rule, ...source() } });
  }

  /** Captions, buttons and the two panes as the view has them. */
  function sync() {
    const { view } = window.jetlrp;
    const { pin: pinned, difference: wanted, jet, target, rule } = view.state;
    const root = document.documentElement.classList;
    for (const id of ["network", "network-b"]) {
      const div = document.getElementById(id);
      if (div) sizes.observe(div);
    }
    root.toggle("has-pin", pinned !== null);
    root.toggle("has-difference", isDifference());
    window.jetlrp.dock.redraw("compare");
    const button = document.getElementById("pin");
    if (!button) return;
    button.setAttribute("aria-pressed", String(pinned !== null));
    button.lastElementChild.textContent = pinned ? "Pinned" : "Pin";
    button.disabled = !pinned && jet === null;
    if (!pinned) return;
    const { a, b } = view.shown;
    const here = a ? questionOf(a) : { jet, target, rule, ...source() };
    const there = b ? questionOf(b) : pinned;
    const note = wanted && a && b && !isDifference()
      ? (isSameJet(a, b) ? " · too large to subtract edge by edge"
        : " · other jet: the difference is in numbers only") : "";
    const caption = document.getElementById("network-caption");
    if (!caption.firstElementChild) caption.append(document.createElement("span"));
    say(caption.firstElementChild, isDifference()
      ? `Difference: ${apart(here, there)}${title(here)} minus ${apart(there, here)}` +
        `${targetWords(pinned.target)} · ${ruleWords(pinned.rule)}`
      : `${apart(here, there)}${title(here)}${note}`);
    say(document.getElementById("network-b-caption"), `pinned: ${apart(there, here)}${title(there)}`);
  }

  /** What a picture shows, above it; heights says how many lines that takes. */
  function say(span, words) {
    span.textContent = words;
    heights.observe(span);
  }

  /** Captions are whole, in as many lines as they need, and both are as high as the higher one, so
   * that the pictures below stand beside each other. */
  const heights = new ResizeObserver(level);

  function level() {
    const spans = [...document.querySelectorAll("#network-caption > span, #network-b-caption")];
    const most = Math.max(18, ...spans.map((span) => span.offsetHeight));
    const stage = document.getElementById("stage");
    if (stage) stage.style.setProperty("--caption", `${most + 12}px`);
  }

  /* A pane that became wider or lower: its picture follows, and so does a camera that nobody turned. */
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) requestAnimationFrame(() => refit(target));
  });

  async function refit(div) {
    const { scene, camera, view } = window.jetlrp;
    const state = scene.stateOf(div.id);
    if (!div.clientWidth || !view.shown[state.slot]) return;
    if (state.fitted === `${div.clientWidth} ${div.clientHeight}`) return;
    state.fitted = `${div.clientWidth} ${div.clientHeight}`;
    if (!state.drawnOnce) {
      scene.draw(div.id);
      return;
    }
    state.fitting += 1;
    try {
      await window.Plotly.Plots.resize(div);
      if (!view.shown[state.slot]) return; // it has gone meanwhile
      await scene.fit(div, state);
      if (!view.state.camera && !view.state.rotate) await camera.move(div.id, camera.preset("start", div));
    } finally {
      state.fitting -= 1;
    }
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    const { view } = window.jetlrp;
    if (at("#pin")) (view.state.pin ? unpin : pin)();
    else if (at("[data-unpin]")) unpin();
    else if (at("#swap")) swap();
    const row = at("#compare-body button[data-track], #compare-body button[data-edge]");
    if (row && row.dataset.track) {
      const track = Number(row.dataset.track);
      view.set({ track: view.state.track === track ? null : track, edge: null });
    } else if (row) {
      const edge = window.jetlrp.jet.numberOf(view.shown.a, Number(row.dataset.edge));
      view.set({ edge: view.state.edge === edge ? null : edge });
    }
  });

  for (const [name, over] of [["mouseover", true], ["mouseout", false],
                              ["focusin", true], ["focusout", false]]) {
    document.addEventListener(name, (event) => {
      const row = event.target.closest?.("#compare-body button[data-track], #compare-body button[data-edge]");
      if (!row) return;
      const { track, edge } = row.dataset;
      window.jetlrp.view.hover(!over ? null : track !== undefined ? { track: Number(track) }
        : { edge: Number(edge) });
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    const { view } = window.jetlrp;
    window.jetlrp.dock.panel("compare", { draw });
    view.on(["pin", "difference", "jet", "target", "rule", "file", "model"], sync);
    view.onShown(sync);
    document.addEventListener("jetlrp:drawn", ({ detail: { id } }) => { // its pane came before its jet
      const div = document.getElementById(id);
      const { width, height } = div._fullLayout || {};
      if (!width || Math.hypot(width - div.clientWidth, height - div.clientHeight) < 2) return;
      window.jetlrp.scene.stateOf(id).fitted = null;
      refit(div);
    });
  });

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.compare = {
    ruleWords, targetWords, title, alike, difference, isDifference, drawn, look, scales, edge, track,
    table, features, changes, pin, unpin, swap, sync,
  };
})();
