"""Sources that fail while jets are read: no jet is called damaged for that."""

from __future__ import annotations

import errno
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from rich.console import Console

import lrp_core.source_faults as faults
from lrp_core import root_source, streaming
from lrp_core.commands import explain_all
from lrp_core.errors import JetFileError, SourceError
from lrp_core.jets import Jet
from lrp_core.reading import JetFiles, open_jets
from lrp_core.relevance_file import open_relevance
from tests.lrp_core import examples as toys

COUNTS = (3, 5, 1, 8, 2, 4)
TRIES = len(faults.PAUSES) + 1


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "PAUSES", (0.0,) * len(faults.PAUSES))


class Flaky(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """Files in memory; the next reads fail, or bring too little, or garbage."""

    protocol = "flaky"
    files: ClassVar[dict[str, bytes]] = {}
    failing = 0
    how: Any = None

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        data = Flaky.files.get(self._strip_protocol(path))
        if data is None:
            raise FileNotFoundError(path)
        return {"name": path, "size": len(data), "type": "file"}

    def cat_file(self, path: str, start: Any = None, end: Any = None, **_: Any) -> bytes:
        self.info(path)
        data = Flaky.files[self._strip_protocol(path)][start:end]
        if not Flaky.failing:
            return data
        Flaky.failing -= 1
        if isinstance(Flaky.how, Exception):
            raise Flaky.how
        changed: bytes = Flaky.how(data)
        return changed


@pytest.fixture
def flaky(tmp_path: Path, write_jets: Any) -> Iterator[str]:
    """Address of a file of jets that can be made to fail."""
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    write_jets(tmp_path / "a.root", COUNTS, basket=2)
    Flaky.failing, Flaky.how = 0, OSError("connection reset by peer")
    Flaky.files["/a.root"] = (tmp_path / "a.root").read_bytes()
    yield "flaky:///a.root"
    Flaky.failing = 0


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def garbage(data: bytes) -> bytes:
    return bytes(255 - byte for byte in data)


@pytest.mark.parametrize(
    "how", [OSError("reset"), TimeoutError(), ConnectionError("gone"), RuntimeError("xrootd"), cut]
)
def test_reads_that_fail_now_and_then_are_read_again(flaky: str, how: Any) -> None:
    Flaky.how = how
    Flaky.failing = 1
    with open_jets(flaky) as jets:
        for number, n_tracks in enumerate(COUNTS):
            Flaky.failing = TRIES - 1
            assert jets[number].n_tracks == n_tracks
        assert Flaky.failing < TRIES


@pytest.mark.parametrize("how", [OSError("connection reset by peer"), TimeoutError("late"), cut])
def test_a_source_that_stays_away_is_an_error_of_its_own(flaky: str, how: Any) -> None:
    with open_jets(flaky) as jets:
        Flaky.how, Flaky.failing = how, 1_000
        for read in (
            lambda: jets.read(on_error="keep"), lambda: jets[3], jets.problems, jets.summary,
        ):  # fmt: skip
            with pytest.raises(SourceError, match=r"flaky:///a.root cannot be read at the moment"):
                read()
        Flaky.failing = 0
        assert all(isinstance(jet, Jet) for jet in jets.read(on_error="keep"))
        assert jets.problems() == []
        assert jets.summary()["n_tracks"].tolist() == list(COUNTS)


def test_opening_is_tried_again_too(flaky: str) -> None:
    Flaky.failing = TRIES - 1
    assert len(open_jets(flaky)) == len(COUNTS)
    Flaky.failing = 1_000
    with pytest.raises(SourceError, match="5 times in a row; this may pass"):
        open_jets(flaky)
    with pytest.raises(JetFileError, match="cannot be read: FileNotFoundError") as error:
        open_jets("flaky:///b.root")
    assert not isinstance(error.value, SourceError)


def test_what_comes_garbled_once_is_read_again_and_is_damage_the_second_time(flaky: str) -> None:
    Flaky.how = garbage
    with open_jets(flaky) as jets:
        Flaky.failing = 1
        assert jets[0].n_tracks == 3
    with open_jets(flaky) as jets:
        Flaky.failing = 1_000
        assert "the file is damaged" in jets.problems(0, 1)[0].message


def test_a_file_elsewhere_that_is_too_short_is_damaged(flaky: str) -> None:
    whole = Flaky.files["/a.root"]
    told = set()
    for size in range(len(whole) // 4, len(whole), len(whole) // 9):
        Flaky.files["/a.root"] = whole[:size]
        try:
            told |= {str(bad.message) for bad in open_jets(flaky).problems()}
        except JetFileError as error:
            told.add("passing" if isinstance(error, SourceError) else str(error))
    assert all("truncated" in one or "copy or download" in one for one in told)
    assert any(f"of {len(whole)} bytes are there" in one for one in told)


def test_an_address_that_gives_something_else(flaky: str) -> None:
    Flaky.files["/a.root"] = b"<html><title>Log in</title></html>"
    with pytest.raises(JetFileError, match=r"a.root is not a ROOT file: .* a web page"):
        open_jets(flaky)


def test_a_disk_that_fails(tmp_path: Path, write_jets: Any, monkeypatch: Any) -> None:
    write_jets(tmp_path / "a.root", COUNTS, basket=2)
    left = [0]
    real = root_source.FileAtPlaces.get

    def get(self: Any, start: int, stop: int) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(errno.EIO, "Input/output error")
        return real(self, start, stop)

    monkeypatch.setattr(root_source.FileAtPlaces, "get", get)
    with open_jets(tmp_path / "a.root") as jets:
        left[0] = TRIES - 1
        assert jets[0].n_tracks == 3
        left[0] = 1_000
        with pytest.raises(SourceError, match="Input/output error"):
            jets.read(on_error="keep")
        left[0] = 0
        assert jets.problems() == []


def test_a_disk_that_fails_under_a_table(tmp_path: Path, monkeypatch: Any) -> None:
    pq.write_table(pa.table({"track_pt": [[1.0], [2.0, 3.0]]}), tmp_path / "a.parquet")
    left = [0]
    real = pq.ParquetFile.read_row_groups

    def read(self: Any, *args: Any, **how: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(errno.EIO, "Input/output error")
        return real(self, *args, **how)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", read)
    with open_jets(tmp_path / "a.parquet") as jets:
        left[0] = TRIES - 1
        assert jets[1].n_tracks == 2
    with open_jets(tmp_path / "a.parquet") as jets:
        left[0] = 1_000
        with pytest.raises(SourceError, match="Input/output error"):
            jets.problems()


# Many jets


def test_a_run_stops_where_the_source_fails_and_goes_on_from_there(
    flaky: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    torch.save(toys.toy_network(4).state_dict(), tmp_path / "toy.pth")
    columns = ("track_pt", "track_etarel", "trackBTag_Eta", "track_pt")
    (tmp_path / "definitions.yml").write_text(f"features: {list(columns)}\n")
    out = tmp_path / "r.parquet"
    monkeypatch.setattr(streaming, "READ_AT_ONCE", 2)
    real = JetFiles.read

    def read(self: JetFiles, start: int = 0, stop: int | None = None, **how: Any) -> Any:
        Flaky.failing = 1_000 if start == 4 else 0
        return real(self, start, stop, **how)

    def run() -> int:
        screen = Console(file=io.StringIO())
        model = str(tmp_path / "toy.pth")
        return explain_all.run([flaky], str(out), model, jets_at_once=2, console=screen)

    with monkeypatch.context() as patch:
        patch.setattr(JetFiles, "read", read)
        with pytest.raises(SourceError, match="this may pass"):
            run()
    Flaky.failing = 0
    assert "2 of 6 jets are kept" in capsys.readouterr().err
    assert not out.exists()
    assert run() == explain_all.ALL_GOOD
    assert len(open_relevance(out)) == 6
    assert open_relevance(out).problems() == []


# A server that fails


@pytest.fixture
def server(tmp_path: Path, write_jets: Any) -> Iterator[tuple[str, list[Any]]]:
    """Address of a file on a server, and what it answers next instead: a status, or "cut"."""
    write_jets(tmp_path / "a.root", COUNTS, basket=2)
    whole = (tmp_path / "a.root").read_bytes()
    instead: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(whole)))
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()

        def do_GET(self) -> None:
            answer = instead.pop(0) if instead else 206
            if isinstance(answer, int) and answer >= 400:
                self.send_error(answer)
                return
            asked = self.headers.get("Range")
            first, last = 0, len(whole) - 1
            if asked is not None and answer != 200:
                begin, _, end = asked.removeprefix("bytes=").partition("-")
                first, last = int(begin), min(int(end or last), last)
            if first >= len(whole):
                self.send_error(416)
                return
            data = whole[first : last + 1]
            self.send_response(200 if answer == 200 else 206)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(whole)}")
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if answer == "cut" else data)
            if answer == "cut":
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}/a.root", instead
    serving.shutdown()
    serving.server_close()
    thread.join()


@pytest.mark.parametrize("answer", [503, 500, 429, "cut"])
def test_a_server_that_fails(server: tuple[str, list[Any]], answer: Any) -> None:
    address, instead = server
    with open_jets(address) as jets:
        instead[:] = [answer] * (TRIES - 1)
        assert [jet.n_tracks for jet in jets.read()] == list(COUNTS)
    with open_jets(address) as jets:
        instead[:] = [answer] * 1_000
        with pytest.raises(SourceError, match="at the moment"):
            jets.read(on_error="keep")
        instead.clear()
        assert jets.problems() == []


def test_a_server_that_refuses(server: tuple[str, list[Any]]) -> None:
    address, instead = server
    with open_jets(address) as jets:
        instead[:] = [403] * 1_000
        with pytest.raises(JetFileError, match="403") as error:
            jets.read(on_error="keep")
        assert not isinstance(error.value, SourceError)
        instead[:] = [200] * 1_000
        with pytest.raises(JetFileError, match="cannot be read in pieces"):
            jets.read(on_error="keep")
