"""A server for many: page and service under gunicorn, in processes of their own, and one parent.

    jetlrp ──┬── gunicorn ── page workers (Flask, threads)      <── the only address from outside
             └── gunicorn ── service workers (uvicorn, torch)   <── loopback, with a secret

The parent opens both sockets and never closes them before it ends, so that requests wait, and are
not refused, while a part is begun again. It loads neither torch nor the page. Its processes go by a
settings file that it writes for them, anew when it is told to reload.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.access.below import Below
from app.access.gate import Gate, check_alone
from app.client import read_address
from app.processes import State, end_with_parent
from app.serve import Say, address_of, listen, page_address, sources_of
from lrp_core.errors import JetlrpError, SettingsError
from lrp_core.limits import STATE
from lrp_core.settings import Settings, environment_of

LOOPBACK = "127.0.0.1"
TICK_SECONDS = 0.2
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before a dead part is begun again
STEADY_SECONDS = 60.0  # after so long a part that dies is no part that cannot start
KILLED_SECONDS = 5.0  # beyond stop_seconds
# What a reload leaves as it was: the sockets are open, and processes of before and after know each
# other by the secret.
UNTIL_RESTART = ("host", "port", "service_port", "backend", "secret", "production")

Reread = Callable[[], Settings]


@dataclass
class Part:
    """A gunicorn of its own, on a socket that the parent keeps open.

    name         "page" or "service"
    application  what it runs, as gunicorn names it
    listener     the socket
    environment  its variables, beyond the parent's own
    """

    name: str
    application: str
    listener: socket.socket
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    begin_at: float | None = None
    wait: float = field(default=FIRST_WAIT)

    def begin(self) -> None:
        """Start it."""
        said = Path(__file__).with_name(f"gunicorn_{self.name}.py")  # read again at each reload
        command = [sys.executable, "-m", "gunicorn", "-c", str(said)]
        command += ["--bind", f"fd://{self.listener.fileno()}", self.application]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **self.environment},
            pass_fds=[self.listener.fileno()],
            process_group=0,  # Ctrl-C reaches the parent alone
            preexec_fn=end_with_parent,
        )
        self.began, self.begin_at = time.monotonic(), None

    def send(self, number: int) -> None:
        """Send a signal to it, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def end(self, seconds: float) -> bool:
        """Let it answer its requests and end. -> whether it did so within ``seconds``."""
        self.begin_at = None
        if self.process is None:
            return True
        self.send(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return False
        return True


class Supervisor:
    """Keeps the parts running: SIGHUP reloads them, SIGTERM and SIGINT end them in order.

    parts  in the order in which they are begun; they end the other way round
    ready  address to ask until it answers 200, which is then told
    renew  reads the settings again for the processes that follow; raises JetlrpError if they cannot
           be used, and all stays as it is

    Raises SettingsError with what a worker says if none can do its work.
    """

    def __init__(
        self, parts: list[Part], settings: Settings, ready: str, say: Say, renew: Reread
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._renew = renew
        self._ready = ready
        self._say = say
        self._stopping = self._reload = False

    def run(self, state: State) -> int:
        """Run until a signal says to stop. -> exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._hang_up)
        began = time.monotonic()
        for part in self._parts:
            part.begin()
        seconds = KILLED_SECONDS
        try:
            while not self._stopping:
                if state.ready.exists():
                    seconds = self._settings.stop_seconds + KILLED_SECONDS
                elif state.failed.exists():
                    raise SettingsError(state.failed.read_text("utf-8"))
                elif self._is_ready():
                    state.ready.touch()
                    self._say(f"ready after {time.monotonic() - began:.1f} s")
                if self._reload:
                    self._reload = False
                    self._take_over()
                for part in self._parts:
                    status = self._look_after(part, steady=state.ready.exists())
                    if status is not None:
                        return status
                time.sleep(TICK_SECONDS)
        finally:
            self._end(seconds)
        return 0

    def _take_over(self) -> None:
        """Let new processes take the place of the old ones, by the settings of now."""
        try:
            self._settings = self._renew()
        except JetlrpError as error:
            self._say(f"not reloaded, all stays as it is: {error}")
            return
        self._say("reloading: new processes take over, the old ones end their requests")
        for part in self._parts:
            part.send(signal.SIGHUP)

    def _look_after(self, part: Part, *, steady: bool) -> int | None:
        """Begin a part again that died. -> exit status if there is no use in that."""
        assert part.process is not None
        status = part.process.poll()
        now = time.monotonic()
        if status is None:
            if now - part.began > STEADY_SECONDS:
                part.wait = FIRST_WAIT
            return None
        if not steady and status > 0:  # it has said why
            self._say(f"the {part.name} cannot be started (gunicorn ended with status {status})")
            return 2
        if part.begin_at is None:
            self._say(f"the {part.name} died (status {status}); it is begun again")
            part.begin_at, part.wait = now + part.wait, min(2 * part.wait, LONGEST_WAIT)
        elif now >= part.begin_at:
            part.begin()
        return None

    def _is_ready(self) -> bool:
        try:
            return httpx.get(self._ready, timeout=1.0, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _end(self, seconds: float) -> None:
        """End the parts, the page first: its requests still need the service."""
        for part in reversed(self._parts):
            part.listener.close()
            if not part.end(seconds):
                self._say(f"the {part.name} did not end in time and was killed")

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _hang_up(self, *_: object) -> None:
        self._reload = True


def serve_production(settings: Settings, reread: Reread, say: Say) -> int:
    """Serve page and service, or the page alone where ``settings.backend`` is. -> exit status.

    reread  reads the settings again, from where they came
    """
    Gate(settings)  # says now what each process of the page would say
    Below(settings)
    listener = listen(settings.host, settings.port)
    address = address_of(listener, settings.host)
    with tempfile.TemporaryDirectory(prefix="jetlrp-") as folder, contextlib.ExitStack() as stack:
        stack.enter_context(listener)
        state = State(Path(folder))
        parts: list[Part] = []
        shared = _shared(settings, state)
        ready = f"{address}/health"
        if settings.backend is None:
            sources_of(settings).check(settings)
            inner = stack.enter_context(listen(LOOPBACK, settings.service_port))
            shared["JETLRP_BACKEND"] = address_of(inner, LOOPBACK)
            ready = f"{shared['JETLRP_BACKEND']}/ready"
            shared["JETLRP_SECRET"] = settings.secret_text or secrets.token_urlsafe(32)
            parts.append(_service(inner, shared))
        elif read_address(settings.backend) == address:
            raise SettingsError(
                f"--backend: {address} is this server's own address; give the service's"
            )
        parts.append(Part("page", "app.wsgi:create_server()", listener, shared))
        at = page_address(address, settings)
        say(f"the page is at {at} (Ctrl-C stops it, SIGHUP reloads it)")

        def renew() -> Settings:
            new = _renewed(settings, reread, say)
            Gate(new)
            Below(new)
            if new.backend is None:
                sources_of(new).check(new)
            _write(new, state)
            return new

        return Supervisor(parts, settings, ready, say, renew).run(state)


def serve_service_production(settings: Settings, reread: Reread, say: Say) -> int:
    """Serve /api/v1 and /docs alone, by several processes. -> exit status."""
    check_alone(settings)
    below = Below(settings)
    sources_of(settings).check(settings)
    listener = listen(settings.host, settings.service_port)
    address = address_of(listener, settings.host)
    with tempfile.TemporaryDirectory(prefix="jetlrp-") as folder, listener:
        state = State(Path(folder))
        at = f"{address}{below.path}"
        say(f"the service is at {at}/api/v1, its documentation at {at}/docs")
        parts = [_service(listener, _shared(settings, state))]

        def renew() -> Settings:
            new = _renewed(settings, reread, say)
            check_alone(new)
            Below(new)
            sources_of(new).check(new)
            _write(new, state)
            return new

        return Supervisor(parts, settings, f"{address}/ready", say, renew).run(state)


def _renewed(settings: Settings, reread: Reread, say: Say) -> Settings:
    """The settings of now, but for those that hold until a restart."""
    new = reread()
    other = [name for name in UNTIL_RESTART if getattr(new, name) != getattr(settings, name)]
    if other:
        say(f"{', '.join(other)}: as before until the server is started again")
    return new.model_copy(update={name: getattr(settings, name) for name in UNTIL_RESTART})


def _write(settings: Settings, state: State) -> None:
    """Say what the processes go by."""
    cache = settings.cache_folder or str(_cache_folder())
    state.write_settings(settings.model_copy(update={"cache_folder": cache}))


def _shared(settings: Settings, state: State) -> dict[str, str]:
    """The variables of the processes: where the settings in force are, and what the parent adds."""
    _write(settings, state)
    numbers = state.folder / "metrics"
    numbers.mkdir()
    return {
        **environment_of(state.settings),
        STATE: str(state.folder),
        "PROMETHEUS_MULTIPROC_DIR": str(numbers),
    }


def _cache_folder() -> Path:
    """Where this user's caches are, by the XDG Base Directory Specification."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "jetlrp"


def _service(listener: socket.socket, shared: Mapping[str, str]) -> Part:
    alone = {**shared, "JETLRP_BACKEND": ""}
    return Part("service", "app.asgi:create_service()", listener, alone)
