"""Encryption at rest: a store with ciphers in it passes the suite of any store, and its file holds nothing said."""

import base64
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from midwatch.control.cipher import DAMAGED, NO_KEY, TextCipher, UnreadableError, is_cipher, keys_from
from midwatch.control.encrypting import EncryptedTraces, with_encryption
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.finding_listing import FindingFilter, finding_rows
from midwatch_core.listing import row_of
from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.storage import Storage
from midwatch_core.testing.factories import conversation, make_exchange, prose
from midwatch_core.testing.repository_contract import TraceRepositoryContract
from midwatch_core.testing.whole_exchange import everything
from midwatch_memory import open_cache, open_metadata
from midwatch_memory.traces import MemoryTraces
from midwatch_sql import open_traces

ONE, TWO = bytes(range(32)), bytes(32)
SAID = "the launch code is heliotrope seven"


def sqlite_below(folder: Path) -> TraceRepository:
    traces = open_traces(f"sqlite:///{folder}/midwatch.db")
    assert traces is not None
    return traces


def encrypted(traces: TraceRepository, *keys: bytes) -> EncryptedTraces:
    return EncryptedTraces(traces, TextCipher(keys or (ONE,)))


def line(key: bytes) -> str:
    return base64.b64encode(key).decode()


def telling() -> Exchange:
    """An exchange that says SAID wherever something can be said."""
    exchange = everything()
    body: Json = {"metadata": {"note": SAID}}
    said = tuple(replace(segment, text=f"{SAID}. {segment.text}") for segment in exchange.request.segments)
    response = exchange.response
    assert response is not None
    assert response.error is not None
    return replace(
        exchange,
        request=replace(
            exchange.request, segments=said, body=body, parameters={"stop": SAID}, decode_error=f"not JSON: {SAID}"
        ),
        response=replace(
            response,
            segments=tuple(replace(segment, text=SAID) for segment in response.segments),
            body=body,
            error=replace(response.error, message=SAID),
            decode_error=SAID,
        ),
        error=SAID,
        findings=tuple(replace(item, message=SAID, evidence=SAID) for item in exchange.findings),
        verdicts=tuple(replace(item, reason=SAID) for item in exchange.verdicts),
    )


def refused() -> pytest.RaisesExc[StorageError]:
    return pytest.raises(StorageError, match="search in texts is off: they are encrypted")


DELETIONS = TraceRepositoryContract.test_delete_takes_what_is_wanted_and_only_that.pytestmark[0]  # type: ignore[attr-defined]


class EncryptedContract(TraceRepositoryContract):
    """What holds for any store; but where the suite searches in texts, it is refused."""

    async def test_finds_a_text_wherever_it_stands(self, repository: TraceRepository) -> None:  # type: ignore[override]
        with refused():
            await super().test_finds_a_text_wherever_it_stands(repository, "Zebra", {0, 1, 2})

    async def test_other_filters_and_the_scope_hold_in_a_search(self, repository: TraceRepository) -> None:
        with refused():
            await super().test_other_filters_and_the_scope_hold_in_a_search(repository)

    async def test_pages_of_a_search_hold_each_once(self, repository: TraceRepository) -> None:  # type: ignore[override]
        with refused():
            await super().test_pages_of_a_search_hold_each_once(repository, 3)

    async def test_a_word_said_early_is_in_every_later_turn(self, repository: TraceRepository) -> None:
        with refused():
            await super().test_a_word_said_early_is_in_every_later_turn(repository)

    async def test_costs_of_a_search(self, repository: TraceRepository) -> None:
        with refused():
            await super().test_costs_of_a_search(repository)

    @pytest.mark.parametrize(*DELETIONS.args)
    async def test_delete_takes_what_is_wanted_and_only_that(
        self, repository: TraceRepository, wanted: ExchangeFilter, gone: set[int]
    ) -> None:
        with nullcontext() if wanted.text is None else refused():
            await super().test_delete_takes_what_is_wanted_and_only_that(repository, wanted, gone)

    async def test_delete_never_leaves_its_scope(self, repository: TraceRepository) -> None:
        with refused():
            await super().test_delete_never_leaves_its_scope(repository)
        page = await repository.list(Scope(), ExchangeFilter(), limit=10)
        assert len(page.rows) == 3  # all that came before the search left its neighbours alone


class TestEncryptedSqlite(EncryptedContract):
    @pytest.fixture
    async def repository(self, tmp_path: Path) -> AsyncIterator[TraceRepository]:
        repository = encrypted(sqlite_below(tmp_path))
        await repository.start()
        yield repository
        await repository.close()


class TestEncryptedMemory(EncryptedContract):
    @pytest.fixture
    async def repository(self) -> AsyncIterator[TraceRepository]:
        repository = encrypted(MemoryTraces())
        await repository.start()
        yield repository
        await repository.close()


def everything_in(folder: Path) -> bytes:
    """The bytes of the store's files, and of every value in it as it is and decompressed."""
    found = [path.read_bytes() for path in folder.iterdir()]
    database = sqlite3.connect(folder / "midwatch.db")
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for row in database.execute(f"SELECT * FROM {table}"):
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode()
                found.append(data)
                found += [decompressed(data[at:]) for at in range(4)]
    database.close()
    return b"\n".join(found)


def decompressed(data: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except zstandard.ZstdError:
        return b""


async def test_nothing_said_is_in_the_file(tmp_path: Path) -> None:
    clear, sealed = tmp_path / "clear", tmp_path / "sealed"
    for folder, keys in ((clear, None), (sealed, line(ONE))):
        folder.mkdir()
        traces = with_encryption(storage(sqlite_below(folder)), keys).traces
        await traces.start()
        exchange = telling()
        await traces.put([exchange])
        assert await traces.get(Scope(), exchange.id) == exchange
        page = await traces.list(Scope(), ExchangeFilter(), limit=1)
        assert page.rows == (row_of(exchange),)
        await traces.close()
    assert SAID.encode() in everything_in(clear)  # else the search itself would be worth nothing
    assert b"heliotrope" not in everything_in(sealed)
    assert SAID.encode().hex().encode() not in everything_in(sealed)


async def test_another_key_reads_notes_in_place_of_texts_and_fails_nothing() -> None:
    below, exchange = MemoryTraces(), telling()
    await below.start()
    await encrypted(below, ONE).put([exchange])
    found = await encrypted(below, TWO).get(Scope(), exchange.id)
    assert found is not None
    assert {segment.text for segment in found.request.segments} == {NO_KEY}
    assert (found.request.body, found.request.parameters) == (NO_KEY, {"$encrypted": NO_KEY})
    assert (found.error, found.findings[0].evidence, found.verdicts[0].reason) == (NO_KEY, NO_KEY, NO_KEY)
    assert found.identity == exchange.identity
    page = await encrypted(below, TWO).list(Scope(), ExchangeFilter(), limit=1)
    assert (page.rows[0].error, page.rows[0].model) == (NO_KEY, exchange.model)


async def test_findings_are_read_with_their_key_and_counted_without() -> None:
    below, exchange = MemoryTraces(), telling()
    await below.start()
    await encrypted(below, ONE).put([exchange])
    (sealed,) = (await below.findings(Scope(), FindingFilter(), limit=1)).rows
    assert is_cipher(sealed.message)
    assert sealed.evidence is not None
    assert is_cipher(sealed.evidence)
    (clear,) = (await encrypted(below, ONE).findings(Scope(), FindingFilter(), limit=1)).rows
    assert [clear] == list(finding_rows(exchange))
    (lost,) = (await encrypted(below, TWO).findings(Scope(), FindingFilter(), limit=1)).rows
    assert (lost.message, lost.evidence, lost.rule) == (NO_KEY, NO_KEY, "pack/rule")
    (count,) = await encrypted(below, TWO).finding_counts(Scope(), FindingFilter(), by=["rule"])
    assert (count.group, count.findings) == (("pack/rule",), 1)


async def test_after_a_rotation_old_and_new_are_read_and_the_new_key_alone_reads_the_new() -> None:
    below, old, new = MemoryTraces(), telling(), telling()
    await below.start()
    await encrypted(below, ONE).put([old])
    await encrypted(below, TWO, ONE).put([new])
    for exchange in (old, new):
        assert await encrypted(below, TWO, ONE).get(Scope(), exchange.id) == exchange
    assert await encrypted(below, TWO).get(Scope(), new.id) == new
    lost = await encrypted(below, TWO).get(Scope(), old.id)
    assert lost is not None
    assert lost.request.segments[0].text == NO_KEY


async def test_what_was_stored_before_there_was_a_key_stays_readable() -> None:
    below, exchange = MemoryTraces(), telling()
    await below.start()
    await below.put([exchange])
    assert await encrypted(below).get(Scope(), exchange.id) == exchange
    page = await encrypted(below).list(Scope(), ExchangeFilter(), limit=1)
    assert page.rows == (row_of(exchange),)


async def test_a_search_in_texts_is_refused_and_says_why() -> None:
    traces = encrypted(MemoryTraces())
    await traces.start()
    wanted = ExchangeFilter(text="launch")
    with refused():
        await traces.list(Scope(), wanted, limit=1)
    with refused():
        await traces.costs(Scope(), wanted, by=[])
    with refused():
        await traces.delete(Scope(), wanted)


async def test_a_conversation_still_keeps_each_text_once(tmp_path: Path) -> None:
    """Without folding, thirty turns that repeat all before them would take fifteen times what is new in them."""
    sizes = []
    for name in ("clear", "sealed"):
        (tmp_path / name).mkdir()
        below = sqlite_below(tmp_path / name)
        traces = encrypted(below) if name == "sealed" else below
        await traces.start()
        await traces.put(list(conversation(30, characters=2000)))
        await traces.close()
        sizes.append((tmp_path / name / "midwatch.db").stat().st_size)
    clear, sealed = sizes
    assert sealed < 3 * clear


@given(st.text(alphabet=st.characters(), max_size=300), st.text(max_size=10))
def test_any_text_comes_back_and_looks_the_same_each_time(text: str, tenant: str) -> None:
    cipher = TextCipher([ONE])
    sealed = cipher.encrypt(tenant, text)
    assert is_cipher(sealed)
    assert sealed == TextCipher([ONE, TWO]).encrypt(tenant, text)
    assert cipher.decrypt(tenant, sealed) == text
    assert cipher.encrypt(tenant + "x", text) != sealed


def test_a_text_that_looks_like_a_cipher_comes_back_as_it_was() -> None:
    cipher = TextCipher([ONE])
    looks = cipher.encrypt("acme", "inner")
    assert cipher.decrypt("acme", cipher.encrypt("acme", looks)) == looks
    assert cipher.decrypt("acme", "midwatch-aes-siv:who:knows") == "midwatch-aes-siv:who:knows"


def test_another_tenants_cipher_and_a_changed_one_do_not_open() -> None:
    cipher = TextCipher([ONE])
    sealed = cipher.encrypt("acme", prose(500, seed=1))
    damaged = [sealed[:-6] + "AAAAA=", sealed[:-20], sealed.replace(":", ":A", 2).replace(":A", ":", 1)]
    for tenant, text in [("other", sealed), *(("acme", item) for item in damaged)]:
        with pytest.raises(UnreadableError) as caught:
            cipher.decrypt(tenant, text)
        assert str(caught.value) == DAMAGED


def test_long_texts_are_compressed_before_they_are_encrypted() -> None:
    assert len(TextCipher([ONE]).encrypt("acme", "la " * 10_000)) < 500


@pytest.mark.parametrize("text", ["", "\n", "n0t-base64!", line(bytes(31)), line(bytes(64)), line(ONE) + "\nc2hvcnQ="])
def test_keys_that_are_none_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigError, match=r"storage\.encryption\.key: ") as caught:
        keys_from(text)
    assert not any(word in str(caught.value) for word in text.split())


def test_keys_are_lines_and_the_first_encrypts() -> None:
    keys = keys_from(f"{line(TWO)}\n  {line(ONE)}\r\n")
    assert keys == (TWO, ONE)
    assert TextCipher(keys).encrypt("acme", "x") == TextCipher([TWO]).encrypt("acme", "x")


def storage(traces: TraceRepository) -> Storage:
    metadata, cache = open_metadata("memory://"), open_cache("memory://")
    assert metadata is not None
    assert cache is not None
    return Storage(traces=traces, metadata=metadata, cache=cache, migrates=False)


def test_without_a_key_the_storage_is_as_it_was() -> None:
    plain = storage(MemoryTraces())
    assert with_encryption(plain, None) is plain
    sealed = with_encryption(plain, line(ONE))
    assert isinstance(sealed.traces, EncryptedTraces)
    assert (sealed.metadata, sealed.cache, sealed.migrates) == (plain.metadata, plain.cache, False)
    with pytest.raises(ConfigError):
        with_encryption(plain, "")


async def test_parameters_come_back_where_someone_used_our_own_word() -> None:
    below = MemoryTraces()
    await below.start()
    for parameters in ({"$encrypted": "theirs"}, {"$encrypted": 1, "a": 2}, {}):
        exchange = make_exchange()
        request = replace(exchange.request, parameters=json.loads(json.dumps(parameters)))
        exchange = replace(exchange, request=request)
        await encrypted(below).put([exchange])
        assert await encrypted(below).get(Scope(), exchange.id) == exchange
