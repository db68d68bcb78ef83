"""One Chromium for all figures: found on the machine, started once, never downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Any, TypeVar

from lrp_core.errors import JetlrpError

VARIABLE = "JETLRP_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (  # WebGL drawn in software, so that every machine draws the same pixels
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--force-color-profile=srgb",
)
WINDOW = (640, 480)  # nothing is drawn in it: figures have sizes of their own
SECONDS = 300.0  # a large figure may take, drawn in software on a busy machine

Result = TypeVar("Result")


class ChromiumError(JetlrpError):
    """There is no Chromium, or it does not do what it is asked to."""


def find_chromium() -> str:
    """Path of a Chromium or Chrome: what JETLRP_CHROMIUM names, or one on the machine.

    Raises ChromiumError if there is none.
    """
    given = os.environ.get(VARIABLE)
    for name in (given,) if given else NAMES:
        if found := shutil.which(name):
            return found
    if given:
        raise ChromiumError(
            f"{VARIABLE} names {given}, which is no program; give a Chromium's path"
        )
    raise ChromiumError(
        f"there is no Chromium or Chrome (looked for {', '.join(NAMES)}); "
        f"install one, or set {VARIABLE} to its path"
    )


class Chromium:
    """A headless Chromium with one page open, for as long as the ``with`` lasts.

    It runs in a thread of its own, as Playwright does not work where an event loop runs already,
    in a notebook for example.

    path     the program; None: as ``find_chromium`` finds it
    Raises ChromiumError if it does not start.
    """

    def __init__(self, path: str | None = None) -> None:
        self._path = path or find_chromium()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chromium")
        self._running = ExitStack()
        self._page: Any = None

    def __enter__(self) -> Chromium:
        """Start it."""
        try:
            self._do(self._start)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._do(self._running.close)
        self._thread.shutdown()

    def open(self, address: str) -> None:
        """Open the page of a jetlrp server, ready to make figures."""

        def go() -> None:
            self._page.goto(address)
            self._page.wait_for_selector("#figure-facts", state="attached")

        self._do(go)

    def call(self, function: str, *arguments: Any) -> Any:
        """What a function of window.jetlrp.figure returns, once its promise is kept."""
        script = f"(given) => window.jetlrp.figure.{function}(...given)"
        return self._do(lambda: self._page.evaluate(script, list(arguments)))

    def _start(self) -> None:
        from playwright.sync_api import sync_playwright

        try:
            playwright = self._running.enter_context(sync_playwright())
        except Exception as error:  # no class of its own says that its Node.js does not start
            raise ChromiumError(
                f"Playwright does not start ({error}); its Node.js needs libatomic.so.1, which "
                "Debian and Ubuntu have in the package libatomic1"
            ) from error
        self._browser = playwright.chromium.launch(executable_path=self._path, args=list(FLAGS))
        self._running.callback(self._browser.close)
        width, height = WINDOW
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce"
        )
        self._page = context.new_page()
        self._page.set_default_timeout(1000 * SECONDS)

    def _do(self, work: Callable[[], Result]) -> Result:
        from playwright.sync_api import Error

        try:
            return self._thread.submit(work).result()
        except Error as error:
            said = error.message.removeprefix("Page.evaluate: Error: ").splitlines()[0]
            raise ChromiumError(said) from error
