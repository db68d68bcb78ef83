"""What the network runs, in the page's account of it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


def test_the_networks_report_opens_in_the_account(real_site, page):
    page.goto(f"{real_site.address}/?jet=12")
    page.wait_for_selector("#network[data-drawn]", timeout=60_000)
    fold = page.locator("#network-report-fold")
    assert page.locator("#network-report table").count() == 0
    fold.locator("summary").click()
    page.wait_for_selector("#network-report table", timeout=60_000)
    says = page.locator("#network-report").inner_text()
    assert "Tracks send each other messages in interactionnetwork" in says
    assert "No ways around what is seen were found." in says
    first = page.locator("#network-report tbody tr").first
    assert first.locator("td.rule").inner_text()
