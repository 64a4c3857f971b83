"""Credentials inside bodies: keys of MCP servers and the like travel in JSON too, and must not be kept."""

from midwatch_core.model.content import Json

LEFT_OUT = "[credential left out]"
# Members that hold a credential wherever they stand in a provider's JSON.
_MEMBERS = frozenset(
    {
        "access_token",
        "api_key",
        "apikey",
        "authorization",
        "authorization_token",
        "client_secret",
        "cookie",
        "password",
        "proxy-authorization",
        "refresh_token",
        "x-api-key",
        "x-goog-api-key",
    }
)
_MAX_DEPTH = 64


def without_credential(key: str, value: Json) -> Json:
    """A member's value, or what stands for it: credentials by name, and whatever a tool server's headers carry.

    A credential is a string: a schema may describe a member of such a name by an object.
    """
    if type(value) is str:
        return LEFT_OUT if key.lower() in _MEMBERS else value
    if type(value) is dict and key == "headers":
        return {name: LEFT_OUT if type(item) is str else item for name, item in value.items()}
    return value


def without_credentials(value: Json, depth: int = 0) -> Json:
    """The same for all members of a value, however deep."""
    if depth >= _MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {key: without_credentials(without_credential(key, item), depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [without_credentials(item, depth + 1) for item in value]
    return value
