"""``jetlrp train FILES --out CHECKPOINT``: train the interaction network and measure it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrp_core.errors import TrainingError
from lrp_core.features import FEATURES

if TYPE_CHECKING:
    from rich.console import Console

    from lrp_core.training import Epoch

DONE, STOPPED = 0, 130


def run(
    files: Sequence[str],
    out: str,
    *,
    epochs: int = 8,
    patience: int = 3,
    seed: int = 0,
    batch_jets: int = 64,
    learning_rate: float = 2e-3,
    device: str = "cpu",
    threads: int | None = None,
    tree: str | None = None,
    columns: Mapping[str, str] | None = None,
    padding: str | None = None,
    progress: bool = True,
    console: Console | None = None,
) -> int:
    """Train on the jets of ``files`` and write ``out``, ``definitions.yml`` and ``out.json``.

    A part of the events is kept aside to choose the epoch by; AUC and rejections of that part are
    printed at the end. A training that was stopped goes on from where it was when it is run again.
    threads: of the CPU, None as many as torch likes. tree, columns, padding: as for ``open_jets``.
    -> exit status: 0 trained, 130 stopped by Ctrl-C
    Raises JetFileError or TrainingError where jets or settings are not possible.
    """
    import torch
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from lrp_core.checkpoint import load_model
    from lrp_core.evaluation import evaluate_scores, lines
    from lrp_core.interaction_network import InteractionNetwork
    from lrp_core.jet_arrays import read_jet_arrays
    from lrp_core.reading import open_jets
    from lrp_core.training import (
        TrainingSettings,
        predict_logits,
        split_by_event,
        take_jets,
        train,
    )

    path = Path(out)
    if not path.parent.is_dir():
        raise TrainingError(f"{path}: there is no folder {path.parent}; make it first")
    if device != "cpu" and not torch.cuda.is_available():
        raise TrainingError(f"device {device!r} was asked for, but there is no GPU; use cpu")
    if threads is not None:
        torch.set_num_threads(threads)
    printed = console or Console(highlight=False, soft_wrap=True)
    with open_jets(files, tree=tree, columns=columns, padding=padding) as opened:
        jets = read_jet_arrays(opened, tuple(FEATURES))
    printed.print(f"{len(jets)} jets, {int(jets.signal.sum())} of them H→bb")
    if left_out := jets.left_out_line():
        printed.print(left_out, markup=False)
    settings = TrainingSettings(
        epochs=epochs,
        patience=patience,
        seed=seed,
        batch_jets=batch_jets,
        learning_rate=learning_rate,
        device=device,
    )
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=printed,
        disable=not progress,
    )
    task = bar.add_task("epoch 1")

    def report(epoch: Epoch) -> None:
        bar.reset(task, description=f"epoch {epoch.number + 1}")
        bar.print(
            f"epoch {epoch.number}: loss {epoch.loss:.4f}, validation {epoch.validation_loss:.4f}, "
            f"AUC {epoch.validation_auc:.4f}, {epoch.seconds:.0f} s"
        )

    def step(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    try:
        with bar:
            train(jets, path, settings, report, step, sources=[Path(file).name for file in files])
    except KeyboardInterrupt:
        printed.print(f"stopped; the same command goes on from {path.name}.resume")
        return STOPPED
    network = load_model(path).network
    assert isinstance(network, InteractionNetwork)
    aside = take_jets(jets, split_by_event(jets, settings.validation_share, seed)[1])
    logits = predict_logits(network, aside)
    printed.print(f"written: {path}; on the events kept aside:")
    for line in lines(evaluate_scores(logits[:, 1] - logits[:, 0], aside)):
        printed.print(line)
    return DONE
