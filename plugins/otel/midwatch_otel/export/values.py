"""Python's values as OTLP's."""

from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from midwatch_core import Json


def key_values(attributes: Mapping[str, Json]) -> list[KeyValue]:
    """Attributes; those that are None are none."""
    return [KeyValue(key=name, value=any_value(value)) for name, value in attributes.items() if value is not None]


def any_value(value: Any) -> AnyValue:
    """One value; lists and objects as they are nested. What is of no kind that OTLP has is its text."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=key_values({clean(str(k)): v for k, v in value.items()})))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    return AnyValue(string_value=clean(str(value)))


def clean(text: str) -> str:
    """A text that protobuf can hold: one without lone surrogates."""
    return text.encode("utf-8", "replace").decode()
