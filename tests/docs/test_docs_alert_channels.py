"""The page on channels: its receiver tells our webhook's signature from others'."""

import re
from datetime import UTC, datetime
from typing import Any

from midwatch_alerts.channels.webhook import signed_headers, signing_key
from tests.docs.walking import DOCS

_PAGE = (DOCS / "alert-channels.md").read_text()


def test_the_receiver_on_the_page_knows_our_signature() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "alert-channels.md", "exec"), names)
    key = signing_key("a key of more than twenty-four bytes")
    headers = signed_headers("msg_1", b"{}", key, datetime(2026, 11, 26, tzinfo=UTC))
    assert names["is_ours"](key, headers, b"{}")
    assert not names["is_ours"](key, headers, b'{"more": 1}')
    assert not names["is_ours"](b"another key", headers, b"{}")
