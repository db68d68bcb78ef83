"""``jetlrp export``: figures of many jets, the same as the page's own, without a browser window."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from app.export.animation import parts_of_turn, to_gif, to_mp4
from app.export.asked import ExportError, Figure, Look
from app.export.chromium import SECONDS, Chromium, ChromiumError, find_chromium
from app.export.extra import check_extra
from app.export.slides import to_pptx
from app.standalone import theme_in
from lrp_core.errors import JetlrpError
from lrp_core.figures.presets import PRESETS, SCALES
from lrp_core.figures.theme import theme_of
from lrp_core.service.schemas import FigureParts
from lrp_core.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

ALL_GOOD, SOME_FAILED = 0, 1
PROBLEMS_SHOWN = 10
MOVING = ("mp4", "gif")
IN_CHROMIUM = ("png", "mp4", "gif", "pptx")


class Progress(Protocol):
    """Told what is being made, and how many are done."""

    def __call__(self, done: int, name: str) -> None: ...


def run(
    settings: Settings,
    asked: Sequence[Figure],
    formats: Sequence[str],
    look: Look,
    out: str,
    *,
    console: Console | None = None,
) -> int:
    """Write every figure in every format into the folder ``out``, which is made if need be.

    -> exit status: 0 all written, 1 some could not be
    Raises JetlrpError where nothing can be made at all.
    """
    from rich.console import Console

    from app.serve import serving

    check(look, formats)
    made = [
        (figure, form)
        for figure in asked
        for form in formats
        if form not in MOVING or figure.view == "network"
    ]
    if not made:
        raise ExportError(f"{' and '.join(formats)}: only the network plot turns; add it to --view")
    without = _without_chromium(formats)
    printed = console or Console(highlight=False, soft_wrap=True)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):  # said now, not after minutes of drawing
            pass
    except OSError as error:
        raise ExportError(
            f"--out: expected a folder that can be written to, or made, found {out}: "
            f"{error.strerror}"
        ) from error
    problems: list[str] = []
    written = 0
    with ExitStack() as stack:
        address = stack.enter_context(serving(settings))
        studio = stack.enter_context(Studio(address, without=without))
        progress = stack.enter_context(_shown(len(made)))
        for done, (figure, form) in enumerate(made):
            progress(done, f"jet {figure.jet}, {figure.view}, {form}")
            try:
                name, content = studio.make(figure, form, look)
            except JetlrpError as error:
                problems.append(f"jet {figure.jet}, {figure.view}, {form}: {error}")
                continue
            try:
                (folder / name).write_bytes(content)
            except OSError as error:
                raise ExportError(
                    f"--out: {folder / name} cannot be written: {error.strerror}; "
                    f"{written} of {len(made)} figures are there"
                ) from error
            written += 1
        progress(len(made), "")
    for problem in problems[:PROBLEMS_SHOWN]:
        printed.print(problem, markup=False)
    if len(problems) > PROBLEMS_SHOWN:
        printed.print(f"and {len(problems) - PROBLEMS_SHOWN} more")
    printed.print(f"{written} of {written + len(problems)} figures written to {out}", markup=False)
    return SOME_FAILED if problems else ALL_GOOD


def _without_chromium(formats: Sequence[str]) -> bool:
    """Whether figures are made without Chromium, since there is none; says so once, on stderr.

    Raises ExportError if a format cannot be made then.
    """
    needed = [form for form in formats if form in IN_CHROMIUM]
    if not needed:
        return False
    try:
        find_chromium()
    except ChromiumError as error:
        if needed != ["png"]:
            raise ExportError(
                f"{', '.join(form for form in needed if form != 'png')}: {error}. "
                "Without it there are svg, pdf, html, and png from the vector drawing"
            ) from error
        from rich.console import Console

        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"jetlrp: {error}. PNG is made from the vector drawing instead.", markup=False
        )
        return True
    return False


def check(look: Look, formats: Sequence[str]) -> None:
    """Raise ExportError for a preset or scale that there is not, a format without its extra."""
    check_extra(formats)
    if any(form in MOVING for form in formats):
        parts_of_turn(look.frames)
    if look.preset not in PRESETS:
        raise ExportError(f"--preset: {look.preset!r} is none; there are {', '.join(PRESETS)}")
    if look.scale not in SCALES:
        raise ExportError(f"--scale: expected 1 to {SCALES[-1]}, found {look.scale}")


class Studio:
    """Makes figures with what a server at an address serves, and one Chromium for all of them.

    without  no Chromium: what needs none is made, PNG by the vector drawing
    """

    def __init__(self, address: str, *, without: bool = False) -> None:
        self.address = address
        self.without = without
        self._running = ExitStack()
        self._chromium: Chromium | None = None
        self._film: tuple[tuple[Figure, Look], dict[str, Any], list[bytes]] | None = None
        self._http = self._running.enter_context(
            httpx.Client(base_url=address, timeout=SECONDS, trust_env=False)
        )

    def __enter__(self) -> Studio:
        """The studio itself; Chromium starts with the first figure that needs it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End Chromium, if it runs."""
        self._running.close()

    def make(self, figure: Figure, form: str, look: Look) -> tuple[str, bytes]:
        """A figure in a format -> the name of its file, and what is in it. Raises JetlrpError."""
        if form in ("svg", "pdf") or (form == "png" and self.without):
            return self._vector(figure, form, look)
        if form == "html":
            query = {"view": figure.view, "link": figure.search}
            return _file(self._ask("/_jetlrp/figure.html", query))
        if form in MOVING:
            return self._turning(figure, form, look)
        wanted = _wanted(figure, look)
        if form == "png":
            made = self.chromium().call("pngText", wanted)
            return made["name"], base64.b64decode(made["png"])
        made = self.chromium().call("pngText", {**wanted, "transparent": True, "words": False})
        path = f"/api/v1/jets/{figure.jet}/figures/{figure.view}/parts"
        query = _query(figure, look) | {"transparent": False, "scale": look.scale}
        says = FigureParts.model_validate(self._ask(path, query).json())
        preset, theme = PRESETS[look.preset], theme_of(theme_in(figure.search))
        content = to_pptx(
            base64.b64decode(made["png"]),
            says,
            size=(preset.width, preset.height),
            ground=theme.panel,
            link=figure.link,
        )
        return f"{says.name}.pptx", content

    def _turning(self, figure: Figure, form: str, look: Look) -> tuple[str, bytes]:
        """The network plot turning once; its frames are kept for another format."""
        if self._film is None or self._film[0] != (figure, look):
            self._film = ((figure, look), *self._filmed(figure, look))
        _, begun, frames = self._film
        if form == "gif":
            content = to_gif(frames, begun["caption"])
        else:
            title, comment = begun["metadata"]["Title"], begun["caption"]
            content = to_mp4(
                frames, {"title": title, "comment": comment, "description": figure.search}
            )
        return f"{begun['name']}.{form}", content

    def _filmed(self, figure: Figure, look: Look) -> tuple[dict[str, Any], list[bytes]]:
        """Where a turn comes from, and its frames as PNG."""
        chromium = self.chromium()
        wanted = {
            **_wanted(figure, look), "scale": 1, "transparent": False, "frames": look.frames
        }  # fmt: skip
        begun = chromium.call("beginTurn", wanted)
        try:
            parts = parts_of_turn(look.frames)
            return begun, [base64.b64decode(chromium.call("frameAt", part)) for part in parts]
        finally:
            chromium.call("endTurn")

    def _vector(self, figure: Figure, form: str, look: Look) -> tuple[str, bytes]:
        """A figure drawn without a browser, by the service."""
        query = _query(figure, look)
        if form == "png":
            query["scale"] = look.scale
        if figure.base:
            query["link"] = figure.link
        return _file(self._ask(f"/api/v1/jets/{figure.jet}/figures/{figure.view}.{form}", query))

    def _ask(self, path: str, query: dict[str, Any]) -> httpx.Response:
        answer = self._http.get(path, params=query)
        if not answer.is_success:
            raise ExportError(str(answer.json()["error"]["message"]))
        return answer

    def chromium(self) -> Chromium:
        """The one Chromium, with the page open."""
        if self._chromium is None:
            chromium = self._running.enter_context(Chromium())
            chromium.open(self.address)
            self._chromium = chromium
        return self._chromium


def _file(answer: httpx.Response) -> tuple[str, bytes]:
    """The name that an answer gives its file, and what is in it."""
    found = re.search(r'filename="([^"]+)"', answer.headers["content-disposition"])
    assert found is not None
    return found[1], answer.content


def _query(figure: Figure, look: Look) -> dict[str, Any]:
    """A figure as the service is asked for it."""
    preset = PRESETS[look.preset]
    return {
        "view": figure.search,
        "width": preset.width,
        "height": preset.height,
        "transparent": look.transparent,
    }


def _wanted(figure: Figure, look: Look) -> dict[str, object]:
    """The same for assets/picture/figure.js."""
    return {
        "search": figure.search,
        "view": figure.view,
        "preset": look.preset,
        "scale": look.scale,
        "transparent": look.transparent,
    }


@contextmanager
def _shown(total: int) -> Iterator[Progress]:
    """A bar on stderr with what is being made; a line each where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
        console=screen,
        disable=not screen.is_terminal,
    )
    task = bar.add_task("", total=total)

    def progress(done: int, name: str) -> None:
        bar.update(task, completed=done, description=name)
        if not screen.is_terminal and name:
            screen.print(f"{done + 1} of {total}: {name}", markup=False)

    with bar:
        yield progress
