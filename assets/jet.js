/* One explained jet: from what the server sent to arrays that every panel reads.
 * On window.jetlrp.jet. */
(function () {
  "use strict";

  const DELTA_ETA = "track_etarel"; // sign(eta of the jet) times the difference to it
  const DELTA_PHI = "track_phirel";
  const PT = "track_pt";
  const DISPLACED = { feature: "trackBTag_Sip3dSig", above: 3 }; // a track that is called displaced

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

  /** Source and destination of edges of the complete graph by their numbers. */
  function pairsOf(numbers, nTracks) {
    const source = Uint32Array.from(numbers, (number) => Math.floor(number / (nTracks - 1)));
    const destination = Uint32Array.from(numbers, (number, at) => {
      const among = number % (nTracks - 1);
      return among < source[at] ? among : among + 1;
    });
    return { source, destination };
  }

  /** Places of the edges, the most significant first; ties keep their order. */
  function rank(significance) {
    const order = Uint32Array.from(significance, (_, i) => i);
    return order.sort((a, b) => significance[b] - significance[a] || a - b);
  }

  /** Edges by significance: their order, the rank of each, and the share that the first k hold. */
  function rankEdges(significance) {
    const order = rank(significance);
    const place = new Uint32Array(order.length);
    const share = new Float64Array(order.length + 1);
    order.forEach((edge, k) => {
      place[edge] = k;
      share[k + 1] = share[k] + significance[edge];
    });
    return { order, rank: place, share };
  }

  /** Tracks by the size of their relevance: their order, and the rank of each. */
  function rankTracks(relevance) {
    const byRelevance = Array.from(relevance.keys()).sort(
      (a, b) => Math.abs(relevance[b]) - Math.abs(relevance[a]) || a - b);
    const ranks = new Uint32Array(byRelevance.length);
    byRelevance.forEach((track, at) => { ranks[track] = at; });
    return { byRelevance, rank: ranks };
  }

  function largest(values) {
    let most = 0;
    for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
    return most;
  }

  /** The table [n, names] of an answer as a function of a name -> its column [n], or null. */
  function table(names, packed) {
    const values = decode(packed);
    const place = new Map(names.map((name, at) => [name, at]));
    return {
      names,
      values,
      column(name) {
        if (!place.has(name)) return null;
        const n = names.length ? values.length / names.length : 0;
        return Float64Array.from({ length: n }, (_, row) => values[row * names.length + place.get(name)]);
      },
    };
  }

  /** What the server sent -> what is drawn: arrays decoded, edges and tracks ranked.
   *
   * Edges are places 0 … nEdges - 1 in the arrays that came; `numbers` has their numbers in the
   * graph, and `allEdges` says how many there are where only the most significant ones came.
   */
  function prepare(data) {
    const nTracks = data.jet.n_tracks;
    const values = table(data.tracks.features, data.tracks.values);
    const given = (name) => values.column(name) || new Float64Array(nTracks);
    const relevance = decode(data.tracks.relevance);
    const significance = decode(data.edges.significance);
    const nEdges = significance.length;
    const numbers = data.edges.numbers ? decode(data.edges.numbers) : null;
    let graph;
    if (data.edges.index) {
      const flat = Array.isArray(data.edges.index)
        ? Float64Array.from(data.edges.index.flat())
        : decode(data.edges.index);
      graph = { source: flat.slice(0, flat.length / 2), destination: flat.slice(flat.length / 2) };
    } else {
      graph = numbers ? pairsOf(numbers, nTracks) : completeGraph(nTracks);
    }
    const ranked = rankEdges(significance);
    const truth = data.truth || null;
    const signed = decode(data.edges.signed);
    const displaced = values.column(DISPLACED.feature);
    const is = (name) => Array.from(given(name), (value) => value > 0.5);
    const pt = Array.from(given(PT));
    const there = (direction) =>
      Number.isFinite(direction.etarel) && Number.isFinite(direction.phirel);
    return {
      data,
      jet: data.jet,
      question: data.question,
      words: data.words,
      prediction: data.prediction,
      account: data.account,
      prongs: data.prongs || null,
      truth,
      bHadrons: truth ? truth.b_hadrons.filter(there) : [],
      subjets: (data.subjets || []).filter(there),
      features: new Map(data.features.map((feature) => [feature.name, feature])),
      values,
      featureRelevance: table(data.tracks.relevance_features, data.tracks.feature_relevance),
      nTracks,
      nEdges,
      allEdges: data.jet.n_edges,
      tracks: {
        deltaEta: Array.from(given(DELTA_ETA)),
        deltaPhi: Array.from(given(DELTA_PHI)),
        pt,
        charge: values.column("track_charge"),
        muon: is("track_isMu"),
        electron: is("track_isEl"),
        displaced: Array.from({ length: nTracks },
          (_, track) => displaced !== null && displaced[track] > DISPLACED.above),
        relevance,
        ...rankTracks(relevance),
      },
      significance,
      signed,
      source: graph.source,
      destination: graph.destination,
      numbers,
      ...ranked,
      maxSignificance: nEdges ? significance[ranked.order[0]] : 0,
      maxSigned: largest(signed),
      maxRelevance: largest(relevance),
      maxPt: largest(pt),
    };
  }

  /** The number in the graph of the edge at a place. */
  const numberOf = (scene, place) => (scene.numbers ? scene.numbers[place] : place);

  /** The place of the edge with a number in the graph, or -1 if it did not come. */
  const placeOf = (scene, number) =>
    (scene.numbers ? scene.numbers.indexOf(number) : number < scene.nEdges ? number : -1);

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.jet = {
    DELTA_ETA, DELTA_PHI, PT, DISPLACED,
    decode, completeGraph, pairsOf, rank, rankEdges, rankTracks, largest, prepare, numberOf, placeOf,
  };
})();
