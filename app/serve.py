"""One address for the page, /api/v1 and /docs, in one process or with a service elsewhere.

    browser ── page ──> Dash (Flask, 16 threads) ──> ServiceClient ──> the service
            └─ /api, /docs ────────────────────────────────────────────┘

The service is a FastAPI application of its own. In one process it shares the event loop with the
page, runs its work in threads, and the page asks it over loopback, as it would ask one elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

import uvicorn
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.below import Below, Stripped, below_of_scope
from app.access.doors import Door
from app.access.gate import Gate, check_alone
from app.client import read_address
from app.columns import check_definitions, columns_of
from lrp_core.errors import CheckpointError, DefinitionsError, JetlrpError, SettingsError
from lrp_core.service.problems import Problem
from lrp_core.service.schemas import ErrorAnswer, ErrorBody
from lrp_core.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from flask import Flask

PAGE_THREADS = 16
SERVICE_PATHS = ("/api", "/docs", "/openapi.json", "/ready", "/metrics")
ENDLESS = 1e9  # requests a minute
STOP_SECONDS = 1  # how long requests under way may take to end after Ctrl-C
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Sources:
    """What to serve: files of jets and a network, None for those that come with the package."""

    jets: tuple[str, ...] | None = None
    model: str | None = None
    definitions: str | None = None
    tree: str | None = None
    columns: Mapping[str, str] | None = None
    padding: str | None = None
    weights: str | None = None

    def check(self, settings: Settings) -> None:
        """Raise JetlrpError if a file is not there, before anything is loaded for it."""
        from lrp_core.reading import expand_paths

        if self.jets is not None:
            expand_paths(self.jets)
        if self.model is not None and not Path(self.model).is_file():
            raise CheckpointError(f"{self.model}: there is no such file; give a checkpoint (.pth)")
        if self.definitions is not None and not Path(self.definitions).is_file():
            raise DefinitionsError(f"{self.definitions}: there is no such file; give a YAML file")
        if settings.library is not None and not Path(settings.library).expanduser().is_dir():
            raise SettingsError(f"--library: {settings.library} is no folder; give one")

    def service(self, settings: Settings) -> FastAPI:
        """Open the jets, load the network and make the service of them; this imports torch.

        With a library or uploads, what is not given is chosen from what there is.
        """
        from lrp_core.allocator import keep_freed_memory

        keep_freed_memory()
        import lrp_core

        jets, model = None, None
        alone = settings.library is None and settings.uploads is None
        if alone or self.jets is not None:
            jets = lrp_core.open_jets(
                self.jets, tree=self.tree, columns=self.columns, padding=self.padding
            )
        from lrp_core.service.api import create_api

        if alone or self.model is not None:
            model = lrp_core.load_model(
                self.model, definitions=self.definitions, weights=self.weights
            )
        return create_api(jets, model, settings)


def sources_of(settings: Settings) -> Sources:
    """What the settings say is served. Raises SettingsError where they do not go together."""
    check_definitions(settings.model, settings.definitions, settings.weights)
    return Sources(
        settings.jets or None,
        settings.model,
        settings.definitions,
        settings.tree,
        columns_of(settings.column),
        settings.padding,
        settings.weights,
    )


class Site:
    """Sends a request to the service if its path is one of the service's, else to the page."""

    def __init__(self, page: ASGIApp, service: ASGIApp) -> None:
        self.page = page
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "lifespan" or any(
            path == known or path.startswith(f"{known}/") for known in SERVICE_PATHS
        ):
            await self.service(scope, receive, send)
        else:
            await self.page(scope, receive, send)


class Ending:
    """Answers requests that are cut off when the server stops, instead of failing in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except asyncio.CancelledError:
            if scope["type"] != "http" or started:
                raise
            answer = refusal(scope, 503, "stopping", "The server is being stopped.")
            await answer(scope, receive, send)


class LateService:
    """A service that is built in a thread while the page is answered already; requests wait for it.

    build   makes the service
    ready   called with it once it runs
    failed  called if ``build`` raised; ``failure`` then holds what
    """

    def __init__(
        self,
        build: Callable[[], FastAPI],
        ready: Callable[[FastAPI], None],
        failed: Callable[[], None],
    ) -> None:
        self.failure: Exception | None = None
        self._build = build
        self._call_ready = ready
        self._call_failed = failed
        self._running = AsyncExitStack()
        self._built: asyncio.Future[FastAPI] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            starting = asyncio.create_task(self._start())
            await send({"type": "lifespan.startup.complete"})
            await receive()
            starting.cancel()
            await self._running.aclose()
            await send({"type": "lifespan.shutdown.complete"})
            return
        assert self._built is not None
        try:
            service = await asyncio.shield(self._built)
        except JetlrpError as error:
            answer = refusal(scope, 503, "not_started", f"The service could not start: {error}")
            await answer(scope, receive, send)
            return
        await service(scope, receive, send)

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        built = self._built = loop.create_future()

        def tell(outcome: FastAPI | Exception) -> None:
            if built.done():
                return
            if isinstance(outcome, Exception):
                built.set_exception(outcome)
            else:
                built.set_result(outcome)

        def build() -> None:
            try:
                outcome: FastAPI | Exception = self._build()
            except Exception as error:
                outcome = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, outcome)

        threading.Thread(target=build, name="build", daemon=True).start()
        try:
            service = await asyncio.shield(built)
            await self._running.enter_async_context(service.router.lifespan_context(service))
        except Exception as error:
            self.failure = error
            self._call_failed()
            return
        self._call_ready(service)


class _Server(uvicorn.Server):
    """Serves a site on a socket until Ctrl-C or till ``should_exit`` is set; says when it is up."""

    def __init__(self, site: ASGIApp, listener: socket.socket, up: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                Ending(site),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # the gate believes them, of whom it was told to
                lifespan="on",
                ws="none",
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._listener = listener
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._up()

    def run_until_stopped(self) -> None:
        try:
            self.run(sockets=[self._listener])
        except KeyboardInterrupt:
            pass  # uvicorn raises it once more when it has shut down
        finally:
            self._listener.close()


def refusal(scope: Scope, status: int, code: str, message: str) -> Response:
    """An answer in the service's one shape of errors, where the service itself cannot give it."""
    request_id = Request(scope).headers.get("x-request-id") or secrets.token_hex(6)
    body = ErrorBody(code=code, message=message, choices=None, request_id=request_id)
    return Response(
        ErrorAnswer(error=body).model_dump_json(),
        status_code=status,
        media_type="application/json",
        headers={"X-Request-ID": request_id, "Retry-After": "2"},
    )


def listen(host: str, port: int) -> socket.socket:
    """Take a port before anything else is done. Raises SettingsError if it cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise SettingsError(f"--host: {host!r} is not an address of this machine") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(
            f"cannot listen on {host}, port {port}: {reason}; "
            "stop what uses it, or give another one with --port"
        ) from error
    return listener


def address_of(listener: socket.socket, host: str) -> str:
    """Where a browser on this machine finds a listening socket."""
    reachable = ANYWHERE.get(host, host)
    if ":" in reachable:
        reachable = f"[{reachable}]"
    return f"http://{reachable}:{listener.getsockname()[1]}"


def page_address(address: str, settings: Settings) -> str:
    """Where a browser finds the page of a server at an address, also without its proxy."""
    return f"{address}{settings.root_path}/" if settings.root_path else address


def address_for_gunicorn(host: str, port: int) -> str:
    """An address as gunicorn takes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def serve_all(sources: Sources, settings: Settings, say: Say) -> None:
    """Serve page and service from this process until somebody stops it.

    The page answers first; the service, which needs torch, a moment later.
    """
    began = time.perf_counter()
    secret = settings.secret_text or secrets.token_urlsafe(32)
    gate, below = Gate(settings, secret), Below(settings)
    settings = settings.model_copy(update={"secret": SecretStr(secret)})
    listener = listen(settings.host, settings.port)
    address = address_of(listener, settings.host)
    try:
        sources.check(settings)
    except JetlrpError:
        listener.close()
        raise

    def ready(service: FastAPI) -> None:
        usual = service.state.service.usual
        say(
            f"{len(usual.jets)} jets of {usual.file} and the network {usual.model_name} are "
            f"ready after {time.perf_counter() - began:.1f} s"
        )

    def failed() -> None:
        server.should_exit = True

    late = LateService(lambda: sources.service(settings), ready, failed)
    door = Door(Site(_page(address, settings, behind_door=True), late), gate, secret)
    up = f"the page is at {page_address(address, settings)} (Ctrl-C stops it)"
    server = _Server(Stripped(door, below), listener, lambda: say(up))
    server.run_until_stopped()
    if late.failure is not None:
        raise late.failure


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Page and service in a thread, for as long as the ``with`` lasts -> their address.

    They are for this process alone, on a port that is free: whom the settings let in, and how much
    each may ask for, does not count. Raises JetlrpError if jets or network cannot be opened.
    """
    from app.wsgi import CLIENT, page_of

    secret = secrets.token_urlsafe(32)
    own = {"host": "127.0.0.1", "port": 0, "auth": "none", "hosts": (), "waiting_each": 30,
           "root_path": None}  # fmt: skip
    endless = {"requests_per_minute": ENDLESS, "explanations_per_minute": ENDLESS}
    settings = settings.model_copy(update={**own, **endless, "secret": SecretStr(secret)})
    gate = Gate(settings, secret)
    sources = sources_of(settings)
    sources.check(settings)
    listener = listen("127.0.0.1", 0)
    address = address_of(listener, "127.0.0.1")
    try:
        service = sources.service(settings)
    except BaseException:
        listener.close()
        raise
    try:
        service.state.service.scores.stop()  # no user looks at the list of jets
    except Problem as error:  # there is nothing that goes together
        listener.close()
        raise SettingsError(error.message) from error
    up = threading.Event()
    page = page_of(address, settings, behind_door=True)
    site = Site(_threaded(page), service)
    server = _Server(Door(site, gate, secret), listener, up.set)
    thread = threading.Thread(target=server.run_until_stopped, name="serving", daemon=True)
    thread.start()
    try:
        while not up.wait(0.1):
            if not thread.is_alive():
                raise SettingsError(f"the server at {address} did not start")
        yield address
    finally:
        server.should_exit = True
        thread.join()
        page.extensions[CLIENT].close()


def serve_page(backend: str, settings: Settings, say: Say) -> None:
    """Serve the page from this process, without torch; the service is at ``backend``."""
    service = read_address(backend)
    page = _page(service, settings)
    listener = listen(settings.host, settings.port)
    address = address_of(listener, settings.host)
    if service == address:
        raise SettingsError(
            f"--backend: {backend} is this server's own address; give the service's"
        )
    at = page_address(address, settings)
    up = f"the page is at {at}, the service at {service} (Ctrl-C stops the page)"
    _Server(page, listener, lambda: say(up)).run_until_stopped()


def serve_service(sources: Sources, settings: Settings, say: Say) -> None:
    """Serve /api/v1 and /docs alone."""
    check_alone(settings)
    below = Below(settings)
    listener = listen(settings.host, settings.service_port)
    at = f"{address_of(listener, settings.host)}{below.path}"
    up = f"the service is at {at}/api/v1, its documentation at {at}/docs (Ctrl-C stops it)"
    service = sources.service(settings)
    _Server(Stripped(service, below), listener, lambda: say(up)).run_until_stopped()


def _page(service: str, settings: Settings, *, behind_door: bool = False) -> ASGIApp:
    """The Dash page as an ASGI application; its callbacks run in threads, never on the loop."""
    from app.wsgi import page_of

    return _threaded(page_of(service, settings, behind_door=behind_door))


def _threaded(page: Flask) -> ASGIApp:
    """A WSGI application as one for ASGI."""
    from a2wsgi import WSGIMiddleware

    site: Any = page
    threaded: Any = WSGIMiddleware(site, workers=PAGE_THREADS)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if top := unquote(below_of_scope(scope)):
            scope = {**scope, "root_path": top, "path": top + scope["path"]}
        await threaded(scope, receive, send)

    return application


def leave(status: int) -> NoReturn:
    """End the process at once.

    Taking torch to pieces takes as long as loading it did, and threads of the page may still wait
    for an event loop that is gone.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
