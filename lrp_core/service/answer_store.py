"""Explanations on disk: plain data as JSON, arrays as NPY, one after the other. Nothing is pickled.

What is kept of an explanation leaves the relevance of every edge for every column out: this is
large, few ask for it, and it is computed as fast as it is read.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Hashable
from typing import Any

import numpy as np
from pydantic_core import from_json, to_json

from lrp_core.service.answers import EDGE_ROWS, Answer
from lrp_core.service.disk import Disk

FORMAT = 2
FULL, SUMMARY = "full", "summary"
LENGTH = struct.Struct("<Q")


class AnswerStore:
    """Answers by the keys of the cache, on a disk.

    version  of jetlrp; another one's answers are not read
    """

    def __init__(self, disk: Disk, version: str) -> None:
        self.disk = disk
        self._version = version

    def read(self, key: tuple[str | int, ...]) -> Answer | None:
        """The answer of a key, None where there is none that can be used."""
        if key[-1] == FULL:
            return None
        named = self._key(key)
        content = self.disk.read(named)
        if content is None:
            return None
        try:
            return unpack(content)
        except (ValueError, TypeError, EOFError, struct.error) as error:
            self.disk.damaged(named, str(error))
            return None

    def write(self, key: tuple[str | int, ...], answer: Answer) -> None:
        """Keep an answer."""
        if key[-1] == FULL:
            key, answer = (*key[:-1], SUMMARY), answer.without(EDGE_ROWS)
        self.disk.write(self._key(key), pack(answer))

    def _key(self, key: tuple[str | int, ...]) -> Hashable:
        return (FORMAT, self._version, *key)


def pack(answer: Answer) -> bytes:
    """An answer as bytes: names of arrays and plain data, then the arrays in that order."""
    head = to_json({"arrays": list(answer.arrays), "plain": answer.plain}, inf_nan_mode="constants")
    whole = io.BytesIO()
    whole.write(LENGTH.pack(len(head)))
    whole.write(head)
    for array in answer.arrays.values():
        np.lib.format.write_array(whole, np.ascontiguousarray(array), allow_pickle=False)
    return whole.getvalue()


def unpack(content: bytes) -> Answer:
    """The answer again. Raises ValueError, TypeError, EOFError or struct.error for other bytes."""
    whole = io.BytesIO(content)
    (length,) = LENGTH.unpack(whole.read(LENGTH.size))
    head: Any = from_json(whole.read(length), allow_inf_nan=True)
    arrays = {
        str(name): np.lib.format.read_array(whole, allow_pickle=False) for name in head["arrays"]
    }
    if whole.read(1):
        raise ValueError("there is more than the arrays")
    return Answer(dict(head["plain"]), arrays)
