"""What a ROOT file stores of every jet: the branches of a TTree, the fields of an RNTuple.

    branches = branches_of(tree)                  # name -> uproot's TBranch or RField
    describe("track_pt", branches["track_pt"])    # its type, whether it is a list, its baskets

A field of a record has its full name, ``tracks.pt``, and so has a branch whose own name another one
has, too. What uproot cannot describe is a branch like any other, only none of numbers: nothing but
a fault of the source leaves ``describe``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lrp_core.errors import JetFileError

LISTED = 12  # names in a message
PACKED_LEAVES = {"TLeafF16": "Float16_t", "TLeafD32": "Double32_t"}
IMPORTED = re.compile(r"_collection\d+\.")  # what ROOT's RNTupleImporter puts before a name


@dataclass(frozen=True, eq=False)
class Branch:
    """What a file stores of every jet under one name.

    dtype      type of the numbers; None if it holds anything else
    is_list    a list of them per jet, not one
    edges      first jet of each basket, and the end [n_baskets + 1]
    jet_bytes  mean size of one jet, uncompressed
    size       size of all of it in the file
    counter    the branch that holds the lengths of the lists, if there is one
    source     uproot's TBranch or RField
    claimed    what the baskets say they hold, in bytes [n_baskets]; None: told when they are read
    path       names that lead to its values in the arrays of a tree
    length     of the list of every jet, where all are of one length by their type
    """

    name: str
    typename: str
    dtype: np.dtype[Any] | None
    is_list: bool
    edges: npt.NDArray[np.int64]
    jet_bytes: float
    size: int
    counter: Branch | None
    source: Any
    claimed: npt.NDArray[np.float64] | None = None
    path: tuple[str, ...] = ()
    length: int | None = None

    @property
    def is_number(self) -> bool:
        return self.dtype is not None and not self.is_list

    def baskets(self, start: int, stop: int) -> tuple[int, int]:
        """The range of jets held by the baskets of the jets ``start`` to ``stop`` - 1."""
        first, end = self.basket_numbers(start, stop)
        return int(self.edges[first]), int(self.edges[end])

    def basket_numbers(self, start: int, stop: int) -> tuple[int, int]:
        """The first of these baskets, and the one behind the last."""
        last = len(self.edges) - 1
        first = max(min(int(np.searchsorted(self.edges, start, "right")), last) - 1, 0)
        return first, min(int(np.searchsorted(self.edges, stop - 1, "right")), last)

    def claims(self, start: int, stop: int) -> int:
        """Bytes that the baskets of these jets say they hold; 0 where it is not known yet."""
        if self.claimed is None:
            return 0
        return int(self.claimed[slice(*self.basket_numbers(start, stop))].sum())


def branches_of(tree: Any) -> dict[str, Any]:
    """Every branch of a TTree or field of an RNTuple by its name, also those within others."""
    found: dict[str, Any] = {}
    deeper: dict[str, Any] = {}
    for path, source in tree.iteritems(recursive=True, full_paths=True):
        if _is_branch(source):
            if source.name in found:
                deeper.setdefault(path.replace("/", "."), source)
            else:
                found[source.name] = source
        elif source.path is not None:  # None within a std::variant, which is no list of numbers
            if IMPORTED.match(source.path):
                deeper[source.path] = source
            else:
                found[source.path] = source
    for name, source in deeper.items():
        # ROOT's importer shows what it has put into a collection once more, under its own name.
        found.setdefault(IMPORTED.sub("", name), source)
        found.setdefault(name, source)
    return found


def describe(name: str, source: Any) -> Branch:
    """What matters of a TBranch or RField. Raises SourceError where it cannot be looked at."""
    try:
        return _of_branch(name, source) if _is_branch(source) else _of_field(name, source)
    except JetFileError:
        raise
    except Exception:  # uproot meets types that it does not know with errors of any kind
        return _unknown(name, source, _typename(source))


def _is_branch(source: Any) -> bool:
    """Whether it is of a TTree; asked of its type, as a branch may fail when it is asked itself."""
    return hasattr(type(source), "interpretation")


def _of_branch(name: str, source: Any) -> Branch:
    import uproot

    kind = source.interpretation
    is_list = isinstance(kind, uproot.AsJagged)
    dtype = getattr(kind.content if is_list else kind, "to_dtype", None)
    if dtype is None or _is_packed(source, kind):
        return _unknown(name, source, _typename(source))
    length = None
    if dtype.shape != () and not is_list and dtype.names is None:
        length = int(dtype.shape[0])
    if dtype.kind not in "fiub" or dtype.shape != ():
        dtype = None
    counter = source.count_branch
    counted = None
    if counter is not None and counter is not source:
        # What lies in a TClonesArray counts by a branch that counts by itself: not looked into.
        kind_of_counter = counter.interpretation
        if isinstance(kind_of_counter, uproot.AsDtype) and kind_of_counter.to_dtype.kind in "iu":
            counted = Branch(
                name=counter.name,
                typename=counter.typename,
                dtype=kind_of_counter.to_dtype.newbyteorder("="),
                is_list=False,
                counter=None,
                source=counter,
                path=(counter.name,),
                **_extent(counter),
            )
    return Branch(
        name=name,
        typename=source.typename,
        dtype=None if dtype is None else dtype.newbyteorder("="),
        is_list=is_list and dtype is not None,
        counter=counted,
        source=source,
        path=(source.name,),
        length=length,
        **_extent(source),
    )


def _extent(source: Any) -> dict[str, Any]:
    """Where the baskets of a TBranch begin, and how much is in them."""
    return {
        "edges": np.array(source.entry_offsets, dtype=np.int64),
        "jet_bytes": float(source.uncompressed_bytes) / max(int(source.num_entries), 1),
        "size": int(source.compressed_bytes),
    }


def _of_field(name: str, source: Any) -> Branch:
    import awkward as ak

    from lrp_core.root_source import claimed_bytes

    form, below = source.to_akform()
    depth, length = 0, None
    rest = list(below or (source.name,))
    while True:
        if isinstance(form, ak.forms.ListOffsetForm) and not form.parameters:
            depth, form = depth + 1, form.content
        elif isinstance(form, ak.forms.RecordForm) and rest:
            part = rest.pop(0)  # of a tuple, one is there, and under another number
            form = form.content(part) if part in form.fields else form.contents[0]
        else:
            break
    if isinstance(form, ak.forms.RegularForm):
        length = form.size
    dtype = np.dtype(form.primitive) if isinstance(form, ak.forms.NumpyForm) else None
    if dtype is not None and (dtype.kind not in "fiub" or depth > 1):
        dtype = None
    ntuple = source.ntuple
    edges = [int(cluster.num_first_entry) for cluster in ntuple.cluster_summaries]
    edges.append(int(ntuple.num_entries))
    claimed = claimed_bytes(source)
    size = int(claimed.sum())
    return Branch(
        name=name,
        typename=_typename(source),
        dtype=dtype,
        is_list=depth == 1 and dtype is not None,
        edges=np.array(edges, dtype=np.int64),
        jet_bytes=size / max(int(ntuple.num_entries), 1),
        size=size,
        counter=None,
        source=source,
        claimed=claimed,
        path=tuple(source.path.split(".")),
        length=length,
    )


def _unknown(name: str, source: Any, typename: str) -> Branch:
    """A branch of which no number can be read."""
    return Branch(
        name=name,
        typename=typename,
        dtype=None,
        is_list=False,
        edges=np.zeros(1, np.int64),
        jet_bytes=0.0,
        size=0,
        counter=None,
        source=source,
    )


def _is_packed(source: Any, kind: Any) -> bool:
    """Whether numbers are stored in a few bits each, which uproot reads one by one only."""
    import uproot

    leaf = source.member("fLeaves")[0]
    if leaf.classname not in PACKED_LEAVES:
        return False
    ranged = leaf.classname == "TLeafF16" or re.search(r"/\w\[", f"{leaf.member('fTitle')}")
    return bool(ranged) and isinstance(kind, uproot.AsJagged | uproot.AsDtype)


def _typename(source: Any) -> str:
    """The type of a branch in words, as far as its file tells."""
    if not hasattr(source, "member"):  # a field
        own = source.typename or ("a record" if len(source) else "an unnamed type")
        lists = [one.typename or "a collection" for one in _above(source) if _is_collection(one)]
        return f"{own} in {lists[0]}" if lists else str(own)
    try:
        leaves = source.member("fLeaves")
        title = str(leaves[0].member("fTitle"))
        if len(leaves) > 1:
            return f"a list of leaves ({source.title})"
        packed = PACKED_LEAVES.get(leaves[0].classname)
        if packed is not None:
            return packed + title[len(str(leaves[0].member("fName"))) :]
        if leaves[0].classname == "TLeafObject":
            return title
        typename = source.typename
    except JetFileError:
        raise
    except Exception:
        typename = None
    if typename in (None, "unknown"):
        typename = source.member("fClassName", none_if_missing=True) or "a type that is not known"
    return str(typename)


def _above(field: Any) -> Iterable[Any]:
    """The fields that a field lies in, the nearest first."""
    while not field.top_level:
        field = field.parent
        yield field


def _is_collection(field: Any) -> bool:
    import uproot

    return bool(field.record.struct_role == uproot.const.RNTupleFieldRole.COLLECTION)


def tell(branches: Iterable[Branch]) -> str:
    """Branches with their types, those of the same type together: "a and b (float)"."""
    by_type: dict[str, list[str]] = {}
    for branch in branches:
        by_type.setdefault(branch.typename, []).append(branch.name)
    return listing([f"{listing(names, most=4)} ({kind})" for kind, names in by_type.items()])


def listing(
    names: Iterable[str], none: str = "nothing", most: int = LISTED, like: Iterable[str] = ()
) -> str:
    """The first of some names, those that look like ``like`` before others."""
    some = list(names)
    if len(some) > most:
        close = [one for word in like for one in difflib.get_close_matches(word, some, most)]
        some = list(dict.fromkeys([*close, *some]))
    more = f" and {len(some) - most} more" if len(some) > most else ""
    return (", ".join(some[:most]) or none) + more


def what_could_be_tracks(branches: Iterable[Branch], like: Iterable[str] = ()) -> str:
    """Says which branches are lists of numbers; where there are none, what there is."""
    there = list(branches)
    lists = [branch.name for branch in there if branch.is_list]
    if lists:
        return f"it has the lists of numbers {listing(lists, like=like)}"
    return f"it has no lists of numbers, only {tell(there)}"


def why_no_list(branch: Branch) -> str:
    """What a branch is that should be a list of numbers per jet, and what to write instead."""
    padded = "" if branch.length is None else ", an array of fixed length that is padded"
    return (
        f"{branch.typename}{padded}; expected a list of numbers per jet, as vector<float>, with "
        "one number for each of its tracks"
    )
