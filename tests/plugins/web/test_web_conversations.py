"""Conversations: their list, and a thread of which each turn shows what was new."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from midwatch_core.model.content import Operation, Request, Response, ToolCall
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.thread import LinkedBy, Thread, ToolSpan, Turn
from midwatch_core.model.usage import Usage

type Make = Callable[..., Exchange]

HOSTILE = "<script>alert(1)</script>\"' onmouseover=x \u202etxt.exe\u200b{{7*7}}"


def text(part: Part, number: int, said: str) -> Segment:
    return Segment(part=part, path=f"/messages/{number}/content", text=said)


def turn(make: Make, number: int, history: tuple[Segment, ...], parent: Exchange | None, **changes: Any) -> Exchange:
    """A turn of a talk, `number` counted back in minutes."""
    thread = Thread(
        linked_by=LinkedBy.CHAIN, turn=Turn.NEXT if parent else Turn.FIRST, parent_id=parent.id if parent else None
    )
    request = Request(operation=Operation.CHAT, model="gpt-5-mini", segments=history)
    return make(number, trace_id="talk", request=request, **{"thread": thread, **changes})


def long_talk(make: Make, turns: int) -> list[Exchange]:
    """Each turn repeats all before it."""
    told: list[Exchange] = []
    history: tuple[Segment, ...] = (text(Part.SYSTEM, 0, "Be brief."),)
    for number in range(turns):
        history = (*history, text(Part.USER, len(history), f"Question {number}."))
        answer = text(Part.ASSISTANT, 0, f"Answer {number}.")
        response = Response(segments=(answer,), usage=Usage(input_tokens=1000 + number, output_tokens=5))
        told.append(turn(make, 900 - number, history, told[-1] if told else None, response=response))
        history = (*history, text(Part.ASSISTANT, len(history), f"Answer {number}."))
    return told


async def test_the_list_has_a_row_a_talk_with_its_sums(
    house: Any, client: httpx.AsyncClient, call: Make, refused_call: Make, read_html: Any
) -> None:
    await house.traces.put([*long_talk(call, 3), refused_call(2)])
    page = read_html((await client.get("/conversations")).text)
    first, second = page.find("tbody", id="rows")[0].find("tr")
    cells = {cell.attributes["class"].split()[-1]: cell.words for cell in second.find("td")}
    assert cells["turns"] == "3"
    assert cells["tokens"] == "3,003 → 15"
    assert cells["app"] == "notebook"
    assert second.find("a")[0].attributes["href"] == "/traces/talk"
    assert first.find("td", cls="outcome")[0].words == "1 error"


async def test_the_list_is_filtered_and_paged_without_script(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    calls = [call(number) for number in range(60)] + [call(70, identity=Identity(app="other"))]
    await house.traces.put(calls)
    seen: list[str] = []
    address = "/conversations?app=notebook"
    for _ in range(2):
        page = read_html((await client.get(address)).text)
        seen += [link.attributes["href"] for link in page.find("a", cls="through")]
        links = {link.text: link.attributes["href"] for link in page.find("p", id="more")[0].find("a")}
        address = links.get("Older conversations", "")
    assert seen == [f"/traces/trace-{number}" for number in range(60)]
    assert links == {"Newest": "/conversations?app=notebook"}
    assert "No conversations match" in (await client.get("/conversations?app=gone")).text


async def test_a_newcomer_is_told_what_a_conversation_is(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/conversations")).text)
    assert page.find("section", cls="empty")[0].find("h2")[0].text == "No conversations yet"
    assert not page.find("form")


async def test_programs_page_through_conversations(house: Any, client: httpx.AsyncClient, call: Make) -> None:
    await house.traces.put([*long_talk(call, 2), call(1), call(2)])
    first = (await client.get("/api/v1/traces?limit=2")).json()
    assert [row["trace_id"] for row in first["traces"]] == ["trace-1", "trace-2"]
    second = (await client.get("/api/v1/traces", params={"limit": 2, "cursor": first["cursor"]})).json()
    (row,) = second["traces"]
    assert (row["trace_id"], row["calls"], row["models"], second["cursor"]) == ("talk", 2, ["gpt-5-mini"], None)
    assert (await client.get("/api/v1/traces?cursor=forged")).status_code == 400


async def test_a_turn_shows_what_was_new_and_counts_the_rest(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    await house.traces.put(long_talk(call, 3))
    page = read_html((await client.get("/traces/talk")).text)
    turns = page.find("section", cls="exchange")
    said = [[block.text.strip() for block in item.find("div", cls="text")] for item in turns]
    assert said == [
        ["Be brief.", "Question 0.", "Answer 0."],
        ["Question 1.", "Answer 1."],
        ["Question 2.", "Answer 2."],
    ]
    before = [item.find("p", cls="before")[0].words for item in turns]
    assert before[0] == "whole call"
    assert before[2].startswith("5 earlier texts sent again")
    assert "212 ms" in turns[0].find("span", cls="numbers")[0].text


async def test_a_long_talk_is_paged_and_reads_no_more_than_a_page(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.traces.put(long_talk(call, 25))
    read: list[str] = []
    get = house.traces.get

    async def counted(scope: Any, exchange_id: str) -> Exchange | None:
        read.append(exchange_id)
        found: Exchange | None = await get(scope, exchange_id)
        return found

    monkeypatch.setattr(house.traces, "get", counted)
    page = read_html((await client.get("/traces/talk?page=2")).text)
    assert len(read) == 11  # ten turns, and what the first of them goes on from
    assert [item.attributes["id"] for item in page.find("section", cls="exchange")] == [
        f"turn-{number}" for number in range(11, 21)
    ]
    assert "Question 9." not in page.text
    links = [link.attributes["href"] for link in page.find("nav", cls="more")[0].find("a")]
    assert links == ["/traces/talk", "/traces/talk?page=3"]
    outline = [link.attributes["href"] for link in page.find("ol", cls="trace")[0].find("a")]
    assert (outline[0], outline[10], outline[24]) == ("/traces/talk#turn-1", "#turn-11", "/traces/talk?page=3#turn-25")
    last = read_html((await client.get("/traces/talk?page=900")).text)
    assert len(last.find("section", cls="exchange")) == 5


async def test_a_very_long_talk_has_fewer_turns_a_page(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    await house.traces.put(long_talk(call, 101))
    page = read_html((await client.get("/traces/talk?page=21")).text)
    assert [item.attributes["id"] for item in page.find("section", cls="exchange")] == ["turn-101"]
    outline = [link.attributes["href"] for link in page.find("ol", cls="trace")[0].find("a")]
    assert (outline[5], outline[100]) == ("/traces/talk?page=2#turn-6", "#turn-101")


async def test_calls_and_results_of_two_turns_lead_to_each_other(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    arguments = Segment(part=Part.TOOL_CALL, path="/choices/0/message/tool_calls/0/function/arguments", text="{}")
    asked = (text(Part.USER, 0, "Look."),)
    first = turn(
        call,
        9,
        asked,
        None,
        response=Response(segments=(arguments,), tool_calls=(ToolCall(id="call_1", name="look", path=arguments.path),)),
    )
    body: dict[str, Any] = {"messages": [{}, {}, {"role": "tool", "tool_call_id": "call_1", "content": {"$text": ""}}]}
    history = (*asked, replace(arguments, path="/messages/1/x"), text(Part.TOOL_RESULT, 2, "Seen."))
    second = turn(call, 8, history, first)
    second = replace(second, request=replace(second.request, body=body))
    await house.traces.put([first, second])
    page = read_html((await client.get("/traces/talk")).text)
    jumps = {link.text: link.attributes["href"].removeprefix("#") for link in page.find("a", cls="jump")}
    assert page.find("section", id=jumps["result ↓"])[0].find("code")[0].text == "look"
    assert page.find("section", id=jumps["call ↑"])[0].attributes["aria-label"] == "Tool call"


async def test_findings_are_marked_where_they_are_new(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    def found(number: int, path: str) -> Finding:
        return Finding(
            id=f"f{number}",
            rule=f"pack/{number}",
            category="test",
            severity=Severity.HIGH,
            confidence=0.9,
            message=f"Finding {number}",
            part=Part.USER,
            path=path,
            start=0,
            end=8,
        )

    one, two = long_talk(call, 2)
    one = replace(one, findings=(found(1, "/messages/1/content"),))
    two = replace(two, findings=(found(2, "/messages/1/content"), found(3, "/messages/3/content")))
    await house.traces.put([one, two])
    page = read_html((await client.get("/traces/talk")).text)
    assert [mark.text for mark in page.find("mark")] == ["Question", "Question"]
    first, second = page.find("section", cls="exchange")
    assert [item.text for item in first.find("b")] == ["Finding 1"]
    assert [item.text for item in second.find("b")] == ["Finding 3"]
    assert "1 more finding in what was said before." in second.words
    anchors = [link.attributes["href"] for link in page.find("a", cls="jump")]
    assert [len(page.find("a", id=anchor.removeprefix("#"))) for anchor in anchors] == [1, 1]


async def test_a_call_that_was_forgotten_meanwhile_leaves_a_gap(
    house: Any, client: httpx.AsyncClient, call: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.traces.put(long_talk(call, 2))

    async def gone(scope: Any, exchange_id: str) -> None:
        return None

    monkeypatch.setattr(house.traces, "get", gone)
    answer = await client.get("/traces/talk")
    assert answer.status_code == 200
    assert "forgotten a moment ago" in answer.text


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=1001"])
async def test_a_page_that_is_none_is_refused(house: Any, client: httpx.AsyncClient, call: Make, query: str) -> None:
    await house.traces.put(long_talk(call, 1))
    assert (await client.get(f"/traces/talk?{query}")).status_code == 422


async def test_hostile_texts_stay_text_on_every_page(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    body: dict[str, Any] = {
        "model": HOSTILE,
        HOSTILE: HOSTILE,
        "messages": [{"content": [{"type": "input_file", "filename": HOSTILE, "file_data": {"$omitted": 999}}]}],
    }
    plain = call(1)
    span = ToolSpan(
        call_id=HOSTILE,
        name=HOSTILE,
        called_by=plain.id,
        started_at=plain.started_at,
        ended_at=plain.started_at,
        path="/messages/0/content",
    )
    request = Request(
        operation=Operation.CHAT,
        model=HOSTILE,
        segments=(text(Part.USER, 0, HOSTILE), Segment(part=Part.TOOL_DEFINITION, path="/tools/0", text=HOSTILE)),
        tools=(HOSTILE,),
        parameters={HOSTILE: HOSTILE},
        body=body,
    )
    tool = Segment(part=Part.TOOL_CALL, path=f"/{HOSTILE}", text=HOSTILE)
    exchange = replace(
        plain,
        trace_id="hostile",
        session=HOSTILE,
        error=HOSTILE,
        traceparent=HOSTILE,
        identity=Identity(app=HOSTILE, agent=HOSTILE, user=HOSTILE, user_agent=HOSTILE),
        endpoint=replace(plain.endpoint, provider=HOSTILE, path=f"/{HOSTILE}"),
        request=request,
        response=Response(segments=(tool,), tool_calls=(ToolCall(id=HOSTILE, name=HOSTILE, path=tool.path),)),
        thread=Thread(turn=Turn.NEXT, parent_id=call(2).id),
        tool_spans=(span,),
    )
    await house.traces.put([call(2, trace_id="hostile"), exchange])
    paths = (
        "/calls",
        "/conversations",
        "/traces/hostile",
        f"/exchanges/{exchange.id}",
        f"/exchanges/{exchange.id}/diff",
    )
    for path in paths:
        answer = await client.get(path)
        page = read_html(answer.text)
        assert answer.status_code == 200, path
        sources = [script.attributes.get("src", "") for script in page.find("script")]
        assert all(source.startswith("/static/") for source in sources), path
        bad = [item.tag for item in page.find() if any(name.startswith(("on", "style")) for name in item.attributes)]
        assert bad == [], path
        links = [link.attributes.get("href", "") for link in page.find("a")]
        assert all(link.startswith(("/", "#", "?")) for link in links), path
        assert not {"\u202e", "\u200b"} & set("".join(item.text for item in page.find("main"))), path
        assert "alert(1)" in page.text, path
    assert (
        await client.get(f"/calls?text={quote(HOSTILE)}&outcome={quote(HOSTILE)}&since={quote(HOSTILE)}")
    ).status_code == 200
