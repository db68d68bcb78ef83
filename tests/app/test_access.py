"""Logging in and out in a browser, and what the page says when it is to wait or to log in again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from app.access import users
from app.access.doors import stand_before
from app.access.gate import Gate
from app.access.users import UserTable
from app.main import create_app
from lrp_core.settings import read_settings
from tests.app.conftest import Site, serving
from tests.app.test_accessibility import axe, shown_in, violations
from tests.app.test_page import says, still
from tests.app.toy_service import FakeService

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["axe"]  # a fixture

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"
DRAWN = "#network[data-drawn]"
CALLBACKS = re.compile("/_dash-update-component")


@pytest.fixture
def guarded_site(
    service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """The page for anna alone, over the stand-in service."""
    monkeypatch.setattr(users, "PasswordHasher", lambda: PasswordHasher(1, 8, 1))
    table = tmp_path / "users.json"
    UserTable(table).add("anna", PASSWORD)
    with service.client() as client:
        page = create_app(client).server
        stand_before(page, Gate(read_settings(auth="users", users_file=str(table))))
        with serving(page) as address:
            yield Site(address, service)


def log_in(page: Page) -> None:
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_logging_in_leads_to_the_view_and_logging_out_away_from_it(
    guarded_site: Site, page: Page, axe: str
) -> None:
    page.goto(f"{guarded_site.address}/?jet=5")
    page.get_by_label("Name").wait_for()
    for theme in ("dark", "light"):
        shown_in(page, theme)
        assert violations(page, axe) == "", theme
    log_in(page)
    page.wait_for_selector(DRAWN)
    says(page, jet="5")
    page.locator(".who-name", has_text="anna").wait_for()
    page.locator(".ag-row").first.wait_for()
    still(page)
    assert violations(page, axe) == ""
    page.get_by_role("button", name="Log out anna").click()
    page.get_by_label("Name").wait_for()
    page.goto(guarded_site.address)
    page.get_by_label("Name").wait_for()


def test_who_is_logged_out_is_asked_to_log_in_and_comes_back(
    guarded_site: Site, page: Page, expected: list[str]
) -> None:
    expected.append("status of 401")
    page.goto(f"{guarded_site.address}/?jet=2")
    log_in(page)
    page.wait_for_selector(DRAWN)
    cookies = page.context.cookies()
    page.route(  # as if the session had ended
        CALLBACKS,
        lambda route: route.fulfill(status=401, body="{}", content_type="application/json"),
    )
    page.get_by_role("button", name="hin-lrp").click()
    box = page.get_by_role("dialog", name="You are no longer logged in")
    box.wait_for()
    page.unroute(CALLBACKS)
    page.context.clear_cookies()
    box.get_by_role("link", name="Log in").click()
    page.get_by_label("Name").wait_for()
    log_in(page)
    page.wait_for_selector(DRAWN)
    says(page, jet="2")
    assert {c["name"] for c in page.context.cookies()} & {c["name"] for c in cookies}


def test_too_many_explanations_wait_and_go_on_by_themselves(toy_site: Site, page: Page) -> None:
    assert toy_site.service is not None
    toy_site.service.refusals = 1000
    page.goto(f"{toy_site.address}/?jet=5")
    page.get_by_role("heading", name="Jet 5 has to wait a moment").wait_for()
    page.get_by_text(re.compile(r"Trying again by itself in \d s")).wait_for()
    toy_site.service.refusals = 1
    page.wait_for_selector(DRAWN)
    assert toy_site.service.refusals == 0


def test_too_many_requests_wait_and_go_on_by_themselves(
    toy_site: Site, page: Page, expected: list[str]
) -> None:
    expected.append("status of 429")
    left = [1000]

    def busy(route) -> None:
        if left[0]:
            left[0] -= 1
            route.fulfill(status=429, body="{}", headers={"Retry-After": "2"})
        else:
            route.continue_()

    page.goto(f"{toy_site.address}/?jet=2")
    page.wait_for_selector(DRAWN)
    page.route(CALLBACKS, busy)
    page.get_by_role("button", name="hin-lrp").click()
    page.get_by_text(re.compile(r"Many requests at once\. Going on in \d s")).wait_for()
    left[0] = 1
    page.wait_for_function("window.jetlrp.view.shown.a.question.target === 'hbb'")
    page.locator("#patience").wait_for(state="hidden")


@pytest.mark.parametrize("proxy", [False, True], ids=["alone", "behind a proxy"])
def test_a_page_goes_on_by_itself_when_its_own_server_is_back(
    toy_site: Site, page: Page, expected: list[str], proxy: bool
) -> None:
    expected += ["ERR_CONNECTION_REFUSED", "status of 502"]

    def nobody(route) -> None:
        if proxy:
            route.fulfill(status=502, body="Bad Gateway")
        else:
            route.abort("connectionrefused")

    everything = re.compile("/_dash-(update|layout|dependencies)|/_jetlrp/alive")
    said = page.get_by_text("The server is away. The page goes on by itself when it is back")
    page.route(everything, nobody)
    page.goto(f"{toy_site.address}/?jet=2")  # its layout is not there yet
    said.wait_for()
    page.unroute(everything)
    page.wait_for_selector(DRAWN)
    page.locator("#patience").wait_for(state="hidden")

    page.route(everything, nobody)
    page.get_by_role("button", name="hin-lrp").click()
    said.wait_for()
    page.unroute(everything)
    page.wait_for_function("window.jetlrp.view.shown.a.question.target === 'hbb'")
    page.locator("#patience").wait_for(state="hidden")


def test_what_fails_again_and_again_of_a_server_that_is_there_is_given_up(
    toy_site: Site, page: Page, expected: list[str]
) -> None:
    expected.append("status of 502")
    page.goto(f"{toy_site.address}/?jet=2")
    page.wait_for_selector(DRAWN)
    page.evaluate("() => { window.jetlrp.patience.beat = 20; }")
    sent = []

    def fail(route) -> None:
        sent.append(route.request.post_data)
        route.fulfill(status=502, body="Bad Gateway")

    page.route(CALLBACKS, fail)
    status = page.evaluate(
        "() => fetch('/_dash-update-component', {method: 'POST', body: 'x'}).then((a) => a.status)"
    )
    assert status == 502
    assert sent.count("x") == 7  # the page asks by itself, too
