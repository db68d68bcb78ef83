"""Headers that browsers obey: what a page may load, and who may show it.

Scripts come from this server alone; those within a page are named by their hash. Styles may also
stand within a page: the table of jets and the plots bring theirs so.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

YEAR_SECONDS = 31_536_000
NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
DENIED = "frame-ancestors 'none'"

ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    ),
    ("Content-Security-Policy", NOTHING),  # where the answer has none of its own
)


def policy(
    scripts: Iterable[str] = (), *, more: Iterable[str] = (), frames: Sequence[str] = ()
) -> str:
    """What a page of this server may load, and who may show it.

    scripts  hashes of those that stand within it
    frames   origins whose pages may have it in a frame
    """
    rules = [
        "default-src 'none'",
        " ".join(["script-src 'self'", *(f"'{found}'" for found in scripts)]),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "media-src 'self' blob:",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        *more,
    ]
    return framed("; ".join(rules), frames)


def hash_of(script: str) -> str:
    """The hash by which a policy names a script: all between its tags."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def framed(rules: str, frames: Sequence[str]) -> str:
    """A policy that lets some origins' pages have the answer in a frame."""
    return rules.replace(DENIED, f"frame-ancestors {' '.join(frames)}") if frames else rules


def for_answer(
    *, tls: bool, trustworthy: bool, frames: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """The headers of an answer that does not have them.

    tls          whether the browser came by TLS
    trustworthy  whether it came by TLS or from this machine: else browsers complain of some headers
    frames       origins whose pages may have it in a frame; X-Frame-Options cannot name them
    """
    headers = [
        (name, framed(value, frames))
        for name, value in ALWAYS
        if not (frames and name == "X-Frame-Options")
    ]
    if trustworthy:
        headers.append(("Cross-Origin-Opener-Policy", "same-origin"))
    if tls:
        headers.append(("Strict-Transport-Security", f"max-age={YEAR_SECONDS}"))
    return headers
