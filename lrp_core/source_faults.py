"""Faults of where a file lies, told apart from damage of what is in it.

    data = retried(lambda: fetch(0, 100), "root://host//jets.root")

A network, a server or a disk that fails now may answer a moment later. So it is asked again, and
what it says in the end is an error of the source: no word about the jets of the file. What is wrong
in the bytes that came is damage, and is told by those who decode them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lrp_core.errors import JetFileError, JetlrpError, SourceError

PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds before each further try
LASTING = (
    *(FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError),
    *(ImportError, NotImplementedError),
)
PASSING_STATUS = (408, 425, 429)  # of those of HTTP that blame the one who asks

T = TypeVar("T")


def retried(
    read: Callable[[], T], path: str, faults: tuple[type[Exception], ...] = (OSError,)
) -> T:
    """What ``read`` gives; where its source fails, it is asked again after each of ``PAUSES``.

    faults  exceptions that are the source's; every other one leaves at once
    Raises SourceError where the source fails each time, and JetFileError where it fails in a way
    that does not pass: there is no such file, or it may not be read.
    """
    for pause in (*PAUSES, None):
        try:
            return read()
        except JetlrpError:
            raise
        except faults as error:
            if does_not_pass(error):
                raise JetFileError(
                    f"{path} cannot be read: {short(error)}; check the address, and whether it may "
                    "be read"
                ) from error
            if pause is None:
                raise SourceError(
                    f"{path} cannot be read at the moment: {short(error)}, {len(PAUSES) + 1} times "
                    "in a row; this may pass and says nothing about the jets in the file; try "
                    "again, or copy the file to a disk that can be read"
                ) from error
        time.sleep(pause)
    raise AssertionError  # the last round returns or raises


def does_not_pass(error: Exception) -> bool:
    """Whether asking again is of no use."""
    if isinstance(error, LASTING):
        return True
    status = getattr(error, "status", None)  # of an answer over HTTP
    return isinstance(status, int) and 400 <= status < 500 and status not in PASSING_STATUS


def short(error: BaseException) -> str:
    """First line of what a library says, with its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
