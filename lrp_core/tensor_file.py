"""Tensors and plain data out of a file that torch.save wrote, without trusting whoever wrote it.

Nothing is unpickled but tensors, numbers of numpy and plain data, so no code of the file runs.
Sizes are looked at first: of the archive before anything is unpacked, of the tensors before memory
is taken for them. Torch still reads the file by itself; this keeps it from being led astray.
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from lrp_core.errors import CheckpointError

MOST_BYTES = 256 << 20  # of a file, unpacked
MOST_RECORDS = 20_000  # files in the archive
MOST_NESTED = 10_000  # tuples in tuples: hashing them takes as long as they are spelled out
STORED_BEFORE_ZIP = 4  # pickles at the head of a file of the old format
EXPECTED = "expected a state dict written by torch.save"


def read_tensors(path: Path) -> Any:
    """What a file holds: dicts, lists and numbers, with tensors in them.

    Raises CheckpointError saying what was found and what was expected.
    """
    size = _unpacked_bytes(path)
    try:
        with torch.serialization.safe_globals(_numpy_data()):
            with FakeTensorMode():  # tensors without memory: what the file says they are
                promised = torch.load(path, map_location="cpu", weights_only=True)
            _check_promise(path, promised, size)
            return torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged file makes torch raise almost anything
        raise _refusal(path, error) from error


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is an array of numbers with memory of its own for each of them."""
    return (
        type(tensor) in (Tensor, nn.Parameter)
        and tensor.layout == torch.strided
        and not tensor.is_quantized
        and not tensor.is_meta
        and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    )


def tensors_in(content: Any) -> Iterator[Tensor]:
    """Every tensor in ``content``, however deep, once."""
    seen: set[int] = set()
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Tensor):
            yield item
        elif isinstance(item, Mapping):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple | set):
            waiting.extend(item)


def _unpacked_bytes(path: Path) -> int:
    """How many bytes the file unpacks to, once what it unpacks to is known to be harmless."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise _too_large(path, size)
    with path.open("rb") as file:
        start = file.read(2)
        file.seek(0)
        if start == b"PK":
            try:
                with zipfile.ZipFile(file) as archive:
                    records = archive.infolist()
                    size = sum(record.file_size for record in records)
                    if size > MOST_BYTES or len(records) > MOST_RECORDS:
                        raise _too_large(path, size)
                    pickles = [r for r in records if r.filename.rpartition("/")[2] == "data.pkl"]
                    for record in pickles:
                        _look_through(path, archive.read(record), 1)
            except CheckpointError:
                raise
            except Exception as error:  # of what is damaged: BadZipFile, zlib.error, ValueError, …
                raise _refusal(path, error) from error
        elif start[:1] == b"\x80":  # as torch.save wrote until 2020
            _look_through(path, file.read(), STORED_BEFORE_ZIP)
        else:
            raise CheckpointError(f"{path}: is no checkpoint: it begins with {start!r}; {EXPECTED}")
    return size


def _check_promise(path: Path, promised: Any, size: int) -> None:
    """Refuse tensors that take more memory than their file has bytes."""
    storages: dict[int, int] = {}
    for tensor in tensors_in(promised):
        if tensor.layout == torch.strided:
            storage = tensor.untyped_storage()
            storages[storage._cdata] = storage.nbytes()
    needed = sum(storages.values())
    if needed > size:
        raise CheckpointError(
            f"{path}: promises tensors of {needed:,} bytes, but has {size:,} bytes in all; the "
            "file is damaged or made to do harm"
        )


def _refusal(path: Path, error: Exception) -> CheckpointError:
    """What is told of a file that torch cannot read, or does not want to."""
    foreign = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
    if foreign and isinstance(error, pickle.UnpicklingError):
        return CheckpointError(
            f"{path}: holds more than tensors ({foreign[1]}), such as a whole pickled module, "
            "and is not unpickled because that can run foreign code. If you trust it, convert "
            f"it once: torch.save(torch.load({str(path)!r}, weights_only=False).state_dict(), "
            "'weights.pth'); of a training dict, save its state dict alone"
        )
    damaged = isinstance(error, pickle.UnpicklingError)
    lines = ["no pickle of tensors"] if damaged else str(error).splitlines()
    reason = (lines or [type(error).__name__])[0]
    return CheckpointError(f"{path}: is not a readable checkpoint ({reason}); {EXPECTED}")


def _too_large(path: Path, size: int) -> CheckpointError:
    return CheckpointError(
        f"{path}: unpacks to {size:,} bytes or to very many files; a checkpoint may have "
        f"{MOST_BYTES:,} bytes. Save the state dict alone, without the optimizer's"
    )


def _look_through(path: Path, data: bytes, pickles: int) -> None:
    """Refuse pickles that would keep torch busy for ever; what else is wrong, torch tells."""
    stream = io.BytesIO(data)
    for _ in range(pickles):
        try:
            _Dry(stream).load()
        except _TooNestedError as error:
            raise CheckpointError(
                f"{path}: holds tuples within tuples that are endless to read; {EXPECTED}"
            ) from error
        except Exception:
            return


class _TooNestedError(Exception):
    """Tuples within tuples, of which there are more than any network has."""


class _Nothing:
    """Stands where a pickle wants an object made; it takes everything and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        pass

    def extend(self, items: Any) -> None:
        pass


_Unpickler: Any = pickle._Unpickler  # the one written in Python


class _Dry(_Unpickler):  # type: ignore[misc]
    """Goes through a pickle without making or calling anything that it names."""

    dispatch: ClassVar[dict[int, Any]] = dict(_Unpickler.dispatch)

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.weights: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used twice

    def find_class(self, module: str, name: str) -> Any:
        return _Nothing

    def persistent_load(self, pid: Any) -> Any:
        return None

    def weigh(self) -> None:
        """Count the tuples that the newest one is made of."""
        newest = self.stack[-1]
        weight = 1 + sum(self.weights.get(id(item), 0) for item in newest)
        if weight > MOST_NESTED:
            raise _TooNestedError
        self.weights[id(newest)] = weight
        self.kept.append(newest)


def _weighed(code: int) -> Any:
    make = _Unpickler.dispatch[code]

    def load(self: _Dry) -> None:
        make(self)
        self.weigh()

    return load


for _code in (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3):
    _Dry.dispatch[_code[0]] = _weighed(_code[0])


def _numpy_data() -> list[Any]:
    """What numbers and arrays of numpy are unpickled with, as torch wants it: data and no code.

    Training dicts hold them, such as the best score so far; numpy 1 wrote another module name.
    """
    makers = {
        "scalar": np.float64(0).__reduce__()[0],
        "_reconstruct": np.zeros(0).__reduce__()[0],
    }
    known: list[Any] = [np.dtype, np.ndarray, *{type(np.dtype(code)) for code in "?bhilqBHILQefd"}]
    for core in ("numpy.core", "numpy._core"):
        known += [(maker, f"{core}.multiarray.{name}") for name, maker in makers.items()]
    return known
