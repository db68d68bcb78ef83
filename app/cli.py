"""The command ``jetlrp``: explain a jet, check files, serve the page, or serve the service alone.

Whatever a person can put right is told in one line on stderr, and the exit status is then 2. What a
command needs is imported when it runs, so that ``jetlrp --help`` is quick.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from app.columns import check_definitions, columns_of
from lrp_core.errors import JetlrpError, SettingsError

if TYPE_CHECKING:
    from app.access.users import UserTable

WRONG = 2
INTERRUPTED = 130


class _Commands(TyperGroup):
    """Tells errors that are raised on purpose in one line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except JetlrpError as error:
            typer.echo(f"jetlrp: {error}", err=True)
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


@cli.command()
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
    target: Annotated[
        str | None,
        typer.Option("--target", help="hbb, qcd, margin or margin:CLASS.", show_default="margin"),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            "--rule",
            help="A rule such as 'gamma(1.0)' or 'epsilon(0.01, bias=spread)', or hin-lrp.",
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
) -> None:
    """Explain one jet, or all of them into one file.

    Of one: prediction, most relevant tracks and edges, and where everything went.
    """
    check_definitions(model, definitions)
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
            target=target,
            rule=rule,
            dtype=dtype,
            out=out,
            device=device,
            tree=tree,
            columns=columns_of(column),
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
    )
    raise typer.Exit(status)


@cli.command()
def check(files: Files, tree: Tree = None, column: Columns = None) -> None:
    """Read everything in files of jets and list the jets that cannot be used, by reason."""
    from lrp_core.commands import check as command

    raise typer.Exit(command.run(files, tree=tree, columns=columns_of(column)) or 0)


@cli.command()
def serve(
    jets: Jets = None,
    more: More = None,
    model: Network = None,
    definitions: Definitions = None,
    library: LibraryFolder = None,
    host: Host = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on; 0: any.", show_default="8050")
    ] = None,
    tree: Tree = None,
    column: Columns = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="URL",
            help="Use the service that runs at this address, instead of --jets and --model.",
        ),
    ] = None,
    production: Production = False,
    log_format: LogFormat = None,
    settings_file: SettingsFile = None,
) -> None:
    """Serve the page, /api/v1 and /docs on one address: http://127.0.0.1:8050."""
    from lrp_core.settings import read_settings

    settings = read_settings(
        file=settings_file,
        host=host,
        port=port,
        backend=backend,
        jets=[*(jets or []), *(more or [])] or None,
        model=model,
        definitions=definitions,
        library=library,
        tree=tree,
        column=column,
        production=production or None,
        log_format=log_format,
    )
    from app.logs import start_log

    start_log(settings)
    check_definitions(settings.model, settings.definitions)
    own = settings.jets or settings.model or settings.definitions or settings.tree
    if settings.backend is not None and own:
        raise SettingsError(
            "--backend has its own jets and network: give either --backend, or --jets and --model"
        )
    if settings.backend is not None and settings.library:
        raise SettingsError("--backend has its own library: give --library to the service")
    from app.serve import leave, serve_all, serve_page, sources_of

    status = 0
    if settings.production:
        from app.production import serve_production

        status = serve_production(sources_of(settings), settings, _say)
    elif settings.backend is not None:
        serve_page(settings.backend, settings, _say)
    else:
        serve_all(sources_of(settings), settings, _say)
    leave(status)


@cli.command()
def service(
    jets: Jets = None,
    more: More = None,
    model: Network = None,
    definitions: Definitions = None,
    library: LibraryFolder = None,
    host: Host = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on; 0: any.", show_default="8051")
    ] = None,
    tree: Tree = None,
    column: Columns = None,
    production: Production = False,
    log_format: LogFormat = None,
    settings_file: SettingsFile = None,
) -> None:
    """Serve /api/v1 and /docs alone, for pages that run elsewhere with --backend."""
    from lrp_core.settings import read_settings

    settings = read_settings(
        file=settings_file,
        host=host,
        service_port=port,
        jets=[*(jets or []), *(more or [])] or None,
        model=model,
        definitions=definitions,
        library=library,
        tree=tree,
        column=column,
        production=production or None,
        log_format=log_format,
    )
    from app.logs import start_log

    start_log(settings)
    check_definitions(settings.model, settings.definitions)
    from app.serve import leave, serve_service, sources_of

    status = 0
    if settings.production:
        from app.production import serve_service_production

        status = serve_service_production(sources_of(settings), settings, _say)
    else:
        serve_service(sources_of(settings), settings, _say)
    leave(status)


@cli.command()
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
    check_definitions(model, definitions)
    settings = read_settings(
        jets=jets or None, model=model, definitions=definitions, tree=tree, column=column
    )
    from app.logs import start_log

    start_log(settings)
    from app.export.command import run

    look = Look(preset, scale, transparent, frames)
    raise typer.Exit(run(settings, asked, formats, look, out))


@cli.command("settings")
def show_settings(settings_file: SettingsFile = None) -> None:
    """Print every setting of the server, its value in force and where that comes from."""
    import os

    from lrp_core.settings import settings_in_force, settings_table, unknown_variables

    rows = settings_table(settings_in_force(file=settings_file))
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    for name, value, origin in rows:
        typer.echo(f"{name:{widths[0]}}  {value:{widths[1]}}  {origin}")
    for unknown in unknown_variables(os.environ):
        typer.echo(f"jetlrp: there is no setting {unknown}", err=True)


users = typer.Typer(no_args_is_help=True, help="The people who may log in, with auth = users.")
cli.add_typer(users, name="users")

UsersFile = Annotated[
    str | None,
    typer.Option(
        "--file", help="The table of users.", show_default="the one that JETLRP_USERS_FILE names"
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As it is typed to log in.")]


@users.command("add")
def users_add(name: Name, file: UsersFile = None) -> None:
    """Add somebody, or change a password. It is asked for, or read from stdin."""
    from app.access.users import LONGEST_PASSWORD

    table = _users(file)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline(4 * LONGEST_PASSWORD).rstrip("\r\n")
    new = table.add(name, password)
    _say(f"{name} {'may log in' if new else 'has a new password'} ({table.path})")


@users.command("remove")
def users_remove(name: Name, file: UsersFile = None) -> None:
    """Remove somebody; whoever is logged in under the name no longer is."""
    table = _users(file)
    table.remove(name)
    _say(f"{name} may no longer log in ({table.path})")


@users.command("list")
def users_list(file: UsersFile = None) -> None:
    """List who may log in, and since when the password is the one it is."""
    table = list(_users(file))
    for user in table:
        typer.echo(f"{user.added}  {user.name}")


@cli.command()
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


@cli.command()
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
    )
    raise typer.Exit(status)


@cli.command()
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint of the network (.pth).")],
    files: Files,
    definitions: Definitions = None,
    plot: Annotated[
        str | None, typer.Option("--plot", help="Write the ROC curve to this HTML file.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", help="Threads of the CPU.")] = None,
) -> None:
    """AUC and background rejection of a network, by background class and by pT."""
    from app.roc_plot import write_roc
    from lrp_core.commands import evaluate as command

    command.run(checkpoint, files, definitions, plot=plot, draw=write_roc, threads=threads)


@cli.command()
def compare(
    first: Annotated[str, typer.Argument(help="ROOT file of jets.")],
    second: Annotated[str, typer.Argument(help="Another one.")],
) -> None:
    """How far the jets of two files are apart: medians and KS distances of every feature."""
    from lrp_core.commands import compare as command

    command.run(first, second)


def main() -> None:
    """Run the command."""
    cli()


def _users(file: str | None) -> UserTable:
    """The table of users that is meant. Raises SettingsError where none is named."""
    from app.access.users import UserTable
    from lrp_core.settings import read_settings

    named = file or read_settings().users_file
    if named is None:
        raise SettingsError("name the table of users with --file, such as --file users.json")
    return UserTable(named)


def _say(text: str) -> None:
    typer.echo(f"jetlrp: {text}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
