"""Spans in: read from OTLP, understood in every convention's words, told to the intake as calls."""
