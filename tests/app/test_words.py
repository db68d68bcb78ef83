"""Numbers and short labels as the page's components."""

from __future__ import annotations

import pytest

from app.words import signed_number, symbol


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [(0.125, "positive", "+0.13"), (-0.125, "negative", "−0.13"), (0.0, "zero", "0.00")],
)
def test_a_relevance_has_the_colour_of_its_sign(value, kind, text):
    span = signed_number(value)
    assert (span.children, span.className) == (text, f"signed {kind}")


def test_indices_are_set_low():
    kinds = [type(part).__name__ for part in symbol("p_T / jet p_T")]
    assert kinds == ["str", "Sub", "str", "Sub"]
