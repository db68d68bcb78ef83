"""One explanation minus another: the scene that is drawn, its figure, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lrp_core.checkpoint import load_model
from lrp_core.errors import FigureError
from lrp_core.explainer import explain
from lrp_core.figures import View, draw_network, to_pdf, to_svg
from lrp_core.figures.compared import Compared
from lrp_core.figures.difference import can_subtract, same_jet
from lrp_core.figures.drawing import Text
from lrp_core.figures.part_words import CHANGE_WORDS, edge_lines, track_part
from lrp_core.figures.picture import Shown
from lrp_core.figures.provenance import Provenance
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.stage import Stage
from lrp_core.reading import open_jets

WANTED = View(difference=True, edges=40, color="origin")


@pytest.fixture(scope="module")
def shown():
    """A simulated jet by three questions, and another jet: "gamma", "epsilon", "qcd", "other"."""
    jets, model = open_jets(), load_model()
    asked = {
        "gamma": (96, {}),
        "epsilon": (96, {"rule": "epsilon(0.01)"}),
        "qcd": (96, {"target": "qcd"}),
        "other": (12, {}),
    }
    return {
        name: Shown(jets[index], explain(model, jets[index], edges="summary", **how))
        for name, (index, how) in asked.items()
    }


def test_the_difference_of_two_rules_is_a_scene(shown):
    here, pinned = shown["gamma"], shown["epsilon"]
    stage = Stage.of(here, WANTED, pinned)
    one, other = Scene.of(*here), Scene.of(*pinned)
    np.testing.assert_array_equal(stage.scene.relevance, one.relevance - other.relevance)
    np.testing.assert_array_equal(stage.scene.signed, one.significance - other.significance)
    np.testing.assert_array_equal(stage.scene.significance, np.abs(stage.scene.signed))
    np.testing.assert_allclose(stage.scene.by_feature.sum(axis=1), stage.scene.relevance, atol=1e-5)
    assert stage.scene.order[0] == stage.scene.significance.argmax()
    assert (stage.view.color, stage.view.edgecolor) == ("relevance", "relevance")
    assert stage.scales == Scales.of(stage.scene)
    assert stage.scene.difference is not None
    assert stage.scene.difference[1].explanation is pinned.explanation


def test_without_being_asked_for_both_share_their_scales(shown):
    here, pinned = shown["gamma"], shown["epsilon"]
    view = replace(WANTED, difference=False)
    stage = Stage.of(here, view, pinned)
    assert stage.scene.difference is None
    assert stage.view is view
    assert stage.scales == Scales.of(Scene.of(*here), Scene.of(*pinned))
    assert Stage.of(here, WANTED).scales == Scales.of(Scene.of(*here))


def test_only_one_jet_with_its_edges_has_a_difference(shown):
    here = Scene.of(*shown["gamma"])
    assert can_subtract(here, Scene.of(*shown["qcd"]))
    other = Scene.of(*shown["other"])
    assert not same_jet(here, other)
    stage = Stage.of(shown["gamma"], WANTED, shown["other"])
    assert stage.scene.difference is None
    assert stage.view is WANTED
    # another file in which a jet has the same name and number
    jet, explanation = shown["gamma"]
    moved = replace(jet, tracks=jet.tracks * np.float32(1.01))
    assert not same_jet(here, Scene.of(moved, explanation))
    # another network, which joins other tracks
    fewer = replace(
        explanation,
        edge_index=explanation.edge_index[:, 1:],
        edge_significance=explanation.edge_significance[1:],
        edge_sums=explanation.signed_edge_relevance[1:],
    )
    joined = Scene.of(jet, fewer)
    assert same_jet(here, joined)
    assert not can_subtract(here, joined)


def test_the_figure_of_a_difference_says_what_it_is(shown):
    here, pinned = shown["gamma"], shown["epsilon"]
    drawing = draw_network(*here, WANTED, pinned=pinned)
    said = [item.text for item in drawing.items if isinstance(item, Text)]
    assert {"|Δ significance|", "Δ edge significance", "Δ track relevance"} <= set(said)
    assert {"+ more", "− less", "than pinned"} <= set(said)
    assert not {"Track origin", "+ for", "Edge significance"} & set(said)
    assert "margin H→bb̄ − QCD, LRP-γ(1) minus margin H→bb̄ − QCD, LRP-ε(0.01)" in said
    assert any(text.endswith("of the change") for text in said)
    minus = "margin of H→bb̄, epsilon(epsilon=0.01, relative=False, bias=account)"
    assert drawing.metadata["minus"] == minus
    assert any(text.endswith(f"minus {minus}") for text in said)
    assert drawing.title.startswith("Difference: ")
    assert minus in to_svg(drawing)
    assert to_pdf(drawing).startswith(b"%PDF")
    alone = draw_network(*here, replace(WANTED, difference=False), pinned=pinned)
    assert "minus" not in alone.metadata
    two = draw_network(*here, WANTED, pinned=shown["other"])
    assert "minus" not in two.metadata
    with pytest.raises(FigureError, match="give the jet that was explained"):
        draw_network(*here, WANTED, pinned=Shown(shown["other"].jet, pinned.explanation))


def test_another_network_is_named_where_it_is_subtracted(shown):
    one, other = shown["gamma"].explanation, shown["qcd"].explanation
    assert Provenance.of(one).subtracting(other).minus == (
        "logit of QCD, gamma(gamma=1.0, bias=account)"
    )
    trained = replace(other, model_name="second.pth", checkpoint_hash="ab" * 32)
    assert Provenance.of(one).subtracting(trained).minus.endswith(", second.pth abababab")


def test_the_sums_of_both(shown):
    here, pinned = shown["gamma"], shown["other"]
    said = Compared.of(here, pinned)
    assert not said.same_jet
    assert said.tracks is said.edges is None
    values = {value.name: value for value in said.values}
    assert list(values) == [
        "P(H→bb̄)", "explained value", "on tracks", "on biases", "on ε", "missing", "tracks",
        "edges", "top 10 edges hold", "between prongs", "within prongs",
    ]  # fmt: skip
    for side, (jet, explanation) in (("here", here), ("pinned", pinned)):
        told = {name: getattr(value, side) for name, value in values.items()}
        assert told["explained value"] == explanation.value
        sums = told["on tracks"] + told["on biases"] + told["on ε"]
        assert sums == pytest.approx(explanation.value, abs=1e-4)
        assert (told["tracks"], told["edges"]) == (jet.n_tracks, jet.n_edges)
        largest = np.sort(explanation.edge_significance)[::-1][:10].sum()
        assert told["top 10 edges hold"] == pytest.approx(float(largest))
        assert 0 < told["between prongs"] + told["within prongs"] <= 1 + 1e-6
    assert len(said.features) == 8
    sums = here.explanation.feature_relevance.sum(axis=0)
    for one in said.features:
        own = float(sums[here.explanation.features.index(one.name)])
        assert one.here == pytest.approx(own, abs=1e-5)
    sizes = [max(abs(one.here), abs(one.pinned)) for one in said.features]
    assert sizes == sorted(sizes, reverse=True)


def test_what_changed_most_of_one_jet(shown):
    here, pinned = shown["gamma"].explanation, shown["epsilon"].explanation
    said = Compared.of(shown["gamma"], shown["epsilon"])
    assert said.same_jet
    change = here.track_relevance.sum(axis=1) - pinned.track_relevance.sum(axis=1)
    assert [one.number for one in said.tracks] == np.argsort(-np.abs(change))[:8].tolist()
    first = said.tracks[0]
    assert first.difference == pytest.approx(float(change[first.number]), abs=1e-6)
    sizes = np.abs(here.track_relevance.sum(axis=1))
    assert first.rank_here == 1 + int((sizes > sizes[first.number]).sum())
    change = here.edge_significance - pinned.edge_significance
    first = said.edges[0]
    assert first.number == np.abs(change).argmax()
    assert first.ends == tuple(here.edge_index[:, first.number])
    strength = pinned.edge_significance
    assert first.rank_pinned == 1 + int((strength > strength[first.number]).sum())
    same = Compared.of(shown["gamma"], shown["gamma"])
    assert same.tracks == same.edges == (), "nothing changed"


def test_what_is_said_of_what_changed(shown):
    scene = Stage.of(shown["gamma"], WANTED, shown["epsilon"]).scene
    assert scene.difference is not None
    here, pinned = scene.difference
    track = int(scene.tracks_order[0])
    says = {what: (text, sign) for what, text, sign in track_part(scene, track).lines}
    assert list(says) == ["pT", "here", "pinned", "Δ relevance", "that is"]
    assert says["here"][0].endswith(f" · rank {here.tracks_rank[track] + 1}")
    sign = int(np.sign(scene.relevance[track]))
    assert says["Δ relevance"][1] == sign
    assert says["that is"] == (f"{'more' if sign > 0 else 'less'} than pinned", sign)
    edges = scene.order[:5].tolist()
    lines = edge_lines(scene, edges)
    assert tuple(lines) == CHANGE_WORDS
    for at, edge in enumerate(edges):
        assert lines["pinned"][at].endswith(f" · rank {pinned.rank[edge] + 1}")
        assert lines["that is"][at].startswith("more" if scene.signed[edge] > 0 else "less")
