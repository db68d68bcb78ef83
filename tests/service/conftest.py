"""Seeded toy jets and a small network that need no data, and the service over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import torch
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from lrp_core.errors import JetError, JetIndexError
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.service.api import create_api
from lrp_core.settings import Settings

COLUMNS = ("track_pt", "track_etarel", "track_phirel", "track_pt", "made_up")
BAD = 7
UNLABELLED = 3
PARTLY_JOINED = 5


@dataclass
class ToyJets:
    """Jets of 1 to 12 tracks: number BAD cannot be used, UNLABELLED is of unknown origin."""

    n_jets: int = 40
    name: str = "toy.root"
    identity: str = "toy-1"
    reads: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.n_jets

    def __getitem__(self, index: int) -> Jet:
        if not 0 <= index < self.n_jets:
            raise JetIndexError(f"no jet {index}")
        self.reads.append(index)
        if index == BAD:
            raise JetError(f"toy.root:{index}: 1 value(s) are not finite")
        draw = np.random.default_rng(index)
        n_tracks = 1 + index % 12
        edges = np.array([[0, 1], [1, 0]]) if index == PARTLY_JOINED else None
        return Jet.from_arrays(
            draw.normal(size=(n_tracks, 4)).astype(np.float32),
            ("track_pt", "track_etarel", "track_phirel", "made_up"),
            edges,
            label=None if index == UNLABELLED else ("hbb", "qcd")[index % 2],
            pt=300.0 + 10 * (index * 7 % 11),
            sdmass=None if index == UNLABELLED else 100.0 + index * 3 % 17,
            jet_id=f"toy.root:{index}",
            index=index,
        )

    def summary(self) -> pd.DataFrame:
        rows: list[dict[str, Any]] = []
        for index in range(self.n_jets):
            if index == BAD:
                row = {"label": "qcd", "pt": np.nan, "sdmass": np.inf, "n_tracks": 8}
                rows.append({"index": index, **row, "problem": "1 value(s) are not finite"})
                continue
            jet = self[index]
            row = {"label": jet.label, "pt": jet.pt, "sdmass": jet.sdmass, "n_tracks": jet.n_tracks}
            rows.append({"index": index, **row, "problem": None})
        self.reads.clear()
        return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def toy_model() -> Model:
    torch.manual_seed(1)
    network = InteractionNetwork(len(COLUMNS), 2, 8)
    return Model(network, COLUMNS, ("qcd", "hbb"), name="toy.pth", checkpoint_hash="ab12")


@pytest.fixture
def toy_jets() -> ToyJets:
    return ToyJets()


class InProcess(httpx.BaseTransport):
    """Carries requests to an application in this process, from any number of threads."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._asgi.handle_async_request(request)
        body = b"".join([part async for part in answer.stream])  # type: ignore[union-attr]
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


class Client(httpx.Client):
    """Asks a service in this process; ``service`` is what answers."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        super().__init__(transport=InProcess(app, portal), base_url="http://test")
        self.app = app
        self.service = app.state.service

    def explain(self, index: int, **wanted: Any) -> dict[str, Any]:
        """The explanation of a jet."""
        answer = self.post(f"/api/v1/jets/{index}/explanation", json=wanted)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@contextmanager
def running(app: FastAPI) -> Iterator[Client]:
    """The application with its scorer, and somebody to ask it."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        Client(app, portal) as client,
    ):
        yield client


Serve = Callable[..., Client]


@pytest.fixture
def serve(toy_model: Model) -> Iterator[Serve]:
    """Start the service over some jets, with some settings; all of them end with the test."""
    with ExitStack() as stack:

        def start(jets: Any = None, model: Model | None = None, **settings: Any) -> Client:
            shown = jets if jets is not None else ToyJets()
            app = create_api(shown, model or toy_model, Settings(**settings))
            return stack.enter_context(running(app))

        yield start


@pytest.fixture
def serve_library() -> Iterator[Callable[..., Client]]:
    """Start the service over a folder alone, with some settings; all of them end with the test."""
    with ExitStack() as stack:

        def start(folder: Path, **settings: Any) -> Client:
            app = create_api(None, None, Settings(library=str(folder), **settings))
            return stack.enter_context(running(app))

        yield start


@pytest.fixture
def toy(serve: Serve) -> Client:
    """The service over toy jets, with every score computed."""
    client = serve()
    assert client.service.scores.wait(120)
    return client


@pytest.fixture(scope="session")
def cms(cms_data: Path) -> Iterator[Client]:
    """The service over the real jets and the real network, with every score computed."""
    from lrp_core.checkpoint import load_model
    from lrp_core.reading import open_jets

    app = create_api(open_jets(cms_data / "hbb_jets.root"), load_model(cms_data / "IN.pth"))
    with running(app) as client:
        assert client.service.scores.wait(600)
        yield client
