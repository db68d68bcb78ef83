"""The river: relevance on its way back from the output to the input, as a figure and in a panel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Unpack

from lrp_core.errors import FigureError
from lrp_core.figures.balance import Balance
from lrp_core.figures.colours import channels, css, mix
from lrp_core.figures.drawing import (
    Anchor,
    Command,
    Drawing,
    Gradient,
    Group,
    Item,
    Path,
    Text,
    circle,
    flat,
    polyline,
    rectangle,
)
from lrp_core.figures.headline import river_words
from lrp_core.figures.ledger_words import group_words
from lrp_core.figures.numbers import signed, value_words
from lrp_core.figures.picture import Panel, Picture, Shown
from lrp_core.figures.river_tips import RiverTips, side_of
from lrp_core.figures.riverbed import Bar, Ribbon, Riverbed, lay_out
from lrp_core.figures.sheet import Paper, sheet
from lrp_core.figures.stream import flattened, hatched, stream
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import measure
from lrp_core.figures.view import View

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

TYPE = 12.9  # px of type in a figure
NARROW = 692  # px: in a panel that is narrower, type is smaller
SMALLEST = 11.0  # px of type in a panel
FOOT = 14.0  # px below the river of a figure
GRIP = 12.0  # px: how thick a branch is for the pointer, at least
DEEP = 0.62  # how far a branch has changed to the deeper colour at the tracks
HATCH = 5.0  # px between the lines that say "against"
THIN = 4.0  # px: a thinner branch is dashed, not hatched


def draw_river(jet: Jet, explanation: Explanation, view: View, **paper: Unpack[Paper]) -> Drawing:
    """The river of an explanation, with heading and provenance; as ``draw_network``.

    Raises FigureError if the explanation is of another jet, or has no ledger.
    """
    if explanation.jet_id != jet.jet_id:
        raise FigureError(
            f"the explanation is of {explanation.jet_id}, the jet is {jet.jet_id}; give the jet "
            "that was explained"
        )
    page = sheet(jet, explanation, view, river_words(explanation), paper)
    u = page.unit
    left, top = page.margin + 14 * u, page.top + 6 * u
    width, height = (page.width - 2 * left) / u, (page.bottom - top) / u - FOOT
    river = _river(explanation, page.theme, (width, height), TYPE)
    placed = replace(river, left=left, top=top, unit=u)
    return page.drawing("River of relevance", list(flat(placed.items())))


def picture_river(shown: Shown, view: View, panel: Panel, pinned: Shown | None = None) -> Picture:
    """The river for its panel on the page.

    facts  state, text and detail of its Balance
    Raises FigureError if there is no ledger.
    """
    del view, pinned  # it is the same for every view
    explanation = shown.explanation
    font = max(SMALLEST, (0.85 if panel.width < NARROW else 0.92) * panel.font)
    river = _river(explanation, panel.theme, (panel.width, panel.height), font)
    bed, balance = river.bed, river.balance
    first = next((one.id for one in bed.ribbons if one.start == "output"), None)
    words = value_words(explanation.target, explanation.classes)
    return Picture(
        "river",
        panel.width,
        panel.height,
        tuple(river.items()),
        f"The river: relevance from the {words} to the tracks. {balance.text}. "
        "Arrow keys walk along its branches.",
        river.tips.parts,
        first,
        {"state": balance.state, "text": balance.text, "detail": balance.detail},
    )


def _river(
    explanation: Explanation, theme: Theme, size: tuple[float, float], font: float
) -> _River:
    """The river in a box of a size in px."""
    if not len(explanation.ledger):
        raise FigureError(
            f"{explanation.jet_id}: the explanation has no ledger, so there is no river"
        )
    width, height = size
    bed = lay_out(
        explanation.ledger,
        value=explanation.value,
        tracks=explanation.totals.tracks,
        width=width,
        height=height,
        value_words=value_words(explanation.target, explanation.classes),
        font=font,
        measure=lambda text: measure(text, font, bold=True, plain=True),
    )
    balance = Balance.of(explanation)
    return _River(theme, bed, balance, RiverTips(bed, explanation, balance), width, height, font)


@dataclass(frozen=True)
class _River:
    """The bed of the river in a drawing: its upper left corner, and px of that for one of its."""

    theme: Theme
    bed: Riverbed
    balance: Balance
    tips: RiverTips
    width: float
    height: float
    font: float
    left: float = field(default=0.0, kw_only=True)
    top: float = field(default=0.0, kw_only=True)
    unit: float = field(default=1.0, kw_only=True)

    @property
    def bottom(self) -> float:
        return self.y(self.height)

    def x(self, value: float) -> float:
        return self.left + value * self.unit

    def y(self, value: float) -> float:
        return self.top + value * self.unit

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

    def items(self) -> Iterator[Item | Group]:
        yield Group(tuple(self.zones()), "zones", hidden=True)
        flows = sorted(self.bed.ribbons, key=lambda one: (one.kind in ("way", "pass"), -one.drawn))
        for ribbon in flows:
            yield Group(
                tuple(self.ribbon(ribbon)), f"ribbon {side_of(ribbon.value)} {ribbon.kind}",
                (("id", ribbon.id),), self.tips.spoken(ribbon), stop=True,
            )  # fmt: skip
        for bar in self.bed.bars:
            if bar.height:
                lost = self.balance.leaks.get(bar.row.stage) if bar.row else None
                kind = f"bar-node {bar.kind}{' through' if bar.through else ''}"
                yield Group(
                    tuple(self.bar(bar, leaks=lost is not None)),
                    kind if lost is None else f"{kind} leak", (("id", bar.id),),
                    "" if lost is None else f"{bar.title} leaks {signed(lost)}",
                )  # fmt: skip
        yield Group(tuple(self.labels()), "texts", hidden=True)
        yield Group(tuple(self.signs()), "signs")

    def zones(self) -> Iterator[Item]:
        """The parts of the network, behind everything."""
        u = self.unit
        high = self.bottom - self.top
        for zone in self.bed.zones:
            wide = max(0.0, zone.x1 - zone.x0 - 2) * u
            ground = rectangle(self.x(zone.x0 + 1), self.top, wide, high, 6 * u)
            title = " · ".join(group_words(group) for group in zone.groups)
            yield Path(ground, fill=self.theme.raised, opacity=0.42, kind="zone", title=title)

    def paint(self, positive: bool) -> Gradient:
        """From bright at the output to deep at the tracks."""
        first, *_, last = self.theme.diverging
        second, second_last = self.theme.diverging[1], self.theme.diverging[-2]
        bright, deep = (last, second_last) if positive else (first, second)
        end = css(mix(channels(bright), channels(deep), DEEP))
        return Gradient((self.left, 0.0), (self.x(self.width), 0.0), ((0.0, bright), (1.0, end)))

    def ribbon(self, ribbon: Ribbon) -> Iterator[Item]:
        """A branch: its colour says the sign, and so does its texture."""
        outline, middle = map(self.placed, stream(ribbon.points, ribbon.drawn))
        positive = ribbon.value >= 0
        opacity = 0.62 if ribbon.kind in ("bias", "epsilon") else 0.9
        paint, u = self.paint(positive), self.unit
        kind = f"branch {ribbon.kind}"
        grip = max(GRIP, ribbon.drawn) * u
        yield Path(middle, stroke="transparent", width=grip, kind="grip", live=True)
        if not positive and ribbon.drawn < THIN:  # too thin to be hatched: dashed
            yield Path(
                middle, stroke=paint, width=ribbon.drawn * u, opacity=opacity,
                dash=(5 * u, 2.5 * u), kind=kind,
            )  # fmt: skip
        else:
            yield Path(outline, fill=paint, opacity=opacity, kind=kind)
            if not positive:
                yield self.hatch(outline)
        current = max(1.0, min(2.0, ribbon.drawn / 4)) * u
        yield Path(middle, stroke=self.theme.panel, width=current, kind="current", live=True)

    def hatch(self, outline: tuple[Command, ...]) -> Path:
        """Slanted lines across a branch, in step with those of its neighbours."""
        u = self.unit
        lines: list[Command] = []
        for start, end in hatched(flattened(outline), HATCH * u * math.sqrt(2)):
            lines += [("M", start), ("L", end)]
        return Path(tuple(lines), stroke=self.theme.panel, width=1.4 * u, opacity=0.5, kind="hatch")

    def bar(self, bar: Bar, *, leaks: bool) -> Iterator[Item]:
        """A bar, with a mark over a stage that leaks."""
        u, theme = self.unit, self.theme
        slim = 1.5 if bar.through else 0.0
        outline = rectangle(
            self.x(bar.x + slim), self.y(bar.y - 1), (bar.width - 2 * slim) * u,
            (bar.height + 2) * u, (2.5 - slim / 2) * u,
        )  # fmt: skip
        grip = rectangle(
            self.x(bar.x - 4), self.y(bar.y - 2), (bar.width + 8) * u, (bar.height + 4) * u
        )
        yield Path(grip, fill="transparent", kind="grip", live=True)
        account = bar.kind in ("bias", "epsilon")
        ink = theme.warning if leaks else theme.muted if account else theme.text
        opacity = 0.55 if bar.through and not leaks else 1.0
        yield Path(outline, fill=ink, opacity=opacity, kind=f"bar {bar.kind}")
        if leaks:
            x, y = self.x(bar.x + bar.width / 2), self.y(max(12.0, bar.y - 10))
            yield Path(circle(x, y, 8 * u), fill=theme.warning, kind="leak-mark")
            yield Text(x, y, "!", 12 * u, theme.panel, "middle", bold=True, centred=True,
                       kind="leak-mark")  # fmt: skip

    def labels(self) -> Iterator[Item]:
        u, theme, size = self.unit, self.theme, self.font * self.unit
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
                self.x(label.x), self.y(label.y), label.text, size,
                theme.text if read_first else theme.muted, anchors[label.anchor], read_first,
                centred=True, halo=None if label.kind in ("zone", "received") else theme.panel,
                plain=True, kind=label.kind, data=(("of", label.of),) if label.of else (),
            )  # fmt: skip

    def signs(self) -> Iterator[Item]:
        """What colour and texture say."""
        u, theme, line = self.unit, self.theme, self.bed.line * self.unit
        size = self.font * u
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
            yield Text(left + 19 * u, y, words, size, theme.muted, centred=True, kind="legend")
