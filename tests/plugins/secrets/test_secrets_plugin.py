"""The plugin on texts: what it finds, where, once; and what it leaves alone."""

import base64
import hashlib
import random
import string
import uuid

import pytest
from pydantic import ValidationError

from midwatch_core import Detection, Part, Text
from midwatch_secrets import Secrets
from midwatch_secrets.checksums import crc32_base62

_ALNUM = string.ascii_letters + string.digits
_SECRETS = Secrets()


def _drawn(size: int, letters: str = _ALNUM, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices(letters, k=size))


def _found(text: str, part: Part = Part.USER, plugin: Secrets = _SECRETS) -> list[Detection]:
    return plugin.inspect_text(Text(text), part)


def _hex(size: int) -> str:
    return _drawn(size, "0123456789abcdef")


_BODY = _drawn(30)
_KEYS = {
    "llm-providers/openai-key": "sk-" + "proj-" + _drawn(64),
    "llm-providers/sk-key": "sk-" + _drawn(48),
    "llm-providers/anthropic-key": "sk-" + "ant-api03-" + _drawn(95),
    "llm-providers/google-api-key": "AI" + "za" + _drawn(35),
    "llm-providers/groq-key": "gs" + "k_" + _drawn(52),
    "llm-providers/xai-key": "xa" + "i-" + _drawn(80),
    "llm-providers/huggingface-token": "h" + "f_" + _drawn(34),
    "llm-providers/replicate-token": "r" + "8_" + _drawn(37),
    "cloud/aws-access-key-id": "AK" + "IA" + _drawn(16, "ABCDEFGHJKLMNPQRSTUVWXYZ234567"),
    "source-control/github-pat": "gh" + "p_" + _BODY + crc32_base62(_BODY),
    "source-control/github-token-unchecked": "gh" + "p_" + _BODY + "ZyZyXw",
    "source-control/npm-token": "np" + "m_" + _BODY + crc32_base62(_BODY),
    "source-control/gitlab-pat": "gl" + "pat-" + _drawn(20),
    "messaging/slack-bot-token": "xo"
    + "xb-"
    + _drawn(12, string.digits)
    + "-"
    + _drawn(12, string.digits)
    + "-"
    + _drawn(24),
    "messaging/sendgrid-key": "S" + "G." + _drawn(22) + "." + _drawn(43),
    "payment/stripe-live-key": "sk" + "_live_" + _drawn(24),
}


@pytest.mark.parametrize(("rule", "value"), _KEYS.items(), ids=_KEYS)
@pytest.mark.parametrize(
    "frame", ["{}", "My key is {}. Use it.", '{{"apiKey": "{}"}}', "export API_KEY={}\n", "é→ `{}`", "curl -H 'k: {}'"]
)
def test_a_key_is_found_once_and_exactly(rule: str, value: str, frame: str) -> None:
    text = frame.format(value)
    (one,) = _found(text)
    assert one.rule == f"secrets/{rule}"
    assert text[one.start : one.end] == value
    assert (one.category, one.owasp) == ("secret", ("LLM02:2025",))


def test_two_keys_side_by_side_are_two_findings() -> None:
    first, second = _KEYS["payment/stripe-live-key"], _KEYS["llm-providers/groq-key"]
    assert [(d.kind) for d in _found(f"{first} {second}")] == ["STRIPE_KEY", "GROQ_KEY"]


def test_passwords_in_their_places() -> None:
    word = "Zk3v" + "Q9tLr2Wm"
    for text in (
        f"postgres://app:{word}@db.internal:5432/app",
        f"https://deploy:{word}@git.internal/app.git",
        f'db_password = "{word}"',
        f"A=1\nDB_PASSWORD={word}\nB=2",
        f"Server=db;User Id=app;Password={word};",
        f"PGPASSWORD={word} psql",
    ):
        assert [text[d.start : d.end] for d in _found(text)] == [word], text


def test_a_key_behind_invisible_characters_is_found() -> None:
    key = _KEYS["llm-providers/openai-key"]
    assert [d.kind for d in _found(key[:9] + "\u200b" + key[9:])] == ["OPENAI_KEY"]


_IMAGE = base64.b64encode(random.Random(3).randbytes(6000)).decode()
_BENIGN = {
    "uuids": "\n".join(str(uuid.UUID(int=random.Random(n).getrandbits(128), version=4)) for n in range(300)),
    "git log": "\n".join(f"commit {hashlib.sha1(bytes([n])).hexdigest()}\n    Fix key {n}" for n in range(99)),
    "hashes": "\n".join(f"{hashlib.sha256(bytes([n])).hexdigest()}  file{n}.tar.gz" for n in range(99)),
    "image": f"<img src='data:image/png;base64,{_IMAGE}'>",
    "css": "a { color: #a1b2c3; background: #DEADBE } .token-key { --primary-key: #00ff7f }",
    "npm lock": "".join(
        f'"node_modules/p{n}": {{"version": "1.{n}.0", "resolved": "https://registry.example.org/p/-/p-1.{n}.0.tgz", '
        f'"integrity": "sha512-{base64.b64encode(hashlib.sha512(bytes([n])).digest()).decode()}"}},\n'
        for n in range(99)
    ),
    "python lock": "\n".join(f"dep{n}==1.0 --hash=sha256:{hashlib.sha256(bytes([n])).hexdigest()}" for n in range(99)),
    "cargo lock": "\n".join(f'name = "x{n}"\nchecksum = "{hashlib.sha256(bytes([n])).hexdigest()}"' for n in range(99)),
    "code": "password = input('Password: ')\ntoken = tokenizer.encode(text)\napi_key = os.environ['OPENAI_API_KEY']\n"
    "def f(password: str, secret_key=None): self.password = hash_password(password)\nkey = keys[0]; pwd = os.getcwd()\n"
    "const accessToken = await getAccessToken(clientId);\nclient_secret=client_secret_from_environment\n"
    'if (password !== "") { setPassword(event.target.value) }\nPWD=/home/ada/projects/app\n',
    "docs": "Set OPENAI_API_KEY=sk-... or sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; AWS: AKIAIOSFODNN7EXAMPLE and "
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY. Authorization: Bearer <token>. password: your-password. "
    "postgres://user:password@localhost:5432/db, redis://localhost:6379, https://user:pass@example.com.\n",
    "prose": "The password is case-sensitive. Your token is valid for 30 minutes; the secret to success is hard work. "
    "Reset your password: at least 12 characters. A private key is never shared. Max tokens: 4096.",
    "ids": "request id req_011CSHoEeqs5C35K2UUqR7Fy, chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVwXyZ01, call_abc123"
    ", toolu_01A09q90qw",
    "publishable": 'trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7, etag W/"33a64df551425fcc55e4d42a14"',
}


@pytest.mark.parametrize("text", _BENIGN.values(), ids=_BENIGN)
def test_look_alikes_are_left_alone(text: str) -> None:
    assert [(d.rule, text[d.start : d.end]) for d in _found(text)] == []


def test_the_user_allows_by_hash_and_by_pattern() -> None:
    key = _KEYS["llm-providers/groq-key"]
    by_hash = Secrets(Secrets.Config(allow_hashes=(hashlib.sha256(key.encode()).hexdigest(),)))
    by_pattern = Secrets(Secrets.Config(allow=("gsk_.*",)))
    other = _KEYS["llm-providers/xai-key"]
    for plugin in (by_hash, by_pattern):
        assert _found(key, plugin=plugin) == []
        assert [d.kind for d in _found(f"{key} {other}", plugin=plugin)] == ["XAI_KEY"]


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValidationError, match="no RE2 pattern"):
        Secrets.Config(allow=("(",))
    with pytest.raises(ValidationError, match="SHA-256"):
        Secrets.Config(allow_hashes=("abc",))


@pytest.mark.parametrize("part", list(Part))
def test_every_part_is_inspected(part: Part) -> None:
    assert [d.kind for d in _found(_KEYS["llm-providers/replicate-token"], part)] == ["REPLICATE_TOKEN"]
