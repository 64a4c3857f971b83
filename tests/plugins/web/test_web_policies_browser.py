"""Policies in a real browser: edited, checked, tried, reviewed and published, with scripts and without, on a phone."""

from pathlib import Path
from typing import Any

import pytest

from tests.plugins.web.chromium import ASK, CHROMIUM, FLAGS, driven
from tests.plugins.web.conftest import make_agent_call
from tests.plugins.web.policy_house import policy_house

playwright = driven("async_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ASK)
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}], ids=["scripts", "no-scripts"])
async def test_a_policy_is_tried_and_published(serve: Any, tmp_path: Path, options: dict[str, Any]) -> None:
    house = await policy_house(tmp_path)
    await house.traces.put([make_agent_call()])
    async with serve(house.app()) as address, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await (await browser.new_context(viewport={"width": 390, "height": 800}, **options)).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(f"{address}/policies")
        await page.get_by_role("link", name="Edit").click()
        area = page.get_by_label("The policy, in YAML")
        text = await area.input_value()
        await area.fill(text.replace("then: flag", "then: stop"))
        await page.get_by_role("button", name="Check").click()
        assert "line 'record-all': then" in await page.get_by_role("alert").inner_text()
        await area.fill((await area.input_value()).replace("then: stop", "then: block"))
        await page.get_by_role("button", name="Try on the last 7 days").click()
        assert "allow → block" in await page.locator(".strip").inner_text()
        if not options:
            await page.wait_for_load_state()  # a page without its style sheets is wider
            assert not await page.evaluate(WIDER)
        await page.get_by_role("button", name="Review and publish…").click()
        assert "then: block" in await page.locator("ins").inner_text()
        await page.get_by_label("Note").fill("in a browser")
        await page.get_by_role("button", name="Publish", exact=True).click()
        assert "Published" in await page.get_by_role("status").inner_text()
        await browser.close()
    assert house.node.in_use.text == text.replace("then: flag", "then: block")
    assert complaints == []
