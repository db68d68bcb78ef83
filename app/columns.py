"""What the command line says of columns: which branches hold them, and in which file they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lrp_core.errors import SettingsError


def check_definitions(
    model: str | None, definitions: str | None, weights: str | None = None
) -> None:
    """Refuse definitions of no network, and a choice within none. Raises SettingsError."""
    if weights is not None and model is None:
        raise SettingsError("--weights chooses within a checkpoint: give it with --model")
    if definitions is not None and model is None:
        raise SettingsError("--definitions names the columns of a network: give it with --model")


def columns_of(given: Sequence[str] | None) -> Mapping[str, str] | None:
    """STANDARD=BRANCH pairs as a mapping. Raises SettingsError for anything else."""
    if not given:
        return None
    columns: dict[str, str] = {}
    for pair in given:
        standard, equals, branch = (part.strip() for part in pair.partition("="))
        if not (standard and equals and branch):
            raise SettingsError(f"--column: expected STANDARD=BRANCH, found {pair!r}")
        columns[standard] = branch
    return columns
