"""Explanations to take away: read back as they were, down to the last digit."""

from __future__ import annotations

import io
import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lrp_core import rules
from lrp_core.explainer import explain
from lrp_core.explanation import Explanation, load_explanation
from lrp_core.service import answers
from lrp_core.service.files import file_name

API = "/api/v1"
WANTED = {"target": "qcd", "rule": "epsilon(0.1, bias=spread)", "dtype": "float64"}


def taken(client: Any, index: int, what: str, **query: Any) -> Any:
    answer = client.get(f"{API}/jets/{index}/explanation{what}", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def named(answer: Any) -> str:
    found = re.fullmatch(r'attachment; filename="([^"]+)"', answer.headers["content-disposition"])
    assert found
    return found[1]


def read(answer: Any) -> pd.DataFrame:
    """A table, its numbers to the last digit, which pandas by itself does not promise."""
    table = pd.read_csv(io.StringIO(answer.text), dtype=str)
    texts = ("jet_id", "target", "rule")
    return table.astype({name: float for name in table.columns if name not in texts})


def assert_same(found: Explanation, wanted: Explanation) -> None:
    for item in fields(Explanation):
        if item.name == "jet":  # no part of the files
            continue
        ours, theirs = getattr(wanted, item.name), getattr(found, item.name)
        if isinstance(ours, np.ndarray):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert ours == theirs


@pytest.mark.parametrize("ending", [".npz", ".json"])
@pytest.mark.parametrize("index", [0, 4, 5, 11])
def test_all_of_it_is_read_back(
    toy: Any, toy_jets: Any, toy_model: Any, tmp_path: Path, ending: str, index: int
) -> None:
    answer = taken(toy, index, ending, **WANTED)
    name = named(answer)
    assert name == f"toy_{index}_qcd_epsilon-epsilon-0.1-relative-False-bias-spread{ending}"
    (tmp_path / name).write_bytes(answer.content)
    assert_same(
        load_explanation(tmp_path / name),
        explain(toy_model, toy_jets[index], **WANTED),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tracks(toy: Any, toy_jets: Any, toy_model: Any, dtype: str) -> None:
    answer = taken(toy, 4, "/tracks.csv", dtype=dtype)
    assert named(answer) == "toy_4_margin_gamma-gamma-1.0-bias-account_tracks.csv"
    assert answer.headers["content-type"].startswith("text/csv")
    table = read(answer)
    jet, ours = toy_jets[4], explain(toy_model, toy_jets[4], dtype=dtype)
    names = ["track_pt", "track_etarel", "track_phirel", "made_up"]
    each = [column for name in names for column in (name, f"{name}_relevance")]
    assert list(table.columns) == ["jet_id", "target", "rule", "track", "relevance", *each]
    assert set(table.jet_id) == {"toy.root:4"}
    assert set(table.target) == {"margin"}
    assert rules.parse_rule(table.rule[0]) == ours.rule
    assert table.track.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(table.relevance, ours.track_relevance.sum(axis=1))
    for place, name in enumerate(names):
        np.testing.assert_array_equal(table[name], jet.column(name))
        np.testing.assert_array_equal(table[f"{name}_relevance"], ours.feature_relevance[:, place])


def test_edges(toy: Any, toy_jets: Any, toy_model: Any) -> None:
    for index in (4, 5):
        answer = taken(toy, index, "/edges.csv", rule="hin-lrp")
        table = read(answer)
        ours = explain(toy_model, toy_jets[index], rule="hin-lrp")
        order = np.argsort(-ours.edge_significance, kind="stable")
        assert list(table.columns)[:3] == ["jet_id", "target", "rule"]
        assert set(table.target) == {"hbb"}
        assert table["rank"].tolist() == list(range(1, len(order) + 1))
        np.testing.assert_array_equal(table[["source", "destination"]].T, ours.edge_index[:, order])
        np.testing.assert_array_equal(table.significance, ours.edge_significance[order])
        np.testing.assert_array_equal(table.signed_relevance, ours.signed_edge_relevance[order])
    alone = taken(toy, 0, "/edges.csv").text.splitlines()
    assert alone == ["jet_id,target,rule,rank,source,destination,significance,signed_relevance"]


def test_a_composite_is_taken_as_json(toy: Any, toy_model: Any, toy_jets: Any) -> None:
    rule = rules.Composite({"edge_mlp.*": rules.Epsilon(0.1)}, default=rules.Gamma(0.5))
    answer = taken(toy, 4, ".json", rule=json.dumps(rule.to_dict()))
    assert json.loads(answer.text)["rule"] == rule.to_dict()
    assert re.fullmatch(r"toy_4_margin_composite-[A-Za-z0-9._-]+\.json", named(answer))


def test_names_are_fit_for_every_file_system(toy_jets: Any, toy_model: Any) -> None:
    explanation = explain(toy_model, toy_jets[4], target="margin:qcd")
    names = {
        "/data/my jets (ü).root:7": "my-jets_7_margin-qcd_gamma-gamma-1.0-bias-account.npz",
        'evil"\r\nX-A: b.root:3': "evil-X-A-b_3_margin-qcd_gamma-gamma-1.0-bias-account.npz",
        "jet": "jet_margin-qcd_gamma-gamma-1.0-bias-account.npz",
        "": "margin-qcd_gamma-gamma-1.0-bias-account.npz",
    }
    for jet_id, name in names.items():
        assert file_name(replace(explanation, jet_id=jet_id), ".npz") == name


def test_what_is_not_finite_is_no_json_and_never_zero(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*given: Any, **named: Any) -> Any:
        explanation = explain(*given, **named)
        relevance = explanation.track_relevance.copy()
        relevance[0, 0] = np.nan
        return replace(explanation, track_relevance=relevance)

    monkeypatch.setattr(answers, "explain", odd)
    client = serve()
    refused = client.get(f"{API}/jets/4/explanation.json")
    assert refused.status_code == 422
    error = refused.json()["error"]
    assert (error["code"], "not finite: track_relevance" in error["message"]) == (
        "not_finite",
        True,
    )
    arrays = np.load(io.BytesIO(taken(client, 4, ".npz").content))
    assert np.isnan(arrays["track_relevance"][0, 0])
    table = read(taken(client, 4, "/tracks.csv"))
    assert np.isnan(table.track_pt_relevance[0])
    assert np.isnan(table.relevance[0])


def test_it_is_computed_once_for_all_files(serve: Any) -> None:
    client = serve()
    for what in (".json", ".npz", "/tracks.csv", "/edges.csv"):
        taken(client, 4, what)
    assert client.service.cache.use().misses == 1
    assert client.service.cache.use().nbytes < 20_000
