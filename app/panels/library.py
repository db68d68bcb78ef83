"""Choosing a file of jets and a network: two buttons in the bar, each with a list to search.

The lists are asked for when one is opened and drawn by assets/page/library.js; uploads.js beside it
brings files to the server where that is switched on. Where there is only one file and one network
nothing of this is on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from app import ids
from app.client import ServiceClient, ServiceError
from app.controls import data, label
from lrp_core.figures.numbers import label_text, number, plural, thousands, with_labels
from lrp_core.service.schemas import Choices, Health, Library, LibraryFile, LibraryModel

KINDS = {"files": "Files of jets", "models": "Networks"}
ICONS = {"files": "file", "models": "network"}
MOST_NAMED = 4  # columns that a reason lists
HASH_LETTERS = 8
UNITS = ("B", "kB", "MB", "GB", "TB")


def source(health: Health) -> dict[str, str] | None:
    """The file and the network at first, None where there are no others."""
    if not health.is_choice:
        return None
    return {"file": health.jets.name, "model": health.model.name}


def pickers(health: Health) -> list[Component]:
    """The two buttons; none where there is nothing to choose."""
    if not health.is_choice:
        return []
    facts = _facts(health)
    return [_picker(kind, facts[kind]) for kind in KINDS]


def popovers(health: Health) -> list[Component]:
    """What the two buttons open."""
    if not health.is_choice:
        return []
    return [
        html.Div(
            [
                html.Div(id=f"library-{kind}-search", className="library-search"),
                html.Div(
                    id=f"library-{kind}-list",
                    className="library-list",
                    role="group",
                    **label(title),
                ),
                html.P(className="library-note hint", role="status"),
                *(
                    [html.Div(className="library-uploads", **data(uploads=kind))]
                    if health.library.uploads
                    else []
                ),
            ],
            id=f"library-{kind}",
            className="popover library",
            role="dialog",
            **label(title),
        )
        for kind, title in KINDS.items()
    ]


def _picker(kind: str, facts: Mapping[str, str]) -> Component:
    return html.Button(
        [
            html.Span(className="icon", **data(icon=ICONS[kind])),
            html.B(facts["name"], **data(says="name")),
            html.Span(facts["what"], className="muted", **data(says="what")),
            html.Span(className="icon chevron", **data(icon="down")),
        ],
        id=f"library-{kind}-button",
        type="button",
        className="picker",
        title=facts["tip"],
        **data(opens=f"library-{kind}"),
    )


def _facts(health: Health) -> dict[str, dict[str, str]]:
    """What the two buttons say."""
    model = health.model
    return {
        "files": {
            "name": health.jets.name,
            "what": plural(health.jets.n_jets, "jet"),
            "tip": f"{health.jets.name}: choose a file of jets",
        },
        "models": {
            "name": model.name,
            "what": f"{model.n_columns} inputs",
            "tip": f"{model.name}: choose a network\nSHA-256 {model.checkpoint_hash}",
        },
    }


def size(n_bytes: int | None) -> str:
    """A size as people say it: "45 MB"."""
    if n_bytes is None:
        return ""
    value, unit = float(n_bytes), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{number(value, 1 if unit and value < 9.95 else 0)} {UNITS[unit]}"


def rows(library: Library, source: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the two lists show, as assets/page/library.js draws it.

    Each row has its name, words, whether it goes with what is chosen of the other kind, and else
    what of the other kind it goes with ("instead").
    """
    now = source or {"file": library.file, "model": library.model}
    file = next((one for one in library.files if one.name == now.get("file")), None)
    model = next((one for one in library.models if one.name == now.get("model")), None)
    return {
        "files": [_file_row(one, model, library.models) for one in library.files],
        "models": [_model_row(one, file, library.files) for one in library.models],
        "pending": any(one.pending for one in library.files)
        or any(one.pending for one in library.models),
    }


def _file_row(
    file: LibraryFile, model: LibraryModel | None, models: list[LibraryModel]
) -> dict[str, Any]:
    of_model = next((one.auc for one in file.auc if model and one.model == model.name), None)
    words = [
        plural(file.n_jets, "jet") if file.n_jets is not None else "",
        size(file.n_bytes),
        plural(len(file.columns), "feature") if file.columns else "",
        ", ".join(label_text(one) for one in file.labels),
    ]
    lacks = lacking(model, file)
    instead = next((one.name for one in models if _goes(one, file)), None) if lacks else None
    return {
        **_common(file, words, lacks, instead),
        "figure": "" if of_model is None else f"AUC {number(of_model, 3)}",
        "note": f"{model.name} needs {lacks}" if model and lacks else "",
        "n_jets": file.n_jets,
    }


def _model_row(
    model: LibraryModel, file: LibraryFile | None, files: list[LibraryFile]
) -> dict[str, Any]:
    areas = {one.model: one.auc for one in file.auc} if file else {}
    words = [
        f"{len(model.columns)} inputs" if model.columns else "",
        f"{thousands(model.n_parameters)} weights" if model.n_parameters is not None else "",
        ", ".join(label_text(one) for one in model.classes),
        (model.checkpoint_hash or "")[:HASH_LETTERS],
    ]
    lacks = lacking(model, file)
    instead = next((one.name for one in files if _goes(model, one)), None) if lacks else None
    area = areas.get(model.name)
    return {
        **_common(model, words, lacks, instead),
        "figure": "" if area is None else f"AUC {number(area, 3)}",
        "note": f"needs {lacks}, which {file.name} does not have" if file and lacks else "",
        "targets": model.targets,
    }


def _common(
    one: LibraryFile | LibraryModel, words: list[str], lacks: str, instead: str | None
) -> dict[str, Any]:
    return {
        "name": one.name,
        "origin": one.origin,
        "words": [each for each in words if each],
        "problem": one.problem,
        "pending": one.pending,
        "expires": one.expires,
        "fits": not lacks,
        "instead": instead,
    }


def _goes(model: LibraryModel, file: LibraryFile) -> bool:
    usable = not (model.problem or model.pending or file.problem or file.pending)
    return usable and not lacking(model, file)


def lacking(model: LibraryModel | None, file: LibraryFile | None) -> str:
    """The columns that the network reads and the file does not have, in words; "" for none."""
    if model is None or file is None or not model.columns or not file.columns:
        return ""
    missing = [name for name in dict.fromkeys(model.columns) if name not in file.columns]
    more = len(missing) - MOST_NAMED
    return ", ".join(missing[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def facts(
    client: ServiceClient, choices: Callable[..., Choices], source: dict[str, Any] | None
) -> Any:
    """What is known of the file and the network that were chosen, for assets/page/library.js."""
    if source is None:
        return no_update
    try:
        health = client.of(source).health()
        targets = choices(source).targets
    except ServiceError as error:
        return {"source": source, "error": error.message}
    return {
        "source": source,
        **_facts(health),
        "targets": [
            [each.name, with_labels(each.title), with_labels(each.summary)] for each in targets
        ],
    }


def register_callbacks(app: Dash, client: ServiceClient, choices: Callable[..., Choices]) -> None:
    """The lists when they are opened, and what is known of what was chosen."""

    @app.callback(
        Output(ids.LIBRARY_DATA, "data"),
        Input(ids.LIBRARY_ASKED, "data"),
        State(ids.SOURCE, "data"),
        prevent_initial_call=True,
    )
    def _list(_: Any, source: dict[str, Any] | None) -> dict[str, Any]:
        try:
            return rows(client.library(), source)
        except ServiceError as error:
            return {"files": [], "models": [], "pending": False, "error": error.message}

    @app.callback(
        Output(ids.SOURCE_FACTS, "data"),
        Output(ids.HEARTBEAT, "disabled", allow_duplicate=True),
        Input(ids.SOURCE, "data"),
        prevent_initial_call=True,
    )
    def _known(source: dict[str, Any] | None) -> tuple[Any, Any]:
        return facts(client, choices, source), no_update if source is None else False

    app.clientside_callback(
        ClientsideFunction("jetlrp_library", "listed"),
        Input(ids.LIBRARY_DATA, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("jetlrp_library", "known"),
        Input(ids.SOURCE_FACTS, "data"),
        prevent_initial_call=True,
    )
