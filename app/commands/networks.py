"""Commands about samples and networks: make jets, train, evaluate, compare, report."""

from __future__ import annotations

from typing import Annotated

import typer

from app.columns import columns_of
from app.commands.options import Columns, Definitions, Files, Padding, Tree, Weights


def simulate(
    signal: Annotated[int, typer.Option("--signal", help="Jets of H→bb to write.")],
    background: Annotated[int, typer.Option("--background", help="Jets of QCD to write.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same jets.")],
    out: Annotated[str, typer.Option("--out", help="ROOT file to write.")],
    processes: Annotated[
        int, typer.Option("--processes", help="Processes that make jets at the same time.")
    ] = 1,
) -> None:
    """Make jets: Pythia 8 with a parametrised CMS-like tracker (extra 'simulate')."""
    from lrp_core.commands import simulate as command

    raise typer.Exit(command.run(signal, background, seed, out, processes))


def train(
    files: Files,
    out: Annotated[str, typer.Option("--out", help="Checkpoint to write (.pth).")],
    epochs: Annotated[int, typer.Option("--epochs", help="Epochs at most.")] = 8,
    patience: Annotated[
        int, typer.Option("--patience", help="Epochs without getting better before it stops.")
    ] = 3,
    seed: Annotated[int, typer.Option("--seed", help="Of weights, split and order.")] = 0,
    batch_jets: Annotated[int, typer.Option("--batch-jets", help="Jets per step.")] = 64,
    learning_rate: Annotated[float, typer.Option("--learning-rate")] = 2e-3,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of the CPU.")] = None,
    tree: Tree = None,
    column: Columns = None,
    padding: Padding = None,
) -> None:
    """Train the interaction network on files of labelled jets; run it again to go on."""
    from lrp_core.commands import train as command

    status = command.run(
        files,
        out,
        epochs=epochs,
        patience=patience,
        seed=seed,
        batch_jets=batch_jets,
        learning_rate=learning_rate,
        device=device,
        threads=threads,
        tree=tree,
        columns=columns_of(column),
        padding=padding,
    )
    raise typer.Exit(status)


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint of the network (.pth).")],
    files: Files,
    definitions: Definitions = None,
    weights: Weights = None,
    plot: Annotated[
        str | None, typer.Option("--plot", help="Write the ROC curve to this HTML file.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of the CPU.")] = None,
    tree: Tree = None,
    column: Columns = None,
    padding: Padding = None,
) -> None:
    """AUC and background rejection of a network, by background class and by pT."""
    from app.roc_plot import write_roc
    from lrp_core.commands import evaluate as command

    command.run(
        checkpoint,
        files,
        definitions,
        weights=weights,
        plot=plot,
        draw=write_roc,
        threads=threads,
        tree=tree,
        columns=columns_of(column),
        padding=padding,
    )


def compare(
    first: Annotated[str, typer.Argument(help="File of jets.")],
    second: Annotated[str, typer.Argument(help="Another one.")],
    tree: Tree = None,
    column: Columns = None,
    padding: Padding = None,
) -> None:
    """How far the jets of two files are apart: medians and KS distances of every feature.

    --tree and --column may be for one of the files alone.
    """
    from lrp_core.commands import compare as command

    command.run(first, second, tree=tree, columns=columns_of(column), padding=padding)


def report(
    network: Annotated[
        str | None,
        typer.Argument(
            help="A checkpoint (.pth), or FILE.py:NAME: a model that the Python file makes, which "
            "is run. Without it, the bundled network.",
            show_default=False,
        ),
    ] = None,
    definitions: Definitions = None,
    weights: Weights = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """What a network runs, the rule of each operation, and where it passes messages."""
    from lrp_core.commands import report as command

    command.run(network, definitions, weights=weights, as_json=as_json)
