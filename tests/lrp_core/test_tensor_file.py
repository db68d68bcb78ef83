"""Checkpoints that were made to do harm: code, memory, time."""

from __future__ import annotations

import io
import pickle
import pickletools
import resource
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from lrp_core import tensor_file
from lrp_core.checkpoint import load_model
from lrp_core.errors import CheckpointError, DefinitionsError
from lrp_core.pickled import StandIn
from lrp_core.tensor_file import read_tensors
from tests.lrp_core import examples as toys

FIRST = "interactionnetwork.edge_model.edge_mlp.0.weight"


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    path = tmp_path / "columns.yml"
    path.write_text("features:\n" + "".join(f"- {name}\n" for name in toys.COLUMNS))
    return path


def weights() -> dict[str, torch.Tensor]:
    return dict(toys.toy_network().state_dict())


def zipped(content: bytes, *, name: str = "archive/data.pkl", deflated: bool = False) -> bytes:
    """An archive as torch.save writes it, around a pickle that it did not write."""
    file = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, content)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/data/0", b"\0" * 64)
    return file.getvalue()


def storage(n_floats: int) -> bytes:
    """Opcodes: a tensor whose storage says that it has so many numbers."""
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
        b"X\x01\0\0\x000X\x03\0\0\0cpu" + pickle.dumps(n_floats, 2)[2:-1] + b"tQ"
        b"K\0" + pickle.dumps((n_floats,), 2)[2:-1].rstrip(b"q\0") + b"K\x01\x85"
        b"\x89ccollections\nOrderedDict\n)RtR"
    )


CANARIES = {
    "os.system": b"cos\nsystem\n(X%cmdtR.",
    "builtins.exec": b"cbuiltins\nexec\n(X%cmdtR.",
    "in an item": b"}X\x01\0\0\0acos\nsystem\n(X%cmdtRs.",
    "stack_global": b"\x80\x04\x8c\x05posix\x8c\x06system\x93(X%cmdtR.",
    "inst": b"(X%cmdios\nsystem\n.",
    "obj": b"(cos\nsystem\nX%cmdo.",
    "build": b"ctorch._utils\n_rebuild_tensor_v2\n}X\x01\0\0\0xcos\nsystem\n(X%cmdtRsb.",
}


@pytest.mark.parametrize("kind", CANARIES)
@pytest.mark.parametrize("old", [False, True])
def test_a_malicious_pickle_does_not_run(
    kind: str, old: bool, tmp_path: Path, definitions: Path
) -> None:
    canary = tmp_path / "canary"
    command = (
        f"touch {canary}"
        if "exec" not in kind
        else f"__import__('pathlib').Path({str(canary)!r}).touch()"
    )
    text = len(command).to_bytes(4, "little") + command.encode()
    code = CANARIES[kind].replace(b"%cmd", text)
    if not code.startswith(b"\x80"):
        code = b"\x80\x02" + code
    pickle.loads(code)  # so that it is known to do harm where it is unpickled
    assert canary.exists()
    canary.unlink()
    path = tmp_path / "weights.pth"
    path.write_bytes(code if old else zipped(code))
    with pytest.raises(CheckpointError, match=r"weights\.pth"):
        load_model(path, definitions)
    assert not canary.exists()


def test_what_stands_in_for_an_object_does_nothing(tmp_path: Path) -> None:
    """Also where a library has told torch that its own class is safe."""
    canary = tmp_path / "canary"

    class Trap:
        def __init__(self, *_: Any) -> None:
            canary.touch()

        def __setstate__(self, state: Any) -> None:
            canary.touch()

    Trap.__module__, Trap.__qualname__ = "traps", "Trap"
    path = tmp_path / "weights.pth"
    with torch.serialization.safe_globals([Trap]):
        before = torch.serialization.get_safe_globals()
        for code in (b"ctraps\nTrap\n)R", b"ctraps\nTrap\n)\x81}b"):
            path.write_bytes(zipped(b"\x80\x02}X\x01\0\0\0a" + code + b"s."))
            assert isinstance(read_tensors(path)["a"], StandIn)
        assert set(torch.serialization.get_safe_globals()) == set(before)
    assert not canary.exists()


def test_there_may_be_only_so_many_names(tmp_path: Path, definitions: Path) -> None:
    path = tmp_path / "weights.pth"
    names = b"".join(b"cmany\nClass%d\n0" % number for number in range(1001))
    path.write_bytes(zipped(b"\x80\x02" + names + b"}."))
    with pytest.raises(CheckpointError, match="endless"):
        load_model(path, definitions)


def test_a_safetensors_file_has_a_bounded_header_and_size(
    tmp_path: Path, definitions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.safetensors"
    save_file(weights(), path)
    good = path.read_bytes()
    load_model(path, definitions)
    for name in ("MOST_HEADER", "MOST_BYTES"):
        with monkeypatch.context() as patched:
            patched.setattr(tensor_file, name, 100)
            with pytest.raises(CheckpointError, match="100 bytes"):
                read_tensors(path)
    # what a header promises and the file has not
    for found, wrong in ((b'"shape":[8,10]', b'"shape":[8,99]'), (b'"F32"', b'"F64"')):
        assert found in good
        path.write_bytes(good.replace(found, wrong))
        with pytest.raises(CheckpointError, match="damaged safetensors"):
            read_tensors(path)


def test_tensors_larger_than_their_file_take_no_memory(tmp_path: Path, definitions: Path) -> None:
    path = tmp_path / "weights.pth"
    for n_floats in (17, 10**6, 10**13, 2**62):
        pickled = b"\x80\x02" + storage(n_floats) + b"."
        pickletools.dis(pickled, io.StringIO())
        path.write_bytes(zipped(pickled))
        with pytest.raises(CheckpointError, match=r"promises|not a readable"):
            read_tensors(path)
    # one number, shown as a matrix that would fill the memory as soon as a network is made for it
    wide = torch.zeros(1).expand(10**9, 10)
    torch.save({**weights(), FIRST: wide}, path)
    with pytest.raises(CheckpointError, match="no plain array"):
        load_model(path, definitions)
    # real numbers, few of them, that belong to a network of 10^12
    torch.save({**weights(), FIRST: torch.zeros(10**6, 2)}, path)
    one = definitions.with_name("one.yml")
    one.write_text("features: [track_pt]\n")
    with pytest.raises(CheckpointError, match="has shape"):
        load_model(path, one)
    for nothing in (torch.zeros(0, 10), torch.zeros(8, 0)):
        torch.save({**weights(), FIRST: nothing}, path)
        with pytest.raises(CheckpointError, match="expected"):
            load_model(path, definitions)


@pytest.mark.skipif(sys.platform != "linux", reason="how much memory is taken is told by Linux")
def test_bombs_do_not_fill_the_memory(tmp_path: Path) -> None:
    """A process that may take 2 GiB is told no, and does not die."""
    bomb = zipped(b"\0" * (300 << 20), deflated=True)
    assert len(bomb) < 1 << 20
    (tmp_path / "zip.pth").write_bytes(bomb)
    (tmp_path / "storage.pth").write_bytes(zipped(b"\x80\x02" + storage(10**11) + b"."))
    memo = b"\x80\x02N" + b"r" + (2**31).to_bytes(4, "little") + b"."
    (tmp_path / "memo.pth").write_bytes(zipped(memo))
    (tmp_path / "memo_old.pth").write_bytes(memo)
    code = (
        "import pathlib, re, sys\n"
        "from lrp_core.errors import CheckpointError\n"
        "from lrp_core.tensor_file import read_tensors\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.pth')):\n"
        "    try:\n"
        "        print(path.name, type(read_tensors(path)))\n"
        "    except CheckpointError as error:\n"
        "        print(path.name, 'refused')\n"
        # ru_maxrss would have the memory of the tests as well, from before exec
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(int(re.search('VmHWM:[^0-9]*([0-9]+)', status)[1]) // 1024)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30)),
    )
    assert ran.returncode == 0, ran.stderr
    *lines, most = ran.stdout.split("\n")[:-1]
    assert "zip.pth refused" in lines
    assert "storage.pth refused" in lines
    assert int(most) < 1500, "MiB"


def test_an_archive_may_unpack_to_a_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(weights(), path)
    read_tensors(path)
    monkeypatch.setattr(tensor_file, "MOST_BYTES", 2_000)
    with pytest.raises(CheckpointError, match="may have 2,000 bytes"):
        read_tensors(path)


@pytest.mark.parametrize("old", [False, True])
def test_what_would_take_for_ever(old: bool, tmp_path: Path, definitions: Path) -> None:
    path = tmp_path / "weights.pth"

    def written(pickled: bytes) -> Path:
        path.write_bytes(pickled if old else zipped(pickled))
        return path

    # a key of tuples within tuples, each of them twice: hashing it takes 2^100 steps
    key = b")" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(100))
    with pytest.raises(CheckpointError, match="endless"):
        load_model(written(b"\x80\x02}" + key + b"K\x01s."), definitions)
    # a dict that holds itself, and dicts that hold each other twice
    for pickled in (
        b"\x80\x02}q\0X\x01\0\0\0ah\0s.",
        b"\x80\x02}"
        + b"".join(b"q%c}X\x01\0\0\0ah%csX\x01\0\0\0bh%cs" % (n, n, n) for n in range(60))
        + b".",
    ):
        with pytest.raises(CheckpointError):
            load_model(written(pickled), definitions)


@pytest.mark.parametrize(
    "odd",
    [
        torch.zeros(8, 10).to_sparse(),
        torch.zeros(8, 10, device="meta"),
    ],
    ids=["sparse", "meta"],
)
def test_tensors_that_are_no_plain_arrays(odd: Any, tmp_path: Path, definitions: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({**weights(), FIRST: odd}, path)
    with pytest.raises(CheckpointError):
        load_model(path, definitions)


@pytest.mark.parametrize(
    "text",
    [
        "features: [track_pt]\nwhen: 2026-99-99",
        "features: " + "9" * 5000,
        "features: " + "[" * 20000,
        "a: &a [x,x]\nb: &b [*a,*a]\nfeatures: [*b,*b]",
        "#" * (2 << 20),
    ],
)
def test_definitions_that_were_made_to_do_harm(text: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(weights(), path)
    (tmp_path / "definitions.yml").write_text(text)
    with pytest.raises(DefinitionsError, match=r"definitions\.yml"):
        load_model(path)
