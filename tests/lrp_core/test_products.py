"""Products by oneDNN and by torch's own library are the same to rounding, for all shapes."""

from __future__ import annotations

import pytest
import torch

from lrp_core import products
from lrp_core.products import FEW, STEP, product, round_up


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("n_rows", [1, FEW - 1, FEW, 3 * FEW + 1])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_a_product_is_what_it_says(
    n_rows: int, dtype: torch.dtype, transposed: bool, with_bias: bool
) -> None:
    draw = torch.Generator().manual_seed(n_rows)
    a = torch.randn(n_rows, 48, generator=draw, dtype=dtype)
    weight = torch.randn(48, 32, generator=draw, dtype=dtype).T
    weight = weight if transposed else weight.contiguous()
    bias = torch.randn(32, generator=draw, dtype=dtype) if with_bias else None
    expected = a.double() @ weight.double().T
    if bias is not None:
        expected = expected + bias
    with torch.inference_mode():
        found = product(a, weight, bias)
    assert found.dtype == dtype
    assert found.shape == (n_rows, 32)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


def test_a_torch_without_onednn_multiplies_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    a, weight = torch.ones(2 * FEW, 3), torch.ones(4, 3)
    monkeypatch.setattr(products, "ONEDNN", None)
    assert product(a, weight).tolist() == [[3.0] * 4] * (2 * FEW)


def test_room_for_rows_comes_in_steps() -> None:
    assert [round_up(n) for n in (1, STEP, STEP + 1)] == [STEP, STEP, 2 * STEP]
