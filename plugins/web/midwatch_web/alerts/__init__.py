"""Alerts: what goes on and who sees to it, where it was told of, and the link by which one is taken on without a key.

The counterpart is `Host.alerts`, control's desk, and its outbox.
"""
