"""Reference logits: what a network must give for a few jets, written beside its checkpoint.

The names and shapes of tensors do not say which activation, aggregation or eps they were trained
with. Logits of a few jets, taken where the network was trained, do: they are held against the
network when it is loaded. They stand in the definitions file:

    reference:
      tolerance: 0.0001
      jets:
      - {tracks: [[1.2, 0.3], [0.8, -0.1]], logits: [-1.07, 2.31]}
      - {file: jets.root, jet: 12, logits: [0.4, -0.9]}
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lrp_core.errors import DefinitionsError, JetlrpError, OutsideError
from lrp_core.folder import inside, shown
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.reading import open_jets

MOST_JETS = 20  # with most tracks and columns they take some megabytes
MOST_TRACKS = 200
MOST_COLUMNS = 1000
TOLERANCE = 1e-4  # of float32, by another order of its sums
EXPECTED_REFERENCE = (
    "'reference:' with 'jets:', a list of jets that each have 'logits:' and either 'tracks:' with "
    "the columns of 'features:' or 'file:' and 'jet:'"
)


def _at_most(most: int) -> BeforeValidator:
    """Counts before what is in a list is looked at: in YAML, one list may stand in many places."""

    def check(value: Any) -> Any:
        if isinstance(value, list) and len(value) > most:
            raise ValueError(f"at most {most} are possible, found {len(value)}")
        return value

    return BeforeValidator(check)


Number = Annotated[float, Field(allow_inf_nan=False)]
Row = Annotated[tuple[Number, ...], Field(min_length=1), _at_most(MOST_COLUMNS)]
Rows = Annotated[tuple[Row, ...], Field(min_length=1), _at_most(MOST_TRACKS)]


class ReferenceJet(BaseModel):
    """A jet and its logits.

    tracks  [n_tracks, n_columns], the columns as the definitions name them; all tracks are joined
    file    else the name of a file of jets beside the definitions, or below, and ``jet`` in it
    logits  [n_classes]
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    logits: Row
    tracks: Rows | None = None
    file: str | None = None
    jet: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _is_one_jet(self) -> ReferenceJet:
        if (self.tracks is None) == (self.file is None) or (self.file is None) != (
            self.jet is None
        ):
            raise ValueError("a jet has either 'tracks:', or 'file:' and 'jet:'")
        return self


class Reference(BaseModel):
    """Jets with their logits.

    tolerance  how far a logit may be off, as a share of the largest logit of its jet, or of 1
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    jets: Annotated[tuple[ReferenceJet, ...], Field(min_length=1), _at_most(MOST_JETS)]
    tolerance: Annotated[float, Field(gt=0, le=1)] = TOLERANCE


def check_reference(model: Model, reference: Reference, definitions: Path) -> None:
    """Hold a network against its reference logits.

    Raises DefinitionsError naming the jet, the logits found and those expected, or what is wrong
    with the reference itself. Files of jets are read in the folder of the definitions alone.
    """
    for number, one in enumerate(reference.jets, 1):
        name = f"reference jet {number}"
        if one.file is not None:
            name += f" ({shown(one.file)}, jet {one.jet})"
        if len(one.logits) != len(model.classes):
            raise DefinitionsError(
                f"{definitions}: {name} has {len(one.logits)} logits, but the network has "
                f"{len(model.classes)}: {', '.join(model.classes)}"
            )
        try:
            jet = _jet(model, one, name, definitions)
            found = _logits(model, jet)
        except JetlrpError as error:
            raise DefinitionsError(f"{definitions}: {name}: {error}") from error
        expected = np.array(one.logits)
        most = reference.tolerance * max(1.0, float(np.abs(expected).max()))
        off = float(np.abs(found - expected).max())
        if not off <= most:  # also where the network gives no number
            raise DefinitionsError(
                f"{definitions}: {model.name} does not give the logits of {name}: found "
                f"{_row(found)}, expected {_row(expected)} ({', '.join(model.classes)}), off by "
                f"{off:.2g} where {most:.2g} is allowed. {_why(found, expected, most)}"
            )


def write_reference(
    definitions: str | Path,
    tracks: Sequence[npt.ArrayLike],
    logits: npt.ArrayLike,
    *,
    tolerance: float = TOLERANCE,
) -> None:
    """Add to a definitions file jets and the logits that the network gave where it was trained.

    tracks  of each jet [n_tracks, n_columns]: what went into the network, all tracks joined
    logits  [n_jets, n_classes]: what came out of it

    Raises DefinitionsError if the file cannot be written, has a reference already, or the jets are
    too many, too large or not of these shapes.
    """
    path = Path(definitions)
    try:
        before = path.read_text("utf-8")
        there = yaml.safe_load(before)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DefinitionsError(f"{path}: cannot be read ({error})") from error
    if not isinstance(there, dict) or "features" not in there:
        raise DefinitionsError(f"{path}: expected 'features:' with a list of column names")
    if "reference" in there:
        raise DefinitionsError(f"{path}: has reference logits already; take 'reference:' out first")
    values = np.asarray(logits)
    if values.ndim != 2 or len(values) != len(tracks):
        raise DefinitionsError(
            f"logits must be an array [{len(tracks)} jets, n_classes], found shape {values.shape}"
        )
    jets: list[dict[str, Any]] = []
    for number, (rows, row) in enumerate(zip(tracks, values, strict=True)):
        of_jet = np.asarray(rows)
        if of_jet.ndim != 2 or of_jet.shape[1] != len(there["features"]):
            raise DefinitionsError(
                f"tracks of jet {number} must be an array [n_tracks, {len(there['features'])}], "
                f"found shape {of_jet.shape}"
            )
        jets.append({"tracks": [_numbers(one) for one in of_jet], "logits": _numbers(row)})
    section: dict[str, Any] = {"tolerance": tolerance, "jets": jets}
    try:
        Reference.model_validate(section)
    except ValueError as error:
        raise DefinitionsError(f"these jets cannot be a reference: {error}") from error
    text = yaml.safe_dump({"reference": section}, default_flow_style=None, sort_keys=False)
    try:
        path.write_text(before.rstrip("\n") + "\n" + text, "utf-8")
    except OSError as error:
        raise DefinitionsError(f"{path}: cannot be written ({error.strerror})") from error


def _jet(model: Model, one: ReferenceJet, name: str, definitions: Path) -> Jet:
    if one.tracks is not None:
        widths = {len(row) for row in one.tracks}
        if widths != {len(model.columns)}:
            raise DefinitionsError(
                f"its tracks have {' or '.join(map(str, sorted(widths)))} values, but there are "
                f"{len(model.columns)} columns under 'features:'"
            )
        return Jet.from_arrays(one.tracks, model.columns, jet_id=name)
    assert one.file is not None
    assert one.jet is not None
    try:
        path = inside(definitions.parent, one.file)
    except OutsideError as error:
        raise DefinitionsError(
            f"{error}; the jets of a reference lie beside the definitions file, or below it"
        ) from error
    if not path.is_file():
        raise DefinitionsError(
            f"there is no file of jets {shown(one.file)} beside the definitions file; put it "
            "there, or give the tracks under 'tracks:'"
        )
    with open_jets(path) as jets:
        jet = jets[one.jet]
        assert isinstance(jet, Jet)
        return jet


def _logits(model: Model, jet: Jet) -> npt.NDArray[np.float64]:
    """What the network itself gives, [n_classes]."""
    dtype = next(model.network.parameters()).dtype
    x = torch.from_numpy(np.array(jet.select(model.columns))).to(model.device, dtype)
    edge_index = torch.from_numpy(np.array(jet.edge_index)).to(model.device)
    jet_of = torch.zeros(len(x), dtype=torch.int64, device=model.device)
    with torch.no_grad():
        logits = model.network(x, edge_index, jet_of)
    found: npt.NDArray[np.float64] = logits[0].double().cpu().numpy()
    return found


def _why(found: npt.NDArray[np.float64], expected: npt.NDArray[np.float64], most: float) -> str:
    """What is likely to differ."""
    if np.abs(np.sort(found) - np.sort(expected)).max() <= most:
        return "They are the same in another order: put 'classes:' into the order of the logits"
    return (
        "The same tensor names can belong to another network: compare its activation (here ReLU), "
        "its aggregation (here the mean, over edges and over tracks) and the eps of its batch "
        "norms (here 1e-05), then the order of 'features:', how they were scaled, and which "
        "weights are meant"
    )


def _row(logits: npt.NDArray[np.float64]) -> str:
    return f"[{', '.join(f'{value:.6g}' for value in logits)}]"


def _numbers(row: npt.ArrayLike) -> list[float]:
    """Numbers as few digits as tell them from their neighbours."""
    return [float(str(value)) for value in np.asarray(row)]
