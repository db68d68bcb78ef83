"""An explanation as the service keeps it and as it leaves: numbers, or base64 of their bytes."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic_core import to_json

from lrp_core.explainer import explain
from lrp_core.explanation import Explanation, Ledger, LedgerRow
from lrp_core.figures.balance import Balance
from lrp_core.jets import Jet, complete_graph
from lrp_core.model import Model
from lrp_core.prong_shares import prongs
from lrp_core.rules import rule_from_dict
from lrp_core.service.choices import Wanted
from lrp_core.truth import truth_match

Array = npt.NDArray[Any]

EDGE_ROWS = "edge_relevance"
TRACK_ROWS = "track_relevance"  # [n_tracks, n_columns]; kept for pictures, never sent
BY_EDGE = ("edge_significance", "signed_edge_relevance", EDGE_ROWS)  # arrays [n_edges, ...]
SMALL_PARTS = 6_000  # bytes that the names, the ledger and the bookkeeping of one answer take


@dataclass(frozen=True, eq=False)
class Answer:
    """An explanation ready to be sent: what is small as plain data, the rest as arrays by name.

    With the relevance of every edge for every column comes ``explanation``, which it is of.
    """

    plain: dict[str, Any]
    arrays: dict[str, Array]
    explanation: Explanation | None = None

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        arrays = {id(array): array for array in self.arrays.values()}
        if self.explanation is not None:
            deeper = self.explanation.deeper_edge_relevance.values()
            arrays |= {id(array): array for array in (self.explanation.edge_index, *deeper)}
        return SMALL_PARTS + sum(array.nbytes for array in arrays.values())

    def without(self, name: str) -> Answer:
        """The same answer without one of its arrays."""
        rest = {other: array for other, array in self.arrays.items() if other != name}
        return Answer(self.plain, rest)

    def top(self, n_edges: int) -> Answer:
        """The same answer with only the most significant edges, and which these are."""
        chosen = by_significance(self.arrays["edge_significance"])[:n_edges]
        arrays = dict(self.arrays)
        for name in BY_EDGE:
            if name in arrays:
                arrays[name] = arrays[name][chosen]
        if "edge_index" in arrays:
            arrays["edge_index"] = arrays["edge_index"][:, chosen]
        return Answer(self.plain, arrays | {"edge_numbers": chosen})

    def json(self, encoding: str, **more: Any) -> bytes:
        """The answer as JSON; ``encoding`` is that of the arrays, "list" or "base64"."""
        encode = _base64 if encoding == "base64" else _listed
        sent = {name: array for name, array in self.arrays.items() if name != TRACK_ROWS}
        arrays = {name: encode(array) for name, array in sent.items()}
        return to_json({**self.plain, **arrays, **more}, inf_nan_mode="null")

    def explained(self, model: Model, jet: Jet) -> Explanation:
        """The explanation that this is the answer of: whole if it is here, else with edge sums.

        model, jet  those that were asked for
        """
        if self.explanation is not None:
            return self.explanation
        plain, arrays = self.plain, self.arrays
        rows = arrays[TRACK_ROWS]
        return Explanation(
            logits=arrays["logits"],
            probabilities=arrays["probabilities"],
            classes=tuple(plain["classes"]),
            target=plain["target"],
            rule=rule_from_dict(plain["rule"]),
            dtype=plain["dtype"],
            value=plain["value"],
            track_relevance=rows,
            edge_index=arrays.get("edge_index", jet.edge_index),
            edge_relevance=np.zeros((0, 2 * rows.shape[1]), rows.dtype),
            edge_significance=arrays["edge_significance"],
            ledger=Ledger(tuple(LedgerRow(**row) for row in plain["ledger"])),
            columns=tuple(plain["columns"]),
            jet_id=plain["jet_id"],
            model_name=model.name,
            checkpoint_hash=model.checkpoint_hash,
            version=plain["version"],
            jet=jet,
            edge_sums=arrays["signed_edge_relevance"],
            warnings=tuple(plain.get("warnings", ())),
        )


def by_significance(significance: Array) -> npt.NDArray[np.int64]:
    """The numbers of all edges in falling significance; equal ones by number, NaN last."""
    return np.argsort(-significance, kind="stable").astype(np.int64)


def make_answer(model: Model, jet: Jet, wanted: Wanted, dtype: str, *, with_edges: bool) -> Answer:
    """Explain a jet. ``with_edges`` keeps the relevance of every edge for every column as well."""
    began = perf_counter()
    explanation = explain(
        model,
        jet,
        target=wanted.target,
        rule=wanted.rule,
        dtype=dtype,
        edges="full" if with_edges else "summary",
    )
    seconds = perf_counter() - began
    complete = np.array_equal(explanation.edge_index, complete_graph(jet.n_tracks))
    arrays = {
        "logits": explanation.logits,
        "probabilities": explanation.probabilities,
        "track_relevance_sum": explanation.track_relevance.sum(axis=1),
        TRACK_ROWS: explanation.track_relevance,
        "feature_relevance": explanation.feature_relevance,
        "edge_significance": explanation.edge_significance,
        "signed_edge_relevance": explanation.signed_edge_relevance,
    }
    if not complete:
        arrays["edge_index"] = explanation.edge_index
    if with_edges:
        arrays[EDGE_ROWS] = explanation.edge_relevance
    plain = _plain(explanation, jet) | {"complete_graph": complete, "seconds": seconds}
    plain["problem"] = _problem(plain, arrays)
    return Answer(plain, arrays, explanation if with_edges else None)


def _plain(explanation: Explanation, jet: Jet) -> dict[str, Any]:
    """What is no array."""
    totals, on_prongs = explanation.totals, prongs(explanation, jet)
    return {
        "jet_id": explanation.jet_id,
        "target": explanation.target,
        "rule": explanation.rule.to_dict(),
        "rule_text": str(explanation.rule),
        "dtype": explanation.dtype,
        "classes": list(explanation.classes),
        "value": explanation.value,
        "conservation_error": explanation.conservation_error,
        "columns": list(explanation.columns),
        "features": list(explanation.features),
        "n_tracks": jet.n_tracks,
        "n_edges": jet.n_edges,
        "edge_index": None,
        "edge_numbers": None,
        EDGE_ROWS: None,
        "ledger": [
            {
                "stage": row.stage,
                "received": row.received,
                "passed": dict(row.passed),
                "inputs": dict(row.inputs),
                "bias": row.bias,
                "epsilon": row.epsilon,
            }
            for row in explanation.ledger
        ],
        "warnings": list(explanation.warnings),
        "balance": asdict(Balance.of(explanation)),
        "totals": {
            "tracks": totals.tracks,
            "bias": totals.bias,
            "epsilon": totals.epsilon,
            "value": explanation.value,
        },
        "truth_match": None if jet.truth is None else asdict(truth_match(explanation, jet)),
        "prongs": None if on_prongs is None else asdict(on_prongs),
        "version": explanation.version,
    }


def _problem(plain: dict[str, Any], arrays: dict[str, Array]) -> str | None:
    """Which of the numbers are not finite and therefore leave as null, or None."""
    names = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    names += [name for name in ("value", "conservation_error") if not np.isfinite(plain[name])]
    if not names:
        return None
    return f"not finite, so partly null here: {', '.join(names)}; another rule or float64 may help"


def _base64(array: Array) -> dict[str, Any]:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def _listed(array: Array) -> Any:
    return array.tolist()
