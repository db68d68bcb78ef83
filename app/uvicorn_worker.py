"""The worker of gunicorn that runs the service."""

from __future__ import annotations

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from app.processes import end_with_parent


class ServiceWorker(UvicornWorker):
    """uvicorn without WebSockets, which the service has none of; it ends its requests in time."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "asyncio",
        "http": "auto",
        "ws": "none",
        "lifespan": "on",
        "server_header": False,
        "proxy_headers": False,
        "access_log": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config.timeout_graceful_shutdown = max(1, self.cfg.graceful_timeout - 2)

    def init_process(self) -> None:
        """Begin, and end with gunicorn: uvicorn alone would go on when its parent is killed."""
        end_with_parent()
        super().init_process()
