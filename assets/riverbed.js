/* The bed of the river: where its bars and branches lie, as data in px.
 *
 * Every branch is an entry in the ledger, as wide as its relevance is large. What the biases earn and
 * what ε takes falls away below, into pools of its own. It knows the ledger and nothing else, so that
 * any network has its river. On window.jetlrp.riverbed.
 */
(function () {
  "use strict";

  const HAIR = 1.2; // px: as thin as a branch that is not zero is drawn
  const BAR = 5; // px: how wide the bar of a stage is
  const TALL = 340; // px from which on numbers stand at the bars and side streams too
  const STEPS = 80; // of pulling bars and lanes into place

  const sum = (values) => values.reduce((total, value) => total + value, 0);

  /** The stages as a graph: nodes by name with their column, and the links between them. */
  function graphOf(ledger) {
    const stages = new Map(ledger.map((row) => [row.stage, row]));
    const links = [];
    for (const row of ledger) {
      for (const [port, value] of Object.entries(row.passed)) {
        const origin = row.inputs[port];
        links.push({ id: port, from: row.stage, to: stages.has(origin) ? `stage ${origin}` : "tracks",
                     port, value });
      }
    }
    for (const link of links) link.from = `stage ${link.from}`;
    const fed = new Set(links.map((link) => link.to));
    for (const row of ledger) {
      const id = `stage ${row.stage}`;
      if (!fed.has(id)) {
        links.unshift({ id: `output ${row.stage}`, from: "output", to: id, port: null,
                        value: row.received });
      }
    }

    // the ways: the links into the stage that alone hands on to the tracks, or into the tracks
    const last = [...new Set(links.filter((link) => link.to === "tracks").map((link) => link.from))];
    const shore = last.length === 1 && links.filter((link) => link.to === last[0]).length > 1
      ? last[0] : "tracks";
    for (const link of links) link.way = link.to === shore && link.from !== "output";

    const column = new Map([["output", 0]]);
    const walking = new Set();
    const columnOf = (id) => {
      if (column.has(id)) return column.get(id);
      if (walking.has(id)) return 0; // a circle, which no network has
      walking.add(id);
      const before = links.filter((link) => link.to === id)
        .map((link) => columnOf(link.from) + (link.way ? 2 : 1));
      column.set(id, Math.max(0, ...before));
      return column.get(id);
    };
    const ids = ["output", ...ledger.map((row) => `stage ${row.stage}`)];
    ids.forEach(columnOf);
    column.set("tracks", Math.max(columnOf("tracks"), ...ids.map((id) => column.get(id) + 1)));
    return { stages, links, ids: [...ids, "tracks"], column, shore };
  }

  /** Nodes and lanes in the order in which they lie, from top to bottom, in whatever columns.
   *
   * A branch that leaps over columns has a lane of its own there. Relevance is followed from the
   * output; at a fork the branch that leaps farthest lies on top, so that what falls into the
   * accounts crosses nothing.
   */
  function objectsOf({ links, column }) {
    const objects = [];
    const seen = new Set();
    const visit = (id) => {
      if (seen.has(id)) return;
      seen.add(id);
      objects.push({ id, first: column.get(id), last: column.get(id) });
      const out = links.filter((link) => link.from === id)
        .sort((a, b) => column.get(b.to) - column.get(a.to));
      for (const link of out) {
        const first = column.get(link.from) + 1;
        const last = column.get(link.to) - 1;
        if (first <= last && link.value) {
          objects.push({ id: `lane ${link.id}`, link, first, last });
        }
        visit(link.to);
      }
    };
    visit("output");
    return objects;
  }

  /** Where a label lies across: [from, to]. */
  const span = ({ x, width, anchor }) =>
    (anchor === "start" ? [x, x + width] : anchor === "end" ? [x - width, x] : [x - width / 2, x + width / 2]);

  /** Whether two labels touch. */
  function overlap(one, other, line) {
    const [a, b] = [span(one), span(other)];
    return Math.abs(one.y - other.y) < line - 1 && a[0] < b[1] + 4 && b[0] < a[1] + 4;
  }

  /** The river as data: where bars and branches lie, in px.
   *
   * -> {nodes, ribbons, labels, zones, scale, check}. A ribbon has value (relevance), width = |value|
   * × scale, drawn (never thinner than a hair) and points: the middle of it from its start to its
   * end; between two points of one height it is straight, else it bends.
   */
  function layout(ledger, account, options) {
    const { width, height, font = 12, words = {} } = options;
    const measure = options.measure || ((text) => 0.56 * font * text.length);
    const { minus, signed } = window.jetlrp.numbers;
    const { GROUPS, known, groupOf, groupWords, stageWords, wayWords, plain, check } = window.jetlrp.ledger;
    const graph = graphOf(ledger);
    const { links, column, ids } = graph;
    const names = ledger.map((row) => row.stage);
    const line = 1.25 * font;
    const columns = column.get("tracks") + 1;
    // all with as many decimals as the explained value needs, so that what is read adds up
    const size = Math.max(Math.abs(account.value) || 0, Math.abs(account.tracks) || 0);
    const decimals = size >= 1000 || !size ? 0 : Math.min(6, Math.max(2, 2 - Math.floor(Math.log10(size))));
    const figure = (value) => {
      if (!known(value)) return "–";
      const text = value.toFixed(decimals);
      if (Number(text) === 0) return signed(value, 1);
      return (value > 0 ? "+" : "") + minus(text);
    };
    const delta = column.get(graph.shore) - 1; // the column in which the ways have their names

    const branches = [];
    for (const row of ledger) {
      for (const kind of ["bias", "epsilon"]) {
        if (known(row[kind]) && row[kind] !== 0) {
          branches.push({ id: `${row.stage} ${kind}`, from: `stage ${row.stage}`, to: kind, kind,
                          value: row[kind] });
        }
      }
    }
    const flows = links.filter((link) => known(link.value) && link.value !== 0);

    // across: a margin for words at both ends, room for the names of the ways, columns in between
    const wayLabels = flows.filter((link) => link.way).map((link) => {
      const name = wayWords(link.port, link.from.slice(6));
      return { link, name, full: `${name} ${figure(link.value)}` };
    });
    const ends = {
      output: [...(words.value || "explained value").split(" of "), figure(account.value)],
      tracks: ["tracks", figure(account.tracks)],
      bias: ["biases", figure(account.bias)],
      epsilon: [`ε ${figure(account.epsilon)}`],
    };
    if (ends.output.length === 3) ends.output[0] += " of";
    const widest = (texts) => Math.max(0, ...texts.map(measure));
    const left = Math.max(widest(ends.output), measure("▨ against")) + 16;
    const right = widest([...ends.tracks, ...ends.bias, ...ends.epsilon]) + 16;
    const most = widest(wayLabels.map((label) => label.full)) + 12;
    const free = width - left - right - BAR;
    const nameRoom = wayLabels.length ? Math.min(most, 0.34 * free) : 0;
    const forks = new Set([...column.values()].filter((at) => ids.some((id) => column.get(id) === at &&
      flows.filter((link) => link.from === id).length + branches.filter(
        (branch) => branch.from === id).length > 1)));
    const gaps = Array.from({ length: columns - 1 }, (_, at) =>
      (at === 0 || at === columns - 2 ? 0.6 : at === delta ? (height > TALL ? 2.4 : 1.6) : forks.has(at) ? 1.2 : 0.75));
    const unit = Math.max(0, free - nameRoom) / sum(gaps);
    const x = [left];
    for (let at = 1; at < columns; at++) {
      x.push(x[at - 1] + gaps[at - 1] * unit + (at - 1 === delta ? nameRoom : 0));
    }

    // down: as large a scale as fits every column
    const floor = height - 8;
    const tall = height > TALL;
    const top = (tall ? 2.3 : 1) * line + 8;
    let ease = 1; // less where there are so many branches that they must move together
    let roomy = Math.max(6, Math.min(52, 0.06 * height));
    const objects = objectsOf(graph);
    const drawnAt = (value, scale) => (value === 0 ? 0 : Math.max(HAIR, Math.abs(value) * scale));
    const outOf = (id) => [...flows, ...branches].filter((link) => link.from === id);
    const into = (id) => [...flows, ...branches].filter((link) => link.to === id);
    const thickness = (list, scale) => sum(list.map((link) => drawnAt(link.value, scale)));
    const extent = (object, scale) => (object.link ? drawnAt(object.link.value, scale)
      : Math.max(3, thickness(outOf(object.id), scale), thickness(into(object.id), scale)));
    const slot = (object, scale) => {
      const own = extent(object, scale);
      if (object.id === "tracks") return Math.max(own, ease * (2 * line + 2));
      return object.link && object.link.way ? Math.max(own, ease * line) : own;
    };
    const pools = (scale) => {
      const band = (kind, least) => Math.max(
        thickness(branches.filter((branch) => branch.kind === kind), scale), least);
      return { bias: band("bias", ease * 2 * line), epsilon: band("epsilon", line), gap: 4 };
    };
    const collected = (at, scale) => {
      if (at >= column.get(graph.shore)) { // the last bars stand level
        const { bias, epsilon, gap } = pools(scale);
        return bias + epsilon + gap + roomy;
      }
      const until = at === delta ? at + 1 : at; // the ways run on past what falls away beside them
      const earlier = branches.filter((branch) => column.get(branch.from) < until);
      if (!earlier.length) return 0;
      const of = (list) => list.filter((branch) => branch.kind === "bias");
      const bands = pools(scale);
      const below = (bands.bias - thickness(of(branches), scale)) / 2; // they run amid their band
      return bands.epsilon + (of(earlier).length ? bands.gap + below + thickness(of(earlier), scale) : 0) + roomy;
    };
    const inColumn = Array.from({ length: columns }, (_, at) =>
      objects.filter((object) => object.first <= at && at <= object.last));
    const spare = (object) => (object.slot - object.height) / 2;
    let limits = [];
    const lowest = (object) => Math.min(...limits.slice(object.first, object.last + 1)) -
      object.height - spare(object);
    const above = new Map(objects.map((object) => [object, new Set()]));
    for (const list of inColumn) {
      for (let at = 1; at < list.length; at++) above.get(list[at]).add(list[at - 1]);
    }
    const apart = (upper, lower) => upper.height + spare(upper) + roomy + spare(lower);
    const fromTop = () => objects.forEach((object) => {
      object.y = Math.max(object.y, top + spare(object));
      for (const upper of above.get(object)) object.y = Math.max(object.y, upper.y + apart(upper, object));
    });
    const fits = (scale) => { // even if all lies as high as it can
      limits = inColumn.map((_, at) => floor - collected(at, scale));
      for (const object of objects) {
        object.height = extent(object, scale);
        object.slot = slot(object, scale);
        object.y = top;
      }
      fromTop();
      return objects.every((object) => object.y <= lowest(object) + 1e-9);
    };
    const magnitudes = ids.map((id) => Math.max(
      sum(outOf(id).map((link) => Math.abs(link.value))), sum(into(id).map((link) => Math.abs(link.value)))));
    const largest = Math.max(0, ...magnitudes);
    const least = HAIR / (largest || 1);
    while (!fits(6 * least) && ease > 0.1) {
      ease *= 0.75;
      roomy *= 0.75;
    }
    let scale = 0;
    let tooLarge = largest > 0 ? Math.min(0.62 * (floor - top), 0.26 * width) / largest : 0;
    if (fits(tooLarge)) scale = tooLarge;
    else {
      for (let step = 0; step < 40; step++) {
        const middle = (scale + tooLarge) / 2;
        if (fits(middle)) scale = middle; else tooLarge = middle;
      }
    }
    fits(scale);
    const drawn = (link) => drawnAt(link.value, scale);

    // where each branch leaves its bar and meets the next: in the order in which they lie
    const rank = new Map(objects.map((object, at) => [object.id, at]));
    const order = (link, end) => {
      if (link.kind) return link.kind === "bias" ? 1e6 : 2e6;
      const lane = rank.get(`lane ${link.id}`);
      const other = rank.get(link[end]);
      return (lane === undefined ? other : lane) + (lane === undefined ? 0.5 : 0);
    };
    const places = new Map(objects.map((object) => [object.id, object]));
    const leaving = new Map();
    const meeting = new Map();
    for (const object of objects) {
      if (object.link) continue;
      const side = (list, end, offsets) => {
        let at = (object.height - sum(list.map(drawn))) / 2;
        for (const link of list.sort((a, b) => order(a, end) - order(b, end))) {
          offsets.set(link, at + drawn(link) / 2);
          at += drawn(link);
        }
      };
      side(outOf(object.id), "to", leaving);
      side(into(object.id), "from", meeting);
    }

    // pull each bar and lane towards what it is joined to, and keep them apart
    const pulls = new Map(objects.map((object) => [object, []]));
    for (const link of flows) {
      const from = places.get(link.from);
      const to = places.get(link.to);
      if (!from || !to) continue;
      const lane = places.get(`lane ${link.id}`);
      // rather bend at a fork than before it
      const single = (list) => list.filter((other) => !other.kind).length === 1;
      const stiff = { from: single(outOf(link.from)) ? 1 : 0.1, to: single(into(link.to)) ? 1 : 0.1 };
      const even = thickness(into(link.to), scale) / into(link.to).length;
      const tie = (a, aOffset, b, bOffset, stiffness) => {
        const weight = (b === to && link.way ? even : drawn(link)) * stiffness;
        // the tracks follow the bar before them, which lies amid the ways
        if (link.to !== "tracks" || link.way) pulls.get(a).push({ other: b, shift: bOffset - aOffset, weight });
        pulls.get(b).push({ other: a, shift: aOffset - bOffset, weight });
      };
      if (lane) {
        tie(from, leaving.get(link), lane, lane.height / 2, stiff.from);
        tie(lane, lane.height / 2, to, meeting.get(link), stiff.to);
      } else tie(from, leaving.get(link), to, meeting.get(link), Math.min(stiff.from, stiff.to));
    }
    const fromFloor = () => [...objects].reverse().forEach((object) => {
      object.y = Math.min(object.y, lowest(object));
      for (const upper of above.get(object)) upper.y = Math.min(upper.y, object.y - apart(upper, object));
    });
    const settle = (down) => {
      for (const pass of down ? [fromTop, fromFloor] : [fromFloor, fromTop]) pass();
    };
    const middle = (top + floor) / 2;
    for (const object of objects) object.y = middle - object.height / 2 - 0.14 * (floor - top);
    settle(true);
    for (let step = STEPS; step > 0; step--) {
      for (const object of step % 2 ? objects : [...objects].reverse()) {
        const list = pulls.get(object);
        const weight = sum(list.map((pull) => pull.weight));
        if (weight) {
          object.y = sum(list.map((pull) => pull.weight * (pull.other.y + pull.shift))) / weight;
        }
      }
      settle(step % 2 || step < STEPS / 2); // there and back at first, then to rest
    }

    const slack = Math.min(...objects.map((object) => object.y - spare(object) - top));
    for (const object of objects) object.y -= 0.55 * slack;

    // the pools, and in which line each side stream runs towards them: the first one lowest
    const { bias: biasBand, epsilon: epsilonBand, gap } = pools(scale);
    const pool = {};
    for (const [kind, bandTop, band] of [
      ["epsilon", floor - epsilonBand, epsilonBand],
      ["bias", floor - epsilonBand - gap - biasBand, biasBand],
    ]) {
      const list = branches.filter((branch) => branch.kind === kind);
      const thick = thickness(list, scale);
      pool[kind] = { y: bandTop + (band - thick) / 2, height: thick, list };
      let bottom = pool[kind].y + thick;
      const lower = (branch) => places.get(branch.from).y;
      list.sort((a, b) => column.get(a.from) - column.get(b.from) || lower(b) - lower(a));
      for (const branch of list) {
        branch.lane = bottom - drawn(branch) / 2;
        bottom -= drawn(branch);
      }
    }

    const end = x[columns - 1];
    const ribbons = [];
    const base = (link) => ({
      id: link.id, from: link.from, to: link.to, port: link.port || null, value: link.value,
      width: Math.abs(link.value) * scale, drawn: drawn(link),
    });
    for (const branch of branches) {
      const from = places.get(branch.from);
      const at = column.get(branch.from);
      const x0 = x[at] + BAR;
      const y0 = from.y + leaving.get(branch);
      const beside = branch.kind === "bias"
        ? thickness(branches.filter((other) => other.from === branch.from && other.kind !== "bias"), scale) : 0;
      const room = x[at + 1] - x0 + (at === delta ? -nameRoom : 0);
      const turn = Math.min(room, 12 + 2 * beside + drawn(branch));
      ribbons.push({ ...base(branch), kind: branch.kind,
                     points: [[x0, y0], [x0 + turn, branch.lane], [end, branch.lane]] });
    }
    for (const link of flows) {
      const from = places.get(link.from);
      const to = places.get(link.to);
      if (!from || !to) continue;
      const a = column.get(link.from);
      const b = column.get(link.to);
      const points = [[x[a] + BAR, from.y + leaving.get(link)]];
      const lane = places.get(`lane ${link.id}`);
      if (lane) {
        const y = lane.y + lane.height / 2;
        points.push([x[lane.first], y], [x[lane.last] + (lane.last === delta ? nameRoom : BAR), y]);
      }
      points.push([x[b], to.y + meeting.get(link)]);
      ribbons.push({ ...base(link), kind: link.way ? "way" : "pass", points });
    }

    const state = check(ledger, account);
    const nodes = objects.filter((object) => !object.link).map((object) => {
      const row = graph.stages.get(object.id.slice(6)) || null;
      const at = column.get(object.id);
      const through = row && outOf(object.id).length <= 1 && into(object.id).length <= 1;
      return {
        id: object.id, kind: object.id === "output" || object.id === "tracks" ? object.id : "stage",
        stage: row ? row.stage : null, row, column: at, x: x[at], y: object.y, width: BAR,
        height: object.height, through: Boolean(through),
        title: row ? stageWords(row.stage, names) : object.id,
        lost: row && state.leaks.has(row.stage) ? state.leaks.get(row.stage) : 0,
      };
    });
    for (const kind of ["bias", "epsilon"]) {
      nodes.push({ id: kind, kind, stage: null, row: null, column: columns - 1, x: end, y: pool[kind].y,
                   width: BAR, height: pool[kind].height, through: false,
                   title: kind === "bias" ? "biases" : "ε", lost: 0 });
    }

    // labels: at both ends, at the ways, and over the parts of the network
    const labels = [];
    const lines = (texts, atX, middleY, anchor, kind) => texts.forEach((text, n) => labels.push({
      text, x: atX, y: middleY + (n - (texts.length - 1) / 2) * line, anchor, kind,
      width: measure(text), strong: n === texts.length - 1,
    }));
    for (const node of nodes) {
      const y = node.y + node.height / 2;
      if (node.kind === "output") lines(ends.output, node.x - 8, y, "end", "output");
      else if (node.kind !== "stage") lines(ends[node.kind], node.x + BAR + 8, y, "start", node.kind);
    }
    for (const { link, name, full } of wayLabels) {
      const ribbon = ribbons.find((one) => one.id === link.id);
      const [, [, y], [until]] = ribbon.points;
      const text = [full, name].find((one) => measure(one) + 4 <= nameRoom);
      const one = { text, x: until - 4, y, anchor: "end", kind: "way", width: text ? measure(text) : 0,
                    ribbon: link.id, raised: ribbon.drawn < 1.2 * line };
      if (text && labels.every((other) => !overlap(one, other, line))) labels.push(one);
    }

    const zones = [];
    for (let at = 1; at < columns - 1; at++) {
      const groups = [...new Set(nodes.filter((node) => node.column === at && node.row)
        .map((node) => groupOf(node.stage)))];
      const key = groups.join(" ");
      const before = zones[zones.length - 1];
      if (key && before && before.key === key && before.last === at - 1) before.last = at;
      else if (key) zones.push({ key, groups, first: at, last: at });
    }
    // where there is room: what each stage received, in a line over the bars, and what fell away
    if (tall) {
      let until = 0;
      for (let at = 1; at < columns - 1; at++) {
        const here = nodes.filter((node) => node.column === at && node.row);
        if (here.length !== 1 || here[0].through) continue;
        const text = figure(here[0].row.received);
        const half = measure(text) / 2;
        if (x[at] + BAR / 2 - half < until) continue;
        until = x[at] + BAR / 2 + half + 6;
        labels.push({ text, x: x[at] + BAR / 2, y: 1.6 * line + 2, anchor: "middle", kind: "received",
                      width: 2 * half });
      }
      for (const ribbon of ribbons.filter((one) => one.kind === "bias" || one.kind === "epsilon")) {
        const [[x0, y0], [x1, y1]] = ribbon.points;
        const text = figure(ribbon.value);
        const fall = y1 - y0 - ribbon.drawn;
        const one = { text, x: (x0 + x1) / 2 + ribbon.drawn / 2 + 4, anchor: "start", kind: ribbon.kind,
                      width: measure(text), ribbon: ribbon.id };
        const free = [0.4, 0.55, 0.7].map((part) => ({ ...one, y: y0 + ribbon.drawn / 2 + part * fall }))
          .find((label) => labels.every((other) => !overlap(label, other, line)));
        if (fall > 3 * line && free) labels.push(free);
      }
    }

    const edge = (at) => (x[at] + BAR + x[at + 1]) / 2;
    for (const zone of zones) {
      zone.x0 = zone.first - 1 === delta ? x[delta + 1] - 0.5 * gaps[delta] * unit : edge(zone.first - 1);
      zone.x1 = zone.last + 1 > delta && zone.last < delta ? (x[zone.last] + BAR + x[zone.last + 1]) / 2
        : edge(zone.last);
      zone.title = zone.groups.map(groupWords).join(" · ");
      const short = zone.groups.map((group) => (GROUPS[group] || [])[1] || plain(group)).join(" · ");
      const fit = [zone.title, short].find((text) => measure(text) <= zone.x1 - zone.x0 - 2);
      if (fit) {
        labels.push({ text: fit, x: (zone.x0 + zone.x1) / 2, y: line / 2 + 2, anchor: "middle",
                      kind: "zone", width: measure(fit) });
      }
    }
    return { nodes, ribbons, labels, zones, scale, check: state, width, height, top, floor, line };
  }

  /** Ids of all branches that relevance takes on its way to and from one of them, or a bar. */
  function pathOf({ ribbons }, id) {
    const lit = new Set();
    const own = ribbons.find((ribbon) => ribbon.id === id);
    const walk = (node, near, far) => {
      for (const ribbon of ribbons) {
        if (ribbon[near] === node && !lit.has(ribbon.id)) {
          lit.add(ribbon.id);
          walk(ribbon[far], near, far);
        }
      }
    };
    walk(own ? own.from : id, "to", "from");
    walk(own ? own.to : id, "from", "to");
    if (own) lit.add(id);
    return lit;
  }

  /** A ribbon as SVG paths: {outline, middle}.
   *
   * Between two points of one height it is straight. Elsewhere it bends: in two arcs of a circle,
   * which keep it equally thick all the way, or where it is too thick for that in a soft S.
   */
  function pathsOf({ points, drawn }) {
    const n = (value) => +value.toFixed(2);
    const at = (x, y) => `${n(x)} ${n(y)}`;
    const half = drawn / 2;
    const starts = points[0];
    let middle = `M${at(...starts)}`;
    let left = `M${at(starts[0], starts[1] - half)}`; // the upper edge, along the flow
    let right = ""; // the lower edge, against it: what comes first is put last
    for (let k = 1; k < points.length; k++) {
      const [x0, y0] = points[k - 1];
      const [x1, y1] = points[k];
      const dx = x1 - x0;
      const dy = Math.abs(y1 - y0);
      const steep = dy > dx;
      const r = steep ? dx / 2 : (dx * dx + dy * dy) / (4 * dy);
      if (dy < 0.01 || dx <= 0) {
        middle += `L${at(x1, y1)}`;
        left += `L${at(x1, y1 - half)}`;
        right = `L${at(x0, y0 + half)}${right}`;
      } else if (r < half + 2) {
        const soft = (a, ya, b, yb) => `C${at((a + b) / 2, ya)} ${at((a + b) / 2, yb)} ${at(b, yb)}`;
        middle += soft(x0, y0, x1, y1);
        left += soft(x0, y0 - half, x1, y1 - half);
        right = soft(x1, y1 + half, x0, y0 + half) + right;
      } else {
        const down = y1 > y0 ? 1 : 0;
        const sign = down ? 1 : -1;
        const angle = steep ? Math.PI / 2 : 2 * Math.atan2(dy, dx);
        const normal = [sign * Math.sin(angle), -Math.cos(angle)]; // to the left of the flow
        const turned = r * (1 - Math.cos(angle));
        const ahead = r * Math.sin(angle);
        const one = [x0 + ahead, y0 + sign * turned]; // where the first arc ends
        const two = [x1 - ahead, y1 - sign * turned]; // where the second begins
        const beside = ([x, y], by) => at(x + by * normal[0], y + by * normal[1]);
        const arc = (radius, sweep, to) => `A${n(radius)} ${n(radius)} 0 0 ${sweep} ${to}`;
        middle += arc(r, down, at(...one)) + `L${at(...two)}` + arc(r, 1 - down, at(x1, y1));
        left += arc(r + sign * half, down, beside(one, half)) + `L${beside(two, half)}` +
          arc(r - sign * half, 1 - down, at(x1, y1 - half));
        right = arc(r + sign * half, down, beside(two, -half)) + `L${beside(one, -half)}` +
          arc(r - sign * half, 1 - down, at(x0, y0 + half)) + right;
      }
    }
    const ends = points[points.length - 1];
    return { outline: `${left}L${at(ends[0], ends[1] + half)}${right}Z`, middle };
  }

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.riverbed = { layout, pathOf, pathsOf, span, overlap };
})();
