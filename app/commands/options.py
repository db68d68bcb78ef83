"""Options that several commands have, and how a command says something."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

Files = Annotated[
    list[str], typer.Argument(metavar="FILES", help="ROOT files of jets, or patterns of them.")
]
More = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILES]",
        help="Files of jets; else the simulated ones that come along.",
        show_default=False,
    ),
]
Jets = Annotated[
    list[str] | None,
    typer.Option(
        "--jets",
        help="ROOT file of jets, or a pattern such as 'data/*.root'; repeatable. "
        "Without it, the simulated jets that come along.",
    ),
]
Network = Annotated[
    str | None,
    typer.Option(
        "--model", help="Checkpoint of the network (.pth); else the one that comes along."
    ),
]
Definitions = Annotated[
    str | None,
    typer.Option(
        "--definitions",
        help="YAML file naming the network's columns; else definitions.yml beside the checkpoint.",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="KEY",
        help="Which network, where the checkpoint holds several, such as ema_state_dict.",
    ),
]
Tree = Annotated[
    str | None, typer.Option("--tree", help="Name of the TTree, where it is not found by itself.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="STANDARD=BRANCH",
        help="Branch that holds a standard column, such as fj_pt=jet_pt; repeatable.",
    ),
]
Padding = Annotated[
    str | None,
    typer.Option(
        "--padding",
        metavar="VALUE",
        help="What lists of tracks were filled up with to one length: zeros, nan, or a number such "
        "as -999. Such rows are left out; without it they are refused. keep: they are tracks.",
    ),
]
LibraryFolder = Annotated[
    str | None,
    typer.Option(
        "--library",
        metavar="DIR",
        help="Folder of files of jets and checkpoints; people choose from it in the page.",
    ),
]
Host = Annotated[
    str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")
]
RootPath = Annotated[
    str | None,
    typer.Option(
        "--root-path",
        metavar="PATH",
        help="Path below which a proxy serves this, such as /jetlrp/; kept or taken away by it.",
        show_default="/",
    ),
]
Frames = Annotated[
    list[str] | None,
    typer.Option(
        "--frame-ancestors",
        metavar="ORIGIN",
        help="Origin whose pages may show the page in a frame, such as https://wiki.example.org, "
        "or self; repeatable.",
    ),
]
Production = Annotated[
    bool,
    typer.Option(
        "--production", help="For many people: several processes, watched and replaced by one."
    ),
]
LogFormat = Annotated[
    str | None,
    typer.Option("--log-format", help="Lines of the log: text or json.", show_default="text"),
]
SettingsFile = Annotated[
    str | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="TOML file of settings; else the one that JETLRP_SETTINGS names. "
        "`jetlrp settings` lists them.",
    ),
]


def say(text: str) -> None:
    """Tell how it goes, on stdout."""
    typer.echo(f"jetlrp: {text}")
    sys.stdout.flush()
