/* What the pointer is on, ringed in the network plot, whichever panel the pointer is in.
 *
 * The ring is SVG over the picture, at the place where Plotly's camera puts the track: to draw the
 * plot again for it would take far too long.
 */
import { camera } from "./camera.js";
import { scene } from "./scene.js";
import { view } from "../page/view.js";

const SVG = "http://www.w3.org/2000/svg";

const times = (matrix, v) => [0, 1, 2, 3].map((row) =>
  matrix[row] * v[0] + matrix[row + 4] * v[1] + matrix[row + 8] * v[2] + matrix[row + 12] * v[3]);

/** Where Plotly shows points [x, y, z] of the data: [x, y] in px of the div and the depth, which
 * grows away from the viewer; null for points behind the camera. */
function project(div, points) {
  const inside = camera.inside(div);
  if (!inside || !inside.glplot) return null;
  const { model, view, projection } = inside.glplot.cameraParams;
  const { clientWidth: width, clientHeight: height } = div;
  return points.map((point) => {
    const scaled = [0, 1, 2].map((at) => point[at] * inside.dataScale[at]);
    const [x, y, z, w] = times(projection, times(view, times(model, [...scaled, 1])));
    return w > 0 ? [(0.5 + x / w / 2) * width, (0.5 - y / w / 2) * height, z / w] : null;
  });
}

function layer(div) {
  let svg = div.parentElement.querySelector(".highlight");
  if (svg) return svg;
  svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "highlight");
  svg.setAttribute("aria-hidden", "true");
  div.after(svg);
  return svg;
}

/** Ring the track, or trace the edge, that the pointer is on; nothing, if it is on neither. */
function place() {
  const div = document.getElementById("network");
  const { made, drawnOnce } = scene.stateOf("network");
  if (!div || !drawnOnce) return;
  const { track, edge } = view.hovered;
  const svg = layer(div);
  let html = "";
  if (made && track !== null && track < made.tracks.count) {
    const { x: xs, y: ys, z: zs, marker } = made.figure.tracks;
    const at = project(div, [[xs[track], ys[track], zs[track]]]);
    if (at && at[0]) {
      const [x, y] = at[0];
      const radius = marker.size[track] / 2 + 4;
      html = `<circle cx="${x}" cy="${y}" r="${radius}"/>` +
        `<text x="${x + radius + 4}" y="${y - radius + 2}">${track}</text>`;
    }
  } else if (made && edge !== null) {
    const points = scene.pointsOf(made, made.edges.places.get(edge));
    const ends = points && project(div, points);
    if (ends && ends.every(Boolean)) {
      html = `<polyline points="${ends.map(([x, y]) => `${x},${y}`).join(" ")}"/>`;
    }
  }
  svg.innerHTML = html;
}

document.addEventListener("DOMContentLoaded", () => {
  view.onHover(place);
  document.addEventListener("jetlrp:drawn", place);
});

export const highlight = { project, place };
