"""Alerts in a real browser: one that comes while the list is open, taken on there, and by a link without a key."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midwatch_core.model.incident import IncidentState
from tests.plugins.web.alert_house import KEYS, AlertHouse, alert, alert_house
from tests.plugins.web.chromium import ASK, CHROMIUM, FLAGS, driven

playwright = driven("async_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ASK)


@pytest.fixture
async def house(tmp_path: Path) -> AlertHouse:
    return await alert_house(tmp_path)


async def new_page(browser: Any, complaints: list[str], **options: Any) -> Any:
    page = await (await browser.new_context(viewport={"width": 390, "height": 800}, **options)).new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    return page


async def sign_in(page: Any, key: str) -> None:
    await page.get_by_label("Key").fill(key)
    await page.get_by_role("button", name="Sign in").click()


async def test_an_alert_comes_while_the_list_is_open_and_is_taken_on(house: AlertHouse, serve: Any) -> None:
    complaints: list[str] = []
    async with serve(house.app()) as address, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await new_page(browser, complaints)
        await page.clock.install()
        await page.goto(f"{address}/alerts?severity=medium")
        await sign_in(page, "operator")
        badge = page.locator("#waiting-alerts")
        assert await badge.is_hidden()
        await house.raise_alert(alert(title="too much is spent"))
        await page.clock.run_for(11_000)
        coming = page.get_by_role("link", name="too much is spent")
        await coming.focus()
        await house.raise_alert(alert(title="too much is spent: more"))
        await page.clock.run_for(11_000)
        await page.get_by_role("link", name="too much is spent: more").wait_for()
        assert await coming.evaluate("link => link === document.activeElement")
        assert await badge.text_content() == ": 1 open"
        await page.get_by_role("button", name="Acknowledge: too much is spent").click()
        await page.get_by_text("taken on by operator").wait_for()
        assert page.url == f"{address}/alerts?severity=medium"
        assert await badge.is_hidden()
        await page.get_by_role("link", name="too much is spent").click()
        await page.get_by_role("heading", name="What led to it").wait_for()
        await browser.close()
    assert house.desk.open()[0].acknowledged_by == "operator"
    assert complaints == []


async def test_a_list_whose_session_is_over_asks_for_a_key_again(
    house: AlertHouse, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(house.app()) as address, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await new_page(browser, [])
        await page.clock.install()
        await page.goto(f"{address}/alerts")
        await sign_in(page, "viewer")
        await page.get_by_text("All is quiet").wait_for()
        monkeypatch.delitem(KEYS, "viewer")
        await page.clock.run_for(11_000)
        await page.get_by_role("heading", name="Sign in").wait_for()
        assert page.url == f"{address}/signin?next=%2Falerts"
        await browser.close()


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}], ids=["scripts", "no-scripts"])
async def test_a_link_takes_one_on_without_a_key(house: AlertHouse, serve: Any, options: dict[str, Any]) -> None:
    complaints: list[str] = []
    made = await house.raise_alert(alert(title="too much is spent"))
    async with serve(house.app()) as address, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await new_page(browser, complaints, **options)
        await page.goto(f"{address}/alerts/acknowledge/{house.desk.signed(made.id, 'on-call')}")
        assert house.desk.open() == (made,)
        await page.get_by_role("button", name="I take it on").click()
        await page.get_by_role("status").get_by_text("It is taken on").wait_for()
        await page.get_by_role("link", name="More about it").click()
        await page.get_by_role("heading", name="Sign in").wait_for()
        await browser.close()
    (now,) = house.desk.open()
    assert now == replace(made, acknowledged_at=now.acknowledged_at, acknowledged_by="link:on-call")
    assert now.state is IncidentState.ACKNOWLEDGED
    assert complaints == []
