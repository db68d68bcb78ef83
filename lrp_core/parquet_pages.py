"""What the pages of a Parquet file say they hold, read from their headers alone.

The footer of a file sums up each column, but a reader goes by the header of every page, and a page
of some hundred bytes can stand for gigabytes: one value and how often it comes. So whoever wants
to know what a column will take asks here first. Headers are structures of Thrift's compact
protocol; source: the format's own description, github.com/apache/parquet-format, PageHeader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any

DATA, DICTIONARY, DATA_V2 = 0, 2, 3  # kinds of pages
TYPE, UNPACKED, PACKED, OF_DATA, OF_DATA_V2 = 1, 2, 3, 5, 8  # fields of a header
N_VALUES = 1  # field of what a header says of its data
LONGEST_HEADERS = (1 << 12, 1 << 24)  # bytes that are read of one: of most, and of any
DEEPEST = 16  # structures within each other


class PageError(Exception):
    """A page's header cannot be read; never leaves the modules of files."""


@dataclass(frozen=True)
class Claim:
    """What the pages of a column in a row group hold together.

    n_values  values, null ones too
    n_bytes   of the largest page, unpacked
    """

    n_values: int
    n_bytes: int


def claim_of(file: IO[bytes], chunk: Any) -> Claim:
    """Go from header to header of a column chunk, as pyarrow describes it.

    file  opened for reading bytes
    Raises PageError where there is no header, or one that cannot be.
    """
    at = chunk.data_page_offset
    if chunk.dictionary_page_offset is not None:
        at = min(at, chunk.dictionary_page_offset)
    end = at + chunk.total_compressed_size
    n_values = n_bytes = 0
    while n_values < chunk.num_values and at < end:
        header, length = _header(file, at)
        unpacked, packed = header.get(UNPACKED), header.get(PACKED)
        if (
            not isinstance(unpacked, int)
            or not isinstance(packed, int)
            or min(unpacked, packed) < 0
        ):
            raise PageError(f"the page at byte {at} does not say how large it is")
        n_bytes = max(n_bytes, unpacked)
        data = header.get({DATA: OF_DATA, DATA_V2: OF_DATA_V2}.get(header.get(TYPE, -1), -1))
        if isinstance(data, dict):
            n_values += max(0, int(data.get(N_VALUES, 0)))
        at += length + packed
    return Claim(n_values, n_bytes)


def _header(file: IO[bytes], at: int) -> tuple[dict[int, Any], int]:
    """The header that begins at a byte, and its length."""
    for most in LONGEST_HEADERS:
        file.seek(at)
        try:
            return _structure(file.read(most), 0, 0)
        except IndexError:
            continue
    raise PageError(f"there is no page at byte {at}")


def _structure(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """The fields of a structure by number, and where it ends."""
    if depth > DEEPEST:
        raise PageError("structures lie too deep within each other")
    fields: dict[int, Any] = {}
    number = 0
    while True:
        kind, step = data[at] & 15, data[at] >> 4
        at += 1
        if kind == 0:
            return fields, at
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        if kind in (1, 2):
            fields[number] = kind == 1
        else:
            fields[number], at = _value(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """A value of a kind, None where nobody asks for it, and where it ends."""
    if kind in (1, 2, 3):
        return None, at + 1
    if kind in (4, 5, 6):
        return _integer(data, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _unsigned(data, at)
        return None, at + length
    if kind in (9, 10):
        n_items, of = data[at] >> 4, data[at] & 15
        at += 1
        if n_items == 15:
            n_items, at = _unsigned(data, at)
        return None, _skip(data, at, n_items, (of,), depth)
    if kind == 11:
        n_items, at = _unsigned(data, at)
        if not n_items:
            return None, at
        return None, _skip(data, at + 1, n_items, (data[at] >> 4, data[at] & 15), depth)
    if kind == 12:
        return _structure(data, at, depth + 1)
    raise PageError(f"there is no kind {kind} of value")


def _skip(data: bytes, at: int, n_items: int, kinds: tuple[int, ...], depth: int) -> int:
    """Where so many values end; each takes a byte at least."""
    for _ in range(n_items):
        for kind in kinds:
            if at >= len(data):
                raise IndexError(at)
            at = _value(data, at, kind, depth + 1)[1]
    return at


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _unsigned(data, at)
    return (value >> 1) ^ -(value & 1), at


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise PageError("a number is too long")
