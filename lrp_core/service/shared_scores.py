"""Scores of jets that several processes share: one of them scores, the others take what it has."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Hashable
from fcntl import LOCK_EX, LOCK_NB, flock
from typing import IO

import numpy as np
import numpy.typing as npt

from lrp_core.service.disk import Disk

SECONDS = 2.0  # between two times that scores are written, or looked for
BYTES_PER_SECOND = 1_000_000  # that writing them may take of the disk


class SharedScores:
    """The scores of some jets by one network, on a disk.

    Scores are written now and then and at the end. Whoever holds the lock scores; it is free again
    when its process ends, however that happens.
    """

    def __init__(self, disk: Disk, key: tuple[str | int, ...]) -> None:
        self._disk = disk
        self._key: Hashable = ("scores", *key)
        name = hashlib.sha256(json.dumps(self._key).encode()).hexdigest()
        self._path = disk.folder / f"scoring-{name[:32]}.lock"
        self._held: IO[str] | None = None
        self._write_at = self._read_at = 0.0

    def take(self) -> bool:
        """Whether this process is to score. Everybody is where the disk does not work."""
        if self._held is not None:
            return True
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._path.open("w")
        except OSError:
            return True
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        except OSError:
            file.close()
            return True
        self._held = file
        return True

    def leave(self) -> None:
        """Let another process go on."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def read(self, *, now: bool = False) -> npt.NDArray[np.float64] | None:
        """The scores of the first jets as far as they are known; None before it is time to look."""
        if not now and time.monotonic() < self._read_at:
            return None
        self._read_at = time.monotonic() + SECONDS
        content = self._disk.read(self._key)
        if content is None:
            return None
        if len(content) % 8:
            self._disk.damaged(self._key, "it is not of whole numbers")
            return None
        return np.frombuffer(content, dtype="<f8").astype(np.float64)

    def write(self, scores: npt.NDArray[np.float64], *, last: bool) -> None:
        """Keep the scores of the first jets, where it is time to, or these are the last ones."""
        if not last and time.monotonic() < self._write_at:
            return
        content = np.ascontiguousarray(scores, dtype="<f8").tobytes()
        self._write_at = time.monotonic() + SECONDS + len(content) / BYTES_PER_SECOND
        with contextlib.suppress(OSError):
            self._disk.write(self._key, content)
