"""What a figure needs of the service: the jets that a link names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from app.client import ServiceClient, ServiceError
from app.drawing import scene_data
from app.explaining import FEWEST_EDGES
from lrp_core.errors import FigureError
from lrp_core.figures import View
from lrp_core.service.schemas import ExplanationAnswer, JetDetail

QUESTION = ("jet", "target", "rule", "file", "model")


def jets_of(client: ServiceClient, query: Mapping[str, str]) -> dict[str, Any]:
    """The jet of a link and the pinned one -> {"a": scene data, "b": scene data or None}.

    query  the keys of the page's address: jet, target, rule, pin, file, model
    Raises ServiceError if the link names no jet, or one that cannot be explained, or pins none.
    """
    pinned = _pinned(query.get("pin"))
    return {
        "a": scene_data(*_explained(client, query)),
        "b": scene_data(*_explained(client, pinned)) if pinned else None,
    }


def _pinned(pin: str | None) -> dict[str, str] | None:
    """The keys of the question that is pinned."""
    if pin is None:
        return None
    try:
        view = View.from_link(f"?{urlencode({'pin': pin})}").pinned
    except FigureError as error:
        raise ServiceError(str(error), code="bad_figure") from error
    return {key: str(value) for key in QUESTION if (value := getattr(view, key)) is not None}


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
        top_edges=FEWEST_EDGES,
    )
    return jet, explanation
