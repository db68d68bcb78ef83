"""The colours and the type of the page: those of all figures, as CSS."""

from __future__ import annotations

from dataclasses import asdict

from lrp_core.figures.theme import DARK, FONT, LIGHT, THEMES, Theme

__all__ = ["CHOOSE", "DARK", "FONT", "LIGHT", "THEMES", "Theme", "css_variables"]

# Runs before anything is drawn: the theme that was chosen last, or the one of the system.
CHOOSE = """
(function () {
  var name = null;
  try { name = localStorage.getItem("jetlrp-theme"); } catch (error) { name = null; }
  var wanted = /[?&]theme=(light|dark)(&|$)/.exec(window.location.search);
  if (wanted) name = wanted[1];
  if (name !== "light" && name !== "dark") {
    name = window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  }
  document.documentElement.dataset.theme = name;
})();
"""


def css_variables() -> str:
    """The colours as CSS, to stand at the head of the page: ``--text`` and so on for each theme."""
    blocks = []
    for name, theme in THEMES.items():
        lines = [f"color-scheme: {name};"]
        for key, value in asdict(theme).items():
            if isinstance(value, str):
                lines.append(f"--{key.replace('_', '-')}: {value};")
        lines.append(f"--positive: {theme.positive};")
        lines.append(f"--negative: {theme.negative};")
        blocks.append(f':root[data-theme="{name}"] {{ {" ".join(lines)} }}')
    return "\n".join([f":root {{ --font: {FONT}; }}", *blocks])
