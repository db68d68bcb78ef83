/* Titles of the axes in the network plot, read as lrp_core/figures/axes.py has them read: from the
 * left, and from below where an axis is about upright. Plotly's own turn over as soon as an axis
 * leans to the left, which the upright one does most of the time.
 *
 * Its axes (gl-axes3d) hand place and direction of a title to a shader, which finds the angle. Here
 * half a turn is added where that angle is to be the other one.
 */
const LEANING = (110 * Math.PI) / 180; // to here a line is upright

const times = (matrix, v) => [0, 1, 2, 3].map((row) =>
  matrix[row] * v[0] + matrix[row + 4] * v[1] + matrix[row + 8] * v[2] + matrix[row + 12] * v[3]);

/** At what angle a title is written along a line at an angle: counterclockwise, from -70° to 110°. */
function reading(angle) {
  const line = ((angle % Math.PI) + Math.PI) % Math.PI;
  return line < LEANING ? line : line - Math.PI;
}

/** The same of the shader: from -90° to 90°. */
function shaders(angle) {
  const line = ((angle % Math.PI) + Math.PI) % Math.PI;
  return line > Math.PI / 2 ? line - Math.PI : line;
}

/** The angle on the picture of a line from a place in a direction, both in the units of the plot. */
function angleOf({ cameraParams: { model, view, projection }, shape }, place, way) {
  const [a, b] = [place, place.map((one, at) => one + way[at])].map((point) => {
    const [x, y, , w] = times(projection, times(view, times(model, [...point, 1])));
    return [x / Math.max(w, 1e-4), y / Math.max(w, 1e-4)];
  });
  return Math.atan2((b[1] - a[1]) * shape[1], (b[0] - a[0]) * shape[0]);
}

/** The middle of the edge of the box that an axis has its words at. */
function middleOf({ bounds, lastCubeProps }, side) {
  return bounds[0].map((low, at) => (at === side ? (low + bounds[1][at]) / 2
    : bounds[(lastCubeProps.cubeEdges[side] >> at) & 1][at]));
}

/** Let the titles of a plot read so, from now on. inside: Plotly's own scene. */
function letRead(inside) {
  if (!inside || !inside.glplot) return; // WebGL was lost meanwhile
  const { glplot } = inside;
  const { axes } = glplot;
  const text = axes._text;
  if (text.titles) return;
  text.titles = [null, null, null]; // their angles in degrees, as drawn last
  const { drawLabel } = text;
  text.drawLabel = (side, size, angle, place, colour, axis, way, options) => {
    let more = 0;
    if (options[2]) { // written along the axis
      const wanted = reading(angleOf(glplot, middleOf(axes, side), way));
      const usual = shaders(angleOf(glplot, Array.from(place), way)); // a little off, beside the edge
      more = Math.cos(wanted - usual) < 0 ? Math.PI : 0;
      text.titles[side] = ((usual + more) * 180) / Math.PI;
    }
    drawLabel.call(text, side, size, angle + more, place, colour, axis, way, options);
  };
  glplot.redraw();
}

export const axes = { reading, letRead };
