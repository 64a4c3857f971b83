"""A last mask over every text of a message: what has a well-known secret's shape is not sent, whoever put it there."""

import re

HIDDEN = "***"
# Few and obvious. Whoever raises an alert has masked already; this is for the one that forgot.
_SHAPES = re.compile(
    r"""
      -----BEGIN[ ][A-Z ]{0,40}PRIVATE[ ]KEY-----[\s\S]{0,8000}?(?:-----END[ ][A-Z ]{0,40}-----|\Z)
    | \b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,200}
    | \bxox[a-z]-[A-Za-z0-9-]{10,200}
    | \bgh[pousr]_[A-Za-z0-9]{20,255} | \bgithub_pat_[A-Za-z0-9_]{20,255} | \bglpat-[A-Za-z0-9_-]{16,200}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \bAIza[A-Za-z0-9_-]{30,60}
    | \bhf_[A-Za-z0-9]{20,100} | \bwhsec_[A-Za-z0-9+/=]{16,200} | \bmw_[A-Za-z0-9_-]{16,200}
    | \beyJ[A-Za-z0-9_-]{20,4000}(?:\.[A-Za-z0-9_-]{0,4000}){0,2}
    | \bhttps://hooks\.slack\.com/[A-Za-z0-9/_-]{5,200}
    | \bhttps://(?:[a-z]{1,20}\.)?discord(?:app)?\.com/api/webhooks/[A-Za-z0-9/_-]{5,200}
    """,
    re.VERBOSE,
)
# Without any of these there is no shape to look for, and most texts have none.
_HINTS = (
    *("----begin", "sk-", "sk_", "rk-", "rk_", "pk-", "pk_", "xox", "gh", "glpat", "akia", "asia", "aiza", "hf_"),
    *("whsec_", "mw_", "eyj", "slack", "discord"),
)
# A word that names one, and what follows it; after a scheme's word it is long, for `basic` is a word as well.
_NAMED = re.compile(
    r"(\b(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key)[\"']?\s{0,3}[=:]\s{0,3}[\"']?)"
    r"[^\s\"'&,;]{6,4000}|(\b(?:Bearer|Basic|GenieKey)\s{1,3})[^\s\"'&,;]{16,4000}",
    re.IGNORECASE,
)
_NAMES = ("pass", "secret", "token", "key", "bearer", "basic")
_PASSWORD = re.compile(r"(://[^\s:@/]{0,200}:)[^\s@/]{1,500}@")


def mask(text: str) -> str:
    """`text` with what looks like a secret as ***. It takes time in proportion to the text's length."""
    small = text.lower()
    if any(hint in small for hint in _HINTS):
        text = _SHAPES.sub(HIDDEN, text)
    if "://" in small:
        text = _PASSWORD.sub(rf"\1{HIDDEN}@", text)
    if any(name in small for name in _NAMES):
        text = _NAMED.sub(lambda match: f"{match[1] or match[2]}{HIDDEN}", text)
    return text
