"""Commands about the server: serve page and service, the service alone, list the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.columns import check_definitions
from app.commands.options import (
    Columns,
    Definitions,
    Frames,
    Host,
    Jets,
    LibraryFolder,
    LogFormat,
    More,
    Network,
    Padding,
    Production,
    RootPath,
    SettingsFile,
    Tree,
    Weights,
    say,
)
from lrp_core.errors import SettingsError

if TYPE_CHECKING:
    from lrp_core.settings import Settings


def serve(
    jets: Jets = None,
    more: More = None,
    model: Network = None,
    definitions: Definitions = None,
    weights: Weights = None,
    library: LibraryFolder = None,
    host: Host = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on; 0: any.", show_default="8050")
    ] = None,
    tree: Tree = None,
    column: Columns = None,
    padding: Padding = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="URL",
            help="Use the service that runs at this address, instead of --jets and --model.",
        ),
    ] = None,
    root_path: RootPath = None,
    frame_ancestors: Frames = None,
    production: Production = False,
    log_format: LogFormat = None,
    settings_file: SettingsFile = None,
) -> None:
    """Serve the page, /api/v1 and /docs on one address: http://127.0.0.1:8050."""
    _run(
        settings_file,
        page=True,
        host=host,
        port=port,
        root_path=root_path,
        frame_ancestors=frame_ancestors,
        backend=backend,
        jets=[*(jets or []), *(more or [])] or None,
        model=model,
        definitions=definitions,
        weights=weights,
        library=library,
        tree=tree,
        column=column,
        padding=padding,
        production=production or None,
        log_format=log_format,
    )


def service(
    jets: Jets = None,
    more: More = None,
    model: Network = None,
    definitions: Definitions = None,
    weights: Weights = None,
    library: LibraryFolder = None,
    host: Host = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on; 0: any.", show_default="8051")
    ] = None,
    tree: Tree = None,
    column: Columns = None,
    padding: Padding = None,
    root_path: RootPath = None,
    production: Production = False,
    log_format: LogFormat = None,
    settings_file: SettingsFile = None,
) -> None:
    """Serve /api/v1 and /docs alone, for pages that run elsewhere with --backend."""
    _run(
        settings_file,
        page=False,
        host=host,
        service_port=port,
        root_path=root_path,
        jets=[*(jets or []), *(more or [])] or None,
        model=model,
        definitions=definitions,
        weights=weights,
        library=library,
        tree=tree,
        column=column,
        padding=padding,
        production=production or None,
        log_format=log_format,
    )


def _run(settings_file: str | None, *, page: bool, **given: Any) -> None:
    """Serve with what is given, as the settings complete it, until somebody ends it."""
    from app.processes import yield_cores_soon
    from lrp_core.settings import read_settings

    yield_cores_soon()

    def read() -> Settings:
        settings = read_settings(file=settings_file, **given)
        check_definitions(settings.model, settings.definitions, settings.weights)
        if page:
            _check_backend(settings)
        return settings

    settings = read()
    from app.logs import start_log

    start_log(settings)
    from app.serve import leave, serve_all, serve_page, serve_service, sources_of

    status = 0
    if settings.production:
        from app.production import serve_production, serve_service_production

        status = (serve_production if page else serve_service_production)(settings, read, say)
    elif not page:
        serve_service(sources_of(settings), settings, say)
    elif settings.backend is not None:
        serve_page(settings.backend, settings, say)
    else:
        serve_all(sources_of(settings), settings, say)
    leave(status)


def _check_backend(settings: Settings) -> None:
    """Refuse what would be served by nobody. Raises SettingsError."""
    chosen = settings.model or settings.definitions or settings.weights
    own = settings.jets or chosen or settings.tree
    if settings.backend is not None and own:
        raise SettingsError(
            "--backend has its own jets and network: give either --backend, or --jets and --model"
        )
    if settings.backend is not None and settings.library:
        raise SettingsError("--backend has its own library: give --library to the service")


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
