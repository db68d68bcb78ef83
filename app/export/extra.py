"""What only some formats need: the packages of the extra ``export``."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from app.export.asked import ExportError

NEEDS = {  # format: the modules it is made with
    "mp4": ("imageio_ffmpeg", "PIL"),
    "gif": ("PIL",),
    "pptx": ("pptx",),
}


def check_extra(formats: Iterable[str]) -> None:
    """Raise ExportError with the command that helps, if a format lacks a package."""
    lacking = [
        form for form in formats if any(find_spec(name) is None for name in NEEDS.get(form, ()))
    ]
    if lacking:
        raise ExportError(
            f"{' and '.join(lacking)} {'needs' if len(lacking) == 1 else 'need'} more packages: "
            "pip install 'jetlrp[export]'"
        )
