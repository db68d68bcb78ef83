"""Jets from files in the layout of HiggsToBBNtuple: one ``Jet`` at a time, or many at once.

    jets = open_jets("hbb_jets.root")     # reads the header and no track
    jets[12]                              # reads the baskets that hold this jet, nothing else
    jets.read(0, 500, on_error="keep")    # a Jet, or what is wrong with it, for each of 500 jets
    jets.problems(0, 500)                 # what is wrong, without making the jets

What was read is kept, up to ``CACHE_BYTES``, so that the next jet of the same baskets costs next to
nothing; ``root_file`` says what a basket is and how a file is laid out, ``parquet_file`` the same
of Parquet, in which a row group is the basket.
"""

from __future__ import annotations

import glob
import hashlib
import json
import operator
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt

from lrp_core import embedded, file_kind
from lrp_core.errors import JetError, JetFileError, JetIndexError
from lrp_core.jets import Jet, complete_graph
from lrp_core.padding import Padding, read_padding
from lrp_core.parquet_file import ENDINGS, ParquetFile
from lrp_core.root_file import UNREADABLE, Block, RootFile, is_remote, kind_of_jets
from lrp_core.truth import BHadron, Truth

if TYPE_CHECKING:
    import pandas as pd


CACHE_BYTES = 128 << 20  # the most track data kept by one JetFiles
CACHE_BLOCKS = 64
OPEN_FILES = 32
JETS_AT_ONCE = 1024  # when going through all jets
IN_A_ROW, JETS_AHEAD = 8, 256  # after so many jets in a row, one by one, read on ahead

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


class UnreadableJetError(JetFileError, JetError):
    """The file is damaged where it holds this jet: an error of the file and of the jet."""


@dataclass(frozen=True)
class BadJet:
    """A jet that cannot be used: its number, where it is, the kind of fault and the whole story.

    ``message`` may be ``Told``, in the words of Python and of the command line.
    """

    index: int
    jet_id: str
    reason: str
    message: str


@dataclass(frozen=True)
class JetSource:
    """One file of jets, wherever it lies: what of it does not change when it is copied.

    name    file name without its folder
    n_jets  jets in it, bad ones too
    n_bytes size of the file; None for one elsewhere
    uuid    number that ROOT gave the file when it was made
    """

    name: str
    n_jets: int
    n_bytes: int | None
    uuid: str


def open_jets(
    paths: Paths | None = None,
    *,
    tree: str | None = None,
    columns: Mapping[str, str] | None = None,
    padding: str | float | None = None,
) -> JetFiles:
    """Open files of jets as one sequence, without reading any jet.

    paths    a file, a pattern such as "data/*.root", a ``root://`` address, or a list of them;
             without it, the simulated jets that come with the package
    tree     name of the tree; without it ``deepntuplizer/tree``, else the only tree of the file
    columns  standard name -> the file's branch, where they differ: {"track_pt": "trk_pt",
             "fj_pt": "jet_pt", "label_H_bb": "is_signal"}; what is not named in it is found by its
             standard name
    padding  what the lists were filled up with to a fixed length: "zeros", "nan", a number such as
             -999, or several of them with commas between; rows of nothing else, before the first
             and behind the last track, are left out. Without it a jet with such rows is refused.
             "keep": there are none, and a row of zeros is a track

    Raises JetFileError where a file cannot be opened or has no tree or no track branches, and
    SettingsError for another padding.
    """
    given = embedded.JETS if paths is None else paths
    return JetFiles(given, tree=tree, columns=columns, padding=padding)


class JetFiles(Sequence[Jet]):
    """The jets of one or several ROOT files as one sequence, read when they are asked for.

    paths     the files, in order
    features  names of the track columns, those of the first file
    name      short name for a display
    identity  text that is the same as long as the files and the way to read them are the same
    tree, columns, padding  how they are read, as ``open_jets`` was told
    cache_bytes  the most track data that is kept, by default CACHE_BYTES

    May be used from several threads and after a fork. Jets are numbered through all files; negative
    numbers count from the end and a slice gives a list. Raises JetIndexError beyond the end,
    JetError for a jet that cannot be used and JetFileError where a file is damaged.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        tree: str | None = None,
        columns: Mapping[str, str] | None = None,
        padding: str | float | Padding | None = None,
        cache_bytes: int | None = None,
    ) -> None:
        self._cache_bytes = cache_bytes
        self.tree = tree
        self.columns = dict(columns or {})
        self.padding = read_padding(padding)
        self.paths = expand_paths(paths)
        self._files = [_file(path, tree, self.columns, self.padding) for path in self.paths]
        first = self._files[0]
        first.open()
        self.features: tuple[str, ...] = first.features
        for file in self._files:
            file.wanted = self.features
        self._starts = np.cumsum([0, *(file.n_jets for file in self._files)])
        self.identity = _identity(self._files, tree, self.columns, self.padding)
        self._open: OrderedDict[int, RootFile] = OrderedDict({0: first})
        weakref.finalize(self, _close, self._open)
        self._blocks: OrderedDict[tuple[int, int], Block] = OrderedDict()
        self._summary: pd.DataFrame | None = None
        self._last = (-1, 0)  # the jet asked for last, and how many followed one another before it
        self._reading = threading.RLock()  # one thread reads the files
        self._keeping = threading.Lock()  # short: guards the blocks that are kept

    @property
    def sources(self) -> tuple[JetSource, ...]:
        """What the files are, in order: the same for a copy of them, unlike ``identity``."""
        return tuple(
            JetSource(file.name, file.n_jets, file.stamp[0] if file.stamp else None, file.uuid)
            for file in self._files
        )

    def fingerprint(self, index: int) -> str:
        """Text that tells the file of a jet from every other one, also of the same name.

        The same for a copy of the file, wherever it lies, as long as it is read in the same way.
        Raises JetIndexError beyond the end.
        """
        _, place = self._found(index)
        file, source = self._files[place], self.sources[place]
        how = [file.tree_name, sorted(file.columns.items()), *_if_any(self.padding)]
        text = json.dumps([source.uuid, source.n_bytes, source.n_jets, how])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """File name without its folder; with several files the first one's and how many follow."""
        first, more = self._files[0].name, len(self._files) - 1
        return f"{first} and {more} more" if more else first

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the first file has branches for: "hbb", "qcd", both or none."""
        return self._files[0].label_names()

    def __repr__(self) -> str:
        return f"<JetFiles {self.name}: {len(self)} jets, {len(self.features)} track features>"

    def __len__(self) -> int:
        return int(self._starts[-1])

    @overload
    def __getitem__(self, index: int) -> Jet: ...
    @overload
    def __getitem__(self, index: slice) -> list[Jet]: ...
    def __getitem__(self, index: int | slice) -> Jet | list[Jet]:
        if isinstance(index, slice):
            numbers = range(len(self))[index]
            if numbers and numbers.step == 1:
                return self.read(numbers[0], numbers[-1] + 1)
            return [self[number] for number in numbers]
        number, place = self._found(index)
        entry = number - int(self._starts[place])
        previous, in_a_row = self._last
        self._last = number, in_a_row + 1 if number == previous + 1 else 0
        ahead = JETS_AHEAD if in_a_row >= IN_A_ROW else 1
        stop = min(entry + ahead, self._files[place].n_jets)
        return self._jet(place, entry, self._block(place, entry, stop))

    def __iter__(self) -> Iterator[Jet]:
        for start in range(0, len(self), JETS_AT_ONCE):
            for jet in self.read(start, min(start + JETS_AT_ONCE, len(self)), on_error="keep"):
                if not isinstance(jet, Jet):
                    raise jet
                yield jet

    @overload
    def read(
        self, start: int = 0, stop: int | None = None, *, on_error: Literal["raise"] = "raise"
    ) -> list[Jet]: ...
    @overload
    def read(
        self, start: int = 0, stop: int | None = None, *, on_error: Literal["keep"]
    ) -> list[Jet | JetError]: ...
    def read(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        on_error: Literal["raise", "keep"] = "raise",
    ) -> list[Jet] | list[Jet | JetError]:
        """The jets ``start`` to ``stop`` - 1, read in large pieces.

        on_error  "raise": the first jet that cannot be used raises its error; "keep": the list
                  holds the error (a JetError) in the jet's place
        """
        if on_error not in ("raise", "keep"):
            raise ValueError(f"on_error is 'raise' or 'keep', found {on_error!r}")
        found: list[Jet | JetError] = []
        for place, entry, block in self._walk(start, stop):
            try:
                found.append(self._jet(place, entry, block))
            except JetError as error:
                if on_error == "raise":
                    raise
                found.append(error)
        return found

    def problems(self, start: int = 0, stop: int | None = None) -> list[BadJet]:
        """Which jets ``start`` to ``stop`` - 1 cannot be used, after reading all of their data."""
        bad = []
        for place, entry, block in self._walk(start, stop):
            if entry in block.problems:
                reason, message = block.problems[entry]
                file = self._files[place]
                number = int(self._starts[place]) + entry
                bad.append(BadJet(number, file.jet_id(entry), reason, message))
        return bad

    def blocks(self) -> Iterator[tuple[slice, Block]]:
        """All jets in order, as they are decoded: a block, and which of its jets are meant.

        The slice counts from the block's first jet; each jet is in one slice.
        """
        for place, file in enumerate(self._files):
            entry = 0
            while entry < file.n_jets:
                block = self._block(place, entry, file.n_jets)
                yield slice(entry - block.start, block.stop - block.start), block
                entry = block.stop

    def rows_left_out(self, start: int = 0, stop: int | None = None) -> int:
        """How many rows of the jets ``start`` to ``stop`` - 1 are left out: padding, or null."""
        walk = self._walk(start, stop)
        return sum(int(block.left_out[entry - block.start]) for _, entry, block in walk)

    def events(self) -> list[npt.NDArray[Any] | None]:
        """For each file the number of the event that each jet is of, as the branch ``event`` says.

        None where a file has none. Raises JetFileError where it cannot be read.
        """
        with self._reading:
            opened = (self._opened(place) for place in range(len(self._files)))
            return [None if f.event is None else f.numbers_of(f.event) for f in opened]

    def has_events(self) -> bool:
        """Whether entries of the first file look like events of several jets, not like jets."""
        with self._reading:
            return self._opened(0).has_events

    def summary(self) -> pd.DataFrame:
        """One row per jet in file order, bad ones too: index, label, pt, sdmass, n_tracks, problem.

        Says what can be said without reading track data: labels, jet branches (GeV), and the number
        of tracks from the counter branch (``ntrack``) where the file has one, otherwise from the
        lengths of one track branch, the smallest. So a jet with a track value that is not finite
        has no problem here; ``problems`` reads everything. Where padding or nulls are left out,
        track data is read, so that only tracks are counted. What is not known is None: the label,
        the problem of a good jet, pt and sdmass where the file has no such branch, n_tracks where
        it cannot be read. A pt that is not finite stays as it is, and is a problem. Computed once.
        """
        with self._reading:
            if self._summary is None:
                self._summary = self._summarise()
            return self._summary.copy()

    def why_not(self, names: Iterable[str]) -> str:
        """What the first file stores under names that are no features, in brackets; "" if nothing.

        So that a refusal can say why a column that is in the file is not one of the jets.
        """
        others = self._files[0].others
        kinds = [f"{name} is {others[name].typename}" for name in names if name in others]
        return f" ({', '.join(kinds)})" if kinds else ""

    def truncation(self) -> str:
        """Says of the first file that is shorter than its own header promises; else nothing."""
        return next((words for file in self._files if (words := file.truncation())), "")

    def close(self) -> None:
        """Close the files and forget what was read; the next jet opens them again."""
        with self._reading, self._keeping:
            _close(self._open)
            self._blocks.clear()

    def __enter__(self) -> JetFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _found(self, index: int) -> tuple[int, int]:
        """A jet's number from the beginning, and which file it is in."""
        number = operator.index(index)
        number = number + len(self) if number < 0 else number
        if not 0 <= number < len(self):
            raise JetIndexError(
                f"there is no jet {index} in {self.name}; it has {len(self)} jets"
                + (f", numbered 0 to {len(self) - 1}" if len(self) else "")
            )
        return number, int(np.searchsorted(self._starts, number, side="right")) - 1

    def _jet(self, place: int, entry: int, block: Block) -> Jet:
        """One jet of a block, or its JetError."""
        if entry in block.problems:
            reason, message = block.problems[entry]
            raise (UnreadableJetError if reason == UNREADABLE else JetError)(message)
        at = entry - block.start
        first, last = block.offsets[at : at + 2]
        return Jet(
            tracks=block.tracks[first:last],
            columns=self.features,
            edge_index=complete_graph(int(last - first)),
            label=block.labels[at],
            pt=None if block.pt is None else float(block.pt[at]),
            sdmass=None if block.sdmass is None else float(block.sdmass[at]),
            jet_id=self._files[place].jet_id(entry),
            index=int(self._starts[place]) + entry,
            eta=None if block.eta is None else float(block.eta[at]),
            truth=_truth(block, at),
            padding=self.padding,
        )

    def _walk(self, start: int, stop: int | None) -> Iterator[tuple[int, int, Block]]:
        """File, number in the file and block of each jet from ``start`` to ``stop`` - 1."""
        begin, end, _ = slice(start, stop).indices(len(self))
        for place in range(len(self._files)):
            base = int(self._starts[place])
            entry, last = max(begin - base, 0), min(end - base, self._files[place].n_jets)
            while entry < last:
                block = self._block(place, entry, last)
                until = min(block.stop, last)
                for jet in range(entry, until):
                    yield place, jet, block
                entry = until

    def _block(self, place: int, entry: int, stop: int) -> Block:
        """A block that holds ``entry``, and as many up to ``stop`` as go into one."""
        block = self._kept(place, entry)
        if block is not None:
            return block
        with self._reading:
            block = self._kept(place, entry)  # another thread may have read it meanwhile
            if block is None:
                block = self._opened(place).block(entry, stop)
                self._keep(place, block)
        return block

    def _kept(self, place: int, entry: int) -> Block | None:
        with self._keeping:
            for key, block in reversed(self._blocks.items()):
                if key[0] == place and block.start <= entry < block.stop:
                    self._blocks.move_to_end(key)
                    return block
        return None

    def _keep(self, place: int, block: Block) -> None:
        with self._keeping:
            self._blocks[place, block.start] = block
            self._blocks.move_to_end((place, block.start))
            size = sum(kept.tracks.nbytes for kept in self._blocks.values())
            most = CACHE_BYTES if self._cache_bytes is None else self._cache_bytes
            while len(self._blocks) > 1 and (size > most or len(self._blocks) > CACHE_BLOCKS):
                _, oldest = self._blocks.popitem(last=False)
                size -= oldest.tracks.nbytes

    def _opened(self, place: int) -> RootFile:
        """The file, open in this process and unchanged; the ones not used for long are closed."""
        file = self._files[place]
        file.open()
        self._open[place] = file
        self._open.move_to_end(place)
        while len(self._open) > OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        return file

    def _summarise(self) -> pd.DataFrame:
        import pandas as pd

        parts = [self._opened(place).summary() for place in range(len(self._files))]
        table: dict[str, Any] = {"index": np.arange(len(self), dtype=np.int64)}
        for name in ("label", "pt", "sdmass", "n_tracks", "problem"):
            columns = [part[name] for part in parts]
            if len({column.dtype for column in columns}) > 1:
                columns = [column.astype(object) for column in columns]
            joined = np.concatenate(columns)
            table[name] = pd.Series(joined, dtype=joined.dtype)
        return pd.DataFrame(table)


def _file(path: str, tree: str | None, columns: dict[str, str], padding: Padding) -> RootFile:
    """A file by its first bytes; by the ending of its name where they cannot be or say nothing."""
    kind = None if is_remote(path) else kind_of_jets(path)
    named = path.split("?")[0].lower().endswith(ENDINGS)
    if kind is file_kind.PARQUET or (named and kind is not file_kind.ROOT):
        return ParquetFile(path, tree, columns, padding)
    return RootFile(path, tree, columns, padding)


def _if_any(padding: Padding) -> list[str]:
    """What a padding adds to a text that tells ways to read from each other."""
    return [str(padding)] if padding != Padding() else []


def _truth(block: Block, at: int) -> Truth | None:
    """Where the tracks of jet ``at`` of a block come from, if the file tells."""
    if block.truth is None:
        return None
    rows = block.truth[slice(*block.offsets[at : at + 2])].astype(np.int64)
    positions = () if block.b_hadrons is None else block.b_hadrons[at]
    hadrons = [
        BHadron(number, float(pt), float(etarel), float(phirel))
        for number, (pt, etarel, phirel) in enumerate(positions, 1)
        if pt > 0
    ]
    return Truth(rows[:, 0], rows[:, 1], tuple(hadrons))


def _close(files: OrderedDict[int, RootFile]) -> None:
    """Close the files of jets that nobody holds any more."""
    while files:
        files.popitem()[1].close()


def expand_paths(paths: Paths) -> tuple[str, ...]:
    """The files that paths and patterns stand for, in order; a pattern's files are sorted by name.

    Raises JetFileError where there is none.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise JetFileError("no file of jets was given; give at least one ROOT file")
    found: list[str] = []
    for path in [str(os.fspath(one)) for one in given]:
        if is_remote(path):
            found.append(path)
            continue
        local = Path(path.removeprefix("file://")).expanduser()
        if local.is_dir():
            raise JetFileError(
                f"{path} is a folder; give the files in it, such as {_inside(local)}"
            )
        if local.exists():
            found.append(str(local))
        elif glob.has_magic(str(local)):
            matching = sorted(glob.glob(str(local), recursive=True))  # noqa: PTH207 (also absolute)
            if not matching:
                raise JetFileError(
                    f"no file matches {path}; a pattern such as data/*.root is expected"
                )
            found.extend(matching)
        else:
            raise JetFileError(f"{path}: there is no such file; expected a ROOT file of jets")
    return tuple(found)


def _inside(folder: Path) -> str:
    """Patterns for the files of jets in a folder, those that match something if any does."""
    endings = (".root", *ENDINGS)
    patterns = [f"{depth}*{ending}" for depth in ("", "**/") for ending in endings]
    matching = [pattern for pattern in patterns if next(folder.glob(pattern), None) is not None]
    flat = [pattern for pattern in matching if "/" not in pattern]
    found = flat or matching or [f"*{ending}" for ending in endings[:2]]
    return " or ".join(str(folder / pattern) for pattern in found)


def _identity(
    files: list[RootFile], tree: str | None, columns: Mapping[str, str], padding: Padding
) -> str:
    """Changes when a file does, or when other columns are read of it."""
    what = [
        [file.path if file.is_remote else str(Path(file.path).resolve()), file.stamp, file.uuid]
        for file in files
    ]
    text = json.dumps([what, tree, sorted(columns.items()), *_if_any(padding)])
    return hashlib.sha256(text.encode()).hexdigest()
