"""The directory's document: it comes back as it was, and what is damaged is refused and named."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.access.directory import Directory
from midwatch_core.access.document import decode_directory, encode_directory
from midwatch_core.errors import ConfigError
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.tenant import Tenant
from tests.core.access.conftest import NOW, key_of, tenant

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
TENANTS = st.builds(
    Tenant,
    name=TEXT,
    created_at=MOMENTS,
    title=TEXT,
    networks=st.lists(st.sampled_from(["10.0.0.0/8", "::1"])).map(tuple),
    provider_keys=st.lists(TEXT).map(tuple),
    certificates=st.lists(TEXT).map(tuple),
    retention_days=st.none() | st.floats(0.1, 1e6),
    configured=st.booleans(),
)
KEYS = st.builds(
    ApiKey,
    id=TEXT,
    digest=TEXT,
    role=st.sampled_from(AccessRole),
    tenant=st.none() | TEXT,
    created_at=MOMENTS,
    label=TEXT,
    agent=st.none() | TEXT,
    expires_at=st.none() | MOMENTS,
    revoked_at=st.none() | MOMENTS,
)


@given(tenants=st.lists(TENANTS, max_size=4), keys=st.lists(KEYS, max_size=4))
def test_a_directory_comes_back_as_it_was(tenants: list[Tenant], keys: list[ApiKey]) -> None:
    directory = Directory(tenants=tuple(tenants), keys=tuple(keys))
    assert decode_directory(encode_directory(directory), "file") == directory


def _document() -> bytes:
    text, key = key_of("acme", expires_at=NOW + timedelta(days=1))
    data = encode_directory(Directory(tenants=(tenant("acme", networks=("10.0.0.0/8",)),), keys=(key,)))
    assert text.encode() not in data
    assert text[len(key.id) :].encode() not in data
    return data


def test_a_document_cut_anywhere_is_refused() -> None:
    data = _document()
    for end in range(len(data)):
        with pytest.raises(ConfigError, match=r"^directory\.json: "):
            decode_directory(data[:end], "directory.json")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": None},
        {"tenants": None},
        {"keys": [{"id": "mw_a"}]},
        {"tenants": [{"name": "acme", "created_at": "2026-01-01T00:00:00Z", "networks": ["10.0.0.1/8"]}]},
        {"tenants": [{"name": "acme", "created_at": "2026-01-01T00:00:00"}]},
        {"tenants": [{"name": "acme", "created_at": "yesterday"}]},
        {"keys": [{"id": "a", "digest": "d", "role": "king", "tenant": None, "created_at": "2026-01-01T00:00:00Z"}]},
    ],
)
def test_a_document_that_is_not_ours_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"directory\.json: .*control writes it anew"):
        decode_directory(orjson.dumps(orjson.loads(_document()) | change), "directory.json")
