"""Changing by copying: the same as dataclasses.replace, and the original stays."""

from dataclasses import replace

import pytest

from midwatch_core.model.changing import changed
from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.model.segment import Part, Segment


@pytest.mark.parametrize("item", [Request(operation=Operation.CHAT, model="m"), Response(model="m", complete=False)])
def test_a_change_is_what_replace_gives(item: Request | Response) -> None:
    assert changed(item, body_bytes=3, decode_error="here") == replace(item, body_bytes=3, decode_error="here")
    assert item.body_bytes == 0


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(KeyError):
        changed(Segment(part=Part.USER, path="/a", text="b"), txet="c")
