/* The river: relevance on its way back from the output through the stages to the input.
 *
 * Draws what riverbed.js lays out. Colour and texture say the sign; pointing at a branch lights its
 * whole path, from the output to the tracks and the accounts. On window.jetlrp.river.
 */
(function () {
  "use strict";

  const GRIP = 12; // px: how thick a branch is for the pointer, at least
  const EMPTY = "Relevance on its way back through the network, stage by stage.";

  const known = Number.isFinite; // null is no number
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const SVG = "http://www.w3.org/2000/svg";

  function make(parent, tag, attributes = {}, text = null) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== null) element.textContent = text;
    parent.appendChild(element);
    return element;
  }

  const side = (value) => (value < 0 ? "against" : "for");
  const target = (jet) => jet.words.stands_for;

  function nodeName(drawing, id) {
    const node = drawing.nodes.find((one) => one.id === id);
    return node.kind === "output" ? "the output" : node.kind === "tracks" ? "the tracks" : node.title;
  }

  /** Share of the explained value in words, where it has one. */
  function shareWords(jet, value) {
    const whole = Math.abs(jet.account.value);
    return known(jet.account.value) && whole
      ? `${window.jetlrp.numbers.significant(100 * Math.abs(value) / whole)} %` : "–";
  }

  /** A stage's account, line by line. */
  function rowLines(row) {
    const { signed, significant } = window.jetlrp.numbers;
    const { WAYS, plain, passedOf } = window.jetlrp.ledger;
    const several = Object.keys(row.passed).length > 1;
    const lines = [["received", signed(row.received)]];
    for (const [port, value] of Object.entries(row.passed)) {
      lines.push([several ? `passed, ${WAYS[port] || plain(port.slice(port.lastIndexOf(":") + 1))}`
        : "passed", signed(value), value]);
    }
    lines.push(["bias earned", signed(row.bias), row.bias], ["ε took", signed(row.epsilon), row.epsilon]);
    const parts = [...passedOf(row), row.bias, row.epsilon];
    const more = sum(parts.filter(known).map(Math.abs)) - Math.abs(row.received);
    if (parts.every(known) && more > 1e-3 * Math.abs(row.received)) {
      lines.push(["for and against cancel", significant(more / 2)]);
    }
    return lines;
  }

  /** A branch in words: {title, note, lines: [[what, text, value]]}. */
  function ribbonWords(drawing, ribbon, jet) {
    const { signed } = window.jetlrp.numbers;
    const from = drawing.nodes.find((node) => node.id === ribbon.from);
    const to = ribbon.kind === "bias" ? "the biases" : ribbon.kind === "epsilon" ? "ε"
      : nodeName(drawing, ribbon.to);
    const name = ribbon.kind === "way" ? window.jetlrp.ledger.wayWords(ribbon.port, ribbon.from.slice(6)) : "";
    const start = nodeName(drawing, ribbon.from);
    const upper = (text) => text[0].toUpperCase() + text.slice(1);
    return {
      title: name ? upper(name) : `${upper(start)} → ${to}`,
      note: name ? `${start} → ${to}` : "",
      code: ribbon.port || from.stage || "",
      lines: [
        ["relevance", signed(ribbon.value), ribbon.value],
        ["speaks", `${side(ribbon.value)} ${target(jet)}`],
        ["of the explained value", shareWords(jet, ribbon.value)],
        ...(from.row ? [[start], ...rowLines(from.row)] : []),
      ],
    };
  }

  /** A bar in words. */
  function nodeWords(drawing, node, jet) {
    const { signed } = window.jetlrp.numbers;
    if (node.row) {
      const lines = rowLines(node.row);
      if (node.lost) lines.push(["leaks", signed(node.lost)]);
      return { title: node.title[0].toUpperCase() + node.title.slice(1), code: node.stage, lines };
    }
    if (node.kind === "output") {
      return { title: `The ${jet.words.value}`, code: "", lines: [["explained", signed(jet.account.value)]] };
    }
    const values = drawing.ribbons.filter((ribbon) => ribbon.to === node.id).map((ribbon) => ribbon.value);
    const total = jet.account[{ bias: "bias", epsilon: "epsilon", tracks: "tracks" }[node.kind]];
    return {
      title: { bias: "What the biases earned", epsilon: "What ε took", tracks: "What reached the tracks" }[node.kind],
      code: "",
      lines: [
        ["all together", signed(total), total],
        ["for", signed(sum(values.filter((value) => value > 0)))],
        ["against", signed(sum(values.filter((value) => value < 0)))],
        ["of the explained value", known(total) ? shareWords(jet, total) : "–"],
      ],
    };
  }

  function tooltipBox() {
    let box = document.getElementById("river-tooltip");
    if (!box) {
      box = document.createElement("div");
      box.id = "river-tooltip";
      box.className = "tooltip";
      box.hidden = true;
      document.body.appendChild(box);
    }
    return box;
  }

  function say(words, at) {
    const { escape } = window.jetlrp.numbers;
    const box = tooltipBox();
    box.innerHTML = `<strong>${escape(words.title)}</strong>` +
      (words.note ? `<span>${escape(words.note)}</span>` : "") + (words.code ? `<code>${escape(words.code)}</code>` : "") +
      `<dl>${words.lines.map(([what, text, value]) => text === undefined
        ? `<dt class="head">${escape(what)}</dt>` : `<dt>${escape(what)}</dt><dd class="${
        value > 0 ? "positive" : value < 0 ? "negative" : ""}">${escape(text)}</dd>`).join("")}</dl>`;
    box.hidden = false;
    const { width, height } = box.getBoundingClientRect();
    const x = at.x + 16 + width > window.innerWidth ? at.x - 16 - width : at.x + 16;
    // over the panel, if there is room, so that the whole path is seen
    const over = document.getElementById("dock-river").getBoundingClientRect().top - height - 6;
    const y = over > 6 ? over : Math.max(6, Math.min(window.innerHeight - height - 6, at.y - height - 10));
    box.style.transform = `translate(${Math.round(Math.max(6, x))}px, ${Math.round(y)}px)`;
  }

  const silence = () => { tooltipBox().hidden = true; };

  /** Light the path through a branch or a bar, the rest dims; null: all as it was. */
  function light(svg, drawing, id) {
    svg.classList.toggle("lit", id !== null);
    const path = id === null ? new Set() : window.jetlrp.riverbed.pathOf(drawing, id);
    for (const group of svg.querySelectorAll(".ribbon")) {
      group.classList.toggle("on", path.has(group.dataset.id));
    }
    const touched = new Set(drawing.ribbons.filter((ribbon) => path.has(ribbon.id))
      .flatMap((ribbon) => [ribbon.from, ribbon.to]));
    for (const bar of svg.querySelectorAll(".bar-node")) bar.classList.toggle("on", touched.has(bar.dataset.id));
    for (const label of svg.querySelectorAll("text[data-of]")) {
      label.classList.toggle("on", path.has(label.dataset.of) || touched.has(label.dataset.of));
    }
  }

  /** From a branch to the next one that an arrow key leads to. */
  function neighbour({ ribbons }, id, key) {
    const own = ribbons.find((ribbon) => ribbon.id === id);
    const widest = (list) => [...list].sort((a, b) => b.drawn - a.drawn)[0];
    if (key === "ArrowRight") return widest(ribbons.filter((ribbon) => ribbon.from === own.to));
    if (key === "ArrowLeft") return widest(ribbons.filter((ribbon) => ribbon.to === own.from));
    const siblings = ribbons.filter((ribbon) => ribbon.from === own.from);
    const list = siblings.length > 1 ? siblings : ribbons.filter((ribbon) => ribbon.to === own.to);
    list.sort((a, b) => a.points[0][1] - b.points[0][1]);
    return list[list.indexOf(own) + (key === "ArrowDown" ? 1 : -1)];
  }

  /** Draw a layout into a box; -> the SVG. */
  function render(box, drawing, jet, theme) {
    const { signed } = window.jetlrp.numbers;
    const { css, mix, channels } = window.jetlrp.colours;
    const { pathsOf, span } = window.jetlrp.riverbed;
    const { width, height, line } = drawing;
    box.querySelectorAll(".river, .river-empty").forEach((old) => old.remove());
    const svg = make(box, "svg", {
      class: "river", width, height, viewBox: `0 0 ${width} ${height}`, role: "group",
      "aria-label": `The river: relevance from the ${jet.words.value} to the tracks. ` +
        `${drawing.check.text}. Arrow keys walk along its branches.`,
    });
    const definitions = make(svg, "defs");
    for (const kind of ["for", "against"]) {
      const gradient = make(definitions, "linearGradient", {
        id: `river-${kind}`, gradientUnits: "userSpaceOnUse", x1: 0, y1: 0, x2: width, y2: 0 });
      const { diverging } = theme;
      const [bright, deep] = kind === "for" ? diverging.slice(-2).reverse() : diverging;
      make(gradient, "stop", { offset: "0", "stop-color": bright });
      make(gradient, "stop", { offset: "1", "stop-color": css(mix(channels(bright), channels(deep), 0.62)) });
    }
    const hatch = make(definitions, "pattern", {
      id: "river-hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    make(hatch, "line", { x1: 0, y1: 0, x2: 0, y2: 5, class: "hatch" });

    const zones = make(svg, "g", { class: "zones", "aria-hidden": "true" });
    drawing.zones.forEach((zone) => {
      const rect = make(zones, "rect", { x: zone.x0 + 1, y: 0, rx: 6,
                                         width: Math.max(0, zone.x1 - zone.x0 - 2), height });
      make(rect, "title", {}, zone.title);
    });

    const flow = make(svg, "g", { class: "flow" });
    const bySize = [...drawing.ribbons].sort((a, b) =>
      Number(a.kind === "way" || a.kind === "pass") - Number(b.kind === "way" || b.kind === "pass") || b.drawn - a.drawn);
    for (const ribbon of bySize) {
      const words = ribbonWords(drawing, ribbon, jet);
      const { outline, middle } = pathsOf(ribbon);
      const group = make(flow, "g", {
        class: `ribbon ${side(ribbon.value)} ${ribbon.kind}`, "data-id": ribbon.id, tabindex: -1, role: "img",
        "aria-label": `${words.title}${words.note ? ` (${words.note})` : ""}: ${signed(ribbon.value)}, ${side(ribbon.value)} ${target(jet)}, ` +
          `${shareWords(jet, ribbon.value)} of the explained value`,
      });
      make(group, "path", { d: middle, class: "grip", "stroke-width": Math.max(GRIP, ribbon.drawn) });
      if (ribbon.value < 0 && ribbon.drawn < 4) { // too thin to be hatched: dashed
        make(group, "path", { d: middle, class: "water dashed", "stroke-width": ribbon.drawn, stroke: `url(#river-${side(ribbon.value)})` });
      } else make(group, "path", { d: outline, class: "water", fill: `url(#river-${side(ribbon.value)})` });
      if (ribbon.value < 0 && ribbon.drawn >= 4) make(group, "path", { d: outline, class: "texture", fill: "url(#river-hatch)" });
      make(group, "path", { d: middle, class: "current", "stroke-width": Math.max(1, Math.min(2, ribbon.drawn / 4)) });
    }

    for (const node of drawing.nodes) {
      if (!node.height) continue;
      const bar = make(svg, "g", { class: `bar-node ${node.kind}${node.through ? " through" : ""}${
        node.lost ? " leak" : ""}`, "data-id": node.id });
      make(bar, "rect", { class: "grip", x: node.x - 4, y: node.y - 2, width: node.width + 8, height: node.height + 4 });
      const slim = node.through ? 1.5 : 0;
      make(bar, "rect", { class: "bar", x: node.x + slim, y: node.y - 1, rx: 2.5 - slim / 2,
                          width: node.width - 2 * slim, height: node.height + 2 });
      if (node.lost) {
        const mark = make(bar, "g", { class: "leak-mark", role: "img", "aria-label":
          `${node.title} leaks ${signed(node.lost)}`,
          transform: `translate(${node.x + node.width / 2} ${Math.max(12, node.y - 10)})` });
        make(mark, "circle", { r: 8 });
        make(mark, "text", { "text-anchor": "middle", y: 4 }, "!");
      }
    }

    const texts = make(svg, "g", { class: "texts", "aria-hidden": "true" });
    for (const label of drawing.labels) {
      if (label.raised) { // off a branch that is hardly thicker than the type
        const [from, to] = span(label);
        make(texts, "rect", { class: "raised", x: from - 5, width: to - from + 10, y: label.y - line / 2,
                              height: line, rx: line / 2 });
      }
      make(texts, "text", {
        class: `${label.kind}${label.strong ? " strong" : ""}`, x: label.x, y: label.y,
        "text-anchor": label.anchor, "data-of": label.ribbon || (label.kind === "zone" ? "" : label.kind),
      }, label.text);
    }
    const legend = make(svg, "g", { class: "signs", transform: `translate(2 ${height - 2 * line - 4})` });
    for (const [n, kind] of ["for", "against"].entries()) {
      const y = (n + 0.5) * line;
      make(legend, "line", { class: kind, x1: 0, x2: 14, y1: y, y2: y, "stroke-width": 8 });
      if (kind === "against") make(legend, "line", { x1: 0, x2: 14, y1: y, y2: y, "stroke-width": 8, stroke: "url(#river-hatch)" });
      make(legend, "text", { x: 19, y }, kind);
    }
    bind(svg, drawing, jet);
    return svg;
  }

  /** Pointer and keys light a path and say what it is. */
  function bind(svg, drawing, jet) {
    const groups = new Map([...svg.querySelectorAll(".ribbon")].map((group) => [group.dataset.id, group]));
    const first = drawing.ribbons.find((ribbon) => ribbon.from === "output");
    if (first) groups.get(first.id).setAttribute("tabindex", 0);
    let focused = null;

    const show = (id, at) => {
      const ribbon = drawing.ribbons.find((one) => one.id === id);
      light(svg, drawing, id);
      say(ribbon ? ribbonWords(drawing, ribbon, jet)
        : nodeWords(drawing, drawing.nodes.find((node) => node.id === id), jet), at);
    };
    const atFocus = () => {
      const ribbon = drawing.ribbons.find((one) => one.id === focused);
      const frame = svg.getBoundingClientRect();
      const [x, y] = ribbon.points[Math.floor(ribbon.points.length / 2)];
      show(focused, { x: frame.left + x, y: frame.top + y - ribbon.drawn / 2 });
    };
    const rest = () => {
      if (focused !== null) { atFocus(); return; }
      light(svg, drawing, null);
      silence();
    };

    const point = (on, at) => {
      const part = on.closest("[data-id]");
      if (part) show(part.dataset.id, at);
      else rest();
    };
    svg.addEventListener("pointermove", (event) => point(event.target, { x: event.clientX, y: event.clientY }));
    svg.addEventListener("pointerleave", rest);
    // what came under a pointer that rests tells no less than what a pointer moved on to
    const arrived = () => {
      const on = pointer && document.elementFromPoint(pointer.x, pointer.y);
      if (on && svg.contains(on)) point(on, pointer);
    };
    svg.addEventListener("animationend", (event) => { if (event.target === svg) arrived(); });
    arrived();
    svg.addEventListener("focusin", (event) => {
      const group = event.target.closest(".ribbon");
      if (!group || !group.matches(":focus-visible")) return;
      for (const other of groups.values()) other.setAttribute("tabindex", other === group ? 0 : -1);
      focused = group.dataset.id;
      atFocus();
    });
    svg.addEventListener("focusout", () => { focused = null; rest(); });
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { document.activeElement.blur(); return; }
      if (!/^Arrow/.test(event.key) || !event.target.closest(".ribbon")) return;
      event.preventDefault();
      event.stopPropagation();
      const next = neighbour(drawing, event.target.closest(".ribbon").dataset.id, event.key);
      if (next) groups.get(next.id).focus({ focusVisible: true });
    });
  }

  /** The badge in the head of the panel. */
  function badge(state) {
    const box = document.querySelector("#dock-river .river-badge");
    if (!box) return;
    box.dataset.state = state ? state.state : "none";
    box.querySelector("b").textContent = state ? state.text : "";
    box.querySelector("i").textContent = state ? { sound: "✓", cancels: "!", broken: "!", unknown: "?" }[state.state] : "";
    box.querySelector("small").textContent = state ? state.detail : "";
    box.title = state ? `${state.text}: ${state.detail}` : "";
  }

  let pointer = null; // {x, y} of the window; null: it is not over the page
  document.addEventListener("pointermove", (event) => { pointer = { x: event.clientX, y: event.clientY }; });
  document.documentElement.addEventListener("pointerleave", () => { pointer = null; });

  let shown = null; // what the box was drawn for, so that only another explanation flows in anew
  let pen = null;

  function draw(box, jet, { theme }) {
    if (!jet) {
      box.querySelectorAll(".river").forEach((old) => old.remove());
      if (!box.querySelector(".river-empty")) {
        const hint = document.createElement("p");
        hint.className = "hint river-empty";
        hint.textContent = EMPTY;
        box.appendChild(hint);
      }
      shown = null;
      silence();
      badge(null);
      return;
    }
    const before = performance.now();
    const font = Math.max(11, (box.clientWidth < 720 ? 0.85 : 0.92) * parseFloat(getComputedStyle(box).fontSize));
    pen = pen || document.createElement("canvas").getContext("2d");
    pen.font = `560 ${font}px ${getComputedStyle(box).fontFamily}`;
    const drawing = window.jetlrp.riverbed.layout(jet.ledger, jet.account, {
      width: box.clientWidth - 28, height: box.clientHeight - 12, font, words: jet.words,
      measure: (text) => pen.measureText(text).width,
    });
    silence();
    const svg = render(box, drawing, jet, theme);
    svg.style.fontSize = `${font}px`;
    if (shown !== jet.data) svg.classList.add("enter");
    shown = jet.data;
    badge(drawing.check);
    box.dataset.ms = (performance.now() - before).toFixed(1);
    box.dataset.jet = jet.jet.index;
    river.drawing = drawing;
  }

  const river = { draw, drawing: null };
  window.jetlrp = window.jetlrp || {};
  window.jetlrp.river = river;
  document.addEventListener("DOMContentLoaded", () => {
    window.jetlrp.dock.panel("river", { draw });
  });
})();
