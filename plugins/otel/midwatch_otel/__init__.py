"""OpenTelemetry for Midwatch: GenAI spans in, exchanges and metrics out."""
