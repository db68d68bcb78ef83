"""``jetlrp simulate``: make jets with Pythia 8 and a parametrised CMS-like tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrp_core.simulation import simulate

if TYPE_CHECKING:
    from rich.console import Console

DONE, STOPPED = 0, 130


def run(
    signal: int,
    background: int,
    seed: int,
    out: str,
    processes: int = 1,
    *,
    progress: bool = True,
    console: Console | None = None,
) -> int:
    """Write ``signal`` jets of H -> bb and ``background`` jets of QCD to ``out``, and say so.

    -> exit status: 0 all jets, 130 stopped by Ctrl-C with the jets so far kept
    Raises SimulationError where a number is not possible or the extra ``simulate`` is missing.
    """
    from rich.console import Console

    printed = console or Console(highlight=False, soft_wrap=True)
    sample = simulate(signal, background, seed, out, processes, progress)
    if sample.n_signal + sample.n_background == 0:
        printed.print("stopped before the first jets were written; there is no file")
        return STOPPED
    printed.print(
        f"{sample.path}: {sample.n_signal} jets of H→bb and {sample.n_background} jets of QCD "
        f"from {sample.n_events} events in {sample.seconds:.0f} s"
    )
    printed.print(f"SHA-256 of the branches {sample.content_hash}")
    if not sample.complete:
        printed.print(f"stopped early: {signal} and {background} were asked for")
        return STOPPED
    return DONE
