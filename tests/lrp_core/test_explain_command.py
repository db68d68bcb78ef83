"""``jetlrp explain``: what it prints, what it writes, and what it says when it cannot."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from lrp_core.checkpoint import load_model
from lrp_core.commands import explain_all
from lrp_core.commands.explain import print_summary, run
from lrp_core.errors import (
    CheckpointError,
    ExplanationFileError,
    JetFileError,
    JetIndexError,
    JetlrpError,
    RuleError,
    TargetError,
)
from lrp_core.explainer import explain
from lrp_core.explanation import load_explanation
from lrp_core.jets import Jet
from lrp_core.prong_shares import prongs
from lrp_core.reading import open_jets
from lrp_core.rules import Epsilon, Gamma, Zero
from tests.lrp_core import examples as toys
from tests.lrp_core.test_propagation import STAGES

COLUMNS = ("track_pt", "track_etarel", "trackBTag_Eta", "track_pt")


@pytest.fixture
def files(tmp_path: Path, write_jets: Callable[..., Any]) -> tuple[str, str]:
    """A file of six small jets and a network that reads it."""
    write_jets(tmp_path / "toy.root")
    torch.save(toys.toy_network(4).state_dict(), tmp_path / "toy.pth")
    (tmp_path / "definitions.yml").write_text(f"features: {list(COLUMNS)}\n")
    return str(tmp_path / "toy.root"), str(tmp_path / "toy.pth")


def printed(jets: str, model: str, jet: int = 3, **wanted: Any) -> str:
    screen = io.StringIO()
    console = Console(file=screen, width=160, highlight=False, soft_wrap=True)
    run([jets], jet, model, console=console, **wanted)
    return screen.getvalue()


def test_the_chosen_weights_are_told(files: tuple[str, str]) -> None:
    content = {"model": toys.toy_network(4).state_dict(), "ema": toys.toy_network(4, seed=1)}
    content["ema"] = content["ema"].state_dict()
    torch.save(content, files[1])
    with pytest.raises(CheckpointError, match="several networks"):
        printed(*files)
    first, second = printed(*files, weights="model"), printed(*files, weights="ema")
    assert "toy.pth:model" in first
    assert "toy.pth:ema" in second
    assert load_model(files[1], weights="ema").checkpoint_hash[:12] in second


def test_it_prints_prediction_tracks_edges_ledger_and_conservation(files: tuple[str, str]) -> None:
    text = printed(*files)
    jets, model = open_jets(files[0]), load_model(files[1])
    explanation = explain(model, jets[3])
    assert "toy.root:3" in text
    assert "8 tracks, 56 edges" in text
    assert "pT" in text
    assert model.checkpoint_hash[:12] in text
    for name, logit, probability in zip(
        ("qcd", "hbb"), explanation.logits, explanation.probabilities, strict=True
    ):
        assert f"{name} {logit:+.4f} ({probability:.2%})" in text
    assert f"margin = {explanation.value:+.6g}" in text
    assert "gamma(gamma=1.0, bias=account), float32" in text
    # The most relevant tracks and edges, the first of them first.
    track = int(np.abs(explanation.feature_relevance.sum(axis=1)).argmax())
    relevance = explanation.feature_relevance.sum(axis=1)[track]
    after = text[text.index("Tracks that matter most") :].splitlines()[2]
    assert after.split()[0] == str(track)
    assert after.split()[1] == f"{jets[3].column('track_pt')[track]:.2f}"
    assert after.split()[2] == f"{relevance:+.4f}"
    edge = int(explanation.edge_significance.argmax())
    after = text[text.index("Edges that matter most") :].splitlines()[2]
    source, destination = explanation.edge_index[:, edge]
    assert after.split()[:3] == [
        str(source),
        str(destination),
        f"{explanation.edge_significance[edge]:.3%}",
    ]
    # The ledger, stage by stage, and its sum.
    ledger = text[text.index("Ledger") :]
    places = [ledger.index(f"\n{stage} ") for stage in STAGES]
    assert places == sorted(places)
    for row in explanation.ledger:
        assert f"{row.received:+.6g}" in ledger
        assert f"{row.bias:+.6g}" in ledger
    tracks, bias, _ = explanation.totals
    assert f"tracks {tracks:+.6g}, biases {bias:+.6g}, epsilon +0" in ledger
    assert f"of {explanation.value:+.6g}" in ledger
    found = re.search(r"conservation error (\S+)", text)
    assert found is not None
    assert float(found[1]) < 1e-5
    assert "Prongs" not in text  # the file knows of no subjets


@pytest.mark.parametrize("ending", [".npz", ".json"])
def test_it_writes_the_explanation(files: tuple[str, str], ending: str, tmp_path: Path) -> None:
    out = tmp_path / f"explanation [1]{ending}"
    text = printed(
        *files, out=str(out), target="qcd", rule="epsilon(0.1, bias=spread)", dtype="float64"
    )
    assert f"written: {out}" in text
    explanation = load_explanation(out)
    expected = explain(
        load_model(files[1]),
        open_jets(files[0])[3],
        target="qcd",
        rule=Epsilon(0.1, bias="spread"),
        dtype="float64",
    )
    assert explanation.jet_id == "toy.root:3"
    assert explanation.rule == expected.rule
    assert explanation.target == "qcd"
    np.testing.assert_array_equal(explanation.track_relevance, expected.track_relevance)
    assert str(explanation.rule) in text


def test_a_preset_brings_its_target(files: tuple[str, str], tmp_path: Path) -> None:
    for wanted, rule, target in (
        ({"rule": "hin-lrp"}, Epsilon(1e-9), "hbb"),
        ({"rule": "hin-lrp", "target": "margin:qcd"}, Epsilon(1e-9), "margin:qcd"),
        ({"rule": "zero"}, Zero(), "margin"),
        ({"target": "hbb"}, Gamma(1.0), "hbb"),
        ({}, Gamma(1.0), "margin"),
    ):
        text = printed(*files, out=str(tmp_path / "a.json"), **wanted)
        explanation = load_explanation(tmp_path / "a.json")
        assert (explanation.rule, explanation.target) == (rule, target)
        assert f"explained   {target} = " in text


def test_a_composite_by_its_text_and_rules_that_do_not_look(files: tuple[str, str]) -> None:
    text = "composite(edge_mlp.0: flat(bias=account), default: gamma(gamma=0.5, bias=account))"
    assert text in printed(*files, rule="composite(edge_mlp.0: flat, default: gamma(0.5))")
    for rule in ("flat", "w_square", "composite(node*: flat, default: gamma)"):
        with pytest.raises(
            RuleError, match=r"only for stages that read .*\(edge_mlp.0\), found it"
        ):
            printed(*files, rule=rule)
        with pytest.raises(RuleError, match=r"ask for composite\(edge_mlp.0: "):
            explain_all.run([files[0]], "x.parquet", files[1], rule=rule)
    explain(load_model(files[1]), open_jets(files[0])[3], rule="flat")  # who asks in Python may


def test_a_jet_of_one_track(files: tuple[str, str]) -> None:
    text = printed(*files, jet=2)
    assert "1 tracks, 0 edges" in text or "1 track, no edges" in text or "1 track, 0 edges" in text
    assert "no edges" in text
    assert "Edges that matter most" not in text


def test_wide_columns_are_not_needed(files: tuple[str, str]) -> None:
    """Written into a file or a narrow window, no number is cut."""
    explanation = explain(load_model(files[1]), open_jets(files[0])[3])
    for width in (80, 50):
        screen = io.StringIO()
        run([files[0]], 3, files[1], console=Console(file=screen, width=width, soft_wrap=True))
        text = screen.getvalue()
        assert "…" not in text
        if width == 80:
            for row in explanation.ledger:
                assert re.search(rf"^{row.stage} .*{re.escape(f'{row.received:+.6g}')}", text, re.M)


def test_brackets_in_names_are_text() -> None:
    """Not markup: "[b]" is a name like any other, and "[/]" no error."""
    model = toys.toy_model()
    model.name = "net[/].pth"
    jet = Jet.from_arrays(toys.toy_jet().tracks, toys.COLUMNS, jet_id="[b]jets[1].root:7")
    screen = io.StringIO()
    print_summary(explain(model, jet), jet, Console(file=screen, width=160))
    assert "[b]jets[1].root:7" in screen.getvalue()
    assert "net[/].pth" in screen.getvalue()


def test_real_jets(cms_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.npz"
    text = printed(
        str(cms_data / "hbb_jets.root"),
        str(cms_data / "IN.pth"),
        jet=12,
        definitions=str(cms_data / "definitions.yml"),
        out=str(out),
    )
    assert "hbb_jets.root:12  16 tracks, 240 edges, label hbb" in text
    assert "soft-drop mass" in text
    explanation = load_explanation(out)
    assert explanation.conservation_error < 1e-5
    found = prongs(explanation, open_jets(cms_data / "hbb_jets.root")[12])
    assert found is not None
    assert f"Prongs: {found.n_1} tracks are of subjet 1 and {found.n_2} of subjet 2" in text
    assert f"{found.within:.0%} of the significance ({found.even_within:.0%} of the edges)" in text
    assert f"between the two {found.between:.0%} ({found.even_between:.0%})" in text


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ({"jet": 6}, JetIndexError, "6"),
        ({"rule": "delta"}, RuleError, "gamma.*hin-lrp"),
        ({"rule": "gamma(-1)"}, RuleError, "at least 0"),
        ({"target": "hcc"}, TargetError, "margin, qcd, hbb, margin:qcd"),
        ({"dtype": "float16"}, JetlrpError, "float32, float64"),
        ({"out": "a.txt"}, ExplanationFileError, r"\.npz or \.json"),
        ({"out": "/nowhere/a.npz"}, ExplanationFileError, "cannot be written"),
        ({"jets": "nothing.root"}, JetFileError, r"nothing\.root"),
        ({"model": "nothing.pth"}, JetlrpError, r"nothing\.pth|definitions"),
    ],
)
def test_errors_are_of_our_own(
    wanted: dict[str, Any], error: type[Exception], words: str, files: tuple[str, str]
) -> None:
    jets, model = wanted.pop("jets", files[0]), wanted.pop("model", files[1])
    with pytest.raises(error, match=words):
        printed(jets, model, **wanted)
    assert issubclass(error, JetlrpError)


def test_a_checkpoint_of_something_else(files: tuple[str, str], tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(1)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"other\.pth"):
        printed(files[0], str(tmp_path / "other.pth"))
