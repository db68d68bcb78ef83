"""One Parquet file of jets: a row per jet, its columns named as the branches of a ROOT file.

A track feature is a column of lists of numbers named ``track_*`` or ``trackBTag_*``, as
``list<float>``; what is said of the jet as a whole (``label_H_bb``, ``fj_pt``, …) is a column of
numbers. awkward writes such a file with ``ak.to_parquet``, polars and pandas do with columns of
lists. A row group is the least that is read. What is null is no number: a list that is null is
empty, and a track of which every value is null is none, as where lists were filled up with nulls;
one that is null in part makes its jet bad.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lrp_core.errors import JetFileError
from lrp_core.parquet_pages import claim_of
from lrp_core.root_file import UNPACKED_BYTES, Branch, DamagedBranchError, RootFile

ENDING = ".parquet"
MAGIC = b"PAR1"


@dataclass(frozen=True, eq=False)
class _Column:
    """A column: its type, how much there is of it, and whether there are nulls in it."""

    name: str
    type: Any
    n_values: int
    n_packed: int
    has_nulls: bool


class _Table:
    """The columns of a file, as ``RootFile`` looks for the branches of a tree."""

    name = "rows"

    def __init__(self, columns: list[_Column]) -> None:
        self._columns = columns

    def itervalues(self, *, recursive: bool) -> Iterator[_Column]:
        del recursive  # there is one level
        return iter(self._columns)


class ParquetFile(RootFile):
    """As ``RootFile``, of a Parquet file. There are no trees, so that none can be named."""

    def _count_jets(self) -> int:
        file, _ = self._open_tree()
        with file:
            footer = self._footer_bytes()
            self.uuid = hashlib.sha256(footer).hexdigest()[:32]
            return int(file.metadata.num_rows)

    @property
    def leaves_out(self) -> bool:
        """Whether rows may be left out of the lists: as padding, or as nulls."""
        nulls = any(branch.source.has_nulls for branch in self.tracks.values())
        return nulls or super().leaves_out

    def _footer_bytes(self) -> bytes:
        """What the end of the file says of its content."""
        with Path(self.path).open("rb") as file:
            file.seek(-8, 2)
            length = int.from_bytes(file.read(4), "little")
            file.seek(-8 - length, 2)
            return file.read(length)

    def _open_tree(self, **_: Any) -> tuple[Any, Any]:
        import pyarrow.parquet as pq

        if self.is_remote:
            raise JetFileError(f"{self.path}: Parquet files are read from the disk; copy it there")
        if self.tree_name is not None:
            raise JetFileError(
                f"{self.path}: a Parquet file has no tree {self.tree_name!r}; leave the tree out"
            )
        try:
            with Path(self.path).open("rb") as start:
                begin = start.read(4)
        except OSError as error:
            raise JetFileError(
                f"{self.path} cannot be opened: {error.strerror or error}"
            ) from error
        if begin != MAGIC:
            raise JetFileError(
                f"{self.path} is not a Parquet file: it begins with {begin!r}; expected {MAGIC!r}"
                if begin
                else f"{self.path} is empty (0 bytes); expected a Parquet file"
            )
        try:
            file = pq.ParquetFile(self.path, memory_map=False)
            return file, _Table(_columns(file))
        except Exception as error:
            raise JetFileError(
                f"{self.path} cannot be opened as a Parquet file: {_short(error)}; "
                "copy or write it again"
            ) from error

    def _describe(self, source: _Column) -> Branch:
        import pyarrow as pa

        kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
        is_list = any(kind(source.type) for kind in kinds)
        of = source.type.value_type if is_list else source.type
        number = pa.types.is_floating(of) or pa.types.is_integer(of) or pa.types.is_boolean(of)
        dtype = np.dtype(of.to_pandas_dtype()) if number else None
        meta = self.file.metadata
        sizes = [meta.row_group(at).num_rows for at in range(meta.num_row_groups)]
        return Branch(
            name=source.name,
            typename=str(source.type),
            dtype=dtype,
            is_list=is_list and dtype is not None,
            edges=np.cumsum([0, *sizes], dtype=np.int64),
            jet_bytes=source.n_values * (dtype.itemsize if dtype else 1) / max(self.n_jets, 1),
            size=source.n_packed,
            counter=None,
            source=source,
        )

    def _arrays(self, branches: dict[str, Branch], start: int, stop: int) -> dict[str, Any]:
        return {name: self._array(branch, start, stop) for name, branch in branches.items()}

    def _array(self, branch: Branch, start: int, stop: int) -> Any:
        edges = branch.edges
        first = max(int(np.searchsorted(edges, start, "right")) - 1, 0)
        last = int(np.searchsorted(edges, stop, "left"))
        where = f"{branch.name} cannot be read for the jets {start} to {stop - 1} of {self.path}"
        try:
            if self._claims(branch, first, last) > UNPACKED_BYTES:
                raise DamagedBranchError(
                    f"{where}: it says that it unpacks to more than {UNPACKED_BYTES >> 20} MB at "
                    "once; write the file again with fewer jets in a row group"
                )
            table = self.file.read_row_groups(
                list(range(first, last)), columns=[branch.name], use_threads=False
            )
            column = table.column(0).slice(start - int(edges[first]), stop - start)
            return _lists(column) if branch.is_list else _numbers(column)
        except DamagedBranchError:
            raise
        except Exception as error:
            raise DamagedBranchError(
                f"{where}: {_short(error)}; the file is damaged, copy or write it again"
            ) from error

    def _claims(self, branch: Branch, first: int, last: int) -> int:
        """Bytes that a column takes in some row groups, as all its pages say. Raises PageError."""
        assert branch.dtype is not None
        n_bytes = 0
        with Path(self.path).open("rb") as file:
            for group in range(first, last):
                row_group = self.file.metadata.row_group(group)
                for place in range(row_group.num_columns):
                    chunk = row_group.column(place)
                    if chunk.path_in_schema.split(".")[0] == branch.name:
                        claim = claim_of(file, chunk)
                        n_bytes += claim.n_values * branch.dtype.itemsize + claim.n_bytes
        return n_bytes


def _columns(file: Any) -> list[_Column]:
    """The columns of a file; those of several levels keep what all their parts have."""
    meta = file.metadata
    n_values: dict[str, int] = {}
    n_packed: dict[str, int] = {}
    with_nulls: set[str] = set()
    for group in range(meta.num_row_groups):
        row_group = meta.row_group(group)
        for place in range(row_group.num_columns):
            chunk = row_group.column(place)
            name = chunk.path_in_schema.split(".")[0]
            n_values[name] = n_values.get(name, 0) + chunk.num_values
            n_packed[name] = n_packed.get(name, 0) + chunk.total_compressed_size
            if chunk.statistics is not None and chunk.statistics.null_count:
                with_nulls.add(name)
    return [
        _Column(
            field.name,
            field.type,
            n_values.get(field.name, 0),
            n_packed.get(field.name, 0),
            field.name in with_nulls,
        )
        for field in file.schema_arrow
    ]


def _numbers(column: Any) -> npt.NDArray[Any]:
    """The values of a column [n_jets]; NaN for null."""
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values.astype(np.float64) if values.dtype == object else values


def _lists(column: Any) -> Any:
    """The lists of a column as awkward has them; a null list is empty."""
    import awkward as ak
    import pyarrow.compute as pc

    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    values = pc.list_flatten(column)
    content: Any = ak.contents.NumpyArray(np.ascontiguousarray(_numbers(values)))
    if values.null_count:
        null = ak.index.Index8(values.is_null().to_numpy(zero_copy_only=False).astype(np.int8))
        content = ak.contents.ByteMaskedArray(null, content, valid_when=False)
    return ak.unflatten(ak.Array(content), counts)


def _short(error: BaseException) -> str:
    """First line of what a library says, with its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
