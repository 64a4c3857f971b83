"""Names of models on Amazon Bedrock as the price list may have them: with less of what AWS puts around a name.

An inference profile of a geography costs what the model costs in the region that it is called from
(docs.aws.amazon.com/bedrock/latest/userguide/cross-region-inference.html), but for models whose profiles the list
prices by name. `global.` ones, and those of GovCloud, have prices of their own: they are looked for as they are.
"""

import re
from collections.abc import Iterator

# `-v1:0` ends a name, and `:200k` after it names a longest context.
_VERSION = re.compile(r"-v\d+(?::\d+(?::\d+k)?)?$")
_GEOGRAPHY = re.compile(r"^(?:us|eu|apac|jp|au|ca|in|il|me|sa|mx|af)\.")
# The list has older models of Anthropic's without their vendor.
_VENDOR = "anthropic."


def spellings(name: str) -> Iterator[str]:
    """`name` and what else it may be listed as, the most telling first."""
    yield from _with_and_without_version(name)
    plain = _GEOGRAPHY.sub("", name)
    if plain != name:
        yield from _with_and_without_version(plain)
    if plain.startswith(_VENDOR):
        yield from _with_and_without_version(plain.removeprefix(_VENDOR))


def _with_and_without_version(name: str) -> Iterator[str]:
    yield name
    if (short := _VERSION.sub("", name)) != name:
        yield short
