"""The panel "Compared": what is told of two explanations, and of what is not there."""

from __future__ import annotations

import pytest

from app.panels.compare import compared

GAMMA = "gamma(gamma=1,bias=account)"
EPSILON = "epsilon(epsilon=0.01,relative=false,bias=account)"


def asked(pin, jet=5):
    return {"jet": jet, "target": "margin", "rule": GAMMA, "pin": pin}


def walk(part):
    """A component and all within it."""
    for child in part if isinstance(part, list | tuple) else [part]:
        yield child
        if getattr(child, "children", None) is not None:
            yield from walk(child.children)


def words(part):
    return "".join(each for each in walk(part) if isinstance(each, str))


def of(parts, kind):
    return [each for each in walk(parts) if type(each).__name__ == kind]


def table(parts):
    """What stands in each row, by its name."""
    rows = [[words(cell) for cell in row.children] for row in of(parts, "Tr")]
    return {name: cells for name, *cells in rows[1:]}


def test_two_jets_in_numbers(service):
    with service.client() as client:
        parts = compared(client, asked(f"0~margin~{GAMMA}"))
    rows = table(parts)
    assert words(of(parts, "Thead")) == "Jet 5Jet 0 pinneddifference"
    assert rows["label"] == ["unknown", "H→bb̄", "differs"]
    assert rows["P(H→bb̄)"] == ["96.8 %", "96.8 %", "0"]
    assert rows["tracks"] == ["7", "26", "−19"]
    assert rows["edges"] == ["42", "650", "−608"]
    assert rows["missing"][2] == ""
    assert rows["top 10 edges hold"][2].endswith(" pp")
    assert not {"rule", "explained", "network", "file"} & set(rows), "those are the same"
    here, pinned, difference = (float(text.replace("−", "-")) for text in rows["on tracks"])
    assert difference == pytest.approx(here - pinned, abs=2e-3)
    assert "different particles" in words(parts)
    assert not of(parts, "Button")


def test_one_jet_by_two_rules(service):
    with service.client() as client:
        parts = compared(client, asked(f"5~hbb~{EPSILON}"))
    rows = table(parts)
    assert words(of(parts, "Thead")) == "Jet 5pinneddifference"
    assert rows["rule"] == ["LRP-γ(1)", "LRP-ε(0.01)", "differs"]
    assert rows["explained"] == ["margin H→bb̄ − QCD", "H→bb̄ logit", "differs"]
    assert rows["label"][2] == "same"
    buttons = [button.to_plotly_json()["props"] for button in of(parts, "Button")]
    tracks = [one["data-track"] for one in buttons if "data-track" in one]
    edges = [one["data-edge"] for one in buttons if "data-edge" in one]
    assert len(tracks) == len(set(tracks)) == 6, "the one in the middle did not change"
    assert len(edges) == 8
    assert "Right speaks for H→bb̄, left against." in words(parts)
    widths = [each.style["width"] for each in of(parts, "Span") if getattr(each, "style", None)]
    assert max(float(width.rstrip("%")) for width in widths) == 50.0
    with service.client() as client:
        same = compared(client, asked(f"5~margin~{GAMMA}"))
    assert words(same).count("Nothing changed.") == 2
    assert table(same)["on tracks"][2] == "0"


def test_two_networks_are_told_apart(service):
    with service.client() as client:
        source = {"file": "run1/a.root", "model": "first.pth"}
        pin = f"5~margin~{GAMMA}~run2/a.root~second.pth"
        rows = table(compared(client, {**asked(pin), **source}))
    assert rows["network"] == ["first.pth", "second.pth", "differs"]
    assert rows["file"] == ["run1/a.root", "run2/a.root", "differs"]


def test_what_is_not_there(service):
    with service.client() as client:
        assert "Nothing is pinned" in words(compared(client, {"waits": False}))
        assert "not there yet" in words(compared(client, {"waits": True}))
        assert "no tracks" in words(compared(client, asked(f"0~margin~{GAMMA}", jet=4)))
        service.away = True
        (told,) = compared(client, asked(f"0~margin~{GAMMA}"))
    assert told.role == "alert"
