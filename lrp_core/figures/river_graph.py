"""The stages of a ledger as a graph: bars in columns, and the branches that join them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrp_core.explanation import Ledger, LedgerRow


@dataclass(eq=False)
class Link:
    """Relevance from one bar to another, or (``kind``) into an account."""

    id: str
    start: str
    end: str
    value: float
    port: str | None = None
    way: bool = False
    kind: str = ""
    lane: float = 0.0


@dataclass(eq=False)
class Thing:
    """A bar, or the lane of a branch that leaps over columns, while it finds its place."""

    id: str
    first: int
    last: int
    link: Link | None = None
    y: float = 0.0
    height: float = 0.0
    slot: float = 0.0

    @property
    def spare(self) -> float:
        return (self.slot - self.height) / 2


@dataclass
class Graph:
    """The stages as a graph: nodes by name with their column, and the links between them."""

    stages: dict[str, LedgerRow]
    links: list[Link]
    ids: list[str]
    column: dict[str, int]
    shore: str

    @classmethod
    def of(cls, ledger: Ledger) -> Graph:
        stages = {row.stage: row for row in ledger}
        links = []
        for row in ledger:
            for port, value in row.passed.items():
                origin = row.inputs[port]
                end = f"stage {origin}" if origin in stages else "tracks"
                links.append(Link(port, f"stage {row.stage}", end, value, port))
        fed = {link.end for link in links}
        for row in ledger:
            name = f"stage {row.stage}"
            if name not in fed:
                links.insert(0, Link(f"output {row.stage}", "output", name, row.received))
        # the ways: the links into the stage that alone hands on to the tracks, or into the tracks
        last = list(dict.fromkeys(link.start for link in links if link.end == "tracks"))
        alone = len(last) == 1 and sum(link.end == last[0] for link in links) > 1
        shore = last[0] if alone else "tracks"
        for link in links:
            link.way = link.end == shore and link.start != "output"
        graph = cls(stages, links, [], {"output": 0}, shore)
        ids = ["output", *(f"stage {row.stage}" for row in ledger)]
        walking: set[str] = set()
        for name in ids:
            graph._column_of(name, walking)
        most = max(graph.column[name] + 1 for name in ids)
        graph.column["tracks"] = max(graph._column_of("tracks", walking), most)
        graph.ids = [*ids, "tracks"]
        return graph

    def _column_of(self, name: str, walking: set[str]) -> int:
        if name in self.column:
            return self.column[name]
        if name in walking:
            return 0  # a circle, which no network has
        walking.add(name)
        before = [
            self._column_of(link.start, walking) + (2 if link.way else 1)
            for link in self.links
            if link.end == name
        ]
        self.column[name] = max(0, *before) if before else 0
        return self.column[name]

    def things(self) -> list[Thing]:
        """Bars and lanes in the order in which they lie, from top to bottom, in whatever columns.

        A branch that leaps over columns has a lane of its own there. Relevance is followed from
        the output; at a fork the branch that leaps farthest lies on top, so that what falls into
        the accounts crosses nothing.
        """
        things: list[Thing] = []
        seen: set[str] = set()
        column = self.column

        def visit(name: str) -> None:
            if name in seen:
                return
            seen.add(name)
            things.append(Thing(name, column[name], column[name]))
            out = [link for link in self.links if link.start == name]
            for link in sorted(out, key=lambda link: -column[link.end]):
                first, last = column[link.start] + 1, column[link.end] - 1
                if first <= last and link.value:
                    things.append(Thing(f"lane {link.id}", first, last, link))
                visit(link.end)

        visit("output")
        return things
