"""A folder that names are looked up in, and that no name leads out of."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from lrp_core.errors import OutsideError

LONGEST_NAME = 255  # bytes of one part of a path, as file systems have it
LONGEST = 1000  # letters of a name with its folders


def inside(folder: str | Path, name: str) -> Path:
    """The path of ``name`` in ``folder``, with every symbolic link followed.

    name  a path relative to the folder, parted by "/", as people or their programs give it

    The file need not be there; where it is, it lies in the folder, whatever links there are on the
    way. Ask again each time a name is used: links change.
    Raises OutsideError for what leads out of the folder, is no plain relative path, or cannot be
    the name of a file. Its message never tells a path of the machine.
    """
    parts = name.split("/")
    if (
        len(name) > LONGEST
        or any(part in ("", ".", "..") for part in parts)
        or "\\" in name
        or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
        or any(len(os.fsencode(part)) > LONGEST_NAME for part in parts)
    ):
        raise OutsideError(
            f"{shown(name)} is not the name of a file in the folder; expected a relative path "
            "such as jets/first.root"
        )
    top = Path(folder).resolve()
    try:
        path = (top / name).resolve()
    except (OSError, RuntimeError) as error:  # links that go round in a circle
        raise OutsideError(f"{shown(name)} cannot be found in the folder") from error
    if not path.is_relative_to(top) or path == top:
        raise OutsideError(f"{shown(name)} leads out of the folder")
    return path


def shown(name: str) -> str:
    """A name that somebody else gave, as it may stand in a message."""
    text = ascii(name) if not name.isprintable() else repr(name)
    return text if len(text) <= 80 else f"{text[:77]}…"
