"""Single values of messages in the model's types. Whatever a message may hold, UnreadableError is all they raise."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from midwatch_core import Json
from midwatch_grpc.errors import UnreadableError

# Longer ones are no price.
_COST_CHARACTERS = 40
# Above it, a double has no longer every whole number.
_WHOLE = 2**53


def optional(message: Any, field: str) -> Any:
    """A field's value, None where it is not set."""
    return getattr(message, field) if message.HasField(field) else None


def moment(message: Any, field: str) -> datetime | None:
    """A google.protobuf.Timestamp, to the microsecond; None where it is not set."""
    if not message.HasField(field):
        return None
    try:
        found: datetime = getattr(message, field).ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"{field}: not a moment between the years 1 and 9999") from error
    return found


def milliseconds(message: Any, field: str) -> float | None:
    """A duration, None where it is not set."""
    return duration(getattr(message, field), field) if message.HasField(field) else None


def duration(value: float, field: str) -> float:
    """A duration that can be: finite, and not below zero."""
    if not 0 <= value < math.inf:
        raise UnreadableError(f"{field}: not a duration")
    return value


def dollars(message: Any, field: str) -> Decimal | None:
    """An amount written in decimal, None where it is not set."""
    if not message.HasField(field):
        return None
    text = getattr(message, field)
    try:
        amount = Decimal(text) if len(text) <= _COST_CHARACTERS else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or not -30 <= amount.adjusted() <= 15:
        raise UnreadableError(f'{field}: not an amount of dollars such as "0.00042"')
    return amount


def word[Word](words: Mapping[int, Word], number: int, field: str, *, unspecified: Word) -> Word:
    """The model's word for a number; `unspecified` for 0."""
    if number == 0:
        return unspecified
    found = words.get(number)
    if found is None:
        raise UnreadableError(f"{field}: {number} is none of its values")
    return found


def struct(message: Any, field: str) -> dict[str, Json]:
    """A google.protobuf.Struct as JSON's values. How deep it may be, the parser has seen to."""
    return {key: _value(value, field) for key, value in getattr(message, field).fields.items()}


def _value(value: Any, field: str) -> Json:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {key: _value(item, field) for key, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_value(item, field) for item in value.list_value.values]
    if kind == "number_value":
        return _number(value.number_value, field)
    if kind == "string_value":
        return str(value.string_value)
    return bool(value.bool_value) if kind == "bool_value" else None


def _number(value: float, field: str) -> int | float:
    """A number as it was before it became a double: whole ones are written without a point."""
    if not math.isfinite(value):
        raise UnreadableError(f"{field}: a number that JSON does not have")
    return int(value) if value.is_integer() and abs(value) <= _WHOLE else value
