"""``jetlrp explain JETS --jet N``: explain one jet, print what matters, write it to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from lrp_core.errors import ExplanationFileError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

N_TRACKS, N_EDGES, N_FEATURES = 5, 5, 3


def run(
    jets: Sequence[str] | None,
    jet: int,
    model: str | None = None,
    definitions: str | None = None,
    *,
    weights: str | None = None,
    target: str | None = None,
    rule: str | None = None,
    dtype: str = "float32",
    out: str | None = None,
    device: str = "cpu",
    tree: str | None = None,
    columns: Mapping[str, str] | None = None,
    padding: str | None = None,
    console: Console | None = None,
) -> None:
    """Explain jet number ``jet`` of the files ``jets`` and print a summary.

    jets, model  None: those that come with the package
    weights      which network, where the checkpoint holds several

    rule    as people write it ("gamma(1.0)") or the name of a preset, which also gives the target
    target  None: that of the preset, else "margin"
    out     write the explanation there (.npz or .json)
    device  "cpu" or "cuda"

    Raises JetlrpError where a file, the jet, the rule or the target is not possible.
    """
    from rich.console import Console

    from lrp_core.checkpoint import load_model
    from lrp_core.explainer import check_placement, choose, explain
    from lrp_core.reading import open_jets
    from lrp_core.streaming import check_columns

    if out is not None and not out.endswith((".npz", ".json")):
        raise ExplanationFileError(f"{out}: an explanation is written as .npz or .json")
    chosen, aim = choose(rule, target)
    files = open_jets(jets, tree=tree, columns=columns, padding=padding)
    network = load_model(model, definitions, weights=weights, device=device)
    check_placement(network, chosen)
    check_columns(network, files)
    this = files[jet]
    explanation = explain(network, this, target=aim, rule=chosen, dtype=dtype)
    if out is not None:
        explanation.save(out)
    printed = console or Console(highlight=False, soft_wrap=True)
    print_summary(explanation, this, printed)
    if out is not None:
        printed.print(f"\nwritten: {out}", markup=False)


def print_summary(explanation: Explanation, jet: Jet, console: Console) -> None:
    """Print prediction, most relevant tracks and edges, ledger and conservation error."""
    from rich.text import Text

    console.print(Text.assemble((explanation.jet_id, "bold"), f"  {_describe(jet)}"))
    network = f"{explanation.model_name}  {explanation.checkpoint_hash[:12]}"
    console.print(f"network     {network}", markup=False)
    logits = "  ".join(
        f"{name} {logit:+.4f} ({probability:.2%})"
        for name, logit, probability in zip(
            explanation.classes, explanation.logits, explanation.probabilities, strict=True
        )
    )
    console.print(f"prediction  {logits}", markup=False)
    console.print(f"explained   {explanation.target} = {explanation.value:+.6g}", markup=False)
    console.print(f"rule        {explanation.rule}, {explanation.dtype}\n", markup=False)
    _print_tracks(explanation, jet, console)
    _print_edges(explanation, console)
    if line := _prongs_line(explanation, jet):
        console.print(f"{line}\n", markup=False)
    if jet.truth is not None:
        console.print(f"{_truth_line(explanation, jet)}\n", markup=False)
    _print_ledger(explanation, console)


def _describe(jet: Jet) -> str:
    parts = [f"{jet.n_tracks} tracks, {jet.n_edges} edges"]
    if jet.label is not None:
        parts.append(f"label {jet.label}")
    if jet.pt is not None:
        parts.append(f"pT {jet.pt:.1f} GeV")
    if jet.sdmass is not None:
        parts.append(f"soft-drop mass {jet.sdmass:.1f} GeV")
    return ", ".join(parts)


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "left" if column.endswith("<") else "right"
        table.add_column(column.strip("<"), justify=justify, overflow="fold")
    return table


def _print_tracks(explanation: Explanation, jet: Jet, console: Console) -> None:
    from rich.text import Text

    relevance = explanation.feature_relevance
    total = relevance.sum(axis=1)
    has_pt = "track_pt" in jet.columns
    table = _table(
        "Tracks that matter most", "track", "pT [GeV]", "relevance", "most by its features<"
    )
    for track in np.argsort(-np.abs(total))[:N_TRACKS]:
        features = "  ".join(
            f"{explanation.features[feature]} {relevance[track, feature]:+.3g}"
            for feature in np.argsort(-np.abs(relevance[track]))[:N_FEATURES]
        )
        pt = f"{jet.column('track_pt')[track]:.2f}" if has_pt else "-"
        table.add_row(str(track), pt, f"{total[track]:+.4f}", Text(features))
    console.print(table)
    console.print()


def _print_edges(explanation: Explanation, console: Console) -> None:
    significance, signed = explanation.edge_significance, explanation.signed_edge_relevance
    if significance.size == 0:
        console.print("The jet has no edges.\n")
        return
    table = _table("Edges that matter most", "source", "destination", "significance", "relevance")
    for edge in np.argsort(-significance)[:N_EDGES]:
        source, destination = explanation.edge_index[:, edge]
        table.add_row(
            str(source), str(destination), f"{significance[edge]:.3%}", f"{signed[edge]:+.4g}"
        )
    console.print(table)
    console.print()


def _prongs_line(explanation: Explanation, jet: Jet) -> str | None:
    """How much significance stays within the two subjets and joins them, if the jet has them."""
    from lrp_core.prong_shares import prongs

    found = prongs(explanation, jet)
    if found is None or found.within is None:
        return None
    return (
        f"Prongs: {found.n_1} tracks are of subjet 1 and {found.n_2} of subjet 2; edges within a "
        f"subjet have {_percent(found.within)} of the significance ({_percent(found.even_within)} "
        f"of the edges), edges between the two {_percent(found.between)} "
        f"({_percent(found.even_between)})"
    )


def _truth_line(explanation: Explanation, jet: Jet) -> str:
    """What of the explanation lies on b-hadron tracks, as the simulation knows them."""
    from lrp_core.truth import truth_match

    match = truth_match(explanation, jet)
    tracks = f"{match.n_b_tracks} of {match.n_tracks} tracks"
    if match.n_b_tracks == 0:
        return f"Truth of the simulation: {tracks} are from b-hadrons"
    pt = "" if match.pt_share is None else f", {_percent(match.pt_share)} of the pT"
    parts = [
        f"{tracks} ({_percent(match.track_share)}{pt}) are from b-hadrons and have "
        f"{_percent(match.positive_share)} of the positive relevance"
    ]
    if match.significance_both is not None:
        parts.append(
            f"edges between them have {_percent(match.significance_both)} of the significance "
            f"({_percent(match.edge_share_both)} of the edges)"
        )
    parts.append(
        f"average precision {match.average_precision:.2f} "
        f"({match.average_precision_by_chance:.2f} by chance)"
    )
    return f"Truth of the simulation: {'; '.join(parts)}"


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.0%}"


def _print_ledger(explanation: Explanation, console: Console) -> None:
    table = _table("Ledger", "stage<", "received", "passed on", "bias", "epsilon", "to<")
    for row in explanation.ledger:
        to = "  ".join(
            f"{name.partition(':')[2]} {value:+.4g}" for name, value in row.passed.items()
        )
        table.add_row(
            row.stage,
            f"{row.received:+.6g}",
            f"{sum(row.passed.values()):+.6g}",
            f"{row.bias:+.6g}",
            f"{row.epsilon:+.6g}",
            to if len(row.passed) > 1 else "",
        )
    console.print(table)
    tracks, bias, epsilon = explanation.totals
    console.print(
        f"\ntracks {tracks:+.6g}, biases {bias:+.6g}, epsilon {epsilon:+.6g}: together "
        f"{tracks + bias + epsilon:+.6g} of {explanation.value:+.6g}"
    )
    console.print(f"conservation error {explanation.conservation_error:.1e}")
