"""Colours and type, light and dark: the one place they are written.

The page gets them as CSS variables and as JSON (app/theme.py), figures read them here. Two families
of colour carry data, and they differ in hue so that an edge is never read on a track's scale:

    sequential  edge significance, from 0 to the largest: green; lightness changes monotonically
    diverging   signed relevance, symmetric around 0: blue against the target, orange for it

Both keep their order for the common kinds of colour blindness (tests/app/test_theme.py measures
it), and on screen neither stands alone: width repeats significance, and words repeat the sign.
The origins of simulated tracks have a colour each, which stay apart for everybody as well; the
scene gives the rarer ones a shape of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from lrp_core.errors import FigureError

FONT = '"Inter", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'


@dataclass(frozen=True)
class Theme:
    """One set of colours.

    page, panel, raised    backgrounds, from the back to the front
    line                   borders
    text, muted            what is read, and what is read second
    accent, on_accent      what can be pressed, and the text on it
    warning                something went wrong
    grid, outline          lines of the 3D axes, and the rim of a track
    rest                   edges that are not among the strongest
    sequential, diverging  colour scales, evenly spaced from low to high
    origins                a colour for each lrp_core.truth.Origin, in their order
    """

    page: str
    panel: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    warning: str
    grid: str
    outline: str
    rest: str
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]
    origins: tuple[str, ...]

    @property
    def positive(self) -> str:
        """The colour of relevance that speaks for the target."""
        return self.diverging[-1]

    @property
    def negative(self) -> str:
        """The colour of relevance that speaks against the target."""
        return self.diverging[0]


DARK = Theme(
    page="#0b1020",
    panel="#0f162b",
    raised="#18213c",
    line="#243050",
    text="#e3e9f5",
    muted="#9aa8c4",
    accent="#58d3ac",
    on_accent="#06231b",
    warning="#ff9c8f",
    grid="#2a3656",
    outline="#b9c6e2",
    rest="#8fa3cc",
    sequential=("#1d4550", "#21706b", "#2f9d80", "#63c98f", "#abecad", "#f0ffe6"),
    diverging=("#5ab4ff", "#2b6cb0", "#2a3148", "#c2541a", "#ffb36b"),
    origins=(
        "#a6baca",
        "#f6733c",
        "#fbd92b",
        "#bd4daa",
        "#3fc6ff",
        "#5765e8",
        "#686869",
        "#f9f9f4",
    ),
)

LIGHT = Theme(
    page="#f3f5f9",
    panel="#ffffff",
    raised="#eef1f7",
    line="#d9dfea",
    text="#1b2333",
    muted="#566178",
    accent="#0b7a63",
    on_accent="#ffffff",
    warning="#b3261e",
    grid="#d4dae6",
    outline="#45526b",
    rest="#5b6b8c",
    sequential=("#a5d6c4", "#6fbca6", "#3f9c8a", "#1f7870", "#115354", "#072f36"),
    diverging=("#1c62ad", "#7fb1e0", "#f2f3f5", "#f0a25a", "#b34a08"),
    origins=(
        "#5e819e",
        "#c02d30",
        "#bf8906",
        "#a1346f",
        "#1e9cd7",
        "#163d8f",
        "#949596",
        "#222027",
    ),
)

THEMES = {"dark": DARK, "light": LIGHT}


def theme_of(name: str) -> Theme:
    """A theme by its name. Raises FigureError with the names there are."""
    if name not in THEMES:
        raise FigureError(f"there is no theme {name!r}; choose one of {', '.join(THEMES)}")
    return THEMES[name]
