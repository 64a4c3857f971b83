"""Calls told to a teller that goes by the shipped catalogue."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
import yaml

from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.intake import ToldCall, WireCall
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.exchange import Exchange
from midwatch_core.sealing import Sealers
from midwatch_core.telling import Sender, Teller
from midwatch_core.wire.catalogue import Catalogue, CatalogueSpec
from midwatch_core.wire.dialects import BUILTIN

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
CHAT = "https://api.openai.com/v1/chat/completions"
ASKED = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
ANSWERED = {
    "id": "chatcmpl-1",
    "model": "gpt-5-mini-2025-08-07",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 14, "completion_tokens": 2},
}
ACME = Caller(name="ak1", role=AccessRole.CLIENT, tenant="acme")
ALL = Caller(name="ak2", role=AccessRole.CLIENT)


@cache
def catalogue() -> Catalogue:
    text = (files("midwatch_rules") / "providers.yaml").read_text()
    return Catalogue([CatalogueSpec.model_validate(yaml.safe_load(text))], dialects=[item.id for item in BUILTIN])


def teller(**options: Any) -> Teller:
    return Teller(catalogue(), {item.id: item for item in BUILTIN}, Sealers(b"key"), **options)


def sender(caller: Caller = LOCAL) -> Sender:
    return Sender(caller=caller, source="rest", tenants=frozenset({"default", "acme", "lab"}), default="default")


def told(call: ToldCall, caller: Caller = LOCAL) -> Exchange:
    (exchange,) = teller().exchanges([call], sender(caller), NOW)
    return exchange


def wire(asked: Any = ASKED, answered: Any = ANSWERED, **changes: Any) -> WireCall:
    response = answered if answered is None or isinstance(answered, bytes) else orjson.dumps(answered)
    request = asked if isinstance(asked, bytes) else orjson.dumps(asked)
    return WireCall(**{"url": CHAT, "request": request, "response": response, **changes})


def texts(side: Any) -> Mapping[str, str]:
    return {segment.path: segment.text for segment in side.segments}
