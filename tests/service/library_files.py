"""Small files of jets and checkpoints to put into a library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import torch
import uproot
import yaml

from lrp_core.interaction_network import InteractionNetwork

COLUMNS = ("track_pt", "track_etarel", "track_phirel")
OWN_COLUMNS = (
    "track_pt=trk_pt",
    "track_etarel=trk_etarel",
    "track_phirel=trk_phirel",
    "fj_pt=jet_pt",
)


def write_jets(
    path: Path, n_jets: int = 6, columns: tuple[str, ...] = COLUMNS, seed: int = 0
) -> Path:
    """A small file of jets, half of them signal."""
    draw = np.random.default_rng(seed)
    counts = draw.integers(2, 5, n_jets)
    path.parent.mkdir(parents=True, exist_ok=True)
    with uproot.recreate(path) as file:
        file.mktree("tree", dict.fromkeys(columns, "var * float32") | {
            "label_H_bb": "int32", "label_QCD_b": "int32", "fj_pt": "float32",
        }).extend({
            **{name: ak.unflatten(draw.normal(size=counts.sum()).astype("f4"), counts)
               for name in columns},
            "label_H_bb": np.arange(n_jets, dtype="i4") % 2,
            "label_QCD_b": 1 - np.arange(n_jets, dtype="i4") % 2,
            "fj_pt": np.full(n_jets, 300, "f4"),
        })  # fmt: skip
    return path


def write_model(path: Path, columns: tuple[str, ...] = COLUMNS, seed: int = 0, **more: Any) -> Path:
    """A checkpoint with its definitions beside it."""
    torch.manual_seed(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    network = InteractionNetwork(len(columns), len(more.get("classes", "ab")), 4)
    torch.save(network.state_dict(), path)
    path.with_suffix(".yml").write_text(yaml.safe_dump({"features": list(columns), **more}))
    return path


def write_trees(path: Path) -> Path:
    """Jets in one of two trees, their branches named otherwise."""
    counts = np.array([3, 2, 4])
    values = ak.unflatten(np.arange(9, dtype="f4"), counts)
    with uproot.recreate(path) as file:
        file["events"] = {"run": np.arange(5)}
        file["jets/mine"] = {f"trk_{name}": values for name in ("pt", "etarel", "phirel")} | {
            "jet_pt": np.array([400.0, 500.0, 600.0])
        }
    return path
