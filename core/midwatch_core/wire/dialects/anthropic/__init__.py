"""Anthropic's dialects: messages, batches, counting tokens."""
