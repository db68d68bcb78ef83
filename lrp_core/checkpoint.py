"""Load a model: an interaction network from the checkpoints that people have, or any module."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from lrp_core import embedded
from lrp_core.errors import CheckpointError, DefinitionsError, SettingsError, Told, told
from lrp_core.file_kind import kind_of
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import Jet
from lrp_core.model import SIGNAL, Model
from lrp_core.reference import EXPECTED_REFERENCE, Reference, check_reference
from lrp_core.tape.inputs import Inputs
from lrp_core.tape.network import load_network
from lrp_core.tensor_file import is_plain, read_tensors
from lrp_core.weights import ANCHOR, choose_weights, listing

DEFINITIONS_ENDINGS = (".yml", ".yaml")
SHARED_DEFINITIONS = "definitions.yml"
MOST_DEFINITIONS = 1 << 20  # bytes


class Definitions(BaseModel):
    """What the columns and the logits of a checkpoint are: a YAML file beside it.

    features   the name of every input column in order; a feature may fill two columns
    classes    the name of every logit in order; left out, two logits are qcd and hbb
    weights    which network of the checkpoint is meant, where it holds several
    reference  jets with the logits that the network must give for them
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    features: tuple[str, ...]
    classes: tuple[str, ...] | None = None
    weights: str | None = None
    reference: Reference | None = None


def read_definitions(path: str | Path) -> Definitions:
    """Read a definitions file. Raises DefinitionsError naming the file and what is wrong in it."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_DEFINITIONS + 1)
        if len(data) > MOST_DEFINITIONS:
            raise DefinitionsError(
                f"{path}: has more than {MOST_DEFINITIONS:,} bytes; expected a list of column names"
            )
        content = yaml.safe_load(data.decode("utf-8"))
    except OSError as error:
        raise DefinitionsError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # of a date or a number as well
        raise _no_definitions(Path(path), f"is not a YAML file ({error})") from error
    if not isinstance(content, Mapping):
        raise _no_definitions(Path(path), f"holds {type(content).__name__}")
    if "reference" in content and content["reference"] is None:
        raise DefinitionsError(
            f"{path}: reference: found nothing below it, expected {EXPECTED_REFERENCE}; give the "
            "jets and their logits, or leave it out"
        )
    try:
        return Definitions.model_validate(dict(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        expected = (
            "'features:' with a list of column names, and 'classes:' with a list of class names "
            "where there are not two"
        )
        if first["loc"][:1] == ("reference",):
            expected = EXPECTED_REFERENCE
        elif first["loc"][:1] == ("weights",):
            expected = "the name of a network in the checkpoint"
        raise DefinitionsError(f"{path}: {where}: {first['msg']}; expected {expected}") from error


def _no_definitions(path: Path, found: str) -> DefinitionsError:
    """What is told of a file that names no columns: what it is, if its first bytes tell."""
    kind = kind_of(path)
    if kind is not None:
        return DefinitionsError(
            f"{path}: is {kind.name}, no definitions; {kind.advice}. Expected a YAML file with "
            "'features:'"
        )
    return DefinitionsError(
        f"{path}: {found}; expected a YAML file with 'features:' and a list of column names"
    )


def definitions_of(path: Path) -> Path | None:
    """The file beside a checkpoint that names its columns: of its own name, else the shared one."""
    names = [path.with_suffix(ending).name for ending in DEFINITIONS_ENDINGS]
    for name in (*names, SHARED_DEFINITIONS):
        if os.path.lexists(path.parent / name):
            return path.parent / name
    return None


def load_model(
    path: str | Path | nn.Module | None = None,
    definitions: str | Path | None = None,
    *,
    weights: str | None = None,
    device: str = "cpu",
    example: Jet | Mapping[str, Jet] | None = None,
    columns: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    inputs: Inputs | None = None,
    edges: str | None = None,
    name: str = "",
) -> Model:
    """A model to explain: the interaction network of a checkpoint, or any PyTorch module.

    path         a checkpoint of torch.save or safetensors; names may carry a prefix such as
                 "module.", and names of wrappers in between; without it, the bundled network. Or a
                 module, which is used as it is, in evaluation mode
    definitions  YAML file naming the columns of a checkpoint; by default the one of its own name
                 with the ending .yml beside it, else ``definitions.yml`` there
    weights      which network is meant where the checkpoint holds several, such as "ema": the keys
                 and the prefix that lead to it, or a part of them; else as the definitions say

    For a module:
    example  a jet that it runs on, or a jet for each group of rows it reads
    columns  names of the columns of its first argument; by default those of the example
    classes  names of its logits, by default qcd and hbb
    inputs   what each argument of its forward is, where (x, edge_index, batch) does not fit
    edges    path of the module whose messages are the edges, where it passes several
    name     what to call it; by default its class

    Widths and number of classes come from a checkpoint. Nothing is unpickled but tensors and plain
    data. Where the definitions hold reference logits, the network must give them.
    Raises CheckpointError, DefinitionsError or NetworkError saying what was found and what was
    expected.
    """
    if isinstance(path, nn.Module):
        if definitions is not None or weights is not None:
            raise SettingsError(
                "definitions and weights describe a checkpoint; a module gets columns="
            )
        return load_network(
            path,
            example=example,
            columns=columns,
            classes=classes,
            inputs=inputs,
            edges=edges,
            name=name,
        )
    if any(one is not None for one in (example, columns, classes, inputs, edges)) or name:
        raise SettingsError(
            "example, columns, classes, inputs, edges and name describe a module; "
            f"a checkpoint has its definitions file; found the checkpoint {path}"
        )
    path = embedded.CHECKPOINT if path is None else Path(path)
    if path.is_dir():
        raise CheckpointError(
            f"{path}: is a folder, there is no such file; give the checkpoint in it (.pth, .pt, "
            ".ckpt, .safetensors)"
        )
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file; give a checkpoint (.pth, .pt)")
    if definitions is None:
        definitions = definitions_of(path)
        if definitions is None:
            raise DefinitionsError(
                told(
                    f"{path}: no definitions file was given and there is no {SHARED_DEFINITIONS} "
                    f"or {path.with_suffix(DEFINITIONS_ENDINGS[0]).name} beside it; give one that "
                    "names the input columns under 'features:' ",
                    Told("as definitions", "with --definitions FILE"),
                )
            )
    named = read_definitions(definitions)
    content = read_tensors(path)
    chosen, label = choose_weights(path, content, named.weights if weights is None else weights)
    tensors = chosen.tensors
    n_columns, n_classes, hidden = _sizes(path, tensors)
    if len(named.features) != n_columns:
        raise DefinitionsError(
            f"{definitions}: names {len(named.features)} columns, but {path.name} has {n_columns}; "
            "name every input column of the checkpoint once, in its order"
        )
    classes = named.classes
    if classes is None:
        if n_classes != 2:
            raise DefinitionsError(
                f"{definitions}: {path.name} has {n_classes} logits; name them under 'classes:'"
            )
        classes = ("qcd", SIGNAL)
    if len(classes) != n_classes:
        raise DefinitionsError(
            f"{definitions}: names {len(classes)} classes, but {path.name} has {n_classes} logits"
        )
    with torch.device("meta"):  # takes no memory: the checkpoint may promise any width
        _check(path, InteractionNetwork(n_columns, n_classes, hidden), tensors)
    network = InteractionNetwork(n_columns, n_classes, hidden)
    network.load_state_dict(tensors, strict=False)
    try:
        network.to(device)
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise SettingsError(
            told(
                Told("device", "--device"),
                f" {device!r} cannot be used here ({reason}); try 'cpu'",
            )
        ) from error
    model = Model(
        network,
        named.features,
        classes,
        name=f"{path.name}:{label}" if label else path.name,
        checkpoint_hash=_hash(path, label),
        weights=label,
    )
    if named.reference is not None:
        check_reference(model, named.reference, Path(definitions))
    return model


def _hash(path: Path, label: str) -> str:
    """SHA-256 of the file; with a label, of that and the label, since the file is not all of it."""
    of_file = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashlib.sha256(f"{of_file}:{label}".encode()).hexdigest() if label else of_file


def _sizes(path: Path, weights: dict[str, Tensor]) -> tuple[int, int, int]:
    """n_columns, n_classes, hidden."""
    first = weights[ANCHOR]
    last = weights.get("interactionnetwork.global_model.global_mlp.3.weight")
    if (
        first.ndim != 2
        or first.shape[1] % 2
        or last is None
        or last.ndim != 2
        or 0 in (*first.shape, *last.shape)
    ):
        raise CheckpointError(
            f"{path}: {ANCHOR} has shape {tuple(first.shape)}, expected [hidden, 2 n_columns], "
            "and global_mlp.3.weight must be [n_classes, hidden]"
        )
    return int(first.shape[1]) // 2, int(last.shape[0]), int(first.shape[0])


def _check(path: Path, network: InteractionNetwork, weights: dict[str, Tensor]) -> None:
    """Refuse tensors of which a name, a shape or a value is not one of the network's."""
    own = network.state_dict()
    missing = [k for k in own if k not in weights and not k.endswith("num_batches_tracked")]
    strange = [k for k in weights if k not in own]
    if missing or strange:
        raise CheckpointError(
            f"{path}: is not this interaction network: missing {listing(missing)}; "
            f"not known {listing(strange)}"
        )
    for name, tensor in weights.items():
        if tensor.shape != own[name].shape:
            raise CheckpointError(
                f"{path}: {name} has shape {tuple(tensor.shape)}, expected {tuple(own[name].shape)}"
            )
        if not is_plain(tensor):
            raise CheckpointError(f"{path}: {name} is no plain array of numbers, as torch.save has")
        if not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"{path}: {name} holds values that are not finite")
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise CheckpointError(f"{path}: {name} holds negative variances")
