"""Bodies that nobody reads: sound and pictures are counted, and not kept."""

from midwatch_core.model.content import Json

_KINDS = ("audio/", "image/", "video/")
_OMITTED = "$omitted"


def is_binary(content_type: str) -> bool:
    """Whether a body of this content type has no text in it."""
    return content_type.strip().lower().startswith(_KINDS)


def omitted(size: int) -> Json:
    """What stands for so many bytes in a document, in the words of skeletons (see `sealing`)."""
    return {_OMITTED: size}


def omitted_bytes(document: Json) -> int:
    """How many bytes `document` stands for; 0 where it is another document."""
    if isinstance(document, dict) and len(document) == 1 and type(size := document.get(_OMITTED)) is int:
        return size
    return 0
