"""``jetlrp evaluate CHECKPOINT FILES``: how well a network tells the jets of files apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lrp_core.errors import TrainingError

if TYPE_CHECKING:
    from rich.console import Console

    from lrp_core.evaluation import Evaluation


DrawRoc = Callable[[Sequence[float], Sequence[float], str, str], None]


def run(
    model: str,
    files: Sequence[str],
    definitions: str | None = None,
    *,
    weights: str | None = None,
    plot: str | None = None,
    draw: DrawRoc | None = None,
    threads: int | None = None,
    tree: str | None = None,
    columns: Mapping[str, str] | None = None,
    padding: str | None = None,
    console: Console | None = None,
) -> Evaluation:
    """Print AUC and background rejection at 30, 50 and 70 % signal efficiency with uncertainties.

    On all jets, by background class and by jet pT. weights: which network of the checkpoint, where
    it holds several. plot: file for the ROC curve, which ``draw``
    (signal efficiency, background rate, title, file) writes. tree, columns and padding are those of
    ``open_jets``.
    Raises JetlrpError where a file or the network is not possible.
    """
    import torch
    from rich.console import Console

    from lrp_core.checkpoint import load_model
    from lrp_core.evaluation import evaluate_scores, lines, roc
    from lrp_core.interaction_network import InteractionNetwork
    from lrp_core.jet_arrays import read_jet_arrays
    from lrp_core.reading import open_jets
    from lrp_core.training import predict_logits

    printed = console or Console(highlight=False, soft_wrap=True)
    if threads is not None:
        torch.set_num_threads(threads)
    loaded = load_model(model, definitions, weights=weights)
    if not isinstance(loaded.network, InteractionNetwork) or set(loaded.classes) != {"qcd", "hbb"}:
        raise TrainingError(
            f"{model}: evaluate measures a network with the classes qcd and hbb, "
            f"found {', '.join(loaded.classes)}"
        )
    with open_jets(files, tree=tree, columns=columns, padding=padding) as opened:
        jets = read_jet_arrays(opened, loaded.columns)
    if left_out := jets.left_out_line():
        printed.print(left_out, markup=False)
    logits = predict_logits(loaded.network, jets)
    hbb = loaded.classes.index("hbb")
    score = logits[:, hbb] - logits[:, 1 - hbb]
    evaluation = evaluate_scores(score, jets)
    for line in lines(evaluation):
        printed.print(line)
    if plot is not None and draw is not None:
        efficiency, rate = roc(score, jets.signal)
        draw(
            efficiency.tolist(),
            rate.tolist(),
            f"{loaded.name}: AUC {evaluation.overall.auc:.4f}",
            plot,
        )
        printed.print(f"written: {plot}")
    return evaluation
