"""Who gets a turn when many want one."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from lrp_core.limits import Limits
from lrp_core.service.cache import Cache
from lrp_core.service.workers import Busy, Workers

SECONDS = 60  # at most, on a busy machine


class Held:
    """Workers whose one thread is held up until ``go``; what ran since, in its order."""

    def __init__(self, **limits: Any) -> None:
        self.workers = Workers(at_once=1, **limits)
        self.ran: list[str] = []
        self._go = threading.Event()
        began = threading.Event()

        def hold() -> None:
            began.set()
            self._go.wait(SECONDS)

        self.workers.submit(hold, "holder")
        assert began.wait(SECONDS)

    def submit(self, user: str, name: str = "") -> Future[None]:
        return self.workers.submit(lambda: self.ran.append(name or user), user)

    def go(self) -> list[str]:
        self._go.set()
        assert self.workers.wait_until_idle(SECONDS)
        self.workers.close()
        return self.ran


def test_one_of_each_in_turn() -> None:
    held = Held(waiting=30)
    for number in range(4):
        held.submit("anna", f"anna {number}")
    held.submit("ben", "ben 0")
    for number in range(2):
        held.submit("cleo", f"cleo {number}")
    assert held.go() == ["anna 0", "ben 0", "cleo 0", "anna 1", "cleo 1", "anna 2", "anna 3"]


def test_a_hundred_requests_of_one_do_not_keep_another_waiting() -> None:
    held = Held(waiting=30)
    for _ in range(30):
        held.submit("anna")
    for _ in range(70):
        with pytest.raises(Busy):
            held.submit("anna")
    assert isinstance(held.submit("ben"), Future)
    assert held.go().index("ben") <= 1


def test_each_may_have_only_so_many_waiting() -> None:
    held = Held(waiting=30, each=3)
    for _ in range(3):
        held.submit("anna")
    with pytest.raises(Busy) as raised:
        held.submit("anna")
    assert raised.value.own
    held.submit("ben")
    for _ in range(8):  # nobody is asked who it is on one's own machine
        held.submit("")
    assert sorted(held.go()) == [*[""] * 8, *["anna"] * 3, "ben"]


def test_each_may_submit_only_so_often() -> None:
    held = Held(waiting=30, often=Limits(3, clock=lambda: 100.0))
    for _ in range(3):
        held.submit("anna")
    with pytest.raises(Busy) as raised:
        held.submit("anna")
    assert raised.value.own
    assert raised.value.wait == 20
    for _ in range(5):
        held.submit("")
    held.go()


def test_who_has_the_most_gives_way() -> None:
    held = Held(waiting=4)
    annas = [held.submit("anna", f"anna {number}") for number in range(4)]
    held.submit("ben")
    with pytest.raises(Busy) as raised:
        annas[3].result(SECONDS)
    assert raised.value.own
    held.submit("ben")
    with pytest.raises(Busy):
        annas[2].result(SECONDS)
    with pytest.raises(Busy) as raised:  # both have two now
        held.submit("ben")
    assert not raised.value.own
    assert held.go() == ["anna 0", "ben", "anna 1", "ben"]


def test_giving_way_under_the_caches_lock() -> None:
    """The cache begins a computation under its own lock, and hears of the end of another there."""
    held = Held(waiting=2)
    cache: Cache[Any] = Cache(1000)
    futures = [
        cache.join(key, lambda key=key: held.workers.submit(lambda: key, "anna"))
        for key in (b"1", b"2")
    ]
    ben = cache.join(b"3", lambda: held.workers.submit(lambda: memoryview(b"3"), "ben"))
    with pytest.raises(Busy):
        futures[1].result(SECONDS)
    held.go()
    assert ben.result(SECONDS) == b"3"


def test_what_waits_is_dropped_at_the_end() -> None:
    held = Held(waiting=5)
    waiting = [held.submit(user) for user in ("anna", "anna", "ben")]
    held.workers.close()
    for future in waiting:
        with pytest.raises(CancelledError):
            future.result(SECONDS)
    with pytest.raises(Busy):
        held.submit("anna")
    assert held.go() == []


def test_what_fails_is_told_and_the_others_go_on() -> None:
    held = Held(waiting=5)

    def fail() -> None:
        raise ValueError("no")

    failed = held.workers.submit(fail, "anna")
    held.submit("anna")
    assert held.go() == ["anna"]
    with pytest.raises(ValueError, match="no"):
        failed.result(SECONDS)
