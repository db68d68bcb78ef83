/* Tracks, edges and directions in words, with numbers and units. On window.jetlrp.words. */
(function () {
  "use strict";

  const SHOWN = ["track_charge", "trackBTag_Sip2dSig", "trackBTag_Sip3dSig", "track_dxy", "track_dz"];

  /** "for H→bb̄" or "against H→bb̄". */
  const stance = (scene, value) =>
    value === 0 ? "neither for nor against" :
    `${value > 0 ? "for" : "against"} ${scene.words.stands_for}`;

  /** What a track was taken for: "muon", "electron", or nothing to speak of. */
  const kindOf = (scene, track) =>
    scene.tracks.muon[track] ? "muon" : scene.tracks.electron[track] ? "electron" : "";

  /** A track in words: {title, lines: [[what, value]], value}. */
  function track(scene, number) {
    const { significant, signed, minus } = window.jetlrp.numbers;
    const { tracks } = scene;
    const relevance = tracks.relevance[number];
    const kind = kindOf(scene, number);
    return {
      title: `Track ${number}${kind ? ` (${kind})` : ""}`,
      value: relevance,
      lines: [
        ...(scene.truth ? [["origin", origin(scene.truth, number)]] : []),
        ["pT", `${significant(tracks.pt[number])} GeV`],
        ["sign(η jet) · Δη", significant(tracks.deltaEta[number])],
        ["Δφ", `${significant(tracks.deltaPhi[number])} rad`],
        ...SHOWN.filter((name) => scene.values.column(name)).map((name) => {
          const feature = scene.features.get(name);
          const found = scene.values.column(name)[number];
          const value = Number.isInteger(found) ? minus(String(found)) : significant(found);
          return [feature.title.replace(/_/g, ""), feature.unit ? `${value} ${feature.unit}` : value];
        }),
        ["relevance", signed(relevance)],
        ["speaks", stance(scene, relevance)],
        ["rank", `${tracks.rank[number] + 1} of ${scene.nTracks}`],
      ],
    };
  }

  /** Where the simulation says that a track comes from: "V0, from b-hadron 1", "pileup". */
  function origin(truth, number) {
    const b = truth.b[number];
    return truth.origins[truth.origin[number]] + (b > 0 ? `, from b-hadron ${b}` : "");
  }

  /** A b-hadron in words. */
  function bHadron(scene, number) {
    const { significant } = window.jetlrp.numbers;
    const found = scene.bHadrons.find((b) => b.b === number);
    const descend = scene.truth.b.filter((b) => b === number).length;
    return {
      title: `b-hadron ${number}`,
      value: 0,
      lines: [
        ["pT", Number.isFinite(found.pt) ? `${significant(found.pt)} GeV` : "–"],
        ["sign(η jet) · Δη", significant(found.etarel)],
        ["Δφ", `${significant(found.phirel)} rad`],
        ["tracks from it", `${descend} of ${scene.nTracks}`],
      ],
    };
  }

  /** A subjet in words. */
  function subjet(scene, number) {
    const { significant } = window.jetlrp.numbers;
    const found = scene.subjets.find((one) => one.number === number);
    return {
      title: `Soft-drop subjet ${number}`,
      value: 0,
      lines: [
        ["sign(η jet) · Δη", significant(found.etarel)],
        ["Δφ", `${significant(found.phirel)} rad`],
        ["tracks nearest to it", `${found.n_tracks} of ${scene.nTracks}`],
      ],
    };
  }

  /** An edge in words; `edge` is its place in the arrays. */
  function edge(scene, place) {
    const { significant, signed, percent, thousands } = window.jetlrp.numbers;
    const source = scene.source[place];
    const destination = scene.destination[place];
    const significance = scene.significance[place];
    return {
      title: `Track ${source} → track ${destination}`,
      value: scene.signed[place],
      lines: [
        ["significance", `${significant(significance)} (${percent(significance)})`],
        ["rank", `${thousands(scene.rank[place] + 1)} of ${thousands(scene.allEdges)}`],
        ["signed relevance", signed(scene.signed[place])],
        ["speaks", stance(scene, scene.signed[place])],
        ["pT", `${significant(scene.tracks.pt[source])} → ` +
               `${significant(scene.tracks.pt[destination])} GeV`],
      ],
    };
  }

  /** How many edges are drawn, and how much of the significance they hold. */
  function edges(scene, order, k) {
    const { percent, thousands } = window.jetlrp.numbers;
    if (scene.nEdges === 0) {
      return { shown: "no edges", share: "", of: "between single tracks", came: "" };
    }
    return {
      shown: `${thousands(k)} of ${thousands(order === scene.order ? scene.allEdges : order.length)}`,
      share: `hold ${percent(share(scene, order, k))}`,
      of: scene.difference ? "of the change" : "of the significance",
      came: scene.allEdges > scene.nEdges
        ? `top ${thousands(scene.nEdges)} fetched` : "",
    };
  }

  /** The share of all significance that the first k edges of `order` hold. */
  function share(scene, order, k) {
    if (order === scene.order) return Math.min(1, scene.share[k]);
    let sum = 0;
    for (let n = 0; n < k; n++) sum += scene.significance[order[n]];
    return Math.min(1, sum);
  }

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.words = { stance, kindOf, track, origin, bHadron, subjet, edge, edges, share };
})();
