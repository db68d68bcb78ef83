/* The ledger of an explanation: its stages in words, and whether all of it is accounted for.
 * On window.jetlrp.ledger. */
(function () {
  "use strict";

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
   * -> {state: "sound" | "cancels" | "broken" | "unknown", error, share, text, detail, leaks: Map stage -> lost}
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
    if (sound && account.times) {
      return { state: "cancels", error, share, leaks, text: "adds up, but cancels",
               detail: `the tracks' relevance is ${Math.round(account.times)} times what is explained` };
    }
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

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.ledger = {
    GROUPS, WAYS, groupOf, groupWords, stageWords, wayWords, plain, known, sum, passedOf, check,
  };
})();
