"""What a file is, told by its first bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrp_core.file_kind import kind_of

HEADER = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"root\x00\x00\xf7\xf4", "a ROOT file"),
        (b"PAR1" + bytes(8) + b"PAR1", "a Parquet file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "an HDF5 file"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "a Git LFS pointer",
        ),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "a web page"),
        (len(HEADER).to_bytes(8, "little") + HEADER + bytes(4), "a safetensors file"),
        (b"\x1f\x8b\x08\x00", "packed with gzip"),
        (b"", "empty"),
    ],
)
def test_the_first_bytes_say_what_a_file_is(tmp_path: Path, content: bytes, name: str) -> None:
    file = tmp_path / "jets.root"
    file.write_bytes(content)
    kind = kind_of(file)
    assert kind is not None
    assert kind.name.startswith(name)
    assert kind.advice


def test_a_folder_is_told_and_what_says_nothing_is_not_guessed(tmp_path: Path) -> None:
    folder = kind_of(tmp_path)
    assert folder is not None
    assert folder.name == "a folder"
    (tmp_path / "x").write_bytes(b"\x00\x01\x02{}")
    assert kind_of(tmp_path / "x") is None
