"""gunicorn's configuration for the page, out of the settings.

JETLRP_BACKEND=http://127.0.0.1:8051 gunicorn -c python:app.gunicorn_page "app.wsgi:create_server()"
"""

from __future__ import annotations

from typing import Any

from app.logs import gunicorn_log
from app.serve import address_for_gunicorn
from lrp_core.settings import read_settings
from lrp_core.watching import forget_process

_settings = read_settings()

bind = [address_for_gunicorn(_settings.host, _settings.port)]
worker_class = "gthread"
workers = _settings.page_workers
threads = _settings.page_threads
max_requests = _settings.recycle_requests
max_requests_jitter = _settings.recycle_requests // 10
timeout = _settings.hang_seconds
graceful_timeout = _settings.stop_seconds
keepalive = 5
control_socket_disable = True  # it lies in the home folder and is of no use here
accesslog = None  # the page and the service write their own lines
logconfig_dict = gunicorn_log(_settings)
forwarded_allow_ips = ""  # the gate believes proxies, those that it was told of
proc_name = "jetlrp page"


def child_exit(server: Any, worker: Any) -> None:
    """What a worker has counted is kept when it ends."""
    del server
    forget_process(worker.pid)
