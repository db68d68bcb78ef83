"""The service for workers of an ASGI server: what it serves is said by the settings alone.

gunicorn -c python:app.gunicorn_service "app.asgi:create_service()"
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from fastapi import FastAPI

from app.access.below import Below, Stripped
from app.processes import State, threads_of_worker
from app.serve import sources_of
from lrp_core.errors import JetlrpError
from lrp_core.settings import Settings, read_settings

logger = logging.getLogger("jetlrp.worker")

CANNOT_START = 4  # gunicorn's own status: it then gives up
TRY_AGAIN_SECONDS = 5.0
LISTENING_SECONDS = 60.0  # the parent ends this process long before
LOOK_SECONDS = 5.0


def create_service() -> FastAPI:
    """Open jets and network that the settings name, and watch the memory of this process.

    What keeps it from starting is told in one line. gunicorn alone then gives up; with a parent
    (app.production) that ends all, unless other workers do their work already.
    """
    settings = read_settings()
    try:
        from lrp_core.service.threads import use_threads

        use_threads(threads_of_worker(settings))
        below = Below(settings)
        service = sources_of(settings).service(settings)
        service.add_middleware(Stripped, below=below)
    except JetlrpError as error:
        _give_up(str(error))
    if settings.worker_bytes:
        threading.Thread(target=_watch_memory, args=(settings,), name="memory", daemon=True).start()
    return service


def resident_bytes() -> int:
    """The memory of this process, of /proc; 0 where that is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _give_up(why: str) -> NoReturn:
    """End this process; say why to the parent, or on stderr where that does not listen."""
    state = State.of_environment()
    if state is None or state.ready.exists():
        sys.stderr.write(f"jetlrp: {why}\n")
        time.sleep(TRY_AGAIN_SECONDS if state else 0)
        sys.exit(1 if state else CANNOT_START)
    state.say_failed(why)
    time.sleep(LISTENING_SECONDS)
    sys.exit(1)


def _watch_memory(settings: Settings) -> None:
    """End this process, with its requests answered, once it is too large; another one follows."""
    while True:
        time.sleep(LOOK_SECONDS)
        size = resident_bytes()
        if size > settings.worker_bytes:
            logger.warning(
                "this process holds %d MB, more than worker_bytes allows; it is replaced",
                size // 2**20,
            )
            os.kill(os.getpid(), signal.SIGTERM)
            return
