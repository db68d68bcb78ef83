"""The networks in what a checkpoint holds: found by their names, told apart, and one chosen.

A checkpoint may hold several: averaged weights beside the plain ones, a teacher beside its student,
the best beside the last. Each is known by the keys that lead to it and by what stands before its
tensors' names: "ema_state_dict", "models.0", "student". What wrappers add to names (DataParallel,
torch.compile, FSDP, Lightning) is left out, wherever it stands.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lrp_core.errors import CheckpointError
from lrp_core.folder import shown
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.pickled import MODULE_KEY, StandIn
from lrp_core.tensor_file import holds_more, is_plain

ROOT = "interactionnetwork"
ANCHOR = f"{ROOT}.edge_model.edge_mlp.0.weight"
PLAIN = "."  # the name of a network to which no key leads and before which no prefix stands
MOST_NETWORKS = 100
MOST_TOLD = 12  # networks that a message names
DEEPEST = 50  # dicts within dicts
COUNTER = "num_batches_tracked"  # of a batch norm; not needed
WRAPPERS = frozenset(
    (
        *("module", "_module", "_wrapped_module", "_wrapped_model", "_forward_module"),
        *("_orig_mod", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module"),
        *("model", "net", "network"),
    )
)
# What may stand beside a network in its own state dict: of its training, never of its output.
BESIDE = re.compile(
    r"loss|criteri|metric|optim|scheduler|pos_weight|class_weight"
    r"|^(train|val|valid|validation|test|best)_|^(acc|accuracy|auc|auroc)$"
)
# And numbers that count how it was averaged.
COUNTERS = re.compile(
    r"^(ema|swa)?_?(n_averaged|num_updates|updates|decay|steps?|global_step|epoch|iter|iteration"
    r"|initted|initialized)$"
)


@dataclass(frozen=True)
class Weights:
    """One network of a checkpoint.

    label    the keys and the prefix that lead to it: "ema_state_dict", "student", "."
    labels   others that lead to the same
    prefix   what stands before the names of its tensors
    tensors  by the network's own names; what is not one of them has the name that it had
    """

    label: str
    prefix: str
    tensors: dict[str, Tensor]
    labels: list[str] = field(default_factory=list)
    keys: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether it has every tensor of the network."""
        return _own_names().keys() - self.tensors.keys() <= _counters()

    def same_as(self, other: Weights) -> bool:
        """Whether both have the same values, as far as both have them."""
        if self is other:
            return True
        mine, theirs = _parameters(self.tensors), _parameters(other.tensors)
        few, many = sorted((mine, theirs), key=len)
        return few.keys() <= many.keys() and all(_equal(few[name], many[name]) for name in few)


def choose_weights(path: Path, content: Any, key: str | None) -> tuple[Weights, str]:
    """The network of a checkpoint that is meant, and its label where there are others beside it.

    key  what of them is meant, by label or by a part of one; None where there is one

    Raises CheckpointError naming those that there are, where it is not clear which is meant.
    """
    found = find_weights(path, content)
    if not found:
        if any(_is_pickled_network(item) for item, _ in _walk(content)):
            raise holds_more(path)
        names = [k for k in content if isinstance(k, str)] if isinstance(content, Mapping) else None
        there = type(content).__name__ if names is None else listing(names)
        raise CheckpointError(
            f"{path}: found no interaction network in it; expected a tensor {ANCHOR}, "
            f"with any prefix, found {there}"
        )
    pickled = [
        _label(keys, "") for item, keys in _walk(content) if _is_pickled_network(item)
    ]  # not read, but it may be what is meant
    best = next((one for one in found if one.complete), found[0])
    nameless = _nameless(content, best)
    unread = [(label, "a pickled module, which is not read") for label in pickled]
    unread += [(label, "tensors without the network's names, not read") for label in nameless]
    if key is None:
        if not unread and all(one.same_as(best) for one in found):
            return best, ""
        raise CheckpointError(
            f"{path}: holds several networks: {_told(found, unread)}. {_how(found)}"
        )
    if any(_fits(key, label, "") for label in pickled) and not _named(key, found):
        raise holds_more(path)
    if any(_fits(key, label, "") for label in nameless) and not _named(key, found):
        raise CheckpointError(
            f"{path}: {shown(key)} holds tensors without the network's names, expected a state "
            f"dict with names such as {ANCHOR}; put the average into the network and save its "
            "state_dict()"
        )
    meant = _named(key, found)
    if not meant:
        raise CheckpointError(
            f"{path}: holds no network {shown(key)}; there is {_told(found, unread)}. {_how(found)}"
        )
    first = next((one for one in meant if one.complete), meant[0])
    if not all(one.same_as(first) for one in meant):
        raise CheckpointError(
            f"{path}: {shown(key)} may be each of several networks: {_told(meant, [])}. "
            f"{_how(meant)}"
        )
    alone = not unread and all(one.same_as(first) for one in found)
    return first, "" if alone else first.label


def _nameless(content: Any, network: Weights) -> list[str]:
    """What holds the values of a second network under no names of its own, by label.

    A list as long as the network has parameters, with their shapes in their order, as averages are
    kept by some; or a dict of all of them whose names lack the network's own first part.
    """
    state = _parameters(network.tensors)
    learned = {name: one for name, one in state.items() if "running_" not in name}
    labels = []
    for item, keys in _walk(content):
        for names in (state, learned):
            if isinstance(item, list | tuple) and len(item) == len(names):
                pairs = list(zip(item, names.values(), strict=True))
            elif isinstance(item, Mapping) and names:
                short = [name.removeprefix(f"{ROOT}.") for name in names]
                if not all(name in item for name in short):
                    continue
                pairs = list(zip((item[name] for name in short), names.values(), strict=True))
            else:
                continue
            alike = all(isinstance(a, Tensor) and a.shape == b.shape for a, b in pairs)
            if alike and not all(_equal(a, b) for a, b in pairs):
                labels.append(_label(keys, ""))
                break
    return labels


def find_weights(path: Path, content: Any) -> list[Weights]:
    """Every network in dicts and lists, the outermost first.

    Raises CheckpointError where two tensors of one network have the same name but for a wrapper.
    """
    found: list[Weights] = []
    of: dict[int, list[Weights]] = {}  # the same dict may be there twice
    for item, keys in _walk(content, again=True):
        if not isinstance(item, Mapping):
            continue
        if id(item) in of:
            for one in of[id(item)]:
                one.labels.append(_label(keys, one.prefix))
            continue
        tensors = {k: v for k, v in item.items() if isinstance(k, str) and isinstance(v, Tensor)}
        prefixes = sorted({p for p in map(_prefix, tensors) if p is not None}, key=len)
        if len(found) + len(prefixes) > MOST_NETWORKS:
            raise CheckpointError(
                f"{path}: holds more than {MOST_NETWORKS} networks; save one of them alone"
            )
        short = len(prefixes) == 1 and bool(keys)  # the keys say enough
        of[id(item)] = [
            Weights(_label(keys, "" if short else one), one, {}, [_label(keys, one)], keys)
            for one in prefixes
        ]
        for name, tensor in tensors.items():
            owners = [one for one in of[id(item)] if name.startswith(one.prefix)]
            if owners:  # the longest prefix
                _take(path, owners[-1], name, tensor)
        found += of[id(item)]
    return found


def _take(path: Path, weights: Weights, name: str, tensor: Tensor) -> None:
    own = _own_name(name[len(weights.prefix) :])
    if own not in _own_names() and _is_beside(own, tensor):
        return
    if own in weights.tensors and not _equal(weights.tensors[own], tensor):
        raise CheckpointError(
            f"{path}: has two tensors {shown(own)}, one of them as {shown(name)}; "
            "save one network alone"
        )
    weights.tensors[own] = tensor


def _own_name(name: str) -> str:
    """The network's own name of a tensor: without wrappers, with its dots."""
    bare = ".".join(part for part in name.split(".") if part not in WRAPPERS)
    if bare in _own_names():
        return bare
    return _dotless().get(bare.replace(".", ""), name)


def _prefix(name: str) -> str | None:
    """What stands before a network whose first tensor has this name; None if it is another one."""
    start = name.rfind(ROOT)
    return name[:start] if start >= 0 and _own_name(name[start:]) == ANCHOR else None


def _is_beside(name: str, tensor: Tensor) -> bool:
    """Whether a tensor belongs to the training and not to the network."""
    first, _, rest = name.lower().partition(".")
    last = rest or first
    if first in (ROOT, "bn"):
        return False
    counts = COUNTERS.search(last) and (
        not rest or first.strip("_").startswith(("ema", "swa", "model_ema"))
    )
    return bool(BESIDE.search(first)) or (bool(counts) and tensor.numel() == 1)


@cache
def _own_names() -> Mapping[str, None]:
    with torch.device("meta"):
        return dict.fromkeys(InteractionNetwork(1, 1, 1).state_dict())


@cache
def _counters() -> frozenset[str]:
    return frozenset(name for name in _own_names() if name.endswith(COUNTER))


@cache
def _dotless() -> Mapping[str, str]:
    """Some averages are stored under names without dots."""
    return {name.replace(".", ""): name for name in _own_names()}


def _walk(content: Any, *, again: bool = False) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Everything in dicts and lists with the keys that lead to it, the outermost first, once.

    again  also where it is met again, though not what is in it
    """
    seen: set[int] = set()  # dicts can hold themselves
    waiting: deque[tuple[Any, tuple[str, ...]]] = deque([(content, ())])
    while waiting:
        item, keys = waiting.popleft()
        if id(item) in seen:
            if again:
                yield item, keys
            continue
        seen.add(id(item))
        yield item, keys
        inner: Sequence[tuple[Any, Any]] = ()
        if isinstance(item, Mapping):
            inner = list(item.items())
        elif isinstance(item, list | tuple):
            inner = list(enumerate(item))
        for key, value in inner:
            if isinstance(value, Mapping | list | tuple | StandIn) and len(keys) < DEEPEST:
                waiting.append((value, (*keys, str(key))))


def _is_pickled_network(item: Any) -> bool:
    """Whether a stand-in is in the place of a module with such a network in it."""
    if not isinstance(item, StandIn):
        return False
    waiting, seen = [item.state], {id(item.state)}
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, StandIn):
            inner = inner.state
        if not isinstance(inner, Mapping):
            continue
        modules = inner.get(MODULE_KEY)
        if isinstance(modules, Mapping) and ROOT in modules:
            return True
        for value in inner.values():
            if isinstance(value, Mapping | StandIn) and id(value) not in seen:
                seen.add(id(value))
                waiting.append(value)
    return False


def _label(keys: tuple[str, ...], prefix: str) -> str:
    return ".".join([*keys, *([prefix.strip(".")] if prefix.strip(".") else [])]) or PLAIN


def _named(key: str, found: list[Weights]) -> list[Weights]:
    """Those that are meant by a key: by all of the label, else by a part, else by some letters."""
    for way in ("label", "keys", "part", "letters"):
        meant = [
            one
            for one in found
            if any(_fits(key, label, way) for label in (one.label, *one.labels))
            or (way == "keys" and _bare(key) in {".".join(one.keys), _bare(one.prefix)} - {""})
        ]
        if meant:
            return meant
    return []


def _fits(key: str, label: str, way: str) -> bool:
    wanted, there = _bare(key), _bare(label)
    if wanted == there:
        return True
    wanted, there = wanted.lower(), there.lower()
    if way == "part":
        return f".{wanted}." in f".{there}."
    return way == "letters" and wanted != "" and wanted in there


def _bare(key: str) -> str:
    return key.strip().strip(".")


def _parameters(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTER)}


def _equal(one: Tensor, other: Tensor) -> bool:
    return (
        is_plain(one)
        and is_plain(other)
        and one.shape == other.shape
        and bool((one == other).all())
    )


def _told(found: list[Weights], unread: list[tuple[str, str]]) -> str:
    """Each network in words: its label, how many tensors, and which are the same.

    unread  label and what it is, of those that are not read
    """
    parts = []
    for number, one in enumerate(found[:MOST_TOLD]):
        words = (
            f"{len(one.tensors)} tensors"
            if one.complete
            else (f"only {len(one.tensors)} of {len(_own_names())} tensors")
        )
        twin = next((other for other in found[:number] if other.same_as(one)), None)
        if twin is not None:
            words += f", the same as {_shown(twin.label)}"
        elif number:
            words += ", with other values"
        parts.append(f"{_shown(one.label)} ({words})")
    parts += [f"{_shown(label)} ({what})" for label, what in unread[:MOST_TOLD]]
    more = len(found) + len(unread) - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more else "")


def _how(found: list[Weights]) -> str:
    return (
        f"Choose one by its name: --weights {_shown(found[-1].label)} on the command line, "
        "weights= in Python, or a line 'weights: NAME' in the definitions file"
    )


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= 80 else shown(name)


def listing(names: list[str], most: int = 8) -> str:
    """The first names of many, as they may stand in a message."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(_shown(name) for name in names[:most]) or "nothing") + more
