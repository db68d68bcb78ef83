"""What every figure has around its picture: a heading, and one small line of provenance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrp_core.errors import FigureError
from lrp_core.figures.drawing import Drawing, Item, Text
from lrp_core.figures.numbers import label_text, signed, significant, stands_for
from lrp_core.figures.provenance import Provenance
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import measure

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

USUAL = (1180.0, 690.0)  # px of a sheet on which type has its usual size
SMALL_PRINT = 9.0  # px of type, at unit 1
SMALLEST, LARGEST = 16, 16_384  # px of a side


@dataclass(frozen=True)
class Sheet:
    """A sheet of so many px, with room for a picture between heading and provenance.

    unit    how much larger than usual everything is
    margin, top, bottom   of the room for the picture, in px
    """

    width: float
    height: float
    unit: float
    theme: Theme
    heading: tuple[Item, ...]
    footing: tuple[Item, ...]
    top: float
    bottom: float

    @property
    def margin(self) -> float:
        """px left free at every side."""
        return 22 * self.unit

    def drawing(
        self, items: list[Item], *, title: str, provenance: Provenance, transparent: bool
    ) -> Drawing:
        """The picture with what stands around it."""
        return Drawing(
            self.width,
            self.height,
            (*items, *self.heading, *self.footing),
            background=None if transparent else self.theme.panel,
            title=title,
            metadata=provenance.metadata(),
        )


def sheet(
    jet: Jet,
    explanation: Explanation,
    provenance: Provenance,
    theme: Theme,
    width: float,
    height: float,
) -> Sheet:
    """The sheet for a jet. Raises FigureError for a size that is none."""
    for name, value in (("width", width), ("height", height)):
        if not SMALLEST <= value <= LARGEST:
            raise FigureError(
                f"{name} {value:g} px of a figure: expected {SMALLEST} to {LARGEST} px"
            )
    unit = min(width / USUAL[0], height / USUAL[1])
    if width < height:  # upright: the legend stands below the picture
        unit = min(width / 760, height / 980)
    margin = 22 * unit
    heading = list(_heading(jet, explanation, theme, unit, margin))
    footing = list(_footing(provenance, theme, unit, margin, width, height))
    top = max(item.y for item in heading) + 12 * unit
    bottom = min(item.y for item in footing) - 16 * unit
    return Sheet(width, height, unit, theme, tuple(heading), tuple(footing), top, bottom)


def _heading(
    jet: Jet, explanation: Explanation, theme: Theme, unit: float, margin: float
) -> Iterator[Text]:
    """The jet, and what the network says of it."""
    y = margin + 13 * unit
    name = f"Jet {jet.index}" if jet.index is not None else jet.jet_id
    yield Text(margin, y, name, 19 * unit, theme.text, bold=True, plain=True, kind="heading")
    facts = [label_text(jet.label)] if jet.label else []
    if jet.pt is not None:
        facts.append(f"p_T {significant(jet.pt, 3)} GeV")
    if jet.sdmass is not None:
        facts.append(f"mass {significant(jet.sdmass, 3)} GeV")
    facts.append(f"{jet.n_tracks} track{'' if jet.n_tracks == 1 else 's'}")
    x = margin + measure(name, 19 * unit, bold=True, plain=True) + 14 * unit
    yield Text(x, y, " · ".join(facts), 13 * unit, theme.muted, kind="heading")
    best = int(explanation.probabilities.argmax())
    share = 100 * float(explanation.probabilities[best])
    target = stands_for(explanation.target, explanation.classes)
    kind = "margin" if explanation.target.partition(":")[0] == "margin" else "logit"
    says = (
        f"The network says {label_text(explanation.classes[best])} with {share:.1f} %. Explained: "
        f"{kind} of {target}, {signed(explanation.value, 4)}"
    )
    yield Text(margin, y + 21 * unit, says, 13 * unit, theme.text, kind="heading")


def _footing(
    provenance: Provenance, theme: Theme, unit: float, margin: float, width: float, height: float
) -> Iterator[Text]:
    """The provenance, in as many lines as it needs."""
    size = SMALL_PRINT * unit
    lines = [""]
    for part in provenance.caption().split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if lines[-1] and measure(longer, size, plain=True) > width - 2 * margin:
            lines.append(part)
        else:
            lines[-1] = longer
    for at, line in enumerate(reversed(lines)):
        y = height - 14 * unit - at * size * 1.35
        yield Text(margin, y, line, size, theme.muted, plain=True, kind="provenance")
