"""``jetlrp explain JETS --all --out FILE``: explain every jet of files into one Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lrp_core.errors import RelevanceFileError, SourceError, in_command

if TYPE_CHECKING:
    from rich.console import Console

    from lrp_core.streaming import Progress, Streamed

ALL_GOOD, BAD_JETS = 0, 1
PROBLEMS_SHOWN = 10


def run(
    jets: Sequence[str] | None,
    out: str,
    model: str | None = None,
    definitions: str | None = None,
    *,
    weights: str | None = None,
    target: str | None = None,
    rule: str | None = None,
    dtype: str = "float32",
    edges: str = "summary",
    first: int = 0,
    last: int | None = None,
    jets_at_once: int | None = None,
    device: str = "cpu",
    tree: str | None = None,
    columns: Mapping[str, str] | None = None,
    padding: str | None = None,
    console: Console | None = None,
) -> int:
    """Explain the jets ``first`` to ``last`` into ``out``, and say which could not be explained.

    jets, model  None: those that come with the package
    weights      which network, where the checkpoint holds several
    edges        "summary", "full" or "none", as for ``explain_files``

    -> exit status: 0 all explained, 1 some could not be
    Raises JetlrpError where a file, the rule or the target is not possible, and KeyboardInterrupt
    and SourceError, having said what is kept.
    """
    from rich.console import Console

    if not out.endswith(".parquet"):
        raise RelevanceFileError(f"{out}: the relevance of many jets is written as .parquet")
    from lrp_core.allocator import keep_freed_memory
    from lrp_core.checkpoint import load_model
    from lrp_core.explainer import check_placement, choose
    from lrp_core.reading import open_jets
    from lrp_core.streaming import JETS_AT_ONCE, explain_files

    keep_freed_memory()
    printed = console or Console(highlight=False, soft_wrap=True)
    files = open_jets(jets, tree=tree, columns=columns, padding=padding)
    network = load_model(model, definitions, weights=weights, device=device)
    chosen, aim = choose(rule, target)
    check_placement(network, chosen)
    seen = [0, 0]
    try:
        with _shown(files.name, seen) as progress:
            found = explain_files(
                network,
                files,
                out,
                target=aim,
                rule=chosen,
                dtype=dtype,
                edges=edges,
                first=first,
                last=last,
                jets_at_once=JETS_AT_ONCE if jets_at_once is None else jets_at_once,
                progress=progress,
                words=in_command,
            )
    except (KeyboardInterrupt, SourceError):
        done, n_jets = seen
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"jetlrp: stopped; {done} of {n_jets} jets are kept in {out}.parts, and the same "
            "command goes on from there",
            markup=False,
        )
        raise
    _print_result(found, printed)
    return BAD_JETS if found.problems else ALL_GOOD


@contextmanager
def _shown(name: str, seen: list[int]) -> Iterator[Progress]:
    """A bar on stderr with jets per second and the time left; keeps the last figures in ``seen``.

    Where stderr is no terminal, there is a line for each tenth of the jets.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Jets per second, of the last while."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0.0:.0f} jets/s")

    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=screen,
        disable=not screen.is_terminal,
    )
    task = bar.add_task(name, total=None, start=False)
    told = -1

    def progress(done: int, n_jets: int) -> None:
        nonlocal told
        seen[:] = done, n_jets
        if not bar.tasks[0].started:
            bar.start_task(task)
            bar.update(task, total=n_jets)
        bar.update(task, completed=done)
        tenth = 10 * done // max(n_jets, 1)
        if not screen.is_terminal and tenth > told:
            screen.print(f"{name}: {done} of {n_jets} jets", markup=False)
            told = tenth

    with bar:
        yield progress


def _print_result(found: Streamed, console: Console) -> None:
    """How many jets are explained, and the first of those that are not."""
    from lrp_core.commands.check import ranges

    for problem in found.problems[:PROBLEMS_SHOWN]:
        console.print(f"jet {problem.index}: {problem.problem}", markup=False)
    if len(found.problems) > PROBLEMS_SHOWN:
        more = len(found.problems) - PROBLEMS_SHOWN
        console.print(f"and {more} more, see the column problem")
    explained = found.n_jets - len(found.problems)
    text = f"{explained} of {found.n_jets} jets explained"
    if found.problems:
        numbers = ranges([problem.index for problem in found.problems])
        text += f", {len(found.problems)} not: {numbers}"
    how = "written"
    if found.was_complete:
        how = "complete already, nothing to do"
    elif found.n_before:
        how = f"written, {found.n_before} of the jets by an earlier run"
    console.print(text, markup=False)
    console.print(f"{how}: {found.path}", markup=False)
