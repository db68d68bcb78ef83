"""The explanation of one jet: relevance of tracks, features and edges, proven by a ledger."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from lrp_core.edge_set import EdgeSet
from lrp_core.errors import ExplanationError, ExplanationFileError, FigureError
from lrp_core.rules import AnyRule, rule_from_dict

if TYPE_CHECKING:
    import pandas as pd

    from lrp_core.figures.view import View
    from lrp_core.jets import Jet

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class LedgerRow:
    """What one stage received and where it went: received = sum(passed) + bias + epsilon.

    stage     name of the stage, such as "node_mlp_2.0"
    received  relevance that reached its output
    passed    what each input got, such as {"node_mlp_2.0:self": 0.3, "node_mlp_2.0:mean": 1.1}
    bias      what its bias earned, added up from the bias's own terms
    epsilon   what ε took, added up from its own terms
    inputs    the stage whose output each input is, "tracks" for the input columns
    """

    stage: str
    received: float
    passed: dict[str, float]
    bias: float
    epsilon: float
    inputs: dict[str, str]

    @property
    def error(self) -> float:
        """received - passed - bias - epsilon: what is lost, 0 up to rounding."""
        return self.received - sum(self.passed.values()) - self.bias - self.epsilon


class Totals(NamedTuple):
    """Where the explained output went in the end: tracks (and other rows), biases, ε."""

    tracks: float
    bias: float
    epsilon: float


@dataclass(frozen=True)
class Ledger(Sequence[LedgerRow]):
    """The rows of all stages, in the order in which relevance met them; also found by name."""

    rows: tuple[LedgerRow, ...]

    @overload
    def __getitem__(self, key: int | str) -> LedgerRow: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[LedgerRow, ...]: ...
    def __getitem__(self, key: int | str | slice) -> LedgerRow | tuple[LedgerRow, ...]:
        if isinstance(key, str):
            for row in self.rows:
                if row.stage == key:
                    return row
            raise KeyError(
                f"no stage {key!r}; the stages are {', '.join(r.stage for r in self.rows)}"
            )
        return self.rows[key]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[LedgerRow]:
        return iter(self.rows)

    @property
    def bias(self) -> float:
        """Sum of all bias accounts."""
        return sum(row.bias for row in self.rows)

    @property
    def epsilon(self) -> float:
        """Sum of all ε accounts."""
        return sum(row.epsilon for row in self.rows)

    @property
    def largest_account(self) -> float:
        """The largest bias or ε account of any one stage, as an absolute value."""
        return max((max(abs(row.bias), abs(row.epsilon)) for row in self.rows), default=0.0)


class Tables(NamedTuple):
    """An explanation as tables: of tracks, and of edges."""

    tracks: pd.DataFrame
    edges: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why the network gave a jet this output. Relevance is in units of the logit, positive for it.

    logits, probabilities  [n_classes] float64, named by ``classes``
    target                 what is explained: a class, "margin" or "margin:CLASS"
    rule                   the rule or composite; ``dtype`` is the one it was computed in
    value                  the explained output: the sum of the relevance at the start
    track_relevance        [n_tracks, n_columns]: the direct way plus the sum over its edges
    edge_index             [2, n_edges], row 0 source and row 1 destination, as in the jet
    edge_relevance         [n_edges, 2 n_columns]: what reached the columns of the edge's source
                           and of its destination; [0, 2 n_columns] if only a summary was asked for
    edge_sums              [n_edges]: the sum of each edge's row, if only a summary was asked for
    edge_significance      [n_edges]: Frobenius norm of the edge's row over the sum of all norms;
                           sums to 1, all zeros where there is no edge or every norm is zero
    ledger                 a row per stage; its accounts prove that nothing was lost
    columns, features      names of the columns, and the distinct ones among them
    deeper_edge_relevance  for networks of several blocks: [n_edges, ...] by the stage edges read
    edges                  for networks explained from a tape: every set of edges along which it
                           passes messages, by the path of the module that does
    group_relevance        for networks that read other rows as well: [n_rows, n_columns] by group
    warnings               what to read the explanation with: operations that were linearised, ways
                           that were not seen
    attention              how the weights of attention were taken, "constant" or "attnlrp"; "" for
                           networks that say their steps
    group                  what the network's own name for the tracks is
    jet_id, model_name, checkpoint_hash, version: where it all comes from
    jet                    the jet that was explained, for figures and tables; no part of the files
                           that ``save`` writes
    """

    logits: Array
    probabilities: Array
    classes: tuple[str, ...]
    target: str
    rule: AnyRule
    dtype: str
    value: float
    track_relevance: Array
    edge_index: Array
    edge_relevance: Array
    edge_significance: Array
    ledger: Ledger
    columns: tuple[str, ...]
    jet_id: str
    model_name: str
    checkpoint_hash: str
    version: str
    deeper_edge_relevance: Mapping[str, Array] = field(default_factory=dict)
    jet: Jet | None = field(default=None, repr=False)
    edge_sums: Array | None = None
    edges: Mapping[str, EdgeSet] = field(default_factory=dict, repr=False)
    group_relevance: Mapping[str, Array] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()
    attention: str = ""
    group: str = "tracks"

    @property
    def relevance(self) -> Mapping[str, Array]:
        """Relevance of every group of rows the network reads, [n_rows, n_columns]; tracks first."""
        return {self.group: self.track_relevance, **self.group_relevance}

    @property
    def features(self) -> tuple[str, ...]:
        """The distinct columns, in order of first appearance."""
        return tuple(dict.fromkeys(self.columns))

    @property
    def feature_relevance(self) -> Array:
        """[n_tracks, n_features]: columns of the same feature added up."""
        return _by_name(self.track_relevance, self.columns)

    @property
    def edge_columns(self) -> tuple[str, ...]:
        """Names of the columns at either end of an edge: ``columns``, once for each end.

        Where the network encodes its columns before edges read them, those of the encoder have no
        names but their numbers.
        """
        width = self.edge_relevance.shape[1] // 2
        if width == len(self.columns):
            return self.columns
        return tuple(f"encoder column {number}" for number in range(width))

    def edge_feature_relevance(self, edge: int) -> Array:
        """[2, n_features]: what reached the features of one edge's source and destination.

        float64, ``edge_columns`` of the same name added up; all together the edge's signed
        relevance. Raises ExplanationError if only a summary of the edges was asked for.
        """
        if self.edge_sums is not None:
            raise ExplanationError(
                f"{self.jet_id}: only a summary of the edges was asked for; "
                "explain the jet with edges='full' to have them feature by feature"
            )
        ends = self.edge_relevance[edge].astype(np.float64).reshape(2, -1)
        return _by_name(ends, self.edge_columns)

    @property
    def signed_edge_relevance(self) -> Array:
        """[n_edges]: the sum of each edge's row, positive = for the target."""
        if self.edge_sums is not None:
            return self.edge_sums
        total: Array = self.edge_relevance.sum(axis=1)
        return total

    @property
    def totals(self) -> Totals:
        """Where ``value`` went: to the tracks, to the biases, to ε; float64 sums."""
        tracks = float(self.track_relevance.sum(dtype=np.float64))
        tracks += sum(float(rows.sum(dtype=np.float64)) for rows in self.group_relevance.values())
        return Totals(tracks, self.ledger.bias, self.ledger.epsilon)

    @property
    def conservation_error(self) -> float:
        """|tracks + bias + ε - value| / max(|value|, largest account of any stage), in float64.

        0 where nothing was to be shared out and nothing was. The accounts are added up from their
        own terms, never as what is missing, so this is a proof and no tautology.
        """
        missing = abs(sum(self.totals) - self.value)
        scale = max(abs(self.value), self.ledger.largest_account)
        if missing == 0.0:
            return 0.0
        return missing / scale if scale else float("inf")

    # ------------------------------------------------------- figures and tables

    def plot3d(
        self,
        jet: Jet | None = None,
        *,
        view: View | None = None,
        theme: str | None = None,
        **look: Any,
    ) -> Any:
        """The network plot as a Plotly figure, with the vertices that the page draws.

        jet    the jet that was explained; needed only where it is not known, as after
               ``load_explanation``
        view   what to show; or its keys one by one: ``edges=80, color="origin", size="relevance"``
        theme  "light" or "dark"

        Raises FigureError if there is no jet, or the view asks for what it has not got.
        """
        from lrp_core.figures.notebook import network_figure

        return network_figure(self._jet(jet), self, _view(view, look), theme)

    def plot_heatmap(
        self,
        jet: Jet | None = None,
        *,
        view: View | None = None,
        theme: str | None = None,
        **look: Any,
    ) -> Any:
        """The relevance of each track through each feature, as a Plotly figure.

        The arguments of ``plot3d``; ``rows="all"`` shows every track, ``sort="pt"`` sorts by it.
        """
        from lrp_core.figures.notebook import heatmap_figure

        return heatmap_figure(self._jet(jet), self, _view(view, look), theme)

    def plot_river(self, *, theme: str = "light") -> Any:
        """Relevance on its way back through the stages of the network, as a Plotly figure."""
        from lrp_core.figures.notebook import river_figure

        return river_figure(self, theme)

    def to_pandas(self) -> Tables:
        """The explanation as two tables, with the columns of the service's CSV files.

        tracks  a row per track (index ``track``): ``relevance``, and for every feature
                ``{feature}_relevance``, before it the value ``{feature}`` where the jet is known
        edges   a row per edge (index ``edge``, its number), the most significant first: ``rank``,
                ``source``, ``destination``, ``significance``, ``signed_relevance``
        """
        import pandas as pd

        tracks: dict[str, Array] = {"relevance": self.track_relevance.sum(axis=1)}
        for at, name in enumerate(self.features):
            if self.jet is not None and name in self.jet.columns:
                tracks[name] = self.jet.column(name)
            tracks[f"{name}_relevance"] = self.feature_relevance[:, at]
        order = np.argsort(-self.edge_significance, kind="stable")
        edges = {
            "rank": np.arange(1, len(order) + 1),
            "source": self.edge_index[0][order],
            "destination": self.edge_index[1][order],
            "significance": self.edge_significance[order],
            "signed_relevance": self.signed_edge_relevance[order],
        }
        numbers = pd.RangeIndex(len(self.track_relevance), name="track")
        return Tables(
            pd.DataFrame(tracks, index=numbers),
            pd.DataFrame(edges, index=pd.Index(order, name="edge")),
        )

    def _jet(self, given: Jet | None) -> Jet:
        jet = given if given is not None else self.jet
        if jet is None:
            raise FigureError(
                f"{self.jet_id}: an explanation read from a file does not hold its jet; give it, "
                "as in explanation.plot3d(jets[12])"
            )
        return jet

    def save(self, path: str | Path) -> Path:
        """Write the explanation to ``path``, .npz or .json, without losing a digit.

        Raises ExplanationFileError for another ending, if the file cannot be written, or if a value
        is not finite, which JSON cannot say.
        """
        path = Path(path)
        try:
            pieces = self.pieces(path.suffix)
        except ExplanationFileError as error:
            raise ExplanationFileError(f"{path}: {error}") from None
        try:
            with path.open("wb") as file:
                file.writelines(pieces)
        except OSError as error:
            raise ExplanationFileError(f"{path}: cannot be written ({error.strerror})") from error
        return path

    def pieces(self, suffix: str) -> Iterator[bytes]:
        """What ``save`` writes to a file that ends in ``suffix``, one piece after another.

        So a large explanation can be sent while it is written. Raises ExplanationFileError at once
        for another ending than .npz or .json, or if a value is not finite, which JSON cannot say.
        """
        if suffix not in (".npz", ".json"):
            raise ExplanationFileError("an explanation is written as .npz or .json")
        arrays: dict[str, Array] = {name: np.asarray(getattr(self, name)) for name in _ARRAYS}
        if self.edge_sums is not None:
            arrays["edge_sums"] = self.edge_sums
        for stage, array in self.deeper_edge_relevance.items():
            arrays[f"deeper:{stage}"] = np.asarray(array)
        for name, array in self.group_relevance.items():
            arrays[f"group:{name}"] = np.asarray(array)
        for path, found in self.edges.items():
            for part in _EDGE_ARRAYS:
                if (array := getattr(found, part)) is not None:
                    arrays[f"edges:{part}:{path}"] = np.asarray(array)
        if suffix == ".npz":
            return self._npz(arrays)
        bad = [name for name, array in arrays.items() if not np.isfinite(array).all()]
        try:
            meta = json.dumps(self._meta(), allow_nan=False)
        except ValueError:
            bad.append("value or ledger")
        if bad:
            raise ExplanationFileError(
                f"not finite: {', '.join(bad)}; .npz can hold that, .json cannot"
            )
        return _json_pieces(meta, arrays)

    def _npz(self, arrays: dict[str, Array]) -> Iterator[bytes]:
        file = io.BytesIO()
        named: dict[str, Any] = arrays
        np.savez_compressed(file, meta=np.array(json.dumps(self._meta())), **named)
        yield file.getvalue()

    def _meta(self) -> dict[str, Any]:
        """Everything that is no array, as plain data."""
        plain: dict[str, Any] = {"format": FORMAT}
        for item in fields(self):
            if item.name not in (*_ARRAYS, *_NESTED, "edge_sums", "jet"):
                plain[item.name] = getattr(self, item.name)
        plain["edges"] = {
            path: {"kind": found.kind, "groups": found.groups} for path, found in self.edges.items()
        }
        plain["rule"] = self.rule.to_dict()
        plain["ledger"] = [
            {item.name: getattr(row, item.name) for item in fields(row)} for row in self.ledger
        ]
        return plain


FORMAT = "jetlrp explanation 1"
_NESTED = ("deeper_edge_relevance", "group_relevance", "edges")  # arrays by name
_EDGE_ARRAYS = ("edge_index", "sums", "significance", "rows")
JSON_NUMBERS = 20_000  # at a time
_ARRAYS = (
    "logits",
    "probabilities",
    "track_relevance",
    "edge_index",
    "edge_relevance",
    "edge_significance",
)


def _json_pieces(meta: str, arrays: Mapping[str, Array]) -> Iterator[bytes]:
    """``meta``, an object as JSON, with the arrays in it.

    A few thousand numbers at a time: Python stands still while it writes one piece of JSON.
    """
    yield f'{meta[:-1]}, "arrays": {{'.encode()
    for number, (name, array) in enumerate(arrays.items()):
        head = {"dtype": str(array.dtype), "shape": array.shape}
        start = f'{", " if number else ""}{json.dumps(name)}: {json.dumps(head)[:-1]}, "data": ['
        rows = max(1, JSON_NUMBERS // max(1, array[:1].size))
        for first in range(0, len(array), rows):
            listed = json.dumps(array[first : first + rows].tolist())[1:-1]
            yield f"{start if first == 0 else ', '}{listed}".encode()
        yield f"{start if len(array) == 0 else ''}]}}".encode()
    yield b"}}"


def _view(view: View | None, look: Mapping[str, Any]) -> View:
    """A view, or one of its keys; raises FigureError for a key that there is not."""
    from lrp_core.figures.view import View

    known = [item.name for item in fields(View)]
    for key in look:
        if key not in known:
            raise FigureError(f"{key!r} is no key of a view; the keys are {', '.join(known)}")
    return replace(view or View(), **look)


def _by_name(relevance: Array, columns: Sequence[str]) -> Array:
    """[n, n_columns] -> [n, distinct columns], columns of the same name added up."""
    places = {name: place for place, name in enumerate(dict.fromkeys(columns))}
    total = np.zeros((len(relevance), len(places)), relevance.dtype)
    for column, name in enumerate(columns):
        total[:, places[name]] += relevance[:, column]
    return total


def significance(edge_relevance: Array) -> Array:
    """Edge significance: Frobenius norms of the rows [n_edges, ...] over their sum -> [n_edges].

    All zeros where every norm is zero. Source: the seed's definition, Edge Significance Score.
    """
    norms = np.linalg.norm(edge_relevance.astype(np.float64), axis=1)
    total = norms.sum()
    share = norms / total if total > 0 else norms
    result: Array = share.astype(edge_relevance.dtype)
    return result


def load_explanation(path: str | Path) -> Explanation:
    """Read what ``Explanation.save`` wrote. Raises ExplanationFileError naming the file."""
    path = Path(path)
    try:
        if path.suffix == ".npz":
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            plain = json.loads(str(arrays.pop("meta")))
        else:
            plain = json.loads(path.read_text(encoding="utf-8"))
            arrays = {
                name: np.array(item["data"], dtype=item["dtype"]).reshape(item["shape"])
                for name, item in plain.pop("arrays").items()
            }
        if plain.pop("format") != FORMAT:
            raise ValueError("another format")
        ledger = Ledger(tuple(LedgerRow(**row) for row in plain.pop("ledger")))
        rule = rule_from_dict(plain.pop("rule"))
        deeper = {
            name.removeprefix("deeper:"): arrays.pop(name)
            for name in list(arrays)
            if name.startswith("deeper:")
        }
        groups = {
            name.removeprefix("group:"): arrays.pop(name)
            for name in list(arrays)
            if name.startswith("group:")
        }
        edges = {
            path: EdgeSet(
                kind=known["kind"],
                groups=tuple(known["groups"]),
                **{
                    part: arrays.pop(f"edges:{part}:{path}")
                    for part in _EDGE_ARRAYS
                    if f"edges:{part}:{path}" in arrays
                },
            )
            for path, known in plain.pop("edges", {}).items()
        }
        for name in ("classes", "columns", "warnings"):
            plain[name] = tuple(plain.get(name, ()))
        return Explanation(
            **plain,
            **arrays,
            ledger=ledger,
            rule=rule,
            deeper_edge_relevance=deeper,
            group_relevance=groups,
            edges=edges,
        )
    except FileNotFoundError:
        raise ExplanationFileError(f"{path}: there is no such file") from None
    except Exception as error:  # a damaged file makes its readers raise almost anything
        raise ExplanationFileError(
            f"{path}: is not an explanation written by jetlrp ({type(error).__name__}: {error}); "
            f"expected {FORMAT!r} as .npz or .json"
        ) from error
