"""Whether the service runs (/health) and whether it can do its work (/ready), for machines."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response


def add_health(app: FastAPI, problem: Callable[[], str | None]) -> None:
    """Add both pages. ``problem`` says what keeps the service from its work, or None."""

    @app.get("/health", include_in_schema=False)
    async def health() -> Response:
        """That the process answers; asks nothing of anything."""
        return JSONResponse({"status": "ok"})

    @app.get("/ready", include_in_schema=False)
    def ready() -> Response:
        """503 with the reason while jets cannot be read."""
        found = problem()
        if found is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "problem": found}, 503, {"Retry-After": "5"})
