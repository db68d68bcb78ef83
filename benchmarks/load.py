"""How a server for many bears many: users who open jets, think, and open the next one.

    python benchmarks/load.py [--users N] [--seconds S] [--think S] [--fresh SHARE] [-- OPTIONS]

Runs `jetlrp serve --production` on loopback with an empty cache, and with OPTIONS if there are any.
Every user loads the page, then again and again thinks (exponentially distributed) and asks for an
explanation as the page does, or now and then for a page of the list. A share of the jets is opened
for the first time, so nothing of them is cached; the others have been opened before by somebody.
Prints answers, errors and times, the memory of all processes after the first half, at the end and
half a minute later, and whether the goals are met; the exit status is 1 if they are not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

START_SECONDS = 180.0
REST_SECONDS = 30.0
GOAL_P95 = 1.0  # seconds
GOAL_GROWTH = 1.1  # memory at rest, over that after the first half
LIST_SHARE = 0.15
MB = 2**20
COMMAND = (sys.executable, "-m", "app", "serve", "--production")


@dataclass
class Told:
    """What was answered: times in seconds by kind, and errors by what was wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)


class Jets:
    """Which jet is opened next: one that nobody has opened, or one that somebody has."""

    def __init__(self, n_jets: int, fresh: float) -> None:
        self._unseen = random.sample(range(n_jets), n_jets)
        self._seen: list[int] = []
        self._fresh = fresh

    def next(self) -> tuple[int, bool]:
        """The number of a jet, and whether nobody has opened it."""
        if not self._seen or (self._unseen and random.random() < self._fresh):
            index = self._unseen.pop()
            self._seen.append(index)
            return index, True
        return random.choice(self._seen), False


class Question:
    """The page's own request for an explanation, as its description of the callback says."""

    def __init__(self, dependencies: list[dict[str, Any]], rule: str) -> None:
        (found,) = [
            one
            for one in dependencies
            if "scene-data.data" in one["output"] and one["clientside_function"] is None
        ]
        names = [part.rsplit(".", 1) for part in found["output"].strip(".").split("...")]
        self._fixed = {
            "output": found["output"],
            "outputs": [{"id": name, "property": what} for name, what in names],
            "changedPropIds": ["chosen.data"],
            "state": [[] if "ALL" in one["id"] else one for one in found["state"]],
        }
        self._inputs = found["inputs"]
        self._values = {"target": "margin", "rule": rule}

    def body(self, index: int) -> bytes:
        """The request about one jet."""
        values = {**self._values, "chosen": index}
        inputs = [
            [] if "ALL" in one["id"] else {**one, "value": values.get(one["id"])}
            for one in self._inputs
        ]
        return json.dumps({**self._fixed, "inputs": inputs}).encode()


async def use(
    number: int, client: httpx.AsyncClient, question: Question, jets: Jets, told: Told, until: float
) -> None:
    """One user, until the time is over."""
    headers = {"X-Forwarded-User": f"user-{number}", "Accept-Encoding": "gzip"}

    async def ask(kind: str, method: str, path: str, must_hold: bytes = b"", **how: Any) -> None:
        began = time.perf_counter()
        try:
            answer = await client.request(
                method, path, headers=headers | how.pop("more", {}), **how
            )
        except httpx.HTTPError as error:
            told.errors[f"{kind}: {type(error).__name__}"] += 1
            return
        if answer.status_code != 200:
            told.errors[f"{kind}: status {answer.status_code}"] += 1
        elif must_hold not in answer.content:
            told.errors[f"{kind}: an answer without an explanation"] += 1
        else:
            told.seconds[kind].append(time.perf_counter() - began)

    await asyncio.sleep(random.uniform(0, THINK))
    await ask("page", "GET", "/")
    await ask("layout", "GET", "/_dash-layout")
    while True:
        await asyncio.sleep(min(random.expovariate(1 / THINK), 6 * THINK))
        if time.monotonic() > until:
            return
        if random.random() < LIST_SHARE:
            offset = 100 * random.randrange(10)
            await ask("list", "GET", f"/api/v1/jets?limit=100&sort=-score&offset={offset}")
            continue
        index, fresh = jets.next()
        await ask(
            "explanation, new" if fresh else "explanation, again",
            "POST",
            "/_dash-update-component",
            b'"scene-data":{"data":{',
            content=question.body(index),
            more={"content-type": "application/json"},
        )


def memory(process: psutil.Process) -> tuple[int, int]:
    """Proportional memory of a server's processes in bytes, and how many processes these are."""
    total, count = 0, 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
            count += 1
        except psutil.Error:
            continue
    return total, count


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def measure(address: str, process: psutil.Process, given: argparse.Namespace) -> int:
    limits = httpx.Limits(max_connections=None, keepalive_expiry=4.0)
    async with httpx.AsyncClient(
        base_url=address, timeout=60.0, limits=limits, trust_env=False
    ) as client:
        health = (await client.get("/api/v1/health")).json()
        choices = (await client.get("/api/v1/choices")).json()
        dependencies = (await client.get("/_dash-dependencies")).json()
        question = Question(dependencies, choices["defaults"]["rule"]["name"])
        jets = Jets(health["jets"]["n_jets"], given.fresh)
        told = Told()
        began = time.monotonic()
        until = began + given.seconds
        users = asyncio.gather(
            *(use(n, client, question, jets, told, until) for n in range(given.users))
        )
        await asyncio.sleep(given.seconds / 2)
        early, _ = memory(process)
        await users
        late, _ = memory(process)
        took = time.monotonic() - began
    await asyncio.sleep(given.rest)
    rest, processes = memory(process)
    return report(told, given, took, (early, late, rest, processes))


def report(
    told: Told, given: argparse.Namespace, took: float, sizes: tuple[int, int, int, int]
) -> int:
    early, late, rest, processes = sizes
    print(f"{given.users} users, {given.think:g} s mean think time, {took:.0f} s,", end=" ")
    print(f"{os.cpu_count()} cores\n")
    print(f"{'':20} {'answers':>8} {'median':>8} {'p95':>8} {'p99':>8} {'longest':>8}")
    explained = [*told.seconds["explanation, new"], *told.seconds["explanation, again"]]
    rows = {
        **{kind: told.seconds[kind] for kind in sorted(told.seconds)},
        "explanations": explained,
    }
    for kind, values in rows.items():
        if values:
            shares = (quantile(values, share) for share in (0.5, 0.95, 0.99, 1.0))
            print(f"{kind:20} {len(values):8d}", *(f"{1000 * s:5.0f} ms" for s in shares))
    answers = sum(len(values) for values in told.seconds.values())
    fresh = len(told.seconds["explanation, new"]) / max(1, len(explained))
    p95 = quantile(explained, 0.95) if explained else float("inf")
    print(f"\n{answers / took:.1f} answers a second; {100 * fresh:.0f} % of the jets were new")
    print(f"memory of {processes} processes: {early / MB:.0f} MB after the first half,", end=" ")
    print(f"{late / MB:.0f} MB at the end, {rest / MB:.0f} MB {given.rest:.0f} s later")
    for what, times in told.errors.most_common():
        print(f"{times} x {what}")
    goals = {
        "no errors": not told.errors,
        f"p95 of an explanation {p95:.2f} s, at most {GOAL_P95:g} s": p95 <= GOAL_P95,
        "at least half of the jets new": fresh >= 0.5,
        "memory flat": rest <= GOAL_GROWTH * early,
    }
    for what, met in goals.items():
        print(f"{'met' if met else 'NOT MET'}: {what}")
    return 0 if all(goals.values()) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--think", type=float, default=5.0)
    parser.add_argument("--fresh", type=float, default=0.65, help="share of jets nobody has opened")
    parser.add_argument("--rest", type=float, default=REST_SECONDS)
    parser.add_argument("options", nargs="*", help="of jetlrp serve --production, after --")
    given = parser.parse_args()
    global THINK
    THINK = given.think
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                [*COMMAND, "--port", str(port), *given.options],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "JETLRP_CACHE_FOLDER": str(Path(folder) / "cache"),
                    "JETLRP_SERVICE_PORT": "0",
                },
            )
        try:
            address, until = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
            while b"ready after" not in log.read_bytes():
                if server.poll() is not None or time.monotonic() > until:
                    print(log.read_text("utf-8"))
                    return 2
                time.sleep(0.2)
            return asyncio.run(measure(address, psutil.Process(server.pid), given))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)


THINK = 5.0

if __name__ == "__main__":
    sys.exit(main())
