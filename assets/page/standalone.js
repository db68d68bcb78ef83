/* One figure as a page of its own (app/standalone.py): starts it with what lies in the file. */
import "../panels/compare.js";
import "../panels/heat.js";
import "../panels/river.js";
import "./controls.js";
import { dock } from "./dock.js";
import { view } from "./view.js";

const box = document.getElementById("jetlrp-standalone");

/** What lies in the file, compressed. */
async function unpacked({ textContent }) {
  const bytes = Uint8Array.from(atob(textContent.trim()), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

/** Run Plotly, which is the larger part of the file. */
async function loadPlotly() {
  const packed = document.getElementById("jetlrp-packed");
  if (!packed) return;
  const script = document.createElement("script");
  script.textContent = await unpacked(packed);
  document.head.append(script);
}

async function start() {
  box.textContent = await unpacked(box);
  const { a, b, name } = JSON.parse(box.textContent);
  await loadPlotly();
  view.show("b", b);
  view.show("a", a);
  const panel = { heatmap: "heat", river: "river" }[name];
  if (!panel) return;
  const again = () => dock.redraw(panel);
  window.addEventListener("resize", again);
  document.fonts.ready.then(again);
}

document.addEventListener("DOMContentLoaded", () => {
  start().catch((error) => {
    document.querySelector(".figure-subtitle").textContent =
      `This figure could not be shown: ${error.message || error}`;
    throw error;
  });
});
