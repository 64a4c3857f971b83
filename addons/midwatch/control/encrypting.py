"""Encryption of what is stored: around any trace repository, so that no store need know of it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from midwatch.control.exchange_texts import TextChange, with_texts
from midwatch_core.activity import ActivityRow
from midwatch_core.conversation_listing import ConversationPage
from midwatch_core.errors import StorageError
from midwatch_core.finding_listing import FindingCount, FindingFilter, FindingPage, FindingRow
from midwatch_core.listing import ExchangeRow
from midwatch_core.model.changing import changed
from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import CostRow, ExchangeFilter, Migrations, Page, Scope, TraceRepository
from midwatch_core.storage import Storage

if TYPE_CHECKING:
    from midwatch.control.cipher import TextCipher

# The one member of parameters that are encrypted: a store expects a mapping there.
_SEALED = "$encrypted"


def with_encryption(storage: Storage, keys: str | None) -> Storage:
    """The storage with its texts encrypted; as it is where there is no key.

    `keys` is what the setting `storage.encryption.key` stands for: keys in base64, one a line; the first encrypts, all
    decrypt. Raises ConfigError.
    """
    if keys is None:
        return storage
    from midwatch.control.cipher import TextCipher, keys_from  # heavy, and most have no use for it

    return replace(storage, traces=EncryptedTraces(storage.traces, TextCipher(keys_from(keys))))


class EncryptedTraces:
    """A TraceRepository whose texts are ciphers in the one below it.

    Encrypted is what may hold something said: texts, skeletons, parameters, evidence and messages of findings, reasons
    of verdicts, errors. Clear stays what is counted and filtered by. What was stored before there was a key is read as
    it is; of what can't be decrypted a note stands in its place. A search in texts is refused: StorageError.
    """

    def __init__(self, traces: TraceRepository, cipher: "TextCipher") -> None:
        self._traces = traces
        self._cipher = cipher

    @property
    def migrations(self) -> Migrations | None:
        """The schema's migrations: encryption is no matter of theirs."""
        return self._traces.migrations

    async def start(self, *, migrate: bool = True) -> None:
        """Open."""
        await self._traces.start(migrate=migrate)

    async def put(self, exchanges: Sequence[Exchange]) -> None:
        """Keep a batch, encrypted."""
        sealed = []
        for exchange in exchanges:
            sealed.append(with_texts(exchange, self._sealing(exchange.identity.tenant)))
            await asyncio.sleep(0)  # a long conversation takes a millisecond or two: others have their turn between
        await self._traces.put(sealed)

    async def list(self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None) -> Page:
        """A page of rows. Raises StorageError for a search in texts."""
        _check(wanted)
        page = await self._traces.list(scope, wanted, limit=limit, cursor=cursor)
        return replace(page, rows=tuple(map(self._read_row, page.rows)))

    async def get(self, scope: Scope, exchange_id: str) -> Exchange | None:
        """One exchange with its texts, decrypted as far as the keys here go."""
        exchange = await self._traces.get(scope, exchange_id)
        return None if exchange is None else with_texts(exchange, self._opening(exchange.identity.tenant))

    async def costs(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums. Raises StorageError for a search in texts."""
        _check(wanted)
        return await self._traces.costs(scope, wanted, by=by)

    async def activity(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[ActivityRow]:
        """Counts: nothing said is in them."""
        return await self._traces.activity(scope, wanted, by=by)

    async def conversations(
        self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None
    ) -> ConversationPage:
        """A page of traces: nothing said is in them. Raises StorageError for a search in texts."""
        _check(wanted)
        return await self._traces.conversations(scope, wanted, limit=limit, cursor=cursor)

    async def findings(
        self, scope: Scope, wanted: FindingFilter, *, limit: int, cursor: str | None = None
    ) -> FindingPage:
        """A page of findings, their messages and evidence decrypted as far as the keys here go."""
        page = await self._traces.findings(scope, wanted, limit=limit, cursor=cursor)
        return replace(page, rows=tuple(map(self._read_finding, page.rows)))

    async def finding_counts(self, scope: Scope, wanted: FindingFilter, *, by: Sequence[str]) -> Sequence[FindingCount]:
        """Findings counted: nothing said is in that."""
        return await self._traces.finding_counts(scope, wanted, by=by)

    async def delete(self, scope: Scope, wanted: ExchangeFilter) -> int:
        """Forget exchanges. Raises StorageError for a search in texts."""
        _check(wanted)
        return await self._traces.delete(scope, wanted)

    async def close(self) -> None:
        """Let go of the store below."""
        await self._traces.close()

    def _read_row(self, row: ExchangeRow) -> ExchangeRow:
        if row.error is None and row.decode_error is None:
            return row
        opening = self._opening(row.tenant)
        return changed(row, error=opening.some(row.error), decode_error=opening.some(row.decode_error))

    def _read_finding(self, row: FindingRow) -> FindingRow:
        opening = self._opening(row.tenant)
        return changed(row, message=opening.some(row.message), evidence=opening.some(row.evidence))

    def _sealing(self, tenant: str) -> TextChange:
        def text(clear: str) -> str:
            return self._cipher.encrypt(tenant, clear)

        def body(clear: Json) -> Json:
            return text(json.dumps(clear, ensure_ascii=False, separators=(",", ":")))

        return TextChange(text=text, body=body, parameters=lambda clear: {_SEALED: body(dict(clear))})

    def _opening(self, tenant: str) -> TextChange:
        from midwatch.control.cipher import UnreadableError, is_cipher

        def text(stored: str) -> str:
            try:
                return self._cipher.decrypt(tenant, stored)
            except UnreadableError as error:
                return str(error)

        def body(stored: Json) -> Json:
            if not isinstance(stored, str) or not is_cipher(stored):
                return stored
            try:
                clear: Json = json.loads(self._cipher.decrypt(tenant, stored))
            except UnreadableError as error:
                return str(error)
            return clear

        def parameters(stored: Mapping[str, Json]) -> Mapping[str, Json]:
            if stored.keys() != {_SEALED}:
                return stored
            clear = body(stored[_SEALED])
            return clear if isinstance(clear, dict) else {_SEALED: clear}

        return TextChange(text=text, body=body, parameters=parameters)


def _check(wanted: ExchangeFilter) -> None:
    if wanted.text is not None:
        raise StorageError("search in texts is off: they are encrypted (storage.encryption)")
