"""The REST API as its own OpenAPI document describes it: asked by schemathesis with every role, on a real port."""

from collections.abc import Iterator
from http import HTTPMethod, HTTPStatus
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.routing import compile_path

from midwatch_core.model.apikey import AccessRole
from tests.beside import SCHEMATHESIS, beside
from tests.plugins.web.planted_calls import TENANTS, calls_of
from tests.plugins.web.served_routes import application
from tests.plugins.web.whole_house import Holder, Served, served_house

DOCUMENT = application().openapi()
# A stream of events has no end: tests/plugins/web/test_web_live.py and the end-to-end tests follow it.
ENDLESS = frozenset({"/api/v1/live"})
OPERATIONS = sorted(
    (path, method)
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if path not in ENDLESS and method.upper() in HTTPMethod.__members__
)
SENDING = frozenset({"/api/v1/ingest", "/api/v1/scan"})
NOBODY = None
ASKING: tuple[Holder | None, ...] = (
    NOBODY,
    *((role, None) for role in AccessRole),
    (AccessRole.ADMIN, "acme"),
    (AccessRole.VIEWER, "acme"),
)
CASES = settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_house(tmp_path_factory.mktemp("house")) as served:
        yield served


@pytest.fixture(scope="module")
def described() -> Any:
    """The document as schemathesis reads it."""
    beside(*SCHEMATHESIS, module="schemathesis")
    import schemathesis

    return schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def session(described: Any) -> Iterator[Any]:
    """One connection for all that is asked; nothing of the machine's own proxies or credentials goes along."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        yield session


def headers_of(served: Served, holder: Holder | None) -> dict[str, str]:
    return {} if holder is None else {"X-Midwatch-Key": served.key(*holder)}


def planted_ids(served: Served, tenant: str) -> dict[str, Any]:
    """What a tenant has, by the names of path parameters; whatever else a path names is left to be generated."""
    call = calls_of(tenant)[1]
    return {
        "exchange_id": call.id,
        "trace_id": call.trace_id,
        "finding_id": call.findings[0].id,
        "report_id": served.house.reports[tenant],
        "side": "request",
        "version": 1,
    }


def cases_of(operation: Any, served: Served) -> st.SearchStrategy[Any]:
    """Cases that fit the document, some of them of things that are there, and cases that do not fit it."""
    from schemathesis import GenerationMode

    asked = {parameter.name for parameter in operation.path_parameters}
    fixed = [
        {name: value for name, value in planted_ids(served, tenant).items() if name in asked} for tenant in TENANTS[:2]
    ]
    kinds = [operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    kinds += [operation.as_strategy(path_parameters=known) for known in fixed if known]
    return st.one_of(*kinds)


def check_refusal(path: str, holder: Holder | None, status: int) -> None:
    """Who shows no key is asked for one; who only sends calls reads nothing, and changes nothing."""
    if holder is None:
        assert status == HTTPStatus.UNAUTHORIZED
    elif holder[0] is AccessRole.CLIENT and path not in SENDING:
        assert status == HTTPStatus.FORBIDDEN
    else:
        assert status != HTTPStatus.UNAUTHORIZED


def check_apart(holder: Holder | None, text: str) -> None:
    """A key of one tenant gets nothing of another's, whatever it asks for."""
    if holder is None or holder[1] is not None:
        assert not [name for name in TENANTS if name != "acme" and f"word-{name}" in text]


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_an_operation_answers_as_it_says_to_every_role(
    served: Served, described: Any, session: Any, path: str, method: str
) -> None:
    import schemathesis.specs.openapi.checks as conformance
    from schemathesis.checks import not_a_server_error

    checks = [
        not_a_server_error,
        conformance.status_code_conformance,
        conformance.content_type_conformance,
        conformance.response_headers_conformance,
        conformance.response_schema_conformance,
    ]
    operation = described[path][method]

    @CASES
    @given(case=cases_of(operation, served))
    def asked(case: Any) -> None:
        for holder in ASKING:
            answer = case.call(base_url=served.address, session=session, headers=headers_of(served, holder), timeout=60)
            check_refusal(path, holder, answer.status_code)
            check_apart(holder, answer.text)
            case.validate_response(answer, checks=checks)

    asked()


def test_the_document_is_the_one_that_is_served(served: Served) -> None:
    headers = headers_of(served, (AccessRole.VIEWER, None))
    told = httpx.get(f"{served.address}/api/v1/openapi.json", headers=headers, trust_env=False, timeout=60).json()
    assert told["paths"] == DOCUMENT["paths"]


def test_what_a_path_does_not_know_is_told_with_what_it_knows(served: Served) -> None:
    headers = headers_of(served, (AccessRole.ADMIN, None))
    with httpx.Client(base_url=served.address, headers=headers, trust_env=False, timeout=60) as client:
        for path in DOCUMENT["paths"]:
            place = path.replace("{", "").replace("}", "")
            known = methods_at(place)
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - known:
                answer = client.request(method, place)
                assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED, (method, place)
                assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == known, place
                assert answer.headers["content-type"] == "application/problem+json"


def methods_at(place: str) -> set[str]:
    """What the document knows there, by whichever of its paths."""
    fitting = (item for path, item in DOCUMENT["paths"].items() if compile_path(path)[0].match(place))
    return {method.upper() for item in fitting for method in item}
