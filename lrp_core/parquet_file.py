"""One Parquet file of jets: a row per jet, its columns named as the branches of a ROOT file.

A track feature is a column of lists of numbers named ``track_*`` or ``trackBTag_*``, as
``list<float>``; what is said of the jet as a whole (``label_H_bb``, ``fj_pt``, …) is a column of
numbers. awkward writes such a file with ``ak.to_parquet``, polars and pandas do with columns of
lists. What a column of structures holds has its full name: ``tracks.pt`` of a list of structures
with pt. A row group is the least that is read. What is null is no number: a list that is null is
empty, and a track of which every value is null is none, as where lists were filled up with nulls;
one that is null in part makes its jet bad.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lrp_core import file_kind
from lrp_core.errors import JetFileError
from lrp_core.parquet_pages import claim_of
from lrp_core.root_branches import Branch
from lrp_core.root_file import UNPACKED_BYTES, DamagedBranchError, RootFile, check_kind
from lrp_core.source_faults import retried, short

ENDINGS = (".parquet", ".pq")

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Column:
    """A column, or what a column of structures holds under one name.

    type    of one jet, or of one element of its list
    top     the column that it is in
    steps   what leads to it from there: a field of a structure, or None for the elements of a list
    leaves  numbers of what is stored of it, from the first on
    """

    name: str
    type: Any
    top: str
    steps: tuple[str | None, ...]
    leaves: range


class _Table:
    """The columns of a file, as ``RootFile`` looks for the branches of a tree."""

    name = "rows"

    def __init__(self, columns: list[_Column]) -> None:
        self.columns = columns


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
        return super().leaves_out or any(map(self._has_nulls, self.tracks.values()))

    def _has_nulls(self, branch: Branch) -> bool:
        meta = self.file.metadata
        told = (
            meta.row_group(group).column(leaf).statistics
            for group in range(meta.num_row_groups)
            for leaf in branch.source.leaves
        )
        return any(one is not None and bool(one.null_count) for one in told)

    def _footer_bytes(self) -> bytes:
        """What the end of the file says of its content."""
        with Path(self.path).open("rb") as file:
            file.seek(-8, 2)
            length = int.from_bytes(file.read(4), "little")
            file.seek(-8 - length, 2)
            return file.read(length)

    def _open_tree(self, **_: Any) -> tuple[Any, Any]:
        if self.is_remote:
            raise JetFileError(f"{self.path}: Parquet files are read from the disk; copy it there")
        if self.tree_name is not None:
            raise JetFileError(
                f"{self.path}: a Parquet file has no tree {self.tree_name!r}; leave the tree out"
            )
        check_kind(self.path, file_kind.PARQUET)
        try:
            return retried(lambda: _decoded(self._opened), self.path)
        except JetFileError:
            raise
        except Exception as error:
            raise JetFileError(
                f"{self.path} cannot be opened as a Parquet file: {short(error)}; "
                "copy or write it again"
            ) from error

    def _opened(self) -> tuple[Any, _Table]:
        import pyarrow.parquet as pq

        file = pq.ParquetFile(self.path, memory_map=False)
        return file, _Table(_columns(file))

    def truncation(self) -> str:
        return ""  # a file that is too short has no footer, and is not opened

    def _sources(self, tree: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for column in tree.columns:
            found.setdefault(column.name, column)
        return found

    def _describe(self, name: str, source: _Column) -> Branch:
        import pyarrow as pa

        meta = self.file.metadata
        n_lists = source.steps.count(None)
        of = source.type
        fixed = pa.types.is_fixed_size_list(of)
        if _is_list(of):
            n_lists, of = n_lists + 1, of.value_type
        number = pa.types.is_floating(of) or pa.types.is_integer(of) or pa.types.is_boolean(of)
        dtype = np.dtype(of.to_pandas_dtype()) if number and n_lists < 2 else None
        sizes = [meta.row_group(at).num_rows for at in range(meta.num_row_groups)]
        chunks = [
            meta.row_group(at).column(leaf)
            for at in range(meta.num_row_groups)
            for leaf in source.leaves
        ]
        n_values = sum(chunk.num_values for chunk in chunks)
        return Branch(
            name=name,
            typename=f"{source.type} in a list" if None in source.steps else str(source.type),
            dtype=dtype,
            is_list=n_lists == 1 and dtype is not None,
            edges=np.cumsum([0, *sizes], dtype=np.int64),
            jet_bytes=n_values * (dtype.itemsize if dtype else 1) / max(self.n_jets, 1),
            size=sum(chunk.total_compressed_size for chunk in chunks),
            counter=None,
            source=source,
            length=source.type.list_size if fixed else None,
        )

    def _arrays(self, branches: dict[str, Branch], start: int, stop: int) -> dict[str, Any]:
        return {name: self._array(branch, start, stop) for name, branch in branches.items()}

    def _array(self, branch: Branch, start: int, stop: int) -> Any:
        edges = branch.edges
        first = max(int(np.searchsorted(edges, start, "right")) - 1, 0)
        last = int(np.searchsorted(edges, stop, "left"))
        where = f"{branch.name} cannot be read for the jets {start} to {stop - 1} of {self.path}"
        try:
            if retried(lambda: self._claims(branch, first, last), self.path) > UNPACKED_BYTES:
                raise DamagedBranchError(
                    f"{where}: it says that it unpacks to more than {UNPACKED_BYTES >> 20} MB at "
                    "once; write the file again with fewer jets in a row group"
                )
            leaf = self.file.schema.column(branch.source.leaves.start).path
            table = retried(
                lambda: _decoded(
                    lambda: self.file.read_row_groups(
                        list(range(first, last)), columns=[leaf], use_threads=False
                    )
                ),
                self.path,
            )
            column = table.column(branch.source.top).slice(start - int(edges[first]), stop - start)
            return _values(column, branch.source)
        except (DamagedBranchError, JetFileError):
            raise
        except Exception as error:
            raise DamagedBranchError(
                f"{where}: {short(error)}; the file is damaged, copy or write it again"
            ) from error

    def _claims(self, branch: Branch, first: int, last: int) -> int:
        """Bytes that a column takes in some row groups, as all its pages say. Raises PageError."""
        assert branch.dtype is not None
        n_bytes = 0
        with Path(self.path).open("rb") as file:
            for group in range(first, last):
                row_group = self.file.metadata.row_group(group)
                claim = claim_of(file, row_group.column(branch.source.leaves.start))
                n_bytes += claim.n_values * branch.dtype.itemsize + claim.n_bytes
        return n_bytes


def _decoded(read: Callable[[], T]) -> T:
    """What pyarrow reads. It calls damaged bytes an OSError, too; a disk's has a number."""
    try:
        return read()
    except OSError as error:
        if error.errno is None:
            raise ValueError(str(error)) from error
        raise


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_one(kind) for is_one in lists)


def _columns(file: Any) -> list[_Column]:
    """The columns of a file, and what those of structures hold, by full names: ``tracks.pt``."""
    import pyarrow as pa

    found: list[_Column] = []
    stored = 0

    def look(name: str, kind: Any, top: str, steps: tuple[str | None, ...]) -> None:
        nonlocal stored
        first, place = stored, len(found)
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        if pa.types.is_struct(kind):
            for field in kind:
                look(f"{name}.{field.name}", field.type, top, (*steps, field.name))
        elif _is_list(kind) and pa.types.is_struct(kind.value_type):
            for field in kind.value_type:
                look(f"{name}.{field.name}", field.type, top, (*steps, None, field.name))
        else:
            stored += _n_leaves(kind)
        found.insert(place, _Column(name, kind, top, steps, range(first, stored)))

    for field in file.schema_arrow:
        look(field.name, field.type, field.name, ())
    if stored != len(file.schema):
        raise ValueError(f"its columns are stored as {len(file.schema)}, expected {stored}")
    return found


def _n_leaves(kind: Any) -> int:
    """How many columns of plain values a type is stored as."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return _n_leaves(kind.storage_type)
    if pa.types.is_map(kind):
        return _n_leaves(kind.key_type) + _n_leaves(kind.item_type)
    if pa.types.is_struct(kind):
        return sum(_n_leaves(field.type) for field in kind)
    return _n_leaves(kind.value_type) if _is_list(kind) else 1


def _values(column: Any, of: _Column) -> Any:
    """What a column holds of each jet: numbers [n_jets], or their lists as awkward has them.

    What is null is no number, and a list that is null is empty.
    """
    import awkward as ak
    import pyarrow.compute as pc

    counts = None
    for step in (*of.steps, *((None,) if _is_list(of.type) else ())):
        if step is None:
            counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
            column = pc.list_flatten(column)
        else:
            column = pc.struct_field(column, step)
    numbers: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    if numbers.dtype == object:
        numbers = numbers.astype(np.float64)
    if counts is None:
        return numbers
    content: Any = ak.contents.NumpyArray(np.ascontiguousarray(numbers))
    if column.null_count:
        null = ak.index.Index8(column.is_null().to_numpy(zero_copy_only=False).astype(np.int8))
        content = ak.contents.ByteMaskedArray(null, content, valid_when=False)
    return ak.unflatten(ak.Array(content), counts)
