"""Keys in a real browser: made, copied, used and revoked on a phone, with scripts and without."""

from typing import Any

import pytest

from midwatch_core.access.keys import id_of
from midwatch_core.model.apikey import AccessRole
from tests.plugins.web.access_house import access_house
from tests.plugins.web.chromium import ASK, CHROMIUM, FLAGS, driven

playwright = driven("async_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ASK)


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}], ids=["scripts", "no-scripts"])
async def test_a_key_is_made_and_revoked(serve: Any, options: dict[str, Any]) -> None:
    house = await access_house()
    async with serve(house.app()) as address, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await (await browser.new_context(viewport={"width": 390, "height": 800}, **options)).new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        await page.goto(f"{address}/access")
        await page.get_by_label("Key").fill(house.keys[AccessRole.ADMIN, "ours"])
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="New key").click()
        await page.get_by_label("Role").select_option("viewer")
        await page.get_by_label("Label").fill("her laptop")
        await page.get_by_role("button", name="Make the key").click()
        text = await page.locator("#key-text").inner_text()
        assert house.access is not None
        assert house.access.caller(text) is not None
        copy = page.get_by_role("button", name="Copy")
        assert await copy.count() == (0 if options else 1)
        await page.get_by_role("link", name="I have it").click()
        assert text not in await page.content()
        await page.get_by_role("link", name=f"Revoke {id_of(text)}").click()
        await page.get_by_role("button", name="Revoke").click()
        assert "Revoked" in await page.get_by_role("status").inner_text()
        assert house.access.caller(text) is None
        await browser.close()
    assert complaints == []
