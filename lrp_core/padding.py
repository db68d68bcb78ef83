"""Rows of an array that stand for no track: padding to a fixed length, and what is masked.

Training files fill every jet up to one length, with zeros, -999 or NaN. To a graph network each
such row would be a track, so none ever becomes one: a jet that has them is refused, unless it was
said what they hold; then they are left out. What is masked says itself that it is no track.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lrp_core.errors import SettingsError, Told, told

Array = npt.NDArray[Any]

ZEROS, NAN, KEEP = "zeros", "nan", "keep"
# What padding is made of where it is not said: what people write, and what numpy fills masks with.
USUAL = (
    *(-9.0, -99.0, -999.0, -9999.0, -99999.0, -999999.0),
    *(999.0, 9999.0, 99999.0, 999999.0, 1e20, math.nan),
)
# A row of these is padding in so many columns, or where it says that the track has no momentum; in
# fewer columns, such as charges, it may be a track.
SMALL, LEAST_COLUMNS = (0.0, -1.0), 3
MOMENTA = {"pt", "p", "e", "energy", "momentum", "ptrel", "erel"}  # last parts of names
LEAST_CHOSEN = 4  # so many of a jet's columns a network must read to tell padding by them

# Why a jet cannot be used.
PADDED = "rows of padding, which are no tracks"
MASKED = "tracks with some values missing"


@dataclass(frozen=True)
class Padding:
    """Which rows are padding and left out.

    values  a row that holds nothing but these is padding, before the first or behind the last track
    keep    there is no padding: a row of zeros is a track
    """

    values: tuple[float, ...] = ()
    keep: bool = False

    def __str__(self) -> str:
        """As people give it; "" where nothing was said."""
        return KEEP if self.keep else ",".join(map(_name, self.values))

    @property
    def drops(self) -> bool:
        """Whether rows are left out for what they hold."""
        return bool(self.values)


REFUSE = Padding()


def read_padding(given: str | float | Padding | None) -> Padding:
    """What people give as padding.

    given  None: rows of padding are refused; "zeros", "nan" or a number such as -999: rows of that
           are left out, and of several with commas between; "keep": all rows are tracks

    Raises SettingsError for anything else.
    """
    if given is None:
        return REFUSE
    if isinstance(given, Padding):
        return given
    parts = [part.strip().lower() for part in str(given).split(",")]
    if parts == [KEEP]:
        return Padding(keep=True)
    try:
        values = [0.0 if part in (ZEROS, "zero") else float(part) for part in parts]
        values = [math.nan if math.isnan(value) else value for value in values]  # equal to itself
        if any(math.isinf(value) for value in values) or isinstance(given, bool):
            raise ValueError
    except ValueError:
        raise SettingsError(
            told(
                Told("padding", "--padding"),
                f": expected {ZEROS}, {NAN}, a number such as -999, several of them with commas "
                f"between, or {KEEP}, found {given!r}",
            )
        ) from None
    return Padding(tuple({_name(value): value for value in values}.values()))


def padding_text(given: str | float | Padding | None) -> str | None:
    """The same as a text that is equal for equal ones; None where nothing is said."""
    return str(read_padding(given)) or None


def _name(value: float) -> str:
    """A value of padding as it is given: "zeros", "nan" or a number."""
    return ZEROS if value == 0 else NAN if math.isnan(value) else f"{value:.9g}"


def is_one_of(values: Array, numbers: tuple[float, ...]) -> npt.NDArray[np.bool_]:
    """Where values are among some numbers, also as float32 has them, and NaN is NaN."""
    ascending, with_nan = _ascending(numbers, values.dtype)
    place = ascending.searchsorted(values)
    found: npt.NDArray[np.bool_] = ascending.take(place, mode="clip") == values
    if with_nan:
        found |= np.isnan(values)
    return found


@lru_cache(maxsize=64)
def _ascending(numbers: tuple[float, ...], dtype: np.dtype[Any]) -> tuple[Array, bool]:
    """Some numbers but NaN, as they are and as float32 has them; and whether NaN is among them."""
    plain = np.array([number for number in numbers if not math.isnan(number)] or [math.inf])
    with np.errstate(over="ignore"):  # of a number that float32 does not have
        both = np.concatenate([plain, plain.astype(np.float32)]).astype(dtype)
    return np.unique(both), any(math.isnan(number) for number in numbers)


def placeholders(
    tracks: Array, columns: Sequence[str], padding: Padding = REFUSE
) -> npt.NDArray[np.int64]:
    """The rows that stand for no track: nothing but usual values of padding, or those given.

    tracks [n_tracks, n_columns], with the names of its columns -> numbers of rows, rising
    Column by column, each for the rows that are left, so that real tracks cost next to nothing.
    """
    rows = np.zeros(0, np.int64)
    if padding.keep:
        return rows
    many = len(columns) >= LEAST_COLUMNS
    small = many or any(name.lower().rsplit("_", 1)[-1] in MOMENTA for name in columns)
    numbers = (*USUAL, *(SMALL if small else ()), *padding.values)
    for column in range(tracks.shape[1]):
        values = tracks[:, column] if column == 0 else tracks[rows, column]
        found = is_one_of(values, numbers)
        rows = np.flatnonzero(found) if column == 0 else rows[found]
        if not len(rows):
            return rows
    if -1.0 in padding.values:
        return rows
    ones = tracks[rows] == -1
    left: npt.NDArray[np.int64] = rows[ones.all(axis=1) | ~ones.any(axis=1)]
    return left


@dataclass(frozen=True)
class Sorted:
    """What the rows of some jets are.

    keep      [n_tracks]: which are tracks; None: all of them
    problems  number of the jet -> reason, message: jets with rows that may be either
    """

    keep: npt.NDArray[np.bool_] | None
    problems: dict[int, tuple[str, str]]


def sort_rows(
    tracks: Array,
    offsets: npt.NDArray[np.int64],
    columns: Sequence[str],
    padding: Padding,
    missing: npt.NDArray[np.bool_] | None = None,
) -> Sorted:
    """Tell tracks from rows that stand for none, jet by jet.

    tracks   [n_tracks, n_columns], NaN where missing
    offsets  [n_jets + 1]: whose rows they are
    missing  [n_tracks, n_columns] or None: what is masked, or null

    Rows that are missing as a whole are left out wherever they are. Rows of padding are left out
    before the first and behind the last track, if ``padding`` has their values; any other row that
    holds nothing but usual values of padding is a problem of its jet, and so is a row that is
    missing in part. Rows of NaN without that being said are for others to refuse.
    """
    gone: npt.NDArray[np.bool_] = np.zeros(len(tracks), bool)
    problems: dict[int, tuple[str, str]] = {}
    if missing is not None:
        gone |= missing.all(axis=1)
    found = placeholders(tracks, columns, padding)
    found = found[~gone[found]]
    if len(found) and padding.drops:
        chosen = found[is_one_of(tracks[found], padding.values).all(axis=1)]
        is_track = ~gone
        is_track[chosen] = False
        first, last = _ends(is_track, offsets)
        jet_of = _jet_of(chosen, offsets)
        chosen = chosen[(chosen < first[jet_of]) | (chosen > last[jet_of])]
        gone[chosen] = True
        found = found[~gone[found]]
    if missing is not None:
        partly = np.flatnonzero(missing.any(axis=1) & ~gone)
        for jet, rows in _by_jet(partly, offsets):
            problems[jet] = MASKED, _tell_missing(missing, rows, int(offsets[jet]), columns)
        found = found[~missing[found].any(axis=1)]
    found = found[~np.isnan(tracks[found]).any(axis=1)]
    for jet, rows in _by_jet(found, offsets):
        begin, end = int(offsets[jet]), int(offsets[jet + 1])
        text = tell_padding(tracks[begin:end], rows - begin, gone[begin:end])
        problems.setdefault(jet, (PADDED, text))
    return Sorted(~gone if gone.any() else None, problems)


def _jet_of(rows: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = np.searchsorted(offsets, rows, side="right") - 1
    return found


def _by_jet(
    rows: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]
) -> list[tuple[int, npt.NDArray[np.int64]]]:
    """Rows in rising order, jet by jet."""
    jets, starts = np.unique(_jet_of(rows, offsets), return_index=True)
    if not len(jets):
        return []
    ends = [*starts[1:], len(rows)]
    return [(int(jet), rows[a:b]) for jet, a, b in zip(jets, starts, ends, strict=True)]


def _ends(
    is_track: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first and the last track of each jet; of one without any, behind the end and before."""
    first = np.full(len(offsets) - 1, len(is_track), np.int64)
    last = np.full(len(offsets) - 1, -1, np.int64)
    rows = np.flatnonzero(is_track)
    jet_of = _jet_of(rows, offsets)
    last[jet_of] = rows  # of several for one jet the last one stays
    first[jet_of[::-1]] = rows[::-1]
    return first, last


def tell_padding(
    tracks: Array, rows: npt.NDArray[np.int64], gone: npt.NDArray[np.bool_] | None = None
) -> Told:
    """What the rows of a jet hold that stand for no track, and what to do.

    gone  [n_tracks]: rows that are left out; None: none is
    """
    is_track = np.ones(len(tracks), bool) if gone is None else ~gone
    is_track[rows] = False
    real = np.flatnonzero(is_track)
    between = rows[(rows > real[0]) & (rows < real[-1])] if len(real) else rows[:0]
    if len(between):
        return told(
            f"{_numbered(between)} {_are(between)} {_values_of(tracks[between])} in every column, "
            "between others: no track is that; leave such rows out where the file is written, or "
            "say that they are tracks with ",
            _given(KEEP),
        )
    values = _values_of(tracks[rows])
    names = ",".join(_name(value) for value in np.unique(tracks[rows]))
    return told(
        f"{_numbered(rows)} of {len(tracks)} {_are(rows)} {values} in every column, which is "
        "padding and no track; leave such rows out with ",
        _given(names),
        ", or say that they are tracks with ",
        _given(KEEP),
    )


def not_finite(tracks: Array, columns: Sequence[str]) -> str:
    """What is not finite in the tracks of one jet [n_tracks, n_columns], and what to do.

    ``Told`` where whole rows are NaN, as padding is: then it says how such rows are left out.
    """
    finite = np.isfinite(tracks)
    track, column = np.argwhere(~finite)[0]
    text = (
        f"{int((~finite).sum())} value(s) are not finite, the first is {tracks[track, column]} for "
        f"{columns[column]} of track {track}; every value must be a finite number"
    )
    rows = placeholders(tracks, columns)
    rows = rows[np.isnan(tracks[rows]).any(axis=1)]
    if not len(rows):
        return text
    values = np.unique(tracks[rows], equal_nan=True)
    return told(
        f"{text}; {_numbered(rows)} {_are(rows)} {_values_of(tracks[rows])} in every column: if "
        "that is padding, leave such rows out with ",
        _given(",".join(_name(value) for value in values)),
    )


def _tell_missing(
    missing: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    begin: int,
    columns: Sequence[str],
) -> str:
    """Which value of a track is missing while others are there."""
    row = int(rows[0])
    lacking = [columns[at] for at in np.flatnonzero(missing[row]).tolist()]
    more = f", and {len(rows) - 1} more tracks are alike" if len(rows) > 1 else ""
    return (
        f"track {row - begin} has no value of {', '.join(lacking[:6])}"
        f"{f' and {len(lacking) - 6} more' if len(lacking) > 6 else ''} (masked or null), but of "
        f"other columns{more}; give all values of a track, or mask all of them"
    )


def _given(text: str) -> Told:
    """How a padding is given."""
    number = text if text.lstrip("-").replace(".", "").isdigit() else repr(text)
    return Told(f"padding={number}", f"--padding {text}")


def _numbered(rows: npt.NDArray[np.int64]) -> str:
    if len(rows) == 1:
        return f"track {rows[0]}"
    if rows[-1] - rows[0] == len(rows) - 1:
        return f"tracks {rows[0]} to {rows[-1]}"
    return f"{len(rows)} tracks, from {rows[0]} to {rows[-1]}"


def _are(rows: npt.NDArray[np.int64]) -> str:
    return "is" if len(rows) == 1 else "are"


def _values_of(tracks: Array) -> str:
    values = [f"{value:.9g}" for value in np.unique(tracks, equal_nan=True)]
    return " or ".join(values)


def read_rows(given: Any) -> tuple[Array, npt.NDArray[np.bool_] | None]:
    """Rows of values as people have them -> the values, and which of them are masked, or None.

    given  what numpy makes an array of; masked arrays of numpy, awkward arrays with option types,
           lists with None for a value or for a whole row

    What is masked is NaN. Raises TypeError or ValueError as numpy does.
    """
    if type(given).__module__.partition(".")[0] == "awkward":
        import awkward as ak

        try:
            given = ak.to_numpy(given)
        except ValueError:
            given = ak.to_list(given)
    if isinstance(given, list | tuple):
        rows = [row for row in given if row is not None and row is not np.ma.masked]
        if len(rows) < len(given) and rows:
            nothing = [None] * len(rows[0])
            given = [nothing if row is None or row is np.ma.masked else row for row in given]
        if any(isinstance(row, np.ma.MaskedArray) for row in rows):
            given = np.ma.array(given)  # np.asarray would take what lies below the masks
    missing = None
    if isinstance(given, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(given) if np.ma.is_masked(given) else None
        values = np.asarray(given.data)
    else:
        values = np.asarray(given)
        if values.dtype == object and values.ndim == 2:
            none = np.array([value is None or value is np.ma.masked for value in values.flat])
            missing = none.reshape(values.shape) if none.any() else None
    if missing is not None:
        if values.dtype not in (np.float32, np.float64):
            values = np.where(missing, 0, values).astype(np.float64)
        values = np.where(missing, values.dtype.type("nan"), values)
    return values, missing
