"""The pages in a real browser: live rows, filters, folds, no policy broken, a phone, and no script at all."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from midwatch_core.listing import row_of
from midwatch_core.model.exchange import Exchange
from tests.plugins.web.chromium import ASK, CHROMIUM, FLAGS, driven

playwright = driven("async_api")
# One browser for the module, and so one loop.
pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason=ASK), pytest.mark.asyncio(loop_scope="module")]

type Make = Callable[..., Exchange]


@dataclass(slots=True)
class Visit:
    """A browser page at the console, and what it complained of."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)

    async def rows(self, count: int) -> None:
        """Wait until the list has as many rows."""
        await playwright.expect(self.page.locator("#rows > tr")).to_have_count(count)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def visit(house: Any, serve: Any, browser: Any) -> Any:
    @asynccontextmanager
    async def opened(path: str = "/calls", **options: Any) -> AsyncIterator[Visit]:
        async with serve(house.app()) as address:
            context = await browser.new_context(**options)
            visit = Visit(page=await context.new_page(), address=address)
            visit.page.on("console", lambda message: visit.complaints.append(message.text))
            visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
            try:
                await visit.page.goto(address + path)
                yield visit
            finally:
                await context.close()

    return opened


async def test_new_calls_appear_by_themselves_and_the_sums_follow(house: Any, visit: Any, call: Make) -> None:
    await house.traces.put([call(1)])
    async with visit() as seen:
        await playwright.expect(seen.page.locator("#live-text")).to_have_text("live")
        fresh = call(2, started_at=datetime.now(UTC))
        await house.traces.put([fresh])
        house.feed.send(row_of(fresh))
        house.feed.send(row_of(fresh))  # at least once: the same row twice is one row
        await seen.rows(2)
        assert await seen.page.locator("#rows > tr").first.get_attribute("id") == f"x-{fresh.id}"
        await playwright.expect(seen.page.locator("#totals dd").first).to_have_text("2")
        assert seen.complaints == []


async def test_a_pause_holds_rows_back_until_it_ends(house: Any, visit: Any, call: Make) -> None:
    await house.traces.put([call(5)])
    async with visit() as seen:
        await playwright.expect(seen.page.locator("#live-text")).to_have_text("live")
        await seen.page.get_by_role("button", name="Pause").click()
        await house.traces.put([call(1)])
        house.feed.send(row_of(call(1)))
        await playwright.expect(seen.page.locator("#live-text")).to_have_text("1 new")
        await seen.rows(1)
        await seen.page.get_by_role("button", name="Resume").click()
        await seen.rows(2)


async def test_what_came_while_the_line_was_down_is_there_after_it(house: Any, visit: Any, call: Make) -> None:
    async with visit() as seen:
        await playwright.expect(seen.page.get_by_role("heading", name="No calls yet")).to_be_visible()
        await playwright.expect(seen.page.locator("#live-text")).to_have_text("live")
        await house.traces.put([call(1)])
        house.feed.send(None)
        await seen.rows(1)
        await playwright.expect(seen.page.locator("#live-text")).to_have_text("live")


async def test_filters_and_older_calls_need_no_new_page(house: Any, visit: Any, call: Make, agent_call: Make) -> None:
    await house.traces.put([agent_call(200), *(call(number) for number in range(70))])
    async with visit() as seen:
        await seen.page.evaluate("window.same = true")
        await seen.rows(50)
        await seen.page.get_by_role("link", name="Older calls").click()
        await seen.rows(71)
        await playwright.expect(seen.page.get_by_role("link", name="Older calls")).to_have_count(0)
        await seen.page.get_by_label("Provider").select_option("anthropic")
        await seen.rows(1)
        assert seen.page.url == f"{seen.address}/calls?provider=anthropic"
        for late in (call(300), agent_call(301)):
            await house.traces.put([late])
            house.feed.send(row_of(late))
        await seen.rows(2)
        assert await seen.page.evaluate("window.same") is True
        assert seen.complaints == []


async def test_a_call_opens_and_its_findings_lead_to_their_characters(house: Any, visit: Any, agent_call: Make) -> None:
    await house.traces.put([agent_call(1)])
    async with visit() as seen:
        await seen.page.locator("#rows > tr").first.click(position={"x": 600, "y": 10})
        await playwright.expect(seen.page.get_by_role("heading", level=1)).to_have_text("claude-sonnet-4-5")
        await seen.page.get_by_role("link", name="show").first.click()
        await playwright.expect(seen.page.locator("mark.several")).to_be_in_viewport()
        assert seen.complaints == []


async def test_a_command_is_copied_by_a_button(house: Any, visit: Any, agent_call: Make) -> None:
    await house.traces.put([agent_call(1)])
    async with visit(f"/exchanges/{agent_call(1).id}", permissions=["clipboard-read", "clipboard-write"]) as seen:
        await seen.page.get_by_text("As a curl command").click()
        await seen.page.get_by_role("button", name="Copy").click()
        await playwright.expect(seen.page.locator("#curl-copied")).to_have_text("Copied")
        copied = await seen.page.evaluate("navigator.clipboard.readText()")
        assert copied == await seen.page.locator("#curl").text_content()
        assert seen.complaints == []


async def test_a_search_and_a_thread_need_no_script(house: Any, visit: Any, agent_call: Make, call: Make) -> None:
    await house.traces.put([agent_call(1), call(2)])
    async with visit("/calls", java_script_enabled=False) as seen:
        await seen.page.get_by_label("Text").fill("umbrella")
        await seen.page.get_by_role("button", name="Apply").click()
        await seen.rows(1)
        await seen.page.get_by_role("link", name="Conversations", exact=True).click()
        await seen.page.get_by_role("link", name="Conversation of travel-agent").click()
        await playwright.expect(seen.page.get_by_text("Should I take an umbrella")).to_be_visible()
        await playwright.expect(seen.page.get_by_role("link", name="whole call")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/hosts", "/audit"])
async def test_on_a_phone_the_section_that_is_open_is_in_sight(visit: Any, path: str) -> None:
    async with visit(path, viewport={"width": 390, "height": 800}) as seen:
        await playwright.expect(seen.page.locator(".sections [aria-current]")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone_nothing_is_wider_than_the_screen(
    house: Any, visit: Any, agent_call: Make, call: Make, scheme: str
) -> None:
    await house.traces.put([agent_call(1), call(2)])
    async with visit(viewport={"width": 360, "height": 740}, color_scheme=scheme) as seen:
        shown = f"/exchanges/{agent_call(1).id}"
        for path in (
            "/calls",
            "/conversations",
            "/traces/trace-1",
            shown,
            f"{shown}/diff?against={call(2).id}",
            "/none",
        ):
            await seen.page.goto(seen.address + path)
            assert await seen.page.evaluate("document.documentElement.scrollWidth") <= 360
        dark = await seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (dark == "rgb(14, 19, 27)") is (scheme == "dark")


async def test_all_can_be_read_and_filtered_without_script(
    house: Any, visit: Any, call: Make, agent_call: Make
) -> None:
    await house.traces.put([agent_call(1), *(call(number) for number in range(2, 60))])
    async with visit(java_script_enabled=False) as seen:
        await seen.rows(50)
        await seen.page.get_by_role("link", name="Older calls").click()
        await seen.rows(9)
        await seen.page.get_by_role("link", name="Newest").click()
        await seen.page.get_by_label("Provider").select_option("anthropic")
        await seen.page.get_by_role("button", name="Apply").click()
        await seen.rows(1)


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(house: Any, visit: Any, call: Make) -> None:
    await house.traces.put([call(1)])
    async with visit() as seen:
        await seen.rows(1)
        reached = []
        for _ in range(40):
            await seen.page.keyboard.press("Tab")
            reached.append(
                await seen.page.evaluate(
                    "(() => { const at = document.activeElement; return at.id || at.getAttribute('href') })()"
                )
            )
        sections = await seen.page.eval_on_selector_all("nav.sections a", "all => all.map(a => a.getAttribute('href'))")
        filters = [f"f-{name}" for name in ("text", "provider", "model", "app", "outcome", "period")]
        wanted = ["#content", "/", "live-pause", *sections, *filters]
        assert reached[: len(wanted)] == wanted
        assert f"/exchanges/{call(1).id}" in reached
        await seen.page.locator("#f-model").focus()
        await seen.page.keyboard.press("Tab")
        assert await seen.page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"


async def test_hostile_texts_run_nothing(house: Any, visit: Any, call: Make) -> None:
    from dataclasses import replace

    from midwatch_core.model.segment import Part, Segment

    attack = "<img src=x onerror='document.title=1'><script>document.title=2</script>\"><svg onload=alert(1)>"
    plain = call(1)
    request = replace(
        plain.request, model=attack, segments=(Segment(part=Part.USER, path="/messages/0/content", text=attack),)
    )
    await house.traces.put([call(2), replace(plain, request=request, started_at=plain.started_at + timedelta(hours=1))])
    async with visit() as seen:
        await playwright.expect(seen.page.locator("#live-text")).to_have_text("live")
        house.feed.send(row_of(replace(plain, id="live", request=request)))
        await seen.rows(3)
        assert await seen.page.title() == "Calls · Midwatch"
        await seen.page.goto(f"{seen.address}/exchanges/{plain.id}")
        assert attack in await seen.page.locator("article").first.inner_text()
        assert await seen.page.locator("img[src=x], svg[onload]").count() == 0
        assert seen.complaints == []
