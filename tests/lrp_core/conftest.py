"""Small files of jets, written where a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

WriteJets = Callable[..., dict[str, Any]]


def _write(
    path: Path,
    counts: Sequence[int] = (3, 5, 1, 8, 2, 4),
    *,
    tree: str = "deepntuplizer/tree",
    basket: int = 2,
    dtype: str = "float32",
    labels: bool = True,
    jet_branches: bool = True,
    as_ntuple: bool = False,
    change: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Write jets of ``counts`` tracks, ``basket`` jets in a basket -> what was written.

    Features: track_pt and track_etarel (one counter, ntrack), trackBTag_Eta (counter ntrackBTag).
    ``change`` puts other values, or leaves a branch out (None); a new name is a branch more, with a
    counter of its own if it is an ``ak.Array`` and not named track_* or trackBTag_*.
    """
    random = np.random.default_rng(seed)
    n_jets, n_tracks = len(counts), int(sum(counts))

    def jagged() -> ak.Array:
        return ak.unflatten(random.normal(2, 1, n_tracks).astype(dtype), np.array(counts, np.int64))

    columns: dict[str, Any] = {
        name: jagged() for name in ("track_pt", "track_etarel", "trackBTag_Eta")
    }
    if jet_branches:
        columns["fj_pt"] = np.linspace(300, 800, n_jets).astype(np.float32)
        columns["fj_sdmass"] = np.linspace(20, 140, n_jets).astype(np.float32)
    if labels:
        hbb = np.arange(n_jets) % 3 == 1
        columns["label_H_bb"] = hbb.astype(np.int32)
        columns["label_QCD_others"] = (np.arange(n_jets) % 3 == 0).astype(np.int32)
        columns["sample_isQCD"] = columns["label_QCD_others"].copy()
    for name, values in (change or {}).items():
        if values is None:
            del columns[name]
        else:
            columns[name] = values

    grouped: dict[str, dict[str, Any]] = {}
    for name, values in columns.items():
        group, _, rest = name.partition("_")
        if isinstance(values, ak.Array) and group in ("track", "trackBTag"):
            grouped.setdefault(group, {})[rest] = values

    def part(start: int, stop: int) -> dict[str, Any]:
        plain = {
            name: values[start:stop]
            for name, values in columns.items()
            if name.partition("_")[0] not in grouped
        }
        zipped = {
            group: ak.zip({rest: values[start:stop] for rest, values in members.items()})
            for group, members in grouped.items()
        }
        return zipped | plain

    def kind(values: Any) -> Any:
        return ak.type(values).content if isinstance(values, ak.Array) else values.dtype

    with uproot.recreate(path) as file:
        if as_ntuple:
            file.mkrntuple(tree, columns)
            return columns
        written = file.mktree(
            tree, {name: kind(values) for name, values in part(0, n_jets).items()}
        )
        for start in range(0, n_jets, basket):
            written.extend(part(start, min(start + basket, n_jets)))
    return columns


@pytest.fixture(scope="session")
def write_jets() -> WriteJets:
    """Function that writes a small file of jets; see ``_write``."""
    return _write
