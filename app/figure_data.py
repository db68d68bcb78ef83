"""What a figure needs of the service: the jets that a link names, and where they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.client import ServiceClient, ServiceError
from app.drawing import scene_data
from app.explaining import top_edges
from lrp_core.service.schemas import ExplanationAnswer, JetDetail

HASH_LETTERS = 8  # of a checkpoint's hash, where a person reads it
LONGEST_NAME = 120
VIEWS = {"network": "3D network plot", "heatmap": "heat map", "river": "river"}


def jets_of(client: ServiceClient, query: Mapping[str, str]) -> dict[str, Any]:
    """The jet of a link and the pinned one -> {"a": scene data, "b": scene data or None}.

    query  the keys of the page's address: jet, target, rule, pin
    Raises ServiceError if the link names no jet, or one that cannot be explained.
    """
    pinned = re.fullmatch(r"(\d+)~([^~]+)~(.+)", query.get("pin", ""))
    return {
        "a": scene_data(*_explained(client, query)),
        "b": scene_data(
            *_explained(client, {"jet": pinned[1], "target": pinned[2], "rule": pinned[3]})
        )
        if pinned
        else None,
    }


def provenance(client: ServiceClient, query: Mapping[str, str]) -> dict[str, Any]:
    """Where a figure comes from -> {"name", "caption", "metadata": {key: text}}.

    query  jet, target and rule, the view, and the link: the address without its host, so that
           every server writes the same
    """
    health = client.health()
    jet, explanation = _explained(client, query)
    view = VIEWS.get(query.get("view", ""), "figure")
    error = explanation.conservation_error
    facts = {
        "jetlrp": health.version,
        "jet": jet.jet_id,
        "network": f"{health.model.name}, SHA-256 {health.model.checkpoint_hash}",
        "target": explanation.target,
        "rule": explanation.rule_text,
        "conservation error": "unknown" if error is None else f"{error:.1e}",
        "link": query.get("link", ""),
    }
    short = health.model.checkpoint_hash[:HASH_LETTERS]
    caption = " · ".join(
        [
            f"jetlrp {health.version}",
            jet.jet_id,
            f"{health.model.name} {short}",
            f"target {explanation.target}",
            f"rule {explanation.rule_text}",
            f"conservation error {facts['conservation error']}",
        ]
    )
    stem = re.sub(r"\.root$", "", jet.jet_id.rpartition(":")[0] or health.jets.name)
    parts = [stem, f"jet{jet.index}", view.replace(" ", "-"), explanation.target]
    parts += [explanation.rule_text.replace("(", "-", 1), short]
    name = "_".join(re.sub(r"[^A-Za-z0-9.+-]+", "-", part).strip("-.") for part in parts)
    return {
        "name": name[:LONGEST_NAME],
        "caption": caption,
        "metadata": {
            "Title": f"Jet {jet.index}: {view}",
            "Software": f"jetlrp {health.version}",
            "Description": caption,
            **facts,
        },
    }


def _explained(
    client: ServiceClient, query: Mapping[str, str]
) -> tuple[JetDetail, ExplanationAnswer]:
    number = query.get("jet", "")
    if not number.isdecimal():
        raise ServiceError(
            f"the link names no jet: expected jet=NUMBER, found {number!r}", code="no_jet"
        )
    defaults = client.choices().defaults
    jet = client.jet(int(number))
    explanation = client.explain(
        jet.index,
        target=query.get("target") or defaults.target,
        rule=query.get("rule") or defaults.rule,
        top_edges=top_edges(jet),
    )
    return jet, explanation
