"""Calls: their list, one as a conversation, and a trace; as pages and for programs."""
