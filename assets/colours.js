/* Colour scales as functions, out of the themes that app/theme.py writes into the page.
 * On window.jetlrp.colours. */
(function () {
  "use strict";

  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

  function mix(a, b, t) {
    return a.map((value, i) => value + (b[i] - value) * t);
  }

  /** A colour scale, evenly spaced from 0 to 1, as a function of t -> [r, g, b]. */
  function scale(colours) {
    const stops = colours.map(channels);
    return (t) => {
      const place = Math.max(0, Math.min(1, t)) * (stops.length - 1);
      const low = Math.min(stops.length - 2, Math.floor(place));
      return mix(stops[low], stops[low + 1], place - low);
    };
  }

  const css = (rgb) => `rgb(${rgb.map((value) => Math.round(value)).join(",")})`;

  const plotlyScale = (colours) =>
    colours.map((colour, i) => [i / (colours.length - 1), colour]);

  function themes() {
    return JSON.parse(document.getElementById("jetlrp-themes").textContent);
  }

  /** The theme that is on: its colours, the font, and how much larger than usual type is. */
  function now() {
    const all = themes();
    const name = document.documentElement.dataset.theme === "light" ? "light" : "dark";
    const type = window.jetlrp.view && window.jetlrp.view.state.talk
      ? Math.max(1.25, Math.min(1.7, window.innerWidth / 1180)) : 1;
    return { ...all[name], name, font: all.font, type };
  }

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.colours = { channels, mix, scale, css, plotlyScale, themes, now };
})();
