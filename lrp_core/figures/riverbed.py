"""The bed of the river: where its bars and branches lie, in px.

Every branch is an entry in the ledger, as wide as its relevance is large. What the biases earn and
what ε takes falls away below, into pools of its own. It knows the ledger and nothing else, so that
any network has its river.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from lrp_core.figures.ledger_words import (
    group_of,
    group_words,
    short_group_words,
    stage_words,
    way_words,
)
from lrp_core.figures.numbers import fixed, minus, signed
from lrp_core.figures.river_graph import Graph, Link, Thing

if TYPE_CHECKING:
    from lrp_core.explanation import Ledger, LedgerRow

HAIR = 1.2  # px: as thin as a branch that is not zero is drawn
BAR = 5.0  # px: how wide the bar of a stage is
TALL = 340  # px from which on numbers stand at the bars and side streams too
STEPS = 80  # of pulling bars and lanes into place

Measure = Callable[[str], float]


@dataclass(frozen=True)
class Ribbon:
    """A branch: ``drawn`` px wide; between two points of one height it is straight, else it bends.

    kind   "pass", "way", "bias" or "epsilon"
    """

    id: str
    start: str
    end: str
    port: str | None
    value: float
    width: float
    drawn: float
    kind: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Bar:
    """A stage, an end or an account, as an upright bar."""

    id: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    through: bool
    row: LedgerRow | None
    column: int
    title: str


@dataclass(frozen=True)
class Label:
    """A text at a place; ``raised`` where it needs a ground of its own.

    of   id of the branch or the bar that it belongs to, "" for none
    """

    text: str
    x: float
    y: float
    anchor: str
    kind: str
    width: float
    strong: bool = False
    raised: bool = False
    of: str = ""

    @property
    def span(self) -> tuple[float, float]:
        """Where it lies across."""
        if self.anchor == "start":
            return self.x, self.x + self.width
        if self.anchor == "end":
            return self.x - self.width, self.x
        return self.x - self.width / 2, self.x + self.width / 2

    def touches(self, other: Label, line: float) -> bool:
        """Whether the two overlap."""
        a, b = self.span, other.span
        return abs(self.y - other.y) < line - 1 and a[0] < b[1] + 4 and b[0] < a[1] + 4


@dataclass
class Zone:
    """Neighbouring columns of one part of the network."""

    key: str
    groups: tuple[str, ...]
    first: int
    last: int
    x0: float = 0.0
    x1: float = 0.0


@dataclass(frozen=True)
class Riverbed:
    """The river as data. scale: px per unit of relevance; line: px from line to line of type."""

    bars: tuple[Bar, ...]
    ribbons: tuple[Ribbon, ...]
    labels: tuple[Label, ...]
    zones: tuple[Zone, ...]
    scale: float
    line: float

    def bar(self, name: str) -> Bar:
        """The bar of an id."""
        return next(bar for bar in self.bars if bar.id == name)

    def path(self, name: str) -> tuple[str, ...]:
        """Ids of all branches that relevance takes on its way to and from one of them, or a bar."""
        lit: dict[str, None] = {}
        own = next((ribbon for ribbon in self.ribbons if ribbon.id == name), None)

        def walk(bar: str, *, back: bool) -> None:
            for ribbon in self.ribbons:
                near, far = (ribbon.end, ribbon.start) if back else (ribbon.start, ribbon.end)
                if near == bar and ribbon.id not in lit:
                    lit[ribbon.id] = None
                    walk(far, back=back)

        walk(own.start if own else name, back=True)
        walk(own.end if own else name, back=False)
        if own is not None:
            lit[name] = None
        return tuple(lit)

    def neighbours(self, ribbon: Ribbon) -> dict[str, str]:
        """The branches that arrow keys lead to, by the key's name; only those that there are.

        Right and left follow the relevance, to the widest branch; up and down go to what leaves the
        same bar, or meets it.
        """
        found: dict[str, Ribbon] = {}
        for key, others in (
            ("ArrowRight", [one for one in self.ribbons if one.start == ribbon.end]),
            ("ArrowLeft", [one for one in self.ribbons if one.end == ribbon.start]),
        ):
            if others:
                found[key] = max(others, key=lambda one: one.drawn)
        beside = [one for one in self.ribbons if one.start == ribbon.start]
        if len(beside) < 2:
            beside = [one for one in self.ribbons if one.end == ribbon.end]
        beside.sort(key=lambda one: one.points[0][1])
        at = beside.index(ribbon)
        if at > 0:
            found["ArrowUp"] = beside[at - 1]
        if at + 1 < len(beside):
            found["ArrowDown"] = beside[at + 1]
        return {key: one.id for key, one in found.items()}


@dataclass
class _Pool:
    y: float
    height: float


@dataclass(eq=False)
class _Bed:
    """The river while it is laid out."""

    ledger: Ledger
    value: float
    tracks: float
    width: float
    height: float
    font: float
    measure: Measure
    value_words: str
    graph: Graph = field(init=False)

    def __post_init__(self) -> None:
        self.graph = Graph.of(self.ledger)
        self.column = self.graph.column
        self.line = 1.25 * self.font
        self.columns = self.column["tracks"] + 1
        self.delta = self.column[self.graph.shore] - 1  # where the ways have their names
        self.tall = self.height > TALL
        self.branches = [
            Link(f"{row.stage} {kind}", f"stage {row.stage}", kind, value, kind=kind)
            for row in self.ledger
            for kind, value in (("bias", row.bias), ("epsilon", row.epsilon))
            if math.isfinite(value) and value != 0
        ]
        self.flows = [
            link for link in self.graph.links if math.isfinite(link.value) and link.value != 0
        ]
        # all with as many decimals as the explained value needs, so that what is read adds up
        size = max(abs(one) if math.isfinite(one) else 0.0 for one in (self.value, self.tracks))
        self.decimals = (
            0 if size >= 1000 or not size else min(6, max(2, 2 - math.floor(math.log10(size))))
        )

    def figure(self, value: float) -> str:
        if not math.isfinite(value):
            return "–"
        text = fixed(value, self.decimals)
        if float(text) == 0:
            return signed(value, 1)
        return ("+" if value > 0 else "") + minus(text)

    # ------------------------------------------------------------------ across

    def across(self) -> None:
        """A margin for words at both ends, room for the names of the ways, columns in between."""
        figure, measure = self.figure, self.measure
        self.way_labels = []
        for link in self.flows:
            if link.way and link.port is not None:
                name = way_words(link.port, link.start[6:])
                self.way_labels.append((link, name, f"{name} {figure(link.value)}"))
        self.ends = {
            "output": [*self.value_words.split(" of "), figure(self.value)],
            "tracks": ["tracks", figure(self.tracks)],
            "bias": ["biases", figure(self.ledger.bias)],
            "epsilon": [f"ε {figure(self.ledger.epsilon)}"],
        }
        if len(self.ends["output"]) == 3:
            self.ends["output"][0] += " of"

        def widest(texts: Sequence[str]) -> float:
            return max((measure(text) for text in texts), default=0.0)

        left = max(widest(self.ends["output"]), measure("▨ against")) + 16
        others = [*self.ends["tracks"], *self.ends["bias"], *self.ends["epsilon"]]
        right = widest(others) + 16
        most = widest([full for _, _, full in self.way_labels]) + 12
        free = self.width - left - right - BAR
        self.name_room = min(most, 0.34 * free) if self.way_labels else 0.0
        forks = {
            self.column[name]
            for name in self.graph.ids
            if sum(link.start == name for link in (*self.flows, *self.branches)) > 1
        }
        gaps = []
        for at in range(self.columns - 1):
            if at in (0, self.columns - 2):
                gaps.append(0.6)
            elif at == self.delta:
                gaps.append(2.4 if self.height > TALL else 1.6)
            else:
                gaps.append(1.2 if at in forks else 0.75)
        self.gaps = gaps
        self.unit = max(0.0, free - self.name_room) / sum(gaps)
        x = [left]
        for at in range(1, self.columns):
            names = self.name_room if at - 1 == self.delta else 0.0
            x.append(x[at - 1] + gaps[at - 1] * self.unit + names)
        self.x = x

    # -------------------------------------------------------------------- down

    def drawn_at(self, value: float, scale: float) -> float:
        return 0.0 if value == 0 else max(HAIR, abs(value) * scale)

    def drawn(self, link: Link) -> float:
        return self.drawn_at(link.value, self.scale)

    def out_of(self, name: str) -> list[Link]:
        return [link for link in (*self.flows, *self.branches) if link.start == name]

    def into(self, name: str) -> list[Link]:
        return [link for link in (*self.flows, *self.branches) if link.end == name]

    def thickness(self, links: Sequence[Link], scale: float) -> float:
        return sum(self.drawn_at(link.value, scale) for link in links)

    def extent(self, thing: Thing, scale: float) -> float:
        if thing.link is not None:
            return self.drawn_at(thing.link.value, scale)
        return max(
            3.0,
            self.thickness(self.out_of(thing.id), scale),
            self.thickness(self.into(thing.id), scale),
        )

    def slot(self, thing: Thing, scale: float) -> float:
        own = self.extent(thing, scale)
        if thing.id == "tracks":
            return max(own, self.ease * (2 * self.line + 2))
        if thing.link is not None and thing.link.way:
            return max(own, self.ease * self.line)
        return own

    def pools(self, scale: float) -> tuple[float, float, float]:
        """Heights of the bands of biases and ε, and the gap between them."""

        def band(kind: str, least: float) -> float:
            of = [branch for branch in self.branches if branch.kind == kind]
            return max(self.thickness(of, scale), least)

        return band("bias", self.ease * 2 * self.line), band("epsilon", self.line), 4.0

    def collected(self, at: int, scale: float) -> float:
        """How much of a column's foot the accounts take."""
        bias, epsilon, gap = self.pools(scale)
        if at >= self.column[self.graph.shore]:  # the last bars stand level
            return bias + epsilon + gap + self.roomy
        until = at + 1 if at == self.delta else at  # the ways run on past what falls beside them
        earlier = [branch for branch in self.branches if self.column[branch.start] < until]
        if not earlier:
            return 0.0
        biases = [branch for branch in earlier if branch.kind == "bias"]
        every = [branch for branch in self.branches if branch.kind == "bias"]
        below = (bias - self.thickness(every, scale)) / 2  # they run amid their band
        above = gap + below + self.thickness(biases, scale) if biases else 0.0
        return epsilon + above + self.roomy

    def lowest(self, thing: Thing) -> float:
        return min(self.limits[thing.first : thing.last + 1]) - thing.height - thing.spare

    def apart(self, upper: Thing, lower: Thing) -> float:
        return upper.height + upper.spare + self.roomy + lower.spare

    def from_top(self) -> None:
        for thing in self.things:
            thing.y = max(thing.y, self.top + thing.spare)
            for upper in self.above[id(thing)]:
                thing.y = max(thing.y, upper.y + self.apart(upper, thing))

    def from_floor(self) -> None:
        for thing in reversed(self.things):
            thing.y = min(thing.y, self.lowest(thing))
            for upper in self.above[id(thing)]:
                upper.y = min(upper.y, thing.y - self.apart(upper, thing))

    def fits(self, scale: float) -> bool:
        """Even if all lies as high as it can."""
        self.limits = [self.floor - self.collected(at, scale) for at in range(self.columns)]
        for thing in self.things:
            thing.height = self.extent(thing, scale)
            thing.slot = self.slot(thing, scale)
            thing.y = self.top
        self.from_top()
        return all(thing.y <= self.lowest(thing) + 1e-9 for thing in self.things)

    def down(self) -> None:
        """As large a scale as fits every column."""
        self.floor = self.height - 8
        self.top = (2.3 if self.tall else 1.0) * self.line + 8
        self.ease = 1.0  # less where there are so many branches that they must move together
        self.roomy = max(6.0, min(52.0, 0.06 * self.height))
        self.things = self.graph.things()
        self.above: dict[int, list[Thing]] = {id(thing): [] for thing in self.things}
        for at in range(self.columns):
            here = [thing for thing in self.things if thing.first <= at <= thing.last]
            for upper, lower in pairwise(here):
                if upper not in self.above[id(lower)]:
                    self.above[id(lower)].append(upper)
        largest = max(
            0.0,
            *(
                max(
                    sum(abs(link.value) for link in self.out_of(name)),
                    sum(abs(link.value) for link in self.into(name)),
                )
                for name in self.graph.ids
            ),
        )
        least = HAIR / (largest or 1)
        while not self.fits(6 * least) and self.ease > 0.1:
            self.ease *= 0.75
            self.roomy *= 0.75
        scale = 0.0
        too_large = 0.0
        if largest > 0:
            room = min(0.62 * (self.floor - self.top), 0.26 * self.width)
            too_large = max(0.0, room) / largest
        if self.fits(too_large):
            scale = too_large
        else:
            for _ in range(40):
                middle = (scale + too_large) / 2
                if self.fits(middle):
                    scale = middle
                else:
                    too_large = middle
        self.fits(scale)
        self.scale = scale

    def order_of(self, link: Link, far: str) -> float:
        """Where a branch leaves its bar, or meets the next: in the order in which they lie."""
        if link.kind:
            return 1e6 if link.kind == "bias" else 2e6
        lane = self.rank.get(f"lane {link.id}")
        other = self.rank[link.end if far == "end" else link.start]
        return lane if lane is not None else other + 0.5

    def join(self) -> None:
        """Where each branch touches its bars."""
        self.rank = {thing.id: at for at, thing in enumerate(self.things)}
        self.places = {thing.id: thing for thing in self.things}
        self.leaving: dict[int, float] = {}
        self.meeting: dict[int, float] = {}
        for thing in self.things:
            if thing.link is not None:
                continue
            for links, far, offsets in (
                (self.out_of(thing.id), "end", self.leaving),
                (self.into(thing.id), "start", self.meeting),
            ):
                at = (thing.height - sum(self.drawn(link) for link in links)) / 2
                for link in sorted(links, key=lambda link, far=far: self.order_of(link, far)):  # type: ignore[misc]
                    offsets[id(link)] = at + self.drawn(link) / 2
                    at += self.drawn(link)

    def pull(self) -> None:
        """Pull each bar and lane towards what it is joined to, and keep them apart."""
        pulls: dict[int, list[tuple[Thing, float, float]]] = {id(t): [] for t in self.things}

        def single(links: list[Link]) -> bool:
            return sum(not link.kind for link in links) == 1

        for link in self.flows:
            start, end = self.places.get(link.start), self.places.get(link.end)
            if start is None or end is None:
                continue
            lane = self.places.get(f"lane {link.id}")
            # rather bend at a fork than before it
            stiff_start = 1.0 if single(self.out_of(link.start)) else 0.1
            stiff_end = 1.0 if single(self.into(link.end)) else 0.1
            arriving = self.into(link.end)
            even = self.thickness(arriving, self.scale) / len(arriving)

            def tie(
                a: Thing,
                a_offset: float,
                b: Thing,
                b_offset: float,
                stiffness: float,
                link: Link = link,
                end: Thing = end,
                even: float = even,
            ) -> None:
                weight = (even if b is end and link.way else self.drawn(link)) * stiffness
                # the tracks follow the bar before them, which lies amid the ways
                if link.end != "tracks" or link.way:
                    pulls[id(a)].append((b, b_offset - a_offset, weight))
                pulls[id(b)].append((a, a_offset - b_offset, weight))

            leaving, meeting = self.leaving[id(link)], self.meeting[id(link)]
            if lane is not None:
                tie(start, leaving, lane, lane.height / 2, stiff_start)
                tie(lane, lane.height / 2, end, meeting, stiff_end)
            else:
                tie(start, leaving, end, meeting, min(stiff_start, stiff_end))

        def settle(down: bool) -> None:
            for step in (
                (self.from_top, self.from_floor) if down else (self.from_floor, self.from_top)
            ):
                step()

        middle = (self.top + self.floor) / 2
        for thing in self.things:
            thing.y = middle - thing.height / 2 - 0.14 * (self.floor - self.top)
        settle(True)
        for step in range(STEPS, 0, -1):
            for thing in self.things if step % 2 else list(reversed(self.things)):
                tied = pulls[id(thing)]
                weight = sum(weight for _, _, weight in tied)
                if weight:
                    thing.y = sum(w * (other.y + shift) for other, shift, w in tied) / weight
            settle(step % 2 == 1 or step < STEPS / 2)  # there and back at first, then to rest
        slack = min(thing.y - thing.spare - self.top for thing in self.things)
        for thing in self.things:
            thing.y -= 0.55 * slack

    def fill_pools(self) -> None:
        """The accounts, and in which line each side stream runs to them: the first one lowest."""
        bias, epsilon, gap = self.pools(self.scale)
        self.pool: dict[str, _Pool] = {}
        for kind, top, band in (
            ("epsilon", self.floor - epsilon, epsilon),
            ("bias", self.floor - epsilon - gap - bias, bias),
        ):
            links = [branch for branch in self.branches if branch.kind == kind]
            thick = self.thickness(links, self.scale)
            pool = _Pool(top + (band - thick) / 2, thick)
            self.pool[kind] = pool
            bottom = pool.y + thick
            for branch in sorted(
                links,
                key=lambda branch: (self.column[branch.start], -self.places[branch.start].y),
            ):
                branch.lane = bottom - self.drawn(branch) / 2
                bottom -= self.drawn(branch)

    # ----------------------------------------------------------------- results

    def ribbon(self, link: Link, kind: str, points: Sequence[tuple[float, float]]) -> Ribbon:
        return Ribbon(
            link.id, link.start, link.end, link.port, link.value, abs(link.value) * self.scale,
            self.drawn(link), kind, tuple(points),
        )  # fmt: skip

    def make_ribbons(self) -> list[Ribbon]:
        x, column = self.x, self.column
        end_x = x[self.columns - 1]
        ribbons = []
        for branch in self.branches:
            start = self.places[branch.start]
            at = column[branch.start]
            x0, y0 = x[at] + BAR, start.y + self.leaving[id(branch)]
            beside = 0.0
            if branch.kind == "bias":
                others = [
                    other
                    for other in self.branches
                    if other.start == branch.start and other.kind != "bias"
                ]
                beside = self.thickness(others, self.scale)
            room = x[at + 1] - x0 + (-self.name_room if at == self.delta else 0.0)
            turn = min(room, 12 + 2 * beside + self.drawn(branch))
            points = [(x0, y0), (x0 + turn, branch.lane), (end_x, branch.lane)]
            ribbons.append(self.ribbon(branch, branch.kind, points))
        for link in self.flows:
            a, b = self.places.get(link.start), self.places.get(link.end)
            if a is None or b is None:
                continue
            points = [(x[column[link.start]] + BAR, a.y + self.leaving[id(link)])]
            lane = self.places.get(f"lane {link.id}")
            if lane is not None:
                y = lane.y + lane.height / 2
                run = self.name_room if lane.last == self.delta else BAR
                points += [(x[lane.first], y), (x[lane.last] + run, y)]
            points.append((x[column[link.end]], b.y + self.meeting[id(link)]))
            ribbons.append(self.ribbon(link, "way" if link.way else "pass", points))
        return ribbons

    def make_bars(self) -> list[Bar]:
        names = [row.stage for row in self.ledger]
        bars = []
        for thing in self.things:
            if thing.link is not None:
                continue
            row = self.graph.stages.get(thing.id[6:])
            at = self.column[thing.id]
            few = len(self.out_of(thing.id)) <= 1 and len(self.into(thing.id)) <= 1
            bars.append(
                Bar(
                    thing.id, thing.id if thing.id in ("output", "tracks") else "stage",
                    self.x[at], thing.y, BAR, thing.height, row is not None and few, row, at,
                    stage_words(row.stage, names) if row else thing.id,
                )
            )  # fmt: skip
        for kind, title in (("bias", "biases"), ("epsilon", "ε")):
            pool = self.pool[kind]
            last = self.columns - 1
            bars.append(
                Bar(kind, kind, self.x[last], pool.y, BAR, pool.height, False, None, last, title)
            )
        return bars

    def make_labels(
        self, bars: Sequence[Bar], ribbons: Sequence[Ribbon]
    ) -> tuple[list[Label], list[Zone]]:
        """At both ends, at the ways, over the parts of the network; numbers if there is room."""
        measure, line = self.measure, self.line
        labels: list[Label] = []

        def lines(texts: list[str], x: float, y: float, anchor: str, kind: str) -> None:
            for n, text in enumerate(texts):
                at = y + (n - (len(texts) - 1) / 2) * line
                strong = n == len(texts) - 1
                labels.append(Label(text, x, at, anchor, kind, measure(text), strong, of=kind))

        for bar in bars:
            y = bar.y + bar.height / 2
            if bar.kind == "output":
                lines(self.ends["output"], bar.x - 8, y, "end", "output")
            elif bar.kind != "stage":
                lines(self.ends[bar.kind], bar.x + BAR + 8, y, "start", bar.kind)
        for link, name, full in self.way_labels:
            ribbon = next(one for one in ribbons if one.id == link.id)
            _, (_, y), (until, _) = ribbon.points[:3]
            text = next((t for t in (full, name) if measure(t) + 4 <= self.name_room), None)
            if text is None:
                continue
            raised = ribbon.drawn < 1.2 * line
            one = Label(text, until - 4, y, "end", "way", measure(text), raised=raised, of=link.id)
            if not any(one.touches(other, line) for other in labels):
                labels.append(one)
        zones = self.make_zones(bars)
        if self.tall:
            labels += self.received(bars)
            for ribbon in ribbons:
                if ribbon.kind in ("bias", "epsilon"):
                    labels += self.fallen(ribbon, labels)
        for zone in zones:
            words = " · ".join(group_words(group) for group in zone.groups)
            short = " · ".join(short_group_words(group) for group in zone.groups)
            fit = next((t for t in (words, short) if measure(t) <= zone.x1 - zone.x0 - 2), None)
            if fit:
                middle = (zone.x0 + zone.x1) / 2
                labels.append(Label(fit, middle, line / 2 + 2, "middle", "zone", measure(fit)))
        return labels, zones

    def received(self, bars: Sequence[Bar]) -> list[Label]:
        """What each stage received, in a line over the bars."""
        found, until = [], 0.0
        for at in range(1, self.columns - 1):
            here = [bar for bar in bars if bar.column == at and bar.row is not None]
            if len(here) != 1 or here[0].through or here[0].row is None:
                continue
            text = self.figure(here[0].row.received)
            half = self.measure(text) / 2
            middle = self.x[at] + BAR / 2
            if middle - half < until:
                continue
            until = middle + half + 6
            y = 1.6 * self.line + 2
            found.append(Label(text, middle, y, "middle", "received", 2 * half, of=here[0].id))
        return found

    def fallen(self, ribbon: Ribbon, labels: Sequence[Label]) -> list[Label]:
        """What fell away, beside the stream, if there is room."""
        (x0, y0), (x1, y1) = ribbon.points[:2]
        text = self.figure(ribbon.value)
        fall = y1 - y0 - ribbon.drawn
        x = (x0 + x1) / 2 + ribbon.drawn / 2 + 4
        if fall <= 3 * self.line:
            return []
        for part in (0.4, 0.55, 0.7):
            y = y0 + ribbon.drawn / 2 + part * fall
            one = Label(text, x, y, "start", ribbon.kind, self.measure(text), of=ribbon.id)
            if not any(one.touches(other, self.line) for other in labels):
                return [one]
        return []

    def make_zones(self, bars: Sequence[Bar]) -> list[Zone]:
        zones: list[Zone] = []
        for at in range(1, self.columns - 1):
            groups = tuple(
                dict.fromkeys(
                    group_of(bar.row.stage) for bar in bars if bar.column == at and bar.row
                )
            )
            key = " ".join(groups)
            if key and zones and zones[-1].key == key and zones[-1].last == at - 1:
                zones[-1].last = at
            elif key:
                zones.append(Zone(key, groups, at, at))
        x, delta = self.x, self.delta

        def edge(at: int) -> float:
            return (x[at] + BAR + x[at + 1]) / 2

        for zone in zones:
            if zone.first - 1 == delta:
                zone.x0 = x[delta + 1] - 0.5 * self.gaps[delta] * self.unit
            else:
                zone.x0 = edge(zone.first - 1)
            zone.x1 = edge(zone.last)
        return zones


def lay_out(
    ledger: Ledger,
    *,
    value: float,
    tracks: float,
    width: float,
    height: float,
    value_words: str,
    font: float = 12.0,
    measure: Measure | None = None,
) -> Riverbed:
    """The river of an explanation in a box of ``width`` × ``height`` px.

    value, tracks  the explained output, and what of it reached the tracks
    measure        how wide a text is; if left out, 0.56 of the type's size for each letter
    """
    usual = measure or (lambda text: 0.56 * font * len(text))
    bed = _Bed(ledger, value, tracks, width, height, font, usual, value_words)
    bed.across()
    bed.down()
    bed.join()
    bed.pull()
    bed.fill_pools()
    ribbons = bed.make_ribbons()
    bars = bed.make_bars()
    labels, zones = bed.make_labels(bars, ribbons)
    return Riverbed(tuple(bars), tuple(ribbons), tuple(labels), tuple(zones), bed.scale, bed.line)
