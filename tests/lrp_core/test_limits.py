"""So many times a minute, for each."""

from __future__ import annotations

import pytest

from lrp_core import limits
from lrp_core.limits import Limits


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
