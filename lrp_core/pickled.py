"""What a pickle names and holds, seen without making anything; stand-ins for what is not torch's.

Training dicts hold paths, dates, hyper-parameters and meters beside the weights. Where a pickle
names a class that torch does not make by itself, an empty stand-in takes its place: it keeps what
it is given and does nothing, so no code of the file, nor any that the file names, ever runs.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from torch._utils import IMPORT_MAPPING, NAME_MAPPING

MOST_NESTED = 10_000  # tuples in tuples: hashing them takes as long as they are spelled out
MOST_NAMES = 1_000  # of classes and functions
LONGEST_WAY = 300  # letters
PROTOCOL = 2  # of torch.save, unless one asks for another; torch reads no other one safely
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C  # the first pickle of a file that torch.save wrote until 2020
MODULE_KEY = "_modules"  # what the state of every pickled nn.Module has

# Calls that make data of Python's own, by the name of what is called. Whatever else of Python is
# called is refused: a file of weights has no need of it.
_DATA: dict[str, str] = {
    "argparse": "Namespace",
    "array": "array _array_reconstructor",
    "builtins": "bool bytearray bytes complex dict float frozenset int list object range set slice "
    "str tuple",
    "collections": "ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque",
    "copyreg": "_reconstructor",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "functools": "partial",
    "ipaddress": "IPv4Address IPv4Network IPv6Address IPv6Network",
    "logging": "getLogger",
    "operator": "attrgetter itemgetter",
    "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "random": "Random",
    "re": "_compile",
    "time": "struct_time",
    "types": "MappingProxyType SimpleNamespace",
    "uuid": "UUID",
}
_DATA["pathlib._local"] = _DATA["pathlib"]
_DATA_NAMES = {f"{module}.{name}" for module, names in _DATA.items() for name in names.split()}
_DATA_PACKAGES = ("numpy", "pandas", "pyarrow")  # their data is put together by many functions
_TORCH_OWN = ("torch._utils.", "torch._tensor.", "torch.serialization.", "torch.storage.")


class ForeignCallError(Exception):
    """A pickle calls something that makes no data, or it is not known what it makes; ``name``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class EndlessError(Exception):
    """More tuples within tuples, or more names, than any network has."""


class _Naming(type):
    """Classes of stand-ins: a call is what the pickle wants called, which may be no data at all."""

    pickled_name: str

    def __call__(cls, *given: Any) -> Any:
        if not _makes_data(cls.pickled_name):
            raise ForeignCallError(cls.pickled_name)
        return cls.__new__(cls, *given)  # type: ignore[arg-type]  # a metaclass of its own


class StandIn(metaclass=_Naming):
    """Stands for an object of the class ``pickled_name``; ``state`` is what it was to be given."""

    __slots__ = ("state",)
    pickled_name: ClassVar[str] = ""
    state: Any

    def __new__(cls, *_: Any) -> Any:
        made = object.__new__(cls)
        made.state = None
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state


class Seen:
    """The same in a look at a pickle, where nothing is refused yet.

    items      what is put into it under a text, as into a dict; None if nothing is
    container  of the class: what it is filled like
    """

    __slots__ = ("items", "state")
    pickled_name: ClassVar[str] = ""
    container: ClassVar[type | None] = None
    items: dict[str, Any] | None
    state: Any

    def __new__(cls, *_: Any, **__: Any) -> Any:
        made = object.__new__(cls)
        made.items, made.state = None, None
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        type(self).container = OrderedDict
        if isinstance(key, str):
            self.items = self.items or {}
            self.items[key] = value

    def __call__(self, *_: Any) -> Any:
        return Seen()  # of a method that the pickle has looked up

    def append(self, item: Any) -> None:
        """One more item of a kind of list."""
        type(self).container = list

    def extend(self, items: Any) -> None:
        """Some more."""
        type(self).container = list


class Look:
    """What pickles name and hold, found without making or calling anything.

    classes   what they name: "collections.OrderedDict", …, in order of appearance
    first     what the first of them holds
    content   what the last of them holds: dicts and lists, and Seen for everything else
    protocol  of the last of them
    """

    def __init__(self) -> None:
        self.classes: dict[str, type[Seen]] = {}
        self.first: Any = None
        self.content: Any = None
        self.protocol = 0

    def through(self, data: bytes, pickles: int) -> None:
        """Look through so many pickles in a row. Raises EndlessError; stops where it is damaged.

        What else is wrong with them, torch tells.
        """
        stream = io.BytesIO(data)
        for number in range(pickles):
            self.content = None
            dry = _Dry(stream, self)
            try:
                self.content = dry.load()
            except EndlessError:
                raise
            except Exception:
                return
            finally:
                self.protocol = getattr(dry, "proto", 0)
            if number == 0:
                self.first = self.content

    @property
    def foreign(self) -> list[str]:
        """The names that torch has no use for when it reads tensors."""
        return [
            name
            for name in self.classes
            if name not in _DATA_NAMES
            and not name.startswith(_TORCH_OWN)
            and not (name.startswith("torch.") and name.count(".") == 1)
            and name.partition(".")[0] not in _DATA_PACKAGES
            and name not in ("_codecs.encode", "torch.nn.parameter.Parameter")
        ]

    def stand_ins(self) -> list[Any]:
        """A stand-in for every name, as ``torch.serialization.safe_globals`` takes them.

        Torch's own go first where it has them. Where an object is filled like a dict or a list, a
        plain one is made.
        """
        made: list[Any] = []
        for name, seen in self.classes.items():
            kind = seen.container or (OrderedDict if name == "collections.defaultdict" else None)
            more: dict[str, Any] = {} if kind is None else {"__new__": _making(kind)}
            more |= {"pickled_name": name, "__slots__": ()}
            made.append((_Naming("StandIn", (StandIn,), more), name))
        return made

    def way_to_weights(self) -> str | None:
        """The Python that leads from what ``torch.load`` gives to the state dict in it.

        "['model']", ".state_dict()", "" where it is the state dict; None where there is none.
        """
        best, most = None, 1
        for way, item in _walk(self.content):
            n_tensors = _n_tensors(item)
            if n_tensors > most:
                best, most = way, n_tensors
            elif best is None and _is_module(item):
                best = f"{way}.state_dict()"
        return ".state_dict()" if best is None and self._is_whole else best

    @property
    def _is_whole(self) -> bool:
        """Whether all of it is one foreign object."""
        return isinstance(self.content, Seen) and self.content.pickled_name in self.foreign


def _making(kind: type) -> Callable[..., Any]:
    return lambda *_: kind()


def _makes_data(name: str) -> bool:
    """Whether a call of that name makes data: of a known kind, or of a class that is not Python's.

    A class, by its capital letter: enumerations are made by calls, as are exceptions.
    """
    top, last = name.partition(".")[0], name.rpartition(".")[2]
    if name in _DATA_NAMES or top in _DATA_PACKAGES:
        return True
    return top not in sys.stdlib_module_names and last[:1].isupper()


def _held(item: Any) -> Mapping[Any, Any]:
    """What a dict holds, or an object that is filled like one."""
    if isinstance(item, Mapping):
        return item
    return (isinstance(item, Seen) and item.items) or {}


def _n_tensors(item: Any) -> int:
    """How many tensors a dict holds directly; 0 for what is no dict."""
    return sum(
        isinstance(key, str)
        and isinstance(value, Seen)
        and value.pickled_name.startswith(("torch._utils._rebuild", "torch._tensor._rebuild"))
        for key, value in _held(item).items()
    )


def _is_module(item: Any) -> bool:
    return isinstance(item, Seen) and isinstance(item.state, Mapping) and MODULE_KEY in item.state


def _walk(content: Any) -> Iterator[tuple[str, Any]]:
    """Everything in dicts, each with the Python that leads there, the outermost first."""
    waiting: deque[tuple[str, Any]] = deque([("", content)])
    seen: set[int] = set()
    while waiting:
        way, item = waiting.popleft()
        if id(item) in seen or len(way) > LONGEST_WAY:
            continue
        seen.add(id(item))
        yield way, item
        waiting += [
            (f"{way}[{key!r}]", value)
            for key, value in _held(item).items()
            if isinstance(key, str)
            and len(key) <= LONGEST_WAY
            and isinstance(value, Mapping | Seen)
        ]


_Unpickler: Any = pickle._Unpickler  # the one written in Python


class _Dry(_Unpickler):  # type: ignore[misc]
    """Goes through a pickle without making or calling anything that it names."""

    dispatch: ClassVar[dict[int, Any]] = dict(_Unpickler.dispatch)

    def __init__(self, stream: io.BytesIO, look: Look) -> None:
        super().__init__(stream)
        self.look = look
        self.weights: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used twice

    def find_class(self, module: str, name: str) -> Any:
        """A class that stands for the one of that name, which is not looked up."""
        module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        full, known = f"{module}.{name}", self.look.classes
        if full not in known:
            if len(known) >= MOST_NAMES:
                raise EndlessError
            known[full] = type("Seen", (Seen,), {"pickled_name": full, "__slots__": ()})
        return known[full]

    def persistent_load(self, pid: Any) -> Any:
        """Nothing for a storage; the class of a module, which is stored so before 2020."""
        return pid[1] if isinstance(pid, tuple) and len(pid) > 1 and pid[0] == "module" else None

    def weigh(self) -> None:
        """Count the tuples that the newest one is made of."""
        newest = self.stack[-1]
        weight = 1 + sum(self.weights.get(id(item), 0) for item in newest)
        if weight > MOST_NESTED:
            raise EndlessError
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
