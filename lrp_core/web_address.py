"""Parts of web addresses that settings and proxies tell: paths and origins, spelled in one way."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

PLAIN = "~!$()*+=:@,"  # may stand in a path as they are, beside letters, digits and . _ -
SEGMENT = re.compile(rf"[\w.{re.escape(PLAIN)}-]+")
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
SELF = "'self'"


def path_below(text: str) -> str:
    """The path below which a server is, as "/jets/of/anna": percent-encoded, no slash at its end.

    text  "/jetlrp/", "/jetlrp" or "jetlrp"; "" and "/" are the top, which is ""
    Raises ValueError if it is no such path.
    """
    expected = "expected a path such as /jetlrp/, without a host, a query, dots or empty parts"
    bare = text.strip()
    if bare in ("", "/"):
        return ""
    segments = bare.removeprefix("/").removesuffix("/").split("/")
    parts = [unquote(segment) for segment in segments]
    if any(part in (".", "..") or not SEGMENT.fullmatch(part) for part in parts):
        raise ValueError(expected)
    if ":" in segments[0] and not bare.startswith("/"):
        raise ValueError(expected)
    return written("/" + "/".join(parts))


def written(path: str) -> str:
    """A path as it stands in an address."""
    return quote(path, safe=f"/{PLAIN}")


def origin(text: str) -> str:
    """An origin as browsers compare it, "https://wiki.example.org:8443", or "'self'".

    Raises ValueError if it is none; "*" is none either, since it would mean every site there is.
    """
    bare = text.strip()
    if bare.strip("'\"").lower() == "self":
        return SELF
    expected = "expected an origin such as https://wiki.example.org or https://lab:8443, or 'self'"
    if "*" in bare:
        raise ValueError(f"{bare}: * stands for sites that are not named; {expected}")
    try:
        parts = urlsplit(bare)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{bare}: {error}; {expected}") from error
    host = parts.hostname or ""
    beyond = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or beyond or not HOST.fullmatch(host):
        raise ValueError(f"{bare}: {expected}")
    return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")
