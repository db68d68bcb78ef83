"""The file of jets: ROOT, the branches of HiggsToBBNtuple, and a hash of what is in it.

    python -m lrp_core.simulation.jet_file A.root B.root

prints the hash of each and fails if they differ: whether two files hold the same arrays.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from lrp_core.simulation.block import Jets

TREE = "deepntuplizer/tree"
PROVENANCE = "provenance"
CHUNK_JETS = 100
"""Jets written at a time: one basket of every branch, which is what reading one jet costs."""

GROUPS = ("trackBTag", "track")


class JetFile:
    """A ROOT file that is being written, chunk by chunk.

    Written under a name that ends in ``.part`` and given its own on closing, with what is known of
    its making beside the tree (JSON). Closing a file without jets leaves no file.
    """

    def __init__(self, path: Path) -> None:
        import uproot

        self.path = path
        self.n_jets = 0
        self.provenance: dict[str, Any] = {}
        self._part = path.with_name(path.name + ".part")
        self._file = uproot.recreate(self._part, compression=uproot.ZLIB(4))
        self._started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._started:
            self._file[PROVENANCE] = json.dumps(self.provenance, sort_keys=True)
        self._file.close()
        if self._started:
            self._part.replace(self.path)
        else:
            self._part.unlink(missing_ok=True)

    def write(self, jets: Jets) -> None:
        """Add jets to the file."""
        chunk = branches(jets)
        if not self._started:
            self._file.mktree(TREE, {name: values_type(values) for name, values in chunk.items()})
            self._started = True
        self._file[TREE].extend(chunk)
        self.n_jets += len(jets)


def branches(jets: Jets) -> dict[str, Any]:
    """What uproot writes for these jets: one group of jagged arrays for each prefix of a branch."""
    import awkward as ak

    grouped: dict[str, dict[str, Any]] = {group: {} for group in reversed(GROUPS)}
    for name, values in jets.per_track.items():
        group = next(group for group in GROUPS if name.startswith(f"{group}_"))
        grouped[group][name.removeprefix(f"{group}_")] = ak.unflatten(values, jets.counts)
    return {group: ak.zip(arrays) for group, arrays in grouped.items()} | dict(jets.per_jet)


def values_type(values: Any) -> Any:
    """What ``mktree`` wants to know of a branch: a number type, or the type of a jagged array."""
    import awkward as ak

    return values.dtype if isinstance(values, np.ndarray) else ak.type(values).content


def content_hash(path: str | Path, tree: str = TREE) -> str:
    """SHA-256 over the names and values of all branches of a file's tree.

    The bytes of a ROOT file hold the time of writing; this does not.
    """
    import awkward as ak
    import uproot

    digest = hashlib.sha256()
    with uproot.open(path) as file:
        arrays = file[tree].arrays()
    for name in sorted(arrays.fields):
        values = arrays[name]
        digest.update(name.encode())
        if values.ndim > 1:
            digest.update(ak.to_numpy(ak.num(values)).astype("<i8").tobytes())
            values = ak.flatten(values)
        plain = ak.to_numpy(values)
        digest.update(np.ascontiguousarray(plain.astype(plain.dtype.newbyteorder("<"))).tobytes())
    return digest.hexdigest()


def main() -> None:
    """Print the hashes of the files that are given; exit status 1 if they differ."""
    hashes = [content_hash(path) for path in sys.argv[1:]]
    for path, digest in zip(sys.argv[1:], hashes, strict=True):
        sys.stdout.write(f"{digest}  {path}\n")
    sys.exit(len(set(hashes)) > 1)


if __name__ == "__main__":
    main()
