/* What lies under a point of the network plot, and where on it a track is seen.
 *
 * It is found where Plotly's camera puts what Plotly was given. Plotly's own picking is switched off:
 * its buffer is a frame late, faint edges and rings lie in it over what is meant, and after a picture
 * with fewer edges it finds some that are gone, and fails.
 */
import { camera } from "./camera.js";
import { highlight } from "./highlight.js";
import { pointing } from "./pointing.js";

const REACH = 5; // px beside an edge or a direction at which it is meant
const RIM = 2; // px around a ball at which it is meant
const SIGN = 9; // px around the name of a direction

const listOf = ({ x, y, z }) => Array.from(x, (value, n) => [value, y[n], z[n]]);

/** Everything that can be pointed at, in px: kept until the picture or the camera is another. */
function seen(div, state) {
  const inside = camera.inside(div);
  if (!inside || !inside.glplot || !state.drawnOnce) return null;
  const { view, projection, model } = inside.glplot.cameraParams;
  const key = [state.revision, div.clientWidth, div.clientHeight, ...view, ...projection, ...model].join(" ");
  if (state.seen && state.seen.key === key) return state.seen;
  const { stride, number: numbers } = state.made.edges;
  const made = { key, tracks: [], edges: [], signs: [] };
  for (const trace of div.data) {
    const { kind, number, edges } = trace.meta || {};
    if (!kind || trace.visible === false) continue;
    const points = highlight.project(div, listOf(trace));
    if (kind === "tracks") {
      made.tracks = points.map((point, track) => ({ track, point, r: trace.marker.size[track] / 2 }));
    } else if (kind === "edges") {
      edges.forEach((place, n) => {
        const own = points.slice(n * stride, (n + 1) * stride - 1);
        if (own.every(Boolean)) {
          made.edges.push({ edge: numbers[place], points: own, width: trace.line.width });
        }
      });
    } else {
      made.signs.push({ kind, number, points: points.filter(Boolean) });
    }
  }
  state.seen = made;
  return made;
}

/** The place on a line of points that is nearest to a point: {away, depth}. */
function along(points, at) {
  let best = { away: Infinity };
  for (let n = 1; n < points.length; n++) {
    const [a, b] = [points[n - 1], points[n]];
    const { away, t } = pointing.nearestOn(at, a, b);
    if (away < best.away) best = { away, depth: a[2] + t * (b[2] - a[2]) };
  }
  return best;
}

/** The ball under a point, of several the one in front; else the one whose rim is nearest. */
function ballAt({ tracks }, [x, y]) {
  let best = null;
  for (const { track, point, r } of tracks) {
    if (!point) continue;
    const beside = Math.max(0, Math.hypot(point[0] - x, point[1] - y) - r);
    if (beside > RIM) continue;
    if (!best || beside < best.beside || (beside === best.beside && point[2] < best.depth)) {
      best = { track, beside, depth: point[2] };
    }
  }
  return best;
}

/** The edge whose middle line is nearest to a point: {edge, beside, depth}, or null. */
function edgeAt({ edges }, at) {
  let best = null;
  for (const { edge, points, width } of edges) {
    const { away, depth } = along(points, at);
    if (away <= Math.max(REACH, width / 2 + 1) && (!best || away < best.away)) {
      best = { edge, away, beside: Math.max(0, away - width / 2), depth };
    }
  }
  return best;
}

/** A direction whose line or name is at a point, or null. */
function signAt({ signs }, [x, y]) {
  const found = signs.find(({ points }) => (points.length === 1
    ? Math.hypot(points[0][0] - x, points[0][1] - y) <= SIGN : along(points, [x, y]).away <= REACH));
  return found ? { kind: found.kind, number: found.number } : null;
}

/** What is under the point [x, y] of a plot: {track}, {edge: its number}, {kind, number}, or null.
 *
 * A ball hides what is behind it, and the edges that end in it belong to it there. */
function find(div, state, x, y) {
  const all = seen(div, state);
  if (!all) return null;
  const ball = ballAt(all, [x, y]);
  const edge = edgeAt(all, [x, y]);
  if (ball && edge) {
    const { edges: { source, destination, places } } = state.made;
    const place = places.get(edge.edge);
    const ends = [source[place], destination[place]].includes(ball.track);
    const over = ball.beside > 0 ? edge.beside < ball.beside
      : !ends && edge.beside === 0 && edge.depth < ball.depth;
    return over ? { edge: edge.edge } : { track: ball.track };
  }
  return ball ? { track: ball.track } : edge ? { edge: edge.edge } : signAt(all, [x, y]);
}

/** Plotly looks for nothing under the mouse in its scene, and draws nothing to look in. */
function instead(inside) {
  if (!inside || !inside.glplot) return; // WebGL was lost meanwhile
  const { glplot } = inside;
  glplot.mouseListener.enabled = false;
  for (const drawn of glplot.objects) drawn.drawPick = null;
}

/** Where on a plot a track is seen: [x, y], or null behind the camera. */
function spot(div, state, track) {
  const { x, y, z } = state.made.figure.tracks;
  const found = highlight.project(div, [[x[track], y[track], z[track]]]);
  return found && found[0];
}

export const pick = { find, instead, spot };
