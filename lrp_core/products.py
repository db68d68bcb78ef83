"""Products of matrices, the bulk of what a network computes, by the faster library torch has.

On the processor torch multiplies float32 matrices with MKL, which does not use all of a processor
that is not Intel's: on AMD's Zen 5, oneDNN is twice as fast. torch has oneDNN as well, and its
compiler calls it by the operation below; where that is missing, MKL does the same, to rounding.
Few rows are left to MKL, whose calls take less time to begin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

FEW = 64  # rows
STEP = 16  # rows: oneDNN prepares itself, in 0.2 ms, for every number of rows that it meets


def _onednn() -> Callable[..., Tensor] | None:
    """oneDNN's product, None where this torch is without."""
    operations: Any = torch.ops.mkldnn
    if not (torch.backends.mkldnn.is_available() and hasattr(operations, "_linear_pointwise")):
        return None
    found: Callable[..., Tensor] = operations._linear_pointwise.default
    return found


ONEDNN = _onednn()


def product(a: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """a W^T + b, without gradients: a [n, n_in], weight [n_out, n_in], bias [n_out] -> [n, n_out].

    The weight lies in one piece, or its transpose does: oneDNN is very slow otherwise. The same
    number of rows again is faster than another one (``round_up``).
    """
    if ONEDNN and a.shape[0] >= FEW and a.dtype == torch.float32 and a.device.type == "cpu":
        return ONEDNN(a, weight, bias, "none", [], "")
    return linear(a, weight, bias)


def round_up(n_rows: int) -> int:
    """The number of rows to make room for, so that not too many different ones come up."""
    return -(-n_rows // STEP) * STEP
