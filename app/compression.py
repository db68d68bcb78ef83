"""Answers travel compressed: the page's scripts shrink to about a fifth.

With Brotli for browsers that take it, which those do that came by TLS or from their own machine;
else with gzip. What never changes is packed as tightly as takes less than a second, once in a
process, and kept.
"""

from __future__ import annotations

import gzip
from threading import Lock

import brotli
from flask import Flask, Response, request

TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")
SMALLEST = 1_000  # bytes; below, compressing costs more than it saves
LASTING = 86_400  # seconds; what a browser may keep for longer never changes
KEPT = 64  # compressed files held in memory, those that never change
TIGHT = {"br": 10, "gzip": 9}  # of files that are kept; Brotli's 11 takes twice as long for 1 %
QUICK = {"br": 4, "gzip": 5}  # of answers that are made anew each time

_kept: dict[tuple[str, str], bytes] = {}
_lock = Lock()


def compress_answers(server: Flask) -> None:
    """Compress text answers for browsers that take it; keep the scripts that never change."""

    @server.after_request
    def _compress(response: Response) -> Response:
        coding = _coding(request.headers.get("Accept-Encoding", ""))
        if (
            coding is None
            or response.status_code != 200
            or "Content-Encoding" in response.headers
            or "Content-Range" in response.headers
            or not (response.content_type or "").startswith(TEXT)
        ):
            return response
        response.headers.add("Vary", "Accept-Encoding")
        etag = response.headers.get("ETag")
        lasting = etag or (response.cache_control.max_age or 0) > LASTING
        name = (coding, f"{request.full_path} {etag}") if lasting else None
        with _lock:
            packed = _kept.get(name) if name else None
        response.direct_passthrough = False
        if packed is None:
            data = response.get_data()
            if len(data) < SMALLEST:
                return response
            packed = _pack(data, coding, (TIGHT if name else QUICK)[coding])
            if name:
                with _lock:
                    while len(_kept) >= KEPT:
                        del _kept[next(iter(_kept))]
                    _kept[name] = packed
        elif hasattr(response.response, "close"):
            response.response.close()  # a file that need not be read again
        response.set_data(packed)
        response.headers["Content-Encoding"] = coding
        if etag and not etag.startswith("W/"):
            response.headers["ETag"] = f"W/{etag}"
        return response


def _coding(accepted: str) -> str | None:
    """The better of the codings that a browser takes; None where it takes neither."""
    offers = {offer.split(";")[0].strip(): offer.replace(" ", "") for offer in accepted.split(",")}
    for coding in ("br", "gzip"):
        if coding in offers and not offers[coding].endswith((";q=0", ";q=0.0")):
            return coding
    return None


def _pack(data: bytes, coding: str, level: int) -> bytes:
    if coding == "br":
        return bytes(brotli.compress(data, mode=brotli.MODE_TEXT, quality=level))
    return gzip.compress(data, level)
