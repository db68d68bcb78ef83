"""``jetlrp report NETWORK``: what a network runs, and what is done with each of its operations."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrp_core.errors import NetworkError

if TYPE_CHECKING:
    from rich.console import Console

    from lrp_core.model import Model
    from lrp_core.tape.report import Report


def run(
    network: str | None,
    definitions: str | None = None,
    *,
    weights: str | None = None,
    as_json: bool = False,
    console: Console | None = None,
) -> Report:
    """Print the report of a network, as a text or as JSON.

    network  a checkpoint (None: the network that comes along), or FILE.py:NAME, where NAME is a
             model made by ``lrp_core.load_model`` or a function that makes one. The file is run
    Raises NetworkError where the file has no such model; errors of ``load_model``.
    """
    from rich.console import Console

    from lrp_core.checkpoint import load_model
    from lrp_core.tape.network import report_of

    path, _, name = (network or "").rpartition(":")
    if path.endswith(".py"):
        model = _model_of(Path(path), name)
    else:
        model = load_model(network, definitions, weights=weights)
    report = report_of(model)
    printed = console or Console(highlight=False, soft_wrap=True)
    printed.print(
        json.dumps(report.to_dict(), indent=2, ensure_ascii=False) if as_json else str(report),
        markup=False,
    )
    return report


def _model_of(path: Path, name: str) -> Model:
    """The model called ``name`` that a Python file makes."""
    from lrp_core.model import Model

    if not path.is_file():
        raise NetworkError(f"{path}: there is no such file; give FILE.py:NAME")
    found: dict[str, Any] = runpy.run_path(str(path))
    made = found.get(name)
    if callable(made) and not isinstance(made, Model):
        made = made()
    if not isinstance(made, Model):
        raise NetworkError(
            f"{path}: {name} is {type(made).__name__ if name in found else 'not there'}; expected "
            "a model made by lrp_core.load_model, or a function that makes one"
        )
    return made
