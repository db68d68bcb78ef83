"""What the processes of a server have to do with each other and with the cores."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from pathlib import Path

from lrp_core.limits import STATE
from lrp_core.settings import Settings

PR_SET_PDEATHSIG = 1
SPINS = 10_000  # turns that an idle thread waits for more; libgomp's own number is 300,000
QUOTA = Path("/sys/fs/cgroup/cpu.max")


class State:
    """A folder in which workers and their parent tell each other how they are.

    ready     there once the workers do their work
    failed    there once one of them could not begin; holds why
    settings  the settings file that they go by
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready = folder / "ready"
        self.failed = folder / "failed"
        self.settings = folder / "settings.toml"

    @classmethod
    def of_environment(cls) -> State | None:
        """The folder that the parent of this process made, None without such a parent."""
        folder = os.environ.get(STATE)
        return cls(Path(folder)) if folder else None

    def say_failed(self, why: str) -> None:
        """Leave a note for the parent, which sees the whole of it or nothing."""
        self._write(self.failed, why)

    def write_settings(self, settings: Settings) -> None:
        """Let processes that are begun from now on go by these settings."""
        self._write(self.settings, settings.toml)

    def _write(self, where: Path, text: str) -> None:
        note = self.folder / f"{where.name}.{os.getpid()}"
        note.write_text(text, "utf-8")
        note.replace(where)


def cores(quota: Path = QUOTA) -> int:
    """The cores that this process may use, of its affinity and of its container's quota."""
    if hasattr(os, "sched_getaffinity"):
        found = len(os.sched_getaffinity(0))
    else:
        found = os.cpu_count() or 1
    try:
        share, period = quota.read_text("ascii").split()
    except (OSError, ValueError):
        return found
    if share != "max":
        found = min(found, max(1, int(share) // int(period)))
    return found


def threads_of_worker(settings: Settings) -> int:
    """Threads for one jet, so that the workers together use every core once."""
    return settings.torch_threads or max(1, cores() // settings.service_workers)


def yield_cores_soon() -> None:
    """Have idle threads of torch give up their core within microseconds, not milliseconds.

    On a machine that does something else at the same time, a browser without a graphics card for
    one, waiting threads otherwise take the cores from the one thread that they wait for. libgomp
    reads this once: call it before torch is imported. What the user has set stays.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))


def end_with_parent() -> None:
    """Have Linux end this process when its parent dies, however that happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
