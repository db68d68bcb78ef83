"""The only way from the page to the service: httpx over /api/v1.

Answers come as the service's own models. Whatever goes wrong is one exception, ServiceError, which
says in words what happened and carries the service's request id, so that the page can show both.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from lrp_core.errors import JetlrpError
from lrp_core.service.schemas import (
    Choices,
    EdgeAnswer,
    ExplanationAnswer,
    Health,
    JetDetail,
    JetPage,
    JetRow,
)

Answer = TypeVar("Answer", bound=BaseModel)

API = "/api/v1"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 120.0


class ServiceError(JetlrpError):
    """The service did not do what it was asked to.

    message     what happened, in words for the person in front of the page
    code        the service's name for it, or "unreachable" | "timeout" | "not_understood"
    request_id  the service's number of the request, or None if it never answered
    choices     what could have been asked for instead, or None
    status      the HTTP status, or None if there was no answer
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        request_id: str | None = None,
        choices: list[str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id
        self.choices = choices
        self.status = status

    @property
    def away(self) -> bool:
        """Whether the service is not there at all, so that trying again may help."""
        return self.code in ("unreachable", "timeout")


class ServiceClient:
    """Asks the service for jets and explanations.

    transport takes the place of the network: httpx.MockTransport in tests, or an in-process one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout: float = ANSWER_SECONDS,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.base_url,
            transport=transport,
            timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
            headers={"accept": "application/json"},
            trust_env=False,
        )

    def health(self) -> Health:
        """What is being served: version, jets, model, and how many scores are computed."""
        return self._ask(Health, "GET", "/health")

    def choices(self) -> Choices:
        """The targets, rules with their parameters, presets and defaults."""
        return self._ask(Choices, "GET", "/choices")

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

    def file(self, index: int, name: str, query: Mapping[str, str]) -> httpx.Response:
        """A file of an explanation as the service sends it, its refusals too.

        name  "explanation.json" | "explanation.npz" | "explanation/tracks.csv" | "…/edges.csv"
        Raises ServiceError if the service does not answer.
        """
        return self._request("GET", f"/jets/{int(index)}/{name}", params=dict(query))

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
        try:
            return self._http.request(method, f"{API}{path}", **how)
        except httpx.TimeoutException as error:
            raise ServiceError(
                f"The service at {self.base_url} took too long to answer. "
                "It may be busy with other jets: try again in a moment.",
                code="timeout",
            ) from error
        except httpx.TransportError as error:
            raise ServiceError(
                f"The service at {self.base_url} does not answer. "
                "Check that it is running, then try again.",
                code="unreachable",
            ) from error

    def _ask(self, kind: type[Answer], method: str, path: str, **how: Any) -> Answer:
        response = self._request(method, path, **how)
        if response.is_success:
            try:
                return kind.model_validate_json(response.content)
            except ValidationError as error:
                raise ServiceError(
                    f"The service at {self.base_url} answered {method} {API}{path} with something "
                    f"other than {kind.__name__}. Is this the address of a jetlrp service of "
                    "the same version?",
                    code="not_understood",
                    request_id=response.headers.get("x-request-id"),
                    status=response.status_code,
                ) from error
        raise _refusal(response, f"{method} {API}{path}")


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
    )
