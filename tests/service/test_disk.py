"""What processes share on disk: answers and scores; and that a bad disk costs time only."""

from __future__ import annotations

import errno
import io
import logging
import os
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrp_core.service.answer_store import FORMAT, AnswerStore, pack, unpack
from lrp_core.service.answers import Answer
from lrp_core.service.disk import ENDING, HEAD, Disk
from lrp_core.service.scores import Scores
from lrp_core.service.shared_scores import SharedScores

KEY = ("toy", 1, "margin", "summary")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "cache", 1_000_000)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.rglob(f"*{ENDING}"))


def wait_for(there: Callable[[], Any]) -> None:
    """An answer is sent first and written then."""
    until = time.monotonic() + 60
    while not there():
        assert time.monotonic() < until
        time.sleep(0.01)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the cache wrote into the log; other threads write there, too."""
    return [one.getMessage() for one in caplog.records if one.name == "jetlrp.cache"]


def some_answer(size: int = 3) -> Answer:
    arrays = {
        "logits": np.array([0.5, np.nan, -np.inf], dtype=np.float32),
        "edge_index": np.arange(2 * size).reshape(2, size),
        "nothing": np.zeros((0, 4)),
    }
    return Answer({"value": float("nan"), "rows": [{"a": 0.1}], "none": None, "ü": "β"}, arrays)


def same(one: Answer, other: Answer) -> bool:
    return list(one.arrays) == list(other.arrays) and all(
        array.dtype == other.arrays[name].dtype
        and np.array_equal(array, other.arrays[name], equal_nan=array.dtype.kind == "f")
        for name, array in one.arrays.items()
    )


def test_an_answer_comes_back_as_it_was() -> None:
    again = unpack(pack(some_answer()))
    assert same(some_answer(), again)
    assert np.isnan(again.plain.pop("value"))
    assert again.plain == {"rows": [{"a": 0.1}], "none": None, "ü": "β"}


def test_another_version_is_not_read(disk: Disk) -> None:
    AnswerStore(disk, "1").write(KEY, some_answer())
    assert AnswerStore(disk, "1").read(KEY) is not None
    assert AnswerStore(disk, "2").read(KEY) is None
    assert AnswerStore(disk, "1").read(("toy", 2, "margin", "summary")) is None


@pytest.mark.parametrize("spoil", ["cut", "flip", "empty", "append"])
def test_a_damaged_entry_is_missing_and_removed(
    disk: Disk, spoil: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = AnswerStore(disk, "1")
    store.write(KEY, some_answer())
    (path,) = entries(disk.folder)
    whole = bytearray(path.read_bytes())
    if spoil == "flip":
        whole[HEAD + 20] ^= 1
    path.write_bytes({"cut": whole[:-1], "empty": b"", "append": whole + b"x"}.get(spoil, whole))
    with caplog.at_level(logging.WARNING, "jetlrp.cache"):
        assert store.read(KEY) is None
    assert [str(path) in line for line in said(caplog)] == [True]
    assert disk.use().damaged == 1
    assert entries(disk.folder) == []
    store.write(KEY, some_answer())
    assert store.read(KEY) is not None


class Canary:
    """Something that makes a file if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_nothing_is_unpickled(disk: Disk, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    objects = io.BytesIO()
    np.lib.format.write_array(objects, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    head = b'{"arrays": ["a"], "plain": {}}'
    store = AnswerStore(disk, "1")
    for content in (
        pickle.dumps(Canary(canary)),
        len(head).to_bytes(8, "little") + head + objects.getvalue(),
    ):
        disk.write((FORMAT, "1", *KEY), content)  # with a checksum that fits
        assert store.read(KEY) is None
    assert disk.use().damaged == 2
    assert not canary.exists()


def test_what_was_used_longest_ago_goes(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "cache", 100_000)
    for number in range(9):
        disk.write(number, bytes(9_000))
        os.utime(disk.path(number), (1000 + number, 1000 + number))
    assert disk.read(0) is not None  # used now
    for number in (9, 10, 11):
        disk.write(number, bytes(9_000))
    disk.make_room()
    assert sum(path.stat().st_size for path in entries(disk.folder)) <= 100_000
    assert disk.read(0) is not None
    assert disk.read(1) is None
    disk.write(12, bytes(50_000))  # more than a tenth of all
    assert disk.read(12) is None


def test_it_stays_bounded_by_itself(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "cache", 200_000)
    for number in range(100):
        disk.write(number, bytes(10_000))
        assert sum(path.stat().st_size for path in entries(disk.folder)) < 1.1 * 200_000


def test_writers_at_once_leave_whole_entries(tmp_path: Path) -> None:
    disks = [Disk(tmp_path / "cache", 50_000_000) for _ in range(4)]
    stop = threading.Event()
    wrong: list[bytes] = []

    def write(disk: Disk, fill: int) -> None:
        while not stop.is_set():
            disk.write("same", bytes([fill]) * 100_000)

    def read() -> None:
        for _ in range(300):
            found = disks[0].read("same")
            if found is not None and (len(found) != 100_000 or len(set(found)) != 1):
                wrong.append(found)

    writers = [threading.Thread(target=write, args=(disk, n)) for n, disk in enumerate(disks)]
    for thread in writers:
        thread.start()
    read()
    stop.set()
    for thread in writers:
        thread.join()
    assert wrong == []
    assert [disk.use().damaged for disk in disks] == [0] * 4
    assert len([path for path in disks[0].folder.rglob("*") if path.is_file()]) == 2  # and the lock


def test_files_that_were_never_renamed_go(disk: Disk) -> None:
    disk.write("a", b"x")
    left = disk.path("a").with_name("b.entry.123.456")
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    disk.make_room()
    assert not left.exists()
    assert disk.read("a") == b"x"


def test_a_full_disk_costs_memory_only(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(cache_folder=str(tmp_path / "cache"))
    disk = client.service.disk
    whole = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        whole(path, content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as without_room:
        without_room.setattr(Path, "write_bytes", full)
        with caplog.at_level(logging.WARNING, "jetlrp.cache"):
            assert [client.explain(index)["cached"] for index in (1, 2, 3)] == [False] * 3
            assert [client.explain(index)["cached"] for index in (1, 2, 3)] == [True] * 3
            wait_for(lambda: not disk.works)
    (line,) = said(caplog)
    assert "No space left on device" in line
    assert "memory only" in line
    assert disk.use().failures >= 1
    wait_for(lambda: not list(disk.folder.rglob(f"*{ENDING}.*")))  # nothing half written is left
    before = len(entries(disk.folder))
    monkeypatch.setattr(disk, "_resume_at", 0.0)  # a minute later there is room again
    client.explain(4)
    wait_for(lambda: len(entries(disk.folder)) > before)
    assert disk.works


def test_a_folder_that_cannot_be_had(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    client = serve(cache_folder=str(tmp_path / "file"))
    assert [client.explain(1)["cached"] for _ in range(2)] == [False, True]
    assert client.service.scores.wait(60)
    assert client.service.scores.complete


def test_another_worker_need_not_compute_it_again(serve: Any, tmp_path: Path) -> None:
    shared = {"cache_folder": str(tmp_path / "cache")}
    first = serve(**shared)
    told = [first.explain(1), first.explain(2, target="hbb", rule="epsilon(0.1)", dtype="float64")]
    first.get("/api/v1/jets/3/explanation.npz")  # with every edge; the summary of it is kept
    assert first.service.scores.wait(60)
    wait_for(lambda: len(entries(tmp_path / "cache")) == 4)
    second = serve(**shared)
    again = [
        second.explain(1),
        second.explain(2, target="hbb", rule="epsilon(0.1)", dtype="float64"),
    ]
    for one, other in zip(told, again, strict=True):
        assert (one.pop("cached"), other.pop("cached")) == (False, True)
        assert one == other
    assert second.explain(3)["cached"]
    assert not second.explain(1, target="hbb")["cached"]
    assert not second.explain(1, rule="zero")["cached"]
    assert not second.explain(1, dtype="float64")["cached"]
    assert second.get("/api/v1/jets/1/explanation.npz").status_code == 200


def test_changed_files_and_networks_are_others(serve: Any, toy_jets: Any, tmp_path: Path) -> None:
    shared = {"cache_folder": str(tmp_path / "cache")}
    serve(toy_jets, **shared).explain(1)
    wait_for(lambda: entries(tmp_path / "cache"))
    changed = type(toy_jets)(identity="toy-2")
    assert not serve(changed, **shared).explain(1)["cached"]


def test_a_damaged_entry_is_computed_anew(serve: Any, tmp_path: Path) -> None:
    shared = {"cache_folder": str(tmp_path / "cache")}
    first = serve(**shared)
    told = first.explain(1)
    assert first.service.scores.wait(60)
    wait_for(lambda: len(entries(tmp_path / "cache")) == 2)
    for path in entries(tmp_path / "cache"):
        path.write_bytes(path.read_bytes()[:-3])
    second = serve(**shared)
    again = second.explain(1)
    assert not again["cached"]
    assert again["edge_significance"] == told["edge_significance"]
    assert second.service.disk.use().damaged >= 1


def scored(first: int, last: int) -> Any:
    return np.arange(first, last, dtype=np.float64)


def test_one_scores_and_the_others_take_it_over(tmp_path: Path) -> None:
    asked: dict[str, list[int]] = {"one": [], "other": []}
    go_on = threading.Event()

    def slow(first: int, last: int) -> Any:
        asked["one"].append(first)
        if first >= 64:
            go_on.wait(60)
        return scored(first, last)

    def other_score(first: int, last: int) -> Any:
        asked["other"].append(first)
        return scored(first, last)

    def shared() -> SharedScores:
        return SharedScores(Disk(tmp_path / "cache", 10**8), ("jets", "network"))

    one = Scores(slow, 320, shared=shared())
    other = Scores(other_score, 320, shared=shared())
    one.start()
    until = time.monotonic() + 60
    while len(asked["one"]) < 3:
        assert time.monotonic() < until
        time.sleep(0.01)
    other.start()
    assert not other.wait(0.5)
    assert asked["other"] == []  # it waits for the first one
    go_on.set()
    assert one.wait(60)
    assert other.wait(60)
    assert asked["other"] == []
    assert np.array_equal(other.values(), np.arange(320))
    later = Scores(other_score, 320, shared=shared())  # such as a process that takes its place
    later.start()
    assert later.wait(60)
    assert asked["other"] == []
    assert later.complete


def test_where_the_scorer_ends_another_goes_on(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "cache", 10**8)
    gone, heir = (SharedScores(disk, ("jets", "network")) for _ in range(2))
    assert gone.take()
    gone.write(np.arange(64.0), last=True)
    assert not heir.take()
    gone.leave()
    asked: list[int] = []

    def score(first: int, last: int) -> Any:
        asked.append(first)
        return scored(first, last)

    scores = Scores(score, 320, shared=heir)
    scores.start()
    assert scores.wait(60)
    assert asked[0] == 64
    assert np.array_equal(scores.values(), np.arange(320))
