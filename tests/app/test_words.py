"""Numbers as the page writes them."""

from __future__ import annotations

import pytest

from app import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.124, "3.12"), (-0.4, "−0.40"), (-0.001, "0.00"), (None, "–"), (float("nan"), "–")],
)
def test_number(value, text):
    assert words.number(value) == text


def test_a_sign_can_be_asked_for():
    assert words.number(0.5, 1, sign=True) == "+0.5"
    assert words.number(-0.5, 1, sign=True) == "−0.5"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.02131, "0.0213"),
        (12.3456, "12.3"),
        (1234.5, "1234"),
        (0, "0"),
        (2.1e-7, "2.10\u00a0×\u00a010⁻⁷"),
        (-4.2e7, "−4.20\u00a0×\u00a010⁷"),
    ],
)
def test_significant(value, text):
    assert words.significant(value) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.5, "50.0 %"),
        (0.9868, "98.7 %"),
        (0.99997, "99.997 %"),
        (0.00002, "0.002 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (None, "–"),
    ],
)
def test_a_share_never_rounds_to_a_certainty(fraction, text):
    assert words.percent(fraction) == text


def test_scientific():
    assert words.scientific(1.24e-7) == "1.2\u00a0×\u00a010⁻⁷"
    assert words.scientific(0) == "0"


def test_labels():
    assert words.label_text("hbb") == "H→bb̄"
    assert words.label_text(None) == "unknown"
    assert words.label_text("top") == "top"
    assert words.with_labels("Why hbb rather than qcd, not hbbx.") == (
        "Why H→bb̄ rather than QCD, not hbbx."
    )


def test_counts():
    assert words.plural(1, "track") == "1 track"
    assert words.plural(13806, "edge") == "13 806 edges"
    assert words.gev(5.25) == "5.2 GeV"
    assert words.gev(786.4) == "786 GeV"
    assert words.gev(None) == "–"


def test_indices_are_set_low():
    kinds = [type(part).__name__ for part in words.symbol("p_T / jet p_T")]
    assert kinds == ["str", "Sub", "str", "Sub"]
