"""What a command prints where the output is not Unicode."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.output import FITTING, fit_output


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        ("utf-8", "✓ √x · ü", "✓ √x · ü"),
        ("ascii", "✓ and ✗: 1 ± 2 → η · …", "+ and x: 1 +- 2 -> eta | ..."),
        ("latin-1", "✗ ü ± 日本", "x ü ± ??"),
        ("cp1252", "✓ “ü” ≥", "+ “ü” >="),
        ("utf-8", "a\udce9.root", "a?.root"),  # a name of a file that is no text
    ],
)
def test_what_does_not_fit_is_written_otherwise(encoding, text, written, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # no file: left as it is
    fit_output()
    assert sys.stdout.errors == FITTING
    sys.stdout.write(text)
    sys.stdout.flush()
    assert raw.getvalue().decode(encoding) == written


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_the_command_ends_as_it_does_in_unicode(encoding: str) -> None:
    path = Path(__file__).parents[1] / "lrp_core" / "vector_float.root"
    ran = subprocess.run(
        [sys.executable, "-m", "app", "check", str(path)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        cwd=Path(__file__).parents[2],
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.decode(encoding).startswith(f"+ {path}"[:20])
    assert "6 jets, 6 good" in ran.stdout.decode(encoding)
