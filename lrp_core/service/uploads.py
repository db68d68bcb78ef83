"""Files that people bring themselves: taken in piece by piece, looked into, kept for some days.

Each person has a folder of their own, which nobody else is shown. A file gets its name there only
when it has been looked into and found good; until then it has a name that nothing lists. What is
known of a file is in the folder alone, so that any number of processes can work on it.
"""

from __future__ import annotations

import contextlib
import fcntl
import filecmp
import hashlib
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from lrp_core.checkpoint import DEFINITIONS_ENDINGS, definitions_of, load_model, read_definitions
from lrp_core.errors import (
    ColumnsError,
    JetError,
    JetFileError,
    JetlrpError,
    SettingsError,
    SourceError,
    TreeError,
)
from lrp_core.folder import inside, shown
from lrp_core.padding import KEEP, NAN, PADDED, ZEROS, padding_text
from lrp_core.reading import UnreadableJetError
from lrp_core.service.library import (
    JETS_ENDINGS,
    MODEL_ENDINGS,
    Entry,
    Folder,
    Way,
    open_jets_of,
    way_note,
)
from lrp_core.service.problems import AGAIN, SOURCE_FAILS, Problem
from lrp_core.settings import Settings

Kind = Literal["jets", "model", "definitions"]

PREFIX = "upload:"  # what the names of uploaded files begin with
ENDINGS: dict[Kind, tuple[str, ...]] = {
    "jets": JETS_ENDINGS,
    "model": MODEL_ENDINGS,
    "definitions": DEFINITIONS_ENDINGS,
}
MOST_DEFINITIONS = 1 << 20  # bytes
LONGEST_STEM = 100  # letters
MOST_CHOICES = 200  # trees or branches that an answer lists
SOME_JETS = 100  # of a file, whose tracks are looked at
MOST_NAMED = 12  # of them, in its words
PART = ".part-"  # what a file is called while it comes
PARTS_AT_ONCE = 4  # of one person
PART_SECONDS = 3600.0  # after which a file that does not go on coming is given up
SWEEP_SECONDS = 600.0  # between two looks through the folders of all people
EVERYBODY = "everybody"  # whose folder it is where people do not log in
FREE_BYTES = 200 << 20  # of the disk, that uploads leave free


@dataclass(frozen=True)
class Kept:
    """An uploaded file: its name without PREFIX, and when it will be deleted."""

    name: str
    kind: Kind
    n_bytes: int
    expires: float


class Uploads:
    """The folders of all people below one folder.

    most_bytes   of one file
    quota_bytes  of all files of a person
    days         for which a file is kept
    way          how files of jets are read that nobody says anything of, if that goes
    now          tells the time, in seconds since 1970

    Raises SettingsError if the folder cannot be written to.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        most_bytes: int,
        quota_bytes: int,
        days: float,
        way: Way | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(folder).expanduser()
        self.most_bytes = most_bytes
        self.quota_bytes = quota_bytes
        self.days = days
        self.way = way or Way()
        self._now = now
        self._swept = 0.0
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"uploads: {folder} cannot be made ({error.strerror})") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise SettingsError(f"uploads: {folder} cannot be written to; give another folder")

    @classmethod
    def of(cls, settings: Settings) -> Uploads | None:
        """What the settings say; None where uploads are off."""
        if settings.uploads is None:
            return None
        if settings.library is not None:
            library = Path(settings.library).expanduser().resolve()
            if Path(settings.uploads).expanduser().resolve().is_relative_to(library):
                raise SettingsError(
                    f"uploads: {settings.uploads} lies in the library, so that all would see what "
                    "each has uploaded; give a folder of its own"
                )
        return cls(
            settings.uploads,
            most_bytes=settings.upload_bytes,
            quota_bytes=settings.upload_quota_bytes,
            days=settings.upload_days,
            way=Way(settings.tree, columns_of(settings.column), settings.padding),
        )

    # ------------------------------------------------------------------- looking

    def folder_of(self, person: str) -> Folder:
        """The folder of a person; it need not be there."""
        plain = re.sub(r"[^A-Za-z0-9]+", "-", person).strip("-")[:40] or EVERYBODY
        number = hashlib.sha256(person.encode()).hexdigest()[:16]
        return Folder(self.path / f"{plain}-{number}", "upload", PREFIX)

    def expires(self, changed: float | None) -> float | None:
        """When a file will be deleted that came at ``changed``."""
        return None if changed is None else changed + self.days * 86_400

    def files(self, person: str) -> list[Kept]:
        """What a person has uploaded, by name."""
        folder = self.folder_of(person).path
        self.sweep(folder)
        return [
            Kept(path.name, kind, size, changed + self.days * 86_400)
            for path, size, changed in sorted(_inside(folder))
            if (kind := kind_of(path.name)) is not None and not path.name.startswith(".")
        ]

    def used(self, person: str) -> int:
        """Bytes of all that a person has uploaded or is uploading."""
        return sum(size for _, size, _ in _inside(self.folder_of(person).path))

    def sweep(self, folder: Path) -> None:
        """Delete what is too old in a person's folder; now and then in all folders."""
        now = self._now()
        if now - self._swept > SWEEP_SECONDS:
            self._swept = now
            with contextlib.suppress(OSError):
                for other in self.path.iterdir():
                    self._sweep_one(other, now)
        self._sweep_one(folder, now)

    def _sweep_one(self, folder: Path, now: float) -> None:
        for path, _, changed in _inside(folder):
            age = now - changed
            if age > (PART_SECONDS if path.name.startswith(PART) else self.days * 86_400):
                path.unlink(missing_ok=True)

    # -------------------------------------------------------------------- coming

    def check(self, person: str, name: str, n_bytes: int | None) -> str:
        """The name that a file will have. Raises Problem where it cannot be taken.

        n_bytes  how many are said to come; None if nobody says
        """
        clean = clean_name(name)
        folder = self.folder_of(person).path
        self.sweep(folder)
        self._check_size(clean, n_bytes or 0)
        self._check_quota(person, n_bytes or 0)
        parts = [path for path, _, _ in _inside(folder) if path.name.startswith(PART)]
        if len(parts) >= PARTS_AT_ONCE:
            raise Problem(
                429,
                "uploads_at_once",
                f"{len(parts)} of your files are on their way already; wait until one is here.",
                headers={"Retry-After": "10"},
            )
        return clean

    @contextlib.contextmanager
    def coming(self, person: str, name: str, way: Way | None = None) -> Iterator[Coming]:
        """A file that comes: gone again at the end, unless it was kept.

        way  how it is read, where its person says so
        """
        folder = self.folder_of(person).path
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{PART}{secrets.token_hex(8)}{Path(name).suffix}"
        file = path.open("xb")
        try:
            yield Coming(self, person, name, path, file, way)
        finally:
            file.close()
            path.unlink(missing_ok=True)

    def delete(self, person: str, name: str) -> None:
        """Delete a file, and with a checkpoint its own definitions.

        Raises Problem if it is not there.
        """
        own = name.removeprefix(PREFIX)
        folder = self.folder_of(person).path
        there = {path.name: path for path, _, _ in _inside(folder) if not path.name.startswith(".")}
        if own not in there:
            raise Problem(
                404, "unknown_upload", f"You have uploaded no file {shown(own)}.", choices=[*there]
            )
        path = there[own]
        path.unlink(missing_ok=True)
        way_note(path).unlink(missing_ok=True)
        if kind_of(own) == "model":
            others = [folder / f"{path.stem}{ending}" for ending in MODEL_ENDINGS]
            if not any(other.exists() for other in others):
                for ending in DEFINITIONS_ENDINGS:
                    (folder / f"{path.stem}{ending}").unlink(missing_ok=True)

    def _check_size(self, name: str, n_bytes: int) -> None:
        most = MOST_DEFINITIONS if kind_of(name) == "definitions" else self.most_bytes
        if n_bytes > most:
            raise Problem(
                413,
                "too_large",
                f"{name} has more than {most:,} bytes, which is the most that one file may have "
                "here. Make a file of fewer jets, or ask whoever runs the server to put it into "
                "the library.",
            )

    def _check_quota(self, person: str, more: int) -> None:
        used = self.used(person)
        if used + more > self.quota_bytes:
            raise Problem(
                413,
                "quota",
                f"Your files would have {used + more:,} bytes together, of {self.quota_bytes:,} "
                "that one person may have. Delete some of them first.",
            )
        free = os.statvfs(self.path)
        if free.f_bavail * free.f_frsize < more + FREE_BYTES:
            raise _disk_full()

    @contextlib.contextmanager
    def _alone(self, person: str) -> Iterator[None]:
        """No other process gives a file of this person its name meanwhile."""
        with (self.folder_of(person).path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Coming:
    """A file that comes piece by piece: ``write`` each, then ``keep`` it."""

    def __init__(
        self,
        uploads: Uploads,
        person: str,
        name: str,
        path: Path,
        file: IO[bytes],
        way: Way | None = None,
    ) -> None:
        self.name = name
        self.n_bytes = 0
        self._uploads = uploads
        self._person = person
        self._path = path
        self._file = file
        self._way = way

    def write(self, piece: bytes) -> None:
        """Take a piece. Raises Problem once there are too many, or the disk is full."""
        self.n_bytes += len(piece)
        self._uploads._check_size(self.name, self.n_bytes)
        self._uploads._check_quota(self._person, len(piece))
        try:
            self._file.write(piece)
            self._file.flush()
        except OSError as error:
            raise _disk_full() from error

    def keep(self) -> Kept:
        """Look into the file and give it its name.

        Raises Problem where it is of no use, or there is another one of that name.
        """
        self._file.close()
        folder = self._uploads.folder_of(self._person)
        target = folder.path / self.name
        way = self._check_content(folder, target)
        with self._uploads._alone(self._person):
            os.utime(self._path)
            try:
                again = target.exists()
                if again and not filecmp.cmp(self._path, target, shallow=False):
                    raise Problem(
                        409,
                        "name_taken",
                        f"You have another file {self.name} already. Delete it first, or give this "
                        "one another name.",
                    )
                _note(way, target)  # before anybody can see the file
                if again:
                    os.utime(target)  # the same again: kept for longer
                else:
                    os.link(self._path, target)
            except OSError as error:
                raise _disk_full() from error
        status = target.stat()
        kind = kind_of(self.name)
        assert kind is not None
        expires = self._uploads.expires(status.st_mtime) or 0.0
        return Kept(self.name, kind, status.st_size, expires)

    def _check_content(self, folder: Folder, target: Path) -> Way:
        """Open the file as it will be opened -> how. Raises Problem where it is of no use."""
        kind = kind_of(self.name)
        if self._way is not None and kind != "jets":
            raise Problem(
                422,
                "invalid_request",
                f"{self.name} holds no jets: leave tree, column and padding out.",
            )
        try:
            if kind == "definitions":
                read_definitions(self._path)
            elif kind == "model":
                definitions = definitions_of(target)
                if definitions is None:
                    raise Problem(
                        422,
                        "no_definitions",
                        f"Nothing says what the columns of {self.name} are. Upload "
                        f"{target.with_suffix('.yml').name} first, or both together: a YAML file "
                        "with their names under 'features:'.",
                    )
                load_model(self._path, inside(folder.path, definitions.name))
            else:
                return self._check_jets(folder)
        except TreeError as error:
            raise _which(
                "which_tree",
                f"{self.name} was not kept, as nobody knows which of its trees holds the jets: "
                f"{_some(error.trees)}. Send it again with one of them as tree.",
                error.trees,
            ) from error
        except SourceError as error:
            raise Problem(
                503, SOURCE_FAILS, self._told(folder, f"{self.name} was not kept. {error}."),
                headers=AGAIN,
            ) from error  # fmt: skip
        except ColumnsError as error:
            if not error.lists:
                raise self._unusable(folder, error) from error
            given = self._way.columns.values() if self._way else ()
            lacks = [one for one in given if one not in error.lists]
            fault = (
                f"it has no branch {_some(lacks)}"
                if lacks
                else "none of its lists of numbers is named track_* or trackBTag_*"
            )
            raise _which(
                "which_columns",
                f"{self.name} was not kept: {fault}. Its lists of numbers are "
                f"{_some(error.lists)}. Send it again and say which are which, as column, such as "
                f"track_pt={error.lists[0]}.",
                error.lists,
            ) from error
        except JetlrpError as error:
            raise self._unusable(folder, error) from error
        return Way()

    def _unusable(self, folder: Folder, error: JetlrpError) -> Problem:
        words = f"This file cannot be used, and was not kept. {error.command}."
        return Problem(422, "unusable_upload", self._told(folder, words))

    def _told(self, folder: Folder, words: str) -> str:
        """Words with the file's own name instead of where it is."""
        own = (str(self._path.resolve()), str(self._path))
        for path in (*own, f"{folder.root}/", f"{folder.path}/"):
            words = words.replace(path, self.name if path.endswith(self._path.name) else "")
        return words.replace(self._path.name, self.name)

    def _check_jets(self, folder: Folder) -> Way:
        entry = Entry(self.name, "jets", "upload", self._path)
        way = self._way
        if way is None:
            way = self._uploads.way
            try:
                open_jets_of(entry, folder, way).close()
            except SourceError:
                raise
            except JetFileError:
                way = Way()  # it is not as the other files of this server
        with open_jets_of(entry, folder, way) as jets:
            if not len(jets):
                raise JetError(f"{self.name} has no jets")
            jets.summary()
            first = jets.read(0, 1, on_error="keep")[0]
            if isinstance(first, UnreadableJetError):
                raise first
            padded = [bad for bad in jets.problems(0, SOME_JETS) if bad.reason == PADDED]
            if 2 * len(padded) > min(len(jets), SOME_JETS):
                why = padded[0].message.replace(self._path.name, self.name)
                raise _which(
                    "which_padding",
                    f"{self.name} was not kept, as its jets are filled up with padding: {why}. "
                    "Send it again and say what it is, as padding.",
                    [ZEROS, NAN, "-999", KEEP],
                )
        return way


def clean_name(name: str) -> str:
    """A name that every file system takes, without folders. Raises Problem for another ending."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = re.sub(r"[^\w.+-]+", "_", last).strip("._-+ ")
    stem, ending = Path(plain).stem, Path(plain).suffix.lower()
    if kind_of(ending and f"a{ending}") is None or not stem:
        known = [each for endings in ENDINGS.values() for each in endings]
        raise Problem(
            422,
            "unknown_kind",
            f"{shown(name)} is no file that can be uploaded; its name must end with one of "
            f"{', '.join(known)}.",
            choices=known,
        )
    while len(stem.encode()) > LONGEST_STEM:
        stem = stem[:-1]
    return f"{stem}{ending}"


def kind_of(name: str) -> Kind | None:
    """What a file is by the ending of its name."""
    ending = Path(name).suffix.lower()
    return next((kind for kind, endings in ENDINGS.items() if ending in endings), None)


def _inside(folder: Path) -> list[tuple[Path, int, float]]:
    """The files in a folder with their sizes and times; none if it is not there."""
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if entry.is_file(follow_symlinks=False):
                    found.append((Path(entry.path), status.st_size, status.st_mtime))
    return found


def columns_of(pairs: Sequence[str]) -> dict[str, str]:
    """STANDARD=BRANCH, each -> the branch of each standard name. Raises Problem for others."""
    found = {}
    for pair in pairs:
        standard, equals, branch = (part.strip() for part in pair.partition("="))
        if not (standard and equals and branch):
            raise Problem(
                422, "invalid_request", f"column: expected STANDARD=BRANCH, found {shown(pair)}."
            )
        found[standard] = branch
    return found


def padding_of(given: str | None) -> str | None:
    """What lists are filled up with, as it is given. Raises Problem where it is nothing."""
    try:
        return padding_text(given or None)
    except SettingsError as error:
        raise Problem(422, "invalid_request", f"{error}.") from error


def _note(way: Way, target: Path) -> None:
    """Say beside a file how it is read, where that is not as it is anyway."""
    note = way_note(target)
    if way == Way():
        note.unlink(missing_ok=True)
    else:
        note.write_text(str(way), "utf-8")


def _which(code: str, words: str, choices: list[str]) -> Problem:
    return Problem(422, code, words, choices=choices[:MOST_CHOICES])


def _some(names: Sequence[str]) -> str:
    """The first names of many, as they may stand in a message."""
    more = len(names) - MOST_NAMED
    some = ", ".join(name if name.isprintable() else shown(name) for name in names[:MOST_NAMED])
    return (some or "none") + (f" and {more} more" if more > 0 else "")


def _disk_full() -> Problem:
    return Problem(
        507,
        "disk_full",
        "The disk of the server has no room for this file. Tell whoever runs the server.",
    )
