"""The service over HTTP: jets and explanations of them under /api/v1, what it can do at /docs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.gzip import GZipMiddleware

from lrp_core.errors import ExplanationFileError, JetError, JetFileError
from lrp_core.explanation import Explanation
from lrp_core.figures import Provenance, View
from lrp_core.figures.picture import Shown
from lrp_core.jets import Jet
from lrp_core.limits import limits_of_server
from lrp_core.model import Model
from lrp_core.service.answer_store import AnswerStore
from lrp_core.service.answers import EDGE_ROWS, Answer
from lrp_core.service.cache import Cache
from lrp_core.service.choices import all_choices
from lrp_core.service.compared import ComparisonQuery, comparison_answer
from lrp_core.service.disk import Disk
from lrp_core.service.docs import add_docs
from lrp_core.service.edges import edge_answer, feature_info
from lrp_core.service.figures import (
    WITH_PINNED,
    Drawn,
    FigureFormat,
    FigureName,
    FigureQuery,
    PinnedQuery,
    check_size,
)
from lrp_core.service.files import edge_table, file_name, track_table
from lrp_core.service.health import add_health
from lrp_core.service.library_answer import library_answer
from lrp_core.service.people import person_of
from lrp_core.service.pictures import (
    PictureName,
    PictureQuery,
    Room,
    cameras_answer,
    picture_answer,
)
from lrp_core.service.problems import Problem, tell_problems
from lrp_core.service.schemas import (
    BHadronInfo,
    Choices,
    ComparisonAnswer,
    EdgeAnswer,
    EdgeRequest,
    ErrorAnswer,
    ExplanationAnswer,
    ExplanationRequest,
    FigureParts,
    FileQuery,
    Health,
    JetDetail,
    JetPage,
    JetQuery,
    JetRow,
    JetsInfo,
    Library,
    NetworkReport,
    PickQuery,
    PictureAnswer,
    ScoresInfo,
    SourceQuery,
    SubjetInfo,
    TruthInfo,
)
from lrp_core.service.scores import Scores
from lrp_core.service.studies import Studies
from lrp_core.service.study import Jets, Study
from lrp_core.service.trust import Trust
from lrp_core.service.upload_routes import add_uploads
from lrp_core.service.watched import Watched
from lrp_core.service.workers import Workers
from lrp_core.settings import Settings, read_settings
from lrp_core.subjets import nearest_subjet, subjet_axes
from lrp_core.tape.network import report_of
from lrp_core.truth import Origin, Truth

PREFIX = "/api/v1"
BINARY = "application/octet-stream"
GZIP_FROM = 1_000  # bytes
GZIP_LEVEL = 4  # arrays hardly shrink further, and take longer
REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "What is wrong with the request"},
    "5XX": {"model": ErrorAnswer, "description": "What the service could not do"},
}


Source = Annotated[SourceQuery, Query()]
Person = Annotated[str, Depends(person_of)]


class Service:
    """What answers the requests: jets and networks, the cache, and the working threads."""

    def __init__(self, jets: Jets | None, model: Model | None, settings: Settings) -> None:
        self.settings = settings
        self.version = version("jetlrp")
        self.disk = _disk(settings)
        store = None if self.disk is None else AnswerStore(self.disk, self.version)
        self.cache: Cache[Answer] = Cache(settings.cache_bytes, store)
        self.workers = Workers(
            settings.explanations_at_once,
            settings.explanations_waiting,
            settings.waiting_each,
            limits_of_server("explanations", settings.explanations_per_minute),
        )
        self.studies = Studies(jets, model, settings, self.cache, self.workers, self.disk)

    def study(self, source: SourceQuery, person: str = "") -> Study:
        """The file and the network that a request is about. Raises Problem."""
        return self.studies.study(source.file, source.model, person)

    @property
    def usual(self) -> Study:
        """The file and the network that are meant where none is named."""
        return self.studies.study()

    @property
    def jets(self) -> Jets:
        """The jets that are meant where no file is named."""
        return self.usual.jets

    @property
    def model(self) -> Model:
        """The network that is meant where none is named."""
        return self.usual.model

    @property
    def scores(self) -> Scores:
        """The scores of these jets by this network."""
        return self.usual.scores

    def problem(self) -> str | None:
        """What keeps the service from its work: jets that cannot be read any more. Else None."""
        try:
            study = self.usual
            if not len(study.jets):
                return f"{study.file} has no jets"
            study.jet(0)
        except JetError:  # a bad jet in a file that can be read
            return None
        except (Problem, JetFileError, OSError) as error:
            return str(error)
        return None

    def start(self) -> None:
        """Begin to score the jets."""
        self.studies.start()

    def stop(self) -> None:
        """Stop scoring and drop what is waiting."""
        self.workers.close()
        self.studies.stop()


def _disk(settings: Settings) -> Disk | None:
    """What the processes of a server share, where they are to share anything."""
    if settings.cache_folder is None or not settings.disk_cache_bytes:
        return None
    return Disk(Path(settings.cache_folder).expanduser(), settings.disk_cache_bytes)


def create_api(jets: Jets | None, model: Model | None, settings: Settings | None = None) -> FastAPI:
    """The service for some jets and a network, as a FastAPI application.

    Without jets or without a network those of the library are first, if the settings name one, and
    what comes with the package stands behind them. While it runs (its lifespan), threads score the
    jets that are looked at. ``app.state.service`` is the Service.
    """
    service = Service(jets, model, settings or read_settings())
    with suppress(Problem):
        service.studies.study()

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
        servers=[{"url": "./"}],  # beside openapi.json, whatever path a proxy serves it below
        root_path_in_servers=False,
        redirect_slashes=False,  # it would name this machine, as the proxy knows it
        lifespan=lifespan,
    )
    app.state.service = service
    app.include_router(_routes(service))
    add_docs(app)
    add_health(app, service.problem)
    app.add_middleware(Trust, secret=service.settings.secret_text)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM, compresslevel=GZIP_LEVEL)
    tell_problems(app)
    app.add_middleware(Watched, allowed=service.settings.metrics_from)
    return app


def _routes(service: Service) -> APIRouter:
    """The routes: plain functions, which run in threads and so never hold up the others."""
    routes = APIRouter(prefix=PREFIX, responses=REFUSALS)

    @routes.get("/health", response_model=Health)
    def health(source: Source, person: Person) -> Response:
        """Whether the service is there, and with which jets and which network."""
        study = service.study(source, person)
        scores = study.scores
        return _json(
            Health(
                version=service.version,
                jets=JetsInfo(name=study.file, n_jets=len(study.jets)),
                model=study.model_info,
                scores=ScoresInfo(done=scores.done, total=scores.total, problem=scores.problem),
                library=service.studies.info(person),
            )
        )

    @routes.get("/library", response_model=Library)
    def list_library(person: Person) -> Response:
        """The files of jets and the networks to choose from, looked up now.

        `file` and `model` of the other requests are names of this list. Files that cannot be used
        are in it, with the reason; files that nobody has looked into yet are `pending`.
        """
        return _json(library_answer(service.studies, person))

    add_uploads(routes, service.studies.uploads)

    @routes.get("/choices", response_model=Choices)
    def list_choices(source: Source, person: Person) -> Response:
        """Everything that can be asked for: targets, rules with their parameters, presets."""
        return _json(all_choices(service.study(source, person).model))

    @routes.get("/network", response_model=NetworkReport)
    def report_network(source: Source, person: Person) -> Response:
        """What the network runs: operations and the rule of each, hidden ways, where edges are."""
        report = report_of(service.study(source, person).model)
        return _json(NetworkReport.model_validate(report.to_dict()))

    @routes.get("/jets", response_model=JetPage)
    def list_jets(query: Annotated[JetQuery, Query()], person: Person) -> Response:
        """The jets: filtered, sorted, a page at a time. Scores come in while one looks."""
        study = service.study(query, person)
        done = study.scores.done
        return _json(study.table.page(query, study.scores.values(), done))

    @routes.get("/jets/pick", response_model=JetRow)
    def pick_jet(query: Annotated[PickQuery, Query()], person: Person) -> Response:
        """A random jet of a kind that GET /choices describes, of those scored so far.

        The error `no_such_jet` says why there is none: no labels, no scores yet, or no such jet.
        """
        return _json(service.study(query, person).pick(query))

    @routes.get("/jets/{index}", response_model=JetDetail)
    def show_jet(index: int, source: Source, person: Person) -> Response:
        """One jet with its tracks."""
        study = service.study(source, person)
        jet = study.jet(index)
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
                file=study.file,
                features=features,
                tracks=values.tolist(),
                feature_info=[feature_info(name) for name in features],
                eta=jet.eta,
                truth=None if jet.truth is None else _truth_info(jet.truth),
                subjets=_subjets(jet),
            )
        )

    @routes.post("/jets/{index}/explanation", response_model=ExplanationAnswer)
    def explain_jet(
        index: int, request: ExplanationRequest, source: Source, person: Person
    ) -> Response:
        """Why the network gave a jet this output: relevance of tracks, features and edges.

        `edges="full"` adds the relevance of every edge for every column, which is large;
        `top_edges` leaves all but the most significant edges out, for large jets.
        """
        full = request.edges == "full"
        study = service.study(source, person)
        answer, cached = study.answer(
            index, request.target, request.rule, request.dtype, with_edges=full, person=person
        )
        if not full and EDGE_ROWS in answer.arrays:
            answer = answer.without(EDGE_ROWS)
        if request.top_edges is not None:
            answer = answer.top(request.top_edges)
        body = answer.json(
            request.encoding,
            index=index,
            cached=cached,
            file=study.file,
            model=study.model_info.model_dump(),
        )
        return Response(body, media_type="application/json")

    @routes.post("/jets/{index}/explanation/edge", response_model=EdgeAnswer)
    def show_edge(index: int, request: EdgeRequest, source: Source, person: Person) -> Response:
        """One edge: its tracks, its rank, and what reached each feature of either track.

        The first edge of a jet costs an explanation; the others are taken from it.
        """
        study = service.study(source, person)
        explanation = study.explanation(index, request.target, request.rule, request.dtype, person)
        return _json(edge_answer(index, study.jet(index), explanation, request.edge))

    def explained(index: int, query: FileQuery, person: str) -> Explanation:
        study = service.study(query, person)
        return study.explanation(index, query.target, query.rule, query.dtype, person)

    @routes.get("/jets/{index}/explanation.json", **_file("application/json"))
    def take_json(index: int, query: Annotated[FileQuery, Query()], person: Person) -> Response:
        """The whole explanation as a file that `lrp_core.load_explanation` reads."""
        explanation = explained(index, query, person)
        try:
            pieces = explanation.pieces(".json")
        except ExplanationFileError as error:
            raise Problem(422, "not_finite", f"{explanation.jet_id}: {error}.") from error
        return _attachment(explanation, pieces, ".json", "application/json")

    @routes.get("/jets/{index}/explanation.npz", **_file(BINARY))
    def take_npz(index: int, query: Annotated[FileQuery, Query()], person: Person) -> Response:
        """The same for NumPy: `numpy.load` or `lrp_core.load_explanation`."""
        explanation = explained(index, query, person)
        return _attachment(explanation, explanation.pieces(".npz"), ".npz", BINARY)

    @routes.get("/jets/{index}/explanation/tracks.csv", **_file("text/csv"))
    def take_tracks(index: int, query: Annotated[FileQuery, Query()], person: Person) -> Response:
        """A row per track: its relevance, and the value and the relevance of every feature."""
        explanation = explained(index, query, person)
        table = track_table(explanation, service.study(query, person).jet(index))
        return _attachment(explanation, table, "_tracks.csv", "text/csv")

    @routes.get("/jets/{index}/explanation/edges.csv", **_file("text/csv"))
    def take_edges(index: int, query: Annotated[FileQuery, Query()], person: Person) -> Response:
        """A row per edge, the most significant first: its tracks, significance and relevance."""
        explanation = explained(index, query, person)
        return _attachment(explanation, edge_table(explanation), "_edges.csv", "text/csv")

    def shown_of(index: int, query: FileQuery, person: str) -> Shown:
        """A jet and its explanation, which costs nothing where it was asked for before."""
        study = service.study(query, person)
        explanation = study.summary(index, query.target, query.rule, query.dtype, person)
        return Shown(study.jet(index), explanation)

    def shown_with(
        index: int, query: PinnedQuery, view: View, person: str
    ) -> tuple[Shown, Shown | None]:
        """The same, and what the view has pinned beside it."""
        other = query.of_pinned(view)
        pinned = None if other is None else shown_of(*other, person)
        return shown_of(index, query, person), pinned

    def drawn(index: int, name: FigureName, query: FigureQuery, person: str) -> Drawn:
        """What a figure is drawn of."""
        view = query.read_view(index)
        query = query.filled(view)
        shown, pinned = shown_with(index, query, view if name in WITH_PINNED else View(), person)
        fingerprint = service.study(query, person).fingerprint(index)
        provenance = Provenance.of(shown.explanation, fingerprint)
        return Drawn(name, shown, pinned, provenance, view, query)

    @routes.get("/jets/{index}/figures/{name}/parts", response_model=FigureParts)
    def figure_parts(
        index: int, name: FigureName, query: Annotated[FigureQuery, Query()], person: Person
    ) -> Response:
        """A figure to be put together elsewhere: its network plot as data, the rest as SVG."""
        return _json(drawn(index, name, query, person).parts())

    @routes.get("/jets/{index}/figures/{name}.{ending}", **_file("image/svg+xml"))
    def draw_figure(
        index: int,
        name: FigureName,
        ending: FigureFormat,
        query: Annotated[FigureQuery, Query()],
        person: Person,
    ) -> Response:
        """A vector figure of a jet: network plot, heat map or river, as SVG, PDF or PNG.

        The view is what the page's address holds, so the figure shows what is on the screen.
        """
        check_size(query, ending)
        return drawn(index, name, query, person).answer(ending)

    @routes.get("/jets/{index}/pictures/{name}", response_model=PictureAnswer)
    def show_picture(
        index: int,
        name: PictureName,
        query: Annotated[PictureQuery, Query()],
        person: Person,
    ) -> Response:
        """What a panel of the page shows of a jet, at the panel's size: an SVG to point at.

        It costs nothing where the explanation was asked for before.
        """
        view = query.read_view(index)
        query = query.filled(view)
        shown, pinned = shown_with(index, query, view, person)
        return _json(picture_answer(name, shown, view, query, pinned))

    @routes.get("/jets/{index}/comparison", response_model=ComparisonAnswer)
    def compare_jet(
        index: int, query: Annotated[ComparisonQuery, Query()], person: Person
    ) -> Response:
        """An explanation of a jet beside another, of this jet or of any: what they differ in."""
        number, other = query.other()
        here, pinned = shown_of(index, query, person), shown_of(number, other, person)
        sides = [(index, service.study(query, person)), (number, service.study(other, person))]
        where = [
            {"index": at, "file": study.file, "model": study.model_name} for at, study in sides
        ]
        return _json(comparison_answer(here, pinned, where))

    @routes.get("/cameras")
    def show_cameras(room: Annotated[Room, Query()]) -> dict[str, Any]:
        """Where the camera of the network plot stands at first in a room, by projection."""
        return cameras_answer(room)

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
