"""The page for a WSGI server such as gunicorn, with a service that runs elsewhere.

    jetlrp service --jets JETS.root --model MODEL.pth
    gunicorn "app.wsgi:create_server('http://127.0.0.1:8051')" \
        --worker-class gthread --workers 2 --threads 8 --no-control-socket

The threads let the page answer while others wait for their explanations. gunicorn's control socket
lies in the home folder and is of no use here.
"""

from __future__ import annotations

from flask import Flask

from app.client import ServiceClient
from app.main import create_app
from lrp_core.settings import read_settings


def create_server(backend: str) -> Flask:
    """The page as a WSGI application; it asks the service at ``backend``, a URL, for all it shows.

    Needs no torch. Raises SettingsError for a setting that is not possible.
    """
    client = ServiceClient(backend, timeout=read_settings().backend_seconds)
    server: Flask = create_app(client, docs=f"{backend.rstrip('/')}/docs").server
    return server
