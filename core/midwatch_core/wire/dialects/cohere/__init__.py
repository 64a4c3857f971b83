"""Cohere's dialects: chat, embed, rerank."""
