"""All jets of files at once, as arrays to train a network on or to measure one with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lrp_core.errors import JetFileError

TREE = "deepntuplizer/tree"
SIGNAL_LABEL = "label_H_bb"
KINDS = ("QCD_b", "QCD_bb", "QCD_c", "QCD_cc", "QCD_others", "H_bb")


@dataclass(frozen=True, eq=False)
class JetArrays:
    """Jets one after the other.

    tracks   [n_tracks, n_columns] float32, in the units of the features
    counts   [n_jets] tracks of each jet
    columns  names of the columns
    signal   [n_jets] bool: H -> bb
    kind     [n_jets] number in ``KINDS``, -1 where no label is set
    event    [n_jets] number of the event a jet is of, unique over all files; each jet its own event
             where the files do not tell
    pt       [n_jets] GeV; sdmass [n_jets] GeV
    """

    tracks: npt.NDArray[np.float32]
    counts: npt.NDArray[np.int64]
    columns: tuple[str, ...]
    signal: npt.NDArray[np.bool_]
    kind: npt.NDArray[np.int64]
    event: npt.NDArray[np.int64]
    pt: npt.NDArray[np.float64]
    sdmass: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.counts)

    def starts(self) -> npt.NDArray[np.int64]:
        """Row of the first track of each jet [n_jets]."""
        return np.cumsum(self.counts) - self.counts


def read_jet_arrays(
    paths: Sequence[str | Path], columns: Sequence[str], *, tree: str = TREE
) -> JetArrays:
    """Read the labelled jets of ``paths`` that have tracks and finite values.

    Raises JetFileError naming the file and the branch that is missing.
    """
    if not paths:
        raise JetFileError("no file of jets was given; give at least one ROOT file")
    parts = [_read(Path(path), tuple(columns), tree) for path in paths]
    shift = np.cumsum([0] + [int(part.event.max(initial=-1)) + 1 for part in parts[:-1]])
    return JetArrays(
        tracks=np.concatenate([part.tracks for part in parts]),
        counts=np.concatenate([part.counts for part in parts]),
        columns=tuple(columns),
        signal=np.concatenate([part.signal for part in parts]),
        kind=np.concatenate([part.kind for part in parts]),
        event=np.concatenate([p.event + s for p, s in zip(parts, shift, strict=True)]),
        pt=np.concatenate([part.pt for part in parts]),
        sdmass=np.concatenate([part.sdmass for part in parts]),
    )


def _read(path: Path, columns: tuple[str, ...], tree: str) -> JetArrays:
    import awkward as ak
    import uproot

    labels = [f"label_{kind}" for kind in KINDS]
    try:
        with uproot.open(path) as file:
            branches = file[tree]
            there = set(branches.keys())
            needed = [*dict.fromkeys(columns), SIGNAL_LABEL, "fj_pt", "fj_sdmass"]
            missing = [name for name in needed if name not in there]
            if missing:
                raise JetFileError(
                    f"{path}: has no branch {', '.join(missing)}; training and measuring need the "
                    "columns of the network, label_H_bb, fj_pt and fj_sdmass"
                )
            also = [name for name in (*labels, "event") if name in there]
            arrays = branches.arrays([*needed, *[name for name in also if name not in needed]])
    except (OSError, KeyError) as error:
        raise JetFileError(
            f"{path}: cannot be read as jets ({error}); expected a ROOT file with the tree {tree}"
        ) from error
    counts = ak.to_numpy(ak.num(arrays[columns[0]])).astype(np.int64)
    tracks = np.stack(
        [ak.to_numpy(ak.flatten(arrays[name])).astype(np.float32) for name in columns], axis=1
    )
    bad_tracks = ~np.isfinite(tracks).all(axis=1)
    jet_of = np.repeat(np.arange(len(counts)), counts)
    good = (counts > 0) & (np.bincount(jet_of[bad_tracks], minlength=len(counts)) == 0)
    kind = np.full(len(counts), -1, dtype=np.int64)
    for number, label in enumerate(labels):
        if label in arrays.fields:
            kind[ak.to_numpy(arrays[label]) == 1] = number
    has_event = "event" in arrays.fields
    event = ak.to_numpy(arrays["event"]) if has_event else np.arange(len(counts))
    return JetArrays(
        tracks=tracks[good[jet_of]],
        counts=counts[good],
        columns=columns,
        signal=ak.to_numpy(arrays[SIGNAL_LABEL])[good] == 1,
        kind=kind[good],
        event=event.astype(np.int64)[good],
        pt=ak.to_numpy(arrays["fj_pt"]).astype(np.float64)[good],
        sdmass=ak.to_numpy(arrays["fj_sdmass"]).astype(np.float64)[good],
    )
