"""Names that stay in their folder, and names that try to leave it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_core.errors import OutsideError
from lrp_core.folder import inside


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    (folder / "jets").mkdir(parents=True)
    (folder / "jets" / "first.root").write_text("jets")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "library-2").mkdir()
    return folder


@pytest.mark.parametrize("name", ["jets/first.root", "jets", "new.root", "ä öü 日本.root", "..."])
def test_names_in_the_folder(library: Path, name: str) -> None:
    assert inside(library, name) == (library / name).resolve()
    assert inside(str(library), name).is_relative_to(library.resolve())


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/", "/etc/passwd", "../secret.txt", "jets/../../secret.txt", "jets/.."),
        *("../library-2", "jets//first.root", "./jets", "jets/", "..\\secret.txt", "C:\\x"),
        *("a\0b", "a\nb", "a" * 300, "ö" * 128, "\ud800", "a/" * 3000 + "a"),
    ],
)
def test_names_that_are_none(library: Path, name: str) -> None:
    with pytest.raises(OutsideError) as raised:
        inside(library, name)
    assert str(library.parent) not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_links_are_followed_before_it_is_said_where_they_lead(library: Path) -> None:
    (library / "out").symlink_to(library.parent)
    (library / "secret").symlink_to(library.parent / "secret.txt")
    (library / "round").symlink_to(library / "round")
    (library / "itself").symlink_to(library)
    for name in ("out/secret.txt", "secret", "out", "itself", "round"):
        with pytest.raises(OutsideError):
            inside(library, name)
    (library / "alias.root").symlink_to("jets/first.root")
    assert inside(library, "alias.root").read_text() == "jets"
    # the folder itself may be a link
    (library.parent / "data").symlink_to(library)
    assert inside(library.parent / "data", "jets/first.root").read_text() == "jets"


@given(st.text(max_size=40) | st.text("./\\~%\0ab", max_size=12))
def test_no_name_leads_out(name: str) -> None:
    folder = Path("/usr/share/none")
    try:
        path = inside(folder, name)
    except OutsideError:
        return
    assert path.is_relative_to(folder.resolve())
    assert path != folder.resolve()
