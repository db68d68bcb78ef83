"""Freed memory stays with the process once it is told so, counted in page faults."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PR_SET_THP_DISABLE = 41
CODE = f"""
import ctypes, resource, sys
ctypes.CDLL(None).prctl({PR_SET_THP_DISABLE}, 1, 0, 0, 0)  # a huge page is one fault for 512
import numpy as np
from lrp_core.allocator import keep_freed_memory

if sys.argv[1] != "not":
    assert keep_freed_memory(all_of_it=sys.argv[1] == "all")
for _ in range(3):
    [np.ones(3 << 20) for _ in range(3)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    [np.ones(3 << 20) for _ in range(3)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(kept: str) -> int:
    own = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")  # another allocator, or this one otherwise
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    ran = subprocess.run(
        [sys.executable, "-c", CODE, kept],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="an allocator other than glibc's")
def test_freed_memory_is_kept() -> None:
    left_alone, kept, all_kept = faults("not"), faults("some"), faults("all")
    assert left_alone > 1000
    assert kept < left_alone / 10
    assert all_kept < left_alone / 10
