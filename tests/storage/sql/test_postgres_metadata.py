from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.ports import MetadataRepository
from midwatch_core.testing.metadata_contract import MetadataRepositoryContract, SharedMetadataContract
from midwatch_sql import open_metadata
from midwatch_sql.plain_text import from_plain, to_plain
from tests.storage.sql.postgres_server import PostgresServer


async def opened(url: str) -> MetadataRepository:
    repository = open_metadata(url)
    assert repository is not None
    await repository.start()
    return repository


class TestPostgresMetadata(MetadataRepositoryContract):
    @pytest.fixture
    async def repository(self, postgres_url: str) -> AsyncIterator[MetadataRepository]:
        repository = await opened(postgres_url)
        yield repository
        await repository.close()


class TestTwoPostgresMetadata(SharedMetadataContract):
    @pytest.fixture
    async def repository(self, postgres_url: str) -> AsyncIterator[MetadataRepository]:
        repository = await opened(postgres_url)
        yield repository
        await repository.close()

    @pytest.fixture
    async def other(self, repository: MetadataRepository, postgres_url: str) -> AsyncIterator[MetadataRepository]:
        other = await opened(postgres_url)
        yield other
        await other.close()


async def test_names_have_the_order_of_their_code_points_whatever_the_database_says(
    postgres: PostgresServer, postgres_url: str
) -> None:
    await (await opened(postgres_url)).close()
    found = postgres.sql(
        "SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
        "WHERE attcollation = '\"C\"'::regcollation AND relkind = 'r' AND relnamespace = 'public'::regnamespace",
        postgres_url.rpartition("/")[2],
    )
    assert sorted(found.split()) == [
        "api_keys.id",
        "incidents.id",
        "policies.name",
        "reports.id",
        "tenants.name",
    ]


async def test_texts_without_control_characters_stand_as_they_are(postgres: PostgresServer, postgres_url: str) -> None:
    repository = await opened(postgres_url)
    await repository.keep_setting("plain", "naïve \\ 漢字")
    await repository.keep_setting("nul", "a\0b\x01c")
    await repository.close()
    database = postgres_url.rpartition("/")[2]
    assert postgres.sql("SELECT value FROM settings WHERE key = 'plain'", database) == "naïve \\ 漢字\n"
    assert postgres.sql("SELECT value FROM settings WHERE key = 'nul'", database) == "a\x010b\x011c\n"


@given(st.text())
def test_every_text_has_one_plain_form(text: str) -> None:
    form = to_plain(text)
    assert "\0" not in form
    assert from_plain(form) == text


@given(st.text(st.sampled_from("\0\x01\x0201a"), max_size=6), st.text(st.sampled_from("\0\x01\x0201a"), max_size=6))
def test_plain_forms_have_the_order_of_their_texts(first: str, second: str) -> None:
    assert (to_plain(first) < to_plain(second)) == (first < second)
