"""Alerts of Midwatch in Slack, Teams, Discord, PagerDuty, Opsgenie, Telegram, e-mail and webhooks."""

from midwatch_alerts.plugin import Alerts

__all__ = ["Alerts"]
