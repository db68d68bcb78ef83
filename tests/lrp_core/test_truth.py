"""The truth of simulated jets: by hand, and as it is read of a file."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
from rich.console import Console

import lrp_core
from lrp_core.commands.explain import print_summary
from lrp_core.errors import JetError, JetFileError, TruthError
from lrp_core.explanation import Explanation, Ledger
from lrp_core.jets import Jet, complete_graph
from lrp_core.reading import open_jets
from lrp_core.rules import Gamma
from lrp_core.truth import (
    BHadron,
    Origin,
    Truth,
    average_precision,
    average_precision_by_chance,
    truth_match,
)

COUNTS = (3, 5, 1, 8, 2, 4)
FEATURES = {"track_pt", "track_etarel", "trackBTag_Eta"}

# Tracks 0 and 1 are from the b-hadrons, 2 and 3 are not.
TRUTH = Truth(
    np.array([Origin.B_HADRON, Origin.V0, Origin.PROMPT, Origin.PILEUP]),
    np.array([1, 2, 0, 0]),
    (BHadron(1, 90.0, 0.1, -0.1), BHadron(2, 60.0, -0.2, 0.1)),
)
RELEVANCE = [[2.0, 1.0], [-2.0, 1.0], [0.5, 1.5], [0.0, 0.0]]  # in sum 3, -1, 2, 0
SIGNIFICANCE = {
    (0, 1): 0.30, (0, 2): 0.05, (0, 3): 0.05,
    (1, 0): 0.20, (1, 2): 0.05, (1, 3): 0.05,
    (2, 0): 0.05, (2, 1): 0.05, (2, 3): 0.10,
    (3, 0): 0.02, (3, 1): 0.03, (3, 2): 0.05,
}  # fmt: skip


def make_jet(truth: Truth | None = TRUTH, columns: tuple[str, ...] = ("track_pt", "x")) -> Jet:
    tracks = [[40.0, 1.0], [30.0, 2.0], [20.0, 3.0], [10.0, 4.0]]
    return Jet.from_arrays(tracks, columns, truth=truth, jet_id="toy.root:0")


def make_explanation(jet: Jet, relevance=RELEVANCE, significance=None) -> Explanation:
    if significance is None:
        significance = [SIGNIFICANCE[source, end] for source, end in jet.edge_index.T.tolist()]
    return Explanation(
        logits=np.array([-1.0, 3.0]),
        probabilities=np.array([0.018, 0.982]),
        classes=("qcd", "hbb"),
        target="margin",
        rule=Gamma(1.0),
        dtype="float64",
        value=4.0,
        track_relevance=np.array(relevance),
        edge_index=jet.edge_index,
        edge_relevance=np.zeros((jet.n_edges, 4)),
        edge_significance=np.array(significance),
        ledger=Ledger(()),
        columns=jet.columns,
        jet_id=jet.jet_id,
        model_name="toy.pth",
        checkpoint_hash="ab12",
        version="0",
    )


# The record


def test_the_codes_have_names():
    assert [origin.title for origin in Origin] == [
        "prompt",
        "b-hadron decay",
        "c-hadron decay",
        "V0",
        "photon conversion",
        "nuclear interaction",
        "pileup",
        "fake",
    ]
    assert [int(origin) for origin in Origin] == list(range(8))


def test_b_hadron_tracks_are_all_that_descend_from_one():
    assert TRUTH.n_tracks == 4
    assert TRUTH.from_b.tolist() == [True, True, False, False]  # the V0 in the chain as well
    elsewhere = Truth([Origin.B_HADRON, Origin.C_HADRON], [0, 0])
    assert elsewhere.from_b.tolist() == [False, False]
    assert elsewhere.b_hadrons == ()


def test_a_truth_does_not_change():
    origin = np.zeros(2, np.int32)
    truth = Truth(origin, [0, 1])
    origin[0] = 5
    assert truth.origin.tolist() == [0, 0]
    assert truth.origin.dtype == truth.b.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        truth.b[0] = 1


@pytest.mark.parametrize(
    ("origin", "b", "words"),
    [
        ([0, 8], [0, 0], "origin of track 1 is 8; expected a whole number from 0 to 7"),
        ([0, 0.5], [0, 0], "origin of track 1 is 0.5"),
        ([0, 1], [0, -1], "b of track 1 is -1; expected a whole number from 0 to 2"),
        ([0, 1], [0, np.nan], "b of track 1 is nan"),
        ([0, 1], [0], "origin is of 2 tracks and b of 1"),
        ([[0, 1]], [0], r"origin must be an array \[n_tracks\], found shape \(1, 2\)"),
    ],
)
def test_what_a_truth_refuses(origin, b, words):
    with pytest.raises(TruthError, match=words):
        Truth(origin, b)


def test_a_jet_refuses_the_truth_of_another():
    with pytest.raises(
        TruthError, match=r"toy.root:0: the truth is of 2 tracks, but the jet has 4"
    ):
        make_jet(Truth([0, 0], [0, 0]))


# The match


def test_a_match_by_hand():
    jet = make_jet()
    match = truth_match(make_explanation(jet), jet)
    assert (match.n_tracks, match.n_b_tracks) == (4, 2)
    assert match.relevance == pytest.approx(3 - 1)
    assert match.relevance_all == pytest.approx(3 - 1 + 2)
    assert match.positive_share == pytest.approx(3 / (3 + 2))
    assert match.absolute_share == pytest.approx((3 + 1) / (3 + 1 + 2))
    assert match.track_share == pytest.approx(2 / 4)
    assert match.pt_share == pytest.approx((40 + 30) / 100)
    assert match.significance_both == pytest.approx(0.30 + 0.20)
    assert match.significance_any == pytest.approx(1 - 0.10 - 0.05)
    assert match.edge_share_both == pytest.approx(2 / 12)
    assert match.edge_share_any == pytest.approx(10 / 12)
    # in order of relevance: track 0 (b), 2, 3, 1 (b)
    assert match.average_precision == pytest.approx((1 / 1 + 2 / 4) / 2)
    assert match.average_precision_by_chance == pytest.approx(49 / 72)


def test_the_match_is_public():
    jet = make_jet()
    assert lrp_core.truth_match is truth_match
    assert lrp_core.Truth is Truth
    assert lrp_core.truth_match(make_explanation(jet), jet).n_b_tracks == 2


def test_a_jet_without_b_hadrons():
    jet = make_jet(Truth([0, 0, 6, 7], [0, 0, 0, 0]))
    match = truth_match(make_explanation(jet), jet)
    assert (match.n_b_tracks, match.relevance, match.positive_share, match.absolute_share) == (
        0,
        0.0,
        0.0,
        0.0,
    )
    assert (match.track_share, match.pt_share, match.edge_share_any) == (0.0, 0.0, 0.0)
    assert (match.significance_both, match.significance_any) == (0.0, 0.0)
    assert match.average_precision is None
    assert match.average_precision_by_chance is None


def test_where_there_is_nothing_to_share():
    jet = make_jet(columns=("y", "x"))
    match = truth_match(make_explanation(jet, -np.ones((4, 2)), np.zeros(12)), jet)
    assert (match.positive_share, match.absolute_share) == (None, pytest.approx(0.5))
    assert match.pt_share is None
    assert (match.significance_both, match.significance_any) == (None, None)
    assert match.edge_share_both == pytest.approx(2 / 12)
    assert match.average_precision == pytest.approx(0.5)  # all equal

    alone = Jet.from_arrays([[1.0, 2.0]], ("track_pt", "x"), truth=Truth([1], [1]))
    match = truth_match(make_explanation(alone, [[1.0, 0.0]]), alone)
    assert (match.positive_share, match.pt_share, match.track_share) == (1, 1, 1)
    assert (match.edge_share_both, match.edge_share_any) == (None, None)
    assert (match.average_precision, match.average_precision_by_chance) == (1, 1)


def test_relevance_that_is_not_finite_is_never_a_number():
    jet = make_jet()
    relevance = np.array(RELEVANCE)
    relevance[2, 0] = np.nan
    match = truth_match(make_explanation(jet, relevance), jet)
    assert match.relevance == pytest.approx(2)
    for value in (match.relevance_all, match.positive_share, match.absolute_share):
        assert value is not None
        assert np.isnan(value)
    assert match.average_precision is not None
    assert np.isnan(match.average_precision)


def test_a_jet_without_truth_says_so():
    jet = make_jet(None)
    with pytest.raises(
        TruthError, match=r"toy.root:0: nobody knows .* only simulated jets have a truth"
    ):
        truth_match(make_explanation(jet), jet)


def test_the_explanation_must_be_of_the_jet():
    jet = make_jet()
    words = "the explanation is of {} with {} tracks and {} edges, not of toy.root:0 with 4 and 12"
    other = replace(make_explanation(jet), jet_id="toy.root:1")
    with pytest.raises(TruthError, match=words.format("toy.root:1", 4, 12)):
        truth_match(other, jet)
    fewer = replace(jet, edge_index=complete_graph(3), truth=None)
    with pytest.raises(TruthError, match=words.format("toy.root:0", 4, 6)):
        truth_match(make_explanation(fewer), jet)


# Average precision


@pytest.mark.parametrize(
    ("scores", "positive", "wanted"),
    [
        ([4, 3, 2, 1], [1, 1, 0, 0], 1),
        ([4, 3, 2, 1], [0, 0, 1, 1], (1 / 3 + 2 / 4) / 2),
        ([1, 4, 2, 3], [1, 0, 0, 1], (1 / 2 + 2 / 4) / 2),
        ([1, 1, 0], [1, 0, 1], (1 / 2 + 2 / 3) / 2),  # the first two count together
        ([0, 0, 0], [0, 1, 0], 1 / 3),
        ([-1], [1], 1),
    ],
)
def test_average_precision_by_hand(scores, positive, wanted):
    found = average_precision(np.array(scores, float), np.array(positive, bool))
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize(("n", "n_positive"), [(1, 1), (4, 2), (6, 1), (7, 3), (5, 5)])
def test_chance_is_the_mean_over_all_orders(n, n_positive):
    scores = -np.arange(n, dtype=float)
    found = []
    for places in itertools.combinations(range(n), n_positive):
        positive = np.zeros(n, bool)
        positive[list(places)] = True
        found.append(average_precision(scores, positive))
    assert average_precision_by_chance(n, n_positive) == pytest.approx(np.mean(found))


# What the command prints


def printed(jet: Jet) -> str:
    text = io.StringIO()
    print_summary(make_explanation(jet), jet, Console(file=text, highlight=False, soft_wrap=True))
    return text.getvalue()


def test_the_command_tells_the_truth_where_there_is_one():
    (line,) = [line for line in printed(make_jet()).splitlines() if "Truth" in line]
    assert line == (
        "Truth of the simulation: 2 of 4 tracks (50%, 70% of the pT) are from b-hadrons and have "
        "60% of the positive relevance; edges between them have 50% of the significance (17% of "
        "the edges); average precision 0.75 (0.68 by chance)"
    )
    background = printed(make_jet(Truth([0] * 4, [0] * 4)))
    assert "Truth of the simulation: 0 of 4 tracks are from b-hadrons\n" in background
    assert "Truth" not in printed(make_jet(None))


# Reading


def per_track(values) -> ak.Array:
    return ak.unflatten(np.array(values), COUNTS)


def truth_branches() -> dict:
    n_tracks = sum(COUNTS)
    return {
        "track_truth_origin": per_track(np.arange(n_tracks, dtype=np.int32) % 8),
        "track_truth_b": per_track(np.arange(n_tracks, dtype=np.int32) % 3),
        "fj_eta": np.linspace(-2, 2, 6).astype(np.float32),
        "fj_truth_n_b": np.arange(6, dtype=np.int32),
        "fj_truth_b1_pt": np.array([50, -1, 60, 70, 0, 80], np.float32),
        "fj_truth_b1_etarel": np.array([0.5, 0, 0.25, 0, 0, 0], np.float32),
        "fj_truth_b1_phirel": np.array([-0.5, 0, 0.125, 0, 0, 0], np.float32),
        "fj_truth_b2_pt": np.array([40, -1, -1, 30, 20, -1], np.float32),
        "fj_truth_b2_etarel": np.zeros(6, np.float32),
        "fj_truth_b2_phirel": np.full(6, 0.75, np.float32),
    }


@pytest.mark.parametrize("as_ntuple", [False, True])
def test_the_truth_is_read_and_is_no_feature(tmp_path, write_jets, as_ntuple):
    change = truth_branches()
    change["track_truth_vertex"] = change["track_truth_b"]  # no feature either
    write_jets(tmp_path / "a.root", change=change, as_ntuple=as_ntuple)
    with open_jets(tmp_path / "a.root") as jets:
        assert set(jets.features) == FEATURES
        assert jets.problems() == []
        for number, jet in enumerate(jets):
            assert set(jet.columns) == FEATURES
            assert jet.truth is not None
            assert jet.truth.origin.tolist() == change["track_truth_origin"][number].tolist()
            assert jet.truth.b.tolist() == change["track_truth_b"][number].tolist()
            assert jet.eta == change["fj_eta"][number]
        hadrons = [jet.truth.b_hadrons for jet in jets if jet.truth]
        assert hadrons[0] == (BHadron(1, 50, 0.5, -0.5), BHadron(2, 40, 0, 0.75))
        assert hadrons[2] == (BHadron(1, 60, 0.25, 0.125),)
        assert hadrons[4] == (BHadron(2, 20, 0, 0.75),)
        assert hadrons[1] == ()
        assert jets[3].truth.origin.tolist() == change["track_truth_origin"][3].tolist()


def test_a_file_without_truth(tmp_path, write_jets):
    write_jets(tmp_path / "a.root")
    with open_jets(tmp_path / "a.root") as jets:
        assert [jet.truth for jet in jets] == [None] * 6
        assert [jet.eta for jet in jets] == [None] * 6


def test_files_with_and_without_truth_go_together(tmp_path, write_jets):
    write_jets(tmp_path / "a.root")
    write_jets(tmp_path / "b.root", change=truth_branches())
    for order in ("ab", "ba"):
        with open_jets([tmp_path / f"{name}.root" for name in order]) as jets:
            known = [jet.truth is not None for jet in jets]
            assert known == [name == "b" for name in order for _ in range(6)]
            assert set(jets.features) == FEATURES


def test_the_tracks_truth_alone_is_enough(tmp_path, write_jets):
    change = {k: v for k, v in truth_branches().items() if k.startswith("track_")}
    write_jets(tmp_path / "a.root", change=change)
    with open_jets(tmp_path / "a.root") as jets:
        assert jets[0].truth is not None
        assert jets[0].truth.b_hadrons == ()


def test_truth_under_other_names(tmp_path, write_jets):
    change = truth_branches()
    written = {"track_from": change["track_truth_origin"], "track_b": change["track_truth_b"]}
    write_jets(tmp_path / "a.root", change=written)
    columns = {"track_truth_origin": "track_from", "track_truth_b": "track_b"}
    with open_jets(tmp_path / "a.root", columns=columns) as jets:
        assert set(jets.features) == FEATURES
        assert jets[1].truth.b.tolist() == change["track_truth_b"][1].tolist()


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        (["track_truth_b"], "but not track_truth_b; expected track_truth_origin and track_truth_b"),
        (["track_truth_origin"], "but not track_truth_origin; "),
        (["track_truth_origin", "track_truth_b"], "but not track_truth_origin, track_truth_b; "),
        (["fj_truth_b2_pt", "fj_truth_b1_phirel"], "but not fj_truth_b1_phirel, fj_truth_b2_pt; "),
    ],
)
def test_a_part_of_the_truth_is_refused(tmp_path, write_jets, left_out, words):
    change = {name: v for name, v in truth_branches().items() if name not in left_out}
    write_jets(tmp_path / "a.root", change=change)
    with pytest.raises(JetFileError, match=rf"a.root: the truth .* not complete: it has .*{words}"):
        open_jets(tmp_path / "a.root")


def test_truth_of_another_type_is_not_there(tmp_path, write_jets):
    change = truth_branches() | {"track_truth_b": np.zeros(6, np.int32)}
    write_jets(tmp_path / "a.root", change=change)
    with pytest.raises(JetFileError, match="but not track_truth_b"):
        open_jets(tmp_path / "a.root")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("track_truth_origin", 8, "track_truth_origin is 8 for track 2; .* number from 0 to 7"),
        ("track_truth_b", 300, "track_truth_b is 300 for track 2; .* number from 0 to 2"),
        ("track_truth_b", -1, "track_truth_b is -1 for track 2"),
    ],
)
def test_codes_that_are_not_possible(tmp_path, write_jets, name, value, words):
    change = truth_branches()
    values = change[name].tolist()
    values[1][2] = value
    write_jets(tmp_path / "a.root", change=change | {name: per_track([*itertools.chain(*values)])})
    with open_jets(tmp_path / "a.root") as jets:
        with pytest.raises(JetError, match=rf"a.root:1: {words}"):
            jets[1]
        assert [(bad.index, bad.reason) for bad in jets.problems()] == [
            (1, "truth that is not possible")
        ]
        assert jets[3].truth.b.tolist() == change["track_truth_b"][3].tolist()


def test_lengths_and_numbers_of_the_truth_are_checked(tmp_path, write_jets):
    change = truth_branches()
    pt = change["fj_truth_b2_pt"].copy()
    pt[4] = np.nan
    eta = change["fj_eta"].copy()
    eta[5] = np.inf
    change |= {"fj_truth_b2_pt": pt, "fj_eta": eta}
    values = change["track_truth_b"].tolist()
    values[3].pop()
    # under a name of its own, for branches track_* are written with one common length
    change["which_b"] = ak.values_astype(ak.Array(values), np.int32)
    del change["track_truth_b"]
    write_jets(tmp_path / "a.root", change=change)
    with open_jets(tmp_path / "a.root", columns={"track_truth_b": "which_b"}) as jets:
        found = {bad.index: bad.message for bad in jets.problems()}
        assert set(found) == {3, 4, 5}
        assert "have 8, but track_truth_b 7; expected one value per track" in found[3]
        assert "a.root:4: fj_truth_b2_pt is nan; expected a finite number" in found[4]
        assert "a.root:5: fj_eta is inf; expected a finite number" in found[5]
        assert jets[2].truth.n_tracks == 1
        assert jets.summary()["problem"][5] == "fj_eta is inf"
