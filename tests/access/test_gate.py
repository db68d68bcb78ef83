"""What the gate decides, mode by mode, and what those meet who try to get round it."""

from __future__ import annotations

import base64
import json
import re
import time
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from app.access import gate as gate_module
from app.access import users
from app.access.gate import Answered, Asked, Gate, LetIn, own_path
from app.access.users import UserTable
from lrp_core.errors import SettingsError
from lrp_core.limits import Limits
from lrp_core.settings import read_settings

TOKEN = "0123456789abcdef-token"
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "PasswordHasher", lambda: PasswordHasher(1, 8, 1))
    users._nobodys_hash.cache_clear()


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass for what may be done so often a minute, however slow the machine is."""

    def limits(name: str, per_minute: float) -> Limits:
        return Limits(per_minute, clock=lambda: 100.0)

    monkeypatch.setattr(gate_module, "limits_of_server", limits)


def asked(path: str = "/", method: str = "GET", **more: Any) -> Asked:
    headers = {"host": "lab:8050", **more.pop("headers", {})}
    path, _, query = path.partition("?")
    return Asked(
        method=method, path=path, query=query, headers=headers,
        client=more.pop("client", "10.0.0.9"), **more,
    )  # fmt: skip


def gate_of(**settings: Any) -> Gate:
    return Gate(read_settings(host="0.0.0.0", **settings))


@pytest.fixture
def by_token() -> Gate:
    return gate_of(auth="token", token=TOKEN)


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "users.json"
    UserTable(path).add("anna", PASSWORD)
    UserTable(path).add("ben", PASSWORD)
    return path


@pytest.fixture
def by_users(users_file: Path) -> Gate:
    return gate_of(auth="users", users_file=str(users_file))


def refused(decided: LetIn | Answered, status: int, code: str) -> Answered:
    """It was refused so, in the one shape."""
    assert isinstance(decided, Answered), decided
    assert decided.status == status, decided
    error = json.loads(decided.body)["error"]
    assert error["code"] == code
    assert error["request_id"]
    return decided


def cookies_of(answer: LetIn | Answered) -> dict[str, str]:
    found = [value.split(";")[0] for name, value in answer.headers if name == "Set-Cookie"]
    return dict(text.split("=", 1) for text in found)


def header(answer: LetIn | Answered, name: str) -> str:
    return dict(answer.headers)[name]


def form_of(gate: Gate, path: str = "/login", **more: Any) -> tuple[dict[str, str], str]:
    """The fields of the log-in form and the cookie that goes with it."""
    shown = gate.decide(asked(path, **more))
    assert isinstance(shown, Answered)
    assert shown.status == 200
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown.body)
    fields = {name: unescape(value) for name, value in found}
    return fields, "; ".join(f"{n}={v}" for n, v in cookies_of(shown).items())


def log_in(gate: Gate, name: str, word: str, path: str = "/login", **more: Any) -> Answered:
    fields, cookie = form_of(gate, path, **more)
    body = urlencode({**fields, "name": name, "password": word}).encode()
    headers = {**more.pop("headers", {}), "cookie": cookie}
    answer = gate.decide(asked("/login", "POST", body=body, headers=headers, **more))
    assert isinstance(answer, Answered)
    return answer


def session_of(answer: Answered) -> dict[str, str]:
    """What the browser sends from now on."""
    kept = {n: v for n, v in cookies_of(answer).items() if v}
    assert len(kept) == 1, answer
    return {"cookie": "; ".join(f"{n}={v}" for n, v in kept.items())}


# ------------------------------------------------------------------------------------ starting


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "lab", "127.0.0.1.nip.io"])
def test_no_address_but_loopback_without_asking_who_it_is(host: str) -> None:
    with pytest.raises(SettingsError, match=r"JETLRP_AUTH to token, users or proxy"):
        Gate(read_settings(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_asks_nobody(host: str) -> None:
    gate = Gate(read_settings(host=host))
    for name in ("localhost:8050", "127.0.0.1:8050", "[::1]:8050"):
        for path in ("/", "/api/v1/jets", "/_dash-layout", "/docs"):
            assert gate.decide(asked(path, headers={"host": name}, client="127.0.0.1")) == LetIn(
                None
            )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"auth": "token"}, "openssl rand"),
        ({"auth": "token", "token": "short"}, "at least 16"),
        ({"auth": "token", "token": TOKEN, "token_file": "x"}, "not both"),
        ({"auth": "token", "token_file": "/none/there"}, "cannot be read"),
        ({"auth": "users"}, "jetlrp users add"),
        ({"auth": "users", "users_file": "/none/there"}, "no such file"),
        ({"auth": "proxy"}, "TRUSTED_PROXIES"),
        ({"auth": "proxy", "trusted_proxies": ("all",)}, "expected addresses"),
    ],
)
def test_a_mode_without_what_it_needs_does_not_start(settings: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        gate_of(**settings)


def test_an_empty_table_of_users_does_not_start(users_file: Path) -> None:
    for name in ("anna", "ben"):
        UserTable(users_file).remove(name)
    with pytest.raises(SettingsError, match="has no users"):
        gate_of(auth="users", users_file=str(users_file))


def test_without_log_in_other_machines_are_refused_however_it_was_started() -> None:
    gate = Gate(read_settings())  # as under gunicorn, which may listen anywhere
    home = {"host": "localhost"}
    refused(gate.decide(asked(client="10.0.0.9", headers=home)), 403, "no_log_in")
    assert gate.decide(asked(client="::ffff:127.0.0.1", headers=home)) == LetIn(None)
    hops = {**home, "x-forwarded-for": "127.0.0.1, 10.0.0.9"}  # a proxy that nobody spoke of
    refused(gate.decide(asked(client="127.0.0.1", headers=hops)), 403, "no_log_in")
    near = {**home, "x-forwarded-for": "127.0.0.1"}
    assert gate.decide(asked(client="127.0.0.1", headers=near)) == LetIn(None)
    known = Gate(read_settings(trusted_proxies=("127.0.0.1",)))
    assert known.decide(asked(client="127.0.0.1", headers=hops)) == LetIn(None)


# ------------------------------------------------------------------------------------- strangers

PATHS = ("/", "/_dash-layout", "/_dash-update-component", "/assets/picture/scene.js", "/docs",
         "/api/v1/health", "/openapi.json", "/_jetlrp/alive", "//", "/health/x",
         "/assets/fonts", "/LOGIN", "/login/")  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "HEAD"])
def test_a_stranger_gets_nothing(path: str, method: str, by_token: Gate) -> None:
    decided = by_token.decide(asked(path, method, headers={"accept": "application/json"}))
    answer = refused(decided, 401, "not_logged_in")
    assert header(answer, "WWW-Authenticate").startswith("Bearer")


def test_a_person_is_shown_the_log_in(by_token: Gate) -> None:
    for path, leads in (
        ("/", "./login"),
        ("/?jet=1&rule=x", "./login?next=%2F%3Fjet%3D1%26rule%3Dx"),
        ("/a/b/", "../../login?next=%2Fa%2Fb%2F"),
    ):
        answer = by_token.decide(asked(path, headers={"accept": "text/html,*/*"}))
        assert isinstance(answer, Answered)
        assert (answer.status, header(answer, "Location")) == (303, leads)
    fetched = {"accept": "text/html", "sec-fetch-mode": "cors"}
    refused(by_token.decide(asked("/", headers=fetched)), 401, "not_logged_in")


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/assets/fonts/inter.woff2"])
def test_what_everybody_may_see(path: str, by_token: Gate) -> None:
    assert by_token.decide(asked(path)) == LetIn(None)


def test_nobody_says_himself_who_he_is(by_token: Gate, by_users: Gate) -> None:
    lies = {"x-jetlrp-user": "anna", "x-jetlrp-secret": "", "x-forwarded-user": "anna"}
    for gate in (by_token, by_users):
        refused(gate.decide(asked(headers=lies)), 401, "not_logged_in")
    inner = Gate(read_settings(host="0.0.0.0", auth="token", token=TOKEN), secret="s" * 32)
    refused(inner.decide(asked(headers=lies)), 403, "not_through_dashboard")
    own = {"x-jetlrp-secret": "s" * 32, "x-jetlrp-user": "anna%20b"}
    assert inner.decide(asked(headers=own)) == LetIn("anna b")


# ------------------------------------------------------------------------------------------ token


def test_the_token_logs_in_a_program(by_token: Gate) -> None:
    right = {"authorization": f"Bearer {TOKEN}"}
    assert by_token.decide(asked("/api/v1/jets", headers=right)) == LetIn("guest-10.0.0.9")
    for wrong in ("Bearer x", f"Basic {TOKEN}", f"bearer {TOKEN}x", "Bearer", f"Bearer {TOKEN}é"):
        refused(
            by_token.decide(asked("/api/v1/jets", headers={"authorization": wrong})),
            401,
            "not_logged_in",
        )


def test_the_token_logs_in_a_person(by_token: Gate) -> None:
    assert log_in(by_token, "", "wrong" * 5).status == 403
    answer = log_in(by_token, "", TOKEN, "/login?next=/%3Fjet=12")
    assert (answer.status, header(answer, "Location")) == (303, "./?jet=12")
    let = by_token.decide(asked(headers=session_of(answer)))
    assert isinstance(let, LetIn)
    assert re.fullmatch(r"guest-[0-9a-f]{6}", let.user or "")
    # another token, and the session is worth nothing
    other = gate_of(auth="token", token=f"{TOKEN}2")
    refused(other.decide(asked(headers=session_of(answer))), 401, "not_logged_in")
    # the same one after a restart, or in another worker
    assert gate_of(auth="token", token=TOKEN).decide(asked(headers=session_of(answer))) == let


def test_a_token_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    gate = gate_of(auth="token", token_file=str(tmp_path / "token"))
    right = {"authorization": f"Bearer {TOKEN}"}
    assert gate.decide(asked(headers=right)) == LetIn("guest-10.0.0.9")


# ------------------------------------------------------------------------------------------ users


def test_users_log_in_and_out(by_users: Gate) -> None:
    answer = log_in(by_users, "anna", PASSWORD)
    assert answer.status == 303
    session = session_of(answer)
    assert by_users.decide(asked(headers=session)) == LetIn("anna")
    for where in ("/login", "/login?next=/x"):  # whoever is in need not log in
        again = by_users.decide(asked(where, headers=session))
        assert isinstance(again, Answered)
        assert header(again, "Location") in ("./", "./x")
    left = by_users.decide(asked("/logout", "POST", headers=session))
    assert isinstance(left, Answered)
    assert header(left, "Location") == "./login"
    assert set(cookies_of(left).values()) == {""}
    assert "Max-Age=0" in header(left, "Set-Cookie")
    # a link does not log anybody out
    link = by_users.decide(asked("/logout", headers=session))
    assert isinstance(link, Answered)
    assert cookies_of(link) == {}


def test_programs_send_name_and_password(by_users: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def basic(text: str) -> dict[str, str]:
        return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}

    assert by_users.decide(asked(headers=basic(f"anna:{PASSWORD}"))) == LetIn("anna")
    with monkeypatch.context() as patch:  # what was right is not hashed again
        patch.setattr(UserTable, "check", lambda *_: pytest.fail("hashed again"))
        assert by_users.decide(asked(headers=basic(f"anna:{PASSWORD}"))) == LetIn("anna")
    for wrong in ("anna:", f"cleo:{PASSWORD}", "anna", f"ben:{PASSWORD} "):
        refused(by_users.decide(asked(headers=basic(wrong))), 401, "not_logged_in")
    refused(by_users.decide(asked(headers={"authorization": "Basic %%%"})), 401, "not_logged_in")


def test_sessions_end_with_the_password_and_with_the_user(by_users: Gate, users_file: Path) -> None:
    anna, ben = (session_of(log_in(by_users, name, PASSWORD)) for name in ("anna", "ben"))
    UserTable(users_file).add("anna", "battery staple")
    refused(by_users.decide(asked(headers=anna)), 401, "not_logged_in")
    assert by_users.decide(asked(headers=ben)) == LetIn("ben")
    UserTable(users_file).remove("ben")
    refused(by_users.decide(asked(headers=ben)), 401, "not_logged_in")


def test_sessions_end_by_themselves(users_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gate_of(auth="users", users_file=str(users_file), session_hours=1)
    session = session_of(log_in(gate, "anna", PASSWORD))
    assert gate.decide(asked(headers=session)) == LetIn("anna")
    later = time.time() + 3700
    monkeypatch.setattr(time, "time", lambda: later)
    refused(gate.decide(asked(headers=session)), 401, "not_logged_in")


def test_forged_sessions(by_users: Gate) -> None:
    session = session_of(log_in(by_users, "anna", PASSWORD))["cookie"]
    name, value = session.split("=", 1)
    for forged in (
        value[:-1],
        f"{value[:-9]}{'A' if value[-9] != 'A' else 'B'}{value[-8:]}",
        "x" + value,
        value.replace(".", "", 1),
        "",
        "a.b.c",
        "W10.x.y",
        "é",
        "x" * 5000,
    ):
        refused(
            by_users.decide(asked(headers={"cookie": f"{name}={forged}"})), 401, "not_logged_in"
        )


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_cookie_and_no_authorization_breaks_it(cookie: str, authorization: str) -> None:
    gate = gate_of(auth="token", token=TOKEN)
    headers = {"cookie": f"{gate._sessions.cookie}={cookie}", "authorization": authorization}  # type: ignore[union-attr]
    refused(gate.decide(asked(headers=headers)), 401, "not_logged_in")


def test_unknown_names_take_the_same_way(by_users: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    right = users._is_right
    monkeypatch.setattr(users, "_is_right", lambda h, p: bool(checked.append(p)) or right(h, p))
    answers = [log_in(by_users, name, "wrong") for name in ("anna", "nobody", "")]
    assert checked == ["wrong"] * 3
    assert {a.status for a in answers} == {403}
    said = {re.search(r'role="alert">([^<]*)', a.body)[1] for a in answers}  # type: ignore[index]
    assert said == {"Name or password is not right."}


# ----------------------------------------------------------------------------------- the log-in


def test_the_form_has_to_come_from_here(by_users: Gate) -> None:
    fields, cookie = form_of(by_users)
    right = {**fields, "name": "anna", "password": PASSWORD}

    def post(content: dict[str, str], **headers: str) -> LetIn | Answered:
        body = urlencode(content).encode()
        return by_users.decide(asked("/login", "POST", body=body, headers=headers))

    for headers in ({}, {"cookie": "jetlrp-form=other"}):
        answer = post(right, **headers)
        assert isinstance(answer, Answered)
        assert answer.status == 403
        assert "too old" in answer.body
    answer = post({**right, "form": "x"}, cookie=cookie)
    assert isinstance(answer, Answered)
    assert answer.status == 403
    for site in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
                 {"origin": "https://evil.example"}, {"origin": "null"}):  # fmt: skip
        refused(post(right, cookie=cookie, **site), 403, "cross_site")
    for site in ({"sec-fetch-site": "same-origin"}, {"origin": "http://lab:8050"}, {}):
        answer = post(right, cookie=cookie, **site)
        assert isinstance(answer, Answered)
        assert answer.status == 303


def test_attempts_are_counted_by_address_and_by_name(by_users: Gate) -> None:
    for _ in range(10):
        assert log_in(by_users, "anna", "wrong").status == 403
    answer = log_in(by_users, "ben", PASSWORD)  # from the same address
    assert answer.status == 429
    assert header(answer, "Retry-After") == "6"
    assert "Too many attempts" in answer.body
    # the same name from other addresses
    assert log_in(by_users, "anna", PASSWORD, client="10.0.0.10").status == 429
    assert log_in(by_users, "ben", PASSWORD, client="10.0.0.10").status == 303
    # programs as well
    wrong = {"authorization": "Basic YW5uYTp4"}
    for _ in range(10):
        refused(by_users.decide(asked(headers=wrong, client="10.0.0.11")), 401, "not_logged_in")
    refused(by_users.decide(asked(headers=wrong, client="10.0.0.11")), 429, "too_many_attempts")


def test_who_is_right_is_not_counted(by_users: Gate) -> None:
    for _ in range(25):
        assert log_in(by_users, "anna", PASSWORD).status == 303


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/", "/"), ("/?jet=1&rule=gamma(1.0)", "/?jet=1&rule=gamma(1.0)"), ("/docs", "/docs"),
        ("https://evil.example", "/"), ("//evil.example", "/"), ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"), ("///evil.example", "/"), ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"), ("", "/"), ("evil.example", "/"), ("/login", "/"),
        ("/logout", "/"), ("/\t/evil.example", "/"), ("http:evil.example", "/"),
        ("/" + "a" * 3000, "/"), ("/ö?x=é", "/%C3%B6?x=%C3%A9"), ("//[", "/"),
    ],
)  # fmt: skip
def test_the_log_in_leads_nowhere_else(path: str, leads: str, by_users: Gate) -> None:
    assert own_path(path) == leads
    where = f"/login?{urlencode({'next': path})}"
    assert header(log_in(by_users, "anna", PASSWORD, where), "Location") == f".{leads}"


@given(st.text(max_size=60) | st.text("/\\:.@?#%a\t\n ", max_size=20))
def test_no_path_leads_elsewhere(path: str) -> None:
    found = own_path(path)
    assert re.fullmatch(r"/[!-~]*", found)
    assert not found.startswith(("//", "/\\"))


def test_what_was_typed_does_not_become_part_of_the_page(by_users: Gate) -> None:
    evil = '"><script>alert(1)</script>'
    answer = log_in(by_users, evil, "wrong", f"/login?{urlencode({'next': '/' + evil})}")
    assert evil not in answer.body
    assert "<script>alert" not in answer.body


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a&" * 2000, b"", b"name=" + b"x" * 4000, b"\0"])
def test_forms_that_are_none(body: bytes, by_users: Gate) -> None:
    answer = by_users.decide(asked("/login", "POST", body=body))
    assert isinstance(answer, Answered)
    assert answer.status in (400, 403)
    answer = by_users.decide(asked("/login", "PUT"))
    refused(answer, 405, "method_not_allowed")


def test_cookies_are_for_this_server_alone(by_users: Gate, users_file: Path) -> None:
    answer = log_in(by_users, "anna", PASSWORD)
    plain = header(answer, "Set-Cookie")
    assert "HttpOnly" in plain or "HttpOnly" in dict(reversed(answer.headers))["Set-Cookie"]
    for name, value in answer.headers:
        if name == "Set-Cookie":
            assert "HttpOnly" in value
            assert "SameSite=" in value
            assert "Path=/" in value
            assert "Secure" not in value
    behind = gate_of(auth="users", users_file=str(users_file), trusted_proxies=("10.1.0.0/16",))
    tls = {"headers": {"x-forwarded-proto": "https"}, "client": "10.1.2.3"}
    for gate, how, secure in (
        (behind, tls, True),
        (by_users, {"scheme": "https"}, True),
        (by_users, tls, False),  # nobody said that this proxy may be believed
        (behind, {**tls, "client": "10.2.0.1"}, False),
    ):
        answer = log_in(gate, "anna", PASSWORD, **how)  # type: ignore[arg-type]
        found = [value for name, value in answer.headers if name == "Set-Cookie"]
        assert found
        assert all(("Secure" in v and v.startswith("__Host-")) == secure for v in found)


# ------------------------------------------------------------------------------------------ proxy


def test_the_proxy_says_who_it_is() -> None:
    gate = gate_of(auth="proxy", trusted_proxies=("10.1.0.0/16", "::1"), proxy_header="Remote-User")
    for client in ("10.1.2.3", "::1", "::ffff:10.1.0.1"):
        let = gate.decide(asked(client=client, headers={"remote-user": "anna"}))
        assert let == LetIn("anna")
    for client in ("10.2.0.1", "127.0.0.1", "", "nonsense", "10.1.2.3.4"):
        said = {"remote-user": "anna", "x-forwarded-for": "10.1.2.3"}
        refused(gate.decide(asked(client=client, headers=said)), 403, "not_through_proxy")
    for name in ("", "a b", "anna, ben", "../x", "a" * 65, "ä", "x\n"):
        said = {"remote-user": name}
        refused(gate.decide(asked(client="10.1.2.3", headers=said)), 401, "not_logged_in")
    refused(
        gate.decide(asked(client="10.1.2.3", headers={"x-forwarded-user": "anna"})),
        401,
        "not_logged_in",
    )
    # there is no log-in of our own then
    refused(gate.decide(asked("/login", client="10.1.2.3")), 401, "not_logged_in")
    assert not gate.can_leave


def test_attempts_behind_a_proxy_are_counted_by_the_real_address(users_file: Path) -> None:
    gate = gate_of(auth="users", users_file=str(users_file), trusted_proxies=("10.1.0.0/16",))

    def client(hops: str, proxy: str = "10.1.2.3") -> str:
        return gate._client(asked(client=proxy, headers={"x-forwarded-for": hops}))

    assert client("6.6.6.6, 8.8.8.8") == "8.8.8.8"
    assert client("6.6.6.6, 8.8.8.8, 10.1.9.9") == "8.8.8.8"
    assert client("8.8.8.8, nonsense") == "10.1.2.3"
    assert client("") == "10.1.2.3"
    assert client("6.6.6.6", proxy="10.2.0.1") == "10.2.0.1"  # believed by nobody


# ------------------------------------------------------------------------- names, sizes, how often


def test_names_of_the_server() -> None:
    home = Gate(read_settings())
    for name in ("evil.example", "evil.example:8050", "127.0.0.1.nip.io", "", "localhost.evil.com"):
        refused(home.decide(asked(client="127.0.0.1", headers={"host": name})), 400, "unknown_host")
    named = Gate(read_settings(hosts=("jets.lab.org",)))
    for name in ("jets.lab.org", "JETS.lab.org:443", "localhost:8050", "jets.lab.org."):
        assert isinstance(named.decide(asked(client="127.0.0.1", headers={"host": name})), LetIn)
    away = gate_of(auth="token", token=TOKEN, hosts=("jets.lab.org",))
    right = {"authorization": f"Bearer {TOKEN}"}
    refused(away.decide(asked(headers={"host": "localhost", **right})), 400, "unknown_host")
    assert isinstance(away.decide(asked(headers={"host": "jets.lab.org", **right})), LetIn)


def test_sizes_are_bounded(by_token: Gate) -> None:
    refused(by_token.decide(asked("/?" + "a" * 9000)), 414, "too_long")
    refused(by_token.decide(asked(headers={"x": "a" * 40_000})), 431, "too_long")
    for length, status, code in (
        ("1048577", 413, "too_large"),
        ("9" * 18, 413, "too_large"),
        ("-1", 400, "bad_request"),
        ("9" * 400, 400, "bad_request"),
        ("１", 400, "bad_request"),
    ):
        sent = asked("/api/v1/jets/1/explanation", "POST", headers={"content-length": length})
        refused(by_token.decide(sent), status, code)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_sites_change_nothing(method: str) -> None:
    gate = Gate(read_settings())
    home = {"host": "127.0.0.1:8050"}

    def send(**headers: str) -> LetIn | Answered:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return gate.decide(
            asked("/api/v1/x", method, client="127.0.0.1", headers={**home, **headers})
        )

    for foreign in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"origin": "http://["},
    ):
        refused(send(**foreign), 403, "cross_site")
    for own in ({}, {"sec_fetch_site": "same-origin"}, {"origin": "http://127.0.0.1:8050"}):
        assert send(**own) == LetIn(None)


def test_requests_of_each_user_are_counted(users_file: Path) -> None:
    gate = gate_of(auth="users", users_file=str(users_file), requests_per_minute=5)
    anna, ben = (session_of(log_in(gate, name, PASSWORD)) for name in ("anna", "ben"))
    for _ in range(5):
        assert gate.decide(asked("/api/v1/jets", headers=anna)) == LetIn("anna")
    answer = refused(
        gate.decide(asked("/_dash-update-component", "POST", headers=anna)),
        429,
        "too_many_requests",
    )
    assert header(answer, "Retry-After") == "12"
    assert gate.decide(asked("/assets/picture/scene.js", headers=anna)) == LetIn("anna")
    assert gate.decide(asked("/api/v1/jets", headers=ben)) == LetIn("ben")
    for _ in range(32):  # a panel that changes its size asks often, and costs little
        let_in = gate.decide(asked("/api/v1/jets/3/pictures/river", headers=ben))
        assert let_in == LetIn("ben")
        gate.end(let_in)
    refused(gate.decide(asked("/api/v1/jets/3", headers=ben)), 429, "too_many_requests")
