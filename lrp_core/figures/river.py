"""The river as a vector figure: relevance on its way back from the output to the input."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

from lrp_core.errors import FigureError
from lrp_core.figures.colours import channels, css, mix
from lrp_core.figures.drawing import (
    Anchor,
    Command,
    Drawing,
    Gradient,
    Item,
    Path,
    Text,
    polyline,
    rectangle,
)
from lrp_core.figures.headline import river_words
from lrp_core.figures.numbers import value_words
from lrp_core.figures.riverbed import Ribbon, Riverbed, lay_out
from lrp_core.figures.sheet import Paper, Sheet, sheet
from lrp_core.figures.stream import flattened, hatched, stream
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import measure
from lrp_core.figures.view import View

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

TYPE = 12.9  # px
FOOT = 14.0  # px below the river
DEEP = 0.62  # how far a branch has changed to the deeper colour at the tracks
HATCH = 5.0  # px between the lines that say "against"
THIN = 4.0  # px: a thinner branch is dashed, not hatched


def draw_river(jet: Jet, explanation: Explanation, view: View, **paper: Unpack[Paper]) -> Drawing:
    """The river of an explanation, with heading and provenance; as ``draw_network``.

    Raises FigureError if a number of the ledger is not finite, or there is no ledger.
    """
    if explanation.jet_id != jet.jet_id:
        raise FigureError(
            f"the explanation is of {explanation.jet_id}, the jet is {jet.jet_id}; give the jet "
            "that was explained"
        )
    if not len(explanation.ledger):
        raise FigureError(f"{jet.jet_id}: the explanation has no ledger, so there is no river")
    page = sheet(jet, explanation, view, river_words(explanation), paper)
    left, top, u = page.margin + 14 * page.unit, page.top + 6 * page.unit, page.unit
    bed = lay_out(
        explanation.ledger,
        value=explanation.value,
        tracks=explanation.totals.tracks,
        width=(page.width - 2 * left) / u,
        height=(page.bottom - top) / u - FOOT,
        value_words=value_words(explanation.target, explanation.classes),
        font=TYPE,
        measure=lambda text: measure(text, TYPE, bold=True, plain=True),
    )
    return page.drawing("River of relevance", list(_River(page, bed, left, top).items()))


@dataclass(frozen=True)
class _River:
    """The bed of the river on a sheet, its upper left corner at (left, top)."""

    page: Sheet
    bed: Riverbed
    left: float
    top: float

    @property
    def theme(self) -> Theme:
        return self.page.theme

    @property
    def bottom(self) -> float:
        return self.page.bottom - FOOT * self.page.unit

    def x(self, value: float) -> float:
        return self.left + value * self.page.unit

    def y(self, value: float) -> float:
        return self.top + value * self.page.unit

    def placed(self, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        """Commands in the bed's px as those of the sheet."""
        return tuple(
            (
                letter,
                tuple(
                    self.y(value) if at % 2 else self.x(value) for at, value in enumerate(values)
                ),
            )
            for letter, values in commands
        )

    def items(self) -> Iterator[Item]:
        yield from self.zones()
        flows = sorted(self.bed.ribbons, key=lambda one: (one.kind in ("way", "pass"), -one.drawn))
        for ribbon in flows:
            yield from self.ribbon(ribbon)
        yield from self.bars()
        yield from self.labels()
        yield from self.signs()

    def zones(self) -> Iterator[Item]:
        """The parts of the network, behind everything."""
        u = self.page.unit
        high = self.bottom - self.top
        for zone in self.bed.zones:
            wide = max(0.0, zone.x1 - zone.x0 - 2) * u
            ground = rectangle(self.x(zone.x0 + 1), self.top, wide, high, 6 * u)
            yield Path(ground, fill=self.theme.raised, opacity=0.42, kind="zone")

    def paint(self, positive: bool) -> Gradient:
        """From bright at the output to deep at the tracks."""
        first, *_, last = self.theme.diverging
        second, second_last = self.theme.diverging[1], self.theme.diverging[-2]
        bright, deep = (last, second_last) if positive else (first, second)
        end = css(mix(channels(bright), channels(deep), DEEP))
        width = self.page.width - self.left
        return Gradient((self.left, 0.0), (width, 0.0), ((0.0, bright), (1.0, end)))

    def ribbon(self, ribbon: Ribbon) -> Iterator[Item]:
        """A branch: its colour says the sign, and so does its texture."""
        outline, middle = stream(ribbon.points, ribbon.drawn)
        positive = ribbon.value >= 0
        opacity = 0.62 if ribbon.kind in ("bias", "epsilon") else 0.9
        paint, u = self.paint(positive), self.page.unit
        kind = f"branch {ribbon.kind}"
        if not positive and ribbon.drawn < THIN:  # too thin to be hatched: dashed
            yield Path(
                self.placed(middle), stroke=paint, width=ribbon.drawn * u, opacity=opacity,
                dash=(5 * u, 2.5 * u), kind=kind,
            )  # fmt: skip
            return
        yield Path(self.placed(outline), fill=paint, opacity=opacity, kind=kind)
        if not positive:
            yield self.hatch(self.placed(outline))

    def hatch(self, outline: tuple[Command, ...]) -> Path:
        """Slanted lines across a branch, in step with those of its neighbours."""
        u = self.page.unit
        lines: list[Command] = []
        for start, end in hatched(flattened(outline), HATCH * u * math.sqrt(2)):
            lines += [("M", start), ("L", end)]
        return Path(tuple(lines), stroke=self.theme.panel, width=1.4 * u, opacity=0.5, kind="hatch")

    def bars(self) -> Iterator[Item]:
        u, theme = self.page.unit, self.theme
        for bar in self.bed.bars:
            if not bar.height:
                continue
            slim = 1.5 if bar.through else 0.0
            outline = rectangle(
                self.x(bar.x + slim), self.y(bar.y - 1), (bar.width - 2 * slim) * u,
                (bar.height + 2) * u, (2.5 - slim / 2) * u,
            )  # fmt: skip
            account = bar.kind in ("bias", "epsilon")
            yield Path(
                outline, fill=theme.muted if account else theme.text,
                opacity=0.55 if bar.through else 1.0, kind=f"bar {bar.kind}",
            )  # fmt: skip

    def labels(self) -> Iterator[Item]:
        u, theme = self.page.unit, self.theme
        for label in self.bed.labels:
            if label.raised:  # off a branch that is hardly thicker than the type
                first, last = label.span
                line = self.bed.line
                ground = rectangle(
                    self.x(first - 5), self.y(label.y - line / 2), (last - first + 10) * u,
                    line * u, line * u / 2,
                )  # fmt: skip
                yield Path(ground, fill=theme.panel, opacity=0.82, kind="ground")
            read_first = label.strong or label.kind == "way"
            anchors: dict[str, Anchor] = {"start": "start", "middle": "middle", "end": "end"}
            yield Text(
                self.x(label.x), self.y(label.y), label.text, TYPE * u,
                theme.text if read_first else theme.muted, anchors[label.anchor], read_first,
                centred=True, halo=None if label.kind in ("zone", "received") else theme.panel,
                plain=True, kind=label.kind,
            )  # fmt: skip

    def signs(self) -> Iterator[Item]:
        """What colour and texture say."""
        u, theme, line = self.page.unit, self.theme, self.bed.line * self.page.unit
        for n, positive in enumerate((True, False)):
            left, y = self.left + 2 * u, self.bottom - 4 * u + (n - 1.5) * line
            bar: tuple[Command, ...] = polyline([(left, y), (left + 14 * u, y)])
            ink = theme.positive if positive else theme.negative
            yield Path(bar, stroke=ink, width=8 * u, kind="legend")
            if not positive:
                lines: list[Command] = []
                for at in (1.5, 5.5, 9.5):
                    lines.append(("M", (left + at * u, y + 4 * u)))
                    lines.append(("L", (left + (at + 4) * u, y - 4 * u)))
                yield Path(
                    tuple(lines), stroke=theme.panel, width=1.4 * u, opacity=0.6, kind="legend"
                )
            words = "for" if positive else "against"
            yield Text(left + 19 * u, y, words, TYPE * u, theme.muted, centred=True, kind="legend")
