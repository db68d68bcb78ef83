"""The command ``jetlrp``: explain a jet, check files, serve the page, or serve the service alone.

Whatever a person can put right is told in one line on stderr, and the exit status is then 2. What a
command needs is imported when it runs, so that ``jetlrp --help`` is quick.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.commands import figures, jets, networks, people, server
from app.output import fit_output
from lrp_core.errors import JetlrpError

WRONG = 2
INTERRUPTED = 130


class _Commands(TyperGroup):
    """Tells errors that are raised on purpose in one line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except JetlrpError as error:
            typer.echo(f"jetlrp: {error.command}", err=True)
            raise typer.Exit(WRONG) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error


cli = typer.Typer(
    name="jetlrp",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Why a graph network took a jet for what it took it: layer-wise relevance propagation.",
)


@cli.callback(invoke_without_command=True)
def start(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Print the version, if that is all."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"jetlrp {version_of('jetlrp')}")
        raise typer.Exit


cli.command()(jets.explain)
cli.command()(jets.check)
cli.command()(server.serve)
cli.command()(server.service)
cli.command()(figures.export)
cli.command("settings")(server.show_settings)
cli.command()(networks.simulate)
cli.command()(networks.train)
cli.command()(networks.evaluate)
cli.command()(networks.compare)
cli.command()(networks.report)
cli.add_typer(people.users, name="users")


def main() -> None:
    """Run the command, whatever its output can hold."""
    fit_output()
    cli()


if __name__ == "__main__":
    main()
