"""Bytes on disk by key, shared by all processes of a server: bounded, checked, safe to lose.

An entry is one file: the SHA-256 of its content, then the content. It is written beside its place
and renamed, so that nobody sees half of it; two who write the same write the same. What is damaged
counts as missing and is removed. Where the disk is full or gone, nothing is kept for a while.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Hashable
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import Lock

from lrp_core.watching import DISK

logger = logging.getLogger("jetlrp.cache")

DIGEST = hashlib.sha256
HEAD = DIGEST().digest_size  # bytes
ENDING = ".entry"
PAUSE_SECONDS = 60.0  # without the disk, after it failed
ROOM = 0.9  # of the limit that is left filled when room is made
SHARE = 1 / 16  # of the limit that one process writes before it looks at all that is there
STALE_SECONDS = 600.0  # after which a file that was never renamed is nobody's


@dataclass(frozen=True)
class DiskUse:
    """How often the disk helped this process, and how often it did not."""

    hits: int = 0
    misses: int = 0
    damaged: int = 0
    failures: int = 0


class Disk:
    """Entries in a folder, together hardly more than ``max_bytes``; the least recently used go.

    "Hardly": a process looks at the whole only after it has written a sixteenth of the limit.
    Nothing here raises: a cache that does not work is one that is empty.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._lock = Lock()
        self._hits = self._misses = self._damaged = self._failures = 0
        self._written = 0
        self._resume_at = 0.0
        self._warned = False

    @property
    def works(self) -> bool:
        """Whether entries are kept at present."""
        return time.monotonic() >= self._resume_at

    def use(self) -> DiskUse:
        """How often it helped."""
        with self._lock:
            return DiskUse(self._hits, self._misses, self._damaged, self._failures)

    def path(self, key: Hashable) -> Path:
        """Where the entry of a key lies. The key is made of texts and numbers."""
        name = DIGEST(json.dumps(key).encode()).hexdigest()
        return self.folder / name[:2] / f"{name[2:]}{ENDING}"

    def read(self, key: Hashable) -> bytes | None:
        """The content of an entry, None where there is none that can be used."""
        path = self.path(key)
        try:
            whole = path.read_bytes()
        except FileNotFoundError:
            self._count(misses=1)
            return None
        except OSError as error:
            self._failed(error)
            return None
        content = whole[HEAD:]
        if DIGEST(content).digest() != whole[:HEAD]:
            self.damaged(key, "its checksum does not fit")
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used just now
        self._count(hits=1)
        return content

    def write(self, key: Hashable, content: bytes) -> None:
        """Keep an entry, if it fits and the disk takes it."""
        size = HEAD + len(content)
        if size > self.max_bytes * (1 - ROOM) or not self.works:
            return
        path = self.path(key)
        beside = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                beside.write_bytes(DIGEST(content).digest() + content)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            self._failed(error)
            return
        with self._lock:
            self._warned = False
            first = self._written == 0
            self._written += size
            look = first or self._written > self.max_bytes * SHARE
            if look:
                self._written = 1
        if look:
            self.make_room()

    def damaged(self, key: Hashable, why: str) -> None:
        """Note that an entry cannot be used, and take it away."""
        path = self.path(key)
        self._count(damaged=1)
        logger.warning("the cache entry %s is damaged (%s); it is computed anew", path, why)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def make_room(self) -> int:
        """Remove what was used longest ago until the rest fits. -> bytes removed."""
        try:
            with (self.folder / "lock").open("w") as lock:
                try:
                    flock(lock, LOCK_EX | LOCK_NB)
                except BlockingIOError:
                    return 0  # another process does it just now
                return self._make_room()
        except OSError as error:
            self._failed(error)
            return 0

    def _make_room(self) -> int:
        found: list[tuple[float, int, str]] = []
        now, total, removed = time.time(), 0, 0
        for folder in self.folder.iterdir():
            if not folder.is_dir():
                continue
            for entry in os.scandir(folder):
                with contextlib.suppress(FileNotFoundError):
                    facts = entry.stat()
                    if not entry.name.endswith(ENDING) and now - facts.st_mtime > STALE_SECONDS:
                        Path(entry.path).unlink()
                        continue
                    found.append((facts.st_mtime, facts.st_size, entry.path))
                    total += facts.st_size
        if total <= self.max_bytes:
            return 0
        for _, size, name in sorted(found):
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            removed += size
            if total - removed <= self.max_bytes * ROOM:
                break
        return removed

    def _failed(self, error: OSError) -> None:
        """Do without the disk for a while; the log is told once, until it works again."""
        DISK.labels("failure").inc()
        with self._lock:
            self._failures += 1
            self._resume_at = time.monotonic() + PAUSE_SECONDS
            warn, self._warned = not self._warned, True
        if warn:
            logger.warning(
                "the cache in %s does not work (%s); explanations are kept in memory only",
                self.folder,
                error.strerror or error,
            )

    def _count(self, *, hits: int = 0, misses: int = 0, damaged: int = 0) -> None:
        for result, times in (("hit", hits), ("miss", misses), ("damaged", damaged)):
            if times:
                DISK.labels(result).inc(times)
        with self._lock:
            self._hits += hits
            self._misses += misses
            self._damaged += damaged
