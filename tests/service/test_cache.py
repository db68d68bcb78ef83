"""The cache: bounded by bytes, the least recently used goes first, nothing is computed twice."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from lrp_core.service.cache import Cache
from lrp_core.service.workers import Busy, Workers

SECONDS = 60  # at most, on a busy machine


@dataclass
class Item:
    nbytes: int
    name: str = ""


def put(cache: Cache[Item], key: str, nbytes: int) -> Item:
    def start() -> Future[Item]:
        future: Future[Item] = Future()
        future.set_result(Item(nbytes, key))
        return future

    return cache.join(key, start).result()


def test_the_least_recently_used_goes_first() -> None:
    cache: Cache[Item] = Cache(100)
    for key in "abc":
        put(cache, key, 30)
    assert cache.get("a") is not None  # used again, so b is now the oldest
    put(cache, "d", 30)
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]
    assert cache.use().nbytes == 90


def test_it_never_holds_more_than_its_bytes() -> None:
    cache: Cache[Item] = Cache(1000)
    for number in range(200):
        put(cache, str(number), 7 * number % 400)
        assert cache.use().nbytes <= 1000


def test_what_is_too_large_is_handed_out_and_not_kept() -> None:
    cache: Cache[Item] = Cache(100)
    put(cache, "small", 60)
    assert put(cache, "large", 101).nbytes == 101
    assert cache.get("large") is None
    assert cache.get("small") is not None
    nothing: Cache[Item] = Cache(0)
    assert put(nothing, "a", 1).name == "a"
    assert nothing.use().entries == 0


def test_the_same_key_is_computed_once_however_many_ask_at_once() -> None:
    cache: Cache[Item] = Cache(1000)
    workers = Workers(at_once=2, waiting=30)
    begun, go = threading.Event(), threading.Event()
    computed: list[int] = []

    def compute() -> Item:
        begun.set()
        assert go.wait(SECONDS)
        computed.append(1)
        return Item(10)

    with ThreadPoolExecutor(12) as people:
        asked = [
            people.submit(lambda: cache.join("k", lambda: workers.submit(compute)).result(SECONDS))
            for _ in range(12)
        ]
        assert begun.wait(SECONDS)
        go.set()
        answers = {id(one.result(SECONDS)) for one in asked}
    workers.close()
    assert len(computed) == 1
    assert len(answers) == 1
    assert cache.use().misses == 1


def test_what_was_handed_out_once_is_kept_by_then() -> None:
    """Whoever waits is told only when the value is here: asked for once more, it is no new work."""
    cache: Cache[Item] = Cache(1000)
    work: Future[Item] = Future()
    early: list[bool] = []

    def start() -> Future[Item]:
        work.add_done_callback(lambda _: early.append(told.done()))
        return work

    told = cache.join("k", start)
    kept: list[Item | None] = []
    told.add_done_callback(lambda _: kept.append(cache.get("k")))
    work.set_result(Item(10))
    assert early == [False]
    assert kept == [told.result(0)]


def test_a_failure_is_told_to_all_and_not_kept() -> None:
    cache: Cache[Item] = Cache(1000)

    def fail() -> Future[Item]:
        future: Future[Item] = Future()
        future.set_exception(ValueError("no"))
        return future

    with pytest.raises(ValueError, match="no"):
        cache.join("k", fail).result()
    given_up: Future[Item] = Future()
    told = cache.join("k", lambda: given_up)
    given_up.cancel()
    with pytest.raises(CancelledError):
        told.result(0)
    assert put(cache, "k", 10).nbytes == 10


def test_too_much_work_is_refused_and_room_comes_back() -> None:
    workers = Workers(at_once=1, waiting=1)
    go = threading.Event()
    held = [workers.submit(lambda: go.wait(SECONDS)) for _ in range(2)]
    with pytest.raises(Busy):
        workers.submit(lambda: None)
    assert not workers.wait_until_idle(0.01)
    go.set()
    assert all(one.result(SECONDS) for one in held)
    assert workers.wait_until_idle(SECONDS)
    assert workers.submit(lambda: 7).result(SECONDS) == 7
    workers.close()
    with pytest.raises(Busy):
        workers.submit(lambda: None)
