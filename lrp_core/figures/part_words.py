"""Tracks, edges and directions in words, with numbers and units: what stands beside the pointer."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lrp_core.features import feature
from lrp_core.figures.numbers import minus, percent, plain, signed, significant, thousands
from lrp_core.figures.picture import Line, Part
from lrp_core.figures.scene import Direction, Scene
from lrp_core.truth import Origin

SHOWN = ("track_charge", "trackBTag_Sip2dSig", "trackBTag_Sip3dSig", "track_dxy", "track_dz")
EDGE_WORDS = ("significance", "rank", "signed relevance", "speaks", "pT")  # in this order
CHANGE_WORDS = ("here", "pinned", "Δ significance", "that is")  # of an edge of a difference


def sign_of(value: float) -> int:
    """1, -1 or 0, as a line of a ``Part`` has it."""
    return (value > 0) - (value < 0)


def stance(scene: Scene, value: float) -> str:
    """What a relevance speaks for: "for H→bb̄", "against H→bb̄"."""
    if value == 0:
        return "neither for nor against"
    return f"{'for' if value > 0 else 'against'} {scene.stands_for}"


def kind_of(scene: Scene, track: int) -> str:
    """What a track was taken for: "muon", "electron" or ""."""
    return "muon" if scene.muon[track] else "electron" if scene.electron[track] else ""


def track_title(scene: Scene, track: int) -> str:
    """The name of a track: "Track 3 (muon)"."""
    kind = kind_of(scene, track)
    return f"Track {track} ({kind})" if kind else f"Track {track}"


def origin_words(scene: Scene, track: int) -> str:
    """Where the simulation says that a track comes from: "V0, from b-hadron 1"; "" if not known."""
    if scene.origin is None or scene.b is None:
        return ""
    b = int(scene.b[track])
    title = Origin(int(scene.origin[track])).title
    return f"{title}, from b-hadron {b}" if b else title


def in_unit(value: float, unit: str) -> str:
    """A value of a feature: whole where it is, "−0.0213 cm"."""
    text = (
        minus(plain(value))
        if math.isfinite(value) and value == round(value)
        else significant(value)
    )
    return f"{text} {unit}" if unit else text


def track_part(scene: Scene, track: int) -> Part:
    """All that is said of a track."""
    if scene.difference is not None:
        return _changed_track(scene, *scene.difference, track)
    relevance = float(scene.relevance[track])
    sign = sign_of(relevance)
    lines: list[Line] = []
    if scene.origin is not None:
        lines.append(("origin", origin_words(scene, track), 0))
    lines += [
        ("pT", f"{significant(float(scene.pt[track]))} GeV", 0),
        ("sign(η jet) · Δη", significant(float(scene.given("track_etarel")[track])), 0),
        ("Δφ", f"{significant(float(scene.given('track_phirel')[track]))} rad", 0),
    ]
    for name in SHOWN:
        if name in scene.values:
            about = feature(name)
            value = in_unit(float(scene.values[name][track]), about.unit)
            lines.append((about.title.replace("_", ""), value, 0))
    rank = int((scene.tracks_order == track).argmax()) + 1
    lines += [
        ("relevance", signed(relevance), sign),
        ("speaks", stance(scene, relevance), sign),
        ("rank", f"{rank} of {scene.n_tracks}", 0),
    ]
    return Part(track_title(scene, track), tuple(lines))


def change_words(value: float) -> str:
    """What a change of relevance or significance is."""
    return "nothing changed" if value == 0 else f"{'more' if value > 0 else 'less'} than pinned"


def _changed_track(scene: Scene, here: Scene, pinned: Scene, track: int) -> Part:
    """All that is said of a track of a difference."""
    change = float(scene.relevance[track])
    was = [
        f"{signed(float(one.relevance[track]))} · rank {one.tracks_rank[track] + 1}"
        for one in (here, pinned)
    ]
    return Part(
        track_title(scene, track),
        (
            ("pT", f"{significant(float(scene.pt[track]))} GeV", 0),
            ("here", was[0], 0),
            ("pinned", was[1], 0),
            ("Δ relevance", signed(change), sign_of(change)),
            ("that is", change_words(change), sign_of(change)),
        ),
    )


def _changed_edges(
    scene: Scene, here: Scene, pinned: Scene, edges: Iterable[int]
) -> dict[str, list[str]]:
    """What is said of edges of a difference, by the names in ``CHANGE_WORDS``."""
    found: dict[str, list[str]] = {name: [] for name in CHANGE_WORDS}
    for edge in edges:
        change = float(scene.signed[edge])
        was = [
            f"{significant(float(one.significance[edge]))} · rank "
            f"{thousands(int(one.rank[edge]) + 1)}"
            for one in (here, pinned)
        ]
        texts = (*was, f"{signed(change)} ({percent(abs(change))})", change_words(change))
        for name, text in zip(CHANGE_WORDS, texts, strict=True):
            found[name].append(text)
    return found


def edge_lines(scene: Scene, edges: Iterable[int]) -> dict[str, list[str]]:
    """What is said of edges, by the names in ``EDGE_WORDS``: a text for each edge.

    Of a difference, by the names in ``CHANGE_WORDS``.
    """
    if scene.difference is not None:
        return _changed_edges(scene, *scene.difference, edges)
    found: dict[str, list[str]] = {name: [] for name in EDGE_WORDS}
    total, pt = thousands(scene.n_edges), [significant(float(value)) for value in scene.pt]
    for edge in edges:
        significance, relevance = float(scene.significance[edge]), float(scene.signed[edge])
        ends = pt[scene.source[edge]], pt[scene.destination[edge]]
        texts = (
            f"{significant(significance)} ({percent(significance)})",
            f"{thousands(int(scene.rank[edge]) + 1)} of {total}",
            signed(relevance),
            stance(scene, relevance),
            f"{ends[0]} → {ends[1]} GeV",
        )
        for name, text in zip(EDGE_WORDS, texts, strict=True):
            found[name].append(text)
    return found


def direction_part(scene: Scene, one: Direction) -> Part:
    """What is said of a subjet or of a b-hadron."""
    is_subjet = any(one is subjet for subjet in scene.subjets)
    lines: list[Line] = []
    if not is_subjet:
        lines.append(("pT", f"{significant(one.pt)} GeV" if math.isfinite(one.pt) else "–", 0))
    lines += [
        ("sign(η jet) · Δη", significant(one.etarel), 0),
        ("Δφ", f"{significant(one.phirel)} rad", 0),
        (
            "tracks nearest to it" if is_subjet else "tracks from it",
            f"{one.n_tracks} of {scene.n_tracks}",
            0,
        ),
    ]
    name = f"Soft-drop subjet {one.number}" if is_subjet else f"b-hadron {one.number}"
    return Part(name, tuple(lines))
