"""Choosing a file and a network: the lists, and in a browser the choice, the address and "back"."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from app import figure_data
from app.panels import library
from lrp_core.figures.numbers import plural, thousands
from lrp_core.service.schemas import Health, Library
from tests.app.test_page import eventually, question, says, wait_for_jet
from tests.service.library_files import OWN_COLUMNS, write_jets, write_model, write_trees

MODEL = "() => window.jetlrp.view.shown.a && window.jetlrp.view.shown.a.question.model"


def listing(expires=None, **change):
    """Two files and two networks of which each goes with one of the other kind."""
    file = {"origin": "library", "labels": ["hbb", "qcd"], "n_bytes": 45_300_000}
    model = {"origin": "library", "classes": ["qcd", "hbb"], "targets": ["margin", "qcd", "hbb"]}
    return Library.model_validate({
        "file": "a.root", "model": "one.pth",
        "files": [
            {**file, "name": "a.root", "n_jets": 13806, "columns": ["track_pt", "track_dz"],
             "auc": [{"model": "one.pth", "auc": 0.98765}]},
            {**file, "name": "run3/b.root", "n_jets": 1, "columns": ["track_pt"]},
            {"name": "broken.root", "origin": "library", "problem": "it is truncated"},
        ],
        "models": [
            {**model, "name": "one.pth", "columns": ["track_pt", "track_dz", "track_pt"],
             "n_parameters": 26402, "checkpoint_hash": "ab12cd34ef" * 6},
            {**model, "name": "two.pth", "columns": ["track_pt"]},
            {"name": "upload:later.pth", "origin": "upload", "pending": True, "expires": expires},
        ],
        **change,
    })  # fmt: skip


def by_name(rows):
    return {one["name"]: one for one in rows}


def test_the_lists_say_what_is_known_and_what_goes_together():
    found = library.rows(listing(), {"file": "a.root", "model": "one.pth"})
    files, models = by_name(found["files"]), by_name(found["models"])
    assert files["a.root"]["words"] == [
        plural(13806, "jet"), "45 MB", "2 features", "H→bb̄, QCD"
    ]  # fmt: skip
    assert files["a.root"]["figure"] == "AUC 0.988"
    assert files["a.root"]["fits"]
    assert not files["run3/b.root"]["fits"]
    assert files["run3/b.root"]["instead"] == "two.pth"
    assert files["run3/b.root"]["note"] == "one.pth needs track_dz"
    assert files["broken.root"]["problem"] == "it is truncated"
    assert models["one.pth"]["words"] == [
        "3 inputs",
        f"{thousands(26402)} weights",
        "QCD, H→bb̄",
        "ab12cd34",
    ]
    assert models["one.pth"]["figure"] == "AUC 0.988"
    assert models["two.pth"]["fits"]
    assert models["upload:later.pth"]["pending"]
    assert found["pending"]
    # seen from the other file
    found = library.rows(listing(), {"file": "run3/b.root", "model": "two.pth"})
    one = by_name(found["models"])["one.pth"]
    assert (one["fits"], one["instead"]) == (False, "a.root")
    assert one["note"] == "needs track_dz, which run3/b.root does not have"


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (26_108, "26 kB"),
     (3_017_346, "3.0 MB"), (45_300_000, "45 MB"), (999_700_000, "1.0 GB")],
)  # fmt: skip
def test_sizes_as_people_say_them(n_bytes, text):
    assert library.size(n_bytes) == text


def test_one_file_and_one_network_are_no_choice(service):
    with service.client() as client:
        health = client.health()
    assert library.source(health) is None
    assert library.pickers(health) == library.popovers(health) == []
    several = Health.model_validate({**health.model_dump(), "library": {"files": 2, "models": 1}})
    assert library.source(several) == {"file": "toy.root", "model": "toy.pth"}
    assert len(library.pickers(several)) == len(library.popovers(several)) == 2


def test_requests_name_the_file_and_the_network(service):
    with service.client() as client:
        client.of({"file": "run3/b.root", "model": "two.pth", "jet": 3}).jet(5)
        client.of(None).jet(5)
        client.of({"file": None, "model": "two.pth"}).jets(limit=3)
        client.jet(5)
    asked = [query for _, _, query in service.requests]
    assert asked[0] == {"file": "run3/b.root", "model": "two.pth"}
    assert asked[1] == asked[3] == {}
    assert asked[2]["model"] == "two.pth"
    assert asked[2]["limit"] == "3"
    assert "file" not in asked[2]


def test_figures_of_a_link_are_of_its_files_and_networks(service):
    with service.client() as client:
        link = "?jet=5&file=a.root&model=one.pth&pin=5~margin~gamma(1)~run3/b%257E.root~two.pth"
        found = figure_data.jets_of(client, figure_data.query_of(link))
        assert found["a"]["jet"]["index"] == found["b"]["jet"]["index"] == 5
        figure_data.jets_of(client, figure_data.query_of("?jet=5&pin=3~margin~gamma(1)"))
    asked = [
        query for method, path, query in service.requests if (method, path) == ("GET", "/jets/5")
    ]
    assert asked == [
        {"file": "a.root", "model": "one.pth"}, {"file": "run3/b~.root", "model": "two.pth"}, {}
    ]  # fmt: skip


@pytest.fixture(scope="module")
def library_site(tmp_path_factory, repository):
    """`jetlrp serve --library` on small files and networks."""
    folder = tmp_path_factory.mktemp("library")
    write_jets(folder / "a.root", 30)
    write_jets(folder / "run3/b.root", 8, seed=1)
    write_jets(folder / "z_other.root", 5, ("track_pt", "track_dz"))
    write_model(folder / "first.pth", seed=1)
    write_model(folder / "second.pth", seed=2)
    write_model(folder / "three.pth", seed=4, classes=["hbb", "hcc", "qcd"])
    write_model(folder / "z_dz.pth", ("track_pt", "track_dz"), seed=3)
    (folder / "half.root").write_bytes((folder / "a.root").read_bytes()[:3000])
    command = [
        sys.executable, "-m", "app", "serve", "--port", "0", "--library", str(folder)
    ]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(repository),
        "PYTHONUNBUFFERED": "1",
        "JETLRP_UPLOADS": str(tmp_path_factory.mktemp("uploads")),
        "JETLRP_UPLOAD_BYTES": "2000000",
    }
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        address = None
        said = []
        for line in server.stdout:
            said.append(line)
            found = re.search(r"the page is at (http://\S+)", line)
            address = found[1] if found else address
            if "are ready" in line:
                break
        try:
            assert address, f"the server did not start: {''.join(said)}"
            yield address, folder
        finally:
            server.send_signal(signal.SIGINT)
            server.stdout.read()


def pick(page, kind, name):
    """Open a list, look for a name, and choose it."""
    page.locator(f"#library-{kind}-button").click()
    page.locator(f"#library-{kind}").get_by_role("searchbox").fill(name)
    key = {"files": "file", "models": "model"}[kind]
    page.locator(f'[data-pick-{key}="{name}"]').click()
    page.locator(f"#library-{kind}").wait_for(state="hidden")


def open_by_number(page, index):
    """Open a jet whether or not the list has rows: it empties once its file has gone."""
    page.locator("#jets-find input").fill(str(index))
    page.locator("#jets-find input").press("Enter")


def shown(page, model):
    page.wait_for_function(f"({MODEL})() === {model!r}")


@pytest.mark.browser
def test_a_file_and_a_network_are_chosen_and_two_networks_compared(library_site, page):
    address, folder = library_site
    page.goto(f"{address}/?jet=5")
    wait_for_jet(page, 5)
    says(page, file="a.root", model="first.pth")

    # the list, with what is known of each
    page.locator("#library-files-button").click()
    half = page.locator('[data-pick-file="half.root"]')
    half.get_by_text("truncated").wait_for()
    assert half.get_attribute("aria-disabled") == "true"
    page.locator('[data-pick-file="a.root"]', has_text="30 jets").wait_for()
    page.locator("#library-files").get_by_role("searchbox").fill("b.root")
    eventually(page, lambda: page.locator("#library-files .library-row").count() == 1)
    page.keyboard.press("Escape")
    page.locator("#library-files").wait_for(state="hidden")

    # two networks on one jet, side by side
    page.locator("#pin").click()
    page.wait_for_selector('#network-b[data-drawn="5"]')
    eventually(page, lambda: question(page).get("pin", "").endswith("~a.root~first.pth"))
    pick(page, "models", "second.pth")
    shown(page, "second.pth")
    says(page, model="second.pth", jet="5")
    caption = page.locator("#network-caption")
    eventually(page, lambda: caption.inner_text().startswith("second.pth · Jet 5"))
    pinned = page.locator("#network-b-caption")
    eventually(page, lambda: pinned.inner_text().startswith("pinned: first.pth · Jet 5"))
    both = page.evaluate(
        "() => window.jetlrp.view.both().map((jet) => jet.prediction.probabilities)"
    )
    assert both[0] != both[1]
    page.locator(".dock-strip").get_by_role("button", name="Compared").click()
    page.wait_for_selector(".compare-table")
    networks = page.locator(".compare-table tr", has=page.get_by_role("rowheader", name="network"))
    cells = networks.locator("td")
    eventually(page, lambda: cells.all_inner_texts() == ["second.pth", "first.pth", "differs"])
    page.get_by_role("button", name="difference", exact=True).click()
    eventually(page, lambda: caption.inner_text().startswith("Difference: second.pth · Jet 5"))
    page.locator("#network-legend", has_text="Δ track relevance").wait_for()
    page.get_by_role("button", name="side by side", exact=True).click()
    page.locator("#swap").click()
    shown(page, "first.pth")
    eventually(page, lambda: question(page).get("pin", "").endswith("~a.root~second.pth"))
    page.locator(".pane.pinned .link", has_text="unpin").click()

    # another file has other jets, and a network that does not read it gives way
    pick(page, "files", "run3/b.root")
    eventually(page, lambda: page.locator("#jets-count").inner_text() == "8 jets")
    wait_for_jet(page, 5)
    says(page, file="run3/b.root")
    page.locator("#library-files-button", has_text="run3/b.root").wait_for()
    pick(page, "files", "z_other.root")
    shown(page, "z_dz.pth")
    says(page, model="z_dz.pth", jet="0")  # there is no jet 5
    eventually(page, lambda: page.locator("#jets-count").inner_text() == "5 jets")

    # back, and back again; a network with other classes brings its targets
    page.go_back()
    shown(page, "first.pth")
    eventually(page, lambda: page.locator("#jets-count").inner_text() == "8 jets")
    says(page, file="run3/b.root")
    pick(page, "models", "three.pth")
    shown(page, "three.pth")
    eventually(page, lambda: "hcc" in page.locator("#target-list").inner_text())
    page.locator(
        '#save [data-file="explanation.json"][href*="file=run3%2Fb.root&model=three.pth"]'
    ).wait_for(state="attached")

    # a file that vanishes while it is looked at: said, and the others go on
    (folder / "run3/b.root").unlink()
    open_by_number(page, 2)
    page.locator("#scene-error").get_by_text("is not any more").wait_for()
    pick(page, "files", "a.root")
    wait_for_jet(page, 2)
    says(page, file="a.root")


@pytest.mark.browser
def test_a_file_and_a_network_are_brought_used_and_deleted(library_site, page, tmp_path):
    address, _ = library_site
    jets = write_jets(tmp_path / "mine.root", 12, seed=9)
    network = write_model(tmp_path / "net.pth", seed=9)
    (tmp_path / "large.root").write_bytes(bytes(2_000_001))
    page.goto(f"{address}/?file=a.root&model=first.pth&jet=3")
    wait_for_jet(page, 3)

    page.locator("#library-files-button").click()
    page.locator("#library-files .upload-rules").get_by_text("14 days").wait_for()
    page.set_input_files("#library-files input[type=file]", [jets, tmp_path / "large.root"])
    page.locator("#library-files .is-refused").get_by_text("2.0 MB are possible").wait_for()
    page.locator("#library-files .is-here").get_by_text("mine.root").wait_for()
    mine = page.locator('[data-pick-file="upload:mine.root"]')
    mine.get_by_text("deleted in 14 days").wait_for()
    mine.click()
    eventually(page, lambda: page.locator("#jets-count").inner_text() == "12 jets")
    says(page, file="upload:mine.root")

    page.locator("#library-models-button").click()
    page.locator("#library-models .upload-rules").get_by_text("together").wait_for()
    page.set_input_files("#library-models input[type=file]", [network, network.with_suffix(".yml")])
    page.locator('[data-pick-model="upload:net.pth"]').click()
    shown(page, "upload:net.pth")
    wait_for_jet(page, 3)

    # deleted: the second click means it; what is on screen says so at its next step
    page.locator("#library-files-button").click()
    bin_ = page.get_by_role("button", name="Delete mine.root")
    bin_.click()
    page.evaluate("window.jetlrp.library.draw('files')")  # as when the list comes anew
    bin_.filter(has_text="delete?").click()
    mine.wait_for(state="detached")
    page.keyboard.press("Escape")
    open_by_number(page, 5)
    page.locator("#scene-error").get_by_text("upload:mine.root was here").wait_for()


@pytest.mark.browser
def test_a_file_of_several_trees_is_asked_about(library_site, page, tmp_path, expected):
    expected.append("422")
    address, _ = library_site
    jets = write_trees(tmp_path / "own.root")
    page.goto(f"{address}/?file=a.root&model=first.pth&jet=1")
    wait_for_jet(page, 1)
    page.locator("#library-files-button").click()
    page.set_input_files("#library-files input[type=file]", jets)
    refused = page.locator("#library-files .is-refused")
    refused.get_by_text("which of its trees holds the jets").wait_for()
    refused.get_by_role("button", name="jets/mine").click()
    refused.get_by_text("none of its lists of numbers is named").wait_for()
    page.locator("[data-upload-columns]").fill(", ".join(OWN_COLUMNS))
    refused.get_by_role("button", name="Send again").click()
    page.locator('[data-pick-file="upload:own.root"]').click()
    eventually(page, lambda: page.locator("#jets-count").inner_text() == "3 jets")
    wait_for_jet(page, 1)
