"""Uploads: looked into, kept for their person alone and for some days, within their bounds."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
import uproot
import yaml

from lrp_core.errors import SettingsError
from lrp_core.service.problems import Problem
from lrp_core.service.uploads import PART, Uploads, clean_name
from tests.service.library_files import COLUMNS, OWN_COLUMNS, write_jets, write_model, write_trees

API = "/api/v1"
ODD_FILES = Path(__file__).parents[1] / "lrp_core" / "root_files"
SECRET = "a secret that page and service share"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """What somebody has on their own machine."""
    write_jets(tmp_path / "mine/jets.root", 6)
    write_model(tmp_path / "mine/net.pth", seed=4)
    return tmp_path / "mine"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the service keeps uploads."""
    return tmp_path / "uploads"


@pytest.fixture
def client(serve_library: Any, tmp_path: Path, folder: Path) -> Any:
    """A service with one file and one network in its library, and uploads switched on."""
    write_jets(tmp_path / "library/a.root", 4)
    write_model(tmp_path / "library/first.pth")
    return serve_library(tmp_path / "library", uploads=str(folder))


def put(client: Any, path: Path, name: str | None = None, **more: Any) -> Any:
    return client.put(f"{API}/uploads/{name or path.name}", content=path.read_bytes(), **more)


def error(answer: Any, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code
    return str(answer.json()["error"]["message"])


def stored(folder: Path) -> list[str]:
    """Names of all files below, parts too."""
    return sorted(
        path.name for path in folder.rglob("*") if path.is_file() and path.name != ".lock"
    )


def test_off_unless_switched_on(serve: Any, files: Path) -> None:
    client = serve()
    for answer in (
        client.get(f"{API}/uploads"),
        put(client, files / "jets.root"),
        client.delete(f"{API}/uploads/jets.root"),
    ):
        assert "switch that on" in error(answer, 404, "uploads_off")
    assert client.get(f"{API}/health").json()["library"]["uploads"] is False


def test_a_file_and_a_network_come_are_used_and_go(client: Any, files: Path, folder: Path) -> None:
    answer = put(client, files / "jets.root")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["name"] == "upload:jets.root"
    assert told["n_bytes"] == (files / "jets.root").stat().st_size
    (path,) = folder.rglob("jets.root")
    assert told["expires"] == pytest.approx(path.stat().st_mtime + 14 * 86_400, abs=1e-3, rel=0)
    # the definitions of a network come first
    assert "net.yml first" in error(put(client, files / "net.pth"), 422, "no_definitions")
    assert put(client, files / "net.yml").json()["kind"] == "definitions"
    assert put(client, files / "net.pth").json()["name"] == "upload:net.pth"

    listed = client.get(f"{API}/library").json()
    assert [one["name"] for one in listed["files"]] == ["a.root", "upload:jets.root"]
    mine = listed["files"][1]
    assert (mine["n_jets"], mine["origin"]) == (6, "upload")
    assert mine["expires"] == told["expires"]
    assert listed["models"][1]["name"] == "upload:net.pth"
    which = {"file": "upload:jets.root", "model": "upload:net.pth"}
    explanation = client.post(f"{API}/jets/5/explanation", params=which, json={}).json()
    assert explanation["file"] == "upload:jets.root"
    assert explanation["conservation_error"] < 1e-3
    # where nothing is named, the library is meant
    assert client.get(f"{API}/health").json()["jets"]["name"] == "a.root"

    use = client.get(f"{API}/uploads").json()
    assert use["used_bytes"] == sum(one["n_bytes"] for one in use["files"])
    assert [one["name"] for one in use["files"]] == [
        "upload:jets.root", "upload:net.pth", "upload:net.yml"
    ]  # fmt: skip
    for name in ("upload:jets.root", "net.pth"):
        assert client.delete(f"{API}/uploads/{name}").status_code == 204
    assert stored(folder) == []  # a network's own definitions go with it
    assert "is not any more" in error(client.get(f"{API}/jets/5", params=which), 410, "file_gone")
    assert client.get(f"{API}/jets/1").status_code == 200
    error(client.delete(f"{API}/uploads/jets.root"), 404, "unknown_upload")


def test_parquet_comes_as_well(client: Any, files: Path, folder: Path) -> None:
    with uproot.open(files / "jets.root") as file:
        ak.to_parquet(file["tree"].arrays(), files / "jets.parquet")
    assert put(client, files / "jets.parquet").status_code == 201
    which = {"file": "upload:jets.parquet"}
    assert client.get(f"{API}/jets", params=which).json()["total"] == 6
    whole = (files / "jets.parquet").read_bytes()
    answer = client.put(f"{API}/uploads/half.parquet", content=whole[: len(whole) // 2])
    said = error(answer, 422, "unusable_upload")
    assert "half.parquet cannot be opened as a Parquet file" in said
    assert PART not in said
    assert stored(folder) == ["jets.parquet"]


def test_broken_files_are_refused_in_words_and_removed(
    client: Any, files: Path, folder: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"

    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (canary,))

    whole = (files / "jets.root").read_bytes()
    with uproot.recreate(files / "fixed.root") as file:
        file["tree"] = {"track_pt": np.zeros((2, 60), "f4")}
    torch.save({"weights": Trap()}, files / "trap.pth")
    torch.save({"weight": torch.zeros(3)}, files / "other.pth")
    bad = {
        "text.root": (b"no root file", "not a ROOT file"),
        "empty.root": (b"", "empty"),
        "half.root": (whole[: len(whole) // 2], "truncated"),
        "tables.root": (b"\x89HDF\r\n\x1a\n", "HDF5"),
        "unclosed.root": ((ODD_FILES / "unclosed.root").read_bytes(), "never closed"),
        "ntuples.root": ((ODD_FILES / "ntuples.root").read_bytes(), "TNtuple"),
        "fixed.root": (
            (files / "fixed.root").read_bytes(),
            "track_pt (std::array<float,60>) cannot be used",
        ),
        "trap.pth": ((files / "trap.pth").read_bytes(), "holds more than tensors"),
        "other.pth": ((files / "other.pth").read_bytes(), "no interaction network"),
        "text.pth": (b"no checkpoint", "checkpoint"),
        "list.yml": (b"[1, 2]", "features"),
        "bomb.yml": (b"features: [" + b"x," * 600_000 + b"]", "more than"),
    }
    (files / "any.yml").write_text(yaml.safe_dump({"features": list(COLUMNS)}))
    for name in ("trap", "other", "text"):
        assert put(client, files / "any.yml", f"{name}.yml").status_code == 201
    for name, (content, words) in bad.items():
        answer = client.put(f"{API}/uploads/{name}", content=content)
        assert answer.status_code in (413, 422), (name, answer.text)
        said = answer.json()["error"]["message"]
        assert words in said, (name, said)
        assert str(folder) not in said
        assert PART not in said
    assert not canary.exists()
    assert stored(folder) == ["other.yml", "text.yml", "trap.yml"]
    # a network of other columns than its definitions say
    (files / "net.yml").write_text(yaml.safe_dump({"features": ["track_pt"]}))
    assert put(client, files / "net.yml").status_code == 201
    assert "names 1 columns" in error(put(client, files / "net.pth"), 422, "unusable_upload")


def test_padding(client: Any, files: Path, folder: Path) -> None:
    rows = [[1.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0], [4.0, 5.0, 6.0, 7.0]]
    ak.to_parquet(ak.Array(dict.fromkeys(COLUMNS, rows)), files / "padded.parquet")
    answer = put(client, files / "padded.parquet")
    said = error(answer, 422, "which_padding")
    assert "padded.parquet:0: tracks 2 to 3 of 4 are 0 in every column" in said
    assert "zeros" in answer.json()["error"]["choices"]
    answer = put(client, files / "padded.parquet", params={"padding": "x"})
    assert "expected zeros, nan, a number" in error(answer, 422, "invalid_request")
    assert stored(folder) == []
    assert put(client, files / "padded.parquet", params={"padding": "zeros"}).status_code == 201
    table = client.get(f"{API}/jets", params={"file": "upload:padded.parquet"}).json()["jets"]
    assert [row["n_tracks"] for row in table] == [2, 1, 4]
    jet = client.get(f"{API}/jets/1", params={"file": "upload:padded.parquet"}).json()
    assert len(jet["tracks"]) == 1


def test_a_disk_that_fails_is_no_fault_of_the_file(
    client: Any, files: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("lrp_core.source_faults.PAUSES", ())
    with monkeypatch.context() as patch:
        patch.setattr("lrp_core.root_source.FileAtPlaces.get", fails)
        answer = put(client, files / "jets.root")
    said = error(answer, 503, "source_fails")
    assert "jets.root was not kept. jets.root cannot be read at the moment" in said
    assert stored(folder) == []
    assert put(client, files / "jets.root").status_code == 201


def test_several_trees_and_other_branches(client: Any, files: Path, folder: Path) -> None:
    path = write_trees(files / "own.root")
    answer = put(client, path)
    assert "Send it again with one of them as tree" in error(answer, 422, "which_tree")
    assert answer.json()["error"]["choices"] == ["events", "jets/mine"]
    answer = put(client, path, params={"tree": "jets/mine"})
    said = error(answer, 422, "which_columns")
    assert "trk_etarel, trk_phirel, trk_pt. Send it again" in said
    assert answer.json()["error"]["choices"] == ["trk_etarel", "trk_phirel", "trk_pt"]
    wrong = {"tree": "jets/mine", "column": ["track_pt=pt"]}
    assert "it has no branch pt." in error(put(client, path, params=wrong), 422, "which_columns")
    for column in ("track_pt", "=x", "track_pt="):
        answer = put(client, path, params={"column": column})
        assert "expected STANDARD=BRANCH" in error(answer, 422, "invalid_request")
    error(put(client, path, params={"tree": "other"}), 422, "which_tree")
    assert stored(folder) == []

    which = {"tree": "jets/mine", "column": OWN_COLUMNS}
    assert put(client, path, params=which).status_code == 201
    listed = client.get(f"{API}/library").json()["files"][1]
    assert (listed["name"], listed["n_jets"], listed["problem"]) == ("upload:own.root", 3, None)
    assert sorted(listed["columns"]) == sorted(COLUMNS)
    jet = client.get(f"{API}/jets/2", params={"file": "upload:own.root"}).json()
    at = jet["features"].index("track_pt")
    assert (jet["pt"], [track[at] for track in jet["tracks"]]) == (600, [5, 6, 7, 8])
    # the same file in another way, and gone without a trace
    fewer = {"tree": "jets/mine", "column": OWN_COLUMNS[:3]}
    assert put(client, path, params=fewer).status_code == 201
    jet = client.get(f"{API}/jets/2", params={"file": "upload:own.root"}).json()
    assert jet["pt"] is None
    assert client.delete(f"{API}/uploads/own.root").status_code == 204
    assert stored(folder) == []
    error(put(client, files / "net.yml", params={"tree": "x"}), 422, "invalid_request")


def test_what_holds_for_the_server_holds_for_uploads_that_it_fits(
    serve_library: Any, tmp_path: Path, folder: Path, files: Path
) -> None:
    write_trees(tmp_path / "library/a.root")
    write_model(tmp_path / "library/first.pth")
    client = serve_library(
        tmp_path / "library", uploads=str(folder), tree="jets/mine", column=OWN_COLUMNS
    )
    for path in (write_trees(files / "own.root"), files / "jets.root"):  # and the usual ones
        assert put(client, path).status_code == 201
        which = {"file": f"upload:{path.name}"}
        assert client.post(f"{API}/jets/1/explanation", params=which, json={}).status_code == 200


def test_files_that_claim_gigabytes_are_refused(client: Any, files: Path, folder: Path) -> None:
    content = bytearray((files / "jets.root").read_bytes())
    with uproot.open(files / "jets.root") as file:
        at = int(file["tree"]["track_pt"].member("fBasketSeek")[0])
    content[at + 6 : at + 10] = (2_000_000_000).to_bytes(4, "big")
    answer = client.put(f"{API}/uploads/claim.root", content=bytes(content))
    said = error(answer, 422, "unusable_upload")
    assert "claim.root: it says that it unpacks to more than 256 MB at once" in said
    assert stored(folder) == []


def test_a_file_that_is_too_large_is_stopped_on_its_way(
    serve_library: Any, tmp_path: Path, folder: Path, files: Path
) -> None:
    (tmp_path / "library").mkdir()
    client = serve_library(
        tmp_path / "library",
        uploads=str(folder),
        upload_bytes=300_000,
        upload_quota_bytes=500_000,
    )
    error(client.put(f"{API}/uploads/a.root", content=bytes(400_000)), 413, "too_large")
    # whoever does not say how much comes is stopped as well
    with client.service.studies.uploads.coming("", "a.root") as coming:
        for _ in range(6):
            coming.write(b"root" * 12_500)
        with pytest.raises(Problem, match="more than 300,000 bytes"):
            coming.write(b"r")
    assert stored(folder) == []
    large = files / "large.root"
    large.write_bytes((files / "jets.root").read_bytes() + bytes(250_000))
    for name in ("one.root", "two.root"):
        put(client, large, name)
    assert "Delete some of them first" in error(put(client, large, "three.root"), 413, "quota")
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 600_000


def test_nobody_is_overwritten(client: Any, files: Path, folder: Path) -> None:
    assert put(client, files / "jets.root").status_code == 201
    write_jets(files / "other.root", 9, seed=7)
    error(put(client, files / "other.root", "jets.root"), 409, "name_taken")
    again = put(client, files / "jets.root")  # the very same is no harm
    assert again.status_code == 201
    assert stored(folder) == ["jets.root"]
    which = {"file": "upload:jets.root"}
    assert client.get(f"{API}/jets", params=which).json()["total"] == 6


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("jets.root", "jets.root"),
        ("My jets (1).ROOT", "My_jets_1_.root"),
        ("../../etc/jets.root", "jets.root"),
        ("C:\\data\\jets.root", "jets.root"),
        (".hidden.root", "hidden.root"),
        ("e\u0301tude.root", "étude.root"),
        ("a\0b\n~.root", "a_b_.root"),
        ("upload:x.pth", "upload_x.pth"),
        ("x" * 300 + ".root", "x" * 100 + ".root"),
        ("ü" * 300 + ".root", "ü" * 50 + ".root"),
    ],
)
def test_names_are_cleaned(given: str, name: str) -> None:
    assert clean_name(given) == name
    assert clean_name(name) == name


@pytest.mark.parametrize(
    "given", ["", ".root", "jets", "jets.exe", "a.root/", "x.yml.sh", "..", "📦"]
)
def test_other_files_are_not_taken(given: str) -> None:
    with pytest.raises(Problem) as refused:
        clean_name(given)
    assert refused.value.code == "unknown_kind"
    assert ".root" in refused.value.choices


@pytest.mark.parametrize("name", ["..%2f..%2fjets.root", "%2e%2e%2fa.root", "a%00.root"])
def test_no_name_leads_out_of_ones_folder(
    client: Any, files: Path, folder: Path, tmp_path: Path, name: str
) -> None:
    before = sorted(path for path in tmp_path.rglob("*") if folder not in path.parents)
    put(client, files / "jets.root", name)
    client.delete(f"{API}/uploads/..%2f..%2flibrary%2fa.root")
    assert sorted(path for path in tmp_path.rglob("*") if folder not in path.parents) in (
        before, sorted([*before, folder])
    )  # fmt: skip
    assert all(len(path.relative_to(folder).parts) == 2 for path in folder.rglob("*.root"))


def test_each_person_is_shown_only_their_own(
    serve_library: Any, tmp_path: Path, folder: Path, files: Path
) -> None:
    write_jets(tmp_path / "library/a.root", 4)
    write_model(tmp_path / "library/first.pth")
    client = serve_library(tmp_path / "library", uploads=str(folder), secret=SECRET)
    ada, bob = (
        {"X-Jetlrp-Secret": SECRET, "X-Jetlrp-User": name}
        for name in ("ada", "b%C3%B6b%2F..%2Fada")
    )
    assert put(client, files / "jets.root", headers=ada).status_code == 201
    write_jets(files / "other.root", 9, seed=7)
    assert put(client, files / "other.root", "jets.root", headers=bob).status_code == 201
    which = {"file": "upload:jets.root"}
    for headers, n_jets in ((ada, 6), (bob, 9), (ada, 6)):
        answer = client.get(f"{API}/jets", params=which, headers=headers)
        assert answer.json()["total"] == n_jets
        listed = client.get(f"{API}/library", headers=headers).json()
        assert [one["n_jets"] for one in listed["files"]] == [4, n_jets]
    client.delete(f"{API}/uploads/jets.root", headers=ada)
    assert client.get(f"{API}/jets", params=which, headers=ada).status_code == 410
    assert client.get(f"{API}/jets/8", params=which, headers=bob).status_code == 200
    eve = {**ada, "X-Jetlrp-User": "eve"}
    assert client.get(f"{API}/jets", params=which, headers=eve).status_code == 404
    error(client.delete(f"{API}/uploads/jets.root", headers=eve), 404, "unknown_upload")
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 2


def test_files_are_deleted_after_their_days(
    serve_library: Any, tmp_path: Path, folder: Path, files: Path
) -> None:
    write_jets(tmp_path / "library/a.root", 4)
    write_model(tmp_path / "library/first.pth")
    client = serve_library(tmp_path / "library", uploads=str(folder), upload_days=2)
    assert put(client, files / "jets.root").status_code == 201
    which = {"file": "upload:jets.root"}
    assert client.get(f"{API}/jets/1", params=which).status_code == 200
    (path,) = folder.rglob("jets.root")
    nearly = time.time() - 1.9 * 86_400
    os.utime(path, (nearly, nearly))
    assert client.get(f"{API}/jets/1", params=which).status_code == 200
    old = time.time() - 2.1 * 86_400
    os.utime(path, (old, old))
    error(client.get(f"{API}/jets/1", params=which), 410, "file_gone")
    assert not path.exists()


def test_all_folders_are_swept_now_and_then(folder: Path) -> None:
    clock = [1e9]
    uploads = Uploads(folder, most_bytes=9, quota_bytes=99, days=1, now=lambda: clock[0])
    for person in ("ada", "bob"):
        path = uploads.folder_of(person).path
        path.mkdir()
        (path / "x.root").touch()
        (path / f"{PART}0").touch()
        os.utime(path / "x.root", (1e9, 1e9))
        os.utime(path / f"{PART}0", (1e9, 1e9))
    uploads.sweep(uploads.folder_of("ada").path)
    clock[0] += 3700  # a part that does not go on coming
    uploads.sweep(uploads.folder_of("ada").path)
    assert stored(folder) == ["x.root", "x.root"]
    clock[0] += 86_400
    uploads.sweep(uploads.folder_of("ada").path)
    assert stored(folder) == []


def test_only_so_many_come_at_once_and_what_is_cut_off_goes(folder: Path) -> None:
    uploads = Uploads(folder, most_bytes=99, quota_bytes=999, days=1)
    coming = [uploads.coming("ada", f"{number}.root") for number in range(4)]
    for one in coming:
        one.__enter__().write(b"root")
    with pytest.raises(Problem) as refused:
        uploads.check("ada", "x.root", 3)
    assert refused.value.status == 429
    assert uploads.check("bob", "x.root", 3) == "x.root"
    for one in coming:
        one.__exit__(None, None, None)
    assert uploads.used("ada") == 0
    assert uploads.check("ada", "x.root", 3) == "x.root"


def test_two_at_once_of_one_name(client: Any, files: Path, folder: Path) -> None:
    for number in range(4):
        write_jets(files / f"{number}.root", 5 + number, seed=number)
    answers: list[int] = []

    def send(number: int) -> None:
        answers.append(put(client, files / f"{number}.root", "same.root").status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 409, 409, 409]
    assert stored(folder) == ["same.root"]


def test_a_full_disk_is_said(
    client: Any, files: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(folder)

    class Full:
        f_bavail = 10
        f_frsize = real.f_frsize

    monkeypatch.setattr(os, "statvfs", lambda _: Full)
    error(put(client, files / "jets.root"), 507, "disk_full")
    assert stored(folder) == []


def test_a_folder_that_all_would_see_is_refused(tmp_path: Path, serve_library: Any) -> None:
    with pytest.raises(SettingsError, match="lies in the library"):
        serve_library(tmp_path, uploads=str(tmp_path / "uploads"))


def test_uploads_are_no_burden_on_memory(client: Any, folder: Path) -> None:
    """Pieces go to the disk as they come."""
    seen: list[int] = []

    def pieces() -> Iterator[bytes]:
        for _ in range(6):
            yield b"root" + bytes((1 << 20) - 4)
            seen.append(sum(p.stat().st_size for p in folder.rglob(f"{PART}*")))

    uploads = client.service.studies.uploads
    with uploads.coming("", "big.root") as coming:
        for piece in pieces():
            coming.write(piece)
    assert seen == [number << 20 for number in range(1, 7)]
