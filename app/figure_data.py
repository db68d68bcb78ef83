"""What a figure needs of the service: the jets that a link names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from app.client import ServiceClient, ServiceError
from app.drawing import scene_data
from app.explaining import top_edges
from lrp_core.service.schemas import ExplanationAnswer, JetDetail

HIDDEN = ("rule", "file", "model")  # in which "~" and "%" are written as %7E and %25
PIN = re.compile(  # as assets/view.js writes it
    r"(?P<jet>\d+)~(?P<target>[^~]+)~(?P<rule>[^~]+)(~(?P<file>[^~]*)~(?P<model>[^~]*))?"
)


def jets_of(client: ServiceClient, query: Mapping[str, str]) -> dict[str, Any]:
    """The jet of a link and the pinned one -> {"a": scene data, "b": scene data or None}.

    query  the keys of the page's address: jet, target, rule, pin, file, model
    Raises ServiceError if the link names no jet, or one that cannot be explained.
    """
    found = PIN.fullmatch(query.get("pin", ""))
    pinned = {key: unquote(text) if key in HIDDEN else text
              for key, text in found.groupdict().items() if text} if found else None  # fmt: skip
    return {
        "a": scene_data(*_explained(client, query)),
        "b": scene_data(*_explained(client, pinned)) if pinned else None,
    }


def subtracted(jets: Mapping[str, Any], query: Mapping[str, str]) -> str | None:
    """What is subtracted where a link asks for a difference that can be drawn; else None.

    jets  as ``jets_of`` gives them. As ``subtracted`` and ``alike`` in the page's scripts.
    """
    a, b = jets["a"], jets["b"]
    if query.get("difference") != "1" or b is None:
        return None
    if a["jet"]["jet_id"] != b["jet"]["jet_id"] or a["question"]["file"] != b["question"]["file"]:
        return None
    if a["edges"]["numbers"] is not None or b["edges"]["numbers"] is not None:
        return None
    words = [b["words"]["value"], b["question"]["rule"]]
    if a["question"]["model"] != b["question"]["model"]:
        words.append(b["question"]["model"])
    return ", ".join(words)


def query_of(link: str) -> dict[str, str]:
    """The keys of a link: of the part of the page's address from the question mark on."""
    return dict(parse_qsl(link.partition("?")[2] or link))


def _explained(
    client: ServiceClient, query: Mapping[str, str]
) -> tuple[JetDetail, ExplanationAnswer]:
    number = query.get("jet", "")
    if not number.isdecimal():
        raise ServiceError(
            f"the link names no jet: expected jet=NUMBER, found {number!r}", code="no_jet"
        )
    own = client.of(query)
    defaults = own.choices().defaults
    jet = own.jet(int(number))
    explanation = own.explain(
        jet.index,
        target=query.get("target") or defaults.target,
        rule=query.get("rule") or defaults.rule,
        top_edges=top_edges(jet),
    )
    return jet, explanation
