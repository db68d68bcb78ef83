"""The heat map as data: rows and columns, their order and sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrp_core.figures.numbers import signed
from lrp_core.figures.scene import Scene
from lrp_core.figures.view import View

Array = npt.NDArray[np.float64]

TOP = 20  # rows shown where not all are

# The groups of features in the order in which they stand, with shorter names for narrow ones.
GROUPS = {
    "kinematics": ("kinematics", "kin."),
    "jet-relative": ("relative to the jet", "jet-relative", "jet"),
    "impact parameter": ("impact parameter", "impact", "i. p."),
    "track fit covariance": ("track fit covariance", "covariance", "cov."),
    "track quality": ("track quality", "quality", "qual."),
    "vertex association": ("vertex association", "vertex", "vtx"),
    "particle identity": ("particle identity", "particle", "id."),
    "secondary vertices and subjets": (
        "secondary vertices, subjets",
        "SV, subjets",
        "SV, jets",
        "SV",
    ),
}
# Short symbols for the columns whose title is a phrase.
SHORT = {
    "track_ptrel": "p_T / jet",
    "track_erel": "E / jet",
    "track_etarel": "Δη",
    "track_deltaR": "ΔR",
    "trackBTag_DeltaR": "ΔR (b)",
    "trackBTag_EtaRel": "η_rel",
    "trackBTag_PtRel": "p_rel",
    "trackBTag_PPar": "p_par",
    "trackBTag_PtRatio": "p_rel / p",
    "trackBTag_PParRatio": "p_par / p",
    "trackBTag_JetDistVal": "d_axis",
    "track_dxydz": "cov(xy, z)",
    "track_dphidxy": "cov(φ, xy)",
    "track_dlambdadz": "cov(λ, z)",
    "track_quality": "quality",
    "track_lostInnerHits": "lost hits",
    "track_VTX_ass": "vertex",
    "track_fromPV": "from PV",
    "track_puppiw": "PUPPI",
    "track_isChargedHad": "hadron",
    "track_isEl": "is e",
    "track_isMu": "is μ",
    "track_drminsv": "ΔR SV",
    "track_drsubjet1": "ΔR j_1",
    "track_drsubjet2": "ΔR j_2",
}


@dataclass(frozen=True)
class Sums:
    """What some relevances add up to: all of them, those for and those against."""

    net: float
    plus: float

    @property
    def minus(self) -> float:
        """What speaks against, not positive."""
        return self.net - self.plus

    @property
    def strength(self) -> float:
        """What speaks for and against, without sign."""
        return 2 * self.plus - self.net


@dataclass(frozen=True)
class Column:
    """A feature: its name, its place in the explanation, what it is called, and its sums."""

    name: str
    at: int
    title: str
    short: str
    group: str
    sums: Sums


@dataclass(frozen=True)
class Row:
    """A track and what its features add up to."""

    track: int
    sums: Sums


@dataclass(frozen=True)
class Group:
    """Features of one group stand together, from one place to another."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Features in groups, rows in order, all sums, and the cells [rows, columns].

    by    the feature that the rows are sorted by, or None
    net   of all tracks, whatever rows are shown; ``shown`` is that of the rows
    most  the largest relevance of one cell of the jet, without sign
    """

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    by: Column | None
    cells: Array
    net: float
    shown: float
    most: float
    n_tracks: int
    tracks_total: float

    @property
    def shares(self) -> Array:
        """The cells by the largest of the jet, -1 to 1 [rows, columns]."""
        return self.cells / (self.most or 1.0)

    @property
    def ranks(self) -> dict[str, int]:
        """Which feature counted most, from 1 on."""
        ordered = sorted(self.columns, key=lambda column: -abs(column.sums.net))
        return {column.name: at + 1 for at, column in enumerate(ordered)}

    @property
    def adds_up(self) -> bool:
        """Whether the cells add up to what the account gives to the tracks."""
        wanted = self.tracks_total
        return abs(self.net - wanted) <= 1e-4 * max(1.0, abs(wanted))

    @property
    def sentence(self) -> str:
        """How the rows and columns add up to the account, in words."""
        hidden = self.n_tracks - len(self.rows)
        says = f"All {self.n_tracks} tracks add up to {signed(self.net, 4)}, "
        if self.adds_up:
            says += "the tracks' share in the account."
        else:
            says += f"but the account gives {signed(self.tracks_total, 4)} to the tracks."
        if hidden:
            says += f" The {len(self.rows)} shown hold {signed(self.shown, 4)} of it."
        return says


def arrange(scene: Scene, view: View) -> Arrangement:
    """The heat map of a view."""
    values = scene.by_feature
    columns = []
    for at, name in enumerate(scene.features):
        about = scene.feature(name)
        columns.append(
            Column(
                name, at, about.title, SHORT.get(name, about.title), about.group or "other",
                _sums(values[:, at]),
            )
        )  # fmt: skip
    known = list(GROUPS)

    def turn(column: Column) -> tuple[int, str, float, int]:
        place = known.index(column.group) if column.group in known else len(known)
        return (place, column.group, -abs(column.sums.strength), column.at)

    columns.sort(key=turn)
    groups: list[Group] = []
    for place, column in enumerate(columns):
        if groups and groups[-1].name == column.group:
            groups[-1] = Group(column.group, groups[-1].first, place)
        else:
            groups.append(Group(column.group, place, place))
    by = next((column for column in columns if column.name == view.sort), None)
    key = scene.pt if view.sort == "pt" else np.abs(scene.relevance)
    if by is not None:
        key = np.abs(values[:, by.at])
    order = np.argsort(-key, kind="stable")
    chosen = order if view.rows == "all" else order[:TOP]
    rows = tuple(Row(int(track), _sums(values[track])) for track in chosen)
    places = [column.at for column in columns]
    return Arrangement(
        rows=rows,
        columns=tuple(columns),
        groups=tuple(groups),
        by=by,
        cells=values[chosen][:, places],
        net=_sums(np.array([column.sums.net for column in columns])).net,
        shown=sum(row.sums.net for row in rows),
        most=float(np.abs(values).max(initial=0.0)),
        n_tracks=scene.n_tracks,
        tracks_total=scene.explanation.totals.tracks,
    )


def _sums(values: Array) -> Sums:
    return Sums(float(values.sum()), float(values.clip(min=0).sum()))
