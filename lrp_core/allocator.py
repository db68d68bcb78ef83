"""How glibc's allocator deals with freed memory: it shall keep it for the next jet.

Left alone, glibc gives large arrays back to the system when they are freed and fetches them anew,
page by page, for the next jet: with 118 tracks, that is 10,000 page faults each time. On systems
without glibc nothing happens here.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4  # as malloc.h numbers them
LARGE = 32 << 20  # bytes from which on an array is fetched and given back by itself
KEPT = 128 << 20  # bytes of freed memory that stay with the process, at most


def keep_freed_memory(*, all_of_it: bool = False) -> bool:
    """Have this process keep up to KEPT bytes of freed memory; -> whether it will.

    all_of_it  keep everything, arrays of any size too: for training, which needs it all again
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    if all_of_it:
        wanted = {_MMAP_MAX: 0, _TRIM_THRESHOLD: (1 << 31) - 1, _TOP_PAD: 1 << 28}
    else:
        wanted = {_MMAP_THRESHOLD: LARGE, _TRIM_THRESHOLD: KEPT}
    taken = [mallopt(name, value) for name, value in wanted.items()]
    return all(taken)
