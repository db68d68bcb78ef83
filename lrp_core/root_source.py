"""ROOT files read within bounds: what a file says of itself takes no memory by being said.

A basket tells its unpacked size twice, in its key and block by block, and what comes out of a
decompressor need be neither: 30 kB can become gigabytes. So every size is counted before it is
taken, and every block ends where it says that it does. uproot does the reading.

Both sources here, of a disk and of a network, tell their own faults from a file that is too short:
a piece that does not come is asked for again and ends in SourceError (``source_faults``).
"""

from __future__ import annotations

import errno
import lzma
import os
import queue
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot
import uproot.compression
from uproot.source.chunk import Chunk
from uproot.source.file import FileResource
from uproot.source.fsspec import FSSpecSource
from uproot.source.futures import ResourceTrivialExecutor, TrivialFuture

from lrp_core.errors import JetFileError
from lrp_core.source_faults import retried

HEADER_BYTES = 64 << 20  # the most that is unpacked before any jet is read
LZMA_BYTES = 128 << 20  # what liblzma may take for itself
NOT_IN_THE_FILE = 416  # a server's answer over HTTP


class TooMuchError(Exception):
    """Reading would take more memory than jets need; never leaves the modules of files."""

    def __init__(self, most: int) -> None:
        super().__init__(f"it says that it unpacks to more than {most >> 20} MB at once")


class EndError(Exception):
    """A file ends before a piece of it that is asked for; never leaves the modules of files."""


class _Piece(Chunk):  # type: ignore[misc]
    """Bytes of a file that have come."""

    def wait(self, insist: bool | int = True) -> None:
        try:
            super().wait(insist)
        except OSError as error:  # the file ends here: its source has made sure of that
            raise EndError(f"it ends before byte {self.stop}") from error


def _piece(
    source: Any,
    path: str,
    start: int,
    stop: int,
    fetch: Callable[[], bytes],
    faults: tuple[type[Exception], ...],
) -> Chunk:
    """A piece of a file, shorter where the file ends, asked for until it comes.

    Raises SourceError where it does not come, and EndError where it cannot be.
    """
    if not 0 <= start <= stop:
        raise EndError(f"the bytes {start} to {stop} are asked for, which cannot be")

    def fetched() -> bytes:
        try:
            data = fetch()
        except faults as error:
            no_such_place = getattr(error, "errno", 0) == errno.EINVAL
            no_such_place |= getattr(error, "status", 0) == NOT_IN_THE_FILE
            if no_such_place and start >= (source.num_bytes or stop):
                return b""
            raise
        if len(data) < stop - start:
            size = source.num_bytes
            there = stop - start if size is None else max(0, min(stop, size) - start)
            if len(data) < there:
                raise OSError(f"only {len(data)} of {there} bytes came")
        if len(data) > stop - start:
            raise JetFileError(
                f"{path} cannot be read in pieces: the server sends {len(data)} bytes "
                f"where {stop - start} were asked for; copy the file to a disk"
            )
        return data

    data = retried(fetched, path, faults)
    return _Piece(source, start, stop, TrivialFuture(data))


class FileAtPlaces(FileResource):  # type: ignore[misc]
    """A file that is read at places, not from where it was read last.

    Processes that a fork made share that place: with it, each would read what the others seek.
    """

    def get(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to ``stop``, fewer where the file ends."""
        if not hasattr(os, "pread"):  # Windows, which has no fork either
            data: bytes = super().get(start, stop)
            return data
        pieces: list[bytes] = []
        while start < stop and (piece := os.pread(self.file.fileno(), stop - start, start)):
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)


class BoundedSource(uproot.MultithreadedFileSource):  # type: ignore[misc]
    """A local file that gives a number of bytes, packed and unpacked, until it begins anew."""

    def __init__(self, file_path: str, **options: Any) -> None:
        self.begin(HEADER_BYTES)
        super().__init__(file_path, **options)

    def _open(self) -> None:
        self._executor = ResourceTrivialExecutor(FileAtPlaces(self.file_path))
        self._num_bytes = Path(self.file_path).stat().st_size

    def begin(self, most: int) -> None:
        """Allow ``most`` bytes from now on."""
        self._most = self._left = most

    def take(self, n_bytes: int) -> None:
        """Count bytes that are about to be taken. Raises TooMuchError."""
        self._left -= max(0, n_bytes)
        if self._left < 0:
            raise TooMuchError(self._most)

    def chunk(self, start: int, stop: int) -> Any:
        """A piece of the file."""
        self.take(stop - start)

        def fetch() -> bytes:
            data: bytes = super(BoundedSource, self).chunk(start, stop).future.result()
            return data

        return _piece(self, self.file_path, start, stop, fetch, (OSError,))

    def chunks(self, ranges: Sequence[tuple[int, int]], notifications: queue.Queue[Any]) -> Any:
        """Pieces of the file."""
        pieces = [self.chunk(start, stop) for start, stop in ranges]
        for piece in pieces:
            notifications.put(piece)
        return pieces


def noted(kind: type[Any], sources: list[Any]) -> type[Any]:
    """A kind of source of which each that is made is added to ``sources``."""

    class Noted(kind):  # type: ignore[misc]
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options)
            sources.append(self)

    return Noted


class RemoteSource(FSSpecSource):  # type: ignore[misc]
    """A file on a network. Whatever its file system raises is a fault of the source."""

    def chunk(self, start: int, stop: int) -> Any:
        """A piece of the file."""

        def fetch() -> bytes:
            data: bytes = super(RemoteSource, self).chunk(start, stop).future.result()
            return data

        return _piece(self, self._file_path_orig, start, stop, fetch, (Exception,))

    def chunks(self, ranges: Sequence[tuple[int, int]], notifications: queue.Queue[Any]) -> Any:
        """Pieces of the file, asked for together; one by one what does not come so."""
        pieces = []
        for asked in super().chunks(ranges, queue.Queue()):
            try:
                asked.wait()
                piece = _Piece(self, asked.start, asked.stop, TrivialFuture(asked.raw_data))
            except Exception:
                piece = self.chunk(asked.start, asked.stop)
            notifications.put(piece)
            pieces.append(piece)
        return pieces

    @property
    def num_bytes(self) -> Any:
        """Size of the file; None where the server does not tell."""
        size = super(RemoteSource, RemoteSource).num_bytes.fget
        return retried(lambda: size(self), self._file_path_orig, (Exception,))


def claimed_bytes(field: Any) -> npt.NDArray[np.float64]:
    """What the pages of a field of an RNTuple say they hold, by cluster [n_clusters]."""
    ntuple = field.ntuple
    own: set[int] = set()
    more = {int(field.field_id)}
    while more:  # the fields below it, and those that it only shows
        own |= more
        shown = {ntuple.field_records[number].source_field_id for number in more} - {None}
        below = {at for at, one in enumerate(ntuple.field_records) if one.parent_field_id in more}
        more = (shown | below) - own
    sizes = np.zeros(len(ntuple.page_link_list))
    for column in ntuple.column_records:
        if column.field_id in own:
            for cluster, columns in enumerate(ntuple.page_link_list):
                pages = columns[column.idx].pages if column.idx < len(columns) else ()
                n_elements = sum(page.num_elements for page in pages) + column.first_element_index
                sizes[cluster] += n_elements * column.nbits / 8
    return sizes


def _before_block(*, chunk: Any, uncompressed_bytes: int, num_blocks: int, **_: Any) -> None:
    if num_blocks == 0 and isinstance(chunk.source, BoundedSource):
        chunk.source.take(uncompressed_bytes)


def _inflate(data: Any, uncompressed_bytes: int) -> bytes:
    return zlib.decompressobj().decompress(data, uncompressed_bytes + 1)


def _unpack_lzma(data: Any, uncompressed_bytes: int) -> bytes:
    return lzma.LZMADecompressor(memlimit=LZMA_BYTES).decompress(data, uncompressed_bytes + 1)


def _unpack_zstd(data: Any, uncompressed_bytes: int) -> Any:
    import pyarrow as pa

    try:
        return pa.Codec("zstd").decompress(pa.py_buffer(data), uncompressed_bytes)
    except OSError as error:  # pyarrow's word for damaged data, which no source has to do with
        raise ValueError(str(error)) from error


# uproot compares a block's length with what it says when it has been unpacked; LZ4 does so before.
uproot.compression.decompress.hook_before_block = _before_block
uproot.compression._decompress_ZLIB.decompress = _inflate
uproot.compression._decompress_LZMA.decompress = _unpack_lzma
uproot.compression._decompress_ZSTD.decompress = _unpack_zstd
