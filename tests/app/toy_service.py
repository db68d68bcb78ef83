"""A small stand-in for the service: seeded jets whose answers hang together, and no network."""

from __future__ import annotations

import base64
import json
import math
import re
import threading
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np

from app.client import ServiceClient
from lrp_core.errors import RuleError
from lrp_core.explanation import Explanation, Ledger, LedgerRow
from lrp_core.features import feature
from lrp_core.figures import Provenance, View
from lrp_core.figures.balance import balance, times_explained
from lrp_core.figures.part_words import stance
from lrp_core.figures.picture import Shown
from lrp_core.figures.scene import Scene
from lrp_core.jets import Jet, complete_graph
from lrp_core.prong_shares import prongs
from lrp_core.rules import AnyRule, parse_rule
from lrp_core.service.compared import ComparisonQuery, comparison_answer
from lrp_core.service.edges import edge_end, feature_info
from lrp_core.service.figures import WITH_PINNED, Drawn, FigureQuery, PinnedQuery
from lrp_core.service.pictures import PictureQuery, Room, cameras_answer, picture_answer
from lrp_core.service.schemas import FileQuery
from lrp_core.truth import BHadron, Truth

FEATURES = (
    "track_pt",
    "track_etarel",
    "track_phirel",
    "track_charge",
    "trackBTag_Sip3dSig",
    "track_dxy",
    "track_isMu",
    "track_drsubjet1",
    "track_drsubjet2",
)
SHARES = np.array([0.3, 0.15, 0.1, 0.05, 0.4, -0.2, 0.1, 0.0, 0.1])  # of a track's relevance
PRONGS = np.array([[-0.14, 0.1], [0.2, -0.12]])  # where the two subjets fly
INPUTS = {  # of each stage, from the output backwards: whose output each of its inputs is
    "global_mlp.3": {"input": "global_mlp.0"},
    "global_mlp.0": {"input": "pool"},
    "pool": {"input": "node_mlp_2.3"},
    "node_mlp_2.3": {"input": "node_mlp_2.0"},
    "node_mlp_2.0": {"self": "input_norm", "mean": "mean"},
    "mean": {"input": "node_mlp_1.3"},
    "node_mlp_1.3": {"input": "node_mlp_1.0"},
    "node_mlp_1.0": {"source": "input_norm", "edge": "edge_mlp.3"},
    "edge_mlp.3": {"input": "edge_mlp.0"},
    "edge_mlp.0": {"source": "input_norm", "destination": "input_norm"},
    "input_norm": {"input": "tracks"},
}
WAYS = {  # the share of what reaches the tracks on each way to the input
    "node_mlp_2.0:self": 0.25,
    "node_mlp_1.0:source": -0.15,
    "edge_mlp.0:source": 0.5,
    "edge_mlp.0:destination": 0.4,
}
BIAS = {"global_mlp.0": -0.55, "node_mlp_1.0": 0.15}
EPSILON = {"edge_mlp.3": 0.01}
MODEL = {
    "name": "toy.pth",
    "checkpoint_hash": "0" * 64,
    "classes": ["qcd", "hbb"],
    "n_columns": 48,
}
UPLOADS = {
    "max_bytes": 1_000_000,
    "quota_bytes": 5_000_000,
    "used_bytes": 45_000,
    "days": 14.0,
    "endings": [".root", ".pth", ".yml"],
    "files": [],
}
N_TRACKS = (26, 118, 1, 2, 0, 7)
BAD_JET = 4
ORIGINS = (
    "prompt",
    "b-hadron decay",
    "c-hadron decay",
    "V0",
    "photon conversion",
    "nuclear interaction",
    "pileup",
    "fake",
)
TRUTH = {  # of the jets that are simulated: codes of the origins, b-hadrons of the tracks
    5: ([0, 1, 3, 1, 6, 0, 7], [0, 1, 1, 2, 0, 0, 0]),
    1: ([0] * 118, [0] * 118),
}
CHOICES: dict[str, Any] = {
    "targets": [
        {
            "name": "margin",
            "title": "margin of hbb",
            "summary": "Why hbb rather than qcd.",
        },
        {"name": "qcd", "title": "qcd", "summary": "The logit of qcd alone."},
        {"name": "hbb", "title": "hbb", "summary": "The logit of hbb alone."},
    ],
    "rules": [
        {
            "name": "epsilon",
            "title": "LRP-ε",
            "summary": "LRP-0 with ε added to each denominator.",
            "parameters": [
                {
                    "name": "epsilon",
                    "type": "number",
                    "default": 0.01,
                    "minimum": 0,
                    "summary": "ε",
                },
                {"name": "relative", "type": "boolean", "default": False, "summary": "in RMS of z"},
                {
                    "name": "bias",
                    "type": "choice",
                    "default": "account",
                    "choices": ["account", "spread"],
                    "summary": "where the share of the biases goes",
                },
            ],
        },
        {
            "name": "gamma",
            "title": "LRP-γ",
            "summary": "Favours the terms that have the sign of the output.",
            "parameters": [
                {"name": "gamma", "type": "number", "default": 1.0, "minimum": 0, "summary": "γ"},
                {
                    "name": "bias",
                    "type": "choice",
                    "default": "account",
                    "choices": ["account", "spread"],
                    "summary": "where the share of the biases goes",
                },
            ],
        },
    ],
    "input_rules": [
        {
            "name": "flat",
            "title": "flat",
            "summary": "Every input gets the same part.",
            "parameters": [
                {
                    "name": "bias",
                    "type": "choice",
                    "default": "account",
                    "choices": ["account", "spread"],
                    "summary": "where the share of the biases goes",
                },
            ],
        },
    ],
    "rule_stages": [stage for stage in INPUTS if "mlp" in stage],
    "input_stages": ["edge_mlp.0"],
    "presets": [
        {
            "name": "default",
            "rule": {"name": "gamma", "gamma": 1.0, "bias": "account"},
            "rule_text": "gamma(gamma=1.0, bias=account)",
            "target": "margin",
            "summary": "LRP-γ on the margin.",
        },
        {
            "name": "hin-lrp",
            "rule": {"name": "epsilon", "epsilon": 1e-9, "relative": False, "bias": "account"},
            "rule_text": "epsilon(epsilon=1e-09, relative=False, bias=account)",
            "target": "hbb",
            "summary": "LRP-ε on the hbb logit.",
        },
    ],
    "defaults": {
        "target": "margin",
        "rule": {"name": "gamma", "gamma": 1.0, "bias": "account"},
        "rule_text": "gamma(gamma=1.0, bias=account)",
        "dtype": "float32",
    },
    "dtypes": ["float32", "float64"],
    "stages": list(INPUTS),
    "picks": [
        {"name": "confident_signal", "title": "Confident signal", "summary": "Surely hbb."},
        {
            "name": "background_as_signal",
            "title": "Background mistaken for signal",
            "summary": "A qcd jet that the network takes for hbb.",
        },
    ],
}


def packed(values: Any, dtype: str = "float32") -> dict[str, Any]:
    """An array as the service sends it: {"dtype", "shape", "data"}."""
    array = np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<"))
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "data": base64.b64encode(array.tobytes()).decode(),
    }


def ledger(tracks: float) -> list[dict[str, Any]]:
    """What each stage received and passed on, so that ``tracks`` of it reaches the tracks."""
    lines: list[dict[str, Any]] = []
    received = {"tracks": tracks}
    for stage, origins in reversed(INPUTS.items()):
        passed = {
            f"{stage}:{name}": tracks * WAYS[f"{stage}:{name}"]
            if origin == "input_norm"
            else received[origin]
            for name, origin in origins.items()
        }
        bias, epsilon = BIAS.get(stage, 0.0), EPSILON.get(stage, 0.0)
        received[stage] = sum(passed.values()) + bias + epsilon
        lines.append(
            {
                "stage": stage,
                "received": received[stage],
                "passed": passed,
                "inputs": {f"{stage}:{name}": origin for name, origin in origins.items()},
                "bias": bias,
                "epsilon": epsilon,
            }
        )
    return lines[::-1]


def rule_text(rule: dict[str, Any] | str) -> str:
    """A rule as the service writes it: "gamma(gamma=1.0, bias=account)"."""
    if isinstance(rule, str):
        return re.sub(r",\s*", ", ", rule)
    own = ", ".join(f"{name}={value}" for name, value in rule.items() if name != "name")
    return f"{rule['name']}({own})" if own else str(rule["name"])


def rule_of(text: str) -> AnyRule:
    """The rule of a text; of one that the real service refuses, any, as this one takes all."""
    try:
        return parse_rule(text)
    except RuleError:
        return parse_rule("gamma")


NETWORK = {
    "network": "toy.pth",
    "operations": [
        {
            "name": "logaddexp",
            "count": 2,
            "rule": "Its tangent at this point.",
            "source": "this project.",
            "linearised": True,
            "stages": ["a", "b"],
        }
    ],
    "hidden": 0.25,
    "edges": [],
    "before_softmax": False,
    "batched": True,
    "warnings": ["logaddexp (a, b) has no rule of its own and is linearised at this jet"],
}


class FakeService:
    """Answers /api/v1 for six jets of 26, 118, 1, 2, 0 (a bad one) and 7 tracks.

    away                whether nobody answers at all
    may_answer          cleared while answers are to wait
    conservation_error  what every explanation says of itself
    cancelling          what every other track gets more, and the others less
    library             the answer of /library, where there is a choice
    refusals            how many more explanations are refused because there are too many
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.away = False
        self.scores_done = len(N_TRACKS)
        self.conservation_error: float | None = 1.2e-7
        self.cancelling = 0.0
        self.library: dict[str, Any] | None = None
        self.refusals = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def client(self) -> ServiceClient:
        return ServiceClient(
            "http://service.test", transport=httpx.MockTransport(self.answer), timeout=5
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.may_answer.wait(120)
        if self.away:
            raise httpx.ConnectError("connection refused", request=request)
        path = request.url.path.removeprefix("/api/v1")
        query = dict(request.url.params)
        body = json.loads(request.content) if request.content else {}
        self.requests.append((request.method, path, body or query))
        if path == "/health":
            return httpx.Response(200, json=self.health())
        if path == "/library" and self.library is not None:
            return httpx.Response(200, json=self.library)
        if path == "/uploads" and self.library is not None:
            return httpx.Response(200, json=UPLOADS)
        if path == "/choices":
            return httpx.Response(200, json=CHOICES)
        if path == "/network":
            return httpx.Response(200, json=NETWORK)
        if path == "/jets":
            return httpx.Response(200, json=self.page(query))
        if path == "/cameras":
            return httpx.Response(200, json=cameras_answer(Room.model_validate(query)))
        if path == "/jets/pick":
            return self.pick(query)
        found = re.fullmatch(
            r"/jets/(\d+)(?:/(explanation(?:/edge)?|figures|pictures|comparison)(?:[./](\w+.*))?)?",
            path,
        )
        if not found:
            return self.refusal(404, "not_found", f"There is nothing at {path}.")
        index, what, file = int(found[1]), found[2], found[3]
        if index >= len(N_TRACKS):
            return self.refusal(
                404,
                "unknown_jet",
                f"There is no jet {index}; the jets are numbered 0 to {len(N_TRACKS) - 1}.",
            )
        if index == BAD_JET:
            return self.refusal(
                422, "bad_jet", f"toy.root:{index}: the jet has no tracks; it needs at least one"
            )
        if what is None:
            return httpx.Response(200, json=self.jet(index))
        if drawn := re.search(r"/figures/(\w+)([./]\w+)$", path):
            return self.figure(index, drawn[1], drawn[2], query)
        if what == "pictures":
            return httpx.Response(200, json=self.picture(index, file, query))
        if what == "comparison":
            return httpx.Response(200, json=self.comparison(index, query))
        if what == "explanation/edge":
            return httpx.Response(200, json=self.edge(index, body))
        if file:
            return self.file(index, file, query)
        if self.refusals:
            self.refusals -= 1
            refused = self.refusal(429, "too_many_explanations", "Others have their turn now.")
            refused.headers["Retry-After"] = "2"
            return refused
        return httpx.Response(200, json=self.explanation(index, body))

    def refusal(self, status: int, code: str, message: str) -> httpx.Response:
        number = f"req-7f3{'a' if not self.refusals else self.refusals}"
        error = {"code": code, "message": message, "choices": None, "request_id": number}
        return httpx.Response(status, json={"error": error})

    def health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "version": "0.0.0",
            "jets": {"name": "toy.root", "n_jets": len(N_TRACKS)},
            "model": MODEL,
            "scores": {"done": self.scores_done, "total": len(N_TRACKS)},
            "library": {"files": 1, "models": 1, "uploads": False}
            if self.library is None
            else {"files": 3, "models": 3, "uploads": True},
        }

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "index": index,
                "label": ("hbb", "qcd", None)[index % 3],
                "score": None if index == BAD_JET else 1 / (1 + math.exp(index - 2.5)),
                "pt": 300.0 + 120 * index,
                "sdmass": 118.0 - 9 * index,
                "n_tracks": n_tracks,
                "problem": "the jet has no tracks" if index == BAD_JET else None,
            }
            for index, n_tracks in enumerate(N_TRACKS)
        ]

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        rows = self.rows()
        if query.get("label"):
            rows = [row for row in rows if row["label"] == query["label"]]
        for name, limit in query.items():
            side, _, column = name.partition("_")
            if side == "min":
                rows = [row for row in rows if (row[column] or 0) >= float(limit)]
            elif side == "max":
                rows = [row for row in rows if (row[column] or 0) <= float(limit)]
        sort = query.get("sort", "index")
        key = sort.lstrip("-")
        rows.sort(key=lambda row: (row[key] is None, row[key]), reverse=sort.startswith("-"))
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
        return {
            "total": len(N_TRACKS),
            "matching": len(rows),
            "scores_done": self.scores_done,
            "jets": rows[offset : offset + limit],
        }

    def pick(self, query: dict[str, str]) -> httpx.Response:
        label, least = {"confident_signal": ("hbb", 0.9), "background_as_signal": ("qcd", 0.5)}.get(
            query["kind"], ("none", 0.0)
        )
        for row in self.rows():
            fits = row["label"] == label and (row["score"] or 0) >= least
            if fits and str(row["index"]) != query.get("exclude"):
                return httpx.Response(200, json=row)
        return self.refusal(404, "no_such_jet", f"None of the jets is a {query['kind']}.")

    def tracks(self, index: int) -> np.ndarray:
        """[n_tracks, features]"""
        random = np.random.default_rng(index)
        n_tracks = N_TRACKS[index]
        prong = random.integers(0, 2, n_tracks)
        angles = PRONGS[prong] + random.normal(0, 0.1, (n_tracks, 2))
        pt = np.sort(10 ** random.normal(0.75, 0.5, n_tracks))[::-1]
        charge = random.choice([-1.0, 1.0], n_tracks)
        sip3d = random.normal(2, 4, n_tracks)
        dxy = 0.002 * sip3d + random.normal(0, 0.001, n_tracks)
        muon = np.arange(n_tracks) == 1
        away = np.linalg.norm(angles[:, None] - PRONGS, axis=2)
        return np.column_stack([pt, angles, charge, sip3d, dxy, muon, away])

    def jet(self, index: int) -> dict[str, Any]:
        row = self.rows()[index]
        n_tracks = N_TRACKS[index]
        tracks = self.tracks(index)
        nearest = np.argmin(tracks[:, -2:], axis=1)
        return {
            "index": index,
            "jet_id": f"toy.root:{index}",
            **{key: row[key] for key in ("label", "pt", "sdmass", "n_tracks")},
            "n_edges": n_tracks * (n_tracks - 1),
            "features": list(FEATURES),
            "tracks": tracks.tolist(),
            "feature_info": [
                {key: getattr(each, key) for key in ("name", "title", "unit", "group", "meaning")}
                for each in map(feature, FEATURES)
            ],
            "eta": 0.4,
            "truth": self.truth(index),
            "subjets": [
                {
                    "number": at + 1,
                    "etarel": etarel,
                    "phirel": phirel,
                    "n_tracks": int((nearest == at).sum()),
                }
                for at, (etarel, phirel) in enumerate(PRONGS)
                if n_tracks > 2
            ],
        }

    def truth(self, index: int) -> dict[str, Any] | None:
        if index not in TRUTH:
            return None
        origin, b = TRUTH[index]
        b_hadrons = [
            {"b": 1, "pt": 231.0, "etarel": -0.14, "phirel": 0.61},
            {"b": 2, "pt": 87.5, "etarel": 0.2, "phirel": -0.12},
        ]
        return {
            "origins": list(ORIGINS),
            "origin": origin,
            "b": b,
            "b_hadrons": b_hadrons if any(b) else [],
        }

    def truth_match(self, index: int) -> dict[str, Any] | None:
        if index not in TRUTH:
            return None
        b = TRUTH[index][1]
        n_b = sum(each > 0 for each in b)
        found = n_b > 0
        return {
            "n_tracks": len(b),
            "n_b_tracks": n_b,
            "relevance": 1.2,
            "relevance_all": 1.9,
            "positive_share": 0.612 if found else 0.0,
            "absolute_share": 0.5 if found else 0.0,
            "track_share": n_b / len(b),
            "pt_share": 0.704 if found else 0.0,
            "significance_both": 0.25 if found else 0.0,
            "significance_any": 0.7 if found else 0.0,
            "edge_share_both": n_b * (n_b - 1) / (len(b) * (len(b) - 1)),
            "edge_share_any": 0.7 if found else 0.0,
            "average_precision": 0.83 if found else None,
            "average_precision_by_chance": 0.55 if found else None,
        }

    def explanation(self, index: int, body: dict[str, Any]) -> dict[str, Any]:
        random = np.random.default_rng(100 + index)
        n_tracks = N_TRACKS[index]
        edges = complete_graph(n_tracks)
        n_edges = edges.shape[1]
        significance = random.pareto(1.6, n_edges)
        if n_edges:
            significance /= significance.sum()
        signed = significance * random.choice([-1, 1, 1], n_edges) * 4
        relevance = random.normal(0.05, 0.25, n_tracks)
        relevance += self.cancelling * np.where(np.arange(n_tracks) % 2, -1, 1)
        rule = rule_text(body["rule"])
        if rule.startswith("epsilon"):  # another rule, another explanation
            relevance = relevance[::-1]
            significance = significance[::-1]
        total = float(relevance.sum())
        bias, epsilon = sum(BIAS.values()), sum(EPSILON.values())
        numbers = np.argsort(-significance, kind="stable")[: body.get("top_edges")]
        top = numbers if body.get("top_edges") else slice(None)
        feature_relevance = np.outer(relevance, SHARES)
        value = total + bias + epsilon
        lines = ledger(total)
        balanced = balance(
            Ledger(tuple(LedgerRow(**line) for line in lines)),
            value=value,
            tracks=total,
            error=self.told_error,
            times=times_explained(relevance, value, [-1.1, 2.3]),
        )
        return {
            "jet_id": f"toy.root:{index}",
            "index": index,
            "target": body["target"],
            "rule": {"name": rule} if isinstance(body["rule"], str) else body["rule"],
            "rule_text": rule,
            "dtype": body.get("dtype", "float32"),
            "classes": ["qcd", "hbb"],
            "logits": packed([-1.1, 2.3], "float64"),
            "probabilities": packed([0.032, 0.968], "float64"),
            "value": value,
            "conservation_error": self.conservation_error,
            "columns": [*FEATURES, "track_pt"],
            "features": list(FEATURES),
            "n_tracks": n_tracks,
            "n_edges": n_edges,
            "complete_graph": True,
            "edge_index": None,
            "edge_numbers": packed(numbers, "int64") if body.get("top_edges") else None,
            "track_relevance_sum": packed(relevance),
            "feature_relevance": packed(feature_relevance),
            "edge_significance": packed(significance[top]),
            "signed_edge_relevance": packed(signed[top]),
            "ledger": lines,
            "balance": asdict(balanced),
            "totals": {
                "tracks": total,
                "bias": bias,
                "epsilon": epsilon,
                "value": value,
            },
            "truth_match": self.truth_match(index),
            "prongs": self.prongs(index, significance, signed, feature_relevance),
            "seconds": 0.012,
            "cached": False,
            "model": MODEL,
            "version": "0.0.0",
        }

    @property
    def told_error(self) -> float:
        return math.nan if self.conservation_error is None else self.conservation_error

    def explained(self, answer: dict[str, Any]) -> Explanation:
        """The explanation that an answer is of, with every edge."""

        def array(name: str) -> Any:
            found = answer[name]
            return np.frombuffer(base64.b64decode(found["data"]), found["dtype"]).reshape(
                found["shape"]
            )

        error = {"conservation_error": self.told_error}  # whatever its numbers say
        told = type("Told", (Explanation,), error)
        return told(
            logits=array("logits"),
            probabilities=array("probabilities"),
            classes=tuple(answer["classes"]),
            target=answer["target"],
            rule=rule_of(answer["rule_text"]),
            dtype=answer["dtype"],
            value=answer["value"],
            track_relevance=array("feature_relevance"),
            edge_index=complete_graph(answer["n_tracks"]),
            edge_relevance=np.zeros((0, 2 * len(FEATURES)), np.float32),
            edge_significance=array("edge_significance"),
            ledger=Ledger(tuple(LedgerRow(**row) for row in answer["ledger"])),
            columns=FEATURES,
            jet_id=answer["jet_id"],
            model_name=MODEL["name"],
            checkpoint_hash=MODEL["checkpoint_hash"],
            version="0.0.0",
            edge_sums=array("signed_edge_relevance"),
        )

    def picture(self, index: int, name: str, query: dict[str, str]) -> dict[str, Any]:
        """A picture, drawn as the service draws it."""
        asked = PictureQuery.model_validate(query)
        view = asked.read_view(index)
        pinned = self.pinned(asked, view)
        return picture_answer(name, self.shown(index, asked), view, asked, pinned).model_dump()

    def pinned(self, asked: PinnedQuery, view: View) -> Shown | None:
        """What a view has pinned beside what is asked for."""
        other = asked.of_pinned(view)
        return None if other is None else self.shown(*other)

    def comparison(self, index: int, query: dict[str, str]) -> dict[str, Any]:
        """Two explanations beside each other, compared as the service compares them."""
        asked = ComparisonQuery.model_validate(query)
        number, other = asked.other()
        where = [
            {"index": at, "file": one.file or "toy.root", "model": one.model or MODEL["name"]}
            for at, one in ((index, asked), (number, other))
        ]
        both = self.shown(index, asked), self.shown(number, other)
        return comparison_answer(*both, where).model_dump()

    def shown(self, index: int, asked: FileQuery) -> Shown:
        """A jet and its explanation, as the core has them."""
        explanation = self.explained(
            self.explanation(index, {"target": asked.target, "rule": asked.rule})
        )
        known = self.truth(index)
        truth = known and Truth(
            np.array(known["origin"]),
            np.array(known["b"]),
            tuple(BHadron(**one) for one in known["b_hadrons"]),
        )
        row = self.rows()[index]
        jet = Jet.from_arrays(
            self.tracks(index),
            FEATURES,
            jet_id=explanation.jet_id,
            index=index,
            truth=truth,
            **{key: row[key] for key in ("label", "pt", "sdmass")},
        )
        return Shown(jet, explanation)

    def prongs(self, index: int, significance: Any, signed: Any, relevance: Any) -> Any:
        """The shares within and between the subjets, as the core adds them up."""
        if N_TRACKS[index] < 3:
            return None
        jet = Jet.from_arrays(self.tracks(index), FEATURES)
        found = prongs(
            SimpleNamespace(
                jet_id=jet.jet_id,
                edge_index=jet.edge_index,
                edge_significance=significance,
                signed_edge_relevance=signed,
                track_relevance=relevance,
            ),
            jet,
        )
        return asdict(found)

    def edge(self, index: int, body: dict[str, Any]) -> dict[str, Any]:
        whole = self.explanation(index, body)
        significance, signed = (
            np.frombuffer(base64.b64decode(whole[name]["data"]), np.float32)
            for name in ("edge_significance", "signed_edge_relevance")
        )
        source, destination = complete_graph(N_TRACKS[index])
        at = body["edge"]
        told = self.explained(whole)
        jet = Jet.from_arrays(self.tracks(index), FEATURES, jet_id=told.jet_id)
        scene = Scene.of(jet, told)
        order = np.argsort(-significance, kind="stable")
        return {
            "index": index,
            "edge": at,
            "source": int(source[at]),
            "destination": int(destination[at]),
            "significance": float(significance[at]),
            "rank": int(np.flatnonzero(order == at)[0]) + 1,
            "n_edges": len(significance),
            "signed_relevance": float(signed[at]),
            "features": list(FEATURES),
            "feature_info": [feature_info(name).model_dump() for name in FEATURES],
            "source_relevance": (0.4 * signed[at] * SHARES).tolist(),
            "destination_relevance": (0.6 * signed[at] * SHARES[::-1]).tolist(),
            "speaks": stance(scene, float(signed[at])),
            "ends": [edge_end(scene, int(end[at])).model_dump() for end in (source, destination)],
        }

    def figure(self, index: int, view: str, what: str, query: dict[str, str]) -> httpx.Response:
        """A vector figure, or where one comes from."""
        asked = FigureQuery.model_validate(query)
        seen = asked.read_view(index)
        asked = asked.filled(seen)
        usual = {
            "target": asked.target or "margin",
            "rule": asked.rule or "gamma(gamma=1.0, bias=account)",
        }
        asked = asked.model_copy(update=usual)
        beside = seen if view in WITH_PINNED else View()
        shown, pinned = self.shown(index, asked), self.pinned(asked, beside)
        drawn = Drawn(view, shown, pinned, Provenance.of(shown.explanation), seen, asked)

        def short(name: str) -> str:
            """Without rule and network, which are the same in all tests."""
            return re.sub(r"_[a-z]+(-[^_]*)?_0{8}", "", name)

        if what == "/parts":
            parts = drawn.parts()
            parts = parts.model_copy(update={"name": short(parts.name)})
            return httpx.Response(200, content=parts.model_dump_json())
        answer = drawn.answer(what[1:])
        headers = {"content-disposition": short(answer.headers["content-disposition"])}
        return httpx.Response(200, content=answer.body, headers=headers)

    def file(self, index: int, file: str, query: dict[str, str]) -> httpx.Response:
        """An explanation to take away: "json", "npz", "tracks.csv" or "edges.csv"."""
        if file not in ("json", "npz", "tracks.csv", "edges.csv"):
            return self.refusal(404, "not_found", f"There is no such file: {file}.")
        kinds = {"json": "application/json", "npz": "application/octet-stream"}
        name = f"toy_{index}_{query.get('target')}.{file}"
        return httpx.Response(
            200,
            content=f"{file} of jet {index}",
            headers={
                "content-type": kinds.get(file, "text/csv"),
                "content-disposition": f'attachment; filename="{name}"',
            },
        )
