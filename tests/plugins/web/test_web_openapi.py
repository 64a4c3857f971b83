"""The OpenAPI document: every operation has an example, a stable id, its room, and the errors it answers with."""

from pathlib import Path
from typing import Any

import pytest

from midwatch_web.serving.openapi import examples, operations_of
from tests.plugins.web.conftest import House, make_call
from tests.plugins.web.installed import installed_house

_PROBLEM = "application/problem+json"
# Answers without a body.
_EMPTY = {"204"}


@pytest.fixture
async def document() -> dict[str, Any]:
    async with House().client() as client:
        found: dict[str, Any] = (await client.get("/api/v1/openapi.json")).json()
    return found


def test_every_operation_has_an_example_of_its_answer(document: dict[str, Any]) -> None:
    without = []
    for path, method, operation in operations_of(document):
        status = min(operation["responses"])
        contents = operation["responses"][status].get("content", {}).values()
        if status not in _EMPTY and not any("example" in content for content in contents):
            without.append(f"{method.upper()} {path}")
    assert without == []


def test_no_example_is_of_an_operation_that_is_gone(document: dict[str, Any]) -> None:
    known = {f"{method.upper()} {path}" for path, method, _ in operations_of(document)}
    assert sorted(set(examples()) - known) == []


def test_every_operation_documents_its_errors_as_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations_of(document):
        needed = {"401", "403", "422", "503"} | ({"404"} if "{" in path else set())
        needed |= {"413", "415"} if method in ("post", "patch", "put") else set()
        responses = operation["responses"]
        assert needed <= set(responses), (path, method)
        for status in needed:
            assert responses[status]["content"][_PROBLEM]["example"]["status"] == int(status)


def test_ids_are_stable_and_none_is_there_twice(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations_of(document)]
    assert len(ids) == len(set(ids))
    assert {"get_exchanges", "get_exchanges_exchange_id", "post_ingest", "get_rules_rule_id"} <= set(ids)


def test_every_operation_is_of_one_room_and_says_what_it_does(document: dict[str, Any]) -> None:
    for path, method, operation in operations_of(document):
        assert len(operation["tags"]) == 1, (path, method)
        assert operation["summary"], (path, method)


def test_a_key_is_shown_in_three_ways(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"bearer", "key", "session"}
    assert [list(item) for item in document["security"]] == [["bearer"], ["key"], ["session"]]


def test_what_is_told_of_an_invalid_request_is_what_is_answered(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.parametrize(
    "path",
    ["exchanges", "traces", "findings", "costs", "hosts", "rules", "plugins", "system", "config", "limits", "stats"],
)
async def test_examples_have_the_keys_of_real_answers(tmp_path: Path, path: str) -> None:
    house = await installed_house(tmp_path)
    await house.traces.put([make_call(1)])
    async with house.client() as client:
        answer = (await client.get(f"/api/v1/{path}")).json()
    shown = examples()[f"GET /api/v1/{path}"]
    common = {"plugins", "journal"} if path == "system" else set()
    assert set(answer) - common <= set(shown)
    for key, value in answer.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            assert set(value[0]) == set(shown[key][0])
