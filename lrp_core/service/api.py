"""The service over HTTP: jets and explanations of them under /api/v1, what it can do at /docs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from typing import Annotated, Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.gzip import GZipMiddleware

from lrp_core.errors import ExplanationFileError, JetIndexError
from lrp_core.explainer import predict
from lrp_core.explanation import Explanation
from lrp_core.features import feature
from lrp_core.jets import Jet
from lrp_core.model import SIGNAL, Model
from lrp_core.service.answers import EDGE_ROWS, Answer, make_answer
from lrp_core.service.cache import Cache
from lrp_core.service.choices import Wanted, all_choices, read_wanted
from lrp_core.service.docs import add_docs
from lrp_core.service.edges import edge_answer
from lrp_core.service.files import edge_table, file_name, track_table
from lrp_core.service.listing import JetTable
from lrp_core.service.picks import PICKS, none_of
from lrp_core.service.problems import Problem, tell_problems
from lrp_core.service.schemas import (
    BHadronInfo,
    Choices,
    EdgeAnswer,
    EdgeRequest,
    ErrorAnswer,
    ExplanationAnswer,
    ExplanationRequest,
    FeatureInfo,
    FileQuery,
    Health,
    JetDetail,
    JetPage,
    JetQuery,
    JetRow,
    JetsInfo,
    ModelInfo,
    PickQuery,
    ScoresInfo,
    SubjetInfo,
    TruthInfo,
)
from lrp_core.service.scores import Scores
from lrp_core.service.workers import Busy, Workers
from lrp_core.settings import Settings, read_settings
from lrp_core.subjets import nearest_subjet, subjet_axes
from lrp_core.truth import Origin, Truth

PREFIX = "/api/v1"
BINARY = "application/octet-stream"
GZIP_FROM = 1_000  # bytes
GZIP_LEVEL = 4  # arrays hardly shrink further, and take longer
REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "What is wrong with the request"},
    "5XX": {"model": ErrorAnswer, "description": "What the service could not do"},
}


class Jets(Protocol):
    """What the service needs of the jets it shows, from several threads; ``open_jets`` gives it."""

    @property
    def name(self) -> str:
        """A short name."""

    @property
    def identity(self) -> str:
        """A text that changes when the files change."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Jet: ...

    def summary(self) -> pd.DataFrame:
        """A row per jet: index, label, pt, sdmass, n_tracks, problem."""


class Part(Sequence[Jet]):
    """Jets ``first`` … ``last`` - 1 of some jets, each read when it is needed."""

    def __init__(self, jets: Jets, first: int, last: int) -> None:
        self._jets = jets
        self._first = first
        self._n_jets = last - first

    def __len__(self) -> int:
        return self._n_jets

    def __getitem__(self, index: int) -> Jet:  # type: ignore[override]  # never sliced
        if not 0 <= index < self._n_jets:
            raise IndexError(index)
        return self._jets[self._first + index]


class Service:
    """What answers the requests: jets, a network, the cache, the scorer and the working threads."""

    def __init__(self, jets: Jets, model: Model, settings: Settings) -> None:
        self.jets = jets
        self.model = model
        self.settings = settings
        self.version = version("jetlrp")
        self.cache: Cache[Answer] = Cache(settings.cache_bytes)
        self.workers = Workers(settings.explanations_at_once, settings.explanations_waiting)
        self.scores = Scores(
            self._score,
            len(jets),
            chunk=settings.score_chunk,
            may_score=self.workers.wait_until_idle,
        )
        self._signal = model.classes.index(SIGNAL) if SIGNAL in model.classes else -1

    @cached_property
    def table(self) -> JetTable:
        """What is known of all jets."""
        return JetTable(self.jets.summary())

    @cached_property
    def model_info(self) -> ModelInfo:
        """The network, in short."""
        return ModelInfo(
            name=self.model.name,
            checkpoint_hash=self.model.checkpoint_hash,
            classes=list(self.model.classes),
            n_columns=len(self.model.columns),
        )

    def jet(self, index: int) -> Jet:
        """One jet. Raises JetIndexError if there is none, JetError if it cannot be used."""
        if not 0 <= index < len(self.jets):
            raise JetIndexError(
                f"There is no jet {index}: {self.jets.name} has {len(self.jets)} jet(s), "
                "numbered from 0."
            )
        return self.jets[index]

    def answer(
        self,
        index: int,
        target: str | None,
        rule: str | Mapping[str, Any] | None,
        dtype: str,
        *,
        with_edges: bool,
    ) -> tuple[Answer, bool]:
        """The explanation of a jet, and whether it was in the cache.

        with_edges  with the relevance of every edge for every column; what is kept with it also
                    answers whoever asks without

        Whoever asks for the same while it is computed waits for the same computation.
        """
        wanted = read_wanted(self.model, target, rule)
        if not 0 <= index < len(self.jets):
            self.jet(index)
        key = self._key(index, wanted, dtype)
        found = self.cache.get((*key, "full"))
        if found is None and not with_edges:
            found = self.cache.get((*key, "summary"))
        if found is not None:
            return found, True

        def compute() -> Answer:
            jet = self.jet(index)
            return make_answer(self.model, jet, wanted, dtype, with_edges=with_edges)

        def start() -> Future[Answer]:
            return self.workers.submit(compute)

        try:
            future = self.cache.join((*key, "full" if with_edges else "summary"), start)
            return future.result(timeout=self.settings.explanation_seconds), False
        except (Busy, CancelledError) as error:
            raise Problem(
                503,
                "busy",
                "The service has too many explanations to compute just now; try again in a moment.",
                headers={"Retry-After": "1"},
            ) from error
        except TimeoutError as error:
            raise Problem(
                504,
                "timeout",
                f"The explanation took longer than {self.settings.explanation_seconds:g} s and "
                "still goes on; ask again for it in a moment.",
                headers={"Retry-After": "5"},
            ) from error

    def explanation(
        self, index: int, target: str | None, rule: str | Mapping[str, Any] | None, dtype: str
    ) -> Explanation:
        """The whole explanation of a jet, kept as the answers are."""
        answer, _ = self.answer(index, target, rule, dtype, with_edges=True)
        assert answer.explanation is not None
        return answer.explanation

    def pick(self, query: PickQuery) -> JetRow:
        """A random jet of a kind, of those that are scored. Raises Problem where there is none."""
        wanted, scores, table = PICKS[query.kind].wanted, self.scores, self.table
        done, values = scores.done, scores.values()
        found = table.chosen(wanted, values)
        others = found[found != query.exclude]
        if len(others):
            row = np.random.default_rng(query.seed).choice(others)
            return table.rows([int(row)], values)[0]
        raise none_of(
            query.kind,
            labelled=wanted.label is None or table.has_label(wanted.label),
            only=int(found[0]) if len(found) else None,
            scored=done,
            total=scores.total,
            stopped=scores.problem,
        )

    def start(self) -> None:
        """Begin to score the jets."""
        self.scores.start()

    def stop(self) -> None:
        """Stop scoring and drop what is waiting."""
        self.workers.close()
        self.scores.stop()

    def _key(self, index: int, wanted: Wanted, dtype: str) -> tuple[str | int, ...]:
        """Everything that an explanation depends on; str(rule) holds every parameter and policy."""
        rule = str(wanted.rule)
        identity, checkpoint = self.jets.identity, self.model.checkpoint_hash
        return (identity, index, checkpoint, wanted.target, rule, dtype)

    def _score(self, first: int, last: int) -> npt.NDArray[np.float64]:
        """The probability of the signal class of jets ``first`` … ``last`` - 1."""
        logits = predict(self.model, Part(self.jets, first, last), on_error="nan")
        with np.errstate(invalid="ignore"):
            shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores: npt.NDArray[np.float64] = (shifted / shifted.sum(axis=1, keepdims=True))[
            :, self._signal
        ]
        return scores


def create_api(jets: Jets, model: Model, settings: Settings | None = None) -> FastAPI:
    """The service for some jets and a network, as a FastAPI application.

    While it runs (its lifespan), a thread scores the jets. ``app.state.service`` is the Service.
    """
    service = Service(jets, model, settings or read_settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.stop()

    app = FastAPI(
        title="jetlrp",
        version=service.version,
        summary="Jets, and why a network took them for what it took them.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    app.include_router(_routes(service))
    add_docs(app)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM, compresslevel=GZIP_LEVEL)
    tell_problems(app)
    return app


def _routes(service: Service) -> APIRouter:
    """The routes: plain functions, which run in threads and so never hold up the others."""
    routes = APIRouter(prefix=PREFIX, responses=REFUSALS)
    model, scores = service.model, service.scores
    choices = all_choices(model)

    @routes.get("/health", response_model=Health)
    def health() -> Response:
        """Whether the service is there, and with which jets and which network."""
        return _json(
            Health(
                version=service.version,
                jets=JetsInfo(name=service.jets.name, n_jets=len(service.jets)),
                model=service.model_info,
                scores=ScoresInfo(done=scores.done, total=scores.total, problem=scores.problem),
            )
        )

    @routes.get("/choices", response_model=Choices)
    def list_choices() -> Response:
        """Everything that can be asked for: targets, rules with their parameters, presets."""
        return _json(choices)

    @routes.get("/jets", response_model=JetPage)
    def list_jets(query: Annotated[JetQuery, Query()]) -> Response:
        """The jets: filtered, sorted, a page at a time. Scores come in while one looks."""
        done = scores.done
        return _json(service.table.page(query, scores.values(), done))

    @routes.get("/jets/pick", response_model=JetRow)
    def pick_jet(query: Annotated[PickQuery, Query()]) -> Response:
        """A random jet of a kind that GET /choices describes, of those scored so far.

        The error `no_such_jet` says why there is none: no labels, no scores yet, or no such jet.
        """
        return _json(service.pick(query))

    @routes.get("/jets/{index}", response_model=JetDetail)
    def show_jet(index: int) -> Response:
        """One jet with its tracks."""
        jet = service.jet(index)
        features = list(dict.fromkeys(jet.columns))
        values = np.stack([jet.column(name) for name in features], axis=1)
        return _json(
            JetDetail(
                index=index,
                jet_id=jet.jet_id,
                label=jet.label,
                pt=jet.pt,
                sdmass=jet.sdmass,
                n_tracks=jet.n_tracks,
                n_edges=jet.n_edges,
                features=features,
                tracks=values.tolist(),
                feature_info=[_feature_info(name) for name in features],
                eta=jet.eta,
                truth=None if jet.truth is None else _truth_info(jet.truth),
                subjets=_subjets(jet),
            )
        )

    @routes.post("/jets/{index}/explanation", response_model=ExplanationAnswer)
    def explain_jet(index: int, request: ExplanationRequest) -> Response:
        """Why the network gave a jet this output: relevance of tracks, features and edges.

        `edges="full"` adds the relevance of every edge for every column, which is large;
        `top_edges` leaves all but the most significant edges out, for large jets.
        """
        full = request.edges == "full"
        answer, cached = service.answer(
            index, request.target, request.rule, request.dtype, with_edges=full
        )
        if not full and EDGE_ROWS in answer.arrays:
            answer = answer.without(EDGE_ROWS)
        if request.top_edges is not None:
            answer = answer.top(request.top_edges)
        body = answer.json(
            request.encoding, index=index, cached=cached, model=service.model_info.model_dump()
        )
        return Response(body, media_type="application/json")

    @routes.post("/jets/{index}/explanation/edge", response_model=EdgeAnswer)
    def show_edge(index: int, request: EdgeRequest) -> Response:
        """One edge: its tracks, its rank, and what reached each feature of either track.

        The first edge of a jet costs an explanation; the others are taken from it.
        """
        explanation = service.explanation(index, request.target, request.rule, request.dtype)
        return _json(edge_answer(index, explanation, request.edge))

    def explained(index: int, query: FileQuery) -> Explanation:
        return service.explanation(index, query.target, query.rule, query.dtype)

    @routes.get("/jets/{index}/explanation.json", **_file("application/json"))
    def take_json(index: int, query: Annotated[FileQuery, Query()]) -> Response:
        """The whole explanation as a file that `lrp_core.load_explanation` reads."""
        explanation = explained(index, query)
        try:
            pieces = explanation.pieces(".json")
        except ExplanationFileError as error:
            raise Problem(422, "not_finite", f"{explanation.jet_id}: {error}.") from error
        return _attachment(explanation, pieces, ".json", "application/json")

    @routes.get("/jets/{index}/explanation.npz", **_file(BINARY))
    def take_npz(index: int, query: Annotated[FileQuery, Query()]) -> Response:
        """The same for NumPy: `numpy.load` or `lrp_core.load_explanation`."""
        explanation = explained(index, query)
        return _attachment(explanation, explanation.pieces(".npz"), ".npz", BINARY)

    @routes.get("/jets/{index}/explanation/tracks.csv", **_file("text/csv"))
    def take_tracks(index: int, query: Annotated[FileQuery, Query()]) -> Response:
        """A row per track: its relevance, and the value and the relevance of every feature."""
        explanation = explained(index, query)
        table = track_table(explanation, service.jet(index))
        return _attachment(explanation, table, "_tracks.csv", "text/csv")

    @routes.get("/jets/{index}/explanation/edges.csv", **_file("text/csv"))
    def take_edges(index: int, query: Annotated[FileQuery, Query()]) -> Response:
        """A row per edge, the most significant first: its tracks, significance and relevance."""
        explanation = explained(index, query)
        return _attachment(explanation, edge_table(explanation), "_edges.csv", "text/csv")

    return routes


def _json(answer: BaseModel) -> Response:
    """An answer; NaN and infinity leave as null."""
    return Response(answer.model_dump_json(), media_type="application/json")


def _file(media_type: str) -> dict[str, Any]:
    """How a route whose answer is a file is described."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {
        "response_class": Response,
        "responses": {200: {"description": "The file", "content": content}},
    }


def _attachment(
    explanation: Explanation, pieces: Iterator[str] | Iterator[bytes], ending: str, media_type: str
) -> Response:
    """A file to be saved, sent while it is written."""
    name = file_name(explanation, ending)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type=media_type, headers=headers)


def _feature_info(name: str) -> FeatureInfo:
    known = feature(name)
    return FeatureInfo(
        name=known.name,
        title=known.title,
        unit=known.unit,
        group=known.group,
        meaning=known.meaning,
    )


def _truth_info(truth: Truth) -> TruthInfo:
    return TruthInfo(
        origins=[origin.title for origin in Origin],
        origin=truth.origin.tolist(),
        b=truth.b.tolist(),
        b_hadrons=[BHadronInfo(**asdict(hadron)) for hadron in truth.b_hadrons],
    )


def _subjets(jet: Jet) -> list[SubjetInfo]:
    nearest = nearest_subjet(jet)
    if nearest is None:  # one subjet alone could be placed, but nobody knows which tracks are its
        return []
    return [
        SubjetInfo(
            number=axis.number,
            etarel=axis.etarel,
            phirel=axis.phirel,
            n_tracks=int((nearest == axis.number).sum()),
        )
        for axis in subjet_axes(jet)
    ]
