"""People at work, in a real browser: from the sign-in to what they came for, with scripts and without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from midwatch_core.model.apikey import AccessRole
from tests.plugins.web.chromium import ASK, CHROMIUM, FLAGS, driven
from tests.plugins.web.planted_calls import calls_of
from tests.plugins.web.whole_house import Served, served_house

playwright = driven("sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=ASK)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_house(tmp_path / "house") as served:
        yield served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def page(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    """A page of a browser that complains of nothing: no script fails, and nothing breaks the content policy."""
    context = chromium.new_context(java_script_enabled=request.param, viewport={"width": 1280, "height": 900})
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def sign_in(page: Any, served: Served, key: str) -> None:
    page.goto(f"{served.address}/")
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    playwright.expect(page.get_by_role("navigation", name="Sections")).to_be_visible()


def section(page: Any, name: str) -> None:
    page.get_by_role("navigation", name="Sections").get_by_role("link", name=name, exact=True).click()


def seen(page: Any, text: str) -> None:
    playwright.expect(page.get_by_text(text).first).to_be_visible()


def test_a_search_leads_to_a_conversation(served: Served, page: Any) -> None:
    sign_in(page, served, served.key(AccessRole.VIEWER, "acme"))
    section(page, "Live calls")
    page.get_by_label("Text").fill("umbrella")
    if page.get_by_role("button", name="Apply").is_visible():
        page.get_by_role("button", name="Apply").click()
    else:  # where scripts run, leaving the field is enough
        page.get_by_label("Text").press("Enter")
    playwright.expect(page.locator("#rows > tr")).to_have_count(2)
    assert "gpt-5-mini" not in page.locator("#rows").inner_text()
    section(page, "Conversations")
    page.get_by_role("link", name="Conversation of travel-agent").first.click()
    seen(page, "Should I take an umbrella")
    seen(page, "the secret is word-acme")
    assert "word-lab" not in page.content()
    page.get_by_role("button", name="Sign out").click()
    playwright.expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(f"{served.address}/calls")
    playwright.expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_false_positive_becomes_an_exception_of_the_policy_and_is_taken_back(served: Served, page: Any) -> None:
    found = calls_of("acme")[1].findings[1]
    sign_in(page, served, served.key(AccessRole.OPERATOR))
    section(page, "Findings")
    page.locator(f"a[href='/findings/{found.id}']").first.click()
    page.get_by_label("Note").fill("a travel plan")
    page.get_by_role("button", name="False positive").click()
    seen(page, "a travel plan")
    before = served.house.reviewer.policy.text
    page.get_by_role("link", name="Put it into the policy").click()
    area = page.get_by_label("The policy, in YAML")
    assert found.rule in area.input_value()
    page.get_by_role("button", name="Check", exact=True).click()
    seen(page, "It can be used")
    page.get_by_role("button", name="Try on the last 7 days").click()
    playwright.expect(page.locator(".tried .strip")).to_contain_text("treated otherwise")
    page.get_by_role("button", name="Review and publish").click()
    playwright.expect(page.locator("ins").first).to_contain_text("exceptions")
    page.get_by_label("Note").fill("as judged")
    page.get_by_role("button", name="Publish", exact=True).click()
    seen(page, "it is in use from now on")
    assert found.rule in served.house.reviewer.policy.text
    page.get_by_role("link", name="Versions").click()
    page.get_by_role("link", name="version 2", exact=True).click()
    page.get_by_role("button", name="Put version 2 into use").click()
    seen(page, "Rolled back")
    assert served.house.reviewer.policy.text == before
    section(page, "Audit log")
    playwright.expect(page.get_by_role("main")).to_contain_text(found.id)


def test_a_key_is_made_used_and_revoked_and_a_report_ordered_with_it(served: Served, page: Any, chromium: Any) -> None:
    sign_in(page, served, served.key(AccessRole.ADMIN))
    section(page, "Tenants and keys")
    page.get_by_role("link", name="New key").click()
    page.locator("select[name=role]").select_option("operator")
    page.locator("select[name=tenant]").select_option("acme")
    page.get_by_role("button", name="Make the key").click()
    key = page.locator("#key-text").inner_text()
    assert key not in page.url
    other = chromium.new_context(java_script_enabled=False).new_page()
    sign_in(other, served, key)
    section(other, "Reports")
    other.get_by_role("button", name="Order GDPR").click()
    seen(other, "being made")
    served.do(served.house.desks.reports.make_next)
    other.get_by_role("link", name="Look again").click()
    other.get_by_role("link", name="GDPR").first.click()
    assert "word-lab" not in other.content()
    page.get_by_role("link", name="I have it").click()
    page.get_by_role("link", name=f"Revoke {key[:11]}").click()
    page.get_by_role("button", name="Revoke").click()
    other.goto(f"{served.address}/reports")
    playwright.expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    other.context.close()
