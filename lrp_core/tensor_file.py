"""Tensors and plain data out of a file that torch.save or safetensors wrote, without trusting it.

Nothing is unpickled but tensors and plain data; stand-ins take the place of everything else
(``pickled.py``), so no code of the file runs. Sizes are looked at first: of the archive before
anything is unpacked, of the tensors before memory is taken for them. Torch still reads the file by
itself; this keeps it from being led astray.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from lrp_core.errors import CheckpointError
from lrp_core.file_kind import PICKLE, SAFETENSORS, ZIP, FileKind, kind_of
from lrp_core.pickled import MAGIC_NUMBER, PROTOCOL, EndlessError, ForeignCallError, Look

MOST_BYTES = 256 << 20  # of a file, unpacked
MOST_RECORDS = 20_000  # files in the archive
MOST_HEADER = 16 << 20  # bytes of the names and shapes in a safetensors file
STORED_BEFORE_ZIP = 4  # pickles at the head of a file of the old format
LONGEST_REASON = 160  # letters of what torch says
NAMED = 4  # foreign classes that a refusal names
EXPECTED = "expected a state dict written by torch.save, or a safetensors file"

_ONE_AT_A_TIME = Lock()  # what torch may make is known to the whole process


def read_tensors(path: Path) -> Any:
    """What a file holds: dicts, lists and numbers, with tensors in them, and stand-ins.

    Raises CheckpointError saying what was found and what was expected.
    """
    kind = kind_of(path)
    if path.stat().st_size > MOST_BYTES:
        raise _too_large(path, path.stat().st_size)
    if kind == SAFETENSORS:
        return _read_safetensors(path)
    size, look = _look(path, kind)
    if look.content is not None and PROTOCOL < look.protocol <= pickle.HIGHEST_PROTOCOL:
        raise CheckpointError(
            f"{path}: holds a pickle of protocol {look.protocol}, of which torch reads nothing "
            f"without running it; save it again as torch.save does. {_conversion(path, look)}"
        )
    try:
        with _nothing_made_but(look.stand_ins()):
            with FakeTensorMode():  # tensors without memory: what the file says they are
                promised = torch.load(path, map_location="cpu", weights_only=True)
            _check_promise(path, promised, size)
            return torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged file makes torch raise almost anything
        raise _refusal(path, error, look) from error


@contextmanager
def _nothing_made_but(stand_ins: list[Any]) -> Iterator[None]:
    """Torch makes its own tensors and these, and not what libraries have told it is safe."""
    with _ONE_AT_A_TIME:
        others = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(stand_ins)
        try:
            yield
        finally:
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(others)


def holds_more(path: Path) -> CheckpointError:
    """What is told of a file whose network is a whole pickled object."""
    look = _look(path, kind_of(path))[1]
    return _holds_more(path, look.foreign, look)


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


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, which holds nothing that could run; its notes are left."""
    data = path.read_bytes()
    try:
        if int.from_bytes(data[:8], "little") > MOST_HEADER:
            raise ValueError(f"its header has more than {MOST_HEADER:,} bytes")
        return safetensors.torch.load(data)
    except Exception as error:  # of what is damaged: SafetensorError, ValueError, KeyError, …
        raise CheckpointError(
            f"{path}: is a damaged safetensors file ({error}); copy or write it again"
        ) from error


def _look(path: Path, kind: FileKind | None) -> tuple[int, Look]:
    """How many bytes a file unpacks to, and what its pickles name.

    Raises CheckpointError where it is no file of torch, or would take memory or time without end.
    """
    if kind == ZIP:
        return _look_into_archive(path)
    if kind == PICKLE:  # as torch.save wrote until 2020
        look = Look()
        data = path.read_bytes()
        _look_through(path, look, data, STORED_BEFORE_ZIP)
        if look.first is not None and look.first != MAGIC_NUMBER:
            raise CheckpointError(
                f"{path}: is a Python pickle that torch.save did not write, and is not unpickled "
                f"because that can run foreign code; {EXPECTED}. If you trust it, unpickle it in "
                "Python and write its state dict with torch.save"
            )
        return len(data), look
    if kind is not None:
        raise CheckpointError(f"{path}: is {kind.name}; {EXPECTED}. {_sentence(kind.advice)}")
    with path.open("rb") as file:
        start = file.read(8)
    raise CheckpointError(f"{path}: is no checkpoint: it begins with {start!r}; {EXPECTED}")


def _look_into_archive(path: Path) -> tuple[int, Look]:
    """How many bytes the archive unpacks to, once what it unpacks to is known to be harmless."""
    look = Look()
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
            size = sum(record.file_size for record in records)
            if size > MOST_BYTES or len(records) > MOST_RECORDS:
                raise _too_large(path, size)
            names = {record.filename.rpartition("/")[2] for record in records}
            if "constants.pkl" in names:
                raise CheckpointError(
                    f"{path}: is a TorchScript archive, a program with its weights, and is not "
                    "run. If you trust it, convert it once: "
                    f"torch.save(torch.jit.load({str(path)!r}).state_dict(), 'weights.pth')"
                )
            if "data.pkl" not in names:
                raise CheckpointError(f"{path}: is {_archive(names)}; {EXPECTED}")
            for record in records:
                if record.filename.rpartition("/")[2] == "data.pkl":
                    _look_through(path, look, archive.read(record), 1)
    except CheckpointError:
        raise
    except Exception as error:  # of what is damaged: BadZipFile, zlib.error, ValueError, …
        raise _refusal(path, error, look) from error
    return size, look


def _sentence(advice: str) -> str:
    return advice[:1].upper() + advice[1:]


def _archive(names: set[str]) -> str:
    """What an archive is by the names of the files in it."""
    if any(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz)"
    if "model.weights.h5" in names:
        return "a Keras archive (.keras)"
    return "a ZIP archive of other files, which may have the checkpoint in it"


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


def _refusal(path: Path, error: Exception, look: Look) -> CheckpointError:
    """What is told of a file that torch cannot read, or does not want to."""
    blocked = re.search(r"unsupported GLOBAL (\S+)", str(error))
    if isinstance(error, ForeignCallError):
        foreign = [*dict.fromkeys([error.name, *look.foreign])]
    elif blocked and isinstance(error, pickle.UnpicklingError):
        foreign = [*dict.fromkeys([blocked[1], *look.foreign])]
    else:
        foreign = look.foreign
    if foreign:
        return _holds_more(path, foreign, look)
    damaged = isinstance(error, pickle.UnpicklingError)
    lines = ["no pickle of tensors"] if damaged else str(error).splitlines()
    reason = (lines or [type(error).__name__])[0][:LONGEST_REASON]
    return CheckpointError(f"{path}: is not a readable checkpoint ({reason}); {EXPECTED}")


def _holds_more(path: Path, foreign: list[str], look: Look) -> CheckpointError:
    more = f" and {len(foreign) - NAMED} more" if len(foreign) > NAMED else ""
    names = ", ".join(name if name.isprintable() else ascii(name) for name in foreign[:NAMED])
    return CheckpointError(
        f"{path}: holds more than tensors ({names}{more}), such as a whole pickled module, and is "
        f"not unpickled because that can run foreign code. {_conversion(path, look)}"
    )


def _conversion(path: Path, look: Look) -> str:
    """The line that makes a file of tensors out of one that is not read."""
    way = look.way_to_weights()
    line = f"torch.load({str(path)!r}, map_location='cpu', weights_only=False)"
    if way is None:
        return (
            f"If you trust it, load it with {line} where its classes can be imported, and write "
            "the state dict in it with torch.save"
        )
    return f"If you trust it, convert it once: torch.save({line}{way}, 'weights.pth')"


def _too_large(path: Path, size: int) -> CheckpointError:
    return CheckpointError(
        f"{path}: unpacks to {size:,} bytes or to very many files; a checkpoint may have "
        f"{MOST_BYTES:,} bytes. Save the state dict alone, without the optimizer's"
    )


def _look_through(path: Path, look: Look, data: bytes, pickles: int) -> None:
    """Refuse pickles that would keep torch busy for ever; what else is wrong, torch tells."""
    try:
        look.through(data, pickles)
    except EndlessError as error:
        raise CheckpointError(
            f"{path}: holds tuples within tuples, or names, that are endless to read; {EXPECTED}"
        ) from error
