"""How many threads the network may use in this process."""

from __future__ import annotations

import torch


def use_threads(number: int) -> None:
    """Let torch use so many threads for one jet, in this process."""
    torch.set_num_threads(number)
