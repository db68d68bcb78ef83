"""So many times a minute, for each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lrp_core import limits
from lrp_core.limits import STATE, AtOnce, Limits, SharedLimits, limits_of_server


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    often = Limits(6, clock=clock)
    assert [often.take("anna") for _ in range(7)] == [0] * 6 + [10]
    assert often.take("ben") == 0  # another one is not concerned
    clock.now += 9.5
    assert often.take("anna") == 1
    clock.now += 0.6
    assert [often.take("anna") for _ in range(2)] == [0, 10]
    clock.now += 3600  # nothing is saved up
    assert [often.take("anna") for _ in range(7)] == [0] * 6 + [10]


def test_a_part_of_one_can_be_taken() -> None:
    often = Limits(1, clock=Clock())
    assert [often.take("anna", 0.25) for _ in range(5)] == [0, 0, 0, 0, 15]


def test_what_is_given_back_can_be_taken_again() -> None:
    often = Limits(1, clock=Clock())
    assert often.take("anna") == 0
    often.give_back("anna")
    often.give_back("anna")
    assert [often.take("anna"), often.take("anna")] == [0, 60]


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 3)
    often = Limits(1, clock=Clock())
    for key in range(100):
        often.take(key)
    assert len(often._left) == 3
    assert often.take(99) > 0


def test_processes_count_together(tmp_path: Path) -> None:
    clock = Clock()
    one, two = (SharedLimits(tmp_path, "requests", 4, clock=clock) for _ in range(2))
    other = SharedLimits(tmp_path, "attempts", 4, clock=clock)
    assert [each.take("anna") for each in (one, two, one, two, one, two)] == [0] * 4 + [15, 15]
    assert one.take("ben") == other.take("anna") == 0
    two.give_back("anna")
    assert [one.take("anna"), one.take("anna")] == [0, 15]
    clock.now += 15.1
    assert [two.take("anna"), one.take("anna")] == [0, 15]
    more = SharedLimits(tmp_path, "requests", 8, clock=clock)  # after a reload
    clock.now += 3600
    assert [more.take("anna") for _ in range(9)] == [0] * 8 + [8]


def test_real_processes_count_together(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lrp_core.limits import SharedLimits\n"
        "one = SharedLimits(Path(sys.argv[1]), 'requests', 50)\n"
        "print(sum(one.take('anna') == 0 for _ in range(40)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    taken = sum(int(process.communicate()[0]) for process in asking)
    assert 50 <= taken < 100, "50 at once, and some more while they run"


def test_those_who_are_whole_again_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FORGET_AFTER", 5)
    clock = Clock()
    often = SharedLimits(tmp_path, "requests", 4, clock=clock)
    for number in range(10):
        clock.now += 20
        often.take(number)
    assert often._open().execute("SELECT count(*) FROM limits").fetchone() == (4,)


def test_without_the_database_each_counts_for_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    often = SharedLimits(tmp_path / "gone", "requests", 2, clock=Clock())
    assert [often.take("anna") for _ in range(3)] == [0, 0, 30]
    assert caplog.text.count("counted by each process for itself") == 1


def test_one_process_has_limits_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STATE, raising=False)
    assert type(limits_of_server("requests", 4)) is Limits
    monkeypatch.setenv(STATE, str(tmp_path))
    limits_of_server("requests", 4).take("anna")
    assert [path.name for path in tmp_path.glob("*.sqlite")] == [limits.DATABASE]


def test_so_much_at_the_same_time() -> None:
    few = AtOnce(2)
    assert [few.begin("anna"), few.begin("anna"), few.begin("anna"), few.begin("ben")] == [
        True, True, False, True
    ]  # fmt: skip
    few.end("anna")
    assert few.begin("anna")
    for name in ("anna", "anna", "ben"):
        few.end(name)
    assert not few._under_way
