"""Finds keys, passwords, tokens and private keys in the texts of LLM calls: by format, checksum and structure."""

from midwatch_secrets.plugin import Secrets

__all__ = ["Secrets"]
