"""The prongs panel and the words on who speaks for and against, out of answers of the service."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.panels import prongs
from app.panels.prediction import most, view
from lrp_core.service.schemas import ExplanationAnswer, JetDetail

PRONGS = {
    "n_tracks": 7, "n_1": 4, "n_2": 2, "n_none": 1,
    "within_1": 0.2, "within_2": 0.05, "within": 0.25, "between": 0.6, "none": 0.15,
    "even_within_1": 12 / 42, "even_within_2": 2 / 42, "even_within": 14 / 42,
    "even_between": 16 / 42, "even_none": 12 / 42,
    "relevance_within": 0.4, "relevance_between": -0.3, "relevance_1": 1.5, "relevance_2": None,
}  # fmt: skip


def answer(service, **changes):
    body = {"target": "margin", "rule": {"name": "gamma"}, "dtype": "float32"}
    given = json.loads(json.dumps(service.explanation(5, body)))
    return ExplanationAnswer.model_validate({**given, **changes})


def texts(component):
    """All texts of a component, joined."""
    if component is None:
        return ""
    if isinstance(component, (list, tuple)):
        return "".join(map(texts, component))
    if hasattr(component, "children"):
        return texts(component.children)
    return str(component)


def marks(component, found):
    """Every style that a component and those inside it have, in order."""
    if isinstance(component, (list, tuple)):
        for each in component:
            marks(each, found)
    elif hasattr(component, "children"):
        if getattr(component, "style", None):
            found.append(component.style)
        marks(component.children, found)
    return found


def test_shares_stand_beside_an_even_spread(service):
    panel = prongs.view(answer(service, prongs=PRONGS))
    said = texts(panel)
    assert "hold 60.0 % of the significance, 1.57 times" in said
    styles = marks(panel, [])
    assert [style["width"] for style in styles if "width" in style] == [
        "60.00%", "20.00%", "5.00%", "15.00%"
    ]  # fmt: skip
    assert [style["left"] for style in styles if "left" in style] == [
        f"{100 * PRONGS[name]:.2f}%"
        for name in ("even_between", "even_within_1", "even_within_2", "even_none")
    ]
    assert "subjet 1 +1.50 (4 tracks)" in said
    assert "subjet 2 – (2 tracks)" in said


def test_a_jet_without_two_subjets_has_no_such_panel(service):
    assert prongs.view(answer(service, prongs=None)) is None


def test_nothing_to_share_is_said_in_words(service):
    none = {**PRONGS, "between": None, "within_1": None, "within_2": None, "none": None}
    assert "No edge has any significance" in texts(prongs.view(answer(service, prongs=none)))
    alone = {**PRONGS, "n_2": 0, "between": 0.0, "even_between": 0.0}
    assert "No edge joins the two subjets" in texts(prongs.view(answer(service, prongs=alone)))


def test_who_speaks_loudest_holds_half_or_is_three():
    assert most(np.array([1.0, -5.0, 6.0, 2.0]), 1) == ([2], pytest.approx(6 / 9))
    assert most(np.array([1.0, -5.0, 6.0, 2.0]), -1) == ([1], 1.0)
    chosen, share = most(np.ones(10), 1)
    assert chosen == [0, 1, 2]
    assert share == pytest.approx(0.3)
    assert most(np.array([-1.0, 0.0]), 1) == ([], None)
    assert most(np.array([np.nan, 1.0]), 1) == ([], None)


def test_the_prediction_names_tracks_and_features_on_both_sides(service):
    jet = JetDetail.model_validate(service.jet(5))
    explanation = answer(service)
    said = texts(view(jet, explanation))
    relevance = np.asarray(explanation.track_relevance_sum.numpy(), dtype=float)
    for sign, after in ((1, "For H→bb̄: "), (-1, "Against it: ")):
        chosen, share = most(relevance, sign)
        part = said.partition(after)[2]
        assert part.startswith("track")
        assert f"({100 * share:.0f} %)" in part
        for track in chosen:
            assert str(track) in part.partition("(")[0]
