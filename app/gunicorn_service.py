"""gunicorn's configuration for the service, out of the settings.

    gunicorn -c python:app.gunicorn_service "app.asgi:create_service()"

uvicorn's worker answers no WebSockets here, and tells the world nothing of itself.
"""

from __future__ import annotations

from typing import Any

from app.logs import gunicorn_log
from app.serve import address_for_gunicorn
from lrp_core.settings import read_settings
from lrp_core.watching import forget_process

_settings = read_settings()

bind = [address_for_gunicorn(_settings.host, _settings.service_port)]
worker_class = "app.uvicorn_worker.ServiceWorker"
workers = _settings.service_workers
max_requests = _settings.recycle_requests
max_requests_jitter = _settings.recycle_requests // 10
timeout = _settings.hang_seconds
graceful_timeout = _settings.stop_seconds
keepalive = 30  # longer than pages keep a connection: they close it, never the worker
control_socket_disable = True  # it lies in the home folder and is of no use here
accesslog = None  # the page and the service write their own lines
logconfig_dict = gunicorn_log(_settings)
proc_name = "jetlrp service"


def child_exit(server: Any, worker: Any) -> None:
    """What a worker has counted is kept when it ends."""
    del server
    forget_process(worker.pid)
