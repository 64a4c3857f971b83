"""Findings and the overview in a real browser: judged with scripts and without, on a phone; no complaints."""

from dataclasses import replace
from typing import Any

import pytest

from tests.plugins.web.chromium import ASK, CHROMIUM, FLAGS, driven
from tests.plugins.web.conftest import make_agent_call, make_call
from tests.plugins.web.triage_house import TriageHouse

playwright = driven("async_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ASK)
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
PHONE = {"width": 390, "height": 800}


async def furnished() -> TriageHouse:
    house = TriageHouse()
    await house.traces.start()
    await house.metadata.start()
    long = make_call(3, error="x" * 300)
    await house.traces.put([make_agent_call(1), replace(long, request=replace(long.request, model="m" * 200))])
    return house


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}], ids=["scripts", "no-scripts"])
async def test_findings_are_judged(serve: Any, options: dict[str, Any]) -> None:
    house = await furnished()
    async with serve(house.app()) as address, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await (await browser.new_context(viewport=PHONE, **options)).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(f"{address}/findings?severity=high&period=all")
        await page.get_by_label("Check: Asks the model to send data").check()
        await page.get_by_role("button", name="Acknowledge").click()
        assert await page.get_by_role("status").inner_text() == "1 finding judged."
        await page.get_by_role("link", name="Asks the model to drop its instructions").click()
        await page.get_by_label("Note").fill("in a browser")
        await page.get_by_role("button", name="False positive").click()
        assert "judged a false positive" in await page.locator("pre").inner_text()
        assert "in a browser" in await page.locator(".history").inner_text()
        await page.get_by_role("link", name="Findings", exact=True).click()
        assert await page.locator("td.what > a").all_inner_texts() == ["The answer tells where somebody will be"]
        await browser.close()
    assert complaints == []


@pytest.mark.parametrize("path", ["/?period=all", "/findings?period=all", "/findings/f-1"])
async def test_a_phone_needs_no_scrolling_sideways(serve: Any, path: str) -> None:
    house = await furnished()
    async with serve(house.app()) as address, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await (await browser.new_context(viewport=PHONE)).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(f"{address}{path}")
        assert not await page.evaluate(WIDER)
        await browser.close()
    assert complaints == []
