"""In-memory repositories of Midwatch."""
