"""The table of users and the commands that change it."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner, Result

from app.access import users
from app.access.users import UserTable
from app.cli import cli
from lrp_core.errors import SettingsError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash as cheaply as the method allows: what is tested is not how long it takes."""
    monkeypatch.setattr(users, "PasswordHasher", lambda: PasswordHasher(1, 8, 1))
    users._nobodys_hash.cache_clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "users.json"


def test_who_is_added_may_log_in(path: Path) -> None:
    table = UserTable(path)
    assert table.add("anna", "correct horse")
    assert table.check("anna", "correct horse") == table.get("anna")
    assert table.check("anna", "correct horse ") is None
    assert table.check("ben", "correct horse") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "$argon2id$" in text
    assert "correct horse" not in text  # of letters alone it might be by chance
    assert sorted(p.name for p in path.parent.iterdir()) == ["users.json", "users.json.lock"]


def test_a_change_counts_at_once_and_ends_sessions(path: Path) -> None:
    UserTable(path).add("anna", "correct horse")
    seen = UserTable(path)
    key, first = seen.key, seen.get("anna")
    assert first is not None
    assert not UserTable(path).add("anna", "battery staple")
    second = seen.get("anna")
    assert second is not None
    assert second.mark != first.mark
    assert seen.key == key
    UserTable(path).remove("anna")
    assert seen.get("anna") is None


def test_a_file_opened_for_a_group_stays_so(path: Path) -> None:
    UserTable(path).add("anna", "correct horse")
    path.chmod(0o646)
    UserTable(path).add("ben", "correct horse")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_nobody_is_lost_when_two_change_it(path: Path) -> None:
    names = [f"user{number}" for number in range(12)]
    threads = [
        threading.Thread(target=UserTable(path).add, args=(name, "correct horse")) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(user.name for user in UserTable(path)) == sorted(names)


@pytest.mark.parametrize(
    "name", ["", ".a", "a b", "a/b", "../x", "a\n", "ä", "a" * 65, "-x", "a:b", "a\0"]
)
def test_names_are_checked(name: str, path: Path) -> None:
    with pytest.raises(SettingsError, match="not possible as a name"):
        UserTable(path).add(name, "correct horse")
    assert not path.exists()


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_passwords_are_long_enough(password: str, path: Path) -> None:
    with pytest.raises(SettingsError, match=f"has {len(password)} characters"):
        UserTable(path).add("anna", password)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", '{"users": {}}', '{"key": "short", "users": {}}', '{"key": 1}'),
        json.dumps({"key": "k" * 40, "users": {"anna": "hash"}}),
        json.dumps({"key": "k" * 40, "users": {"anna": {"hash": 1, "added": "x"}}}),
        "\xff",
    ],
)
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"users\.json.*no table of users"):
        list(UserTable(path))
    with pytest.raises(SettingsError, match=r"users\.json.*no table of users"):
        UserTable(path).add("anna", "correct horse")


def test_a_hash_that_is_none_lets_nobody_in(path: Path) -> None:
    table = UserTable(path)
    table.add("anna", "correct horse")
    found = json.loads(path.read_text())
    found["users"]["anna"]["hash"] = "plain"
    path.write_text(json.dumps(found))
    assert table.check("anna", "plain") is None


def run(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["users", *words], input=text)


def test_the_commands(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ["--file", str(path)]
    added = run("add", "anna", *file, text="correct horse\n")
    assert (added.exit_code, "anna may log in" in added.stdout) == (0, True)
    assert UserTable(path).check("anna", "correct horse")
    assert "new password" in run("add", "anna", *file, text="battery staple").stdout
    monkeypatch.setenv("JETLRP_USERS_FILE", str(path))
    run("add", "ben", text="correct horse\n")
    assert [line.split()[1] for line in run("list").stdout.splitlines()] == ["anna", "ben"]
    assert run("remove", "ben").exit_code == 0
    again = run("remove", "ben")
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "nobody is called 'ben'; there are anna" in again.stderr
    short = run("add", "cleo", text="short\n")
    assert (short.exit_code, "5 characters" in short.stderr) == (2, True)
    assert "correct horse" not in added.output
    monkeypatch.delenv("JETLRP_USERS_FILE")
    assert "--file" in run("list").stderr
    assert "no such file" in run("list", "--file", str(path.with_name("none.json"))).stderr


def test_a_password_is_never_on_a_command_line() -> None:
    assert run("add", "anna", "correct horse").exit_code == 2
    assert "--password" not in run("add", "--help").stdout
