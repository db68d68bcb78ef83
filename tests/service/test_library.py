"""The library: several files and networks, found by name, kept within bounds, never outside."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
import uproot
import yaml

from lrp_core import embedded
from lrp_core.errors import SourceError
from lrp_core.evaluation import auc
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.service import library as library_module
from lrp_core.service.disk import Disk
from lrp_core.service.kept import Kept
from lrp_core.service.library import Folder, Look, Way
from tests.service.library_files import COLUMNS, write_jets, write_model

API = "/api/v1"
ODD_FILES = Path(__file__).parents[1] / "lrp_core" / "root_files"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, two networks, and one of each that does not fit the others."""
    folder = tmp_path / "library"
    write_jets(folder / "a.root", 6)
    write_jets(folder / "run3/b.root", 8, seed=1)
    write_jets(folder / "z_other.root", 3, ("track_pt", "track_dz"))
    write_model(folder / "first.pth", seed=1)
    write_model(folder / "run3/second.pth", seed=2)
    write_model(folder / "z_dz.pth", ("track_pt", "track_dz"), seed=3)
    return folder


@pytest.fixture
def library(serve_library: Any, folder: Path) -> Any:
    """The service over that folder."""
    return serve_library(folder)


def listed(client: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The list by name: files, networks."""
    answer = client.get(f"{API}/library")
    assert answer.status_code == 200, answer.text
    both = answer.json()
    return tuple({one["name"]: one for one in both[kind]} for kind in ("files", "models"))


def error(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return dict(answer.json()["error"])


def test_what_there_is_and_what_is_in_it(library: Any, folder: Path) -> None:
    files, models = listed(library)
    assert list(files) == ["a.root", "run3/b.root", "z_other.root"]
    assert list(models) == ["first.pth", "run3/second.pth", "z_dz.pth"]
    a = files["a.root"]
    assert (a["n_jets"], a["columns"], a["labels"]) == (6, list(COLUMNS), ["hbb", "qcd"])
    assert a["n_bytes"] == (folder / "a.root").stat().st_size
    assert a["origin"] == "library"
    assert a["problem"] is None
    assert not a["pending"]
    first = models["first.pth"]
    assert first["columns"] == list(COLUMNS)
    assert first["classes"] == ["qcd", "hbb"]
    assert first["targets"] == ["margin", "qcd", "hbb", "margin:qcd"]
    network = InteractionNetwork(3, 2, 4)
    assert first["n_parameters"] == sum(one.numel() for one in network.parameters())
    assert len(first["checkpoint_hash"]) == 64
    answer = library.get(f"{API}/library").json()
    assert (answer["file"], answer["model"]) == ("a.root", "first.pth")
    assert library.get(f"{API}/health").json()["library"] == {
        "files": 3, "models": 3, "uploads": False
    }  # fmt: skip


def test_every_request_takes_a_file_and_a_network(library: Any) -> None:
    which = {"file": "run3/b.root", "model": "run3/second.pth"}
    get = lambda path, **more: library.get(f"{API}/{path}", params={**which, **more})  # noqa: E731
    health = get("health").json()
    assert health["jets"] == {"name": "run3/b.root", "n_jets": 8}
    assert health["model"]["name"] == "run3/second.pth"
    assert library.get(f"{API}/health").json()["jets"]["name"] == "a.root"
    assert library.service.study(_source(**which)).scores.wait(120)
    assert get("jets").json()["total"] == 8
    assert get("choices").json()["targets"][0]["name"] == "margin"
    jet = get("jets/7").json()
    assert jet["jet_id"] == "b.root:7"
    assert jet["file"] == "run3/b.root"
    assert library.get(f"{API}/jets/7").status_code == 404
    ask = lambda path, **body: library.post(f"{API}/jets/7/{path}", params=which, json=body)  # noqa: E731
    explanation = ask("explanation").json()
    assert explanation["file"] == "run3/b.root"
    assert explanation["model"]["name"] == "run3/second.pth"
    assert ask("explanation/edge", edge=1).json()["edge"] == 1
    for name in ("explanation.json", "explanation.npz", "explanation/tracks.csv"):
        assert get(f"jets/7/{name}", target="hbb").status_code == 200
    assert get("jets/pick", kind="undecided").status_code in (200, 404)
    # the score in the list is the probability in the explanation
    score = get("jets", min_index=7, max_index=7).json()["jets"][0]["score"]
    assert score == pytest.approx(explanation["probabilities"][1], rel=1e-5)


def _source(**which: str) -> Any:
    from lrp_core.service.schemas import SourceQuery

    return SourceQuery(**which)


def test_two_networks_on_one_jet_and_one_network_on_two_files(library: Any) -> None:
    def explain(file: str, model: str) -> dict[str, Any]:
        answer = library.post(
            f"{API}/jets/2/explanation", params={"file": file, "model": model}, json={}
        )
        return dict(answer.json())

    first, second = explain("a.root", "first.pth"), explain("a.root", "run3/second.pth")
    other = explain("run3/b.root", "first.pth")
    assert not any(one["cached"] for one in (first, second, other))
    assert first["logits"] != second["logits"]
    assert first["n_tracks"] == second["n_tracks"]
    assert first["jet_id"] == second["jet_id"]
    assert explain("a.root", "first.pth")["cached"]
    assert explain("a.root", "run3/second.pth")["value"] == second["value"]


def test_other_names_for_the_same_weights_are_another_explanation(
    library: Any, folder: Path
) -> None:
    shutil.copy(folder / "first.pth", folder / "turned.pth")
    (folder / "turned.yml").write_text(
        yaml.safe_dump({"features": list(COLUMNS), "classes": ["hbb", "qcd"]})
    )
    values = {}
    for model in ("first.pth", "turned.pth"):
        answer = library.post(
            f"{API}/jets/2/explanation", params={"model": model}, json={"target": "hbb"}
        ).json()
        assert not answer["cached"]
        values[model] = (answer["value"], answer["logits"])
    assert values["first.pth"][0] == pytest.approx(values["first.pth"][1][1], rel=1e-5)
    assert values["turned.pth"][0] == pytest.approx(values["turned.pth"][1][0], rel=1e-5)


def test_parquet_stands_beside_root(library: Any, folder: Path) -> None:
    with uproot.open(folder / "a.root") as file:
        ak.to_parquet(file["tree"].arrays(), folder / "same.parquet")
    (folder / "broken.parquet").write_bytes((folder / "same.parquet").read_bytes()[:200])
    files, _ = listed(library)
    for name in ("n_jets", "labels"):
        assert files["same.parquet"][name] == files["a.root"][name]
    assert set(files["same.parquet"]["columns"]) == set(COLUMNS)
    assert "cannot be opened as a Parquet file" in files["broken.parquet"]["problem"]
    values = [
        library.post(f"{API}/jets/3/explanation", params={"file": name}, json={}).json()["value"]
        for name in ("a.root", "same.parquet")
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_what_does_not_fit_is_named_with_what_it_does_not_fit(library: Any) -> None:
    for path in ("health", "jets", "jets/0", "choices"):
        found = error(
            library.get(f"{API}/{path}", params={"file": "a.root", "model": "z_dz.pth"}), 422
        )
        assert found["code"] == "does_not_fit"
        assert "z_dz.pth does not fit a.root: it reads track_dz" in found["message"]
    # where one is named, the other is one that fits
    named = library.get(f"{API}/health", params={"file": "z_other.root"}).json()
    assert named["model"]["name"] == "z_dz.pth"
    named = library.get(f"{API}/health", params={"model": "z_dz.pth"}).json()
    assert named["jets"]["name"] == "z_other.root"


@pytest.mark.parametrize(
    "name",
    ["no.root", "../secret.root", "/etc/passwd", "run3/../a.root", "./a.root", "a.root\0", "", "∞"],
)
def test_only_names_of_the_list_are_known(library: Any, folder: Path, name: str) -> None:
    write_jets(folder.parent / "secret.root")
    found = error(library.get(f"{API}/jets", params={"file": name}), 404)
    assert found["code"] == "unknown_file"
    assert "a.root" in found["choices"]
    assert str(folder) not in found["message"]
    assert error(library.get(f"{API}/jets", params={"model": name}), 404)["code"] == "unknown_model"


def test_no_link_leads_out_of_the_folder(library: Any, folder: Path) -> None:
    secret = write_jets(folder.parent / "secret.root")
    write_model(folder.parent / "secret.pth")
    (folder / "link.root").symlink_to(secret)
    (folder / "link.pth").symlink_to(folder.parent / "secret.pth")
    (folder / "away").symlink_to(folder.parent)
    (folder / "nothing.root").symlink_to(folder / "not_there.root")
    (folder / "round.root").symlink_to(folder / "round.root")
    (folder / "same.root").symlink_to(folder / "a.root")
    shutil.copy(folder / "first.pth", folder / "sly.pth")
    (folder / "sly.yml").symlink_to(folder.parent / "secret.yml")
    os.mkfifo(folder / "pipe.root")
    files, models = listed(library)
    assert "leads out of the library" in files["link.root"]["problem"]
    assert "leads out of the library" in models["link.pth"]["problem"]
    assert "leads out of" in models["sly.pth"]["problem"]
    assert "leads out of" in files["away"]["problem"]
    assert not any(name.startswith("away/") for name in files)
    for name in ("nothing.root", "round.root"):
        assert "link to nothing" in files[name]["problem"]
    assert "no ordinary file" in files["pipe.root"]["problem"]
    assert files["same.root"]["n_jets"] == 6
    assert library.get(f"{API}/jets/0", params={"file": "same.root"}).status_code == 200
    for name in ("link.root", "away/secret.root", "away", "pipe.root", "nothing.root"):
        assert library.get(f"{API}/jets/0", params={"file": name}).status_code in (404, 422)
    for name in ("link.pth", "sly.pth", "away/secret.pth"):
        assert library.get(f"{API}/health", params={"model": name}).status_code in (404, 422)
    # a file that becomes a link once it has been listed and opened
    assert library.get(f"{API}/jets/0", params={"file": "run3/b.root"}).status_code == 200
    (folder / "run3/b.root").unlink()
    (folder / "run3/b.root").symlink_to(secret)
    found = error(library.get(f"{API}/jets/0", params={"file": "run3/b.root"}), 422)
    assert "leads out of the library" in found["message"]


def test_new_changed_and_vanished_files(library: Any, folder: Path) -> None:
    assert "c.root" not in listed(library)[0]
    write_jets(folder / "c.root", 4)
    # asked for at once, without a list in between
    assert library.get(f"{API}/jets", params={"file": "c.root"}).json()["total"] == 4
    assert listed(library)[0]["c.root"]["n_jets"] == 4
    write_jets(folder / "c.root", 9, seed=5)
    assert library.get(f"{API}/jets", params={"file": "c.root"}).json()["total"] == 9
    assert listed(library)[0]["c.root"]["n_jets"] == 9
    # other definitions of a network
    (folder / "first.yml").write_text(yaml.safe_dump({"features": ["track_pt"]}))
    assert "names 1 columns" in listed(library)[1]["first.pth"]["problem"]
    (folder / "c.root").unlink()
    found = error(library.get(f"{API}/jets/0", params={"file": "c.root"}), 410)
    assert found["code"] == "file_gone"
    assert "c.root was here and is not any more" in found["message"]
    assert "c.root" not in listed(library)[0]
    assert library.get(f"{API}/jets/0", params={"file": "run3/b.root"}).status_code == 200


def test_the_usual_file_vanishes_and_the_next_takes_its_place(library: Any, folder: Path) -> None:
    assert library.explain(1)["file"] == "a.root"
    (folder / "a.root").unlink()
    assert library.explain(1)["file"] == "run3/b.root"
    for file in folder.rglob("*.*"):
        file.unlink()
    assert library.get(f"{API}/health").json()["jets"]["name"] == "simulated_jets.root"


def test_files_that_cannot_be_used_say_why(library: Any, folder: Path) -> None:
    (folder / "text.root").write_text("no root file")
    (folder / "empty.root").touch()
    good = (folder / "a.root").read_bytes()
    (folder / "half.root").write_bytes(good[: len(good) // 2])
    (folder / "alone.pth").write_bytes((folder / "first.pth").read_bytes())
    (folder / "text.pth").write_text("no checkpoint")
    (folder / "text.yml").write_text("features: [track_pt]")
    files, models = listed(library)
    assert "not a ROOT file" in files["text.root"]["problem"]
    assert "empty" in files["empty.root"]["problem"]
    assert "truncated" in files["half.root"]["problem"]
    assert "put alone.yml or definitions.yml beside it" in models["alone.pth"]["problem"]
    assert "checkpoint" in models["text.pth"]["problem"]
    problems = [one["problem"] for one in (*files.values(), *models.values()) if one["problem"]]
    assert len(problems) == 5
    assert not any(str(folder) in problem for problem in problems)
    found = error(library.get(f"{API}/jets", params={"file": "half.root"}), 422)
    assert found["code"] == "unusable_file"
    assert "half.root" in found["message"]
    assert str(folder) not in found["message"]
    found = error(library.get(f"{API}/health", params={"model": "text.pth"}), 422)
    assert found["code"] == "unusable_model"
    (folder / "definitions.yml").write_text(yaml.safe_dump({"features": list(COLUMNS)}))
    assert listed(library)[1]["alone.pth"]["problem"] is None


def test_of_several_networks_in_a_checkpoint_the_definitions_choose(
    library: Any, folder: Path
) -> None:
    write_model(folder / "ema.pth", seed=9)
    both = {name: torch.load(folder / f"{name}.pth") for name in ("first", "ema")}
    torch.save(both, folder / "both.ckpt")
    shutil.copy(folder / "first.yml", folder / "both.yml")
    problem = listed(library)[1]["both.ckpt"]["problem"]
    assert "first (41 tensors); ema (41 tensors" in problem
    assert "weights: NAME" in problem
    answers = []
    for name in both:
        (folder / "both.yml").write_text(f"features: {list(COLUMNS)}\nweights: {name}\n")
        assert listed(library)[1]["both.ckpt"]["problem"] is None
        for model in ("both.ckpt", f"{name}.pth"):
            where = f"{API}/jets/1/explanation"
            answers.append(library.post(where, params={"model": model}, json={}).json())
        assert answers[-1]["logits"] == answers[-2]["logits"]
    assert answers[0]["logits"] != answers[2]["logits"]
    assert len({answer["model"]["checkpoint_hash"] for answer in answers}) == 4


def test_a_network_that_does_not_give_its_reference_logits_says_so(
    library: Any, folder: Path
) -> None:
    jet = {"tracks": [[1.0, 0.2, -0.1], [0.5, 0.1, 0.3]], "logits": [3.0, -3.0]}
    described = {"features": list(COLUMNS), "reference": {"jets": [jet]}}
    (folder / "first.yml").write_text(yaml.safe_dump(described))
    problem = listed(library)[1]["first.pth"]["problem"]
    assert "first.yml: first.pth does not give the logits of reference jet 1" in problem
    assert str(folder) not in problem
    outside = {"file": "../../etc/passwd", "jet": 0, "logits": [3.0, -3.0]}
    described["reference"]["jets"] = [outside]  # type: ignore[index]
    (folder / "first.yml").write_text(yaml.safe_dump(described))
    assert "lie beside the definitions file" in listed(library)[1]["first.pth"]["problem"]


def test_branches_that_cannot_be_described_end_no_server(serve_library: Any, folder: Path) -> None:
    odd = ODD_FILES / "tree.root"
    (folder / "a_first.root").write_bytes(odd.read_bytes())
    with uproot.recreate(folder / "a_fixed.root") as file:
        file["tree"] = {"track_pt": np.zeros((2, 60), "f4")}
    library = serve_library(folder)
    files, _ = listed(library)
    assert files["a_first.root"]["columns"] == ["track_pt", "track_etarel", "track_plain"]
    assert "track_pt (std::array<float,60>) cannot be used" in files["a_fixed.root"]["problem"]
    assert library.get(f"{API}/jets", params={"file": "a.root"}).json()["total"] == 6
    write_model(folder / "half.pth", ("track_pt", "track_half"))
    found = error(library.get(f"{API}/jets?file=a_first.root&model=half.pth"), 422)
    assert "does not have (track_half is Float16_t[ntrack]); the file has" in found["message"]


def test_what_a_source_says_is_no_word_about_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [1]
    real = library_module.see

    def see(entry: Any, where: Folder) -> Any:
        if entry.name == "a.root" and failing.pop():
            raise SourceError(f"{entry.path} cannot be read at the moment")
        return real(entry, where)

    monkeypatch.setattr(library_module, "see", see)
    look, where = Look(), Folder(folder, "library")
    assert look.entries(where, patience=60)[0].problem == "a.root cannot be read at the moment"
    failing.append(0)
    found = look.entries(where, patience=60)[0]
    assert (found.problem, found.facts is None) == (None, False)
    look.close()


def test_a_source_that_fails_is_answered_with_try_again(
    library: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert library.get(f"{API}/jets/1").status_code == 200

    def fails(*_: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    def ask() -> Any:
        return library.post(f"{API}/jets/5/explanation", params={"file": "run3/b.root"}, json={})

    monkeypatch.setattr("lrp_core.source_faults.PAUSES", ())
    with monkeypatch.context() as patch:
        patch.setattr("lrp_core.root_source.FileAtPlaces.get", fails)
        answer = ask()
    assert "Input/output error" in error(answer, 503)["message"]
    assert str(folder) not in answer.text
    assert error(answer, 503)["code"] == "source_fails"
    assert int(answer.headers["Retry-After"]) > 0
    assert ask().status_code == 200


def test_a_checkpoint_that_is_a_trap_runs_nothing(library: Any, folder: Path) -> None:
    canary = folder.parent / "canary"

    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (canary,))

    torch.save({"weights": Trap()}, folder / "trap.pth")
    shutil.copy(folder / "first.yml", folder / "trap.yml")
    assert listed(library)[1]["trap.pth"]["problem"]
    assert library.get(f"{API}/health", params={"model": "trap.pth"}).status_code == 422
    assert not canary.exists()


def test_areas_under_the_curve_once_all_is_scored(library: Any) -> None:
    for file, model in (("a.root", "first.pth"), ("run3/b.root", "run3/second.pth")):
        study = library.service.study(_source(file=file, model=model))
        assert study.scores.wait(120)
        library.get(f"{API}/health", params={"file": file, "model": model})
        scores = study.scores.values()
        signal = np.arange(len(scores)) % 2 == 1
        found = {one["model"]: one["auc"] for one in listed(library)[0][file]["auc"]}
        assert found == {model: pytest.approx(auc(scores, signal))}
    assert listed(library)[0]["z_other.root"]["auc"] == []


def test_an_area_is_told_by_all_processes_that_share_a_folder(
    serve_library: Any, folder: Path, tmp_path: Path
) -> None:
    cache = str(tmp_path / "cache")
    scoring, other = (serve_library(folder, cache_folder=cache) for _ in range(2))
    assert listed(other)[0]["run3/b.root"]["auc"] == []
    names = {"file": "run3/b.root", "model": "run3/second.pth"}
    assert scoring.service.study(_source(**names)).scores.wait(120)
    scoring.get(f"{API}/health", params=names)
    found = listed(scoring)[0]["run3/b.root"]["auc"]
    assert [one["model"] for one in found] == ["run3/second.pth"]
    assert listed(other)[0]["run3/b.root"]["auc"] == found
    os.utime(folder / "run3/b.root", (1, 1))  # another file now
    assert listed(other)[0]["run3/b.root"]["auc"] == []


def test_only_so_many_are_open_and_scores_are_remembered(
    serve_library: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    for number in range(5):
        write_jets(folder / f"{number}.root", 3, seed=number)
    for number in range(3):
        write_model(folder / f"{number}.pth", seed=number)
    client = serve_library(folder, files_open=2, models_open=1)
    studies = client.service.studies
    opened: list[weakref.ref[Any]] = []
    for number in range(5):
        for model in range(3):
            which = {"file": f"{number}.root", "model": f"{model}.pth"}
            assert client.get(f"{API}/jets/1", params=which).status_code == 200
            assert client.service.study(_source(**which)).scores.wait(120)
            assert len(studies._jets.all()) <= 2
            assert len(studies._models.all()) <= 1
            assert len(studies._studies.all()) <= 2
            opened += map(weakref.ref, (client.service.study(_source(**which)).model,))

    def alive() -> int:
        gc.collect()
        return sum(one() is not None for one in opened)

    until = time.monotonic() + 60
    while alive() > 1 and time.monotonic() < until:  # threads that score end a moment later
        time.sleep(0.01)
    assert alive() == 1  # the scores hold on to no network
    which = {"file": "0.root", "model": "0.pth"}
    studies._studies.drop(lambda *_: True)
    assert client.get(f"{API}/jets", params=which).json()["scores_done"] == 3


def test_a_list_of_a_thousand_files_opens_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrp_core.service import library

    folder = tmp_path / "thousand"
    one = write_jets(folder / "0.root", 2)
    for number in range(1, 1000):
        (folder / f"{number}.root").hardlink_to(one)
    opened: list[str] = []
    lock = threading.Lock()

    def see(entry: Any, _: Any) -> Any:
        with lock:
            opened.append(entry.name)
        return library.JetsFacts(2, COLUMNS)

    monkeypatch.setattr(library, "see", see)
    look, where = Look(), Folder(folder, "library")
    with ThreadPoolExecutor(8) as many:
        found = list(many.map(lambda _: look.entries(where, patience=60), range(24)))
    assert [len(entries) for entries in found] == [1000] * 24
    assert not any(entry.pending for entries in found for entry in entries)
    assert sorted(opened) == sorted(f"{number}.root" for number in range(1000))
    # one that changes is opened again, the others are not
    (folder / "7.root").unlink()
    write_jets(folder / "7.root", 3)
    look.entries(where, patience=60)
    assert opened[1000:] == ["7.root"]
    look.close()


def test_what_was_seen_is_known_after_a_restart(folder: Path, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "cache", 1 << 20)
    where = Folder(folder, "library")
    first = Look(disk)
    before = {entry.name: entry.facts for entry in first.entries(where, patience=60)}
    assert first.opened == 6
    again = Look(disk)
    assert {entry.name: entry.facts for entry in again.entries(where, patience=60)} == before
    assert again.opened == 0
    # other columns are read of the files, or an entry is damaged: they are opened
    mapped = Folder(folder, "library", way=Way(None, {"track_dxy": "track_pt"}), kinds=("jets",))
    other = Look(disk)
    facts = other.entries(mapped, patience=60)[0].facts
    assert "track_dxy" in facts.columns
    assert "track_pt" not in facts.columns
    assert other.opened == 3
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-9] + b"nonsense!")
    third = Look(disk)
    assert {entry.name: entry.facts for entry in third.entries(where, patience=60)} == before
    assert third.opened == 6
    for look in (first, again, other, third):
        look.close()


def test_a_list_does_not_wait_for_files_that_take_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrp_core.service import library

    write_jets(tmp_path / "slow.root")
    may_go_on = threading.Event()

    def see(*_: Any) -> Any:
        may_go_on.wait(120)
        return library.JetsFacts(6, COLUMNS)

    monkeypatch.setattr(library, "see", see)
    look, where = Look(), Folder(tmp_path, "library")
    assert [entry.pending for entry in look.entries(where, patience=0.01)] == [True]
    may_go_on.set()
    assert [entry.facts.n_jets for entry in look.entries(where, patience=120)] == [6]
    assert look.opened == 1
    look.close()


def test_kept_things_are_made_once_and_go_in_turn() -> None:
    made: list[int] = []
    gone: list[int] = []
    kept: Kept[int, int] = Kept(2, gone.append)

    def make(number: int) -> int:
        made.append(number)
        return number

    for number in (1, 2, 1, 3, 1, 2):
        assert kept.get(number, lambda number=number: make(number)) == number
    assert made == [1, 2, 3, 2]
    assert gone == [2, 3]
    with pytest.raises(ZeroDivisionError):
        kept.get(4, lambda: 1 // 0)
    assert kept.get(4, lambda: make(4)) == 4
    kept.drop(lambda key, thing: key == thing == 4)
    assert gone[-1] == 4


def test_given_jets_come_first_and_once(serve: Any, folder: Path) -> None:
    from lrp_core.checkpoint import load_model
    from lrp_core.reading import open_jets

    client = serve(
        open_jets(folder / "run3/b.root"), load_model(folder / "first.pth"), library=str(folder)
    )
    files, models = listed(client)
    assert list(files) == ["b.root", "a.root", "z_other.root"]
    assert next(iter(models)) == "first.pth"
    assert models["first.pth"]["origin"] == "given"
    assert client.get(f"{API}/health").json()["jets"]["name"] == "b.root"
    assert client.get(f"{API}/jets", params={"file": "a.root"}).json()["total"] == 6


def test_what_comes_along_is_there_where_the_library_has_nothing(
    serve_library: Any, tmp_path: Path
) -> None:
    client = serve_library(tmp_path)
    files, models = listed(client)
    assert list(files) == ["simulated_jets.root"]
    assert list(models) == ["interaction_network.pth"]
    assert client.explain(0)["model"]["name"] == "interaction_network.pth"
    write_jets(tmp_path / "no_network_for_it.root")
    assert list(listed(client)[0]) == ["no_network_for_it.root"]
    assert client.get(f"{API}/health").json()["jets"]["name"] == "simulated_jets.root"
    write_model(tmp_path / "one.pth")
    assert list(listed(client)[1]) == ["one.pth"]
    client.service.studies._usual = None
    assert client.get(f"{API}/health").json()["jets"]["name"] == "no_network_for_it.root"


def test_the_real_jets_with_two_networks(
    serve_library: Any, tmp_path: Path, cms_data: Path
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for name in ("hbb_jets.root", "IN.pth", "definitions.yml"):
        shutil.copy(cms_data / name, folder / name)
    shutil.copy(embedded.CHECKPOINT, folder / "simulated.pth")
    shutil.copy(embedded.DEFINITIONS, folder / "simulated.yml")
    client = serve_library(folder)
    files, models = listed(client)
    assert files["hbb_jets.root"]["n_jets"] > 100
    assert models["IN.pth"]["problem"] is None
    answers = {}
    for model in ("IN.pth", "simulated.pth"):
        answer = client.post(f"{API}/jets/12/explanation", params={"model": model}, json={})
        answers[model] = answer.json() if answer.status_code == 200 else error(answer, 422)
    assert answers["IN.pth"]["conservation_error"] < 1e-4
    if "code" in answers["simulated.pth"]:
        assert answers["simulated.pth"]["code"] == "does_not_fit"
    else:
        assert answers["simulated.pth"]["value"] != answers["IN.pth"]["value"]
