"""Values that stand where a secret would stand and are none: each filter is a plain function of the value."""

import math
import re
from collections import Counter

# Whole values of documentation, samples and local development, compared without case and without separators.
_SAMPLES = (
    "accesskey accesstoken admin admin123 apikey apikeyhere apitoken bearertoken changeit changeme changethis "
    "clientsecret credentials default demo dummy dummykey dummytoken empty example examplekey fake fakekey false "
    "fixme foo foobar guest hidden insert insertkeyhere letmein localhost masked minioadmin mock mypassword mypass "
    "mysecret mysql nil none null pass passwd password password1 password123 passphrase placeholder postgres private "
    "public qwerty rabbitmq redacted replace replaceme replacethis required root sample sanitized sa secret "
    "secret123 secretkey secrettoken string stub supersecret test test123 testing testkey testpassword testsecret "
    "testtoken tiger tobechanged todo token true undefined unknown unset user username value xxx yourapikey yourkey "
    "yourpassword yoursecret yourtoken 123456 12345678 1234567890 "
)
_WORDS = frozenset(_SAMPLES.split(" ")) - {""}
# Words that, anywhere in a value, say that it is one for show.
_TELLING = re.compile(
    r"example|placeholder|changeme|change[-_.]?me|replace[-_.]?(?:me|this|with)|redacted|your[-_.]|[-_.]here\b"
    r"|\binsert[-_.]|\bdummy|[-_]dummy|fake[-_.]|[-_.]fake|sample[-_.]|xxxx|\*\*\*|\.\.\.|…|###|____",
    re.IGNORECASE,
)
_SEQUENCE = re.compile(r"123456789|abcdefgh|qwertyui|deadbeef|cafebabe", re.IGNORECASE)
# What templates, shells and programs put there: ${VAR}, {{ var }}, <token>, %VAR%, $(cmd), [KEY], process.env.X, f(x)
_REFERENCE = re.compile(
    r"^\$[\w{(]|\$\{|\{\{|\}\}|^\{[^{}]*\}$|^<[^<>]*>?$|^%[\w()]+%?[sd]?$|^\[[^\]]*\]?$|^@[\w.{]|^!\w+|^__\w+__$"
    r"|^(?:os|process|env|import|config|settings|self|this|secrets|vault|var|local|data|ctx|args|opts|options|params"
    r"|request|req|user|props|state|credentials)\.|^[A-Za-z_][\w.]*\(|\(\)|^(?:op|vault|ssm|arn|env|file|ref|keyring):"
)
_UUID = re.compile(r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")
_SEPARATORS = re.compile(r"[-_.\s]")
_WORDY = re.compile(r"^[A-Za-z]+(?:[-_./: ]+[A-Za-z]+)*$")


def entropy(value: str) -> float:
    """Shannon entropy in bits a character (0 for an empty text)."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values()) if size else 0.0


def is_placeholder(value: str) -> bool:
    """Whether a value is one that documentation and samples use (`changeme`, `your-api-key`, `xxxx`)."""
    return _SEPARATORS.sub("", value).lower() in _WORDS or bool(_TELLING.search(value)) or is_repetitive(value.lower())


def is_reference(value: str) -> bool:
    """Whether a value names where the secret comes from (`${VAR}`, `<token>`, `process.env.KEY`, `get()`)."""
    return bool(_REFERENCE.search(value))


def is_repetitive(value: str) -> bool:
    """Whether a value is one short piece over and over, or has a run of six equal characters."""
    if re.search(r"(.)\1{5}", value):
        return True
    return len(value) >= 6 and any(value == (value[:n] * len(value))[: len(value)] for n in range(1, 4))


def is_sequential(value: str) -> bool:
    """Whether a value has a run of the keyboard or the alphabet in it, as made-up values do."""
    return bool(_SEQUENCE.search(value))


def is_uuid(value: str) -> bool:
    """Whether a value is a UUID as RFC 9562 writes it."""
    return bool(_UUID.match(value))


def is_wordy(value: str) -> bool:
    """Whether a value is letters with separators only: words, names, paths, identifiers."""
    return bool(_WORDY.match(value))


def is_mixed(value: str) -> bool:
    """Whether a value has a letter and also a digit or a character that names do not have."""
    return any(c.isalpha() for c in value) and any(not c.isalpha() and c not in "-_./: " for c in value)
