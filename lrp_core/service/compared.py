"""Two explanations beside each other over HTTP: which they are, and what they differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Self
from urllib.parse import urlencode

from pydantic import Field

from lrp_core.explanation import Explanation
from lrp_core.figures.compared import Compared
from lrp_core.figures.headline import rule_words, target_words
from lrp_core.figures.numbers import stands_for
from lrp_core.figures.picture import Shown
from lrp_core.figures.view import View
from lrp_core.jets import Jet
from lrp_core.service.figures import PinnedQuery
from lrp_core.service.schemas import ComparisonAnswer


class ComparisonQuery(PinnedQuery):
    """What to explain of the jet, and what it is compared with."""

    pin: str = Field(
        max_length=2_000,
        description="JET~TARGET~RULE or JET~TARGET~RULE~FILE~MODEL, as in the page's address; file "
        "and network are those of the request where it names none.",
    )

    def other(self) -> tuple[int, Self]:
        """Jet and question that it is compared with. Raises FigureError if ``pin`` is none."""
        asked = self.of_pinned(View.from_link(f"?{urlencode({'pin': self.pin})}"))
        assert asked is not None  # since a view refuses what is no pin
        return asked


def comparison_answer(
    here: Shown, pinned: Shown, where: Sequence[Mapping[str, object]]
) -> ComparisonAnswer:
    """The comparison as it leaves.

    where  of either its number, "index", and its "file" and "model" as the library names them
    Raises FigureError as ``Compared.of`` does.
    """
    found = asdict(Compared.of(here, pinned))
    sides = [_side(*shown) | dict(its) for shown, its in zip((here, pinned), where, strict=True)]
    return ComparisonAnswer.model_validate({**found, "here": sides[0], "pinned": sides[1]})


def _side(jet: Jet, explanation: Explanation) -> dict[str, object]:
    return {
        "jet_id": jet.jet_id,
        "label": jet.label,
        "target": explanation.target,
        "rule_text": str(explanation.rule),
        "stands_for": stands_for(explanation.target, explanation.classes),
        "asked": target_words(explanation.target, explanation.classes),
        "rule_words": rule_words(explanation.rule),
    }
