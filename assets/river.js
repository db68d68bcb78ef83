/* The river: relevance on its way back from the output through the stages to the input.
 *
 * Every branch is a row's entry in the ledger: as wide as its relevance is large, coloured and
 * textured by its sign. What the biases earn and what ε takes falls away below, into pools of its
 * own. layout() knows the ledger and nothing else, so that any network has its river; the words for
 * stages that are known are only nicer. On window.jetlrp.river.
 */
(function () {
  "use strict";

  const HAIR = 1.2; // px: as thin as a branch that is not zero is drawn
  const BAR = 5; // px: how wide the bar of a stage is
  const GRIP = 12; // px: how thick a branch is for the pointer, at least
  const EMPTY = "Relevance on its way back through the network, stage by stage.";

  /* ------------------------------------------------------------------- words */

  /* What the parts of the interaction network are called: in full, and where room is short. */
  const GROUPS = {
    global_mlp: ["jet network", "jet"],
    node_mlp_2: ["track network", "track"],
    node_mlp_1: ["message network", "message"],
    edge_mlp: ["edge network", "edge"],
    pool: ["mean over tracks", "mean"],
    mean: ["mean over messages", "mean"],
    input_norm: ["input, standardised", "input"],
  };
  /* And the ways to its input. */
  const WAYS = {
    "edge_mlp.0:source": "edge source",
    "edge_mlp.0:destination": "edge destination",
    "node_mlp_1.0:source": "message source",
    "node_mlp_2.0:self": "direct",
  };
  const ORDINALS = ["1st", "2nd", "3rd"];

  /** The part of the network a stage belongs to: "edge_mlp.0" -> "edge_mlp". */
  const groupOf = (stage) => stage.replace(/\.\d+$/, "");
  const plain = (name) => name.replace(/_/g, " ");
  const groupWords = (group) => (GROUPS[group] || [plain(group)])[0];

  /** A stage in words: "message network, 2nd layer". */
  function stageWords(stage, stages) {
    const group = groupOf(stage);
    const layers = stages.filter((other) => groupOf(other) === group && other !== group)
      .sort((a, b) => Number(a.slice(group.length + 1)) - Number(b.slice(group.length + 1)));
    if (stage === group || layers.length < 2) return groupWords(group);
    const at = layers.indexOf(stage);
    return `${groupWords(group)}, ${ORDINALS[at] || `${at + 1}th`} layer`;
  }

  /** A way in words: "edge source"; of a network of one's own, its group and the way's name. */
  function wayWords(port, stage) {
    if (WAYS[port]) return WAYS[port];
    const way = port.slice(port.lastIndexOf(":") + 1);
    return way === "input" ? groupWords(groupOf(stage)) : `${groupWords(groupOf(stage))}, ${plain(way)}`;
  }

  /* ----------------------------------------------------------- is it all there */

  const known = (value) => typeof value === "number" && Number.isFinite(value);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const passedOf = (row) => Object.values(row.passed);

  /** What a row loses: received − passed − bias − ε; null where a number is not known. */
  function lostBy(row) {
    const numbers = [row.received, ...passedOf(row), row.bias, row.epsilon];
    return numbers.every(known) ? 2 * row.received - sum(numbers) : null;
  }

  /** What a stage was handed more than it says it received; null where a number is not known. */
  function misheard(row, ledger) {
    const given = ledger.flatMap((sender) => Object.keys(sender.passed)
      .filter((port) => sender.inputs[port] === row.stage).map((port) => sender.passed[port]));
    if (!given.length) return 0;
    return given.every(known) && known(row.received) ? sum(given) - row.received : null;
  }

  /** A per cent that says 100.000 only of what is accounted for. */
  function percentText(share, sound) {
    let text = (100 * share).toFixed(3);
    for (let digits = 4; !sound && Number(text) === 100 && digits < 16; digits++) {
      text = (100 * share).toFixed(digits);
    }
    return `${window.jetlrp.numbers.minus(text)} %`;
  }

  /** Whether all of the explained value is accounted for, out of the ledger's own numbers.
   *
   * -> {state: "sound" | "broken" | "unknown", error, share, text, detail, leaks: Map stage -> lost}
   * The error is the worst of three, each as a share of the explained value (or of the largest
   * account, where that is more): what tracks, biases and ε miss of it; the service's own figure;
   * and what a single stage loses.
   */
  function check(ledger, account) {
    const { significant, signed } = window.jetlrp.numbers;
    const biases = ledger.map((row) => row.bias);
    const epsilons = ledger.map((row) => row.epsilon);
    const lost = ledger.map((row) => [row.stage, lostBy(row), misheard(row, ledger)]);
    const unknown = { state: "unknown", error: null, share: null, leaks: new Map(),
                      text: "cannot be checked", detail: account.problem || "a number is not finite" };
    const needed = [account.value, account.tracks, account.error, account.limit, ...biases, ...epsilons,
                    ...lost.flatMap(([, own, given]) => [own, given])];
    if (!ledger.length || !needed.every(known)) return unknown;

    const missed = account.tracks + sum(biases) + sum(epsilons) - account.value;
    const scale = Math.max(Math.abs(account.value), ...[...biases, ...epsilons].map(Math.abs));
    const of = (value) => (value === 0 ? 0 : Math.abs(value) / scale);
    const leaks = new Map();
    for (const [stage, own, given] of lost) {
      const worst = of(own) >= of(given) ? own : given;
      if (!(of(worst) <= account.limit)) leaks.set(stage, worst);
    }
    const error = Math.max(of(missed), account.error);
    const sound = error <= account.limit && !leaks.size;
    const ahead = Math.sign(missed * account.value) || -1;
    const share = account.error > of(missed) ? 1 - account.error
      : scale ? 1 + ahead * of(missed) : 1;
    const text = `${percentText(share, error <= account.limit)} accounted for`;
    if (sound) {
      return { state: "sound", error, share, text, leaks,
               detail: error === 0 ? "to the last digit" : `to ${significant(error, 2)}` };
    }
    const where = leaks.size
      ? `${[...leaks.keys()].join(" and ")} ${leaks.size > 1 ? "leak" : "leaks"}` : "";
    const much = error <= account.limit ? "" :
      of(missed) >= account.error ? `the sum is off by ${signed(missed)}`
        : `the sum is off by ${significant(100 * account.error)} %`;
    return { state: "broken", error, share, text, leaks, detail: [much, where].filter(Boolean).join("; ") };
  }

  /* ------------------------------------------------------------------ layout */

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
        if (first <= last && known(link.value) && link.value !== 0) {
          objects.push({ id: `lane ${link.id}`, link, first, last });
        }
        visit(link.to);
      }
    };
    visit("output");
    return objects;
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
    const { signed } = window.jetlrp.numbers;
    const graph = graphOf(ledger);
    const { links, column, ids } = graph;
    const names = ledger.map((row) => row.stage);
    const line = 1.25 * font;
    const columns = column.get("tracks") + 1;
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
      return { link, name, full: `${name} ${signed(link.value)}` };
    });
    const ends = {
      output: [...(words.value || "explained value").split(" of "), signed(account.value)],
      tracks: ["tracks", signed(account.tracks)],
      bias: ["biases", signed(account.bias)],
      epsilon: [`ε ${signed(account.epsilon)}`],
    };
    if (ends.output.length === 3) ends.output[0] += " of";
    const widest = (texts) => Math.max(0, ...texts.map(measure));
    const left = Math.max(widest(ends.output), measure("▨ against")) + 16;
    const right = widest([...ends.tracks, ...ends.bias, ...ends.epsilon]) + 16;
    const most = widest(wayLabels.map((label) => label.full)) + 12;
    const free = width - left - right - BAR;
    const nameRoom = wayLabels.length ? Math.min(most, 0.3 * free) : 0;
    const forks = new Set([...column.values()].filter((at) => ids.some((id) => column.get(id) === at &&
      flows.filter((link) => link.from === id).length + branches.filter(
        (branch) => branch.from === id).length > 1)));
    const gaps = Array.from({ length: columns - 1 }, (_, at) =>
      (at === 0 || at === columns - 2 ? 0.6 : forks.has(at) || at === delta ? 1.2 : 0.75));
    const unit = Math.max(0, free - nameRoom) / sum(gaps);
    const x = [left];
    for (let at = 1; at < columns; at++) {
      x.push(x[at - 1] + gaps[at - 1] * unit + (at - 1 === delta ? nameRoom : 0));
    }

    // down: as large a scale as fits every column
    const top = line + 8;
    const floor = height - 8;
    const roomy = Math.max(6, Math.min(34, 0.06 * height));
    const objects = objectsOf(graph);
    const drawnAt = (value, scale) => (value === 0 ? 0 : Math.max(HAIR, Math.abs(value) * scale));
    const outOf = (id) => [...flows, ...branches].filter((link) => link.from === id);
    const into = (id) => [...flows, ...branches].filter((link) => link.to === id);
    const thickness = (list, scale) => sum(list.map((link) => drawnAt(link.value, scale)));
    const extent = (object, scale) => (object.link ? drawnAt(object.link.value, scale)
      : Math.max(3, thickness(outOf(object.id), scale), thickness(into(object.id), scale)));
    const slot = (object, scale) => {
      const own = extent(object, scale);
      if (object.id === "tracks") return Math.max(own, 2 * line + 2);
      return object.link && object.link.way ? Math.max(own, line) : own;
    };
    const pools = (scale) => {
      const band = (kind, least) => Math.max(
        thickness(branches.filter((branch) => branch.kind === kind), scale), least);
      return { bias: band("bias", 2 * line), epsilon: band("epsilon", line), gap: 4 };
    };
    const collected = (at, scale) => {
      if (at >= columns - 1) {
        const { bias, epsilon, gap } = pools(scale);
        return bias + epsilon + gap + roomy;
      }
      const earlier = branches.filter((branch) => column.get(branch.from) < at);
      if (!earlier.length) return 0;
      const bias = earlier.filter((branch) => branch.kind === "bias");
      return (bias.length ? thickness(bias, scale) + pools(scale).gap : 0) + pools(scale).epsilon + roomy;
    };
    const inColumn = Array.from({ length: columns }, (_, at) =>
      objects.filter((object) => object.first <= at && at <= object.last));
    const fits = (scale) => inColumn.every((list, at) =>
      sum(list.map((object) => slot(object, scale))) + roomy * Math.max(0, list.length - 1) +
      collected(at, scale) <= floor - top);
    const magnitudes = ids.map((id) => Math.max(
      sum(outOf(id).map((link) => Math.abs(link.value))), sum(into(id).map((link) => Math.abs(link.value)))));
    const largest = Math.max(0, ...magnitudes);
    let scale = 0;
    let tooLarge = largest > 0 ? Math.min(0.62 * (floor - top), 0.34 * width) / largest : 0;
    if (fits(tooLarge)) scale = tooLarge;
    else {
      for (let step = 0; step < 40; step++) {
        const middle = (scale + tooLarge) / 2;
        if (fits(middle)) scale = middle; else tooLarge = middle;
      }
    }
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
      object.height = extent(object, scale);
      object.slot = slot(object, scale);
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
      const tie = (a, aOffset, b, bOffset) => {
        const weight = drawn(link);
        pulls.get(a).push({ other: b, shift: bOffset - aOffset, weight });
        pulls.get(b).push({ other: a, shift: aOffset - bOffset, weight });
      };
      if (lane) {
        tie(from, leaving.get(link), lane, lane.height / 2);
        tie(lane, lane.height / 2, to, meeting.get(link));
      } else tie(from, leaving.get(link), to, meeting.get(link));
    }
    const spare = (object) => (object.slot - object.height) / 2;
    const limits = inColumn.map((_, at) => floor - collected(at, scale));
    const lowest = (object) => Math.min(...limits.slice(object.first, object.last + 1)) -
      object.height - spare(object);
    const above = new Map(objects.map((object) => [object, new Set()]));
    for (const list of inColumn) {
      for (let at = 1; at < list.length; at++) above.get(list[at]).add(list[at - 1]);
    }
    const apart = (upper, lower) => upper.height + spare(upper) + roomy + spare(lower);
    const settle = () => {
      for (const object of objects) {
        object.y = Math.max(object.y, top + spare(object));
        for (const upper of above.get(object)) object.y = Math.max(object.y, upper.y + apart(upper, object));
      }
      for (const object of [...objects].reverse()) {
        object.y = Math.min(object.y, lowest(object));
        for (const upper of above.get(object)) upper.y = Math.min(upper.y, object.y - apart(upper, object));
      }
    };
    const middle = (top + floor) / 2;
    for (const object of objects) object.y = middle - object.height / 2 - 0.14 * (floor - top);
    settle();
    for (let step = 0; step < 80; step++) {
      for (const object of step % 2 ? [...objects].reverse() : objects) {
        const list = pulls.get(object);
        const weight = sum(list.map((pull) => pull.weight));
        if (weight) {
          object.y = sum(list.map((pull) => pull.weight * (pull.other.y + pull.shift))) / weight;
        }
      }
      settle();
    }

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
      if (text) {
        labels.push({ text, x: until - 2, y, anchor: "end", kind: "way", width: measure(text),
                      ribbon: link.id });
      }
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

  /** The middle of a ribbon as an SVG path: straight, or bent in arcs of a circle. */
  function pathText(points) {
    const n = (value) => +value.toFixed(2);
    let text = `M${n(points[0][0])} ${n(points[0][1])}`;
    for (let at = 1; at < points.length; at++) {
      const [x0, y0] = points[at - 1];
      const [x1, y1] = points[at];
      const dx = x1 - x0;
      const dy = Math.abs(y1 - y0);
      const down = y1 > y0 ? 1 : 0;
      if (dy < 0.01 || dx <= 0) text += `L${n(x1)} ${n(y1)}`;
      else {
        const steep = dy > dx;
        const r = n(steep ? dx / 2 : (dx * dx + dy * dy) / (4 * dy));
        const first = steep ? [x0 + dx / 2, y0 + (down ? 1 : -1) * dx / 2] : [x0 + dx / 2, (y0 + y1) / 2];
        text += `A${r} ${r} 0 0 ${down} ${n(first[0])} ${n(first[1])}`;
        if (steep) text += `V${n(y1 - (down ? 1 : -1) * dx / 2)}`;
        text += `A${r} ${r} 0 0 ${1 - down} ${n(x1)} ${n(y1)}`;
      }
    }
    return text;
  }

  /* ----------------------------------------------------------------- drawing */

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
  function rowLines(row, jet) {
    const { signed } = window.jetlrp.numbers;
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
      lines.push(["for and against cancel", window.jetlrp.numbers.significant(more / 2)]);
    }
    return lines;
  }

  /** A branch in words: {title, note, lines: [[what, text, value]]}. */
  function ribbonWords(drawing, ribbon, jet) {
    const { signed } = window.jetlrp.numbers;
    const from = drawing.nodes.find((node) => node.id === ribbon.from);
    const to = ribbon.kind === "bias" ? "the biases" : ribbon.kind === "epsilon" ? "ε"
      : nodeName(drawing, ribbon.to);
    const name = ribbon.kind === "way" ? `${wayWords(ribbon.port, ribbon.from.slice(6))}: ` : "";
    const start = nodeName(drawing, ribbon.from);
    return {
      title: `${name}${name ? start : start[0].toUpperCase() + start.slice(1)} → ${to}`,
      code: ribbon.port || from.stage || "",
      lines: [
        ["relevance", signed(ribbon.value), ribbon.value],
        ["speaks", `${side(ribbon.value)} ${target(jet)}`],
        ["of the explained value", shareWords(jet, ribbon.value)],
        ...(from.row ? rowLines(from.row, jet) : []),
      ],
    };
  }

  /** A bar in words. */
  function nodeWords(drawing, node, jet) {
    const { signed } = window.jetlrp.numbers;
    if (node.row) {
      const lines = rowLines(node.row, jet);
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
      (words.code ? `<code>${escape(words.code)}</code>` : "") +
      `<dl>${words.lines.map(([what, text, value]) => `<dt>${escape(what)}</dt><dd class="${
        value > 0 ? "positive" : value < 0 ? "negative" : ""}">${escape(text)}</dd>`).join("")}</dl>`;
    box.hidden = false;
    const { width, height } = box.getBoundingClientRect();
    const x = at.x + 16 + width > window.innerWidth ? at.x - 16 - width : at.x + 16;
    const y = Math.max(6, Math.min(window.innerHeight - height - 6, at.y - height - 10));
    box.style.transform = `translate(${Math.round(Math.max(6, x))}px, ${Math.round(y)}px)`;
  }

  const silence = () => { tooltipBox().hidden = true; };

  /** Light the path through a branch or a bar, the rest dims; null: all as it was. */
  function light(svg, drawing, id) {
    svg.classList.toggle("lit", id !== null);
    const path = id === null ? new Set() : pathOf(drawing, id);
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
  function render(box, drawing, jet) {
    const { signed, significant } = window.jetlrp.numbers;
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
      make(gradient, "stop", { offset: "0", class: `${kind} spring` });
      make(gradient, "stop", { offset: "1", class: `${kind} sea` });
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
      const d = pathText(ribbon.points);
      const group = make(flow, "g", {
        class: `ribbon ${side(ribbon.value)} ${ribbon.kind}`, "data-id": ribbon.id, tabindex: -1, role: "img",
        "aria-label": `${words.title}: ${signed(ribbon.value)}, ${side(ribbon.value)} ${target(jet)}, ` +
          `${shareWords(jet, ribbon.value)} of the explained value`,
      });
      make(group, "path", { d, class: "grip", "stroke-width": Math.max(GRIP, ribbon.drawn) });
      make(group, "path", { d, class: "water", "stroke-width": ribbon.drawn, stroke: `url(#river-${side(ribbon.value)})`,
                            ...(ribbon.value < 0 && ribbon.drawn < 4 ? { "stroke-dasharray": "5 2.5" } : {}) });
      if (ribbon.value < 0 && ribbon.drawn >= 4) {
        make(group, "path", { d, class: "texture", "stroke-width": ribbon.drawn, stroke: "url(#river-hatch)" });
      }
      make(group, "path", { d, class: "current", "stroke-width": Math.max(1, Math.min(2, ribbon.drawn / 4)) });
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

    svg.addEventListener("pointermove", (event) => {
      const on = event.target.closest("[data-id]");
      if (on) show(on.dataset.id, { x: event.clientX, y: event.clientY });
      else rest();
    });
    svg.addEventListener("pointerleave", rest);
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
    box.querySelector("i").textContent = state ? { sound: "✓", broken: "!", unknown: "?" }[state.state] : "";
    box.querySelector("small").textContent = state ? state.detail : "";
    box.title = state ? `${state.text}: ${state.detail}` : "";
  }

  let shown = null; // what the box was drawn for, so that only another explanation flows in anew
  let pen = null;

  function draw(box, jet) {
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
    const font = Math.max(11, 0.92 * parseFloat(getComputedStyle(box).fontSize));
    pen = pen || document.createElement("canvas").getContext("2d");
    pen.font = `560 ${font}px ${getComputedStyle(box).fontFamily}`;
    const drawing = layout(jet.ledger, jet.account, {
      width: box.clientWidth - 28, height: box.clientHeight - 12, font, words: jet.words,
      measure: (text) => pen.measureText(text).width,
    });
    const svg = render(box, drawing, jet);
    svg.style.fontSize = `${font}px`;
    if (shown !== jet.data) svg.classList.add("enter");
    shown = jet.data;
    badge(drawing.check);
    silence();
    box.dataset.ms = (performance.now() - before).toFixed(1);
    box.dataset.jet = jet.jet.index;
    river.drawing = drawing;
  }

  const river = { layout, check, pathOf, pathText, stageWords, wayWords, draw, drawing: null };
  window.jetlrp = window.jetlrp || {};
  window.jetlrp.river = river;
  document.addEventListener("DOMContentLoaded", () => {
    window.jetlrp.dock.panel("river", { draw });
  });
})();
