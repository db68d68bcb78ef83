"""All jets of files at once, as arrays to train a network on or to measure one with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lrp_core.errors import JetError, JetFileError, told
from lrp_core.labels import EXPECTED, HBB
from lrp_core.padding import LEAST_CHOSEN, PADDED, placeholders, tell_padding
from lrp_core.reading import JetFiles
from lrp_core.root_file import GIVE_COLUMNS, Block

NO_LABEL = "without a label"


@dataclass(frozen=True, eq=False)
class JetArrays:
    """Labelled jets one after the other.

    tracks   [n_tracks, n_columns] float32, in the units of the features
    counts   [n_jets] tracks of each jet
    columns  names of the columns
    signal   [n_jets] bool: H -> bb; all others are background (see ``labels``)
    kind     [n_jets] number in ``labels.KINDS``, -1 where its class is not told
    event    [n_jets] number of the event a jet is of, unique over all files; each jet its own event
             where the files do not tell
    pt       [n_jets] GeV; sdmass [n_jets] GeV; NaN where the files do not tell
    left_out reason -> how many jets of the files are not among these
    """

    tracks: npt.NDArray[np.float32]
    counts: npt.NDArray[np.int64]
    columns: tuple[str, ...]
    signal: npt.NDArray[np.bool_]
    kind: npt.NDArray[np.int64]
    event: npt.NDArray[np.int64]
    pt: npt.NDArray[np.float64]
    sdmass: npt.NDArray[np.float64]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.counts)

    def starts(self) -> npt.NDArray[np.int64]:
        """Row of the first track of each jet [n_jets]."""
        return np.cumsum(self.counts) - self.counts

    def left_out_line(self) -> str | None:
        """Says how many jets are left out, and why; None where none is."""
        if not self.left_out:
            return None
        parts = ", ".join(f"{n} {reason}" for reason, n in self.left_out.items())
        return f"left out: {parts}"


def read_jet_arrays(jets: JetFiles, columns: Sequence[str]) -> JetArrays:
    """The jets of some files that have a label and can be used; the others are counted.

    Raises JetFileError where a column or every label is missing, or no jet is left, and JetError
    where a jet is filled up with padding: without the short jets alone, the result would be bent.
    """
    columns = tuple(columns)
    missing = [name for name in dict.fromkeys(columns) if name not in jets.features]
    if missing:
        raise JetFileError(
            told(
                f"{jets.name}: has no track branch {', '.join(missing)}, which the network reads; "
                f"it has {', '.join(jets.features)}; if some are named otherwise, ",
                GIVE_COLUMNS,
            )
        )
    left_out: Counter[str] = Counter()
    parts = []
    events = _events(jets)
    for part, block in jets.blocks():
        own, events = np.split(events, [part.stop - part.start])
        parts.append(_labelled(jets, columns, part, block, own, left_out))
    if not any(len(part) for part in parts):
        told_out = ", ".join(f"{n} {reason}" for reason, n in left_out.items()) or "it has none"
        raise JetFileError(
            f"{jets.name}: there is no jet to train or measure with ({told_out}); expected jets "
            f"labelled by {EXPECTED}"
        )
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("tracks", "counts", "signal", "kind", "event", "pt", "sdmass")
    }
    return JetArrays(columns=columns, left_out=dict(left_out), **arrays)


def _labelled(
    jets: JetFiles,
    columns: tuple[str, ...],
    part: slice,
    block: Block,
    event: npt.NDArray[np.int64],
    left_out: Counter[str],
) -> JetArrays:
    """The jets of a part of a block that have a label and can be used; counts the others."""
    labels = block.labels[part]
    good = np.ones(len(labels), bool)
    for at, (reason, text) in block.problems.items():
        place = at - block.start - part.start
        if place >= 0:
            if reason == PADDED:
                raise JetError(text)
            left_out[reason] += 1
            good[place] = False
    has_label = labels != None  # noqa: E711  (element by element)
    if n_without := int((good & ~has_label).sum()):
        left_out[NO_LABEL] += n_without
    good &= has_label
    offsets = block.offsets[part.start : part.stop + 1]
    counts = np.diff(offsets)
    tracks = block.tracks[offsets[0] : offsets[-1]]
    tracks = tracks if good.all() else tracks[np.repeat(good, counts)]
    tracks = tracks[:, [jets.features.index(name) for name in columns]]
    if LEAST_CHOSEN <= len(set(columns)) < len(jets.features):  # padding in these alone
        rows = placeholders(tracks, columns, jets.padding)
        if len(rows):
            raise JetError(told(f"{jets.name}: ", tell_padding(tracks, rows)))
    nothing = np.full(len(labels), np.nan)
    return JetArrays(
        tracks=tracks.astype(np.float32, copy=False),
        counts=counts[good],
        columns=columns,
        signal=labels[good] == HBB,
        kind=block.kinds[part][good].astype(np.int64),
        event=event[good],
        pt=(nothing if block.pt is None else block.pt[part])[good].astype(np.float64),
        sdmass=(nothing if block.sdmass is None else block.sdmass[part])[good].astype(np.float64),
    )


def _events(jets: JetFiles) -> npt.NDArray[np.int64]:
    """A number for the event of each jet of all files; where they do not tell, one for each jet."""
    numbers = []
    first = 0
    for source, told_by_file in zip(jets.sources, jets.events(), strict=True):
        own = np.arange(source.n_jets)
        if told_by_file is not None and source.n_jets:
            own = np.unique(told_by_file, return_inverse=True)[1].reshape(-1)
        numbers.append(own.astype(np.int64) + first)
        first += int(own.max(initial=-1)) + 1
    return np.concatenate(numbers)
