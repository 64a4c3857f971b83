"""Ollama's dialects."""
