/* One figure as a page of its own (app/standalone.py): starts it with what lies in the file. It does
 * nothing on the page of a server. */
(function () {
  "use strict";

  const box = document.getElementById("jetlrp-standalone");
  if (!box) return;

  /** Run a script that lies in the file, compressed: Plotly is the larger part of it. */
  async function unpack(id) {
    const packed = document.getElementById(id);
    if (!packed) return;
    const bytes = Uint8Array.from(atob(packed.textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  async function start() {
    const { view, dock } = window.jetlrp;
    const { a, b, name } = JSON.parse(box.textContent);
    await unpack("jetlrp-packed");
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
})();
