"""A jet: its tracks, the graph that joins them, and what is known of the jet as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from lrp_core.errors import JetError, TruthError, told
from lrp_core.labels import LABELS
from lrp_core.padding import (
    LEAST_CHOSEN,
    REFUSE,
    Padding,
    not_finite,
    placeholders,
    read_padding,
    read_rows,
    sort_rows,
    tell_padding,
)
from lrp_core.truth import Truth


def complete_graph(n_tracks: int) -> npt.NDArray[np.int64]:
    """All ordered pairs of different tracks, source by source.

    -> edge_index [2, n_tracks * (n_tracks - 1)]: row 0 the source, row 1 the destination.
    """
    source, destination = np.nonzero(~np.eye(n_tracks, dtype=bool))
    return np.stack([source, destination]).astype(np.int64)


def is_complete(edge_index: npt.NDArray[np.int64], n_tracks: int) -> bool:
    """Whether the edges are those of ``complete_graph``, in its order."""
    n = n_tracks
    if edge_index.shape[1] != n * (n - 1):
        return False
    if n == 1:
        return True
    # Of all n x n pairs every (n + 1)th, from the first one on, is a track with itself.
    pairs = edge_index[0] * n + edge_index[1]
    expected = np.arange(1, n * n).reshape(n - 1, n + 1)[:, :n]
    return bool((pairs.reshape(n - 1, n) == expected).all())


@dataclass(frozen=True, eq=False)
class Jet:
    """One jet as a graph of charged tracks.

    tracks      [n_tracks, n_columns] float32 or float64, in the features' units (GeV, cm, rad)
    columns     names of the columns of ``tracks``; a name may stand in it twice
    edge_index  [2, n_edges] int64, row 0 the source track and row 1 the destination track
    label       "hbb", "qcd", or None where it is neither, or is not known (real data)
    pt          transverse momentum in GeV, or None
    sdmass      soft-drop mass in GeV, or None
    eta         pseudorapidity of the jet axis, or None
    jet_id      where the jet comes from, such as "hbb_jets.root:12"
    index       number of the jet in its file or list, or None
    truth       where each track comes from, for simulated jets; else None
    padding     how it was told which rows are no tracks; ``Padding(keep=True)``: all are tracks
    complete    whether every track is joined to every other, source by source; found, not given

    Raises JetError if there are no tracks, a value is not finite or masked, a row is padding
    (nothing but 0, or another usual value, in every column) or the graph does not fit, and
    TruthError, which is one, if the truth does not.
    """

    tracks: npt.NDArray[np.floating]
    columns: tuple[str, ...]
    edge_index: npt.NDArray[np.int64]
    label: str | None = None
    pt: float | None = None
    sdmass: float | None = None
    jet_id: str = "jet"
    index: int | None = None
    eta: float | None = None
    truth: Truth | None = None
    padding: Padding = field(default=REFUSE, repr=False)
    complete: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        name = self.jet_id
        given = (self.tracks, self.edge_index)
        if any(isinstance(one, np.ma.MaskedArray) and np.ma.is_masked(one) for one in given):
            raise JetError(
                f"{name}: some tracks or edges are masked, so that it is not known which the edges "
                "join; make the jet with Jet.from_arrays, which leaves masked tracks out"
            )
        tracks = np.array(self.tracks, copy=True)
        if tracks.dtype not in (np.float32, np.float64):
            try:
                tracks = tracks.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise JetError(f"{name}: tracks must be numbers, found {tracks.dtype}") from error
        columns = tuple(str(column) for column in self.columns)
        if tracks.ndim != 2:
            raise JetError(
                f"{name}: tracks must be an array [n_tracks, n_columns], found shape {tracks.shape}"
            )
        if tracks.shape[1] != len(columns):
            raise JetError(
                f"{name}: {tracks.shape[1]} columns of values but {len(columns)} column names; "
                "give one name for each column"
            )
        if tracks.shape[0] == 0:
            raise JetError(f"{name}: the jet has no tracks; a jet needs at least one")
        if not np.isfinite(tracks).all():
            raise JetError(told(f"{name}: ", not_finite(tracks, columns)))
        edge_index = np.array(self.edge_index, copy=True)
        if edge_index.ndim != 2 or edge_index.shape[0] != 2:
            raise JetError(
                f"{name}: edge_index must be an array [2, n_edges], found shape {edge_index.shape}"
            )
        if edge_index.size and edge_index.dtype.kind not in "iu":
            raise JetError(f"{name}: edge_index must be integers, found {edge_index.dtype}")
        edge_index = edge_index.astype(np.int64)
        if edge_index.size and not (edge_index.min() >= 0 and edge_index.max() < tracks.shape[0]):
            raise JetError(
                f"{name}: edge_index goes from {edge_index.min()} to {edge_index.max()}, "
                f"but the tracks are numbered 0 to {tracks.shape[0] - 1}"
            )
        if self.label is not None and self.label not in LABELS:
            raise JetError(
                f"{name}: label {self.label!r} is not one of {', '.join(LABELS)} or None"
            )
        if self.truth is not None and self.truth.n_tracks != tracks.shape[0]:
            raise TruthError(
                f"{name}: the truth is of {self.truth.n_tracks} tracks, but the jet has "
                f"{tracks.shape[0]}; give one value per track"
            )
        tracks.setflags(write=False)
        edge_index.setflags(write=False)
        self._refuse_padding(tracks, columns)
        object.__setattr__(self, "tracks", tracks)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "edge_index", edge_index)
        object.__setattr__(self, "complete", is_complete(edge_index, tracks.shape[0]))

    @classmethod
    def from_arrays(
        cls,
        tracks: npt.ArrayLike,
        columns: Sequence[str],
        edge_index: npt.ArrayLike | None = None,
        *,
        label: str | None = None,
        pt: float | None = None,
        sdmass: float | None = None,
        jet_id: str = "jet",
        index: int | None = None,
        eta: float | None = None,
        truth: Truth | None = None,
        padding: str | float | Padding | None = None,
    ) -> Jet:
        """Make a jet of one's own arrays; without ``edge_index``, all tracks are joined.

        tracks      [n_tracks, n_columns]; rows that are masked (numpy.ma, None, option types of
                    awkward) are left out
        edge_index  [2, n_edges], numbers of rows of ``tracks``
        padding     what rows hold that were added to fill up to a fixed length: "zeros", "nan", or
                    a number such as -999; they are left out. None: a jet with such rows is refused;
                    "keep": there are none, and a row of zeros is a track

        Raises JetError as ``Jet`` does, also for a row that is masked in part, rows of padding
        between tracks and edges to rows that are left out; SettingsError for another padding.
        """
        chosen = read_padding(padding)
        try:
            values, missing = read_rows(tracks)
        except (TypeError, ValueError) as error:
            raise JetError(
                f"{jet_id}: tracks must be an array of numbers [n_tracks, n_columns] ({error})"
            ) from error
        edges = None if edge_index is None else np.asanyarray(edge_index)
        if edges is not None and edges.size == 0:
            edges = np.zeros((2, 0), dtype=np.int64)
        columns = tuple(columns)
        usual = values.ndim == 2 and values.shape[1] == len(columns) and len(values) > 0
        if usual and values.dtype.kind in "fiub" and (missing is not None or chosen.drops):
            if values.dtype not in (np.float32, np.float64):
                values = values.astype(np.float64)
            whose = np.array([0, len(values)])
            found = sort_rows(values, whose, columns, chosen, missing)
            for _, text in found.problems.values():
                raise JetError(told(f"{jet_id}: ", text))
            if found.keep is not None:
                keep = found.keep
                values = values[keep]
                edges = None if edges is None else _edges_among(edges, keep, jet_id)
                if truth is not None and truth.n_tracks == len(keep):
                    truth = replace(truth, origin=truth.origin[keep], b=truth.b[keep])
        if edges is None:
            edges = complete_graph(values.shape[0] if values.ndim else 0)
        return cls(
            tracks=values,
            columns=tuple(columns),
            edge_index=edges,
            label=label,
            pt=pt,
            sdmass=sdmass,
            jet_id=jet_id,
            index=index,
            eta=eta,
            truth=truth,
            padding=chosen,
        )

    def _refuse_padding(self, tracks: npt.NDArray[np.floating], columns: Sequence[str]) -> None:
        """Raise JetError if some rows stand for no track."""
        rows = placeholders(tracks, columns, self.padding)
        if len(rows):
            raise JetError(told(f"{self.jet_id}: ", tell_padding(tracks, rows)))

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return int(self.tracks.shape[0])

    @property
    def n_edges(self) -> int:
        """Number of directed edges."""
        return int(self.edge_index.shape[1])

    def column(self, name: str) -> npt.NDArray[np.floating]:
        """The values of one column, [n_tracks]. Raises JetError naming the columns there are."""
        try:
            return self.tracks[:, self.columns.index(name)]
        except ValueError:
            raise JetError(
                f"{self.jet_id}: there is no column {name!r}; "
                f"the columns are {', '.join(self.columns)}"
            ) from None

    def select(self, columns: Sequence[str]) -> npt.NDArray[np.floating]:
        """The values of ``columns`` in that order, [n_tracks, len(columns)].

        A name that stands several times in ``columns`` takes the jet's columns of that name one by
        one if the jet has as many of them, and otherwise the jet's only one every time.
        Raises JetError naming what is missing or ambiguous, and rows that are padding in all of
        these columns, though not in the others of the jet.
        """
        chosen = self._select(tuple(columns))
        n_columns = len(set(columns))
        if LEAST_CHOSEN <= n_columns < len(set(self.columns)):
            self._refuse_padding(chosen, columns)
        return chosen

    def _select(self, columns: tuple[str, ...]) -> npt.NDArray[np.floating]:
        if columns == self.columns:
            return self.tracks
        place_of = dict(zip(self.columns, range(len(self.columns)), strict=True))
        if len(place_of) == len(self.columns):
            try:
                return self.tracks.take([place_of[name] for name in columns], axis=1)
            except KeyError:
                pass  # said below
        places: dict[str, list[int]] = {}
        for place, name in enumerate(self.columns):
            places.setdefault(name, []).append(place)
        missing = [name for name in dict.fromkeys(columns) if name not in places]
        if missing:
            raise JetError(
                f"{self.jet_id}: the network needs {', '.join(missing)}, "
                f"which the jet does not have; it has {', '.join(places)}"
            )
        chosen, seen = [], dict.fromkeys(columns, 0)
        for name in columns:
            there = places[name]
            if len(there) not in (1, columns.count(name)):
                raise JetError(
                    f"{self.jet_id}: {name} stands {len(there)} times in the jet and "
                    f"{columns.count(name)} times in the network's columns; "
                    "give it once or as often"
                )
            chosen.append(there[seen[name] if len(there) > 1 else 0])
            seen[name] += 1
        return self.tracks[:, chosen]


def _edges_among(
    edges: npt.NDArray[np.integer], keep: npt.NDArray[np.bool_], name: str
) -> npt.NDArray[np.integer]:
    """Edges [2, n_edges] renumbered for the tracks that are kept, [n_rows]; raises JetError."""
    if (
        edges.dtype.kind not in "iu"
        or not edges.size
        or edges.min() < 0
        or edges.max() >= len(keep)
    ):
        return edges  # told when the jet is made
    if not keep[edges].all():
        row = int(edges[~keep[edges]][0])
        raise JetError(
            f"{name}: edge_index joins row {row} of the tracks, which is masked or padding and is "
            "left out; leave its edges out as well"
        )
    renumbered: npt.NDArray[np.integer] = (np.cumsum(keep) - 1)[edges]
    return renumbered
