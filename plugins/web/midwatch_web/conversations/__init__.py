"""Conversations: their list, and one as a thread of turns; as pages and for programs."""
