"""The file of the published policy in the home: control writes it, all processes go by it."""

from dataclasses import asdict, dataclass

import orjson

from midwatch.home import Home, write_private
from midwatch_core.errors import ConfigError

PUBLISHED = "published"
"""The name of the policy that was published, beside those of shipped ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A policy that was published, as `version` among the versions of its id.

    `stamp` is another for each time that one is published: by it nodes tell whether they have the newest.
    """

    id: str
    version: int
    text: str
    author: str
    stamp: str


def read_published(home: Home) -> Published | None:
    """What was published; None where nothing was. Raises ConfigError for a file that is damaged or can't be read."""
    file = home.published_policy
    try:
        document = orjson.loads(file.read_bytes())
        return Published(
            id=str(document["id"]),
            version=int(document["version"]),
            text=str(document["text"]),
            author=str(document["author"]),
            stamp=str(document["stamp"]),
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(home, str(error.strerror)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise unusable(home, f"damaged ({' '.join(str(error).split())})") from error


def unusable(home: Home, why: str) -> ConfigError:
    """The error of a published policy that can't be used: nothing weaker takes its place unless somebody says so."""
    return ConfigError(
        f"{home.published_policy}: {why}; `policy publish FILE` puts another in its place, and `policy withdraw` goes"
        " back to what the configuration names"
    )


def write_published(home: Home, published: Published) -> None:
    """Replace the file in one step, its owner's alone. Raises OSError."""
    write_private(home.published_policy, orjson.dumps(asdict(published)))


def remove_published(home: Home) -> None:
    """Nothing is published any more. Raises OSError."""
    home.published_policy.unlink(missing_ok=True)
