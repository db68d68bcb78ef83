"""Views: read from links as the page writes them, written back, refused with reason."""

from __future__ import annotations

import pytest

from lrp_core.errors import FigureError
from lrp_core.figures import Camera, View

LINK = (
    "http://127.0.0.1:8050/?jet=132&target=margin&rule=gamma(gamma=1,bias=account)&edges=60"
    "&z=track_pt&color=origin&marks=0&camera=1.5,-1.8,0.7,0,0,-0.1,0,0,1&dock=river.heat&theme=dark"
)


def test_a_link_is_read():
    view = View.from_link(LINK)
    assert (view.jet, view.target, view.rule) == (132, "margin", "gamma(gamma=1,bias=account)")
    assert (view.edges, view.z, view.color, view.marks) == (60, "track_pt", "origin", False)
    assert view.camera == Camera((1.5, -1.8, 0.7), (0, 0, -0.1), (0, 0, 1))
    assert view.theme == "dark"
    assert view.projection == "perspective"  # as is usual


def test_what_is_pinned_is_a_question_of_its_own():
    pinned = View.from_link("?jet=1&pin=7~hbb~epsilon(epsilon=0.1)~a%257Eb.root~").pinned
    assert pinned == View(jet=7, target="hbb", rule="epsilon(epsilon=0.1)", file="a~b.root")
    assert View.from_link("?pin=7~hbb~zero").pinned == View(jet=7, target="hbb", rule="zero")
    assert View(jet=1).pinned is None


def test_it_is_written_as_the_page_writes_it():
    written = View.from_link(LINK).to_query()
    assert written == (
        "?jet=132&target=margin&rule=gamma(gamma=1,bias=account)&edges=60&z=track_pt&color=origin"
        "&marks=0&camera=1.5,-1.8,0.7,0,0,-0.1,0,0,1&theme=dark"
    )
    assert View.from_link(written) == View.from_link(LINK)
    assert View().to_query() == ""
    assert View.from_link("http://127.0.0.1:8050/") == View()
    assert View.from_link("jet=3") == View.from_link("?jet=3") == View(jet=3)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?colour=origin", "'colour' is no key of a view"),
        ("?color=mass", "color=mass in the view: expected relevance or charge or origin"),
        ("?jet=one", "jet=one in the view: expected a whole number"),
        ("?marks=yes", "expected 0 or 1"),
        ("?least=-1", "expected a number, 0 or more"),
        ("?least=nan", "expected a number, 0 or more"),
        ("?camera=1,2,3", "expected nine numbers"),
        ("?camera=0,0,0,0,0,0,0,0,1", "stands at what it looks at"),
        ("?pin=12", "expected JET~TARGET~RULE"),
    ],
)
def test_what_is_no_view_is_refused(query, says):
    with pytest.raises(FigureError, match=says):
        View.from_link(query)


def test_views_made_by_hand_are_checked_too():
    with pytest.raises(FigureError, match="theme=blue"):
        View(theme="blue")
    with pytest.raises(FigureError, match="edges=-1"):
        View(edges=-1)
