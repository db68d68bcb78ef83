/* Which edges of a jet are shown: the strongest, or those of one track, down to a number or to a
 * significance. An edge is its place in the order of rank here, 0 for the most significant.
 *
 *   decode      edges of an answer (lrp_core/figures/plot.py) -> typed arrays
 *   considered  all of them, or those of the track that is isolated
 *   shown       how many of these are curves
 *
 */
import { numbers } from "../page/numbers.js";

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };
const PACKED = ["number", "source", "destination", "significance", "x", "y", "z", "bin", "colour", "palette", "sign"];

/** {dtype, data: base64} -> typed array. */
function unpack({ dtype, data }) {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n++) bytes[n] = text.charCodeAt(n);
  return new ARRAYS[dtype](bytes.buffer);
}

/** What an answer says of the edges, its arrays decoded, and where each number stands. */
function decode(edges) {
  const arrays = Object.fromEntries(PACKED.map((name) => [name, unpack(edges[name])]));
  const { palette, colour, number } = arrays;
  const css = Array.from({ length: palette.length / 3 }, (_, n) =>
    `rgb(${palette[3 * n]},${palette[3 * n + 1]},${palette[3 * n + 2]})`);
  return {
    ...edges, ...arrays,
    colour: Array.from(colour, (place) => css[place]),
    every: Uint32Array.from(number, (_, place) => place),
    places: new Map(Array.from(number, (one, place) => [one, place])),
  };
}

const isAlone = ({ track }, nTracks) => track !== null && track < nTracks;

/** The edges that are considered, the most significant first. view.ways: "in", "out" or "both". */
function considered(edges, view) {
  if (!isAlone(view, edges.tracks)) return edges.every;
  const { source, destination } = edges;
  return edges.every.filter((place) =>
    (view.ways !== "in" && source[place] === view.track) ||
    (view.ways !== "out" && destination[place] === view.track));
}

/** How many of the considered edges can be curves: those that came with one. */
function most(edges, list) {
  let count = Math.min(list.length, edges.drawn);
  while (count && list[count - 1] >= edges.drawn) count--;
  return count;
}

/** How many of them are: by number, or by least significance. */
function shown(edges, view, list) {
  const limit = most(edges, list);
  if (view.least !== null) {
    let low = 0, high = list.length; // significance falls, so the first that is too small is sought
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges.significance[list[middle]] >= view.least) low = middle + 1;
      else high = middle;
    }
    return Math.min(low, limit);
  }
  return Math.max(Math.min(1, limit), Math.min(view.edges ?? edges.usual, limit));
}

/** Those behind the first k, as many as are faint lines, and how faint: {list, opacity}. */
function faint(edges, list, k) {
  const { least, most: limit, ink, lines } = edges.faint;
  const rest = list.subarray(k, k + lines);
  return { list: rest, opacity: Math.max(least, Math.min(limit, ink / Math.max(1, rest.length))) };
}

/** Slider position 0..1 -> number of edges; logarithmic, so that few edges are easy to choose. */
function countAt(position, limit) {
  if (limit <= 1) return limit;
  return Math.max(1, Math.min(limit, Math.round(Math.exp(position * Math.log(limit)))));
}

function positionOf(count, limit) {
  if (limit <= 1) return 1;
  return Math.log(Math.max(1, Math.min(limit, count))) / Math.log(limit);
}

/** The share of all significance that the first k of some edges hold. */
function share(edges, list, k) {
  let sum = 0;
  for (let n = 0; n < k; n++) sum += edges.significance[list[n]];
  return edges.total > 0 ? Math.min(1, sum / edges.total) : 0;
}

/** How many edges are shown, and how much of the significance they hold, in words. */
function words(edges, list, k) {
  const { percent, thousands } = numbers;
  if (!edges.all) return { shown: "no edges", share: "", of: "between single tracks" };
  return {
    shown: `${thousands(k)} of ${thousands(list === edges.every ? edges.all : list.length)}`,
    share: `hold ${percent(share(edges, list, k))}`,
    of: edges.of,
  };
}

export const selection = { unpack, decode, considered, most, shown, faint, countAt, positionOf, share, words };
