"""Everything that is not a success leaves in one shape, with the id of the request that met it."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lrp_core.errors import (
    FigureError,
    JetError,
    JetFileError,
    JetIndexError,
    JetlrpError,
    PropagationError,
    RuleError,
    SourceError,
    TargetError,
)
from lrp_core.service.schemas import ErrorAnswer, ErrorBody
from lrp_core.watching import ERRORS

logger = logging.getLogger("jetlrp.service")

REQUEST_ID = "X-Request-ID"
ID_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

SOURCE_FAILS = "source_fails"  # what holds a file does not give it at the moment; ask again
AGAIN = {"Retry-After": "10"}  # seconds

# Errors of this project that a request can bring about: how they are told. The first that fits.
KNOWN: tuple[tuple[type[JetlrpError], int, str], ...] = (
    (JetIndexError, 404, "unknown_jet"),
    (JetError, 422, "bad_jet"),
    (RuleError, 422, "invalid_rule"),
    (TargetError, 422, "unknown_target"),
    (FigureError, 422, "bad_figure"),
    (PropagationError, 422, "propagation_failed"),
    (SourceError, 503, SOURCE_FAILS),
    (JetFileError, 500, "jet_file_error"),
)
STATUS_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class Problem(Exception):
    """A request that is not answered with a success.

    status   HTTP status
    code     a fixed word for programs
    message  a sentence for people
    choices  what could have been asked for instead, if that can be listed
    headers  more headers for the answer
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        choices: list[str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.choices = choices
        self.headers = headers


def problem_answer(problem: Problem, request_id: str) -> Response:
    """The answer that tells a problem."""
    ERRORS.labels(problem.code).inc()
    body = ErrorBody(
        code=problem.code,
        message=problem.message,
        choices=problem.choices,
        request_id=request_id,
    )
    return Response(
        ErrorAnswer(error=body).model_dump_json(),
        status_code=problem.status,
        headers={**(problem.headers or {}), REQUEST_ID: request_id},
        media_type="application/json",
    )


def request_id_of(scope: Scope) -> str:
    """The id of a request: the caller's own if it is fit to be logged, else a new one."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        given = (
            dict(scope.get("headers", ())).get(REQUEST_ID.lower().encode(), b"").decode("latin-1")
        )
        state["request_id"] = given if ID_GIVEN.fullmatch(given) else secrets.token_hex(6)
    return str(state["request_id"])


class RequestIds:
    """Gives every request an id, and turns what nobody caught into an answer that hides the trace.

    The log holds the traceback under the same id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            logger.exception("%s %s failed, request %s", scope["method"], scope["path"], request_id)
            if started:
                raise
            problem = Problem(
                500,
                "internal_error",
                f"The service failed on this request. Its log says why, under {request_id}.",
            )
            await problem_answer(problem, request_id)(scope, receive, send_with_id)


def _validation_problem(error: RequestValidationError) -> Problem:
    """Say in one sentence what is wrong with the parameters or the body of a request."""
    problems: list[str] = []
    choices: list[str] | None = None
    for item in error.errors():
        kind, where = item["type"], [str(part) for part in item["loc"]]
        name = ".".join(where[1:]) or where[0]
        if kind == "json_invalid":
            reason = item.get("ctx", {}).get("error", "it cannot be read")
            return Problem(422, "invalid_json", f"The body of the request is not JSON: {reason}.")
        if kind == "extra_forbidden":
            problems.append(f"{name} is not known")
        elif kind == "missing":
            problems.append(f"{name} is missing")
        else:
            problems.append(f"{name}: {_lower(item['msg'])}, found {_short(item.get('input'))}")
        if kind == "literal_error" and choices is None:
            choices = re.findall(r"'([^']*)'", str(item.get("ctx", {}).get("expected", "")))
    return Problem(422, "invalid_request", f"{'; '.join(problems)}.", choices=choices)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def tell_problems(app: FastAPI) -> None:
    """Make an application answer every problem in the one shape."""

    def told(request: Request, problem: Problem) -> Response:
        return problem_answer(problem, request_id_of(request.scope))

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return told(request, error)

    async def on_jetlrp_error(request: Request, error: Exception) -> Response:
        status, code = next(
            ((status, code) for kind, status, code in KNOWN if isinstance(error, kind)),
            (500, "service_error"),
        )
        if status >= 500:
            logger.error("request %s: %s", request_id_of(request.scope), error, exc_info=error)
        headers = AGAIN if isinstance(error, SourceError) else None
        words = error.command if isinstance(error, JetlrpError) else str(error)
        return told(request, Problem(status, code, words, headers=headers))

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return told(request, _validation_problem(error))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = STATUS_CODES.get(error.status_code, "http_error")
        message = {
            404: f"There is nothing at {request.url.path}; /docs lists what there is.",
            405: f"{request.method} is not possible at {request.url.path}; /docs lists what is.",
            413: "The body of the request is too large.",
        }.get(error.status_code, str(error.detail))
        headers = dict(error.headers) if error.headers else None
        return told(request, Problem(error.status_code, code, message, headers=headers))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(JetlrpError, on_jetlrp_error)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_middleware(RequestIds)
