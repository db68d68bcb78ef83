"""Run a network once and write its tape: no tracing, no hooks, no switch of the process.

Two modes of torch watch this thread while the network runs, and nothing is left of them after it.
``Recorder`` sees every operation with the tensors it reads and makes. ``Plainly`` only is there,
which is enough for torch.nn to leave its fused ways (attention, encoder layers) and take the plain
ones. Which module runs an operation is read off Python's own stack.

Operations in place are written down out of place, and whatever shares memory with what they wrote
gets a new number; fused attention is taken apart.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lrp_core.errors import NetworkError
from lrp_core.tape.program import Program, State
from lrp_core.tape.tape import (
    Node,
    Ref,
    Tape,
    first_of,
    is_real,
    leading_to,
    listed,
    name_stages,
)

# What these make depends on shapes and signs alone: relevance ends there.
CONSTANTS = frozenset(
    [
        "new_zeros",
        "new_ones",
        "new_full",
        "new_empty",
        "new_empty_strided",
        "zeros_like",
        "ones_like",
        "full_like",
        "empty_like",
        "sign",
        "sgn",
        "heaviside",
        "floor",
        "ceil",
        "round",
        "trunc",
        "isnan",
        "local_scalar_dense",
        "one_hot",
    ]
)
RANDOM = frozenset(
    [
        "bernoulli",
        "native_dropout",
        "rand_like",
        "randn_like",
        "normal",
        "uniform",
        "randint_like",
        "multinomial",
        "rrelu_with_noise",
        "alpha_dropout",
    ]
)
_CALL = nn.Module._call_impl.__code__
_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd


# With these a network looks at numbers, or hands memory on, without an operation of torch's.
_LOOKS = frozenset(
    getattr(Tensor, name)
    for name in ("numpy", "tolist", "__array__", "data_ptr", "untyped_storage", "__dlpack__")
) | {Tensor.data.__get__}  # type: ignore[attr-defined]


class Plainly(TorchFunctionMode):
    """Changes nothing; torch.nn takes no fused way while a mode like this is on.

    looked  whether the network took numbers out of torch, so that what it does may hang on them
    """

    looked = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _LOOKS:
            self.looked = True
        return func(*args, **(kwargs or {}))


def plain_name(op: Any) -> str:
    """The name of an operation: "aten::_softmax.int" and "aten::add_.Tensor" are softmax, add."""
    name: str = op._schema.name
    return name.split("::")[1].strip("_")


class _Kind(NamedTuple):
    """What is asked of every operation: its plain name, and whether it is made of others."""

    name: str
    composite: bool


@cache
def _kind(op: Any) -> _Kind:
    name = plain_name(op)
    composite = op.has_kernel_for_dispatch_key(_COMPOSITE) and not name.endswith("batch_norm")
    return _Kind(name, composite)


class Recorder(TorchDispatchMode):
    """Writes down the operations that active values flow through.

    steps      every operation on what the network is given or on its weights, in order: those of
               ``nodes`` and ``constants``, and those that make indices and masks
    looks      the numbers that the network took out of torch by ``.item()``, with their step
    repeats    whether the steps are all there is
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.nodes: list[Node] = []
        self.constants: list[Node] = []
        self.steps: list[Node] = []
        self.looks: dict[int, Any] = {}
        self.repeats = True
        self._moving: set[int] = set()
        self._weights = {id(tensor) for tensor in _tensors_of(network)}
        self.values: list[Tensor] = []
        self.active: set[int] = set()
        self._numbers: dict[int, int] = {}  # by identity; self.values keeps the tensors alive
        self._sharing: dict[int, list[int]] = {}  # by memory
        self._paths = {id(module): path for path, module in network.named_modules()}
        self._leaves = {path for path, m in network.named_modules() if not list(m.children())}

    def number(self, tensor: Tensor, *, active: bool = False, made: bool = False) -> int:
        """The number of a tensor, a new one if it is new.

        made  it is no wonder that it is new: an operation made it, or it is an argument
        """
        number = self._numbers.get(id(tensor))
        if number is None:
            number = len(self.values)
            self.values.append(tensor)
            self._numbers[id(tensor)] = number
            if id(tensor) in self._weights:
                self._moving.add(number)
            elif not made and tensor.dim():  # no plain number: from numpy, or from outside
                self.repeats = False
            if tensor.layout == torch.strided:
                memory = tensor.untyped_storage()._cdata
                self._sharing.setdefault(memory, []).append(number)
        if active:
            self.active.add(number)
        return number

    def argument(self, tensor: Tensor, *, active: bool) -> int:
        """The number of an argument of the network."""
        number = self.number(tensor, active=active, made=True)
        self._moving.add(number)
        return number

    def find(self, tensor: Tensor) -> int | None:
        """The number of a tensor, None if nothing relevant flowed into it."""
        number = self._numbers.get(id(tensor))
        return number if number in self.active else None

    def _ref(self, argument: Any) -> Any:
        if isinstance(argument, Tensor):
            return Ref(self.number(argument))
        if isinstance(argument, list | tuple):
            return tuple(self._ref(item) for item in argument)
        return argument

    def _is_active(self, tensor: Tensor) -> bool:
        return self._numbers.get(id(tensor)) in self.active

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name, composite = _kind(func)
        read = _tensors((*args, *kwargs.values()) if kwargs else args)
        live = any(map(self._is_active, read))
        if name in RANDOM:  # not on its way alone: a mask is drawn beside it
            raise NetworkError(
                f"{self._where() or 'the network'} draws random numbers ({name}), so its logits "
                "are others each time; put it into evaluation mode with network.eval()"
            )
        if live and name.startswith("scaled_dot_product"):
            with self:
                return _attention(func, args, kwargs)
        if live and name.endswith("batch_norm") and _uses_batch(func, args, kwargs):
            raise NetworkError(
                f"{self._where() or 'the network'} normalises with the statistics of the batch, so "
                "a jet's output depends on the other jets; call network.eval() first, and build "
                "its BatchNorms with track_running_stats=True"
            )
        if live and name == "mkldnn_rnn_layer":
            with self:
                return _lstm(*args, **kwargs)
        if live and composite:
            with self:  # made of others, which are what rules are for
                return func.decompose(*args, **kwargs)
        if func._schema.is_mutable:
            return self._mutate(func, args, kwargs, live)
        made = func(*args, **kwargs)
        self._add(func, name, args, kwargs, read, listed(made), live)
        return made

    def _add(
        self,
        op: Any,
        name: str,
        args: Any,
        kwargs: Any,
        read: list[Tensor],
        made: Sequence[Any],
        live: bool,
    ) -> None:
        if any(one is other for one in made for other in args if isinstance(other, Tensor)):
            return  # it gave back what it got
        if name == "lift_fresh":  # a number written in Python
            for one in made:
                self.number(one, made=True)
            return
        args = tuple(self._ref(argument) for argument in args)
        kwargs = {key: self._ref(value) for key, value in kwargs.items()}
        real = any(map(is_real, made))
        flows = live and real and name not in CONSTANTS
        outputs = tuple(
            self.number(one, active=flows and is_real(one), made=True)
            if isinstance(one, Tensor)
            else None
            for one in made
        )
        if flows:
            self._note(name, op, args, kwargs, outputs)
            return
        node = Node(name, op, args, kwargs, outputs, "")
        if real and name not in CONSTANTS and any(map(is_real, read)):
            self.constants.append(node)
        self._step(node)
        if len(made) == 1 and isinstance(made[0], bool | int | float) and read:
            self.looks[id(node)] = made[0]

    def _step(self, node: Node) -> None:
        """Keep an operation that has another result for another jet, or other weights."""
        if not self._moving.isdisjoint(node.inputs()):
            self.steps.append(node)
            self._moving.update(number for number in node.outputs if number is not None)

    def _note(
        self,
        name: str,
        op: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        outputs: tuple[int | None, ...],
    ) -> None:
        where = self._where()
        node = Node(name, op, args, kwargs, outputs, where, where in self._leaves)
        self.nodes.append(node)
        self._step(node)

    def _where(self) -> str:
        """The path of the module that runs, from the frames of Python's stack."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code is _CALL:
                path: str | None = self._paths.get(id(frame.f_locals["self"]))
                if path is not None:
                    return path
            frame = frame.f_back
        return ""

    def _mutate(self, op: Any, args: Any, kwargs: Any, live: bool) -> Any:
        """An operation in place, written down out of place; all who share its memory follow."""
        written = [
            place
            for place, argument in enumerate(op._schema.arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        if len(written) != 1 or written[0] >= len(args):
            if live:
                raise NetworkError(
                    f"{self._where() or 'the network'} runs {op}, which writes into "
                    f"{len(written)} tensors given to it (out=, or batch statistics); "
                    "write it without, or put the network into evaluation mode"
                )
            self.repeats = False
            return op(*args, **kwargs)
        target = args[written[0]]
        if target.layout != torch.strided:
            self.repeats = False
            return op(*args, **kwargs)
        known, memory = self._numbers.get(id(target)), target.untyped_storage()._cdata
        sharing = [
            number
            for number in self._sharing.get(memory, [])
            if number != known and self._numbers.get(id(self.values[number])) == number
        ]
        if not is_real(target) or not (live or any(n in self.active for n in sharing)):
            return self._rewritten(op, args, kwargs, target, sharing)
        known = self.number(target)
        before = {number: self.values[number].clone() for number in (known, *sharing)}
        refs = tuple(self._ref(argument) for argument in args)
        kwrefs = {key: self._ref(value) for key, value in kwargs.items()}
        made = op(*args, **kwargs)
        after = {number: self.values[number] for number in before}
        for number, old in before.items():  # the old numbers keep the old contents
            del self._numbers[id(after[number])]
            self.values[number] = old
        self._sharing[memory] = []
        new = self.number(target, active=True, made=True)
        name = plain_name(op)
        self._note(name, _out_of_place(op), refs, kwrefs, (new,))
        for number in sharing:
            view = after[number]
            source = _source(target, view)
            if bool((source >= 0).any()):
                outputs = (self.number(view, active=True, made=True),)
                refs = (Ref(number), Ref(new), source)
                self._note("overwritten", overwritten, refs, {}, outputs)
            else:
                self._numbers[id(view)] = number
                self.values[number] = view
                self._sharing[memory].append(number)
        return made

    def _rewritten(
        self, op: Any, args: Any, kwargs: Any, target: Tensor, sharing: list[int]
    ) -> Any:
        """A constant is written into: who shares its memory is another constant from now on."""
        known = self.number(target, made=True)
        before = {number: self.values[number].clone() for number in (known, *sharing)}
        refs = tuple(self._ref(argument) for argument in args)
        kwrefs = {key: self._ref(value) for key, value in kwargs.items()}
        made = op(*args, **kwargs)
        after = {}
        for number, old in before.items():
            after[number], self.values[number] = self.values[number], old
            del self._numbers[id(after[number])]
            self._sharing[after[number].untyped_storage()._cdata].remove(number)
        new = self.number(target, made=True)
        try:
            plain = _out_of_place(op)
        except NetworkError:
            self.repeats = False
            plain = op
        self._step(Node(plain_name(op), plain, refs, kwrefs, (new,), ""))
        for number in sharing:
            outputs = (self.number(after[number], made=True),)
            source = _source(target, after[number])
            refs = (Ref(number), Ref(new), source)
            self._step(Node("overwritten", overwritten, refs, {}, outputs, ""))
        return made


def overwritten(old: Tensor, new: Tensor, source: Tensor) -> Tensor:
    """``old`` with elements of ``new`` where ``source`` says which (-1: none)."""
    return torch.where(source >= 0, new.reshape(-1)[source.clamp(min=0)], old)


def _source(target: Tensor, view: Tensor) -> Tensor:
    """For every element of ``view`` the one of ``target`` that is in the same memory, or -1."""
    size = target.untyped_storage().nbytes() // target.element_size()

    def places(tensor: Tensor) -> Tensor:
        every = torch.arange(size, device=tensor.device)
        return every.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())

    found = torch.full((size,), -1, device=target.device)
    found[places(target).reshape(-1)] = torch.arange(target.numel(), device=target.device)
    return found[places(view)]


def _copy(target: Tensor, source: Any, *_: Any) -> Tensor:
    value = torch.as_tensor(source, dtype=target.dtype, device=target.device)
    return value.expand(target.shape).clone()


def _out_of_place(op: Any) -> Callable[..., Any]:
    """The operation out of place that one in place stands for."""
    name = op._schema.name.split("::")[1]
    if name == "copy_":
        return _copy
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
    if not name.endswith("_") or packet is None:
        raise NetworkError(f"the network runs {op}, which cannot be followed")
    overload: Callable[..., Any] = getattr(packet, op._overloadname, packet)
    return overload


def _tensors(arguments: Any) -> list[Tensor]:
    found = []
    for argument in arguments:
        if isinstance(argument, Tensor):
            found.append(argument)
        elif isinstance(argument, list | tuple):
            found += _tensors(argument)
    return found


def _tensors_of(network: nn.Module) -> Iterator[Tensor]:
    """All tensors that the modules of a network hold."""
    for module in network.modules():
        for held in (*vars(module).values(), *module._parameters.values()):
            if isinstance(held, Tensor):
                yield held
        yield from (buffer for buffer in module._buffers.values() if buffer is not None)


def _uses_batch(op: Any, args: Any, kwargs: Any) -> bool:
    """Whether a batch norm computes its statistics from what it reads."""
    names = [argument.name for argument in op._schema.arguments]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if given["input"].shape[0] == 1:  # an InstanceNorm: of one jet alone
        return False
    return bool(given.get("training", given.get("running_mean") is None))


def _attention(op: Any, args: Any, kwargs: Any) -> Any:
    """Fused attention, taken apart: softmax(q k^T scale + mask) v; its other results are empty."""
    names = [argument.name for argument in op._schema.arguments]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    q, k, v = given["query"], given["key"], given["value"]
    scale = given.get("scale")
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else scale
    if k.shape[1] != q.shape[1]:  # heads in groups
        k = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
        v = v.repeat_interleave(q.shape[1] // v.shape[1], 1)
    scores = torch.matmul(q * scale, k.transpose(-2, -1))
    mask = given.get("attn_mask", given.get("attn_bias"))
    if given.get("is_causal"):
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
        scores = scores.masked_fill(~allowed, -math.inf)
    elif mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, -math.inf)
    elif mask is not None:
        scores = scores + mask
    made = torch.matmul(torch.softmax(scores, -1), v)
    n_results = len(op._schema.returns)
    return made if n_results == 1 else (made, *[q.new_empty(0)] * (n_results - 1))


def _lstm(
    x: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor,
    b_hh: Tensor,
    hidden: Tensor,
    cell: Tensor,
    reverse: bool,
    *rest: Any,
) -> Any:
    """A fused layer of an LSTM, step by step: x [n_steps, n_jets, n_columns]."""
    has_biases = rest[4]
    h, c = hidden.reshape(x.shape[1], -1), cell.reshape(x.shape[1], -1)
    made: list[Tensor] = []
    steps = x.unbind(0)
    for step in reversed(steps) if reverse else steps:
        linear = torch.nn.functional.linear
        gates = linear(step, w_ih, b_ih if has_biases else None)
        gates = gates + linear(h, w_hh, b_hh if has_biases else None)
        enter, keep, new, out = gates.chunk(4, 1)
        c = torch.sigmoid(keep) * c + torch.sigmoid(enter) * torch.tanh(new)
        h = torch.sigmoid(out) * torch.tanh(c)
        made.append(h)
    result = torch.stack(made[::-1] if reverse else made)
    return result, h.reshape(hidden.shape), c.reshape(cell.shape), x.new_empty(0)


def check_kind(network: nn.Module) -> None:
    """Refuse networks that no tape can follow. Raises NetworkError saying what to do."""
    name = type(network).__name__
    for path, module in network.named_modules():
        where = f"{name}.{path}" if path else name
        if isinstance(module, torch.jit.ScriptModule):
            raise NetworkError(
                f"{where} is TorchScript, whose operations cannot be followed; "
                "give the Python module that it was made from"
            )
        if type(module).__module__.partition(".")[0] == "dgl":
            raise NetworkError(
                f"{where} is a module of DGL, whose kernels torch does not see; "
                "write the layer with PyTorch Geometric or plain PyTorch"
            )
        trains = isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0
        if module.training and (trains or isinstance(module, nn.modules.batchnorm._NormBase)):
            raise NetworkError(
                f"{where} ({type(module).__name__}) is in training mode, so its output depends on "
                "chance or on the other jets; call network.eval() first"
            )
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
            raise NetworkError(
                f"{where} ({type(module).__name__}) has no running statistics: it normalises with "
                "those of the batch, so it is no fixed map; build it with "
                "track_running_stats=True and train it"
            )


class Recording(NamedTuple):
    """What a network ran, and how to run it again; None where that may be another way."""

    tape: Tape
    program: Program | None


def record(network: nn.Module, arguments: Mapping[str, Any], leaves: Sequence[str]) -> Recording:
    """Run ``network(**arguments)`` and keep what the arguments named ``leaves`` flow through.

    The network is run as it is, without gradients. Raises NetworkError for what cannot be
    followed, for an output that is no tensor, and for one that no leaf has a part in.
    """
    recorder, plainly = Recorder(network), Plainly()
    # copies: a network may write into what it is given
    given = {
        key: value.detach().clone() if isinstance(value, Tensor) else value
        for key, value in arguments.items()
    }
    numbers = {
        name: recorder.argument(value, active=name in leaves)
        for name, value in given.items()
        if isinstance(value, Tensor)
    }
    args, kwargs = positional(network, given)
    before = State(network)
    with torch.no_grad(), plainly, recorder:
        out = first_of(network(*args, **kwargs))
    name = type(network).__name__
    if not is_real(out):
        raise NetworkError(f"{name} gives {type(out).__name__}; expected a tensor of logits")
    output = recorder.find(out)
    if output is None:
        raise NetworkError(
            f"the tape lost the way from the columns to the output of {name}: it goes through "
            "numpy, .item() or indices alone; keep it in torch"
        )
    needed = {output}
    nodes = leading_to(recorder.nodes, recorder.active, needed)
    real = [number for number, value in enumerate(recorder.values) if is_real(value)]
    making = leading_to(recorder.constants, set(real), needed)
    name_stages(nodes, recorder.active)
    values, active = recorder.values, recorder.active
    tape = Tape(
        nodes,
        values,
        active,
        {name: numbers[name] for name in leaves},
        output,
        making,
        {name: number for name, number in numbers.items() if is_real(values[number])},
    )
    if plainly.looked or not recorder.repeats or not before.holds():
        return Recording(tape, None)
    return Recording(tape, Program(tape, recorder.steps, recorder.looks, numbers, before))


def positional(network: nn.Module, given: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of ``forward`` in its own order, as far as they have one; the rest by name."""
    rest, args = dict(given), []
    for parameter in inspect.signature(network.forward).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            break
        if parameter.name not in rest or parameter.kind is parameter.KEYWORD_ONLY:
            break
        args.append(rest.pop(parameter.name))
    return args, rest
