"""Features of pairs of tracks: where on the tape relevance has come to them, and is theirs.

A transformer for jets makes ln Δ, ln kT, ... of every pair from four-vectors, embeds them and adds
them to the scores of its attention; a graph network reads attributes of edges. Relevance stops
there: at an argument that is ``Pairs``, else at what is embedded (the first product with weights,
or where it meets what the tracks' columns made). It is an account of the ledger, and edges.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lrp_core.tape.affine import is_affine
from lrp_core.tape.inputs import Given, Pairs
from lrp_core.tape.places import Label, Message
from lrp_core.tape.tape import Tape


def stops(tape: Tape, given: Given) -> dict[int, str]:
    """The values where relevance stops, by number: the argument that they were made from."""
    names = given.inputs.pairs
    if not names:
        return {}
    return tape.once(
        "stops", lambda: _stops(tape, {tape.leaves[name]: name for name in names}, given)
    )


def _stops(tape: Tape, leaves: Mapping[int, str], given: Given) -> dict[int, str]:
    found = {
        number: name
        for number, name in leaves.items()
        if isinstance(given.inputs.arguments[name], Pairs)
    }
    made_of = {number: {name} for number, name in leaves.items() if number not in found}
    for node in tape.nodes:
        live = [n for n in node.inputs() if n in tape.active]
        alone = all(n in made_of for n in live)
        if alone and not is_affine(tape, node):
            names: set[str] = set().union(*(made_of[n] for n in live))
            made_of.update({n: names for n in node.outputs if n is not None})
            continue
        found.update({n: min(made_of[n]) for n in live if n in made_of})
    return found


def messages(
    found: Mapping[int, str], labels: Mapping[int, Label], given: Given
) -> dict[int, Message]:
    """Which pair every element of a value is about; of what no one said, each pair stands once."""
    result = {}
    for number, name in found.items():
        label = labels[number]
        receiver = torch.where(label.b < 0, label.a, label.b)
        if isinstance(given.inputs.arguments[name], Pairs):
            receiver = given.ends(name)[0]
        result[number] = Message(-1, label, receiver, 0)
    return result


def called(found: Mapping[int, str]) -> dict[int, str]:
    """What the ledger calls each of the values."""
    seen: dict[str, int] = {}
    names = {}
    for number, name in found.items():
        seen[name] = seen.get(name, 0) + 1
        names[number] = f"pairs:{name}" if seen[name] == 1 else f"pairs:{name}@{seen[name]}"
    return names
