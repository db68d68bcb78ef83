"""What is counted while a server runs, for Prometheus, and the id of the request being answered.

With PROMETHEUS_MULTIPROC_DIR in the environment all processes of a server count together, in that
folder; else each counts for itself.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)

REQUESTS = Counter(
    "jetlrp_requests_total",
    "Requests answered, by part (page or service), method, route and status.",
    ("part", "method", "route", "status"),
)
REQUEST_SECONDS = Histogram(
    "jetlrp_request_seconds",
    "Time from a request to the head of its answer.",
    ("part", "route"),
    buckets=BUCKETS,
)
EXPLANATIONS = Counter(
    "jetlrp_explanations_total", "Explanations computed, by rule and dtype.", ("rule", "dtype")
)
EXPLANATION_SECONDS = Histogram(
    "jetlrp_explanation_seconds", "Time that computing an explanation took.", buckets=BUCKETS
)
WAITING = Gauge(
    "jetlrp_explanations_waiting",
    "Explanations that wait for their turn or are computed.",
    multiprocess_mode="livesum",
)
CACHE = Counter(
    "jetlrp_cache_total", "Explanations found in the cache (hit) or not (miss).", ("result",)
)
DISK = Counter(
    "jetlrp_disk_cache_total",
    "Entries of the cache on disk that were there (hit), not there (miss), damaged, or could not "
    "be read or written (failure).",
    ("result",),
)
ERRORS = Counter("jetlrp_errors_total", "Answers that tell a problem, by its code.", ("code",))


def exposition() -> bytes:
    """Everything that is counted, as Prometheus reads it."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def may_read(client: str, names: Iterable[str], allowed: Iterable[str]) -> bool:
    """Whether the numbers are for who asks: from this machine, or an address that is allowed.

    client   address of the other end of the connection
    names    the names of the request's headers: what came through a proxy is for nobody
    allowed  addresses and networks, such as 10.0.0.0/8
    """
    proxied = {"forwarded", "x-forwarded-for", "x-real-ip"}
    if proxied & {name.lower() for name in names}:
        return False
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or any(
        address in ipaddress.ip_network(one, strict=False) for one in allowed
    )


def forget_process(number: int) -> None:
    """Put what a process that ended has counted with what the ones before it have counted.

    Else every process that was ever replaced would leave its files.
    """
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    mark_process_dead(number, folder)  # type: ignore[no-untyped-call]
    with Path(folder, "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for kind in ("counter", "histogram"):
            ended = Path(folder, f"{kind}_{number}.db")
            if not ended.exists():
                continue
            together = MmapedDict(str(Path(folder, f"{kind}_ended.db")))  # type: ignore[no-untyped-call]
            for key, value, stamp, _ in MmapedDict.read_all_values_from_file(str(ended)):  # type: ignore[no-untyped-call]
                before = together.read_value(key)[0]  # type: ignore[no-untyped-call]
                together.write_value(key, before + value, stamp)  # type: ignore[no-untyped-call]
            together.close()  # type: ignore[no-untyped-call]
            ended.unlink()
