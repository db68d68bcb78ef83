"""Commands about jets in files: explain them, check them."""

from __future__ import annotations

from typing import Annotated

import typer

from app.columns import check_definitions, columns_of
from app.commands.options import Columns, Definitions, Files, More, Network, Padding, Tree, Weights
from lrp_core.errors import SettingsError


def explain(
    jets: More = None,
    *,
    jet: Annotated[
        int | None,
        typer.Option("--jet", help="Number of the jet, from 0.", show_default=False),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Explain all jets into one Parquet file, see --out.")
    ] = False,
    model: Network = None,
    definitions: Definitions = None,
    weights: Weights = None,
    target: Annotated[
        str | None,
        typer.Option("--target", help="hbb, qcd, margin or margin:CLASS.", show_default="margin"),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            "--rule",
            help="A rule such as 'gamma(1.0)' or 'epsilon(0.01, bias=spread)', one for each "
            "stage as in 'composite(edge_mlp.0: flat, default: gamma(0.5))', or hin-lrp.",
            show_default="gamma(1.0)",
        ),
    ] = None,
    dtype: Annotated[str, typer.Option("--dtype", help="float32 or float64.")] = "float32",
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            help="Write the explanation, as .npz or .json; with --all, of all jets as .parquet. "
            "Where --all stopped, the same command goes on.",
        ),
    ] = None,
    edges: Annotated[
        str | None,
        typer.Option(
            "--edges",
            help="With --all: summary (significance and signed sum), full (all columns too) "
            "or none.",
            show_default="summary",
        ),
    ] = None,
    first: Annotated[
        int | None,
        typer.Option("--first", help="With --all: number of the first jet.", show_default="0"),
    ] = None,
    last: Annotated[
        int | None,
        typer.Option("--last", help="With --all: number of the last jet.", show_default="the last"),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option("--batch", help="With --all: jets explained together.", show_default="128"),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    tree: Tree = None,
    column: Columns = None,
    padding: Padding = None,
) -> None:
    """Explain one jet, or all of them into one file.

    Of one: prediction, most relevant tracks and edges, and where everything went.
    """
    check_definitions(model, definitions, weights)
    if every == (jet is not None):
        raise SettingsError("give either --jet with the number of a jet, or --all")
    if jet is not None:
        if any(given is not None for given in (edges, first, last, batch)):
            raise SettingsError("--edges, --first, --last and --batch go with --all")
        from lrp_core.commands import explain as command

        command.run(
            jets or None,
            jet,
            model,
            definitions,
            weights=weights,
            target=target,
            rule=rule,
            dtype=dtype,
            out=out,
            device=device,
            tree=tree,
            columns=columns_of(column),
            padding=padding,
        )
        return
    if out is None:
        raise SettingsError("--all needs --out with the file to write, such as relevance.parquet")
    from lrp_core.commands import explain_all

    status = explain_all.run(
        jets or None,
        out,
        model,
        definitions,
        weights=weights,
        target=target,
        rule=rule,
        dtype=dtype,
        edges=edges or "summary",
        first=first or 0,
        last=last,
        jets_at_once=batch,
        device=device,
        tree=tree,
        columns=columns_of(column),
        padding=padding,
    )
    raise typer.Exit(status)


def check(files: Files, tree: Tree = None, column: Columns = None, padding: Padding = None) -> None:
    """Read everything in files of jets and list the jets that cannot be used, by reason."""
    from lrp_core.commands import check as command

    status = command.run(files, tree=tree, columns=columns_of(column), padding=padding)
    raise typer.Exit(status or 0)
