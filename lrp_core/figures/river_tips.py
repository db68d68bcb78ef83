"""What the river says of a branch or a bar that is pointed at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lrp_core.figures.balance import Balance
from lrp_core.figures.ledger_words import WAYS, plain_words, way_words
from lrp_core.figures.numbers import signed, significant, stands_for, value_words
from lrp_core.figures.picture import Line, Part
from lrp_core.figures.riverbed import Bar, Ribbon, Riverbed

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation, LedgerRow

ACCOUNTS = {
    "bias": "What the biases earned",
    "epsilon": "What ε took",
    "tracks": "What reached the tracks",
}


@dataclass(frozen=True)
class RiverTips:
    """The words of one river."""

    bed: Riverbed
    explanation: Explanation
    balance: Balance

    @cached_property
    def parts(self) -> dict[str, Part]:
        """Every branch and bar by its id."""
        found = {one.id: self.of_ribbon(one) for one in self.bed.ribbons}
        return found | {one.id: self.of_bar(one) for one in self.bed.bars if one.height}

    def spoken(self, ribbon: Ribbon) -> str:
        """A branch in one sentence."""
        part = self.parts[ribbon.id]
        note = f" ({part.note})" if part.note else ""
        return (
            f"{part.title}{note}: {signed(ribbon.value)}, {side_of(ribbon.value)} {self.target}, "
            f"{self.share(ribbon.value)} of the explained value"
        )

    @property
    def target(self) -> str:
        return stands_for(self.explanation.target, self.explanation.classes)

    def share(self, value: float) -> str:
        """Of the explained value, where it has one."""
        whole = abs(self.explanation.value)
        if not (math.isfinite(whole) and math.isfinite(value) and whole):
            return "–"
        return f"{significant(100 * abs(value) / whole)} %"

    def lit(self, name: str) -> tuple[str, ...]:
        """The path through a branch or a bar, with the bars on it."""
        path = self.bed.path(name)
        on = {
            bar: None for one in self.bed.ribbons if one.id in path for bar in (one.start, one.end)
        }
        return (*path, *on)

    def of_ribbon(self, ribbon: Ribbon) -> Part:
        start = self.bed.bar(ribbon.start)
        accounts = {"bias": "the biases", "epsilon": "ε"}
        end = accounts.get(ribbon.kind) or _name(self.bed.bar(ribbon.end))
        flow = f"{_name(start)} → {end}"
        way = ribbon.kind == "way" and ribbon.port is not None
        name = way_words(ribbon.port or "", ribbon.start[6:]) if way else flow
        lines: list[Line] = [
            _line("relevance", ribbon.value),
            ("speaks", f"{side_of(ribbon.value)} {self.target}", 0),
            ("of the explained value", self.share(ribbon.value), 0),
        ]
        if start.row is not None:
            lines += [(_name(start), None, 0), *_row(start.row)]
        x, y = ribbon.points[len(ribbon.points) // 2]
        return Part(
            _upper(name),
            tuple(lines),
            note=flow if way else "",
            code=ribbon.port or (start.row.stage if start.row else ""),
            lit=self.lit(ribbon.id),
            next=self.bed.neighbours(ribbon),
            at=(x, y - ribbon.drawn / 2),
        )

    def of_bar(self, bar: Bar) -> Part:
        lit = self.lit(bar.id)
        explanation = self.explanation
        if bar.row is not None:
            lines = _row(bar.row)
            if bar.row.stage in self.balance.leaks:
                lines.append(("leaks", signed(self.balance.leaks[bar.row.stage]), 0))
            return Part(_upper(bar.title), tuple(lines), code=bar.row.stage, lit=lit)
        if bar.kind == "output":
            words = value_words(explanation.target, explanation.classes)
            lines = [("explained", signed(explanation.value), 0)]
            return Part(f"The {words}", tuple(lines), lit=lit)
        total = getattr(explanation.totals, bar.kind)
        values = [one.value for one in self.bed.ribbons if one.end == bar.id]
        lines = [
            _line("all together", total),
            ("for", signed(sum(value for value in values if value > 0)), 0),
            ("against", signed(sum(value for value in values if value < 0)), 0),
            ("of the explained value", self.share(total), 0),
        ]
        return Part(ACCOUNTS[bar.kind], tuple(lines), lit=lit)


def side_of(value: float) -> str:
    """The side that relevance speaks for."""
    return "against" if value < 0 else "for"


def _name(bar: Bar) -> str:
    """A bar within a sentence."""
    return {"output": "the output", "tracks": "the tracks"}.get(bar.kind, bar.title)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line(what: str, value: float) -> Line:
    return what, signed(value), (value > 0) - (value < 0)


def _row(row: LedgerRow) -> list[Line]:
    """A stage's account, line by line."""
    lines: list[Line] = [("received", signed(row.received), 0)]
    for port, value in row.passed.items():
        way = WAYS.get(port) or plain_words(port.rpartition(":")[2])
        lines.append(_line(f"passed, {way}" if len(row.passed) > 1 else "passed", value))
    lines += [_line("bias earned", row.bias), _line("ε took", row.epsilon)]
    parts = [*row.passed.values(), row.bias, row.epsilon]
    more = sum(map(abs, parts)) - abs(row.received)
    if math.isfinite(more) and more > 1e-3 * abs(row.received):
        lines.append(("for and against cancel", significant(more / 2), 0))
    return lines
