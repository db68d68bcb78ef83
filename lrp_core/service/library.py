"""The library: a folder of files of jets and of networks that people choose from.

The folder is looked through whenever somebody asks, so that new, changed and vanished files show up
by themselves. That costs a look at names, sizes and times alone: a file is opened once, by one
thread, to see what is in it, and again only when its size or time has changed.

Nobody gives a path. A name is one of those that a look through the folder has found, and whatever
leads out of the folder, as a symbolic link can, is told to be so and never opened.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from lrp_core.checkpoint import SHARED_DEFINITIONS, definitions_of, load_model
from lrp_core.errors import (
    CheckpointError,
    DefinitionsError,
    JetFileError,
    JetlrpError,
    OutsideError,
    SettingsError,
    SourceError,
)
from lrp_core.folder import inside
from lrp_core.model import Model
from lrp_core.parquet_file import ENDINGS
from lrp_core.reading import JetFiles
from lrp_core.service.disk import Disk

Kind = Literal["jets", "model"]
Origin = Literal["given", "library", "upload", "sample"]
Stamp = tuple[int, ...]

JETS_ENDINGS = (".root", *ENDINGS)
MODEL_ENDINGS = (".pth", ".pt", ".ckpt", ".safetensors")
MOST_FILES = 20_000  # that are listed of one folder
DEEPEST = 12  # folders below each other
PATIENCE = 3.0  # seconds for which a listing waits for files that nobody has opened yet
FACTS_VERSION = 2
LEAST_BYTES = 16  # of a jet in a file; a file that has less per jet is not believed
LONGEST_NAME = 400  # letters
OPEN_FILE_BYTES = 48 << 20  # track data kept of each open file


@dataclass(frozen=True)
class JetsFacts:
    """What is in a file of jets, without reading any: how many, track columns, kinds of labels."""

    n_jets: int
    columns: tuple[str, ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelFacts:
    """What a network reads and says."""

    columns: tuple[str, ...]
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    checkpoint_hash: str
    n_parameters: int

    @property
    def features(self) -> tuple[str, ...]:
        """The distinct columns."""
        return tuple(dict.fromkeys(self.columns))


@dataclass(frozen=True, eq=False)
class Entry:
    """A file of jets or a network that can be asked for by its name.

    name     with its folders, from the library's: "run3/hbb.root"
    path     where it is; None for jets and networks that were handed over as objects
    stamp    changes when the file does
    changed  when that was, and ``expires`` when it will be deleted: seconds since 1970
    facts    what is in it; None where it cannot be used, or nobody has looked yet
    problem  why it cannot be used, in words
    thing    the jets or the network, where it was handed over
    """

    name: str
    kind: Kind
    origin: Origin
    path: Path | None = None
    stamp: Stamp = ()
    n_bytes: int | None = None
    changed: float | None = None
    expires: float | None = None
    facts: JetsFacts | ModelFacts | None = None
    problem: str | None = None
    thing: object = None

    @property
    def pending(self) -> bool:
        """Whether nobody has looked into it yet."""
        return self.facts is None and self.problem is None

    @property
    def key(self) -> tuple[str, Stamp]:
        """What it is known by as long as it is the same."""
        return str(self.path or self.name), self.stamp


@dataclass(frozen=True)
class Way:
    """How files of jets are read, as ``open_jets`` has it.

    tree     its name
    columns  standard name -> branch
    padding  what lists are filled up with
    """

    tree: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    padding: str | None = None

    def __str__(self) -> str:
        """As ``of_text`` reads it."""
        return json.dumps([self.tree, sorted(self.columns.items()), self.padding])

    @classmethod
    def of_text(cls, text: str) -> Way:
        """What ``str`` has made of one."""
        tree, columns, *padding = json.loads(text)  # notes of earlier versions have none
        return cls(tree, dict(columns), *padding)


@dataclass
class Folder:
    """A folder that is looked through.

    prefix  what the names of its files begin with
    kinds   what of it is listed
    way     how its files of jets are read, where nothing beside a file says otherwise
    """

    path: Path
    origin: Origin
    prefix: str = ""
    kinds: tuple[Kind, ...] = ("jets", "model")
    way: Way = field(default_factory=Way)
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.path.resolve()

    def way_of(self, path: Path) -> Way:
        """How one of its files is read; of an uploaded one, that was told when it came."""
        if self.origin == "upload":
            with contextlib.suppress(FileNotFoundError):
                return Way.of_text(way_note(path).read_text("utf-8"))
        return self.way


def way_note(path: Path) -> Path:
    """The file beside an uploaded one that holds its ``Way``."""
    return path.with_name(f".{path.name}.way")


def missing_features(model: ModelFacts, jets: JetsFacts) -> list[str]:
    """The columns that the network needs and the jets do not have."""
    return [name for name in model.features if name not in jets.columns]


def library_folder(given: str, way: Way | None = None) -> Folder:
    """The library at ``given``. Raises SettingsError if it is no folder that can be read."""
    path = Path(given).expanduser()
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        raise SettingsError(
            f"--library: {path} is no folder that can be read; give one that holds files of jets "
            f"({', '.join(JETS_ENDINGS)}) and checkpoints ({', '.join(MODEL_ENDINGS)})"
        )
    return Folder(path, "library", way=way or Way())


class Look:
    """Looks through folders and into the files in them, each file once as long as it is the same.

    disk    what it has seen is kept there, for other processes and for after a restart
    opened  counts the files that were opened for it
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self.opened = 0
        self._disk = disk
        self._facts: dict[tuple[str, Stamp], Future[JetsFacts | ModelFacts]] = {}
        self._looking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="library")
        self._lock = Lock()

    def entries(self, folder: Folder, patience: float = PATIENCE) -> list[Entry]:
        """Everything in a folder by name; files that are not looked into in time are pending."""
        found = sorted(walk(folder), key=lambda entry: entry.name)
        asked: dict[tuple[str, Stamp], Future[JetsFacts | ModelFacts]] = {}
        with self._lock:
            for entry in sorted(found, key=lambda one: one.kind, reverse=True):  # networks first
                if entry.problem is None:
                    if entry.key not in self._facts:
                        self._facts[entry.key] = self._looking.submit(self._see, folder, entry)
                    asked[entry.key] = self._facts[entry.key]
            inside = str(folder.path) + os.sep
            for key in [k for k in self._facts if k[0].startswith(inside) and k not in asked]:
                self._facts.pop(key).cancel()
        if any(not future.done() for future in asked.values()):
            wait(asked.values(), timeout=patience)
        return [self._with_facts(entry, asked.get(entry.key)) for entry in found]

    def close(self) -> None:
        """Look into no more files."""
        self._looking.shutdown(wait=False, cancel_futures=True)

    def _see(self, folder: Folder, entry: Entry) -> JetsFacts | ModelFacts:
        path, stamp = entry.key
        how = str(folder.way_of(Path(path)))
        key = ("facts", FACTS_VERSION, entry.kind, path, *stamp, how)
        kept = None if self._disk is None else self._disk.read(key)
        if kept is not None:
            try:
                return _facts_of(entry.kind, kept)
            except (TypeError, ValueError) as error:
                assert self._disk is not None
                self._disk.damaged(key, f"it is not what a file holds ({error})")
        self.opened += 1
        facts = see(entry, folder)
        if self._disk is not None:
            with contextlib.suppress(OSError):
                self._disk.write(key, json.dumps(asdict(facts)).encode())
        return facts

    def _with_facts(self, entry: Entry, future: Future[JetsFacts | ModelFacts] | None) -> Entry:
        if future is None or not future.done() or future.cancelled():
            return entry
        error = future.exception()
        if error is None:
            return replace(entry, facts=future.result())
        if isinstance(error, SourceError):
            with self._lock:  # it says nothing of the file, which is looked into again
                self._facts.pop(entry.key, None)
        words = (
            error.command if isinstance(error, JetlrpError) else f"it cannot be read ({error!r})"
        )
        return replace(entry, problem=_without_folders(words, entry))


def _without_folders(words: str, entry: Entry) -> str:
    """What is wrong with a file, without the path of the machine."""
    if entry.path is None:
        return words
    words = words.replace(f"{entry.path}", entry.name)
    for folder in (entry.path.parent, entry.path.parent.resolve()):
        words = words.replace(f"{folder}/", "")
    return words


def _facts_of(kind: Kind, content: bytes) -> JetsFacts | ModelFacts:
    """Facts as they were kept. Raises TypeError or ValueError if they were not."""
    found: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in dict(json.loads(content)).items()
    }
    return JetsFacts(**found) if kind == "jets" else ModelFacts(**found)


def walk(folder: Folder) -> Iterator[Entry]:
    """The files of jets and checkpoints in a folder and those below; nothing is opened."""
    n_files = 0
    waiting: list[tuple[Path, int]] = [(folder.path, 0)]
    while waiting:
        where, depth = waiting.pop()
        try:
            with os.scandir(where) as found:
                inside = sorted(found, key=lambda one: one.name)
        except OSError:
            continue  # gone meanwhile, or not ours to read
        for one in inside:
            if one.name.startswith("."):
                continue
            path = Path(one.path)
            if one.is_dir(follow_symlinks=False):
                if depth < DEEPEST:
                    waiting.append((path, depth + 1))
                continue
            kind = kind_of(one.name)
            if kind is not None and kind not in folder.kinds:
                continue
            if kind is None and not one.is_symlink():
                continue
            entry = find(path, kind, folder)
            if entry is not None:
                n_files += 1
                if n_files > MOST_FILES:
                    return
                yield entry


def find(path: Path, kind: Kind | None, folder: Folder) -> Entry | None:
    """What a name in a folder stands for, or None if that is nothing to us."""
    name = folder.prefix + path.relative_to(folder.path).as_posix()
    if not name.isprintable() or len(name) > LONGEST_NAME:
        return None
    entry = Entry(name, kind or "jets", folder.origin, path)
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            where = path.resolve(strict=True)
            if not where.is_relative_to(folder.root):
                words = "it is a link that leads out of the library; nothing is read there"
                return (
                    None if kind is None and not where.is_dir() else replace(entry, problem=words)
                )
            if where.is_dir():
                return replace(
                    entry, problem="it is a link to a folder; put the folder itself here"
                )
            status = where.stat()
        if kind is None:
            return None
        if not stat.S_ISREG(status.st_mode):
            return replace(entry, problem="it is no ordinary file")
        stamp: Stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        if kind == "model":
            stamp += definitions_stamp(path)
    except (OSError, RuntimeError):
        return replace(entry, problem="it is a link to nothing, or has just gone")
    return replace(entry, stamp=stamp, n_bytes=status.st_size, changed=status.st_mtime)


def kind_of(name: str) -> Kind | None:
    """What a file is by the ending of its name."""
    ending = Path(name).suffix.lower()
    return "jets" if ending in JETS_ENDINGS else "model" if ending in MODEL_ENDINGS else None


def definitions_stamp(path: Path) -> Stamp:
    """Changes when another definitions file counts for a checkpoint, or the same one changes."""
    definitions = definitions_of(path)
    if definitions is None:
        return ()
    status = definitions.stat()
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def see(entry: Entry, folder: Folder) -> JetsFacts | ModelFacts:
    """Open a file and see what is in it. Raises JetlrpError where it cannot be used."""
    if entry.kind == "model":
        return model_facts(open_model(entry, folder))
    with open_jets_of(entry, folder) as jets:
        return jets_facts(jets)


def jets_facts(jets: JetFiles) -> JetsFacts:
    """What is in files of jets."""
    return JetsFacts(len(jets), jets.features, jets.labels)


def model_facts(model: Model) -> ModelFacts:
    """What a network reads and says."""
    n_parameters = sum(one.numel() for one in model.network.parameters())
    return ModelFacts(
        model.columns, model.classes, model.targets, model.checkpoint_hash, n_parameters
    )


def open_jets_of(entry: Entry, folder: Folder, way: Way | None = None) -> JetFiles:
    """Open a file of a folder, in another way than the folder's if need be. Raises JetFileError."""
    path = checked(entry, folder)
    assert entry.path is not None
    how = way or folder.way_of(entry.path)
    jets = JetFiles(
        str(path),
        tree=how.tree,
        columns=how.columns,
        padding=how.padding,
        cache_bytes=OPEN_FILE_BYTES,
    )
    if len(jets) * LEAST_BYTES > path.stat().st_size:
        raise JetFileError(
            f"{entry.name} says that it holds {len(jets):,} jets in {path.stat().st_size:,} bytes, "
            "which cannot be; write it again"
        )
    if words := jets.truncation():
        raise JetFileError(
            f"{entry.name}: {words}; wait if it is still on its way, else copy it again"
        )
    return jets


def open_model(entry: Entry, folder: Folder) -> Model:
    """Load a network of a folder, with its definitions. Raises CheckpointError, DefinitionsError.

    Definitions are NAME.yml beside the checkpoint, else definitions.yml beside it.
    """
    path = checked(entry, folder)
    assert entry.path is not None
    definitions = definitions_of(entry.path)
    if definitions is None:
        raise DefinitionsError(
            f"{entry.name}: nothing says what its columns are; put {path.with_suffix('.yml').name} "
            f"or {SHARED_DEFINITIONS} beside it, with their names under 'features:'"
        )
    try:
        where = inside(folder.path, definitions.relative_to(folder.path).as_posix())
    except OutsideError as error:
        raise DefinitionsError(f"{entry.name}: {error}") from error
    model = load_model(path, where)
    model.name = f"{entry.name}:{model.weights}" if model.weights else entry.name
    return model


def checked(entry: Entry, folder: Folder) -> Path:
    """Where a file really is, looked up again. Raises JetFileError or CheckpointError."""
    failed = CheckpointError if entry.kind == "model" else JetFileError
    assert entry.path is not None
    try:
        where = inside(folder.path, entry.path.relative_to(folder.path).as_posix())
    except OutsideError as error:
        raise failed(str(error)) from error
    if not where.is_file():
        raise failed(f"{entry.name}: there is no such file any more")
    return where


def first_fitting(jets: Sequence[Entry], models: Sequence[Entry]) -> tuple[Entry, Entry] | None:
    """The first file and the first network that go together, files before networks."""
    for file in usable(jets):
        for model in usable(models):
            assert isinstance(file.facts, JetsFacts)
            assert isinstance(model.facts, ModelFacts)
            if not file.facts.columns or not missing_features(model.facts, file.facts):
                return file, model
    return None


def usable(entries: Iterable[Entry]) -> list[Entry]:
    """Those that were looked into and found good."""
    return [entry for entry in entries if entry.facts is not None]
