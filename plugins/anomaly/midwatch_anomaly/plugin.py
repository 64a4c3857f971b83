"""The plugin."""

from midwatch_anomaly.settings import Settings


class Anomaly:
    """Anomalies in the traffic of LLM calls: what is not as usual, and what repeats itself."""

    Config = Settings

    def __init__(self, config: Settings | None = None) -> None:
        self._settings = config or Settings()
