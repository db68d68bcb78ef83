"""The only way from the page to the service: httpx over /api/v1.

Answers come as the service's own models. Whatever goes wrong is one exception, ServiceError, which
says in words what happened and carries the service's request id, so that the page can show both.
Where the service is, the log says and nobody else.

Where the connection breaks, what can be asked twice without harm is asked once more. Where time
runs out nothing is: the service may have too much to do already.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from lrp_core.errors import JetlrpError, SettingsError
from lrp_core.service.schemas import (
    Choices,
    ComparisonAnswer,
    EdgeAnswer,
    ExplanationAnswer,
    FigureParts,
    Health,
    JetDetail,
    JetPage,
    JetRow,
    Library,
    NetworkReport,
    PictureAnswer,
)

logger = logging.getLogger("jetlrp.client")

Answer = TypeVar("Answer", bound=BaseModel)

API = "/api/v1"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 120.0
AGAIN_SECONDS = 0.25  # before a request is sent once more
KEPT = 1024 * 1024  # bytes of an answer that is held until all of it is here
CONNECTIONS = httpx.Limits(max_connections=100, keepalive_expiry=5.0)
# Explanations are computed, not stored: asking twice is as good as asking once.
REPEATABLE = re.compile(rf"(/.*)?{API}/jets/\d+/explanation(/edge)?")


class ServiceError(JetlrpError):
    """The service did not do what it was asked to.

    message     what happened, in words for the person in front of the page
    code        the service's name for it, or "unreachable" | "timeout" | "not_understood"
    request_id  the service's number of the request, or None if it never answered
    choices     what could have been asked for instead, or None
    status      the HTTP status, or None if there was no answer
    again       after how many seconds the same may be asked for again, or None
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        request_id: str | None = None,
        choices: list[str] | None = None,
        status: int | None = None,
        again: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id
        self.choices = choices
        self.status = status
        self.again = again

    @property
    def away(self) -> bool:
        """Whether the service is not there at all, so that trying again may help."""
        return self.code in ("unreachable", "timeout")


def read_address(address: str) -> str:
    """The address of a service, without a slash at its end. Raises SettingsError if it is none."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise SettingsError(
            f"--backend: {address!r} is not the address of a service; "
            "expected one such as http://gpu-machine:8051"
        )
    return address.rstrip("/")


def no_headers() -> dict[str, str]:
    """Nothing to add to a request."""
    return {}


class ServiceClient:
    """Asks the service for jets and explanations.

    transport  takes the place of the network: httpx.MockTransport in tests, or an in-process one
    timeout    seconds without any answer, at most
    headers    called for each request: what goes along with it, such as its id
    """

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: float = ANSWER_SECONDS,
        headers: Callable[[], Mapping[str, str]] = no_headers,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = headers
        self._source: dict[str, str] = {}
        self._http = httpx.Client(
            base_url=self.base_url,
            transport=transport,
            timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
            headers={"accept": "application/json"},
            limits=CONNECTIONS,
            trust_env=False,
        )

    def of(self, source: Mapping[str, Any] | None) -> ServiceClient:
        """The same client, asking for the file and the network of ``source``; None for the usual.

        source  {"file", "model"}, names of the library; what is None or missing is the usual one
        """
        given = source or {}
        other = copy(self)
        other._source = {key: given[key] for key in ("file", "model") if given.get(key) is not None}
        return other

    def library(self) -> Library:
        """The files of jets and the networks that can be asked for."""
        return self._ask(Library, "GET", "/library")

    def health(self) -> Health:
        """What is being served: version, jets, model, and how many scores are computed."""
        return self._ask(Health, "GET", "/health")

    def ready(self) -> httpx.Response:
        """What the service says of whether it can do its work; 200 if it can, else 503."""
        url = httpx.URL(f"{self.base_url}/ready")
        return self._send("GET", url, [("accept", "application/json")], None)

    def choices(self) -> Choices:
        """The targets, rules with their parameters, presets and defaults."""
        return self._ask(Choices, "GET", "/choices")

    def network(self) -> NetworkReport:
        """What the network runs, and what is done with each of its operations."""
        return self._ask(NetworkReport, "GET", "/network")

    def jets(
        self, *, offset: int = 0, limit: int = 100, sort: str | None = None, **filters: object
    ) -> JetPage:
        """One page of the list of jets; ``sort`` is a column, with "-" in front for descending.

        filters: label, and min_/max_ of index, pt, sdmass, score and n_tracks; None is no filter.
        """
        query = {"offset": offset, "limit": limit, "sort": sort, **filters}
        given = {key: value for key, value in query.items() if value is not None}
        return self._ask(JetPage, "GET", "/jets", params=given)

    def jet(self, index: int) -> JetDetail:
        """One jet with its tracks and what its features mean."""
        return self._ask(JetDetail, "GET", f"/jets/{int(index)}")

    def explain(
        self,
        index: int,
        *,
        target: str,
        rule: dict[str, Any] | str,
        dtype: str = "float32",
        top_edges: int | None = None,
    ) -> ExplanationAnswer:
        """The explanation of one jet: significances and signed sums, arrays as base64.

        top_edges  only so many edges, the most significant ones first; None for all
        """
        return self._ask(
            ExplanationAnswer,
            "POST",
            f"/jets/{int(index)}/explanation",
            json={
                "target": target,
                "rule": rule,
                "dtype": dtype,
                "edges": "summary",
                "encoding": "base64",
                **({} if top_edges is None else {"top_edges": top_edges}),
            },
        )

    def edge(
        self,
        index: int,
        edge: int,
        *,
        target: str,
        rule: dict[str, Any] | str,
        dtype: str = "float32",
    ) -> EdgeAnswer:
        """One edge of an explanation, by its number: tracks, rank, relevance by feature."""
        return self._ask(
            EdgeAnswer,
            "POST",
            f"/jets/{int(index)}/explanation/edge",
            json={"target": target, "rule": rule, "dtype": dtype, "edge": int(edge)},
        )

    def pick(self, kind: str, *, exclude: int | None = None, seed: int | None = None) -> JetRow:
        """A random jet of a kind of ``choices().picks``, other than ``exclude``."""
        query = {"kind": kind, "exclude": exclude, "seed": seed}
        given = {key: value for key, value in query.items() if value is not None}
        return self._ask(JetRow, "GET", "/jets/pick", params=given)

    def forward(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes | Iterator[bytes] | None,
    ) -> httpx.Response:
        """The answer to a request as it is, its body still to be read; the caller closes it.

        target  path and query, from /api on
        Raises ServiceError if the service does not answer.
        """
        base = httpx.URL(self.base_url)
        url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + target.encode())
        return self._send(method, url, headers, body, stream=True)

    def figure_parts(self, index: int, name: str, **query: object) -> FigureParts:
        """The figure ``name`` of a jet, "network", "heatmap" or "river", to be put together."""
        path = f"/jets/{int(index)}/figures/{name}/parts"
        return self._ask(FigureParts, "GET", path, params=query)

    def picture(self, index: int, name: str, **query: object) -> PictureAnswer:
        """A picture of a jet, as a panel shows it; query as of GET /api/v1/jets/…/pictures/…"""
        path = f"/jets/{int(index)}/pictures/{name}"
        return self._ask(PictureAnswer, "GET", path, params=query)

    def comparison(
        self, index: int, *, target: str, rule: str, pin: str, dtype: str = "float32"
    ) -> ComparisonAnswer:
        """An explanation beside another, which ``pin`` names as the page's address does."""
        query = {"target": target, "rule": rule, "pin": pin, "dtype": dtype}
        return self._ask(ComparisonAnswer, "GET", f"/jets/{int(index)}/comparison", params=query)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> ServiceClient:
        """The client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the connections."""
        self.close()

    def _request(self, method: str, path: str, **how: Any) -> httpx.Response:
        asked = self._http.build_request(method, f"{API}{path}", **how)
        return self._send(method, asked.url, asked.headers.multi_items(), asked.content)

    def _send(
        self,
        method: str,
        url: httpx.URL,
        headers: list[tuple[str, str]],
        body: bytes | Iterator[bytes] | None,
        *,
        stream: bool = False,
    ) -> httpx.Response:
        """Send a request, and once more if the connection failed and that can do no harm."""
        held = body is None or isinstance(body, bytes)
        repeatable = held and (method in ("GET", "HEAD") or bool(REPEATABLE.fullmatch(url.path)))
        extensions = {"timeout": self._http.timeout.as_dict()}
        more = list(self._headers().items())
        for last in (False, True):
            asked = httpx.Request(
                method, url, headers=[*headers, *more], content=body, extensions=extensions
            )
            try:
                answer = self._http.send(asked, stream=stream)
                return _held(answer) if stream else answer
            except httpx.TimeoutException as error:
                self._log("took too long to answer", error)
                raise ServiceError(
                    "The explaining service took too long to answer. "
                    "It may be busy with other jets: try again in a moment.",
                    code="timeout",
                    request_id=dict(more).get("X-Request-ID"),
                ) from error
            except httpx.TransportError as error:
                refused = held and isinstance(error, httpx.ConnectError)  # nothing has arrived
                if not last and (refused or repeatable):
                    time.sleep(AGAIN_SECONDS)
                    continue
                self._log("does not answer", error)
                raise ServiceError(
                    "The explaining service does not answer. Try again in a moment; where that "
                    "does not help, tell whoever runs the server.",
                    code="unreachable",
                    request_id=dict(more).get("X-Request-ID"),
                ) from error
        raise AssertionError("unreachable")

    def _log(self, what: str, error: Exception) -> None:
        logger.warning("the service at %s %s (%s)", self.base_url, what, type(error).__name__)

    def _ask(self, kind: type[Answer], method: str, path: str, **how: Any) -> Answer:
        if self._source:
            how["params"] = {**how.get("params", {}), **self._source}
        response = self._request(method, path, **how)
        if response.is_success:
            try:
                return kind.model_validate_json(response.content)
            except ValidationError as error:
                self._log(f"answered {method} {API}{path} with no {kind.__name__}", error)
                raise ServiceError(
                    f"The explaining service answered {method} {API}{path} with something other "
                    f"than {kind.__name__}. Is it a jetlrp service of the same version? Whoever "
                    "runs the server finds its address in the log.",
                    code="not_understood",
                    request_id=response.headers.get("x-request-id"),
                    status=response.status_code,
                ) from error
        raise _refusal(response, f"{method} {API}{path}")


def _held(answer: httpx.Response) -> httpx.Response:
    """A small answer with its body, as it is, so that a connection that breaks is noticed here."""
    length = answer.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > KEPT or answer.request.method == "HEAD":
        return answer
    try:
        assert isinstance(answer.stream, httpx.SyncByteStream)
        body = b"".join(answer.stream)
    finally:
        answer.close()
    answer.stream = httpx.ByteStream(body)
    return answer


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _refusal(response: httpx.Response, what: str) -> ServiceError:
    """The service's own words if there are any, otherwise the status of its answer."""
    answer = _json(response)
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict) or not error.get("message"):
        return ServiceError(
            f"The service answered {what} with status {response.status_code} and no explanation.",
            code="not_understood",
            request_id=response.headers.get("x-request-id"),
            status=response.status_code,
        )
    return ServiceError(
        str(error["message"]),
        code=str(error.get("code", "error")),
        request_id=error.get("request_id") or response.headers.get("x-request-id"),
        choices=error.get("choices"),
        status=response.status_code,
        again=_again(response),
    )


def _again(response: httpx.Response) -> int | None:
    """After how many seconds to try again, where there was too much to do."""
    given = response.headers.get("retry-after", "")
    if response.status_code not in (429, 503) or not given.isdecimal():
        return None
    return min(int(given), 600)
