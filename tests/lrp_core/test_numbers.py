"""Numbers as people read them; tests/node holds assets/page/numbers.js to the same table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lrp_core.figures import numbers
from tests.conftest import REPOSITORY

CASES = json.loads((REPOSITORY / "tests" / "node" / "numbers.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "given", "says"), CASES)
def test_a_number_reads(name, given, says):
    *given, sign = given if len(given) == 3 else (*given, None)
    more = {} if sign is None else {"sign": sign}
    assert getattr(numbers, name)(*given, **more) == says


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_number_is_a_dash(value):
    for of in (numbers.number, numbers.significant, numbers.signed, numbers.certainty):
        assert of(value) == "–"


def test_the_largest_and_single_precision_are_no_trouble():
    assert len(numbers.number(1.7e308, 2)) == 309 + 3
    assert numbers.number(np.float32(0.125), 2) == "0.13"


def test_labels():
    assert numbers.label_text("hbb") == "H→bb̄"
    assert numbers.label_text(None) == "unknown"
    assert numbers.label_text("top") == "top"
    assert numbers.with_labels("Why hbb rather than qcd, not hbbx.") == (
        "Why H→bb̄ rather than QCD, not hbbx."
    )


def test_counts_and_momenta():
    assert numbers.plural(1, "track") == "1 track"
    assert numbers.plural(13806, "edge") == "13 806 edges"
    assert [numbers.gev(value) for value in (786.4, 5.25, None)] == ["786 GeV", "5.25 GeV", "–"]
