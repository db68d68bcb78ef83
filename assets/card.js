/* The card of an edge: its two tracks, what it counts for, and through which of their features.
 *
 * The numbers of the edge are there already and shown at once; its relevance by feature is asked
 * from the service (Dash: the store "edge-asked" -> the store "edge-answer", app/panels/scene.py).
 * On window.jetlrp.card.
 */
(function () {
  "use strict";

  const TOP = 8; // features shown of each end before all are asked for

  let asked = null; // what the card is of: {jet, edge, target, rule}
  let answer = null; // what came back: {asked, answer} or {asked, error, request_id}
  let all = false;

  const parts = ({ jet, edge, target, rule, file, model }) => [jet, edge, target, rule, file, model];
  const same = (a, b) => Boolean(a && b) && JSON.stringify(parts(a)) === JSON.stringify(parts(b));


  /** The file and the network, where there is a choice. */
  const source = ({ question: { file, model } }) =>
    (window.jetlrp.view.state.file === null ? {} : { file, model });

  /** The edge of the view is asked for, unless it was. */
  function ask() {
    const { view } = window.jetlrp;
    const jet = view.shown.a;
    const wanted = jet && view.state.edge !== null ? {
      jet: jet.jet.index, edge: view.state.edge, target: jet.question.target,
      rule: jet.question.rule, ...source(jet) } : null;
    if (!same(wanted, asked)) {
      asked = wanted;
      all = false;
      if (wanted && !same(answer && answer.asked, wanted)) {
        window.dash_clientside.set_props("edge-asked", { data: wanted });
      }
    }
    draw();
  }

  function answered(what) {
    if (!what) return;
    answer = what;
    draw();
  }

  /* ---------------------------------------------------------------- drawing */

  function draw() {
    const { view } = window.jetlrp;
    const box = document.getElementById("edge-card");
    if (!box) return;
    box.hidden = !asked || !view.shown.a;
    if (box.hidden) {
      box.replaceChildren();
      return;
    }
    const came = same(answer && answer.asked, asked) ? answer : null;
    box.setAttribute("aria-busy", String(!came));
    const held = document.activeElement && box.contains(document.activeElement)
      ? document.activeElement.dataset.part : null;
    box.innerHTML = html(view.shown.a, asked.edge, came);
    const again = held && box.querySelector(`[data-part="${held}"]`);
    if (again) again.focus();
  }

  /** Source and destination of an edge by its number, also where it did not come. */
  function ends(jet, number, came) {
    const place = window.jetlrp.jet.placeOf(jet, number);
    if (place >= 0) return { source: jet.source[place], destination: jet.destination[place], place };
    if (came && came.answer) {
      return { source: came.answer.source, destination: came.answer.destination, place };
    }
    return null;
  }

  function html(jet, number, came) {
    const { escape } = window.jetlrp.numbers;
    const found = ends(jet, number, came);
    const title = found ? `Track ${found.source} → track ${found.destination}` : `Edge ${number}`;
    return `<header><h3>${escape(title)}</h3><button type="button" class="tool small"` +
      ` data-part="close" title="Close the card (Escape)" aria-label="Close the card">` +
      `<span class="icon" data-icon="close"></span></button></header>` +
      (found ? `<div class="card-ends">${track(jet, found.source, "from")}` +
        `${track(jet, found.destination, "to")}</div>${facts(jet, found.place, came)}` : "") +
      (came && came.error ? wrong(came) : came ? features(jet, came.answer) : skeleton());
  }

  /** One end of the edge: which track, and what is known of it. */
  function track(jet, number, way) {
    const { significant, signed, escape } = window.jetlrp.numbers;
    const { words } = window.jetlrp;
    const kind = words.kindOf(jet, number);
    const relevance = jet.tracks.relevance[number];
    const known = [
      `pT ${significant(jet.tracks.pt[number])} GeV`,
      ...(jet.tracks.displaced[number] ? ["displaced"] : []),
      ...(jet.truth ? [words.origin(jet.truth, number)] : []),
    ];
    return `<div><b>${way}</b> <button type="button" class="link" data-set='{"track": ${number}}'` +
      ` title="Only the edges of this track">track ${number}${kind ? ` (${kind})` : ""}</button>` +
      `<p>${escape(known.join(" · "))}</p>` +
      `<p>relevance ${sign(relevance, signed(relevance))}</p></div>`;
  }

  const sign = (value, text) =>
    `<span class="signed ${value > 0 ? "positive" : value < 0 ? "negative" : "zero"}">${text}</span>`;

  function facts(jet, place, came) {
    const { significant, signed, percent, thousands, escape } = window.jetlrp.numbers;
    const says = came && came.answer;
    if (place < 0 && !says) return "";
    const significance = place >= 0 ? jet.significance[place] : says.significance;
    const relevance = place >= 0 ? jet.signed[place] : says.signed_relevance;
    const rank = place >= 0 ? jet.rank[place] + 1 : says.rank;
    return `<dl><dt>significance</dt><dd>${significant(significance)}` +
      ` <small>${percent(significance)}</small></dd>` +
      `<dt>rank</dt><dd>${thousands(rank)} <small>of ${thousands(jet.allEdges)}</small></dd>` +
      `<dt>speaks</dt><dd>${sign(relevance, signed(relevance))}` +
      ` <small>${escape(window.jetlrp.words.stance(jet, relevance))}</small></dd></dl>`;
  }

  const skeleton = () =>
    `<div class="card-sides skeleton" role="status"><span class="unseen">Asking for the features` +
    ` of this edge…</span>${`<div>${"<i></i>".repeat(6)}</div>`.repeat(2)}</div>`;

  const wrong = ({ error, request_id: request }) => {
    const { escape } = window.jetlrp.numbers;
    return `<p class="warning" role="alert">${escape(error)}</p>` +
      (request ? `<p class="muted">Request <code>${escape(request)}</code></p>` : "") +
      '<button type="button" class="button" data-part="again">Try again</button>';
  };

  /** Relevance by feature at both ends, on one scale, and how it adds up. */
  function features(jet, says) {
    const { minus } = window.jetlrp.numbers;
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    const most = Math.max(...says.source_relevance.map(Math.abs),
                          ...says.destination_relevance.map(Math.abs)) || 1;
    const unit = unitOf(most);
    const inUnit = (value) => sign(value, value === null ? "–"
      : minus(`${value > 0 ? "+" : ""}${(value / unit.size).toFixed(unit.digits)}`));
    const source = sum(says.source_relevance);
    const destination = sum(says.destination_relevance);
    const more = says.features.length > TOP
      ? `<button type="button" class="link" data-part="all" aria-expanded="${all}">` +
        `${all ? `strongest ${TOP} only` : `all ${says.features.length} features`}</button>` : "";
    return `<div class="card-sides">` +
      side(jet, `through track ${says.source}`, says.features, says.source_relevance, most, inUnit, unit) +
      side(jet, `through track ${says.destination}`, says.features, says.destination_relevance, most, inUnit,
           unit) +
      `</div><p class="card-sum"><span title="All features of the source, and of the destination,` +
      ` add up to the signed relevance of the edge">${inUnit(source)} + ${inUnit(destination)} = ` +
      `<b>${inUnit(says.signed_relevance)}</b> <span class="muted">${unit.text}</span></span>` +
      `${more}</p>`;
  }

  /** A power of ten in which the values up to `most` are short: {size, digits, text}. */
  function unitOf(most) {
    const power = Math.floor(Math.log10(most * 1.0001));
    if (power >= -1) return { size: 1, digits: Math.max(0, 2 - power), text: "" };
    const raised = String(power).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
    return { size: Math.pow(10, power), digits: 2, text: `× 10${raised}` };
  }

  function side(jet, title, names, values, most, inUnit, unit) {
    const { symbol } = window.jetlrp.numbers;
    const order = values.map((_, at) => at)
      .sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b)
      .slice(0, all ? names.length : TOP);
    return `<div><h4>${title}${unit.text && `, ${unit.text}`}</h4><ul>${order.map((at) => {
      const feature = jet.features.get(names[at]);
      const value = values[at];
      const kind = value < 0 ? "negative" : "positive";
      return `<li title="${feature ? window.jetlrp.numbers.escape(feature.meaning) : ""}">` +
        `<span class="name">${symbol(feature ? feature.title : names[at])}</span>` +
        `<span class="two-sided"><span class="${kind}"` +
        ` style="width:${(50 * Math.abs(value) / most).toFixed(1)}%"></span></span>` +
        `${inUnit(value)}</li>`;
    }).join("")}</ul></div>`;
  }

  /* ---------------------------------------------------------------- pressing */

  const close = () => window.jetlrp.view.set({ edge: null });

  document.addEventListener("click", (event) => {
    const part = event.target.closest("#edge-card [data-part]");
    if (!part) return;
    if (part.dataset.part === "close") close();
    if (part.dataset.part === "again") {
      answer = null;
      window.dash_clientside.set_props("edge-asked", { data: { ...asked, again: Date.now() } });
      draw();
    }
    if (part.dataset.part === "all") {
      all = !all;
      draw();
    }
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.jetlrp_card = { answered };

  document.addEventListener("DOMContentLoaded", () => {
    const { view } = window.jetlrp;
    view.on(["edge"], ask);
    view.onShown((slot) => { if (slot === "a") ask(); });
    document.addEventListener("jetlrp:theme", draw);
  });

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.card = { TOP, ask, answered, html };
})();
