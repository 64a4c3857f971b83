"""The predecessor's paths: who moves from LLMTrace finds answers of the shapes its clients read.

Shapes: https://github.com/epappas/llmtrace/blob/main/docs/guides/API.md and the types of its `llmtrace-core`. All are
deprecated: each answer names what takes its place.
"""
