"""The file of clients that refused our certificate: control writes it, workers and `doctor` read it."""

import orjson

from midwatch.home import Home, write_private
from midwatch_core.errors import ConfigError
from midwatch_core.pins import Pins, pin_of, pin_row


def read_pinned(home: Home) -> Pins:
    """What control wrote last; nothing where it never did. Raises ConfigError for a file that is damaged."""
    try:
        document = orjson.loads(home.pinned.read_bytes())
        return Pins(pin_of(row) for row in document["pinned"])
    except FileNotFoundError:
        return Pins()
    except OSError as error:
        raise ConfigError(f"{home.pinned}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{home.pinned}: damaged ({error}); it can be deleted") from error


def write_pinned(home: Home, pins: Pins) -> None:
    """Replace the file in one step. Raises OSError."""
    write_private(home.pinned, orjson.dumps({"pinned": [pin_row(pin) for pin in pins.all()]}))
