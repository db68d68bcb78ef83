"""Answers travel compressed: the page's scripts shrink to about a quarter."""

from __future__ import annotations

import gzip
from threading import Lock

from flask import Flask, Response, request

TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")
SMALLEST = 1_000  # bytes; below, compressing costs more than it saves
KEPT = 64  # compressed files held in memory, those that never change


def compress_answers(server: Flask) -> None:
    """Compress text answers for browsers that take gzip; keep the scripts that never change."""
    kept: dict[str, bytes] = {}
    lock = Lock()

    @server.after_request
    def _compress(response: Response) -> Response:
        if (
            response.status_code != 200
            or "Content-Encoding" in response.headers
            or "Content-Range" in response.headers
            or not (response.content_type or "").startswith(TEXT)
            or "gzip" not in request.headers.get("Accept-Encoding", "")
        ):
            return response
        response.headers.add("Vary", "Accept-Encoding")
        etag = response.headers.get("ETag")
        name = f"{request.full_path} {etag}" if etag else None
        with lock:
            packed = kept.get(name) if name else None
        response.direct_passthrough = False
        if packed is None:
            data = response.get_data()
            if len(data) < SMALLEST:
                return response
            packed = gzip.compress(data, 9 if name else 5)
            if name:
                with lock:
                    if len(kept) < KEPT:
                        kept[name] = packed
        elif hasattr(response.response, "close"):
            response.response.close()  # a file that need not be read again
        response.set_data(packed)
        response.headers["Content-Encoding"] = "gzip"
        if etag and not etag.startswith("W/"):
            response.headers["ETag"] = f"W/{etag}"
        return response
