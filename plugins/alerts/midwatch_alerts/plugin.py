"""The plugin."""

from midwatch_alerts.settings import Settings


class Alerts:
    """Alerts of Midwatch in Slack, Teams, Discord, PagerDuty, Opsgenie, Telegram, e-mail and webhooks."""

    Config = Settings

    def __init__(self, config: Settings | None = None) -> None:
        self._settings = config or Settings()
