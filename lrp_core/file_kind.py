"""What a file is, told by its first bytes and not by its name.

    kind = kind_of(Path("jets.root"))
    kind.name, kind.advice    # "a Git LFS pointer", "fetch the file itself: git lfs pull"

Readers ask it when they refuse a file, so that the refusal says what the file is and what to do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from lrp_core.errors import Told

HEAD_BYTES = 512


@dataclass(frozen=True)
class FileKind:
    """What a file is: its name with an article, and what to do where something else is expected."""

    name: str
    advice: str


ROOT = FileKind("a ROOT file", "it holds jets or other data of ROOT, no network")
PARQUET = FileKind("a Parquet file", "it holds a table")
ZIP = FileKind("a ZIP archive", "unpack it and give the file inside")
PICKLE = FileKind("a Python pickle", "it is not unpickled, because that can run foreign code")
SAFETENSORS = FileKind("a safetensors file", "it holds the tensors of a network")
HDF5 = FileKind(
    "an HDF5 file",
    "convert it: jets to ROOT or Parquet with one list per jet and branch (uproot, awkward), "
    "weights to a state dict of PyTorch",
)
ONNX = FileKind(
    "an ONNX file",
    "save the state dict of the network that it was made of with torch.save",
)
LFS_POINTER = FileKind(
    "a Git LFS pointer, a text of some lines that stands for the file",
    "fetch the file itself: git lfs pull",
)
WEB_PAGE = FileKind(
    "a web page (HTML), as a server sends instead of a file that is not there or needs a log-in",
    "download the file itself",
)
EMPTY = FileKind("empty (0 bytes)", "copy or download it again")
FOLDER = FileKind("a folder", "give the files in it")

# First bytes -> what begins with them; longer ones first where one begins another.
_MAGIC = (
    (b"root", ROOT),
    (b"PAR1", PARQUET),
    (b"PARE", FileKind("an encrypted Parquet file", "write it without encryption")),
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"version https://git-lfs", LFS_POINTER),
    (b"PK", ZIP),
    (b"\x80", PICKLE),
    (b"\x1f\x8b", FileKind("packed with gzip", "unpack it: gunzip")),
    (b"(\xb5/\xfd", FileKind("packed with Zstandard", "unpack it: unzstd")),
    (b"\xfd7zXZ\x00", FileKind("packed with xz", "unpack it: unxz")),
    (b"BZh", FileKind("packed with bzip2", "unpack it: bunzip2")),
    (
        b"\x93NUMPY",
        FileKind(
            "a NumPy array (.npy)",
            Told(
                "make jets of it with Jet.from_arrays",
                "write it as Parquet, with one list per jet and column",
            ),
        ),
    ),
    (b"ARROW1", FileKind("an Arrow or Feather file", "write it as Parquet")),
    (b"Obj\x01", FileKind("an Avro file", "write it as Parquet")),
)


def kind_of(path: Path) -> FileKind | None:
    """What the first bytes of a file say that it is; None where they say nothing.

    Raises OSError where the file cannot be read.
    """
    if path.is_dir():
        return FOLDER
    with path.open("rb") as file:
        return kind_of_head(file.read(HEAD_BYTES))


def kind_of_head(head: bytes) -> FileKind | None:
    """What the first ``HEAD_BYTES`` of a file say that it is; None where they say nothing."""
    if not head:
        return EMPTY
    if _is_safetensors(head):  # first: the length at its beginning may be any bytes
        return SAFETENSORS
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--", b"<error")):
        return WEB_PAGE
    if _is_onnx(head):
        return ONNX
    if len(head) > 262 and head[257:262] == b"ustar":
        return FileKind("a tar archive", "unpack it and give the file inside")
    return None


def _is_safetensors(head: bytes) -> bool:
    """Eight bytes of length, then JSON of that length: the header of every safetensors file."""
    length = int.from_bytes(head[:8], "little")
    header = head[8:]
    if not (header.startswith(b"{") and 2 <= length < 1 << 40):
        return False
    if length <= len(header):
        try:
            return isinstance(json.loads(header[:length]), dict)
        except ValueError:
            return False
    return b'"' in header


def _is_onnx(head: bytes) -> bool:
    """A small version number as field 1 of a protobuf, then a producer's name or the graph."""
    if len(head) < 4 or head[0] != 8 or not 1 <= head[1] <= 30:
        return False
    producer = head[4 : 4 + head[3]]
    return head[2] == 0x3A or (head[2] == 0x12 and producer.isascii() and producer[:1].isalpha())
