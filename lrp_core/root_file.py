"""One ROOT file of jets: its tree, its branches, and ranges of its jets decoded into arrays.

A track feature is a jagged branch of numbers named ``track_*`` or ``trackBTag_*``, written as
``vector<float>`` (ROOT) or ``float[]`` (uproot). The header of the tree tells how many jets there
are and where the baskets lie; a basket holds one branch of some hundreds of jets, and is the least
that can be read. An RNTuple is read as well: fields are its branches, clusters its baskets. The
truth of simulated jets is in branches ``track_truth_*`` and ``fj_truth_*``, which are no features.
With ``root_branches`` (what is stored under which name) and ``root_source`` (where the bytes come
from) this is all that knows uproot; ``reading`` makes jets of what it finds, here or in Parquet
(``parquet_file``). Where what a file is on fails, SourceError leaves, and no jet is damaged for it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lrp_core import file_kind
from lrp_core.errors import ColumnsError, JetFileError, SourceError, Told, TreeError, told
from lrp_core.labels import NO_KIND, is_label, kinds_of, labels_among, labels_of
from lrp_core.padding import PADDED, Padding, not_finite, sort_rows
from lrp_core.root_branches import (
    Branch,
    branches_of,
    describe,
    listing,
    tell,
    what_could_be_tracks,
    why_no_list,
)
from lrp_core.source_faults import retried, short
from lrp_core.truth import B_NUMBERS, Origin

TREE = "deepntuplizer/tree"
TREE_CLASSES = ("TTree", "ROOT::RNTuple")
# What looks like a tree of jets, and why it is none.
NO_TREES = {
    "TNtuple": "which holds one number per row and branch and no lists, so no tracks; expected a "
    "TTree or RNTuple with a list of numbers per jet, as vector<float>",
    "TNtupleD": "which holds one number per row and branch and no lists, so no tracks; expected a "
    "TTree or RNTuple with a list of numbers per jet, as vector<float>",
    "TChain": "which only names the files that its jets are in; give those files",
    "ROOT::Experimental::RNTuple": "an RNTuple of a ROOT before 6.34, when its format was not yet "
    "final; write it again with a newer ROOT",
}
TRACK_PREFIXES = ("track_", "trackBTag_")
PT, SDMASS, ETA = "fj_pt", "fj_sdmass", "fj_eta"
EVENT = "event"  # number of the event that a jet is of
# What tells that an entry is an event, as in NanoAOD and what Delphes writes, and not a jet.
EVENTS, OF_EVENTS = "Events", {"nJet", "nFatJet", "Jet_pt", "FatJet_pt", "Jet.PT", "Jet_size"}
TRUTH_PREFIXES = ("track_truth_", "fj_truth_")
TRUTH_OF_TRACKS = {"track_truth_origin": tuple(Origin), "track_truth_b": B_NUMBERS}
TRUTH_B_HADRONS = tuple(
    f"fj_truth_b{number}_{value}" for number in (1, 2) for value in ("pt", "etarel", "phirel")
)

BLOCK_BYTES = 64 << 20  # the most track data decoded and kept as one piece
UNPACKED_BYTES = 256 << 20  # the most that is read and unpacked at once
MOST_TRACKS = 1000  # of a jet: every pair of them is joined, which takes about 1 GB to explain
LEAST_JET_BYTES = 256  # of a block, whatever the file says: each of its jets has a story, too

GIVE_TREE = Told("give the name of the one that holds jets as tree", "name it with --tree NAME")
GIVE_COLUMNS = Told(
    "give a column map, such as columns={'track_pt': 'trk_pt'}",
    "say which they are, as in --column track_pt=trk_pt",
)

# Why a jet cannot be used.
UNREADABLE = "cannot be read"
LENGTHS = "track branches of different lengths"
NO_TRACKS = "no tracks"
TOO_MANY = f"more than {MOST_TRACKS} tracks"
NOT_FINITE = "values that are not finite"
NO_TRUTH = "truth that is not possible"


@dataclass(frozen=True)
class Block:
    """Some jets of one file, one behind the other, decoded.

    tracks [n_tracks, n_features] of the good jets; offsets [n_jets + 1] say whose they are
    truth [n_tracks, 2]: origin and b-hadron of each track
    b_hadrons [n_jets, 2, 3]: pt, etarel and phirel of both; there is none where pt is not positive
    kinds [n_jets]: number in ``labels.KINDS``, NO_KIND where it has none
    left_out [n_jets]: rows of each jet that were padding, or missing, and are not in ``tracks``
    problems: number in the file -> reason, message
    """

    start: int
    stop: int
    tracks: npt.NDArray[np.floating]
    offsets: npt.NDArray[np.int64]
    pt: npt.NDArray[Any] | None
    sdmass: npt.NDArray[Any] | None
    eta: npt.NDArray[Any] | None
    truth: npt.NDArray[np.int8] | None
    b_hadrons: npt.NDArray[Any] | None
    labels: npt.NDArray[np.object_]
    kinds: npt.NDArray[np.int8]
    left_out: npt.NDArray[np.int64]
    problems: dict[int, tuple[str, str]]


T = TypeVar("T")


class DamagedBranchError(Exception):
    """A branch cannot be read between two entries; never leaves the modules of files."""


class RootFile:
    """One ROOT file: its tree, the branches that matter, and how to decode a range of jets."""

    def __init__(
        self, path: str, tree: str | None, columns: dict[str, str], padding: Padding
    ) -> None:
        self.path = path
        self.is_remote = is_remote(path)
        self.name = path.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
        self.tree_name = tree
        self.columns = columns
        self.padding = padding
        self.features: tuple[str, ...] = ()
        self.wanted: tuple[str, ...] | None = None
        self.file: Any = None
        self.process = 0
        self.stamp = self._stamp()
        self.uuid = ""
        self.n_jets = self._count_jets()

    def jet_id(self, entry: int) -> str:
        return f"{self.name}:{entry}"

    def open(self) -> None:
        """Open the file and find its branches, unless that is done. Raises JetFileError."""
        if self._stamp() != self.stamp:
            self.close()
            raise JetFileError(
                f"{self.path} has changed since it was opened; open the jets again to use it"
            )
        if self.file is not None and self.process == os.getpid():
            return
        self.file, tree = self._open_tree()
        self.process = os.getpid()
        try:
            self._told("its branches cannot be read", lambda: self._find_branches(tree))
        except JetFileError:
            self.close()
            raise

    def label_names(self) -> tuple[str, ...]:
        """The labels that there are branches for; the file must have been open."""
        return labels_among(self.scalars)

    @property
    def leaves_out(self) -> bool:
        """Whether rows may be left out of the lists, so that their lengths say too much."""
        return self.padding.drops

    def close(self) -> None:
        if self.file is not None and self.process == os.getpid():
            self.file.close()
        self.file = None

    def _stamp(self) -> tuple[int, int] | None:
        """Size and time of the last change; None for a file elsewhere."""
        if self.is_remote:
            return None
        try:
            found = retried(Path(self.path).stat, self.path)
        except SourceError:
            raise
        except JetFileError as error:
            raise JetFileError(
                f"{self.path}: there is no such file, or it cannot be read"
            ) from error
        return found.st_size, found.st_mtime_ns

    def truncation(self) -> str:
        """Says that the file is shorter than its own header promises; else nothing."""
        if not self.is_remote:
            return truncation(self.path)
        inner = getattr(self.file, "file", self.file)
        if inner is None:
            return ""
        size, end = inner.source.num_bytes, int(inner.fEND)
        return f"it is truncated, {size} of {end} bytes are there" if size and size < end else ""

    def _told(self, what: str, read: Callable[[], T]) -> T:
        """What ``read`` gives. Raises JetFileError where that cannot be, and says why."""
        try:
            return retried(read, self.path)
        except JetFileError:
            raise
        except Exception as error:
            raise JetFileError(
                f"{self.path}: {what}: {self.truncation() or short(error)}; copy or download the "
                "file again"
            ) from error

    def _count_jets(self) -> int:
        """Number of jets, from the header of the tree alone."""
        import uproot
        from uproot.models.TTree import Model_TTree_NumEntries

        # All other classes as ever: without them uproot cannot read what an RNTuple begins with.
        classes = {**uproot.classes, "TTree": Model_TTree_NumEntries}
        file, tree = self._open_tree(custom_classes=classes)
        with file:
            self.uuid = str(file.file.uuid)
            if isinstance(tree, Model_TTree_NumEntries):
                return int(tree.all_members["fEntries"][0])
            return self._told("its jets cannot be counted", lambda: int(tree.num_entries))

    def _open_tree(self, **options: Any) -> tuple[Any, Any]:
        """-> the open file and its tree."""
        import uproot

        from lrp_core.root_source import BoundedSource, RemoteSource, noted

        sources: list[Any] = []
        if self.is_remote:
            options |= {"handler": noted(RemoteSource, sources)}
        else:
            check_kind(self.path, file_kind.ROOT)
            # Plain reads: threads do not survive a fork, nor memory maps a file that gets shorter.
            options |= {"handler": noted(BoundedSource, sources), "use_threads": False}
        source = self.path if self.is_remote else {self.path: None}

        def opened() -> Any:
            try:
                return uproot.open(source, object_cache=None, array_cache=None, **options)
            except BaseException:
                for one in sources:  # uproot leaves them open
                    one.close()
                raise

        try:
            file = retried(opened, self.path)
        except JetFileError:
            raise
        except ImportError as error:
            raise JetFileError(
                f"{self.path}: a package to read such an address is missing ({short(error)}); for "
                "root:// install fsspec-xrootd and xrootd: pip install 'jetlrp[xrootd]'"
            ) from error
        except Exception as error:
            if self.is_remote:
                begin = bytes(
                    RemoteSource(self.path).chunk(0, file_kind.HEAD_BYTES).future.result()
                )
                refuse_kind(self.path, file_kind.ROOT, file_kind.kind_of_head(begin), begin)
            raise JetFileError(
                f"{self.path} cannot be opened as a ROOT file: "
                f"{self.truncation() or short(error)}; copy or download it again"
            ) from error
        if not hasattr(file, "keys") or hasattr(
            file, "branches"
        ):  # an address with ":tree" at its end
            return file.file, file
        try:
            return file, self._told("its tree cannot be read", lambda: self._find_tree(file))
        except JetFileError:
            file.close()
            raise

    def _find_tree(self, file: Any) -> Any:
        classes = {key.split(";")[0]: name for key, name in file.classnames().items()}
        trees = [key for key, name in classes.items() if name in TREE_CLASSES]
        asked = None if self.tree_name is None else self.tree_name.split(";")[0]
        for key, name in classes.items():
            if name in NO_TREES and (key == asked or (asked is None and not trees)):
                raise JetFileError(f"{self.path}: {key} is a {name}, {NO_TREES[name]}")
        there = f"it has {', '.join(trees)}"
        if not trees:
            found = listing(classes)
            if not classes and not file.fSeekKeys:
                found += (
                    ": it was never closed, as when its program stopped while writing; open it "
                    "once in ROOT for update, which recovers what was saved, or write it again"
                )
            raise JetFileError(
                f"{self.path}: there is no tree in the file, only {found}; "
                f"expected a TTree of jets, such as {TREE}"
            )
        if self.tree_name is not None:
            if asked not in trees:
                raise TreeError(
                    told(f"{self.path}: there is no tree {self.tree_name!r}; {there}; ", GIVE_TREE),
                    trees,
                )
            return file[self.tree_name]
        if TREE in trees:
            return file[TREE]
        if len(trees) == 1:
            return file[trees[0]]
        raise TreeError(
            told(f"{self.path}: there is no tree {TREE!r}; {there}; ", GIVE_TREE),
            trees,
        )

    def _find_branches(self, tree: Any) -> None:
        """Sort the tree's branches into track features, numbers of the whole jet, and truth."""
        branches = self._sources(tree)
        missing = [name for name in self.columns.values() if name not in branches]
        if missing:
            described = self._all(branches)
            raise ColumnsError(
                told(
                    f"{self.path}: ",
                    Told("the column map names ", "--column names "),
                    f"{', '.join(missing)}, which the tree does not have; "
                    f"{what_could_be_tracks(described, missing)}",
                ),
                [branch.name for branch in described if branch.is_list],
            )
        taken = set(self.columns.values())
        standard = {branch: name for name, branch in self.columns.items()}
        self.tracks: dict[str, Branch] = {}
        self.scalars: dict[str, Branch] = {}
        self.truth: dict[str, Branch] = {}
        self.others: dict[str, Branch] = {}
        self.event: Branch | None = None
        self.has_events = tree.name == EVENTS or not OF_EVENTS.isdisjoint(branches)
        for branch_name, source in branches.items():
            name = standard.get(branch_name, branch_name)
            if branch_name not in taken and name in self.columns:
                continue  # the map gives this name to another branch
            mapped = branch_name in taken
            is_truth = name.startswith(TRUTH_PREFIXES)
            if is_truth and name not in (*TRUTH_OF_TRACKS, *TRUTH_B_HADRONS):
                continue
            if name == EVENT:
                self.event = self._describe(branch_name, source)
            elif name in (PT, SDMASS, ETA, *TRUTH_B_HADRONS) or is_label(name):
                branch = self._describe(branch_name, source)
                if branch.is_number:
                    (self.truth if is_truth else self.scalars)[name] = branch
                elif mapped:
                    raise JetFileError(
                        f"{self.path}: {name} is mapped to {branch_name}, which is "
                        f"{branch.typename}; expected one number per jet"
                    )
            elif mapped or name.startswith(TRACK_PREFIXES):
                branch = self._describe(branch_name, source)
                if branch.is_list:
                    (self.truth if is_truth else self.tracks)[name] = branch
                elif mapped:
                    raise JetFileError(
                        f"{self.path}: {name} is mapped to {branch_name}, which is "
                        f"{why_no_list(branch)}"
                    )
                else:
                    self.others[name] = branch
        if not self.tracks:
            described = self._all(branches)
            raise ColumnsError(
                told(
                    f"{self.path}: no track branches in the tree {tree.name!r}; expected lists of "
                    "numbers named track_* or trackBTag_*, such as vector<float> track_pt; "
                    f"{self._not_so()}{what_could_be_tracks(described)}"
                    "; if the tracks are named otherwise, ",
                    GIVE_COLUMNS,
                ),
                [branch.name for branch in described if branch.is_list],
            )
        if self.wanted is not None:
            lacking = [name for name in self.wanted if name not in self.tracks]
            if lacking:
                raise JetFileError(
                    f"{self.path}: the branches {', '.join(lacking)} are missing, which the first "
                    f"file has; {self._not_so(lacking)}"
                    "files read as one sequence need the same track branches"
                )
            self.tracks = {name: self.tracks[name] for name in self.wanted}
        self._check_truth()
        self.features = tuple(self.tracks)
        types = [branch.dtype for branch in self.tracks.values() if branch.dtype is not None]
        self.dtype = np.result_type(np.float32, *types)
        self.tree = tree
        self.branches = {**self.tracks, **self.scalars, **self.truth}
        self.used = list(self.branches.values())
        self.common = reduce(np.intersect1d, [branch.edges for branch in self.used])
        self.jet_bytes = sum(branch.jet_bytes for branch in self.used if branch.is_list)

    def _sources(self, tree: Any) -> dict[str, Any]:
        """What the tree stores, by name."""
        return branches_of(tree)

    def _describe(self, name: str, source: Any) -> Branch:
        """What matters of a branch."""
        return describe(name, source)

    def _all(self, branches: Mapping[str, Any]) -> list[Branch]:
        return [self._describe(name, source) for name, source in branches.items()]

    def _not_so(self, names: Iterable[str] | None = None) -> str:
        """Says which branches have names of tracks but are no lists of numbers; nothing if none."""
        wanted = self.others if names is None else names
        others = [self.others[name] for name in wanted if name in self.others]
        if not others:
            return ""
        padded = any(branch.length is not None for branch in others)
        return (
            f"{tell(others)} cannot be used: "
            + ("arrays of fixed length are padded; " if padded else "")
            + "write one number for each track of the jet, as vector<float>; "
        )

    def _check_truth(self) -> None:
        """Refuse a truth of which only a part is there. Raises JetFileError."""
        if not self.truth:
            return
        needed = list(TRUTH_OF_TRACKS)
        if any(name in self.truth for name in TRUTH_B_HADRONS):
            needed += TRUTH_B_HADRONS
        missing = [name for name in needed if name not in self.truth]
        if missing:
            raise JetFileError(
                f"{self.path}: the truth of the jets is not complete: it has "
                f"{listing(self.truth)}, but not {', '.join(missing)}; expected "
                f"{' and '.join(TRUTH_OF_TRACKS)}, lists of numbers per jet, and all or none of "
                f"{TRUTH_B_HADRONS[0]} to {TRUTH_B_HADRONS[-1]}, numbers of the jet; "
                "write all of them or leave the truth out"
            )

    def span(self, entry: int, stop: int) -> tuple[int, int]:
        """Range of jets around ``entry`` to ``stop`` - 1 that the same baskets hold in any case.

        Shorter where that would be more than BLOCK_BYTES, but with ``entry`` in it; then it ends
        where all branches begin a new basket, if there is such a place.
        """
        ranges = [branch.baskets(entry, stop) for branch in self.used]
        low, high = max(first for first, _ in ranges), min(end for _, end in ranges)
        low, high = min(low, entry), max(high, stop)
        most = max(1, int(BLOCK_BYTES / max(self.jet_bytes, LEAST_JET_BYTES)))
        if high - low > most:
            low = max(low, entry // most * most)
            high = min(high, low + most)
            breaks = self.common[(self.common > entry) & (self.common <= high)]
            high = int(breaks[-1]) if len(breaks) and high < stop else high
        return low, high

    def block(self, entry: int, stop: int) -> Block:
        """``entry`` and what its baskets hold up to ``stop`` and beyond, decoded.

        Where a branch cannot be read: the jets of that one basket, all of them with this problem.
        """
        try:
            return self._decode(*self.span(entry, stop))
        except DamagedBranchError:
            start, stop = self.span(entry, entry + 1)
        except JetFileError:
            self.close()  # what it is on failed; the next request opens it anew
            raise
        try:
            return self._decode(start, stop)
        except JetFileError:
            self.close()
            raise
        except DamagedBranchError as error:
            why = {at: (UNREADABLE, f"{self.jet_id(at)}: {error}") for at in range(start, stop)}
        return Block(
            start=start,
            stop=stop,
            tracks=np.zeros((0, len(self.features)), self.dtype),
            offsets=np.zeros(stop - start + 1, np.int64),
            pt=None,
            sdmass=None,
            eta=None,
            truth=None,
            b_hadrons=None,
            labels=np.full(stop - start, None, dtype=object),
            kinds=np.full(stop - start, NO_KIND, np.int8),
            left_out=np.zeros(stop - start, np.int64),
            problems=why,
        )

    def _decode(self, start: int, stop: int) -> Block:
        n_jets = stop - start
        problems: dict[int, tuple[str, str]] = {}

        def bad(at: int | np.integer[Any], reason: str, text: str) -> None:
            number = start + int(at)
            problems.setdefault(number, (reason, told(f"{self.jet_id(number)}: ", text)))

        flat: dict[str, npt.NDArray[Any]] = {}
        gaps: dict[str, npt.NDArray[np.bool_]] = {}
        ends: dict[str, npt.NDArray[np.int64]] = {}
        numbers: dict[str, npt.NDArray[Any]] = {}
        for group in self._groups(start, stop):
            for name, array in self._arrays(group, start, stop).items():
                if self.branches[name].is_list:
                    ends[name], flat[name], missing = _flatten(array)
                    if missing is not None:
                        gaps[name] = missing
                else:
                    numbers[name] = np.asarray(array)
            if sum(values.nbytes for values in flat.values()) > UNPACKED_BYTES:
                raise DamagedBranchError(
                    f"the jets {start} to {stop - 1} of {self.path} cannot be read: their tracks "
                    f"take more than {UNPACKED_BYTES >> 20} MB; write the file again with jets of "
                    "fewer tracks"
                )

        # The same number of tracks in every branch, and not too many, or the jet is left out.
        reference = ends[self.features[0]]
        different = np.zeros(n_jets, bool)
        for name in ends:
            if not np.array_equal(ends[name], reference):
                different |= np.diff(ends[name]) != np.diff(reference)
        for at in np.flatnonzero(different):
            lengths = {name: int(ends[name][at + 1] - ends[name][at]) for name in ends}
            bad(at, LENGTHS, _tell_lengths(lengths))
        counts = np.where(different, 0, np.diff(reference))
        if different.any():
            for name in ends:
                keep = np.repeat(~different, np.diff(ends[name]))
                flat[name] = flat[name][keep]
                if name in gaps:
                    gaps[name] = gaps[name][keep]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        tracks = np.empty((offsets[-1], len(self.features)), self.dtype)
        for column, name in enumerate(self.features):
            tracks[:, column] = flat.pop(name)
        missing = None
        if gaps:
            missing = np.zeros(tracks.shape, bool)
            for column, name in enumerate(self.features):
                missing[:, column] = gaps.get(name, False)

        # Rows that are no tracks are left out, with what is known of their truth.
        rows = sort_rows(tracks, offsets, self.features, self.padding, missing)
        for jet, (reason, text) in rows.problems.items():
            bad(jet, reason, text)
        left_out = np.zeros(n_jets, np.int64)
        if rows.keep is not None:
            n_before = np.concatenate([[0], np.cumsum(rows.keep)])
            left_out, counts = counts, np.diff(n_before[offsets])
            left_out = left_out - counts
            tracks = tracks[rows.keep]
            flat = {name: values[rows.keep] for name, values in flat.items()}
        many = counts > MOST_TRACKS
        if many.any():
            for at in np.flatnonzero(many):
                text = f"the jet has {counts[at]} tracks; a jet has at most {MOST_TRACKS}"
                bad(at, TOO_MANY, text)
            few = np.repeat(~many, counts)
            tracks = tracks[few]
            flat = {name: values[few] for name, values in flat.items()}
            counts = np.where(many, 0, counts)
        offsets = np.concatenate([[0], np.cumsum(counts)])

        for at in np.flatnonzero((counts == 0) & ~different & ~many):
            why = f", all its {left_out[at]} rows are padding or null" if left_out[at] else ""
            bad(at, NO_TRACKS, f"the jet has no tracks{why}; a jet needs at least one")
        finite = np.isfinite(tracks)
        if not finite.all():
            jet_of = np.searchsorted(offsets, np.flatnonzero(~finite.all(axis=1)), side="right") - 1
            for at in np.unique(jet_of):
                of_jet = tracks[offsets[at] : offsets[at + 1]]
                text = not_finite(of_jet, self.features)
                bad(at, PADDED if isinstance(text, Told) else NOT_FINITE, text)
        for name in (PT, SDMASS, ETA, *TRUTH_B_HADRONS):
            if name in numbers:
                for at in np.flatnonzero(~np.isfinite(numbers[name])):
                    bad(at, NOT_FINITE, f"{name} is {numbers[name][at]}; expected a finite number")
        truth = np.zeros((offsets[-1], 2), np.int8) if self.truth else None
        for column, (name, allowed) in enumerate(TRUTH_OF_TRACKS.items() if self.truth else ()):
            assert truth is not None
            values = flat.pop(name)
            possible = np.isin(values, allowed)
            truth[possible, column] = values[possible]
            for row in np.flatnonzero(~possible):
                at = np.searchsorted(offsets, row, side="right") - 1
                wanted = f"a whole number from {min(allowed)} to {max(allowed)}"
                found = f"{name} is {values[row]} for track {row - offsets[at]}"
                bad(at, NO_TRUTH, f"{found}; expected {wanted}")
        b_hadrons = None
        if TRUTH_B_HADRONS[0] in numbers:
            b_hadrons = np.stack([numbers[name] for name in TRUTH_B_HADRONS], axis=1)
            b_hadrons = b_hadrons.reshape(n_jets, 2, 3)
        labels = labels_of(numbers, n_jets)
        return Block(
            start=start,
            stop=stop,
            tracks=tracks,
            offsets=offsets,
            pt=numbers.get(PT),
            sdmass=numbers.get(SDMASS),
            eta=numbers.get(ETA),
            truth=truth,
            b_hadrons=b_hadrons,
            labels=labels,
            kinds=kinds_of(numbers, labels),
            left_out=left_out,
            problems=problems,
        )

    def _groups(self, start: int, stop: int) -> Iterator[dict[str, Branch]]:
        """All branches, in groups whose baskets have room in memory together; mostly one group."""
        group: dict[str, Branch] = {}
        size = 0.0
        for name, branch in self.branches.items():
            first, end = branch.baskets(start, stop)
            needed = branch.jet_bytes * (end - first)
            if group and size + needed > UNPACKED_BYTES / 2:
                yield group
                group, size = {}, 0.0
            group[name] = branch
            size += needed
        yield group

    def _arrays(self, branches: dict[str, Branch], start: int, stop: int) -> dict[str, Any]:
        """Standard name -> the branch's values, all fetched in one go."""
        chosen = {id(branch.source) for branch in branches.values()}

        def read() -> Any:
            self._begin(branches.values(), start, stop)
            return self.tree.arrays(
                filter_branch=lambda source: id(source) in chosen,
                entry_start=start,
                entry_stop=stop,
                library="ak",
                how=dict,
                array_cache=None,
            )

        found: dict[str, Any] = {}
        paths = {branch.path for branch in branches.values()}
        # What is read of a tuple is numbered anew.
        in_tuples = any(part.isdigit() for path in paths for part in path[1:])
        if len(paths) == len(branches) and not in_tuples:
            try:
                arrays = retried(read, self.path)
                for name, branch in branches.items():
                    found[name] = reduce(lambda array, part: array[part], branch.path, arrays)
                if all(len(array) == stop - start for array in found.values()):
                    return found
            except JetFileError:
                raise
            except Exception:
                found = {}
        # One of them cannot be read, and uproot does not say which.
        for name, branch in branches.items():
            found[name] = self._array(branch, start, stop)
        return found

    def _begin(self, branches: Iterable[Branch], start: int, stop: int) -> None:
        """Allow as much as may be unpacked at once. Raises TooMuchError if they claim more."""
        from lrp_core.root_source import BoundedSource

        source = getattr(self.file, "file", self.file).source
        if isinstance(source, BoundedSource):
            source.begin(UNPACKED_BYTES)
            source.take(sum(branch.claims(start, stop) for branch in branches))

    def _array(self, branch: Branch, start: int, stop: int) -> Any:
        from lrp_core.root_source import TooMuchError

        where = f"{branch.name} cannot be read for the jets {start} to {stop - 1} of {self.path}"

        def read() -> Any:
            self._begin([branch], start, stop)
            return branch.source.array(
                entry_start=start, entry_stop=stop, library="ak", array_cache=None
            )

        fault = ""
        for _ in range(2 if self.is_remote else 1):  # a network may garble what it brings
            try:
                array = retried(read, self.path)
                if len(array) == stop - start:
                    return array
                fault = f"it holds {len(array)} of {stop - start} jets"
            except JetFileError:
                raise
            except TooMuchError as error:
                raise DamagedBranchError(
                    f"{where}: {error}; write the file again with fewer jets in a basket"
                ) from error
            except Exception as error:
                fault = short(error)
        raise DamagedBranchError(
            f"{where}: {self.truncation() or fault}; the file is damaged, copy or download it again"
        )

    def summary(self) -> dict[str, npt.NDArray[Any]]:
        """The columns of JetFiles.summary() for this file."""
        n_jets = self.n_jets
        problem = np.full(n_jets, None, dtype=object)
        numbers: dict[str, npt.NDArray[Any]] = {}
        for name, branch in self.scalars.items():
            numbers[name] = self._whole(branch, problem)[0]

        counted = (self._tracks_left if self.leaves_out else self._tracks_counted)(problem)
        for name in (PT, SDMASS, ETA):
            if name in numbers:
                for at in np.flatnonzero(~np.isfinite(numbers[name])):
                    problem[at] = problem[at] or f"{name} is {numbers[name][at]}"

        def number(name: str) -> npt.NDArray[Any]:
            if name in numbers:
                return numbers[name].astype(np.float64)
            return np.full(n_jets, None, dtype=object)

        return {
            "label": labels_of(numbers, n_jets),
            "pt": number(PT),
            "sdmass": number(SDMASS),
            "n_tracks": counted,
            "problem": problem,
        }

    def _tracks_counted(self, problem: npt.NDArray[np.object_]) -> npt.NDArray[Any]:
        """Tracks of each jet as the lists' lengths tell; None where they cannot be read.

        What the lengths say against a jet is noted in ``problem``, where nothing is yet.
        """
        n_jets = self.n_jets
        readable = np.ones(n_jets, bool)
        counters: dict[str, Branch] = {}
        uncounted = []
        for branch in self.tracks.values():
            if branch.counter is not None:
                counters[branch.counter.name] = branch.counter
            else:
                uncounted.append(branch)
        if uncounted:
            smallest = min(uncounted, key=lambda branch: branch.size)
            counters[smallest.name] = smallest
        lengths = {}
        for name, branch in counters.items():
            lengths[name], there = self._whole(branch, problem)
            readable &= there
        n_tracks = next(iter(lengths.values())).astype(np.int64)

        differs = np.zeros(n_jets, bool)
        for other in lengths.values():
            differs |= other != n_tracks
        for at in np.flatnonzero(differs & readable):
            of_jet = {name: int(length[at]) for name, length in lengths.items()}
            problem[at] = problem[at] or f"{LENGTHS}: {_pairs(of_jet)}"
        none = (n_tracks == 0) & readable & ~differs
        problem[none & (problem == None)] = NO_TRACKS  # noqa: E711  (element by element)
        many = (n_tracks > MOST_TRACKS) & readable
        problem[many & (problem == None)] = TOO_MANY  # noqa: E711
        counted: npt.NDArray[Any] = n_tracks
        if not readable.all():
            counted = n_tracks.astype(object)
            counted[~readable] = None
        return counted

    def _tracks_left(self, problem: npt.NDArray[np.object_]) -> npt.NDArray[Any]:
        """Tracks of each jet once rows are left out that are none, which takes reading all of them.

        What is wrong with a jet is noted in ``problem``, where nothing is yet.
        """
        counted: npt.NDArray[Any] = np.zeros(self.n_jets, np.int64)
        entry = 0
        while entry < self.n_jets:
            block = self.block(entry, self.n_jets)
            counted[block.start : block.stop] = np.diff(block.offsets)
            for at, (reason, text) in block.problems.items():
                problem[at] = problem[at] or text.removeprefix(f"{self.jet_id(at)}: ")
                if reason == UNREADABLE:
                    counted = counted.astype(object)
                    counted[at] = None
            entry = block.stop
        return counted

    def numbers_of(self, branch: Branch) -> npt.NDArray[Any]:
        """A branch's number for every jet of the file. Raises JetFileError."""
        if not branch.is_number:
            raise JetFileError(
                f"{self.path}: {branch.name} is {branch.typename}; expected one number per jet"
            )
        problem = np.full(self.n_jets, None, dtype=object)
        values, there = self._whole(branch, problem)
        if not there.all():
            raise JetFileError(f"{self.path}: {problem[~there][0]}")
        return values

    def _whole(
        self, branch: Branch, problem: npt.NDArray[np.object_]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """A branch's number for every jet, or the length of its list, and where it could be read.

        Baskets that cannot be read leave NaN or 0, and their jets' ``problem`` says so.
        """
        dtype = np.dtype(np.int64) if branch.is_list else branch.dtype
        assert dtype is not None
        values = np.full(self.n_jets, np.nan if dtype.kind == "f" else 0, dtype=dtype)
        there = np.ones(self.n_jets, bool)

        def read(start: int, stop: int) -> None:
            array = self._array(branch, start, stop)
            values[start:stop] = (
                np.diff(_flatten(array)[0]) if branch.is_list else np.asarray(array)
            )

        edges = [int(edge) for edge in branch.edges if edge < self.n_jets] + [self.n_jets]
        step, most = 0, max(1, int(BLOCK_BYTES / max(branch.jet_bytes, 1)))
        while step < len(edges) - 1:
            last = step + 1
            while last < len(edges) - 1 and edges[last + 1] - edges[step] <= most:
                last += 1
            try:
                read(edges[step], edges[last])
            except DamagedBranchError:
                for start, stop in zip(edges[step:last], edges[step + 1 : last + 1], strict=True):
                    try:
                        read(start, stop)
                    except DamagedBranchError as error:
                        there[start:stop] = False
                        problem[start:stop] = f"{UNREADABLE}: {error}"
            step = last
        return values, there


def is_remote(path: str) -> bool:
    """Whether a path is an address, such as root://host//file.root, and not of a local file."""
    return "://" in path and not path.startswith("file://")


def kind_of_jets(path: str) -> file_kind.FileKind | None:
    """What a local file is by its first bytes. Raises JetFileError where it cannot be read."""
    try:
        return retried(lambda: file_kind.kind_of(Path(path)), path)
    except SourceError:
        raise
    except JetFileError as error:
        cause = error.__cause__
        said = getattr(cause, "strerror", None) or cause
        raise JetFileError(f"{path} cannot be opened: {said}") from error


def check_kind(path: str, expected: file_kind.FileKind) -> None:
    """Refuse a local file that is not of a kind by its first bytes. Raises JetFileError."""
    kind = kind_of_jets(path)
    if kind is not expected:
        with Path(path).open("rb") as file:
            refuse_kind(path, expected, kind, file.read(4))


def refuse_kind(
    path: str, expected: file_kind.FileKind, kind: file_kind.FileKind | None, begin: bytes
) -> None:
    """Say what a file is instead of what it should be. Raises JetFileError where it is not that."""
    if kind is expected:
        return
    if kind is file_kind.EMPTY:
        raise JetFileError(
            f"{path} is empty (0 bytes); expected {expected.name}; copy or download it again"
        )
    what = f"; it is {kind.name}: {kind.advice}" if kind else "; expected a ROOT or Parquet file"
    raise JetFileError(f"{path} is not {expected.name}: it begins with {begin[:4]!r}{what}")


def truncation(path: str) -> str:
    """Says that a file is shorter than its own header promises; else nothing."""
    try:
        with Path(path).open("rb") as file:
            header = file.read(20)
            size = file.seek(0, os.SEEK_END)
    except OSError:
        return ""
    if len(header) < 20:
        return f"it is truncated, {size} bytes are not even a header"
    (version,) = struct.unpack(">i", header[4:8])
    long = version >= 1_000_000
    (end,) = struct.unpack(">q", header[12:20]) if long else struct.unpack(">i", header[12:16])
    return f"it is truncated, {size} of {end} bytes are there" if size < end else ""


def _flatten(
    array: Any,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """A jagged awkward array -> offsets [n_jets + 1] from 0 on, its values, which are missing.

    Values and whether they are missing [n_values]; None where none is. What is missing is NaN.
    """
    layout = array.layout.to_ListOffsetArray64(True)
    offsets = np.asarray(layout.offsets.data)
    content = layout.content
    if not content.is_option:
        return offsets, np.asarray(content.data)[: offsets[-1]], None
    missing = np.asarray(content.mask_as_bool(valid_when=False))[: offsets[-1]]
    there = np.asarray(content.project().data)
    values = np.full(offsets[-1], np.nan, np.result_type(there.dtype, np.float32))
    values[~missing] = there[: int((~missing).sum())]
    return offsets, values, missing if missing.any() else None


def _pairs(lengths: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {length}" for name, length in lengths.items())


def _tell_lengths(lengths: Mapping[str, int]) -> str:
    """Says which branches have another length than most have."""
    values = list(lengths.values())
    usual = max(set(values), key=values.count)
    odd = {name: length for name, length in lengths.items() if length != usual}
    alike = [name for name in lengths if name not in odd]
    others = f" and {len(alike) - 1} more have" if len(alike) > 1 else " has"
    return (
        f"the track branches have different lengths: {alike[0]}{others} {usual}, "
        f"but {_pairs(odd)}; expected one value per track in each"
    )
