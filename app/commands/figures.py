"""The command that writes figures."""

from __future__ import annotations

from typing import Annotated

import typer

from app.columns import check_definitions
from app.commands.options import Columns, Definitions, More, Network, Padding, Tree, Weights
from lrp_core.errors import SettingsError


def export(
    jets: More = None,
    *,
    jet: Annotated[
        list[str] | None,
        typer.Option(
            "--jet", help="Numbers of jets: 12, 1,5,9 or 3-7; repeatable.", show_default=False
        ),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option("--link", help="A link copied from the page: the figure as it is there."),
    ] = None,
    view: Annotated[
        list[str] | None,
        typer.Option(
            "--view", help="network, heatmap, river or all; repeatable.", show_default="network"
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option("--format", help="One or more of png, svg, pdf, html, mp4, gif and pptx."),
    ] = "png",
    preset: Annotated[
        str, typer.Option("--preset", help="slide, square, portrait, paper or poster.")
    ] = "slide",
    scale: Annotated[
        int, typer.Option("--scale", help="Of a PNG, 1 to 4; at 2 a slide has 3840 × 2160 pixels.")
    ] = 2,
    transparent: Annotated[bool, typer.Option("--transparent", help="No background.")] = False,
    theme: Annotated[
        str | None,
        typer.Option(
            "--theme",
            help="light or dark.",
            show_default="that of the link; else light for paper and poster, dark for the others",
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option("--camera", help="Nine numbers as in a link: eye, centre and up, each x,y,z."),
    ] = None,
    frames: Annotated[
        int, typer.Option("--frames", help="Of one turn, in mp4 and gif; 60 or more.")
    ] = 96,
    model: Network = None,
    definitions: Definitions = None,
    weights: Weights = None,
    target: Annotated[
        str | None,
        typer.Option("--target", help="hbb, qcd, margin or margin:CLASS.", show_default="margin"),
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--rule", help="As for explain.", show_default="gamma(1.0)")
    ] = None,
    out: Annotated[str, typer.Option("--out", help="Folder to write the files to.")],
    tree: Tree = None,
    column: Columns = None,
    padding: Padding = None,
) -> None:
    """Write figures of jets as the page shows them: network plot, heat map, river."""
    from app.export.asked import Look, figures, formats_of
    from lrp_core.figures.presets import PRESETS
    from lrp_core.settings import read_settings

    formats = formats_of(form)
    if theme is not None and theme not in ("light", "dark"):
        raise SettingsError(f"--theme: expected light or dark, found {theme!r}")
    asked = figures(
        jet or [],
        view or ["network"],
        link=link,
        preset=preset if preset in PRESETS else "slide",
        theme=theme,
        camera=camera,
        target=target,
        rule=rule,
    )
    check_definitions(model, definitions, weights)
    settings = read_settings(
        jets=jets or None,
        model=model,
        definitions=definitions,
        weights=weights,
        tree=tree,
        column=column,
        padding=padding,
    )
    from app.logs import start_log

    start_log(settings)
    from app.export.command import run

    look = Look(preset, scale, transparent, frames)
    raise typer.Exit(run(settings, asked, formats, look, out))
