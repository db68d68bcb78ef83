"""A Parquet file of many jets' relevance, a row per jet: written so that nothing is lost, and read.

    relevance = open_relevance("relevance.parquet")
    relevance.run["rule"], relevance.features      # where it all comes from
    relevance[12].feature_relevance                # [n_tracks, n_features]

While it is being written, the jets that are done lie beside it in a folder of part files, each of
which is either there as a whole or not at all. So whatever ends a run, even kill -9, costs the jets
it was at; the next run goes on behind the last part, and the parts become one file at the end.
docs/relevance-file.md says what the columns are.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from lrp_core.errors import RelevanceFileError
from lrp_core.explanation import Explanation, Totals
from lrp_core.jets import Jet
from lrp_core.reading import BadJet

if TYPE_CHECKING:
    import pyarrow as pa

Array = npt.NDArray[Any]

FORMAT = "jetlrp relevance 1"
EDGES = ("none", "summary", "full")
GROUP_BYTES = 32 << 20  # of a row group, uncompressed: what a reader holds at once
GROUP_JETS = 4096
_KEY = b"jetlrp"  # of the run's description in the file's metadata
# Dictionaries help where values come again: numbers of tracks and names, not relevance.
_COMPRESSION = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": [
        *("label", "target", "rule", "problem"),
        *("edge_source.list.element", "edge_destination.list.element"),
    ],
}


@dataclass(frozen=True)
class Problem:
    """A jet that could not be explained: its number, where it is and why."""

    index: int
    jet_id: str
    problem: str


@dataclass(frozen=True, eq=False)
class JetRelevance:
    """What the file holds of one jet: a row. Names and units are those of ``Explanation``.

    problem  why the jet could not be explained, and then everything after ``rule`` is None; else
             None
    pt, sdmass in GeV, eta: of the jet, None where they are not known
    totals   where ``value`` went: to the tracks, to the biases, to ε
    feature_relevance               [n_tracks, n_features]
    edge_index                      [2, n_edges], row 0 source and row 1 destination
    edge_significance, signed_edge_relevance  [n_edges]
    edge_relevance                  [n_edges, 2 n_columns]; None unless the file has edges in full
    """

    index: int
    jet_id: str
    problem: str | None
    label: str | None
    pt: float | None
    sdmass: float | None
    eta: float | None
    n_tracks: int | None
    n_edges: int | None
    target: str
    rule: str
    logits: Array | None = None
    probabilities: Array | None = None
    value: float | None = None
    totals: Totals | None = None
    conservation_error: float | None = None
    feature_relevance: Array | None = None
    edge_index: Array | None = None
    edge_significance: Array | None = None
    signed_edge_relevance: Array | None = None
    edge_relevance: Array | None = None

    @classmethod
    def of(cls, index: int, jet: Jet, found: Explanation, edges: str = "summary") -> JetRelevance:
        """The row of an explained jet; ``edges`` is one of EDGES."""
        some, full = edges != "none", edges == "full"
        return cls(
            **_known(index, jet),
            problem=None,
            target=found.target,
            rule=str(found.rule),
            logits=found.logits,
            probabilities=found.probabilities,
            value=found.value,
            totals=found.totals,
            conservation_error=found.conservation_error,
            feature_relevance=found.feature_relevance,
            edge_index=found.edge_index if some else None,
            edge_significance=found.edge_significance if some else None,
            signed_edge_relevance=found.signed_edge_relevance if some else None,
            edge_relevance=found.edge_relevance if full else None,
        )

    @classmethod
    def failed(
        cls, index: int, jet: Jet | BadJet, problem: str, target: str, rule: str
    ) -> JetRelevance:
        """The row of a jet that could not be read or explained."""
        known = _known(index, jet)
        return cls(**known, problem=problem, target=target, rule=rule)


def _known(index: int, jet: Jet | BadJet) -> dict[str, Any]:
    """What is known of a jet before it is explained; little, where it cannot be read."""
    names = ("jet_id", "label", "pt", "sdmass", "eta", "n_tracks", "n_edges")
    return {"index": index} | {name: getattr(jet, name, None) for name in names}


class RelevanceWriter:
    """Writes the rows of a run, in order, and goes on where an earlier run like it stopped.

    path   the file that stands there in the end; the parts lie in ``path``.parts until then
    run    what the rows depend on, as plain data for JSON: stands in the file, and is compared with
           what an earlier run left. Needs first, last (numbers of the jets), classes, features,
           dtype and edges.
    next   number of the first jet that is not written yet; last + 1 if all are
    complete  whether the file is there already, whole, with all jets of this very run

    Raises RelevanceFileError where it cannot write, where another process does, and where what is
    there is of another run: then it says what differs.
    """

    def __init__(self, path: str | Path, run: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.parts = self.path.with_name(self.path.name + ".parts")
        self.run: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, **run}))
        self.first, self.next = int(run["first"]), int(run["first"])
        self.stop = int(run["last"]) + 1
        self._lock: IO[bytes] | None = None
        self.complete = self.path.exists()
        if self.complete:
            _compare(self.path, read_run(self.path), self.run)
            self.next = self.stop
        if not self.complete or self.parts.exists():
            self._take()

    def write(self, rows: Sequence[JetRelevance]) -> None:
        """Write the next jets as a part; they are safe on the disk when this returns."""
        if [row.index for row in rows] != list(range(self.next, self.next + len(rows))):
            raise ValueError(f"expected jets from {self.next} on, in order")
        import pyarrow as pa
        import pyarrow.parquet as pq

        buffer = pa.BufferOutputStream()
        pq.write_table(_table(rows, self.run), buffer, **_COMPRESSION)
        self._put(f"part-{self.next:012d}-{self.next + len(rows):012d}.parquet", buffer.getvalue())
        self.next += len(rows)

    def finish(self) -> None:
        """Make one file of the parts, once all jets are written, and remove them."""
        if self.next != self.stop:
            raise ValueError(f"only the jets before {self.next} of {self.stop} are written")
        if not self.complete:
            try:
                self._join()
            except OSError as error:
                (self.parts / "whole").unlink(missing_ok=True)
                raise self._cannot(error) from error
            self.complete = True
        shutil.rmtree(self.parts, ignore_errors=True)

    def problems(self) -> list[Problem]:
        """The jets written so far that could not be explained."""
        if self.complete:
            return open_relevance(self.path).problems()
        return [problem for part in self._listed() for problem in _problems(part)]

    def close(self) -> None:
        """Let other processes write; what is written stays."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> RelevanceWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> None:
        """Make the folder of the parts this process's own, and find out what is in it."""
        try:
            self.parts.mkdir(exist_ok=True)
            self._lock = (self.parts / "lock").open("wb")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.close()
                raise RelevanceFileError(
                    f"{self.path}: another process is writing it; wait for it, or give another file"
                ) from None
            description = self.parts / "run.json"
            if self.complete:  # stopped while it removed the parts
                self.finish()
            elif description.exists():
                _compare(self.parts, json.loads(description.read_bytes()), self.run)
                self.next = self._end()
            else:
                self._put(description.name, json.dumps(self.run, indent=1).encode())
        except OSError as error:
            self.close()
            raise self._cannot(error) from error
        except Exception:
            self.close()
            raise

    def _listed(self) -> list[Path]:
        return sorted(self.parts.glob("part-*.parquet"))

    def _end(self) -> int:
        """The jet behind the last part. Raises RelevanceFileError where one is missing."""
        end = self.first
        for part in self._listed():
            start, stop = (int(number) for number in part.stem.split("-")[1:])
            if start != end:
                raise RelevanceFileError(
                    f"{self.parts}: the part that begins with jet {end} is missing; "
                    "remove the folder to begin anew"
                )
            end = stop
        return end

    def _put(self, name: str, content: Any) -> None:
        """Write a file of the folder: all of it, on the disk, or nothing. Raises as the class."""
        try:
            with (self.parts / "unfinished").open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            (self.parts / "unfinished").replace(self.parts / name)
            _sync(self.parts)
        except OSError as error:
            (self.parts / "unfinished").unlink(missing_ok=True)
            raise self._cannot(error) from error

    def _join(self) -> None:
        """All parts -> one file, in row groups of a size that is good to read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        whole = self.parts / "whole"
        with whole.open("wb") as file:
            with pq.ParquetWriter(file, _schema(self.run), **_COMPRESSION) as writer:
                group: list[pa.Table] = []
                for part in self._listed():
                    table = _read(part)
                    size = sum(one.nbytes for one in [*group, table])
                    n_jets = sum(len(one) for one in [*group, table])
                    if group and (size > GROUP_BYTES or n_jets > GROUP_JETS):
                        writer.write_table(pa.concat_tables(group))
                        group = []
                    group.append(table)
                writer.write_table(pa.concat_tables(group))
            file.flush()
            os.fsync(file.fileno())
        whole.replace(self.path)
        _sync(self.path.parent)

    def _cannot(self, error: OSError) -> RelevanceFileError:
        """Says that nothing more can be written, why, and what becomes of what was."""
        done = self.next - self.first
        kept = (
            f"; {done} of {self.stop - self.first} jets are kept in {self.parts}, and the same "
            "command goes on from there once it can be written"
            if done
            else ""
        )
        reason = error.strerror or str(error)
        return RelevanceFileError(f"{self.path}: cannot be written ({reason}){kept}")


class RelevanceFile(Sequence[JetRelevance]):
    """A file of relevance as a sequence of its jets, read when they are asked for.

    run       where it all comes from: jets, network, target, rule, dtype and so on
    features  names of the columns of ``feature_relevance``
    columns   the network's input columns; an edge's row has them for its source, then for its
              destination
    classes   names of the logits
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.run = read_run(self.path)
        self.features = tuple(self.run["features"])
        self.columns = tuple(self.run["columns"])
        self.classes = tuple(self.run["classes"])
        import pyarrow.parquet as pq

        meta = pq.read_metadata(self.path)
        sizes = [meta.row_group(number).num_rows for number in range(meta.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self._group = lru_cache(maxsize=1)(self._read_group)

    def __repr__(self) -> str:
        return f"<RelevanceFile {self.path.name}: {len(self)} jets, {self.run['rule']['name']}>"

    def __len__(self) -> int:
        return int(self._starts[-1])

    @overload
    def __getitem__(self, place: int) -> JetRelevance: ...
    @overload
    def __getitem__(self, place: slice) -> list[JetRelevance]: ...
    def __getitem__(self, place: int | slice) -> JetRelevance | list[JetRelevance]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        at = range(len(self))[place]
        group = int(np.searchsorted(self._starts, at, side="right")) - 1
        return self._row(self._group(group), at - int(self._starts[group]))

    def __iter__(self) -> Iterator[JetRelevance]:
        for group in range(len(self._starts) - 1):
            table = self._read_group(group)
            for at in range(len(table)):
                yield self._row(table, at)

    def problems(self) -> list[Problem]:
        """The jets that could not be explained."""
        return _problems(self.path)

    def _read_group(self, number: int) -> pa.Table:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            return file.read_row_group(number).combine_chunks()

    def _row(self, table: pa.Table, at: int) -> JetRelevance:
        row = {name: table.column(name)[at] for name in table.column_names}
        plain = {name: row[name].as_py() for name in _SCALARS if name in row}
        if plain["problem"] is not None:
            return JetRelevance(**{name: plain[name] for name in _IDENTITY})

        def array(name: str, *shape: int) -> Array | None:
            if name not in row:
                return None
            values = row[name].values
            while values.type.num_fields:
                values = values.flatten()
            found: Array = values.to_numpy(zero_copy_only=False)
            return found.reshape(shape)

        n_edges, width = plain["n_edges"], 2 * len(self.columns)
        ends = [array("edge_source", n_edges), array("edge_destination", n_edges)]
        return JetRelevance(
            **{name: plain[name] for name in (*_IDENTITY, "value", "conservation_error")},
            logits=np.array([row[f"logit_{name}"].as_py() for name in self.classes]),
            probabilities=np.array([row[f"probability_{name}"].as_py() for name in self.classes]),
            totals=Totals(plain["tracks_total"], plain["bias_total"], plain["epsilon_total"]),
            feature_relevance=array("feature_relevance", plain["n_tracks"], len(self.features)),
            edge_index=None if ends[0] is None else np.array(ends, np.int64),
            edge_significance=array("edge_significance", n_edges),
            signed_edge_relevance=array("signed_edge_relevance", n_edges),
            edge_relevance=array("edge_relevance", n_edges, -1 if n_edges else width),
        )


def open_relevance(path: str | Path) -> RelevanceFile:
    """Open what ``jetlrp explain --all`` wrote. Raises RelevanceFileError naming the file."""
    return RelevanceFile(path)


def read_run(path: str | Path) -> dict[str, Any]:
    """Where a file of relevance comes from, as its metadata say. Raises RelevanceFileError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    parts = path.with_name(path.name + ".parts")
    if not path.exists() and (parts / "run.json").exists():
        raise RelevanceFileError(
            f"{path}: is not complete; give the command that began it again, and it goes on with "
            f"what is in {parts}"
        )
    try:
        metadata = pq.read_schema(path).metadata or {}
        run: dict[str, Any] = json.loads(metadata[_KEY])
        if run["format"] != FORMAT:
            raise ValueError(f"its format is {run['format']!r}")
    except FileNotFoundError:
        raise RelevanceFileError(f"{path}: there is no such file") from None
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise RelevanceFileError(
            f"{path}: is no relevance written by jetlrp ({type(error).__name__}: {error}); "
            f"expected {FORMAT!r} as Parquet"
        ) from error
    return run


_IDENTITY = (
    *("index", "jet_id", "problem", "label", "pt", "sdmass", "eta"),
    *("n_tracks", "n_edges", "target", "rule"),
)
_TOTALS = ("tracks_total", "bias_total", "epsilon_total")
_SCALARS = (*_IDENTITY, "value", *_TOTALS, "conservation_error")


def _compare(where: Path, there: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to mix two runs. Raises RelevanceFileError saying what differs."""
    different = [name for name in {**there, **now} if there.get(name) != now.get(name)]
    if different:
        told = "; ".join(
            f"{name} was {_short(there.get(name))}, is now {_short(now.get(name))}"
            for name in different
        )
        raise RelevanceFileError(
            f"{where} is of another run: {told}; give the same as then, write to another file, "
            f"or remove {where}"
        )


def _short(value: Any, most: int = 160) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= most else f"{text[:most]}…"


def _sync(folder: Path) -> None:
    """Have the names of a folder's files on the disk as well, not only what is in them."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _read(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A whole file, or some of its columns. Raises RelevanceFileError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.read(columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise RelevanceFileError(
            f"{path}: cannot be read ({error}); it is damaged: remove it, and all that is in its "
            "folder where that is one of parts, and begin again"
        ) from error


def _problems(path: Path) -> list[Problem]:
    table = _read(path, ["index", "jet_id", "problem"])
    bad = table.filter(table.column("problem").is_valid())
    return [Problem(**row) for row in bad.to_pylist()]


def _schema(run: Mapping[str, Any]) -> pa.Schema:
    """The columns of a run's file; the run itself stands in the metadata."""
    import pyarrow as pa

    def each(kind: pa.DataType) -> pa.Field:
        return pa.field(
            "element", kind, nullable=False
        )  # never missing within a list that is there

    number = each(pa.float64() if run["dtype"] == "float64" else pa.float32())
    feature_row = each(pa.list_(number, len(run["features"])))
    names = run["classes"]
    fields = [
        pa.field("index", pa.int64(), nullable=False),
        pa.field("jet_id", pa.string(), nullable=False),
        pa.field("problem", pa.string()),
        pa.field("label", pa.string()),
        *(pa.field(name, pa.float64()) for name in ("pt", "sdmass", "eta")),
        *(pa.field(name, pa.int32()) for name in ("n_tracks", "n_edges")),
        *(pa.field(name, pa.string(), nullable=False) for name in ("target", "rule")),
        *(pa.field(f"logit_{name}", pa.float64()) for name in names),
        *(pa.field(f"probability_{name}", pa.float64()) for name in names),
        *(pa.field(name, pa.float64()) for name in ("value", *_TOTALS, "conservation_error")),
        pa.field("feature_relevance", pa.list_(feature_row)),
    ]
    if run["edges"] != "none":
        fields += [pa.field(f"edge_{end}", pa.list_(each(pa.int32()))) for end in _ENDS]
        fields += [
            pa.field(name, pa.list_(number))
            for name in ("edge_significance", "signed_edge_relevance")
        ]
    if run["edges"] == "full":
        fields.append(pa.field("edge_relevance", pa.list_(each(pa.list_(number)))))
    return pa.schema(fields, {_KEY: json.dumps(run).encode()})


_ENDS = ("source", "destination")


def _table(rows: Sequence[JetRelevance], run: Mapping[str, Any]) -> pa.Table:
    """Rows -> a table of the run's schema."""
    import pyarrow as pa

    schema = _schema(run)
    missing = Totals(*(None, None, None))  # type: ignore[arg-type]
    columns: dict[str, Any] = {
        name: [getattr(row, name) for row in rows]
        for name in (*_IDENTITY, "value", "conservation_error")
    }
    for at, name in enumerate(_TOTALS):
        columns[name] = [(row.totals or missing)[at] for row in rows]
    for at, name in enumerate(run["classes"]):
        for kind, values in (
            ("logit", [row.logits for row in rows]),
            ("probability", [row.probabilities for row in rows]),
        ):
            columns[f"{kind}_{name}"] = [None if one is None else float(one[at]) for one in values]
    for at, end in enumerate(_ENDS):
        columns[f"edge_{end}"] = [None if r.edge_index is None else r.edge_index[at] for r in rows]
    arrays = []
    for field in schema:
        if pa.types.is_list(field.type):
            values = columns.get(field.name) or [getattr(row, field.name) for row in rows]
            arrays.append(_lists(values, field.type))
        else:
            arrays.append(pa.array(columns[field.name], field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _lists(arrays: Sequence[Array | None], kind: pa.ListType) -> pa.ListArray:
    """Arrays [n, ...], one per row, or None -> an array of lists, all numbers in one piece."""
    import pyarrow as pa

    there = [array for array in arrays if array is not None]
    inner = kind.value_type
    nested = pa.types.is_list(inner) or pa.types.is_fixed_size_list(inner)
    number = (inner.value_type if nested else inner).to_pandas_dtype()
    flat = np.concatenate([np.zeros(0, number), *(one.ravel() for one in there)])
    values = pa.array(flat.astype(number, copy=False))
    if pa.types.is_fixed_size_list(inner):
        values = pa.FixedSizeListArray.from_arrays(values, type=inner)
    elif nested:
        width = there[0].shape[1] if there else 1
        starts = np.arange(0, len(flat) + 1, width or 1, dtype=np.int32)
        values = pa.ListArray.from_arrays(starts, values, type=inner)
    lengths = [0 if one is None else len(one) for one in arrays]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    absent = pa.array([one is None for one in arrays])
    return pa.ListArray.from_arrays(offsets, values, type=kind, mask=absent)
