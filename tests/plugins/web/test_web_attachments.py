"""What was sent along beside texts, by each provider's own words."""

from typing import Any

import pytest

from midwatch_web.calls.attachments import Attachment, attachments_of

DATA: dict[str, Any] = {"$omitted": 4000}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": DATA}},
            Attachment(kind="image", path="", size_bytes=3000),
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            Attachment(kind="image", path="", address="https://example.com/a.png"),
        ),
        (
            {"type": "input_image", "image_url": DATA},
            Attachment(kind="image", path="", size_bytes=3000),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
            Attachment(kind="audio", path="", media_type="wav", size_bytes=3000),
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": DATA}},
            Attachment(kind="file", path="", name="a.pdf", size_bytes=3000),
        ),
        (
            {"type": "input_file", "file_id": "file-1"},
            Attachment(kind="file", path="", address="file-1"),
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
            Attachment(kind="image", path="", media_type="image/png", size_bytes=3000),
        ),
        (
            {
                "type": "document",
                "title": "Terms",
                "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
            },
            Attachment(kind="file", path="", media_type="application/pdf", name="Terms", size_bytes=3000),
        ),
        (
            {"inlineData": {"mimeType": "audio/mp3", "data": DATA}},
            Attachment(kind="audio", path="", media_type="audio/mp3", size_bytes=3000),
        ),
        (
            {"file_data": {"mime_type": "video/mp4", "file_uri": "gs://b/v.mp4"}},
            Attachment(kind="video", path="", media_type="video/mp4", address="gs://b/v.mp4"),
        ),
        (
            {"image": {"format": "jpeg", "source": {"bytes": DATA}}},
            Attachment(kind="image", path="", media_type="jpeg", size_bytes=3000),
        ),
        (
            {"document": {"format": "pdf", "name": "report", "source": {"bytes": DATA}}},
            Attachment(kind="file", path="", media_type="pdf", name="report", size_bytes=3000),
        ),
    ],
    ids=[
        "openai-image",
        "openai-image-by-address",
        "responses-image",
        "openai-audio",
        "openai-file",
        "responses-file-by-id",
        "anthropic-image",
        "anthropic-document",
        "gemini-inline",
        "gemini-by-address",
        "bedrock-image",
        "bedrock-document",
    ],
)
def test_each_shape_is_known(item: dict[str, Any], expected: Attachment) -> None:
    (found,) = attachments_of({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, item]}]})
    assert found == Attachment(
        kind=expected.kind,
        path="/messages/0/content/1",
        media_type=expected.media_type,
        name=expected.name,
        size_bytes=expected.size_bytes,
        address=expected.address,
    )


def test_ollama_sends_pictures_in_a_list() -> None:
    found = attachments_of({"messages": [{"content": {"$text": "h"}, "images": [DATA, DATA]}]})
    assert [(item.kind, item.size_bytes) for item in found] == [("image", 3000), ("image", 3000)]


@pytest.mark.parametrize(
    "body",
    [
        None,
        "text",
        {"tools": [{"type": "function", "parameters": {"properties": {"image": {"type": "image"}}}}]},
        {"messages": [{"content": [{"type": "tool_use", "input": {"file": {"name": "x", "format": "y"}}}]}]},
        {"messages": [{"content": [{"type": "document", "source": {"type": "text", "data": {"$text": "h"}}}]}]},
    ],
    ids=["nothing", "no-object", "a-schema", "arguments", "plain-text"],
)
def test_what_is_no_attachment_is_none(body: Any) -> None:
    assert attachments_of(body) == ()


def test_many_and_deep_ones_are_bounded() -> None:
    assert len(attachments_of([{"type": "image", "source": {"data": DATA}}] * 1000)) == 50
    assert len(attachments_of({"k" * 1_000_000: [{"x": {}}] * 30_000})) == 0  # no path has the key again
    deep: Any = {"type": "image"}
    for _ in range(5000):
        deep = [deep]
    assert attachments_of(deep) == ()
