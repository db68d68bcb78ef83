"""Filters, order and pages of the list of jets, against pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_core.service.listing import ranked

API = "/api/v1/jets"
COLUMNS = ["index", "label", "score", "pt", "sdmass", "n_tracks"]


@pytest.fixture
def table(toy: Any, toy_jets: Any) -> pd.DataFrame:
    """The whole list as pandas has it, with null for what is not finite."""
    frame = toy_jets.summary().drop(columns="problem")
    frame["score"] = toy.service.scores.values()
    frame = frame.replace([np.inf, -np.inf], np.nan)
    return frame[COLUMNS]


def rows_of(toy: Any, **query: Any) -> dict[str, Any]:
    answer = toy.get(API, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("backwards", [False, True])
def test_order(toy: Any, table: pd.DataFrame, column: str, backwards: bool) -> None:
    wanted = table.sort_values(column, ascending=not backwards, kind="stable", na_position="last")[
        "index"
    ].tolist()
    sort = f"-{column}" if backwards else column
    whole = rows_of(toy, sort=sort, limit=1000)
    assert [jet["index"] for jet in whole["jets"]] == wanted
    pages = [rows_of(toy, sort=sort, limit=7, offset=offset) for offset in range(0, 49, 7)]
    assert [jet["index"] for page in pages for jet in page["jets"]] == wanted
    assert {page["matching"] for page in pages} == {40}


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"label": "hbb"}, "label == 'hbb'"),
        ({"label": "qcd"}, "label == 'qcd'"),
        ({"label": "none"}, "label.isna()"),
        ({"min_pt": 330, "max_pt": 370}, "pt >= 330 and pt <= 370"),
        ({"min_sdmass": 105.5}, "sdmass >= 105.5"),
        ({"max_n_tracks": 3}, "n_tracks <= 3"),
        ({"min_n_tracks": 2, "label": "qcd"}, "n_tracks >= 2 and label == 'qcd'"),
        ({"min_score": 0.47}, "score >= 0.47"),
        ({"max_score": 0.47, "min_pt": 320}, "score <= 0.47 and pt >= 320"),
        ({"min_pt": 1e6}, "pt >= 1e6"),
        ({"min_index": 12}, "index >= 12"),
        ({"min_index": 12, "max_index": 12}, "index == 12"),
        ({"max_index": 11, "label": "hbb"}, "index <= 11 and label == 'hbb'"),
        ({"min_index": -3, "max_index": 10**30}, "index >= 0"),
        ({"max_index": -1}, "index < 0"),
        ({"min_index": 40}, "index > 39"),
        ({"min_index": 10**30}, "index > 39"),
        ({"max_index": -(10**30), "min_pt": 0}, "index > 39"),
        ({"min_index": 20, "max_index": 10}, "index < 0"),
        ({"min_index": 3, "max_index": 30, "min_pt": 350}, "3 <= index <= 30 and pt >= 350"),
    ],
)
def test_filters(toy: Any, table: pd.DataFrame, query: dict[str, Any], condition: str) -> None:
    wanted = table.query(condition)["index"].tolist()
    answer = rows_of(toy, **query, limit=1000)
    assert [jet["index"] for jet in answer["jets"]] == wanted
    assert (answer["matching"], answer["total"]) == (len(wanted), 40)


def test_rows_are_the_table(toy: Any, table: pd.DataFrame) -> None:
    rows = pd.DataFrame(rows_of(toy, limit=1000)["jets"])
    for column in ("pt", "sdmass", "score"):
        np.testing.assert_array_equal(rows[column].astype(float), table[column].astype(float))
    assert rows["n_tracks"].tolist() == table["n_tracks"].tolist()


@pytest.mark.parametrize("sort", ["index", "-index", "-label", "score", "-score", "pt", "-sdmass"])
def test_order_and_filters_together(toy: Any, table: pd.DataFrame, sort: str) -> None:
    chosen = table.query("5 <= index <= 33 and n_tracks >= 4")
    wanted = chosen.sort_values(
        sort.removeprefix("-"), ascending=not sort.startswith("-"), kind="stable"
    )["index"].tolist()
    query = {"sort": sort, "min_index": 5, "max_index": 33, "min_n_tracks": 4}
    whole = rows_of(toy, **query, limit=1000)
    assert [jet["index"] for jet in whole["jets"]] == wanted
    assert [jet["index"] for jet in rows_of(toy, **query, offset=6, limit=5)["jets"]] == wanted[
        6:11
    ]


@given(
    st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0, float("nan")]) | st.floats(-9, 9)),
    st.integers(0, 12),
    st.integers(0, 12),
)
def test_a_page_is_a_part_of_the_whole_order(listed: list[float], first: int, length: int) -> None:
    values = np.array(listed)
    wanted = np.argsort(values, kind="stable")[first : first + length]
    np.testing.assert_array_equal(ranked(values, first, first + length), wanted)


def test_a_page_past_the_end_is_empty(toy: Any) -> None:
    answer = rows_of(toy, offset=1000)
    assert (answer["jets"], answer["matching"]) == ([], 40)


def test_scores_come_in_while_one_looks(serve: Any, toy_jets: Any) -> None:
    client = serve(toy_jets)
    client.service.scores.stop(60)
    done = client.service.scores.done
    answer = rows_of(client, limit=1000)
    assert answer["scores_done"] == done
    missing = [jet["index"] for jet in answer["jets"] if jet["score"] is None]
    assert set(range(done, 40)) <= set(missing)


def test_no_jets_at_all(serve: Any, toy_jets: Any) -> None:
    toy_jets.n_jets = 1
    summary = toy_jets.summary().iloc[:0]
    toy_jets.n_jets = 0
    toy_jets.summary = lambda: summary
    assert rows_of(serve(toy_jets))["jets"] == []


def test_jets_of_which_nothing_is_known(serve: Any, toy_jets: Any) -> None:
    summary = toy_jets.summary()
    for column in ("label", "pt", "sdmass", "problem"):
        summary[column] = pd.Series([None] * 40, dtype=object)
    toy_jets.summary = lambda: summary
    client = serve(toy_jets)
    for sort in ("label", "-label", "pt", "-sdmass"):
        answer = rows_of(client, sort=sort, limit=1000)
        assert [jet["index"] for jet in answer["jets"]] == list(range(40))
    assert rows_of(client, min_pt=0)["matching"] == 0
    assert rows_of(client, label="none")["matching"] == 40
