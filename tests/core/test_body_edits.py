"""Edits of bodies: the edited strings and nothing else, or a clear refusal."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.body_edits import Edit, Replacement, UnsafeEditError, edit_body, replaced
from midwatch_core.wire.jsontext import compact

characters = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\/\n\t\b<é\U0001f600'), max_size=12)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | characters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(characters, inner, max_size=4),
    max_leaves=20,
)


def escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def strings(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in strings(item, f"{path}/{escaped(key)}")]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in strings(item, f"{path}/{index}")]
    return []


def with_strings(value: Any, new: dict[str, str], path: str = "") -> Any:
    if isinstance(value, str):
        return new.get(path, value)
    if isinstance(value, dict):
        return {key: with_strings(item, new, f"{path}/{escaped(key)}") for key, item in value.items()}
    if isinstance(value, list):
        return [with_strings(item, new, f"{path}/{index}") for index, item in enumerate(value)]
    return value


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> tuple[Replacement, ...]:
    edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4).filter(lambda found: len(found) % 2 == 0)))
    return tuple(
        Replacement(start=start, end=end, text=draw(characters))
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    )


@given(documents, st.booleans(), st.sampled_from([None, 1, "\t"]), st.data())
def test_what_was_edited_is_all_that_changed(document: Any, ascii_only: bool, indent: Any, data: st.DataObject) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    edits = [Edit(path=path, text=text, replacements=data.draw(edits_of(text))) for path, text in strings(document)]
    edited = edit_body(body, edits)
    new = {edit.path: replaced(edit.text, edit.replacements) for edit in edits}
    assert orjson.loads(edited) == with_strings(document, new)
    untouched = [edit for edit in edits if not edit.replacements]
    assert edit_body(body, untouched) is body


@pytest.mark.parametrize(
    ("body", "path", "text", "span", "after"),
    [
        (rb'{"a" : "x\u0040y" , "b":1.50}', "/a", "x@y", (1, 2), rb'{"a" : "x<E>y" , "b":1.50}'),
        (rb'["\ud83d\ude00!\/"]', "/0", "\U0001f600!/", (1, 2), rb'["\ud83d\ude00<E>\/"]'),
        (rb'["\ud83d\ude00!\/"]', "/0", "\U0001f600!/", (0, 1), rb'["<E>!\/"]'),
        ('["é\U0001f600ü"]'.encode(), "/0", "é\U0001f600ü", (1, 2), '["é<E>ü"]'.encode()),
        (b' "abc" ', "", "abc", (1, 3), b' "a<E>" '),
        (rb'{"a/b":{"m~n":"\"q"}}', "/a~1b/m~0n", '"q', (0, 1), rb'{"a/b":{"m~n":"<E>q"}}'),
        (rb'{"k":[1,{"x":["}","]"]},"abc"]}', "/k/2", "abc", (0, 3), rb'{"k":[1,{"x":["}","]"]},"<E>"]}'),
        (rb'{"\u0061":"abc"}', "/a", "abc", (2, 2), rb'{"\u0061":"ab<E>c"}'),
        (b'{"z":{"z":"1"},"a":"abc","z2":"1"}', "/a", "abc", (3, 3), b'{"z":{"z":"1"},"a":"abc<E>","z2":"1"}'),
    ],
)
def test_other_bytes_stay(body: bytes, path: str, text: str, span: tuple[int, int], after: bytes) -> None:
    edit = Edit(path=path, text=text, replacements=(Replacement(start=span[0], end=span[1], text="<E>"),))
    assert edit_body(body, [edit]) == after


def test_tool_arguments_that_are_an_object_are_edited_inside_their_strings() -> None:
    body = rb'{"input": {"to" : "a\u0040b", "n": [1, "x\n\"y\u00e9z"]} }'
    text = compact(orjson.loads(body)["input"])
    spans = [(text.index("a@b"), text.index("a@b") + 3), (text.index("y"), text.index("z") + 1)]
    edit = Edit(
        path="/input",
        text=text,
        replacements=tuple(Replacement(start=start, end=end, text="<E>") for start, end in spans),
    )
    assert edit_body(body, [edit]) == rb'{"input": {"to" : "<E>", "n": [1, "x\n\"<E>"]} }'


@given(documents.filter(lambda value: isinstance(value, dict | list) and value), st.booleans(), st.data())
def test_any_object_is_edited_inside_a_string_or_refused(document: Any, ascii_only: bool, data: st.DataObject) -> None:
    body = json.dumps({"input": document}, ensure_ascii=ascii_only).encode()
    text = compact(document)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    edit = Edit(path="/input", text=text, replacements=(Replacement(start=start, end=end, text="<E>"),))
    try:
        edited = orjson.loads(edit_body(body, [edit]))["input"]
    except UnsafeEditError:
        return
    before, after = dict(strings(document)), dict(strings(edited))
    assert before.keys() == after.keys()
    changed = [path for path in before if before[path] != after[path]]
    assert len(changed) <= 1
    assert all("<E>" in after[path] for path in changed)
    if "\\" not in text:
        assert compact(edited) == text[:start] + "<E>" + text[end:]


@pytest.mark.parametrize(
    ("body", "path", "text", "span", "why"),
    [
        (b'{"a":"secret","a":"secret"}', "/a", "secret", (0, 6), "given twice"),
        (rb'{"a":"secret","\u0061":"x"}', "/a", "x", (0, 1), "not what stands"),
        (rb'{"a":"x","\u0061":"x"}', "/a", "x", (0, 1), "given twice"),
        (b'{"m":{"a":"s"},"m":{"a":"s"}}', "/m/a", "s", (0, 1), "given twice"),
        (b'{"in":{"a":"secret","a":"secret"}}', "/in", '{"a":"secret"}', (7, 10), "given twice"),
        (b'{"in":{"a":41111}}', "/in", '{"a":41111}', (6, 8), "inside one string"),
        (b'{"in":{"a":"b","c":"d"}}', "/in", '{"a":"b","c":"d"}', (6, 15), "inside one string"),
        (b'{"in":{"abc":"b"}}', "/in", '{"abc":"b"}', (3, 4), "in a key"),
        (b'{"in":{"a":"b"}}', "/in", '{"a":"c"}', (6, 7), "not what stands"),
        (b'{"a":7}', "/a", "7", (0, 1), "not what stands"),
        (b'{"a":"x"}', "/b", "x", (0, 1), "leads to nothing"),
        (b'["x"]', "/1", "x", (0, 1), "leads to nothing"),
        (b'["x"]', "/00", "x", (0, 1), "leads to nothing"),
        (b'{"a":"x"}', "/a/b", "x", (0, 1), "neither object nor array"),
        (b'{"a":"x"}', "a", "x", (0, 1), "no JSON Pointer"),
        (b'{"a":"x"}', "/a", "y", (0, 1), "not what stands"),
        (b'{"a":"x"}', "/a", "x", (0, 2), "overlap, or reach"),
        (b'{"a":"x"}', "/a", "x", (1, 0), "overlap, or reach"),
        (b'{"a":"x",', "/a", "x", (0, 1), "not strict JSON"),
        (b'{"a":"x","n":NaN}', "/a", "x", (0, 1), "not strict JSON"),
        (b'{"a":"\\ud800x"}', "/a", "\ufffdx", (0, 1), "not strict JSON"),
        (b'{"a":"\xffx"}', "/a", "\ufffdx", (0, 1), "not strict JSON"),
        ('{"a":"x"}'.encode("utf-16"), "/a", "x", (0, 1), "not strict JSON"),
        (b"", "/a", "x", (0, 1), "not strict JSON"),
        (b"--b\r\n\r\nx\r\n--b--", "/a", "x", (0, 1), "a form, which can't be edited"),
    ],
)
def test_what_is_not_safe_is_refused(body: bytes, path: str, text: str, span: tuple[int, int], why: str) -> None:
    edit = Edit(path=path, text=text, replacements=(Replacement(start=span[0], end=span[1], text="<E>"),))
    with pytest.raises(UnsafeEditError, match=why):
        edit_body(body, [edit])


@pytest.mark.parametrize("paths", [("/a", "/a"), ("/a", "/a/b"), ("/a/b", "/a"), ("", "/a")])
def test_edits_inside_one_another_are_refused(paths: tuple[str, str]) -> None:
    edits = [Edit(path=path, text="x", replacements=(Replacement(start=0, end=1, text=""),)) for path in paths]
    with pytest.raises(UnsafeEditError, match="inside another"):
        edit_body(b'{"a":{"b":"x"}}', edits)


def test_overlapping_replacements_are_refused() -> None:
    with pytest.raises(UnsafeEditError, match="overlap"):
        replaced("abcdef", [Replacement(start=0, end=3, text=""), Replacement(start=2, end=4, text="")])


def test_a_deep_or_long_body_takes_no_stack_and_no_time() -> None:
    body = b'{"deep":' + b"[" * 900 + b"]" * 900 + b',"a":"' + b"x\\n" * 100_000 + b'key"}'
    edit = Edit(
        path="/a", text="x\n" * 100_000 + "key", replacements=(Replacement(start=200_000, end=200_003, text="<K>"),)
    )
    assert edit_body(body, [edit]) == body.replace(b"key", b"<K>")
