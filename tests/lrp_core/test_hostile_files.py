"""Files that claim or unpack to more than is in them: told in words, before memory is taken."""

from __future__ import annotations

import io
import lzma
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import awkward as ak
import cramjam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from lrp_core import parquet_file, root_file
from lrp_core.errors import JetFileError
from lrp_core.parquet_pages import Claim, PageError, claim_of
from lrp_core.reading import UnreadableJetError, open_jets
from lrp_core.root_file import MOST_TRACKS

BOMB = 400 << 20  # bytes that come out of a block
MB = 1 << 20


def zeros(begin: Any, end: Any) -> bytes:
    """BOMB zeros, packed."""
    piece = bytes(8 * MB)
    return b"".join([begin(piece) for _ in range(BOMB // len(piece))] + [end()])


def packed(algorithm: str) -> bytes:
    if algorithm == "ZL":
        deflate = zlib.compressobj(9)
        return zeros(deflate.compress, deflate.flush)
    if algorithm == "XZ":
        pack = lzma.LZMACompressor(preset=0)
        return zeros(pack.compress, pack.flush)
    zstd = cramjam.zstd.Compressor(3)
    return zeros(lambda piece: b"" * zstd.compress(piece), lambda: bytes(zstd.finish()))


def write_basket(path: Path) -> int:
    """A file of two baskets that hardly shrink -> where the first one begins."""
    values = np.random.default_rng(0).integers(0, 256, 2_000_000).astype("u1").view("f4")
    values = np.nan_to_num(values, posinf=1, neginf=1)
    counts = np.full(len(values) // 10, 10)
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        tree = file.mktree("tree", {"track_pt": "var * float32"})
        tree.extend({"track_pt": ak.unflatten(values, counts)})
        tree.extend({"track_pt": ak.Array([[1.0, 2.0]])})
    with uproot.open(path) as file:
        return int(file["tree"]["track_pt"].member("fBasketSeek")[0])


def plant(path: Path, at: int, bomb: bytes, algorithm: str, says: int) -> None:
    """Put a block that says it unpacks to ``says`` bytes into the basket at a place."""
    with path.open("r+b") as file:
        file.seek(at)
        key = file.read(18)
        key_length = int.from_bytes(key[14:16], "big")
        assert len(bomb) < int.from_bytes(key[:4], "big") - key_length - 9
        file.seek(at + 6)
        file.write(says.to_bytes(4, "big"))
        file.seek(at + key_length)
        sizes = len(bomb).to_bytes(3, "little") + says.to_bytes(3, "little")
        method = {"ZL": b"\x08", "XZ": b"\x00", "ZS": b"\x01"}[algorithm]
        file.write(algorithm.encode() + method + sizes + bomb)


READ = """
import re, sys
from lrp_core.reading import open_jets
import lrp_core.root_source, pyarrow

def peak():  # of this program: ru_maxrss has that of the tests as well, from before exec
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024

with open_jets(sys.argv[1]) as jets:
    before = peak()
    first, *_, last = jets.read(on_error="keep")
    print(peak() - before, len(last) if hasattr(last, "__len__") else last.n_tracks, first)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kB there")
@pytest.mark.parametrize("algorithm", ["ZL", "XZ", "ZS"])
def test_what_unpacks_to_more_than_it_says_takes_no_memory(tmp_path: Path, algorithm: str) -> None:
    path = tmp_path / "bomb.root"
    plant(path, write_basket(path), packed(algorithm), algorithm, 100_000)
    ran = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    more, n_tracks, words = ran.stdout.split(" ", 2)
    assert "track_pt cannot be read for the jets 0 to 49999" in words
    assert n_tracks == "2", "the other basket is as it was"
    assert int(more) < BOMB // MB // 2, f"it took {more} MB"


def test_a_basket_that_claims_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "claim.root"
    at = write_basket(path)
    with path.open("r+b") as file:
        file.seek(at + 6)
        file.write((2_000_000_000).to_bytes(4, "big"))
    with open_jets(path) as jets:
        bad, *_, good = jets.read(on_error="keep")
        assert isinstance(bad, UnreadableJetError)
        assert "it says that it unpacks to more than 256 MB at once" in str(bad)
        assert "fewer jets in a basket" in str(bad)
        assert good.tracks.tolist() == [[1.0], [2.0]]


def test_a_tree_that_claims_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "claim.root"
    write_basket(path)
    with uproot.open(path) as file:
        key = file.key("tree")
        at, n_bytes = key.fSeekKey, key.fObjlen
    content = bytearray(path.read_bytes())
    told = n_bytes.to_bytes(4, "big")
    assert content[at + 6 : at + 10] == told
    path.write_bytes(content.replace(told, (2_000_000_000).to_bytes(4, "big")))
    with pytest.raises(JetFileError, match="unpacks to more than 64 MB at once"):
        open_jets(path)


def test_an_ntuple_is_counted_by_its_pages(
    tmp_path: Path, write_jets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = tuple(range(1, 200))
    write_jets(tmp_path / "n.root", counts=counts, as_ntuple=True)
    with open_jets(tmp_path / "n.root") as jets:
        jets._files[0].open()
        (branch,) = [one for one in jets._files[0].used if one.name == "track_pt"]
        offsets = branch.claims(0, 1) - 4 * sum(counts)
        assert offsets in (4 * len(counts), 8 * len(counts))
        assert jets[150].n_tracks == 151
    monkeypatch.setattr(root_file, "UNPACKED_BYTES", sum(counts) * 3)
    with open_jets(tmp_path / "n.root") as jets, pytest.raises(UnreadableJetError, match="unpacks"):
        jets[150]


def test_jets_of_too_many_tracks(tmp_path: Path, write_jets: Any) -> None:
    write_jets(tmp_path / "a.root", counts=(3, MOST_TRACKS + 1, MOST_TRACKS, 2))
    with open_jets(tmp_path / "a.root") as jets:
        kept = jets.read(on_error="keep")
        assert [getattr(one, "n_tracks", None) for one in kept] == [3, None, MOST_TRACKS, 2]
        assert str(kept[1]) == "a.root:1: the jet has 1001 tracks; a jet has at most 1000"
        assert [one.reason for one in jets.problems()] == ["more than 1000 tracks"]
        assert list(jets.summary()["problem"]) == [None, "more than 1000 tracks", None, None]


def test_tracks_that_take_too_much_together(
    tmp_path: Path, write_jets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jets(tmp_path / "a.root", counts=(500,) * 8, basket=8)
    monkeypatch.setattr(root_file, "UNPACKED_BYTES", 40_000)  # a branch fits, three do not
    with open_jets(tmp_path / "a.root") as jets, pytest.raises(UnreadableJetError, match="fewer"):
        jets[0]


# Parquet


def table(n_jets: int = 3000, each: int = 40) -> pa.Table:
    draw = np.random.default_rng(0)
    offsets = np.arange(n_jets + 1, dtype="i4") * each
    lists = {
        "track_pt": draw.normal(size=n_jets * each).astype("f4"),
        "track_same": np.ones(n_jets * each, "f4"),
        "track_charge": draw.integers(-1, 2, n_jets * each).astype("i1"),
    }
    columns = {name: pa.ListArray.from_arrays(offsets, values) for name, values in lists.items()}
    return pa.table({**columns, "fj_pt": draw.normal(size=n_jets)})


@pytest.mark.parametrize("compression", ["none", "zstd", "gzip"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"data_page_version": "2.0"},
        {"use_dictionary": False},
        {"use_dictionary": False, "use_byte_stream_split": ["track_pt.list.element", "fj_pt"]},
        {"write_page_index": True, "write_page_checksum": True, "data_page_size": 2000},
    ],
)
def test_the_pages_of_a_column_are_counted(compression: str, how: dict[str, Any]) -> None:
    whole = table()
    file = io.BytesIO()
    pq.write_table(whole, file, compression=compression, row_group_size=1100, **how)
    meta = pq.ParquetFile(file).metadata
    assert meta.num_row_groups == 3
    for group in range(meta.num_row_groups):
        for place in range(meta.num_columns):
            chunk = meta.row_group(group).column(place)
            claim = claim_of(file, chunk)
            assert claim.n_values == chunk.num_values
            assert 0 < claim.n_bytes <= chunk.total_uncompressed_size


def test_a_row_group_that_claims_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.parquet"
    pq.write_table(table(), path, row_group_size=1000, compression="zstd")
    monkeypatch.setattr(parquet_file, "UNPACKED_BYTES", 100_000)
    with open_jets(path) as jets:
        bad = jets.read(0, 1, on_error="keep")[0]
        assert isinstance(bad, UnreadableJetError)
        assert "cannot be read for the jets 0 to 999" in str(bad)
        assert "fewer jets in a row group" in str(bad)


def varint(value: int, length: int = 0) -> bytes:
    """A number as Thrift has it, with so many bytes."""
    value, found = value << 1, []
    while value or len(found) < length or not found:
        found.append(value & 127)
        value >>= 7
    return bytes([*(one | 128 for one in found[:-1]), found[-1]])


def test_a_footer_that_says_less_than_the_pages_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One value and how often it comes: a few bytes, of which the footer tells fewer values."""
    n_tracks = 1_000_003
    values = pa.array(np.zeros(n_tracks, "f4"))
    lists = pa.ListArray.from_arrays(pa.array([0, n_tracks], pa.int32()), values)
    path = tmp_path / "lie.parquet"
    pq.write_table(pa.table({"track_pt": lists}), path)
    content = bytearray(path.read_bytes())
    assert len(content) < 1000
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    true, told = varint(n_tracks), varint(7, len(varint(n_tracks)))
    assert true in content[footer:]
    path.write_bytes(content[:footer] + content[footer:].replace(true, told))
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(0)
    assert chunk.num_values == 7
    with path.open("rb") as file:
        assert claim_of(file, chunk).n_values == n_tracks
    monkeypatch.setattr(parquet_file, "UNPACKED_BYTES", 1_000_000)
    with open_jets(path) as jets, pytest.raises(UnreadableJetError, match="unpacks to more than"):
        jets[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 5000,
        b"\x15\x00\x15" + b"\xff" * 40,
        b"\x1c" * 5000,
        b"\x19\xf5" + b"\xff" * 9,
    ],
)
def test_headers_that_are_none(content: bytes) -> None:
    class Chunk:
        data_page_offset = 0
        dictionary_page_offset = None
        total_compressed_size = 10_000
        num_values = 10

    with pytest.raises(PageError):
        claim_of(io.BytesIO(content), Chunk())
    Chunk.num_values = 0
    assert claim_of(io.BytesIO(content), Chunk()) == Claim(0, 0)
