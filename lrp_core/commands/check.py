"""``jetlrp check FILES``: read every jet, and say which cannot be used and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrp_core.errors import JetFileError, in_command
from lrp_core.reading import BadJet, JetFiles, expand_paths, open_jets

if TYPE_CHECKING:
    from rich.console import Console

ALL_GOOD, BAD_JETS, BAD_FILES = 0, 1, 2

JETS_AT_ONCE = 4096
RANGES_SHOWN = 40
EVENTS_TOLD = (
    "Each entry looks like a whole event, as in NanoAOD, and is taken for one jet with all its "
    "tracks: write a file with an entry per jet."
)


@dataclass(frozen=True)
class FileReport:
    """What was found in one file: either an ``error`` that kept it from being read, or its jets.

    n_left_out  rows of tracks that are padding, or null, and left out
    events      whether entries look like events of several jets
    """

    path: str
    error: str | None = None
    n_jets: int = 0
    n_features: int = 0
    labels: tuple[tuple[str, int], ...] = ()
    n_tracks: tuple[int, int] | None = None
    bad: tuple[BadJet, ...] = ()
    n_left_out: int = 0
    events: bool = False


def run(
    files: Sequence[str],
    tree: str | None = None,
    columns: Mapping[str, str] | None = None,
    padding: str | None = None,
    *,
    console: Console | None = None,
) -> int:
    """Read all of ``files`` (paths and patterns) and print what is wrong with them.

    tree, columns and padding are those of ``open_jets``. A file that cannot be read does not keep
    the others from being checked.
    -> exit status: 0 all good, 1 some jets cannot be used, 2 some file cannot be read
    """
    from rich.console import Console

    out = console or Console()
    reports = []
    for report in check_files(files, tree, columns, padding):
        _print_report(report, out)
        reports.append(report)
    unread = [report for report in reports if report.error is not None]
    n_bad = sum(len(report.bad) for report in reports)
    n_jets = sum(report.n_jets for report in reports)
    n_files = len(reports) - len(unread)
    text = f"{_count(n_files, 'file')} read, {_count(n_jets, 'jet')}, {n_bad} bad"
    if unread:
        text += f"; {_count(len(unread), 'file')} could not be read"
    out.print(text, style="bold red" if unread or n_bad else "bold green", highlight=False)
    if unread:
        return BAD_FILES
    return BAD_JETS if n_bad else ALL_GOOD


def check_files(
    files: Iterable[str],
    tree: str | None = None,
    columns: Mapping[str, str] | None = None,
    padding: str | None = None,
) -> Iterator[FileReport]:
    """A report for each file, in order; a path that leads to no file gives one with its error."""
    given = list(files)
    if not given:
        yield FileReport(path="", error="no file of jets was given; give at least one ROOT file")
    for pattern in given:
        try:
            paths = expand_paths(pattern)
        except JetFileError as error:
            yield FileReport(path=pattern, error=error.command)
            continue
        for path in paths:
            try:
                with open_jets(path, tree=tree, columns=columns, padding=padding) as jets:
                    yield _check(path, jets)
            except JetFileError as error:
                yield FileReport(path=path, error=error.command)


def _check(path: str, jets: JetFiles) -> FileReport:
    """Read everything in one file."""
    from rich.console import Console
    from rich.progress import Progress

    bad: list[BadJet] = []
    n_left_out = 0
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(jets.name, total=len(jets))
        for start in range(0, len(jets), JETS_AT_ONCE):
            stop = min(start + JETS_AT_ONCE, len(jets))
            bad += jets.problems(start, stop)
            n_left_out += jets.rows_left_out(start, stop)
            progress.update(task, completed=stop)
    summary = jets.summary()
    counts = summary["label"].value_counts(dropna=False)
    labels = {
        "no label" if label not in ("hbb", "qcd") else label: n for label, n in counts.items()
    }
    tracks = summary["n_tracks"].dropna()
    return FileReport(
        path=path,
        n_jets=len(jets),
        n_features=len(jets.features),
        labels=tuple((str(label), int(n)) for label, n in sorted(labels.items())),
        n_tracks=(int(tracks.min()), int(tracks.max())) if len(tracks) else None,
        bad=tuple(bad),
        n_left_out=n_left_out,
        events=jets.has_events(),
    )


def _print_report(report: FileReport, out: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    if report.error is not None:
        out.print(Text(f"✗ {report.error}", style="red"), soft_wrap=True)
        out.print()
        return
    good = report.n_jets - len(report.bad)
    mark, style = ("✗", "red") if report.bad else ("✓", "green")
    out.print(Text(f"{mark} {report.path}", style=f"bold {style}"), soft_wrap=True)
    facts = [f"{_count(report.n_jets, 'jet')}, {good} good"]
    facts.append(f"{report.n_features} track features")
    if report.n_tracks is not None:
        fewest, most = report.n_tracks
        facts.append(f"{fewest} to {most} tracks per jet")
    facts += [f"{name} {number}" for name, number in report.labels]
    if report.n_left_out:
        facts.append(f"{_count(report.n_left_out, 'row')} of padding or null left out")
    out.print(Text("  " + " · ".join(facts)), soft_wrap=True)
    if report.events:
        out.print(Text(f"  {EVENTS_TOLD}", style="yellow"), soft_wrap=True)
    if report.bad:
        table = Table("reason", "jets", "numbers", "for example", box=None, pad_edge=True)
        table.columns[1].justify = "right"
        for reason in dict.fromkeys(jet.reason for jet in report.bad):
            of_reason = [jet for jet in report.bad if jet.reason == reason]
            numbers = ranges([jet.index for jet in of_reason])
            example = in_command(of_reason[0].message)
            table.add_row(Text(reason), str(len(of_reason)), Text(numbers), Text(example))
        out.print(table)
    out.print()


def ranges(numbers: Sequence[int], most: int = RANGES_SHOWN) -> str:
    """Ascending numbers as text: "3, 7-9, 12"; after ``most`` pieces how many numbers follow."""
    pieces: list[list[int]] = []
    for number in numbers:
        if pieces and number == pieces[-1][1] + 1:
            pieces[-1][1] = number
        else:
            pieces.append([number, number])
    shown = [f"{a}" if a == b else f"{a}-{b}" for a, b in pieces[:most]]
    hidden = sum(b - a + 1 for a, b in pieces[most:])
    return ", ".join(shown) + (f" and {hidden} more" if hidden else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
