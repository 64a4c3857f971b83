"""JSON inside attributes: read where it is some, a text where it is not."""

import orjson

from midwatch_core import Json


def opened(value: Json) -> Json:
    """The object or array that a text holds; any other value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            found: Json = orjson.loads(value)
        except ValueError:
            return value
        return found
    return value


def written(value: Json) -> str:
    """A value as a text: a string as it is, anything else as compact JSON, nothing for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # nested deeper than its writer goes, and than anything a call says
        return ""
