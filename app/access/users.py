"""The people who may log in: a file of names and hashed passwords, changed by `jetlrp users`.

It is JSON, readable by its owner only: {"key": ..., "users": {NAME: {"hash": ..., "added": ...}}}.
The key signs the sessions, so they survive a restart and hold in every worker. Whoever can read the
file can act as anybody.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore, Lock

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from lrp_core.errors import SettingsError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 256
AT_ONCE = BoundedSemaphore(2)  # each hashing takes 64 MiB and a core for a moment


@dataclass(frozen=True)
class User:
    """Somebody who may log in; ``added`` is a date, YYYY-MM-DD."""

    name: str
    hash: str
    added: str

    @property
    def mark(self) -> str:
        """What a session remembers of the password, so that it ends when the password changes."""
        return hashlib.sha256(self.hash.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Content:
    key: str
    users: dict[str, User]


class UserTable:
    """The table as it is now: whoever is added or removed counts from the next request on."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = Lock()
        self._seen: tuple[int, int, int] | None = None
        self._content = _Content("", {})

    def read(self) -> None:
        """Read the file, unless it is as it was. Raises SettingsError if it is no user table."""
        with self._lock:
            try:
                found = self.path.stat()
            except OSError as error:
                raise SettingsError(
                    f"{self.path}: there is no such file; make it with "
                    f"`jetlrp users add NAME --file {self.path}`"
                ) from error
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                self._content = _read(self.path)
                self._seen = seen

    @property
    def key(self) -> str:
        """What signs the sessions."""
        self.read()
        return self._content.key

    def __iter__(self) -> Iterator[User]:
        self.read()
        return iter(sorted(self._content.users.values(), key=lambda user: user.name))

    def get(self, name: str) -> User | None:
        """The user of a name, None if there is none."""
        self.read()
        return self._content.users.get(name)

    def check(self, name: str, password: str) -> User | None:
        """The user if the password is right. Takes as long for names that nobody has."""
        user = self.get(name)
        with AT_ONCE:
            right = _is_right(user.hash if user else _nobodys_hash(), password)
        return user if right else None

    def add(self, name: str, password: str) -> bool:
        """Add a user, or change the password of one. -> whether the name is new.

        Raises SettingsError for a name or a password that is not possible.
        """
        if not NAME.fullmatch(name):
            raise SettingsError(
                f"{name!r} is not possible as a name: expected up to 64 letters, digits and . _ @ "
                "+ -, the first one a letter or a digit"
            )
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise SettingsError(
                f"the password has {len(password)} characters; expected {SHORTEST_PASSWORD} to "
                f"{LONGEST_PASSWORD}"
            )
        hashed = PasswordHasher().hash(password)
        with self._changing() as users:
            new = name not in users
            users[name] = User(name, hashed, date.today().isoformat())
        return new

    def remove(self, name: str) -> None:
        """Remove a user; sessions of that name end at once. Raises SettingsError if none has it."""
        with self._changing() as users:
            if name not in users:
                raise SettingsError(
                    f"{self.path}: nobody is called {name!r}; there are "
                    f"{', '.join(sorted(users)) or 'no users'}"
                )
            del users[name]

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, User]]:
        """The users, written back at the end; only one process at a time changes them."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = self.path.with_name(f"{self.path.name}.lock").open("a")
        except OSError as error:
            raise SettingsError(f"{self.path}: cannot be written ({error.strerror})") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            there = self.path.exists()
            content = _read(self.path) if there else _Content(secrets.token_urlsafe(32), {})
            users = dict(content.users)
            yield users
            _write(self.path, _Content(content.key, users))


def _read(path: Path) -> _Content:
    expected = "expected a file that `jetlrp users add` has made"
    try:
        found = json.loads(path.read_text("utf-8"))
        users = {
            name: User(name, entry["hash"], entry["added"])
            for name, entry in found["users"].items()
        }
        content = _Content(found["key"], users)
        texts = [content.key, *(text for u in users.values() for text in (u.hash, u.added))]
        if not all(isinstance(text, str) for text in texts) or len(content.key) < 32:
            raise ValueError
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path}: is no table of users; {expected}") from error
    return content


def _write(path: Path, content: _Content) -> None:
    """Whole or not at all; readable by its owner alone, unless an administrator has said so."""
    users = {u.name: {"hash": u.hash, "added": u.added} for u in content.users.values()}
    text = json.dumps({"key": content.key, "users": users}, indent=1, sort_keys=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if path.exists():
                before = path.stat()
                os.fchmod(handle, before.st_mode & 0o640)
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, before.st_uid, before.st_gid)
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_right(hashed: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(hashed, password)
    except (Argon2Error, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return PasswordHasher().hash(secrets.token_urlsafe(16))
