"""Forms: as clients write them, broken in every way, and anything at all."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire.multipart import MAX_PARTS, FormPart, is_form, read_form

KIND = 'multipart/form-data; boundary="x-y"'
FORM = (
    b"--x-y\r\n"
    b'Content-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b"--x-y \r\n"
    b'content-disposition: Form-Data; name=file; filename="a \\"b\\" %22c%22.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\n\x00\r\n--x-\r\n\xff\r\n"
    b"--x-y--\r\nepilogue"
)


def said(parts: list[FormPart]) -> list[tuple[str, str | None, str, bytes]]:
    return [(part.name, part.filename, part.content_type, bytes(part.data)) for part in parts]


def test_a_form_has_its_fields_and_files() -> None:
    parts, problem = read_form(FORM, KIND)
    assert problem is None
    assert said(parts) == [
        ("purpose", None, "", b"batch"),
        ("file", 'a "b" "c".wav', "audio/wav", b"\x00\r\n--x-\r\n\xff"),
    ]
    assert [part.is_file for part in parts] == [False, True]
    assert parts[0].text() == "batch"


def test_a_real_client_s_form_is_read() -> None:
    files: Any = {"file": ("höhe.txt", "Grüße".encode(), "text/plain"), "empty": ("e", b"")}
    request = httpx.Request("POST", "http://h/", data={"model": "whisper-1"}, files=files)
    parts, problem = read_form(request.read(), request.headers["content-type"])
    assert problem is None
    assert [(part.name, part.filename) for part in parts] == [("model", None), ("file", "höhe.txt"), ("empty", "e")]
    assert [part.text() for part in parts] == ["whisper-1", "Grüße", ""]


def test_what_stands_before_the_first_boundary_is_passed_over() -> None:
    assert said(read_form(b"preamble\r\n" + FORM, KIND)[0]) == said(read_form(FORM, KIND)[0])
    assert said(read_form(b"\r\n" + FORM, KIND)[0]) == said(read_form(FORM, KIND)[0])


@pytest.mark.parametrize(
    ("body", "content_type", "problem"),
    [
        (FORM, "multipart/form-data", "names no boundary"),
        (FORM, "multipart/form-data; boundary=", "names no boundary"),
        (FORM, "multipart/form-data; boundary=" + "x" * 500, "names no boundary"),
        (b"", KIND, "before its last boundary"),
        (b"{}", KIND, "before its last boundary"),
        (FORM[:-20], KIND, "before its last boundary"),
        (b"--x-y\r\nno head", KIND, "part 1 of the form has no end"),
        (b"--x-y\r\nA: " + b"a" * 20_000 + b"\r\n\r\n\r\n--x-y--", KIND, "part 1 of the form has no end"),
        (b"--x-y\r\n\r\nv\r\n" * (MAX_PARTS + 1) + b"--x-y--", KIND, "more than 1000 parts"),
    ],
)
def test_what_is_broken_is_said(body: bytes, content_type: str, problem: str) -> None:
    assert problem in (read_form(body, content_type)[1] or "")


def test_a_form_of_very_many_parts_is_read_so_far() -> None:
    part = b'--x-y\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n'
    parts, problem = read_form(part * (MAX_PARTS + 5) + b"--x-y--", KIND)
    assert len(parts) == MAX_PARTS
    assert problem == f"more than {MAX_PARTS} parts in one form"


def test_a_file_that_ends_too_soon_is_kept_as_far_as_it_came() -> None:
    parts, problem = read_form(FORM[: FORM.index(b"\xff") + 1], KIND)
    assert bytes(parts[1].data) == b"\x00\r\n--x-\r\n\xff"
    assert problem is not None


@pytest.mark.parametrize(
    ("content_type", "form"),
    [(KIND, True), ("Multipart/Form-Data;boundary=a", True), ("multipart/mixed; boundary=a", False), ("", False)],
)
def test_only_forms_are_forms(content_type: str, form: bool) -> None:
    assert is_form(content_type) is form


PIECES = st.sampled_from(
    [b"--x-y", b"--", b"\r\n", b"\n", b'Content-Disposition: form-data; name="a', b'"', b";", b":"]
)


@given(st.lists(PIECES | st.binary(max_size=6), max_size=30).map(b"".join), st.sampled_from([KIND, "x", ";boundary=-"]))
def test_nothing_that_is_fed_to_it_raises(body: bytes, content_type: str) -> None:
    parts, _ = read_form(body, content_type)
    assert all(part.text() is not None for part in parts)
    assert sum(len(part.data) for part in parts) <= len(body)


@given(st.lists(st.tuples(st.text("abc[]", min_size=1, max_size=5), st.binary(max_size=20)), min_size=1, max_size=5))
def test_what_is_written_is_read_again(fields: list[tuple[str, bytes]]) -> None:
    request = httpx.Request("POST", "http://h/", files=[(name, ("f", data)) for name, data in fields])
    parts, problem = read_form(request.read(), request.headers["content-type"])
    assert problem is None
    assert [(part.name, bytes(part.data)) for part in parts] == fields
