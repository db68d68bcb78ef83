"""Who asks: the name that the dashboard gives with a request, or nobody in particular."""

from __future__ import annotations

from fastapi import Request

NOBODY = ""  # where people do not log in, all of them are one


def person_of(request: Request) -> str:
    """The name of who asks, as whoever lets people in has noted it; NOBODY without that."""
    return str(getattr(request.state, "user", None) or NOBODY)
