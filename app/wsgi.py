"""The page for a WSGI server such as gunicorn, with a service that runs elsewhere.

    jetlrp service --jets JETS.root --model MODEL.pth
    export JETLRP_BACKEND=http://127.0.0.1:8051
    gunicorn -c python:app.gunicorn_page "app.wsgi:create_server()"

`jetlrp serve --production` runs the same. The threads let the page answer while others wait for
their explanations.
"""

from __future__ import annotations

from flask import Flask

from app.access.below import Below, strip_paths
from app.access.doors import believe_door, stand_before
from app.access.gate import Gate
from app.client import ServiceClient, read_address
from app.main import create_app
from app.visit import headers_of_visit
from lrp_core.errors import SettingsError
from lrp_core.settings import Settings, read_settings

CLIENT = "jetlrp"


def create_server(backend: str | None = None) -> Flask:
    """The page as a WSGI application; it asks the service at ``backend``, a URL, for all it shows.

    Without ``backend`` the setting of that name says where the service is. Needs no torch. Raises
    SettingsError for a setting that is not possible, and if nothing says where the service is.
    """
    settings = read_settings(backend=backend)
    if settings.backend is None:
        raise SettingsError("backend: nothing says where the service is; set JETLRP_BACKEND")
    return page_of(read_address(settings.backend), settings)


def page_of(service: str, settings: Settings, *, behind_door: bool = False) -> Flask:
    """The page over the service at an address, and the gate before it.

    behind_door  the gate stands before the whole server already, and tells who it has let in
    """
    client = ServiceClient(
        service,
        timeout=settings.backend_seconds,
        headers=headers_of_visit(settings.secret_text),
    )
    gate = None if behind_door else Gate(settings)
    server: Flask = create_app(
        client, metrics_from=settings.metrics_from, frames=settings.frame_ancestors
    ).server
    server.extensions[CLIENT] = client  # whoever ends the server before the process closes it
    if gate is None:
        believe_door(server, can_leave=settings.auth in ("token", "users"))
    else:
        stand_before(server, gate)
        strip_paths(server, Below(settings))
    return server
