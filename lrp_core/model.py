"""A network together with what its columns and its logits mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lrp_core.errors import DefinitionsError, NetworkError, TargetError
from lrp_core.fast_path import Stages, recognise
from lrp_core.propagation import run
from lrp_core.steps import Graph, Steps

SIGNAL = "hbb"


@dataclass(frozen=True)
class Target:
    """An output to explain: a class's logit, or its margin over the other classes.

    name     "hbb", "qcd", ..., "margin" (of hbb), "margin:qcd", ...
    weights  value = sum over the logits of weight times logit
    """

    name: str
    weights: tuple[float, ...]


class Model:
    """A network, the names of its input columns and the names of its logits.

    network          the plain torch module: network(x, edge_index, batch) -> [n_jets, n_classes]
    columns          names of the input columns; where a feature fills two, it stands there twice
    features         the distinct names among them, in order of first appearance
    classes          names of the logits
    steps            the steps the network takes; by default what its own ``steps()`` says
    interaction_network  its stages, if the steps are those of one; else None
    name             what to call it, such as the checkpoint's file name
    checkpoint_hash  SHA-256 of the checkpoint file, "" for a network that comes from none; where
                     the file holds several, of that hash, a colon and ``weights``
    weights          which network of the checkpoint it is, "" where there is one

    The network is put into evaluation mode. Raises NetworkError if the steps do not give the
    network's own logits on a small random graph, DefinitionsError if names and widths do not fit.
    """

    def __init__(
        self,
        network: nn.Module,
        columns: Sequence[str],
        classes: Sequence[str] = ("qcd", SIGNAL),
        *,
        steps: Steps | None = None,
        name: str = "network",
        checkpoint_hash: str = "",
        weights: str = "",
    ) -> None:
        if steps is None:
            own = getattr(network, "steps", None)
            if not callable(own):
                raise NetworkError(
                    f"{type(network).__name__} has no method steps(), so it cannot be explained; "
                    "give it to lrp_core.load_model(network, example=jet), or write its steps"
                )
            steps = own()
        if not isinstance(steps, Steps):
            raise NetworkError(
                f"{type(network).__name__}: the steps must be lrp_core.Steps, found {steps!r:.80}; "
                "end steps() with return s.returns(...)"
            )
        self.network = network.eval()
        self.steps = steps
        self.interaction_network: Stages | None = recognise(steps)
        self.columns = tuple(columns)
        self.features = tuple(dict.fromkeys(columns))
        self.classes = tuple(classes)
        self.name = name
        self.checkpoint_hash = checkpoint_hash
        self.weights = weights
        self._check()

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages, in the order in which relevance meets them."""
        return self.steps.stages

    @property
    def rule_stages(self) -> tuple[str, ...]:
        """Those of the stages that follow rules: the affine layers."""
        return self.steps.rule_stages

    @property
    def input_stages(self) -> tuple[str, ...]:
        """Those of ``rule_stages`` that read the input columns and nothing else."""
        return self.steps.input_stages

    @property
    def targets(self) -> tuple[str, ...]:
        """The outputs that can be explained."""
        if len(self.classes) == 1:
            return self.classes
        margins = tuple(f"margin:{name}" for name in self.classes if name != SIGNAL)
        margin = ("margin",) if SIGNAL in self.classes else ()
        return (*margin, *self.classes, *margins)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    def target(self, name: str) -> Target:
        """The output of that name. Raises TargetError listing the outputs there are.

        A class's logit is explained by itself. The margin of class t is y_t minus the mean of the
        other logits; "margin" alone is that of hbb.
        """
        kind, _, of = name.partition(":")
        if kind == "margin" and (of or SIGNAL) in self.classes and len(self.classes) > 1:
            of = of or SIGNAL
            others = -1.0 / (len(self.classes) - 1)
            weights = tuple(1.0 if one == of else others for one in self.classes)
            return Target("margin" if of == SIGNAL else f"margin:{of}", weights)
        if name in self.classes:
            return Target(name, tuple(1.0 if one == name else 0.0 for one in self.classes))
        raise TargetError(f"there is no target {name!r}; the targets are {', '.join(self.targets)}")

    def _check(self) -> None:
        """Hold the steps against the network itself, on three small jets."""
        if len(set(self.classes)) != len(self.classes) or "margin" in self.classes:
            raise DefinitionsError(
                f"{self.name}: class names must differ and none may be 'margin', "
                f"found {', '.join(self.classes)}"
            )
        draw = torch.Generator().manual_seed(0)
        dtype = next(self.network.parameters()).dtype
        x = torch.randn(6, len(self.columns), generator=draw).to(self.device, dtype)
        edge_index = torch.tensor([[0, 1, 2, 0, 3], [1, 0, 0, 2, 4]], device=self.device)
        jet = torch.tensor([0, 0, 0, 1, 1, 2], device=self.device)
        graph = Graph(edge_index[0], edge_index[1], jet, 3)
        try:
            with torch.no_grad():
                theirs: Tensor = self.network(x, edge_index, jet)
                ours = run(self.steps.bind(dtype), x, graph)
        except RuntimeError as error:
            raise DefinitionsError(
                f"{self.name}: the network does not run on {len(self.columns)} columns "
                f"({error}); name as many columns as it reads"
            ) from error
        if theirs.shape != (3, len(self.classes)):
            raise DefinitionsError(
                f"{self.name}: the network gives {tuple(theirs.shape)} for 3 jets, but "
                f"{len(self.classes)} classes are named: {', '.join(self.classes)}"
            )
        if self.steps.output is None:
            raise NetworkError(
                f"{self.name}: the steps do not say what they return; end with returns()"
            )
        logits = ours[self.steps.output]
        if logits.shape != theirs.shape or not torch.allclose(logits, theirs, rtol=1e-3, atol=1e-4):
            raise NetworkError(
                f"{self.name}: the steps do not give the network's own logits on a random graph "
                f"(steps {logits.flatten().tolist()}, network {theirs.flatten().tolist()}); "
                "write the same operations into steps() as into forward()"
            )
