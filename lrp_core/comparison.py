"""How far the jets of two files are from each other: medians, KS distances, and a classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lrp_core.errors import TrainingError
from lrp_core.evaluation import auc
from lrp_core.jet_arrays import JetArrays

Array = npt.NDArray[np.float64]

FOLDS = 4
STEPS = 120


@dataclass(frozen=True)
class Distance:
    """One quantity of the jets of one class in two files.

    quantity: a feature of the tracks (in its own unit), or fj_pt, fj_sdmass, n_tracks of the jets;
    label: "hbb" or "qcd"; medians in both files; ks: largest difference of the cumulative
    distributions, 0 to 1; noise: KS distance that two halves of the same would have half of the
    time.
    """

    quantity: str
    label: str
    first_median: float
    second_median: float
    ks: float
    noise: float


@dataclass(frozen=True)
class Comparison:
    """Distances of all quantities, and per label the AUC of telling the files' jets apart.

    domain_auc: of a small network that sees the medians of the jet's tracks, cross-validated; 0.5
    means that it cannot tell them apart.
    """

    distances: tuple[Distance, ...]
    domain_auc: dict[str, float]


def ks_distance(first: Array, second: Array) -> float:
    """Largest difference between the cumulative distributions of two sets of values."""
    both = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(x), both, side="right") / len(x) for x in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def compare(first: JetArrays, second: JetArrays, seed: int = 0) -> Comparison:
    """Compare all columns that the files were read with, class by class.

    Raises TrainingError if a file has no jets of a class that the other has.
    """
    distances: list[Distance] = []
    domain: dict[str, float] = {}
    for label, signal in (("qcd", False), ("hbb", True)):
        chosen = [jets.signal == signal for jets in (first, second)]
        if not any(rows.any() for rows in chosen):
            continue
        if not all(rows.any() for rows in chosen):
            raise TrainingError(f"only one of the files has jets of {label}; comparing takes both")
        jets = [
            {"fj_pt": j.pt[rows], "fj_sdmass": j.sdmass[rows], "n_tracks": j.counts[rows]}
            for j, rows in zip((first, second), chosen, strict=True)
        ]
        distances += [_distance(name, label, jets[0][name], jets[1][name]) for name in jets[0]]
        tracks = [
            j.tracks[np.repeat(rows, j.counts)]
            for j, rows in zip((first, second), chosen, strict=True)
        ]
        distances += [
            _distance(name, label, tracks[0][:, i], tracks[1][:, i])
            for i, name in enumerate(first.columns)
        ]
        one, two = (medians(j)[rows] for j, rows in zip((first, second), chosen, strict=True))
        domain[label] = domain_auc(one, two, seed)
    return Comparison(tuple(distances), domain)


def _distance(name: str, label: str, first: npt.ArrayLike, second: npt.ArrayLike) -> Distance:
    one, two = (np.asarray(values, dtype=np.float64) for values in (first, second))
    noise = 0.83 * np.sqrt(1 / len(one) + 1 / len(two))
    return Distance(
        name, label, float(np.median(one)), float(np.median(two)), ks_distance(one, two), noise
    )


def medians(jets: JetArrays) -> Array:
    """Median of each column over the tracks of each jet [n_jets, n_columns]."""
    pieces = np.split(jets.tracks.astype(np.float64), np.cumsum(jets.counts)[:-1])
    return np.array([np.median(piece, axis=0) for piece in pieces])


def domain_auc(first: Array, second: Array, seed: int = 0) -> float:
    """AUC of a small network that tells rows of the first table from rows of the second.

    [n, n_columns] and [m, n_columns]; columns are replaced by their ranks, classes weigh the same,
    four-fold cross-validation.
    """
    values = np.concatenate([first, second])
    ranks = np.stack(
        [np.searchsorted(np.sort(column), column, side="left") for column in values.T], axis=1
    )
    x = torch.from_numpy((ranks / len(values) - 0.5) * 3.4).float()
    y = torch.cat([torch.zeros(len(first)), torch.ones(len(second))])
    weight = torch.where(y == 1, len(values) / (2 * len(second)), len(values) / (2 * len(first)))
    fold = torch.from_numpy(np.random.default_rng(seed).permutation(len(values)) % FOLDS)
    score = torch.zeros(len(values))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for number in range(FOLDS):
            network = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 1))
            optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=0.1)
            seen = fold != number
            for _ in range(STEPS):
                loss = nn.functional.binary_cross_entropy_with_logits(
                    network(x[seen])[:, 0], y[seen], weight[seen]
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                score[~seen] = network(x[~seen])[:, 0]
    return auc(score.double().numpy(), y.numpy() == 1)
