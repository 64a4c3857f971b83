"""SQLite (and PostgreSQL) repositories of Midwatch."""
