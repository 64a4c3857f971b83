"""Processes that belong to another: spoken to over pipes, watched, and gone with their owner.

Whoever runs code that may hang, die or swell (the scan pool, a model) runs it in one.
"""
