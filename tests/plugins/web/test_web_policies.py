"""The room of policies: pages and REST over a real desk; who may what; a text is never lost, and nothing in it acts."""

import html
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch_core.model.finding import Action, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.policy_file import read_policy
from tests.addons.control.policy_rooms import node_in, own
from tests.plugins.web.conftest import House, make_agent_call
from tests.plugins.web.policy_house import Keys, PolicyHouse, policy_house

EVIL = "</textarea><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
API = "/api/v1/policies"


@pytest.fixture
async def house(tmp_path: Path) -> PolicyHouse:
    return await policy_house(tmp_path, access=Keys())


@pytest.fixture
async def client(house: PolicyHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(headers={"x-midwatch-key": "operator"}) as client:
        yield client


async def test_the_policy_in_use_is_a_table_of_its_lines(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/policies")).text)
    assert [row.words.split()[0] for row in page.find("tr") if row.attributes.get("id")] == ["record-all"]
    assert "observe" in page.find("h1")[0].words
    assert "policy: {id: observe" in page.find("pre")[0].text
    assert {link.attributes["href"] for link in page.find("ul", cls="shipped")[0].find("a")} == {
        f"/policies/edit?from={name}" for name in ("observe", "balanced", "strict")
    }


async def test_a_published_one_shows_conditions_trials_and_exceptions(
    client: httpx.AsyncClient, house: PolicyHouse, read_html: Any
) -> None:
    text = (
        "policy: {id: own}\nlines:\n"
        "  - id: keys\n    when: {category: [secret, pii], severity_at_least: high, direction: request}\n"
        "    then: block\n    dry_run: true\n    models: inline\n    deadline_ms: 250\n"
        "    exceptions:\n"
        "      - {reason: their vault, expires: 2026-01-01, when: {agent: vault-*}}\n"
        "      - {reason: another, expires: 2027-01-01}\n"
    )
    assert (await client.post(f"{API}/publish", json={"text": text})).status_code == 200
    page = read_html((await client.get("/policies")).text)
    told = page.find("tr", id="line-keys")[0].words
    for word in (
        "secret pii",
        "severity at least high",
        "direction request",
        "block",
        "on trial",
        "up to 250 ms for models",
    ):
        assert word in told
    assert "their vault ended on 2026-01-01 agent vault-*" in told
    assert "another until 2027-01-01" in told


async def test_a_text_is_edited_reviewed_and_published(
    client: httpx.AsyncClient, house: PolicyHouse, read_html: Any
) -> None:
    page = read_html((await client.get("/policies/edit")).text)
    text = page.find("textarea")[0].text.removeprefix("\n")
    assert text == house.node.in_use.text
    changed = text.replace("then: flag", "then: block").replace("\n", "\r\n")
    checked = read_html((await client.post("/policies/edit", data={"text": changed, "step": "check"})).text)
    assert "It can be used" in checked.words
    review = read_html((await client.post("/policies/edit", data={"text": changed, "step": "review"})).text)
    assert ["then: block" in item.text for item in review.find("ins")] == [True]
    assert ["then: flag" in item.text for item in review.find("del")] == [True]
    sent = review.find("textarea", name="text")[0].text.removeprefix("\n")
    answer = await client.post("/policies/publish", data={"text": sent, "note": "harder"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/policies?done=published")
    assert house.node.in_use.text == text.replace("then: flag", "then: block")
    assert "Published" in read_html((await client.get("/policies?done=published")).text).find(cls="notice")[0].text


@pytest.mark.parametrize("step", ["check", "try", "review", "edit", ""])
@pytest.mark.parametrize(
    "text", [EVIL, "policy: {id: x", own() + f"# {EVIL}\u202e\u200b\n"], ids=["evil", "broken", "sound"]
)
async def test_no_step_loses_the_text_or_lets_it_act(
    client: httpx.AsyncClient, read_html: Any, step: str, text: str
) -> None:
    answer = await client.post("/policies/edit", data={"text": text, "step": step})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text.replace('<img src="/static/icon.svg"', "")
    area = answer.text.partition('<textarea name="text"')[2].partition(">\n")[2].partition("</textarea>")[0]
    assert html.unescape(area) == text
    read_html(answer.text)


async def test_what_can_t_be_published_comes_back_with_its_text(client: httpx.AsyncClient, read_html: Any) -> None:
    text = "policy: {id: x}\nlines: [{id: a, then: stop}]"
    answer = await client.post("/policies/publish", data={"text": text})
    page = read_html(answer.text)
    assert (answer.status_code, page.find("textarea")[0].text.removeprefix("\n")) == (409, text)
    assert "line 'a': then" in page.find(cls="notice")[0].text


async def test_a_policy_is_tried_on_the_last_seven_days(
    client: httpx.AsyncClient, house: PolicyHouse, read_html: Any
) -> None:
    empty = read_html((await client.post("/policies/edit", data={"text": own(), "step": "try"})).text)
    assert "nothing to try it on yet" in empty.words
    call = make_agent_call()
    verdict = Verdict(action=Action.FLAG, findings=("f-1",), policy_line="record-all", policy="observe")
    await house.traces.put([replace(call, verdicts=(verdict,))])
    page = read_html((await client.post("/policies/edit", data={"text": own(), "step": "try"})).text)
    assert f"/exchanges/{call.id}" in {link.attributes["href"] for link in page.find("a")}
    assert "flag → block 1" in page.find("dl", cls="strip")[0].words
    told = (await client.post(f"{API}/simulate", json={"text": own()})).json()
    assert (told["looked_at"], told["changed"], told["cut"]) == (1, 1, False)
    assert told["rows"][0]["id"] == call.id


async def test_a_false_positive_becomes_an_exception_of_the_line_that_takes_it(
    client: httpx.AsyncClient, house: PolicyHouse, read_html: Any
) -> None:
    call = make_agent_call()
    await house.traces.put([call])
    page = read_html((await client.get("/policies/edit?exception=f-1")).text)
    policy = read_policy(page.find("textarea")[0].text.encode(), "p")
    (exception,) = policy.lines[0].exceptions
    assert (exception.when.rule, exception.when.agent) == (("owasp-llm/ignore-previous-instructions",), ("planner",))
    assert "record-all has this exception" in page.words
    assert (await client.get("/policies/edit?exception=nosuch")).status_code == 404


async def test_an_agent_that_calls_itself_by_a_glob_is_excepted_alone(
    client: httpx.AsyncClient, house: PolicyHouse, read_html: Any
) -> None:
    await house.traces.put([make_agent_call(identity=Identity(agent="*", app="a"))])
    page = read_html((await client.get("/policies/edit?exception=f-1")).text)
    (exception,) = read_policy(page.find("textarea")[0].text.encode(), "p").lines[0].exceptions
    assert exception.when.agent == ("[*]",)


async def test_an_exception_that_fits_nowhere_is_shown_to_be_put_in_by_hand(
    client: httpx.AsyncClient, house: PolicyHouse, read_html: Any
) -> None:
    await house.traces.put([make_agent_call()])
    text = "policy: {id: own}\nlines: [{id: a, when: {category: none_of_them}, then: block}]\n"
    await client.post(f"{API}/publish", json={"text": text})
    page = read_html((await client.get("/policies/edit?exception=f-1")).text)
    assert page.find("textarea")[0].text.removeprefix("\n") == text
    assert "reason:" in page.find("pre")[0].text


async def test_versions_are_compared_and_rolled_back(
    client: httpx.AsyncClient, house: PolicyHouse, read_html: Any
) -> None:
    for action in ("flag", "block"):
        assert (await client.post(f"{API}/publish", json={"text": own(action)})).status_code == 200
    page = read_html((await client.get("/policies/versions")).text)
    assert [row.find("a")[0].text for row in page.find("tr") if row.find("a")] == ["version 2", "version 1"]
    one = read_html((await client.get("/policies/versions/1")).text)
    assert ["then: flag" in item.text for item in one.find("ins")] == [True]
    answer = await client.post("/policies/roll_back", data={"version": "1"})
    assert (answer.status_code, house.node.in_use.text) == (303, own("flag"))
    listed = (await client.get(f"{API}/versions")).json()["versions"]
    assert [(item["version"], item["author"]) for item in listed] == [(3, "operator"), (2, "operator"), (1, "operator")]
    assert (await client.get(f"{API}/versions/2")).json()["text"] == own("block")
    for missing in (f"{API}/versions/9", "/policies/versions/9", "/policies/edit?version=9", "/policies/edit?from=x"):
        assert (await client.get(missing)).status_code == 404
    for wrong in ("", "9", "x", "²", "1" * 30):
        assert (await client.post("/policies/roll_back", data={"version": wrong})).status_code in (400, 409)


async def test_what_was_published_is_withdrawn_after_a_question(
    client: httpx.AsyncClient, house: PolicyHouse, read_html: Any
) -> None:
    await client.post(f"{API}/publish", json={"text": own()})
    page = read_html((await client.get("/policies/withdraw")).text)
    assert page.find("form", action="/policies/withdraw")
    assert (await client.post("/policies/withdraw")).status_code == 415
    answer = await client.post("/policies/withdraw", data={"sure": "yes"})
    assert (answer.status_code, house.node.in_use.id) == (303, "observe")
    assert (await client.post(f"{API}/withdraw", json={})).status_code == 409


async def test_a_file_of_the_configuration_is_read_only(tmp_path: Path, house: PolicyHouse, read_html: Any) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(own("flag", "mine"))
    house.node = await node_in(tmp_path / "fixed", house.metadata, str(file))
    async with house.client(headers={"x-midwatch-key": "operator"}) as client:
        for place in ("/policies", "/policies/edit"):
            assert str(file) in read_html((await client.get(place)).text).find(cls="notice")[0].text
        answer = await client.post("/policies/edit", data={"text": own(), "step": "review"})
        assert "/policies/publish" not in answer.text
        refused = await client.post(f"{API}/publish", json={"text": own()})
        assert (refused.status_code, str(file) in refused.json()["detail"]) == (409, True)
        assert (await client.get(API)).json()["policy"]["read_only"] is not None


READS = ("/policies", "/policies/edit", "/policies/versions", "/policies/withdraw", API, f"{API}/versions")
CHANGES: dict[str, dict[str, Any]] = {
    f"{API}/publish": {"json": {"text": own()}},
    f"{API}/roll_back": {"json": {"version": 1}},
    f"{API}/withdraw": {"json": {}},
    "/policies/publish": {"data": {"text": own()}},
    "/policies/roll_back": {"data": {"version": "1"}},
    "/policies/withdraw": {"data": {"sure": "yes"}},
}
TRIES: dict[str, dict[str, Any]] = {
    f"{API}/check": {"json": {"text": own()}},
    f"{API}/simulate": {"json": {"text": own()}},
    "/policies/edit": {"data": {"text": own(), "step": "try"}},
}


async def test_who_may_what(house: PolicyHouse) -> None:
    async with house.client() as client:
        for key, reads, changes in (("viewer", 200, 403), ("admin-of-acme", 403, 403)):
            shown = {"x-midwatch-key": key}
            for place in READS:
                assert (await client.get(place, headers=shown)).status_code == reads, (key, place)
            for place, sent in TRIES.items():
                assert (await client.post(place, headers=shown, **sent)).status_code == reads, (key, place)
            for place, sent in CHANGES.items():
                assert (await client.post(place, headers=shown, **sent)).status_code == changes, (key, place)
        for place, sent in (CHANGES | TRIES).items():
            assert (await client.post(place, **sent)).status_code == 401
    assert house.node.reloads == 0


@pytest.mark.parametrize("place", [place for place in (*CHANGES, *TRIES) if place.startswith(API)])
async def test_rest_takes_json_alone_and_no_more_than_it_knows(client: httpx.AsyncClient, place: str) -> None:
    sent = (CHANGES | TRIES)[place]["json"]
    text = httpx.Request("POST", "http://x", json=sent).content
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert (await client.post(place, content=text, headers={"content-type": kind})).status_code == 415
    assert (await client.post(place, json={**sent, "more": 1})).status_code == 422
    headers = {"content-type": "application/json"}
    for body in (b"", b"{", b"[" * 100_000, b"\xff", b'{"text": "\\ud800", "version": 1e400}'):
        assert (await client.post(place, content=body, headers=headers)).status_code in (400, 409, 422)
    assert (await client.post(place, json={"text": "x" * 1_100_000})).status_code == 413


async def test_another_sites_form_changes_nothing(client: httpx.AsyncClient, house: PolicyHouse) -> None:
    for place, sent in {**CHANGES, **TRIES}.items():
        if "data" in sent:
            answer = await client.post(place, headers={"origin": "https://evil.example"}, **sent)
            assert answer.status_code == 403
    assert house.node.reloads == 0


async def test_a_process_without_a_desk_says_so() -> None:
    plain = House(access=Keys())
    async with plain.client(headers={"x-midwatch-key": "operator"}) as client:
        assert (await client.get(API)).status_code == 503
