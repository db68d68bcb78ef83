"""One jet, one target, one rule: asks the service and fills every panel with the answer."""

from __future__ import annotations

from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State

from app import ids
from app.client import ServiceClient, ServiceError
from app.drawing import scene_data
from app.panels import compare, conservation, features, prediction, prongs, question, scene, truth

FEWEST_EDGES = 1  # that an answer can hold: pictures bring their own


def explained(
    client: ServiceClient,
    index: int | None,
    target: str,
    rule: str,
    values: list[Any],
    places: list[dict[str, str]],
) -> dict[str, Any]:
    """What each panel shows for this question; the keys are those of the callback's outputs."""
    if index is None:
        return {
            "stage": scene.state_class("empty"),
            "data": None,
            "title": scene.title(None),
            "error": [],
            "said": "",
            "prediction": prediction.waiting(),
            "conservation": conservation.waiting(),
            "ledger": [],
            "features": features.waiting(),
            "truth": None,
            "prongs": None,
        }
    wanted, empty = question.rule_wanted(rule, values, places)
    try:
        if empty:
            raise ServiceError(
                f"{' and '.join(empty)} has no value. Give a number that is possible for it.",
                code="no_value",
            )
        jet = client.jet(index)
        explanation = client.explain(index, target=target, rule=wanted, top_edges=FEWEST_EDGES)
    except ServiceError as error:
        return {
            "stage": scene.state_class("error"),
            "data": None,
            "title": scene.heading(index),
            "error": scene.failure(error, index),
            "said": f"{scene.trouble(error, index)}. {error.message}",
            "prediction": prediction.waiting(),
            "conservation": conservation.waiting(),
            "ledger": [],
            "features": features.waiting(),
            "truth": None,
            "prongs": None,
        }
    return {
        "stage": scene.state_class("ready", truth=jet.truth is not None),
        "data": scene_data(jet, explanation),
        "title": scene.title(jet),
        "error": [],
        "said": prediction.said(jet, explanation),
        "prediction": prediction.view(jet, explanation),
        "conservation": conservation.view(explanation),
        "ledger": conservation.ledger(explanation),
        "features": features.view(jet, explanation),
        "truth": truth.view(explanation),
        "prongs": prongs.view(explanation),
    }


def explained_pinned(
    client: ServiceClient, pinned: dict[str, Any] | None
) -> tuple[dict[str, Any] | None, list[Any]]:
    """The jet that stands beside the other, and what is wrong with it if anything is."""
    if pinned is None:
        return None, []
    try:
        own = client.of(pinned)
        jet = own.jet(pinned["jet"])
        explanation = own.explain(
            pinned["jet"],
            target=pinned["target"],
            rule=pinned["rule"],
            top_edges=FEWEST_EDGES,
        )
    except ServiceError as error:
        return None, compare.failure(error, pinned)
    return scene_data(jet, explanation), []


def register_callbacks(app: Dash, client: ServiceClient) -> None:
    """The address opens a jet; the jet, the target and the rule together ask for an explanation."""
    inputs = {"type": "rule-parameter", "rule": ALL, "name": ALL}
    app.clientside_callback(
        ClientsideFunction("jetlrp", "opened"),
        Output(ids.CHOSEN, "data"),
        Output(ids.TARGET, "value", allow_duplicate=True),
        Output(ids.RULE, "value", allow_duplicate=True),
        Output(inputs, "value", allow_duplicate=True),
        Output(ids.PINNED, "data"),
        Output(ids.SOURCE, "data"),
        Input(ids.ADDRESS, "search"),
        Input(ids.WANTED, "data"),
        State(ids.CHOSEN, "data"),
        State(inputs, "value"),
        State(inputs, "id"),
        State(ids.SOURCE, "data"),
        prevent_initial_call="initial_duplicate",
    )
    app.clientside_callback(
        ClientsideFunction("jetlrp", "asked"),
        Input(ids.CHOSEN, "data"),
        Input(ids.TARGET, "value"),
        Input(ids.RULE, "value"),
        Input(inputs, "value"),
        Input(ids.PINNED, "data"),
        Input(ids.SOURCE, "data"),
        State(inputs, "id"),
    )

    @app.callback(
        Output(ids.PINNED_DATA, "data"),
        Output(ids.PINNED_ERROR, "children"),
        Input(ids.PINNED, "data"),
        Input(ids.PINNED_RETRY, "n_clicks"),
        running=[(Output(ids.PINNED_BUSY, "className"), "state busy on", "state busy")],
    )
    def _explain_pinned(pinned: dict[str, Any] | None, retry: int | None) -> tuple[Any, Any]:
        del retry  # only asks again
        return explained_pinned(client, pinned)

    @app.callback(
        output={
            "stage": Output(ids.STAGE, "className"),
            "data": Output(ids.SCENE_DATA, "data"),
            "title": Output(ids.SCENE_TITLE, "children"),
            "error": Output(ids.SCENE_ERROR, "children"),
            "said": Output(ids.SAID, "children"),
            "prediction": Output(ids.PREDICTION, "children"),
            "conservation": Output(ids.CONSERVATION, "children"),
            "ledger": Output(ids.LEDGER, "children"),
            "features": Output(ids.FEATURES, "children"),
            "truth": Output(ids.TRUTH, "children"),
            "prongs": Output(ids.PRONGS, "children"),
        },
        inputs={
            "index": Input(ids.CHOSEN, "data"),
            "target": Input(ids.TARGET, "value"),
            "rule": Input(ids.RULE, "value"),
            "values": Input({"type": "rule-parameter", "rule": ALL, "name": ALL}, "value"),
            "retry": Input(ids.RETRY, "n_clicks"),
            "source": Input(ids.SOURCE, "data"),
            "places": State({"type": "rule-parameter", "rule": ALL, "name": ALL}, "id"),
        },
        running=[(Output(ids.SCENE_BUSY, "className"), "state busy on", "state busy")],
    )
    def _explain(
        index: int | None,
        target: str,
        rule: str,
        values: list[Any],
        retry: int | None,
        source: dict[str, Any] | None,
        places: list[dict[str, str]],
    ) -> Any:
        del retry  # only asks again
        own = client.of(source)
        return explained(own, index, target, rule, values, places)
